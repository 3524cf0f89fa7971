-- Locks views against readers, those that most sessions hold first, else in any order. LOCK TABLE
-- would lock the tables that they read as well; an option that no view of ours has is taken away.
CREATE OR REPLACE FUNCTION geodata.lock_views(views text[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE view regclass;
BEGIN
    FOR view IN
        SELECT c.oid
          FROM unnest(views) AS name
          JOIN pg_class c ON c.oid = to_regclass(name) AND c.relkind = 'v'
         ORDER BY (SELECT count(*) FROM pg_locks l WHERE l.relation = c.oid) DESC, random()
    LOOP
        EXECUTE format('ALTER VIEW %s RESET (check_option)', view);
    END LOOP;
END
$$;
COMMENT ON FUNCTION geodata.lock_views(text[])
    IS 'Locks views in ACCESS EXCLUSIVE mode until the end of the transaction, not what they read.';
