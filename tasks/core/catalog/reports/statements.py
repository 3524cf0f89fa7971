"""What the report of a run asks the catalog, one statement for each of its tables."""

SELECT_RUN = """
SELECT d.title, r.outcome, r.message, r.started_at, r.ended_at
  FROM catalog.run r
  JOIN catalog.dataset d ON d.slug = r.dataset
 WHERE r.id = %(run)s
"""
# The last of each vintage that the run made, showed, or found waiting for a person.
SELECT_EDITIONS_OF_RUN = """
SELECT DISTINCT ON (e.vintage)
       e.dataset, e.vintage, e.number, e.state, e.mirror, e.as_of,
       e.compared_with AS before_number, b.vintage AS before_vintage
  FROM catalog.run r
  JOIN catalog.edition e ON e.dataset = r.dataset
  LEFT JOIN catalog.edition b ON (b.dataset, b.number) = (e.dataset, e.compared_with)
 WHERE r.id = %(run)s
   AND (e.run = r.id
        OR (r.outcome = 'review' AND e.state = 'review')
        OR (r.outcome = 'published' AND EXISTS (
            SELECT FROM catalog.publication p
             WHERE p.dataset = e.dataset AND p.number = e.number AND p.action = 'publish'
               AND p.at BETWEEN r.started_at AND r.ended_at)))
 ORDER BY e.vintage, e.number DESC
"""
SELECT_EDITION = """
SELECT d.title, e.dataset, e.vintage, e.number, e.state, e.mirror, e.as_of,
       e.compared_with AS before_number, b.vintage AS before_vintage
  FROM catalog.edition e
  JOIN catalog.dataset d ON d.slug = e.dataset
  LEFT JOIN catalog.edition b ON (b.dataset, b.number) = (e.dataset, e.compared_with)
 WHERE e.dataset = %(dataset)s AND e.number = %(number)s
"""
SELECT_FILES_ASKED_FOR = """
SELECT source, source_vintage, state, asked_at, detail
  FROM catalog.retrieval
 WHERE run = %(run)s
 ORDER BY state = 'unchanged', source, source_vintage, asked_at
"""
SELECT_SHOWN = """
SELECT vintage, number, shown_since
  FROM catalog.current_edition
 WHERE dataset = %(dataset)s
 ORDER BY vintage DESC
"""
SELECT_LAYERS = """
SELECT layer, n.row_count AS now, b.row_count AS before
  FROM (SELECT layer, row_count FROM catalog.layer
         WHERE dataset = %(dataset)s AND number = %(number)s) AS n
  FULL JOIN (SELECT layer, row_count FROM catalog.layer
              WHERE dataset = %(dataset)s AND number = %(before)s) AS b USING (layer)
 ORDER BY layer
"""
SELECT_CHECKS = """
SELECT title, expected, found, passed, required
  FROM catalog.check_result
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY passed, at, title
"""
SELECT_JOINS = """
SELECT areas, figures, area_count, areas_matched, figure_count, figures_matched, population,
       population_matched, areas_orphaned, figures_orphaned
  FROM catalog.join_report
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY areas, figures
"""
SELECT_STEPS = """
SELECT verb, subject, sentence, seconds, figures ? 'error' AS failed
  FROM catalog.step
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY ordinal
"""
SELECT_CHANGES = """
SELECT layer, measure, subject, before, after, expected, within, sentence
  FROM catalog.change
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY ordinal
"""
SELECT_DRAFTS = """
SELECT layer, event, kind, covered
  FROM catalog.ledger_draft
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY layer, event
"""
SELECT_LEFT_OUT = """
SELECT table_name, reason, row_count
  FROM catalog.rows_left_out
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY table_name, reason
"""
SELECT_ABSENT = """
SELECT table_name, column_name
  FROM catalog.absent_column
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY table_name, column_name
"""
