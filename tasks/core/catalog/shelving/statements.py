"""The SQL statements of shelves and their readers, by what they do."""

# What a session of another role does is told only to members of pg_read_all_stats.
SELECT_HOLDERS = """
SELECT l.pid, l.virtualtransaction AS transaction, a.usename, a.state,
       nullif(a.application_name, '') AS application,
       coalesce(a.xact_start, a.state_change) AS since,
       bool_or(l.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) AS reads
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'relation' AND l.pid <> pg_backend_pid() AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation IN (SELECT to_regclass(name) FROM unnest(%(relations)s::text[]) AS name)
 GROUP BY 1, 2, 3, 4, 5, 6
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
SELECT_SHELVED = """
SELECT e.schema_name, l.layer,
       EXISTS (SELECT FROM catalog.shelved_edition s
                WHERE s.dataset = e.dataset AND s.number = e.number) AS known
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
 WHERE e.dataset = %(dataset)s AND e.number = %(number)s
 ORDER BY l.layer
"""
SELECT_OLDER_SNAPSHOTS = """
SELECT count(*) AS number
  FROM pg_stat_activity a, catalog.shown_view s
 WHERE s.shelf = %(shelf)s AND a.datname = current_database() AND a.pid <> pg_backend_pid()
   AND a.backend_type = 'client backend' AND age(a.backend_xmin) >= age(s.since::xid)
"""
# The shelf whose edition a view shows, and all shelves that it reads: more than one while editions
# of other columns, or another vintage, take the place of those before.
SELECT_SHELVES_READ = """
SELECT (SELECT shelf FROM catalog.shown_view
         WHERE view_schema = %(schema)s AND view_name = %(name)s) AS shown,
       ARRAY(SELECT DISTINCT format('"%%s"."%%s"', n.nspname, c.relname)
               FROM pg_rewrite r
               JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                               AND d.refclassid = 'pg_class'::regclass
               JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'p'
               JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE r.ev_class = to_regclass(%(view)s)) AS shelves
"""
# The edition that a view shows, by the reader's snapshot. One that is older than the view's shelves
# cannot be answered, and is told so.
SELECT_EDITION_SHOWN = """
(SELECT CASE count(*) WHEN 1 THEN max(number) FILTER (WHERE shelf = {shelf})
             ELSE ({told} || count(*) || ')')::integer END
   FROM catalog.shown_view
  WHERE view_schema = {schema} AND view_name = {name} AND shelf = ANY ({shelves}))
"""
