"""The SQL statements of shelves and their readers, by what they do."""

# What a session of another role does is told only to members of pg_read_all_stats.
SELECT_HOLDERS = """
SELECT l.pid, l.virtualtransaction AS transaction, a.usename, a.state,
       nullif(a.application_name, '') AS application,
       coalesce(a.xact_start, a.state_change) AS since, a.xact_start AS began,
       bool_or(l.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) AS reads
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'relation' AND l.pid <> pg_backend_pid() AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation IN (SELECT to_regclass(name) FROM unnest(%(relations)s::text[]) AS name)
 GROUP BY 1, 2, 3, 4, 5, 6, 7
 ORDER BY since, l.pid
"""
# Columns in their order, which must be those of a shelf for its views to read an edition there.
SELECT_SHAPE = """
SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod),
                            attcollation::regcollation), ', ' ORDER BY attnum) AS shape,
       array_agg(attname::text) FILTER (WHERE attnotnull) AS filled
  FROM pg_attribute
 WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
   AND attname <> '_edition'
"""
SELECT_SHELF_OF = """
SELECT format('"%%s"."%%s"', n.nspname, c.relname) AS shelf, i.inhdetachpending AS leaving
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhparent AND c.relkind = 'p'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE i.inhrelid = to_regclass(%(table)s)
"""
SELECT_LEAVING = """
SELECT inhrelid::regclass::text AS table_name
  FROM pg_inherits WHERE inhparent = to_regclass(%(shelf)s) AND inhdetachpending
"""
# How many values there are is told as a share of the rows where they are many for these.
SELECT_IS_KNOWN = """
SELECT FROM pg_stats s
  JOIN pg_namespace n ON n.nspname = s.schemaname
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
 WHERE c.oid = to_regclass(%(shelf)s) AND s.inherited AND s.attname = '_edition'
   AND round(CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * c.reltuples ELSE s.n_distinct END)
       >= %(by)s
"""
SELECT_SHELVED = """
SELECT e.schema_name, l.layer,
       EXISTS (SELECT FROM catalog.shelved_edition s
                WHERE s.dataset = e.dataset AND s.number = e.number) AS known
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
 WHERE e.dataset = %(dataset)s AND e.number = %(number)s
 ORDER BY l.layer
"""
# What a transaction under way is shown, or may be by an older snapshot, if it began before the next
# showing; not if it began before this one too. Of one that may not be looked at, nothing is known.
SELECT_SUPERSEDED = """
WITH under_way AS (
    SELECT l.virtualtransaction AS transaction, a.xact_start AS began, age(a.backend_xmin) AS age
      FROM pg_locks l
      JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'virtualxid' AND l.granted AND l.mode = 'ExclusiveLock'
       AND l.pid <> pg_backend_pid() AND a.datname = current_database()
       AND coalesce(a.backend_type, 'client backend') = 'client backend'
), showings AS (
    SELECT id, at, since, lead(at) OVER views AS next_at, lead(since) OVER views AS next_since
      FROM catalog.showing
    WINDOW views AS (PARTITION BY view_schema, view_name ORDER BY id)
)
SELECT s.id, coalesce(array_agg(u.transaction) FILTER (WHERE u.transaction IS NOT NULL),
                      ARRAY[]::text[]) AS transactions
  FROM showings s
  LEFT JOIN under_way u
    ON (u.began IS NULL OR u.began < s.next_at OR u.age >= age(s.next_since::xid))
   AND NOT coalesce(u.began < s.at AND coalesce(u.age >= age(s.since::xid), true), false)
 WHERE s.next_at IS NOT NULL
 GROUP BY s.id
"""
DELETE_SHOWINGS = "DELETE FROM catalog.showing WHERE id = ANY (%s)"
SELECT_SHOWINGS_OF = """
SELECT count(*) AS number FROM catalog.showing WHERE shelf = %(shelf)s AND number = %(number)s
"""
# One moment for all views of a switch, so that no statement sees two editions; never before the
# edition is known to all who begin, nor before an earlier switch, wherever the clock was set.
SELECT_SHOWN_AT = """
greatest(now(),
         (SELECT known_at FROM catalog.shelved_edition
           WHERE dataset = {dataset} AND number = {number}),
         (SELECT max(at) FROM catalog.showing WHERE view_schema = {schema}))
"""
# The shelf whose edition a view shows, those of what it shows to transactions from before, and all
# that it reads.
SELECT_SHELVES_READ = """
WITH showings AS (
    SELECT id, shelf FROM catalog.showing WHERE view_schema = %(schema)s AND view_name = %(name)s
), reads AS (
    SELECT n.nspname, c.relname, c.relkind
      FROM pg_rewrite r
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                      AND d.refclassid = 'pg_class'::regclass
      JOIN pg_class c ON c.oid = d.refobjid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE r.ev_class = to_regclass(%(view)s)
)
SELECT (SELECT shelf FROM showings ORDER BY id DESC LIMIT 1) AS shown,
       ARRAY(SELECT DISTINCT shelf FROM showings) AS wanted,
       ARRAY(SELECT DISTINCT format('"%%s"."%%s"', nspname, relname)
               FROM reads WHERE relkind = 'p') AS shelves
"""
# Whether there is a schema that geodata_reader, where there is such a role, may use.
SELECT_IS_OPEN = """
SELECT schema IS NOT NULL AND NOT EXISTS (
           SELECT FROM pg_roles
            WHERE rolname = 'geodata_reader' AND NOT has_schema_privilege(oid, schema, 'USAGE')
       ) AS is_open
  FROM to_regnamespace(quote_ident(%(schema)s)) AS schema
"""
# The edition that a view shows, by the reader's transaction and snapshot. One that is older than
# the view's shelves cannot be answered, and is told so; one that is older than the view is shown
# the newest.
SELECT_EDITION_SHOWN = """
(SELECT CASE count(*) WHEN 1 THEN max(number) FILTER (WHERE shelf = {shelf})
             ELSE ({told} || count(*) || ')')::integer END
   FROM (SELECT shelf, number FROM catalog.showing
          WHERE view_schema = {schema} AND view_name = {name}
          ORDER BY at <= now() DESC, id DESC LIMIT 1) AS shown
  WHERE shelf = ANY ({shelves}))
"""
