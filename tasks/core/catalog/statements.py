"""The longer SQL statements of the catalog, by what they do."""

# The edition shown before all others of the same fingerprint, then the newest; those whose tables
# are gone count for what persons switched.
SELECT_EDITION_MADE = """
SELECT e.number, e.state, e.manifest IS NOT NULL AS closed,
       (SELECT p.action FROM catalog.publication p
         WHERE p.dataset = e.dataset AND p.number = e.number
         ORDER BY p.at DESC, p.id DESC LIMIT 1) AS action
  FROM catalog.edition e
 WHERE e.dataset = %(dataset)s AND e.vintage = %(vintage)s AND e.fingerprint = %(fingerprint)s
   AND e.state IN ('published', 'removed')
 ORDER BY e.number = %(last)s DESC, e.number DESC LIMIT 1
"""
SELECT_NEXT_NUMBER = """
SELECT greatest(coalesce(max(number), 0), %(floor)s) + 1
  FROM catalog.edition WHERE dataset = %(dataset)s
"""
# After every publication there is, also where the clock went back or another server took over.
SELECT_NEXT_MOMENT = """
SELECT greatest(clock_timestamp(), max(moment) + interval '1 microsecond')
  FROM (SELECT max(at) FROM catalog.publication
         UNION ALL
        SELECT max(greatest(started_at, published_at)) FROM catalog.edition) AS newest (moment)
"""
SELECT_PARTITIONS = """
SELECT c.relname
  FROM unnest(%(tables)s::text[]) AS layer, pg_partition_tree(to_regclass(layer)) AS part
  JOIN pg_class c ON c.oid = part.relid
 WHERE part.level > 0
"""
# Those in review are counted apart: they displace none that was shown.
SELECT_EDITIONS_BEYOND_KEEP = """
WITH ranked AS (
    SELECT e.number, c.number IS NOT NULL AS shown,
           row_number() OVER (PARTITION BY e.state = 'review'
                                  ORDER BY c.number IS NULL, e.number DESC) AS place
      FROM catalog.edition e
      LEFT JOIN catalog.current_edition c USING (dataset, vintage, number)
     WHERE e.dataset = %(dataset)s AND e.vintage = %(vintage)s
       AND e.state IN ('sealed', 'review', 'published')
)
SELECT number FROM ranked WHERE NOT shown AND place > %(keep)s ORDER BY number DESC
"""
SELECT_FOUNDATION_SHOWN = """
SELECT c.vintage, c.number, c.schema_name, c.mirror, array_agg(l.layer) AS layers,
       string_agg(l.content_hash, ' ' ORDER BY l.layer) AS hashes
  FROM catalog.current_edition c
  JOIN catalog.layer l USING (dataset, number)
 WHERE c.dataset = %(dataset)s AND l.layer = ANY (%(layers)s)
 GROUP BY 1, 2, 3, 4
 ORDER BY 1 DESC LIMIT 1
"""
SELECT_FOUNDATION_MADE_AGAIN = """
SELECT e.vintage, e.number, e.schema_name, e.mirror, array_agg(l.layer) AS layers,
       string_agg(l.content_hash, ' ' ORDER BY l.layer) AS hashes
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
 WHERE e.state = 'published' AND e.dataset = %(dataset)s AND l.layer = ANY (%(layers)s)
   AND e.number IN (SELECT %(number)s
                     UNION SELECT published_as FROM catalog.rebuilt_edition
                            WHERE dataset = %(dataset)s AND number = %(number)s)
 GROUP BY 1, 2, 3, 4
 ORDER BY 2 DESC LIMIT 1
"""
SELECT_LAYER_FACTS = """
SELECT count(*) AS row_count, {extent} AS extent,
       pg_total_relation_size({name}::regclass)
       + (SELECT coalesce(sum(pg_total_relation_size(relid)), 0)
            FROM pg_partition_tree({name}::regclass)) AS size_bytes,
       geodata.content_hash({name}::regclass, {version}) AS content_hash
  FROM {layer}
"""
SELECT_KEPT_EDITIONS = """
SELECT e.vintage, e.number, c.number AS shown,
       (SELECT p.action = 'withdraw' FROM catalog.publication p
         WHERE p.dataset = e.dataset AND p.number = e.number
         ORDER BY p.at DESC, p.id DESC LIMIT 1) AS withdrawn
  FROM catalog.edition e
  LEFT JOIN catalog.current_edition c USING (dataset, vintage)
 WHERE e.dataset = %(dataset)s AND e.state = 'published'
 ORDER BY e.vintage DESC, e.number DESC
"""
# In review, or accepted by a run that was killed before it was shown.
SELECT_EDITION_IN_REVIEW = """
SELECT d.slug, d.title, d.country, d.published_schema AS schema, d.keep, e.vintage, e.number,
       e.state, e.schema_name, e.mirror, a.person, c.number AS shown,
       (SELECT jsonb_object_agg(l.layer, l.key_columns) FROM catalog.layer l
         WHERE (l.dataset, l.number) = (e.dataset, e.number)) AS layers
  FROM catalog.edition e
  JOIN catalog.dataset d ON d.slug = e.dataset
  LEFT JOIN catalog.acceptance a ON (a.dataset, a.number) = (e.dataset, e.number)
  LEFT JOIN catalog.current_edition c ON (c.dataset, c.vintage) = (e.dataset, e.vintage)
 WHERE e.dataset = %(dataset)s AND e.number = %(number)s
   AND (e.state = 'review' OR (e.state IN ('sealed', 'published') AND a.person IS NOT NULL))
"""
SELECT_EDITIONS_BUILT_ON = """
SELECT c.dataset, c.vintage, c.number
  FROM catalog.edition_dependency d
  JOIN catalog.current_edition c USING (dataset, number)
 WHERE d.on_dataset = %(dataset)s AND d.on_number = %(number)s
 ORDER BY 1, 2
"""
SELECT_LAYERS_TO_SHOW = """
SELECT d.published_schema, e.schema_name, e.vintage, l.layer,
       e.vintage >= (SELECT max(vintage) FROM catalog.current_edition c
                      WHERE c.dataset = d.slug) AS newest
  FROM catalog.dataset d
  JOIN catalog.edition e ON e.dataset = d.slug
  JOIN catalog.layer l ON l.dataset = d.slug AND l.number = e.number
 WHERE d.slug = %(dataset)s AND e.number = %(number)s
 ORDER BY l.layer
"""
SELECT_LAYERS_SHOWN_INSTEAD = """
SELECT l.layer, d.published_schema, s.schema_name, s.vintage, s.number
  FROM catalog.layer l
  JOIN catalog.dataset d ON d.slug = l.dataset
  LEFT JOIN LATERAL (SELECT c.schema_name, c.vintage, c.number
                       FROM catalog.current_edition c
                       JOIN catalog.layer o USING (dataset, number)
                      WHERE c.dataset = l.dataset AND o.layer = l.layer
                        AND c.vintage <> %(vintage)s
                      ORDER BY c.vintage DESC LIMIT 1) s ON true
 WHERE l.dataset = %(dataset)s AND l.number = %(number)s
 ORDER BY l.layer
"""
SELECT_LAYERS_DROPPED = """
SELECT layer
  FROM catalog.layer JOIN catalog.publication USING (dataset, number)
 WHERE dataset = %(dataset)s AND vintage = %(vintage)s
EXCEPT
SELECT layer FROM catalog.layer WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY layer
"""
# The earliest retrieval of the bytes, as the manifests tell it: an original that stands in, or that
# has new validators, may be told of later.
INSERT_ARTIFACT = """
INSERT INTO catalog.artifact AS known (sha256, size_bytes, first_archived_at)
VALUES (%(sha256)s, %(size_bytes)s, %(first_archived_at)s)
ON CONFLICT (sha256) DO UPDATE SET first_archived_at = excluded.first_archived_at
 WHERE known.first_archived_at > excluded.first_archived_at
"""
# What an audit could not tell anew stays as an earlier one found it.
UPSERT_ARCHIVE_AUDIT = """
INSERT INTO catalog.archive_audit AS known (name, location, sha256, verdict, detail, audited_at)
VALUES (%(name)s, %(location)s, %(sha256)s, %(verdict)s, %(detail)s,
        CASE WHEN %(verdict)s <> 'failed' THEN clock_timestamp() END)
ON CONFLICT (name, location) DO UPDATE
   SET sha256 = coalesce(excluded.sha256, known.sha256),
       verdict = excluded.verdict,
       detail = excluded.detail,
       audited_at = coalesce(excluded.audited_at, known.audited_at)
"""
SELECT_ORIGINALS_NEEDED = """
WITH RECURSIVE needed AS (
    SELECT dataset, number FROM catalog.edition
     WHERE state IN ('published', 'sealed', 'review', 'building')
    UNION
    SELECT d.on_dataset, d.on_number
      FROM needed JOIN catalog.edition_dependency d USING (dataset, number)
)
SELECT DISTINCT sha256 FROM catalog.edition_input JOIN needed USING (dataset, number)
"""
SELECT_WHETHER_LIMITED_BY_LAW = """
WITH RECURSIVE made_of (dataset, number) AS (
    SELECT %(dataset)s::text, %(number)s::integer
    UNION
    SELECT d.on_dataset, d.on_number
      FROM made_of JOIN catalog.edition_dependency d USING (dataset, number)
)
SELECT EXISTS (SELECT
                 FROM made_of
                 JOIN catalog.edition_input i USING (dataset, number)
                 JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
                WHERE s.retention = 'legal_maximum')
"""
SELECT_ROW_DIGESTS = """
SELECT {keys}, digest, row_count
  FROM geodata.row_digests({table}::regclass, {columns}::text[], {version})
"""
SELECT_KEYS_THAT_DIFFER = """
WITH earlier AS (
    SELECT ARRAY[{names}] AS key, digest, row_count FROM pg_temp.earlier_digests
), compared AS (
    SELECT coalesce(e.key, n.key) COLLATE "C" AS key,
           CASE WHEN e.key IS NULL THEN 'added' WHEN n.key IS NULL THEN 'removed' ELSE 'changed'
           END AS kind
      FROM earlier e
      FULL JOIN geodata.row_digests({table}::regclass, {columns}::text[], {version}) n
           ON n.key = e.key
     WHERE (e.digest, e.row_count) IS DISTINCT FROM (n.digest, n.row_count)
), ranked AS (
    SELECT kind, key, count(*) OVER (PARTITION BY kind) AS total,
           row_number() OVER (PARTITION BY kind ORDER BY key) AS place
      FROM compared
)
SELECT kind, total, key FROM ranked WHERE place <= {named} ORDER BY kind, place
"""
SELECT_TAKEN_BY_RUNS = """
SELECT dataset, count(*) AS runs, max(peak_mib) AS peak_mib, max(scratch_mib) AS scratch_mib,
       max(cpu_seconds) AS cpu_seconds,
       max(extract(epoch FROM ended_at - started_at))::float8 AS seconds,
       bool_or(outcome IN ('published', 'review')) AS made
  FROM catalog.run
 WHERE peak_mib IS NOT NULL AND started_at > now() - make_interval(days => %(days)s)
 GROUP BY dataset
"""
SELECT_EDITIONS_OF_RUN = """
SELECT e.dataset, e.vintage, e.number,
       string_agg(l.layer || ' ' || l.row_count, ', ' ORDER BY l.row_count DESC) AS layers,
       (SELECT string_agg(a.table_name || '.' || a.column_name, ', '
                          ORDER BY a.table_name, a.column_name)
          FROM catalog.absent_column a
         WHERE a.dataset = e.dataset AND a.number = e.number) AS absent,
       (SELECT string_agg(r.table_name || ' ' || concat_ws(' ', r.row_count, r.reason), ', '
                          ORDER BY r.table_name, r.reason)
          FROM catalog.rows_left_out r
         WHERE r.dataset = e.dataset AND r.number = e.number) AS left_out
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
 WHERE e.run = %(run)s AND e.published_at IS NOT NULL
 GROUP BY e.dataset, e.number
"""

# Sessions of ours that hold one of our advisory locks; those of readers count for nothing.
SELECT_LOCKS_HELD = """
SELECT lock.pid, session.usename, lock.mode
  FROM pg_locks lock JOIN pg_stat_activity session USING (pid)
 WHERE lock.locktype = 'advisory' AND lock.objsubid = 2 AND lock.granted
   AND lock.objid::bigint = hashtext(%s)::bigint & 4294967295 AND lock.pid <> pg_backend_pid()
   AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND pg_has_role(session.usesysid, (SELECT relowner FROM pg_class
                                       WHERE oid = 'geodata.applied'::regclass), 'MEMBER')
"""
