"""The longer SQL statements of joins, by what they do."""

# A row for each key of either side, with what is there of it. persons: null where none are counted.
CREATE_MET = """
CREATE TEMPORARY TABLE met ON COMMIT DROP AS
SELECT coalesce(a.key::text, f.key::text, 'no code') AS key,
       a.key IS NOT NULL AS area,
       f.there IS NOT NULL AS figure,
       f.persons,
       coalesce(f.key LIKE %(unlocated)s AND a.key IS NULL, false) AS unlocated,
       coalesce(f.key = ANY (%(named)s) AND a.key IS NULL, false) AS named
  FROM (SELECT DISTINCT {key} AS key FROM {areas}) AS a
  FULL JOIN (SELECT {key} AS key, true AS there, sum({persons})::numeric AS persons
               FROM {figures} {only}
              GROUP BY {key}) AS f ON a.key = f.key
"""
