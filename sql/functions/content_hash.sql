-- A canonical hash of a table's rows: the same whatever their order, the server's version or its
-- settings. Each row is hashed (md5 of its text); the two 64-bit halves are summed over all rows,
-- which needs no sort and no memory. OFFSET '0' has each row hashed once for both halves; written
-- as 0, it would also keep the server from sharing the work among processes. It proves equality of
-- two results of our own; it is not meant to resist an adversary.
CREATE OR REPLACE FUNCTION geodata.content_hash(target regclass) RETURNS text
LANGUAGE plpgsql STABLE
SET extra_float_digits = 1 SET DateStyle = 'ISO, YMD' SET TimeZone = 'UTC' SET bytea_output = 'hex'
AS $$
DECLARE
    half   text := 'lpad(to_hex(mod(coalesce(sum((''x'' || %s(h, 16))::bit(64)::bigint), 0),'
                   ' 9223372036854775807)::bigint), 16, ''0'')';
    answer text;
BEGIN
    EXECUTE format(
        'SELECT %s || %s || ''-'' || count(*) FROM (SELECT %s AS h FROM %s OFFSET ''0'') AS hashed',
        format(half, 'left'), format(half, 'right'), geodata.row_hash(target), target)
    INTO answer;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION geodata.content_hash(regclass)
    IS 'Canonical hash of a table: 32 hexadecimal digits, a hyphen and the number of rows.';
