"""The SQL that holds the promises of freshness against the catalog."""

# The newest vintage is the one on a schedule: files of a backfill were asked for once, mirrors
# promise nothing, and what is withdrawn is not held. A moment to come, of a clock that was ahead,
# proves nothing.
SELECT_FRESHNESS = """
WITH newest AS (
    SELECT c.dataset, c.number
      FROM catalog.current_edition c
     WHERE c.mirror = ''
       AND c.vintage = (SELECT max(e.vintage)
                          FROM catalog.edition e
                          JOIN catalog.publication p USING (dataset, number)
                         WHERE e.dataset = c.dataset AND e.mirror = '')
)
SELECT f.source, f.vintage, string_agg(DISTINCT n.dataset, ', ') AS datasets, f.asked_every_days,
       f.last_checked, f.last_changed_upstream, f.last_state,
       NOT EXISTS (SELECT FROM catalog.retrieval r
                    WHERE (r.source, r.source_vintage, r.mirror) = (f.source, f.vintage, '')
                      AND r.state <> 'unreachable'
                      AND r.asked_at < now() + interval '1 day'
                      AND r.asked_at
                          >= now() - make_interval(days => f.asked_every_days + %(grace)s)
                  ) AS overdue
  FROM newest n
  JOIN catalog.edition_input i USING (dataset, number)
  JOIN catalog.freshness f
    ON f.source = i.source AND f.vintage = i.source_vintage AND f.mirror = ''
 GROUP BY f.source, f.vintage, f.asked_every_days, f.last_checked, f.last_changed_upstream,
          f.last_state
 ORDER BY overdue DESC, f.last_checked NULLS FIRST, f.source, f.vintage
"""
# A vintage older than one that was shown is on no schedule: a backfill shows it. A month kept for
# review is of a vintage that may be shown already.
SELECT_UNSHOWN = """
WITH newest AS (
    SELECT dataset, max(vintage) AS vintage
      FROM catalog.promptness
     WHERE mirror = '' AND state = 'shown'
     GROUP BY dataset
), pending AS (
    SELECT p.dataset, p.vintage, NULL::date AS as_of, p.state, p.number, p.released_at, p.seen_at,
           p.released_by, p.counts_from
      FROM catalog.promptness p
      LEFT JOIN newest n USING (dataset)
     WHERE p.mirror = '' AND p.state IN ('seen', 'review')
       AND (n.vintage IS NULL OR p.vintage > n.vintage)
     UNION ALL
    SELECT m.dataset, m.vintage, m.as_of, m.state, m.number, m.released_at, m.seen_at,
           m.released_by, m.counts_from
      FROM catalog.promptness_of_months m
      JOIN newest n USING (dataset, vintage)
     WHERE m.mirror = '' AND m.state = 'review'
)
SELECT *, now() > counts_from + make_interval(days => 15 + %(grace)s) AS overdue
  FROM pending
 ORDER BY overdue DESC, counts_from, dataset, vintage, as_of
"""
SELECT_RHYTHMS = """
SELECT dataset, vintage, releases, usually_by, expected_by, sentence,
       overdue AND (now() AT TIME ZONE 'UTC')::date > expected_by + %(grace)s AS overdue
  FROM catalog.rhythm
 WHERE mirror = ''
 ORDER BY overdue DESC, expected_by, dataset
"""
