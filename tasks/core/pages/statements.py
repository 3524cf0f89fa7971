"""The SQL behind the pages: each gives one JSON object a row, with the catalog's own names."""

# One row for each dataset: its newest vintage that is shown, and what is known of it.
SELECT_STATUS = """
WITH shown AS (
    SELECT DISTINCT ON (c.dataset) c.dataset, c.vintage, c.number, c.mirror, c.shown_since, e.as_of
      FROM catalog.current_edition c
      JOIN catalog.edition e USING (dataset, number)
     ORDER BY c.dataset, c.vintage DESC
), layers AS (
    SELECT dataset, number, count(*) AS layers, sum(row_count) AS row_count,
           sum(size_bytes) AS size_bytes
      FROM catalog.layer GROUP BY dataset, number
), joins AS (
    SELECT dataset, number,
           min(figures_matched::numeric / nullif(figure_count, 0)) AS figures_matched,
           min(population_matched / nullif(population, 0)) AS population_matched
      FROM catalog.join_report GROUP BY dataset, number
), checks AS (
    SELECT dataset, number, count(*) FILTER (WHERE passed) AS passed,
           count(*) FILTER (WHERE NOT passed) AS not_passed
      FROM catalog.check_result GROUP BY dataset, number
), asked AS (
    SELECT i.dataset, i.number, min(f.last_checked) AS last_checked, bool_or(f.overdue) AS overdue,
           array_agg(DISTINCT f.last_state) AS states
      FROM catalog.edition_input i
      JOIN catalog.edition e USING (dataset, number)
      JOIN catalog.freshness f
        ON (f.source, f.vintage, f.mirror) = (i.source, i.source_vintage, e.mirror)
     GROUP BY i.dataset, i.number
), runs AS (
    SELECT DISTINCT ON (dataset) dataset, outcome, ended_at, started_at, message
      FROM catalog.run ORDER BY dataset, started_at DESC, id DESC
), review AS (
    SELECT dataset, array_agg(number ORDER BY number) AS numbers
      FROM catalog.edition WHERE state = 'review' GROUP BY dataset
), months AS (
    SELECT dataset, vintage, mirror, number, released_at, seen_at, shown_at, counts_from,
           days_to_show, within_promise
      FROM catalog.promptness_of_months
)
SELECT jsonb_build_object(
       'slug', d.slug, 'title', d.title, 'country', d.country, 'schema', d.published_schema,
       'vintage', s.vintage, 'number', s.number, 'mirror', s.mirror, 'as_of', s.as_of,
       'shown_since', s.shown_since, 'layers', l.layers, 'row_count', l.row_count,
       'size_bytes', l.size_bytes, 'figures_matched', j.figures_matched,
       'population_matched', j.population_matched, 'passed', coalesce(c.passed, 0),
       'not_passed', coalesce(c.not_passed, 0), 'last_checked', a.last_checked,
       'overdue', a.overdue, 'states', a.states, 'run', to_jsonb(r) - 'dataset',
       'review', v.numbers,
       'promptness', coalesce(to_jsonb(m), to_jsonb(p)) - 'dataset' - 'mirror',
       'next', to_jsonb(y) - 'dataset' - 'mirror')
  FROM catalog.dataset d
  LEFT JOIN shown s ON s.dataset = d.slug
  LEFT JOIN layers l ON (l.dataset, l.number) = (s.dataset, s.number)
  LEFT JOIN joins j ON (j.dataset, j.number) = (s.dataset, s.number)
  LEFT JOIN checks c ON (c.dataset, c.number) = (s.dataset, s.number)
  LEFT JOIN asked a ON (a.dataset, a.number) = (s.dataset, s.number)
  LEFT JOIN runs r ON r.dataset = d.slug
  LEFT JOIN review v ON v.dataset = d.slug
  LEFT JOIN catalog.promptness p
    ON (p.dataset, p.vintage, p.mirror) = (s.dataset, s.vintage, s.mirror)
  LEFT JOIN months m ON (m.dataset, m.number) = (s.dataset, s.number)
  LEFT JOIN catalog.rhythm y ON (y.dataset, y.mirror) = (s.dataset, s.mirror)
 ORDER BY d.slug
"""
# How the last drill found each dataset; one that failed as a whole found none of them.
SELECT_DRILLS = """
SELECT DISTINCT ON (d.slug)
       jsonb_build_object('dataset', d.slug, 'verdict', coalesce(e.verdict, r.verdict),
                          'ended_at', r.ended_at, 'seconds', e.seconds)
  FROM catalog.rebuild r
 CROSS JOIN catalog.dataset d
  LEFT JOIN catalog.rebuilt_edition e ON e.rebuild = r.id AND e.dataset = d.slug
 WHERE r.drill AND r.ended_at IS NOT NULL
   AND (e.dataset IS NOT NULL
        OR r.verdict = 'failed' AND NOT EXISTS (SELECT FROM catalog.rebuilt_edition o
                                                 WHERE o.rebuild = r.id))
 ORDER BY d.slug, r.started_at DESC, e.verdict <> 'identical' DESC, e.vintage DESC
"""
SELECT_SHOWN = """
SELECT jsonb_build_object('dataset', c.dataset, 'title', d.title, 'vintage', c.vintage,
                          'number', c.number)
  FROM catalog.current_edition c
  JOIN catalog.dataset d ON d.slug = c.dataset
 ORDER BY c.dataset, c.vintage DESC
"""
SELECT_COLUMNS = """
SELECT jsonb_build_object('layer', layer, 'columns', jsonb_agg(
           jsonb_build_object('name', name, 'description', description) ORDER BY ordinal))
  FROM catalog.layer_column
 WHERE dataset = %(dataset)s AND number = %(number)s
 GROUP BY layer
 ORDER BY layer
"""
# From whom each dataset that is shown is, and on which others it stands.
SELECT_ORIGINS = """
SELECT DISTINCT jsonb_build_object('from', p.slug, 'name', p.name, 'dataset', c.dataset)
  FROM catalog.current_edition c
  JOIN catalog.edition_input i USING (dataset, number)
  JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
  JOIN catalog.publisher p ON p.slug = s.publisher
"""
SELECT_FOUNDATIONS = """
SELECT DISTINCT jsonb_build_object('from', d.on_dataset, 'dataset', c.dataset)
  FROM catalog.current_edition c
  JOIN catalog.edition_dependency d USING (dataset, number)
"""
SELECT_INPUTS = """
SELECT jsonb_build_object(
       'source', i.source, 'source_vintage', i.source_vintage, 'title', s.title,
       'publisher', p.name, 'publisher_url', p.url, 'landing_page', s.landing_page,
       'reference_date', s.reference_date, 'url', i.url, 'sha256', i.sha256,
       'size_bytes', a.size_bytes, 'retrieved_at', i.retrieved_at, 'licence', l.title,
       'licence_url', l.url, 'attribution', l.attribution, 'confidence', s.confidence,
       'buried', EXISTS (SELECT FROM catalog.tombstone t WHERE t.sha256 = i.sha256))
  FROM catalog.edition_input i
  JOIN catalog.artifact a USING (sha256)
  JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
  JOIN catalog.publisher p ON p.slug = s.publisher
  JOIN catalog.licence l ON l.slug = s.licence
 WHERE i.dataset = %(dataset)s AND i.number = %(number)s
 ORDER BY i.source, i.source_vintage
"""
SELECT_LINEAGE = """
SELECT jsonb_build_object('layer', layer, 'source', source, 'source_vintage', source_vintage,
                          'sha256', sha256, 'of_dataset', of_dataset, 'by_columns', by_columns)
  FROM catalog.lineage
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY layer, source, source_vintage
"""
SELECT_ATTRIBUTIONS = """
SELECT jsonb_build_object('layer', split_part(layer, '.', 2), 'attribution', attribution,
                          'licence', title, 'url', url)
  FROM catalog.licence_to_print
 WHERE dataset = %(dataset)s AND vintage = %(vintage)s
 ORDER BY layer, attribution
"""
SELECT_DEPENDENCIES = """
SELECT jsonb_build_object('dataset', d.dataset, 'number', d.number, 'vintage', e.vintage,
                          'on_dataset', d.on_dataset, 'on_number', d.on_number,
                          'on_vintage', o.vintage, 'layers', d.layers)
  FROM catalog.edition_dependency d
  JOIN catalog.edition e USING (dataset, number)
  JOIN catalog.edition o ON (o.dataset, o.number) = (d.on_dataset, d.on_number)
 WHERE (d.dataset, d.number) = (%(dataset)s, %(number)s)
    OR (d.on_dataset, d.on_number) = (%(dataset)s, %(number)s)
   AND EXISTS (SELECT FROM catalog.current_edition c
                WHERE (c.dataset, c.number) = (d.dataset, d.number))
 ORDER BY d.dataset, d.number, d.on_dataset
"""
SELECT_DIFFERENCES = """
SELECT jsonb_build_object('number', number, 'layer', layer, 'sentence', sentence, 'within', within)
  FROM catalog.difference
 WHERE dataset = %(dataset)s AND vintage = %(vintage)s
 ORDER BY number, ordinal
"""
# Every edition that was made, over all vintages: what it took and held, the oldest first.
SELECT_HISTORY = """
SELECT jsonb_build_object(
       'number', e.number, 'vintage', e.vintage, 'state', e.state, 'mirror', e.mirror,
       'as_of', e.as_of, 'published_at', e.published_at, 'started_at', e.started_at,
       'code_revision', e.code_revision, 'compared_with', e.compared_with, 'derived', e.derived,
       'shown', EXISTS (SELECT FROM catalog.current_edition c
                         WHERE (c.dataset, c.number) = (e.dataset, e.number)),
       'row_count', l.row_count, 'size_bytes', l.size_bytes, 'seconds', s.seconds,
       'peak_mib', s.peak_mib, 'coverage', j.coverage)
  FROM catalog.edition e
  LEFT JOIN LATERAL (SELECT sum(row_count) AS row_count, sum(size_bytes) AS size_bytes
                       FROM catalog.layer t
                      WHERE (t.dataset, t.number) = (e.dataset, e.number)) l ON true
  LEFT JOIN LATERAL (SELECT sum(seconds) AS seconds, max(peak_mib) AS peak_mib
                       FROM catalog.step t
                      WHERE (t.dataset, t.number) = (e.dataset, e.number)) s ON true
  LEFT JOIN LATERAL (SELECT min(coalesce(population_matched / nullif(population, 0),
                                         figures_matched::numeric / nullif(figure_count, 0)))
                            AS coverage
                       FROM catalog.join_report t
                      WHERE (t.dataset, t.number) = (e.dataset, e.number)) j ON true
 WHERE e.dataset = %(dataset)s AND e.state IN ('published', 'removed', 'review', 'sealed')
 ORDER BY e.number
"""
