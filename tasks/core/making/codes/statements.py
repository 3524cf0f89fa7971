"""The longer SQL statements of codes, by what they do."""

# A code list need not have the columns label_en and parent.
INSERT_CODE_LABELS = """
INSERT INTO catalog.code_label (dataset, number, code_list, code, label, label_en, parent)
SELECT %(dataset)s, %(number)s, %(code_list)s, l.code, l.label,
       to_jsonb(l) ->> 'label_en', to_jsonb(l) ->> 'parent'
  FROM {table} l
ON CONFLICT DO NOTHING
"""

# The share of unknown codes; null when there is nothing to count.
SELECT_UNKNOWN = """
SELECT coalesce(sum({counted}) FILTER (WHERE {column} IS NULL OR {column} = ANY ({codes}::text[])
                                          OR NOT ({listed})), 0)::numeric
       / nullif(sum({counted}), 0)
  FROM {table} t
"""
# parameters in order: dataset, edition, table
SELECT_LAST_SHARES = """
SELECT s.figures -> 'unknown'
  FROM catalog.step s
  JOIN catalog.edition e USING (dataset, number)
 WHERE s.dataset = %s AND s.number < %s AND s.subject = %s AND s.verb = 'check_codes'
   AND e.state = 'published' AND s.figures ? 'unknown'
 ORDER BY s.number DESC, s.ordinal DESC LIMIT 1
"""

# names in order: table, key, published code, change
UPDATE_CODES = """
UPDATE {0} AS t SET {1} = m.target, {2} = t.{1}, {3} = m.change
  FROM unnest(%s::text[], %s::text[], %s::text[]) AS m (code, target, change)
 WHERE t.{1} = m.code
"""
INSERT_MERGED = """
WITH gone AS (DELETE FROM {0} WHERE {1} = ANY (%s) RETURNING *)
INSERT INTO {0} ({1}, {2}, {3}, {names})
SELECT %s, string_agg({1}, ' + ' ORDER BY {1}), %s, {values} FROM gone
"""
SELECT_GROUND = """
SELECT sum(ST_Area(geom)) FILTER (WHERE {1} = %s),
       sum(ST_Area(geom)) FILTER (WHERE {1} = ANY (%s))
  FROM {0}
"""
CREATE_EVENTS = """
CREATE UNLOGGED TABLE IF NOT EXISTS {} (
    day date NOT NULL, before text[] NOT NULL, after text[] NOT NULL
)
"""
INSERT_EVENTS = """
INSERT INTO {}
SELECT day, before, after
  FROM jsonb_to_recordset(%s::jsonb) AS new (day date, before text[], after text[])
EXCEPT
SELECT day, before, after FROM {}
"""
