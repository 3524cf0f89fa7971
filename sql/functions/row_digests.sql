-- The rows of a table by the columns given (its key, or the first part of it), in the byte order of
-- their text: how many rows each has, and the sum of the first 64 bits of their hashes, which is
-- another when any of these rows is. All digests of a table add up to the first half of its
-- content_hash of the same version. OFFSET '0' as there: hashes are made before the sort, which then
-- moves 64 bits a row and not all columns. Where the columns hold the table's primary key, nothing
-- has to be added up.
CREATE OR REPLACE FUNCTION geodata.row_digests(target regclass, columns text[], version integer)
RETURNS TABLE (key text[], digest bigint, row_count bigint)
LANGUAGE plpgsql STABLE
SET extra_float_digits = 1 SET DateStyle = 'ISO, YMD' SET TimeZone = 'UTC' SET bytea_output = 'hex'
AS $$
DECLARE
    texts  text;
    places text;
    single boolean;
BEGIN
    SELECT string_agg(format('%I::text COLLATE "C" AS k%s', name, place), ', ' ORDER BY place),
           string_agg(format('k%s', place), ', ' ORDER BY place)
      INTO texts, places
      FROM unnest(columns) WITH ORDINALITY AS given (name, place);
    SELECT EXISTS (SELECT FROM pg_index
                    WHERE indrelid = target AND indisprimary
                      AND NOT EXISTS (SELECT FROM pg_attribute
                                       WHERE attrelid = target AND attnum = ANY (indkey)
                                         AND attname <> ALL (columns)))
      INTO single;
    RETURN QUERY EXECUTE format(
        CASE WHEN single
             THEN 'SELECT ARRAY[%1$s], mod(h, 9223372036854775807), 1::bigint'
                  ' FROM (%2$s) AS hashed ORDER BY %1$s'
             ELSE 'SELECT ARRAY[%1$s], mod(sum(h), 9223372036854775807)::bigint, count(*)'
                  ' FROM (%2$s) AS hashed GROUP BY %1$s ORDER BY %1$s' END,
        places,
        format('SELECT %s, (''x'' || left(%s, 16))::bit(64)::bigint AS h FROM %s OFFSET ''0''',
               texts, geodata.row_hash(target, version), target));
END
$$;
COMMENT ON FUNCTION geodata.row_digests(regclass, text[], integer)
    IS 'Digest and number of the rows of a table for each value of some columns, sorted by their'
    ' text.';
