-- A canonical hash of a table's rows: the same whatever their order, the server's version or its
-- settings. Each row is hashed (md5 of its text); the two 64-bit halves are summed over all rows,
-- which needs no sort and no memory. OFFSET '0' has each row hashed once for both halves; written
-- as 0, it would also keep the server from sharing the work among processes. It proves equality of
-- two results of our own; it is not meant to resist an adversary.
--
-- A hash names the version by which rows were hashed (row_hash), none for the first: those of two
-- versions say nothing of each other.
CREATE OR REPLACE FUNCTION geodata.content_hash(target regclass, version integer) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET extra_float_digits = 1 SET DateStyle = 'ISO, YMD' SET TimeZone = 'UTC' SET bytea_output = 'hex'
AS $$
DECLARE
    half   text := 'lpad(to_hex(mod(coalesce(sum((''x'' || %s(h, 16))::bit(64)::bigint), 0),'
                   ' 9223372036854775807)::bigint), 16, ''0'')';
    answer text;
BEGIN
    EXECUTE format(
        'SELECT %s || %s || ''-'' || count(*) FROM (SELECT %s AS h FROM %s OFFSET ''0'') AS hashed',
        format(half, 'left'), format(half, 'right'), geodata.row_hash(target, version), target)
    INTO answer;
    RETURN answer || CASE WHEN version > 1 THEN '-v' || version ELSE '' END;
END
$$;
COMMENT ON FUNCTION geodata.content_hash(regclass, integer)
    IS 'Canonical hash of a table: 32 hexadecimal digits, the number of rows, the version from 2 on.';

-- As code of before version 2 asks, which may run beside today's during an upgrade.
CREATE OR REPLACE FUNCTION geodata.content_hash(target regclass) RETURNS text
LANGUAGE sql STABLE STRICT
AS 'SELECT geodata.content_hash(target, 1)';
COMMENT ON FUNCTION geodata.content_hash(regclass)
    IS 'Canonical hash of a table by the first version.';

CREATE OR REPLACE FUNCTION geodata.hash_version(content_hash text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT
AS $$SELECT coalesce(substring(content_hash FROM '-v(\d+)$')::integer, 1)$$;
COMMENT ON FUNCTION geodata.hash_version(text)
    IS 'The version by which a content hash was made.';
