"""The SQL behind the metrics: columns are labels or figures (see families.py)."""

SELECT_SHOWN = """
SELECT dataset, vintage, mirror, number, shown_since FROM catalog.current_edition
"""
SELECT_PROMPTNESS = """
SELECT dataset, vintage, mirror, released_at, seen_at, shown_at,
       extract(epoch FROM shown_at - counts_from) AS seconds_to_show, within_promise
  FROM catalog.promptness
"""
SELECT_LAYERS = """
SELECT c.dataset, c.vintage, c.mirror, l.layer, l.row_count, l.size_bytes
  FROM catalog.current_edition c
  JOIN catalog.layer l USING (dataset, number)
"""
SELECT_JOINS = """
SELECT c.dataset, c.vintage, c.mirror, j.areas, j.figures,
       j.areas_matched::numeric / nullif(j.area_count, 0) AS areas_matched,
       j.figures_matched::numeric / nullif(j.figure_count, 0) AS figures_matched,
       j.population_matched / nullif(j.population, 0) AS population_matched
  FROM catalog.current_edition c
  JOIN catalog.join_report j USING (dataset, number)
"""
SELECT_STEPS = """
SELECT c.dataset, c.vintage, c.mirror, s.verb, sum(s.seconds) AS seconds,
       max(s.peak_mib) * 1048576 AS peak_bytes
  FROM catalog.current_edition c
  JOIN catalog.step s USING (dataset, number)
 GROUP BY c.dataset, c.vintage, c.mirror, s.verb
"""
# Also of an edition that failed its checks or waits for a person: the newest that has any.
SELECT_CHECKS = """
WITH newest AS (
    SELECT e.dataset, e.vintage, e.mirror, max(e.number) AS number
      FROM catalog.edition e
      JOIN catalog.check_result r USING (dataset, number)
     GROUP BY e.dataset, e.vintage, e.mirror
)
SELECT n.dataset, n.vintage, n.mirror, CASE WHEN r.required THEN 'yes' ELSE 'no' END AS required,
       count(*) FILTER (WHERE r.passed) AS passed, count(*) FILTER (WHERE NOT r.passed) AS failed
  FROM newest n
  JOIN catalog.check_result r USING (dataset, number)
 GROUP BY n.dataset, n.vintage, n.mirror, r.required
"""
# A state or outcome that never was is 0, so that the first one is an increase.
SELECT_EDITIONS = """
SELECT d.slug AS dataset, s.state, count(e.number) AS editions
  FROM catalog.dataset d
 CROSS JOIN unnest(ARRAY['building', 'sealed', 'review', 'published', 'failed', 'abandoned',
                         'removed']) AS s(state)
  LEFT JOIN catalog.edition e ON e.dataset = d.slug AND e.state = s.state
 GROUP BY d.slug, s.state
"""
SELECT_RUNS = """
SELECT d.slug AS dataset, o.outcome, count(r.id) AS runs
  FROM catalog.dataset d
 CROSS JOIN unnest(ARRAY['published', 'unchanged', 'review', 'failed', 'abandoned']) AS o(outcome)
  LEFT JOIN catalog.run r ON r.dataset = d.slug AND r.outcome = o.outcome
 GROUP BY d.slug, o.outcome
"""
SELECT_LAST_RUNS = """
SELECT DISTINCT ON (dataset)
       dataset, ended_at, outcome IN ('failed', 'abandoned') AS failed,
       extract(epoch FROM ended_at - started_at) AS seconds
  FROM catalog.run
 WHERE ended_at IS NOT NULL
 ORDER BY dataset, started_at DESC, id DESC
"""
SELECT_RUNNING = """
SELECT dataset, min(started_at) AS started_at
  FROM catalog.run
 WHERE ended_at IS NULL
 GROUP BY dataset
"""
# Bytes that had to go do not count, unless they were received again.
SELECT_ORIGINALS = """
SELECT count(*) AS originals, coalesce(sum(a.size_bytes), 0) AS bytes
  FROM catalog.artifact a
 WHERE NOT EXISTS (SELECT FROM catalog.tombstone t
                    WHERE t.sha256 = a.sha256
                      AND NOT EXISTS (SELECT FROM catalog.retrieval r
                                       WHERE r.received = a.sha256 AND r.asked_at > t.buried_at))
"""
SELECT_COPIES = """
SELECT l.location, v.verdict, count(a.name) AS copies
  FROM (SELECT DISTINCT location FROM catalog.archive_audit) AS l
 CROSS JOIN unnest(ARRAY['whole', 'repaired', 'buried', 'lost', 'differing', 'failed'])
            AS v(verdict)
  LEFT JOIN catalog.archive_audit a ON a.location = l.location AND a.verdict = v.verdict
 GROUP BY l.location, v.verdict
"""
SELECT_AUDITS = """
SELECT location, min(audited_at) AS oldest, max(audited_at) AS newest
  FROM catalog.archive_audit
 GROUP BY location
"""
# A drill that was killed stays without an end, and is judged by its start. What newer code makes
# otherwise is no failure, as in the flow itself.
SELECT_REBUILDS = """
SELECT DISTINCT ON (b.drill)
       CASE WHEN b.drill THEN 'drill' ELSE 'rebuild' END AS kind, b.started_at,
       extract(epoch FROM b.ended_at - b.started_at) AS seconds,
       b.verdict IN ('incomplete', 'failed') OR EXISTS
           (SELECT FROM catalog.rebuilt_edition r
             WHERE r.rebuild = b.id AND b.verdict = 'differing' AND r.verdict <> 'identical'
               AND r.same_code IS NOT FALSE) AS failed
  FROM catalog.rebuild b
 ORDER BY b.drill, b.started_at DESC, b.id DESC
"""
SELECT_RECOVERIES = """
SELECT CASE WHEN b.drill THEN 'drill' ELSE 'rebuild' END AS kind, max(b.ended_at) AS succeeded_at
  FROM catalog.rebuild b
 WHERE b.verdict = 'identical'
    OR b.verdict = 'differing' AND NOT EXISTS
           (SELECT FROM catalog.rebuilt_edition r
             WHERE r.rebuild = b.id AND r.verdict <> 'identical' AND r.same_code IS NOT FALSE)
 GROUP BY b.drill
"""
