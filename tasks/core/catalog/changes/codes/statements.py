"""The longer SQL statements about codes, by what they do."""

CREATE_GONE = """
CREATE TEMPORARY TABLE gone_areas ON COMMIT DROP AS
SELECT o.{key}::text AS key, {old_shape} AS geom
  FROM {old} o
 WHERE NOT EXISTS (SELECT FROM {new} n WHERE n.{key} = o.{key})
"""
CREATE_NEW = """
CREATE TEMPORARY TABLE new_areas ON COMMIT DROP AS
SELECT n.{key}::text AS key, n.geom
  FROM {new} n
 WHERE NOT EXISTS (SELECT FROM {old} o WHERE n.{key} = o.{key})
"""
# Kept codes whose area or outline is so different that it may be another area's: sure, and without
# an overlay, where the overlap of the outlines or the ratio of the areas is below the bound.
CREATE_REDRAWN = """
CREATE TEMPORARY TABLE redrawn_areas ON COMMIT DROP AS
SELECT key, old, new
  FROM (SELECT o.{key}::text AS key, {old_shape} AS old, n.geom AS new
          FROM {old} o JOIN {new} n ON n.{key} = o.{key}
         WHERE {differing} OFFSET 0) AS kept
 WHERE least(ST_Area(old), ST_Area(new))
       < (1 - {much}) * greatest(ST_Area(old), ST_Area(new))
    OR ST_Area(ST_Intersection(ST_Envelope(old), ST_Envelope(new)))
       < (1 - {much}) * greatest(ST_Area(ST_Envelope(old)), ST_Area(ST_Envelope(new)))
"""
# Gone areas that one new area covers, which has nothing else: found first, by their outlines, since
# a reform renames thousands, and overlays with all their neighbours are ten times as many.
CREATE_RENAMED = """
CREATE TEMPORARY TABLE renamed_areas ON COMMIT DROP AS
SELECT old_key, new_key, old_area, new_area, in_both
  FROM (SELECT g.key AS old_key, n.key AS new_key, ST_Area(g.geom) AS old_area,
               ST_Area(n.geom) AS new_area,
               ST_Area(ST_Intersection(ST_CollectionExtract(ST_MakeValid(g.geom), 3),
                                       ST_CollectionExtract(ST_MakeValid(n.geom), 3))) AS in_both
          FROM gone_areas g JOIN new_areas n ON n.geom && g.geom
         WHERE ST_Area(ST_Intersection(ST_Envelope(g.geom), ST_Envelope(n.geom)))
               > (1 - {much}) * greatest(ST_Area(ST_Envelope(g.geom)),
                                         ST_Area(ST_Envelope(n.geom)))
        OFFSET 0) AS alike
 WHERE in_both >= {covered} * greatest(old_area, new_area)
"""
DELETE_RENAMED = """
DELETE FROM gone_areas WHERE key IN (SELECT old_key FROM renamed_areas);
DELETE FROM new_areas WHERE key IN (SELECT new_key FROM renamed_areas);
"""
SELECT_CHANGED_KEYS = """
SELECT (SELECT count(*) FROM gone_areas), (SELECT count(*) FROM new_areas),
       (SELECT count(*) FROM redrawn_areas)
"""
# Pairs of which one at least is gone or new, or both are kept codes that were redrawn, and what
# they share; those that other pairs bring in are paired with themselves.
SELECT_OVERLAPS = """
WITH pair AS (
    SELECT g.key AS old_key, n.{key}::text AS new_key, g.geom AS old, n.geom AS new
      FROM gone_areas g JOIN {new} n ON n.geom && g.geom
     UNION ALL
    SELECT o.{key}::text, w.key, {old_shape}, w.geom
      FROM new_areas w JOIN {old} o ON o.geom && {new_in_old}
     WHERE NOT EXISTS (SELECT FROM gone_areas g WHERE g.key = o.{key}::text)
     UNION ALL
    SELECT a.key, b.key, a.old, b.new
      FROM redrawn_areas a JOIN redrawn_areas b ON a.old && b.new
), shared AS MATERIALIZED (
    SELECT old_key, new_key, ST_Area(old) AS old_area, ST_Area(new) AS new_area,
           CASE WHEN old = new AND ST_AsBinary(old) = ST_AsBinary(new) THEN ST_Area(old)
                ELSE ST_Area(ST_Intersection(ST_CollectionExtract(ST_MakeValid(old), 3),
                                             ST_CollectionExtract(ST_MakeValid(new), 3)))
           END AS in_both
      FROM pair
), brought AS (
    SELECT s.old_key AS key
      FROM shared s
     WHERE in_both > {kept_overlap} * new_area
       AND NOT EXISTS (SELECT FROM gone_areas g WHERE g.key = s.old_key)
       AND EXISTS (SELECT FROM {new} n WHERE n.{key}::text = s.old_key)
     UNION
    SELECT s.new_key
      FROM shared s
     WHERE in_both > {kept_overlap} * old_area
       AND NOT EXISTS (SELECT FROM new_areas w WHERE w.key = s.new_key)
), themselves AS (
    SELECT b.key AS old_key, b.key AS new_key, {old_shape} AS old, n.geom AS new
      FROM brought b
      JOIN {old} o ON o.{key} = b.key
      JOIN {new} n ON n.{key} = b.key
     WHERE NOT EXISTS (SELECT FROM redrawn_areas r WHERE r.key = b.key)
)
SELECT old_key, new_key, old_area, new_area, in_both
  FROM renamed_areas
 UNION ALL
SELECT old_key, new_key, old_area, new_area, in_both
  FROM shared WHERE in_both > 0
 UNION ALL
SELECT old_key, new_key, ST_Area(old), ST_Area(new),
       ST_Area(ST_Intersection(ST_CollectionExtract(ST_MakeValid(old), 3),
                               ST_CollectionExtract(ST_MakeValid(new), 3)))
  FROM themselves
"""
SELECT_CODES = """
SELECT 'gone', key FROM gone_areas
 UNION ALL
SELECT 'new', key FROM new_areas
 UNION ALL
SELECT 'redrawn', key FROM redrawn_areas
 ORDER BY 1, 2
"""
SELECT_LEDGER_EVENTS = """
SELECT day, before, after FROM {events}
 WHERE day > make_date({since}, 1, 1) AND day <= make_date({until}, 12, 31)
 ORDER BY day
"""
SELECT_CODES_THERE = "SELECT {key}::text FROM {table} WHERE {key}::text = ANY ({codes}::text[])"
