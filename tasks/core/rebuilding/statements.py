"""The longer SQL statements of rebuilds, by what they do."""

WHERE_BOTH_EDITIONS_ARE_KNOWN = """
 WHERE EXISTS (SELECT FROM catalog.edition e
                WHERE (e.dataset, e.number) = (new.dataset, new.number))
   AND EXISTS (SELECT FROM catalog.edition e
                WHERE (e.dataset, e.number) = (new.on_dataset, new.on_number))
"""
WHERE_PUBLICATION_IS_NEW = """
 WHERE EXISTS (SELECT FROM catalog.edition e
                WHERE (e.dataset, e.number) = (new.dataset, new.number))
   AND NOT EXISTS (SELECT FROM catalog.publication p
                    WHERE (p.dataset, p.number, p.action, p.at)
                        = (new.dataset, new.number, new.action, new.at))
 ORDER BY new.at
"""
WHERE_RETRIEVAL_IS_NEW = """
 WHERE EXISTS (SELECT FROM catalog.source s
                WHERE (s.slug, s.vintage) = (new.source, new.source_vintage))
   AND (new.sha256 IS NULL
        OR EXISTS (SELECT FROM catalog.artifact a WHERE a.sha256 = new.sha256))
   AND NOT EXISTS (SELECT FROM catalog.retrieval r
                    WHERE (r.source, r.source_vintage, r.mirror, r.asked_at, r.state)
                        = (new.source, new.source_vintage, new.mirror, new.asked_at, new.state)
                      AND (new.run IS NULL OR r.run IS NOT DISTINCT FROM new.run))
 ORDER BY new.asked_at
"""
SELECT_EDITION_OF_NUMBER = """
SELECT manifest, published_at IS NOT DISTINCT FROM %(published_at)s::timestamptz
  FROM catalog.edition
 WHERE dataset = %(dataset)s AND number = %(number)s
"""
SELECT_EDITIONS_THERE = """
SELECT e.dataset, e.number
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
 WHERE e.state = 'published'
 GROUP BY 1, 2
HAVING bool_and(to_regclass(format('%I.%I', e.schema_name, l.layer)) IS NOT NULL)
"""
# An ordinary run always has its row; a replay is not history, and has none.
SELECT_REPLAYS = """
SELECT dataset, number, schema_name
  FROM catalog.edition WHERE state IN ('building', 'sealed') AND run IS NULL
"""
# What is stated may have been hashed by an earlier version than what is made today.
SELECT_LAYERS_THAT_DIFFER = """
WITH stated AS (
    SELECT layer, content_hash, row_count
      FROM catalog.layer WHERE dataset = %(dataset)s AND number = %(number)s
), made AS (
    SELECT layer, l.row_count,
           CASE WHEN geodata.hash_version(stated.content_hash)
                     <> geodata.hash_version(l.content_hash)
                THEN geodata.content_hash(format('%%I.%%I', schema_name, layer)::regclass,
                                          geodata.hash_version(stated.content_hash))
                ELSE l.content_hash END AS content_hash
      FROM catalog.layer l
      JOIN catalog.edition e USING (dataset, number)
      LEFT JOIN stated USING (layer)
     WHERE dataset = %(dataset)s AND number = %(made)s
)
SELECT layer, stated.content_hash AS stated, made.content_hash AS made,
       stated.row_count AS stated_rows, made.row_count AS made_rows
  FROM stated FULL JOIN made USING (layer)
 WHERE stated.content_hash IS DISTINCT FROM made.content_hash
 ORDER BY layer
"""
SELECT_REPLAY_FACTS = """
SELECT e.fingerprint = m.fingerprint AS same_code,
       extract(epoch FROM clock_timestamp() - m.started_at)::float8 AS seconds,
       (SELECT sum(row_count) FROM catalog.layer l
         WHERE l.dataset = m.dataset AND l.number = m.number) AS row_count,
       (SELECT jsonb_agg(jsonb_build_object('verb', verb, 'subject', subject, 'seconds', seconds,
                                            'rows', row_count) ORDER BY ordinal)
          FROM catalog.step s
         WHERE s.dataset = m.dataset AND s.number = m.number) AS steps
  FROM catalog.edition m
  JOIN catalog.edition e ON e.dataset = m.dataset AND e.number = %(number)s
 WHERE m.dataset = %(dataset)s AND m.number = %(made)s
"""
INSERT_EDITION_FOUND = """
INSERT INTO catalog.rebuilt_edition
       (rebuild, dataset, number, vintage, verdict, row_count, seconds, message)
SELECT %(rebuild)s, dataset, number, vintage,
       CASE state WHEN 'published' THEN 'identical' ELSE 'missing' END, sum(row_count), 0,
       CASE state WHEN 'published' THEN 'its tables were there already' ELSE 'it was not made' END
  FROM catalog.edition
  JOIN catalog.layer USING (dataset, number)
 WHERE dataset = %(dataset)s AND number = %(number)s
 GROUP BY dataset, number
ON CONFLICT DO NOTHING
"""
SELECT_LAYERS_CHANGED = """
SELECT l.layer
  FROM catalog.layer l
  JOIN catalog.edition e USING (dataset, number),
       to_regclass(format('%%I.%%I', e.schema_name, l.layer)) AS t
 WHERE dataset = %(dataset)s AND number = %(number)s
   AND (t IS NULL
        OR geodata.content_hash(t, geodata.hash_version(l.content_hash)) <> l.content_hash)
 ORDER BY 1
"""
SELECT_VIEWS_AMISS = """
WITH shown AS (
    SELECT c.*, c.vintage = max(c.vintage) OVER () AS newest
      FROM catalog.current_edition c
     WHERE c.dataset = %(dataset)s
)
SELECT d.published_schema || '.' || v.name AS view
  FROM shown s
  JOIN catalog.dataset d ON d.slug = s.dataset
  JOIN catalog.layer l ON l.dataset = s.dataset AND l.number = s.number
 CROSS JOIN LATERAL (SELECT l.layer || '_' || s.vintage AS name
                      UNION ALL
                     SELECT l.layer WHERE s.newest) AS v
 WHERE s.number = %(number)s
   AND NOT EXISTS (SELECT FROM catalog.showing w
                     JOIN pg_inherits i ON i.inhparent = to_regclass(w.shelf)
                      AND i.inhrelid = to_regclass(format('%%I.%%I', s.schema_name, l.layer))
                     JOIN information_schema.view_table_usage u
                       ON (u.view_schema, u.view_name) = (w.view_schema, w.view_name)
                      AND to_regclass(format('%%I.%%I', u.table_schema, u.table_name)) = i.inhparent
                    WHERE (w.view_schema, w.view_name, w.number)
                        = (d.published_schema, v.name, s.number)
                      AND w.id = (SELECT max(id) FROM catalog.showing
                                   WHERE (view_schema, view_name)
                                       = (w.view_schema, w.view_name)))
 ORDER BY 1
"""
SELECT_REBUILD_SUMMARY = """
SELECT count(*) AS editions, count(DISTINCT dataset) AS datasets,
       coalesce(sum(row_count), 0) AS row_count,
       count(*) FILTER (WHERE r.verdict = 'identical') AS identical,
       count(*) FILTER (WHERE r.verdict = 'differing') AS differing,
       count(*) FILTER (WHERE r.verdict = 'missing') AS missing,
       extract(epoch FROM clock_timestamp() - b.started_at) AS seconds
  FROM catalog.rebuild b
  LEFT JOIN catalog.rebuilt_edition r ON r.rebuild = b.id
 WHERE b.id = %(rebuild)s
 GROUP BY b.id
"""
SELECT_EDITIONS_NOT_IDENTICAL = """
SELECT format('edition %%s of %%s %%s', number, dataset, vintage) AS edition, verdict,
       coalesce('edition ' || published_as, '') AS published_as, message,
       verdict = 'missing' OR same_code IS NOT FALSE AS unexplained
  FROM catalog.rebuilt_edition
 WHERE rebuild = %(rebuild)s AND verdict <> 'identical'
 ORDER BY dataset, number
"""
