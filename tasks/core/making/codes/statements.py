"""The longer SQL statements of codes, by what they do."""

# A code list need not have the columns label_en and parent.
INSERT_CODE_LABELS = """
INSERT INTO catalog.code_label (dataset, number, code_list, code, label, label_en, parent)
SELECT %(dataset)s, %(number)s, %(code_list)s, l.code, l.label,
       to_jsonb(l) ->> 'label_en', to_jsonb(l) ->> 'parent'
  FROM {table} l
ON CONFLICT DO NOTHING
"""
