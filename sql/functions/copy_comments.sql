-- The rules of a table's columns, copied to the columns of the same names in another table that
-- have no comment yet: what was said of a column when it was loaded is said of it when it is
-- published. A comment that only tells the origin of a column describes nothing and is not copied;
-- nor is one to a column of another kind (a number of that name where the rule is of a text), which
-- was computed and must be described for itself.
CREATE OR REPLACE FUNCTION geodata.copy_comments(source regclass, target regclass) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    described record;
    copied    integer := 0;
BEGIN
    FOR described IN
        SELECT t.attname AS name, col_description(source, s.attnum) AS comment
          FROM pg_attribute s
          JOIN pg_attribute t ON t.attrelid = target AND t.attname = s.attname
          JOIN pg_type given ON given.oid = s.atttypid
          JOIN pg_type made ON made.oid = t.atttypid AND made.typcategory = given.typcategory
         WHERE s.attrelid = source AND s.attnum > 0 AND t.attnum > 0
           AND NOT s.attisdropped AND NOT t.attisdropped
           AND col_description(source, s.attnum) LIKE '%[unit:%'
           AND col_description(target, t.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', target, described.name, described.comment);
        copied := copied + 1;
    END LOOP;
    RETURN copied;
END
$$;
COMMENT ON FUNCTION geodata.copy_comments(regclass, regclass)
    IS 'Copies the rules of columns between tables, by name; returns how many.';
