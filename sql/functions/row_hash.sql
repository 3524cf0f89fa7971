-- The hash of one row as an SQL expression over a table's columns: what content_hash sums up and
-- row_digests tells by key. Whoever evaluates it sets extra_float_digits, DateStyle, TimeZone and
-- bytea_output as they do, for a row's text depends on them. The number of its edition, which a
-- table bears on its shelf, is no part of a row.
CREATE OR REPLACE FUNCTION geodata.row_hash(target regclass) RETURNS text
LANGUAGE sql STABLE
AS $$
SELECT format('md5(ROW(%s)::text)', string_agg(quote_ident(attname), ', ' ORDER BY attnum))
  FROM pg_attribute WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
   AND attname <> '_edition'
$$;
COMMENT ON FUNCTION geodata.row_hash(regclass)
    IS 'Expression of the hash of one row of a table: md5 of the text of all its columns but _edition.';
