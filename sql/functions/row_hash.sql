-- The hash of one row as an SQL expression over a table's columns: what content_hash sums up and
-- row_digests tells by key. Whoever evaluates it sets extra_float_digits, DateStyle, TimeZone and
-- bytea_output as they do, for a row's text depends on them. The number of its edition, which a
-- table bears on its shelf, is no part of a row. Version 1 took the text of geometries, version 2
-- takes the md5 of their bytes, in a fifth of the time; manifests of either stay proved.
CREATE OR REPLACE FUNCTION geodata.row_hash(target regclass, version integer) RETURNS text
LANGUAGE plpgsql STABLE STRICT
AS $$
BEGIN
    IF version NOT IN (1, 2) THEN
        RAISE 'Rows were expected to be hashed by version 1 or 2, found %: newer code has made'
              ' that hash, so run that code.', version;
    END IF;
    RETURN (SELECT format('md5(ROW(%s)::text)', string_agg(format(
                       CASE WHEN version = 2 AND typname = 'geometry' THEN 'md5(%I::bytea)'
                            ELSE '%I' END, attname), ', ' ORDER BY attnum))
              FROM pg_attribute
              JOIN pg_type ON pg_type.oid = atttypid
             WHERE attrelid = target AND attnum > 0 AND NOT attisdropped AND attname <> '_edition');
END
$$;
COMMENT ON FUNCTION geodata.row_hash(regclass, integer)
    IS 'Expression of the hash of one row of a table: md5 of the text of all its columns but'
    ' _edition, of geometries (version 2) that of the md5 of their bytes.';
