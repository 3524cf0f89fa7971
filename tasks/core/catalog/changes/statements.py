"""The longer SQL statements of comparisons, by what they do: o is a row before, n one after."""

# Of the same vintage before an earlier one; what stands on the tables of its schema.
SELECT_PRECEDENT = """
SELECT c.dataset, c.number, c.vintage, c.schema_name
  FROM catalog.current_edition c
  JOIN catalog.edition e USING (dataset, number)
 WHERE c.dataset = %(dataset)s AND c.number <> %(number)s AND c.mirror IN (%(mirror)s, '')
   AND c.vintage <= %(vintage)s AND e.state = 'published'
 ORDER BY c.mirror = %(mirror)s DESC, c.vintage DESC LIMIT 1
"""
SELECT_EDITION = """
SELECT dataset, number, vintage, schema_name
  FROM catalog.edition
 WHERE dataset = %(dataset)s AND state IN ('published', 'sealed', 'review')
 ORDER BY number
"""
SELECT_LAYERS = """
SELECT layer, key_columns, row_count, geometry_type, srid, extent
  FROM catalog.layer WHERE dataset = %s AND number = %s ORDER BY layer
"""
SELECT_COLUMNS = """
SELECT layer, name, data_type, coalesce(unit, ''), coalesce(aggregation, ''), coalesce(origin, '')
  FROM catalog.layer_column WHERE dataset = %s AND number = %s ORDER BY layer, ordinal
"""
SELECT_FAILED_CHECKS = """
SELECT title, expected, found
  FROM catalog.check_result
 WHERE dataset = %s AND number = %s AND required AND NOT passed
 ORDER BY title
"""
# Files of figures that are added up, whose very bytes an edition of another vintage was made from,
# for another day and from another address; borders and lists may well stay as they are.
SELECT_OLD_FILES = """
SELECT DISTINCT i.source, i.source_vintage, o.source_vintage, i.url
  FROM catalog.edition_input i
  JOIN catalog.edition_input o
    ON (o.dataset, o.source, o.sha256) = (i.dataset, i.source, i.sha256)
   AND o.source_vintage <> i.source_vintage AND o.reference_date <> i.reference_date
   AND o.url <> i.url
 WHERE i.dataset = %s AND i.number = %s
   AND EXISTS (SELECT FROM catalog.layer_column c
                WHERE (c.dataset, c.number) = (i.dataset, i.number) AND c.aggregation LIKE 'sum%%'
                  AND split_part(c.origin, '.', 1) = i.source)
 ORDER BY 1, 2, 3
"""
SELECT_INPUT_DAYS = """
SELECT i.source, array_agg(DISTINCT coalesce(i.reference_date, s.reference_date))
  FROM catalog.edition_input i
  JOIN catalog.source s ON (s.slug, s.vintage) = (i.source, i.source_vintage)
 WHERE i.dataset = %s AND i.number = %s
 GROUP BY i.source
"""
# Editions shown of earlier vintages than that of an edition, and of the same mirror.
SELECT_EARLIER_ROWS = """
SELECT l.layer, c.vintage, l.row_count
  FROM catalog.current_edition c
  JOIN catalog.edition e ON e.dataset = c.dataset AND e.number = %(number)s
  JOIN catalog.layer l ON l.dataset = c.dataset AND l.number = c.number
 WHERE c.dataset = %(dataset)s AND c.vintage < e.vintage AND c.mirror = e.mirror
 ORDER BY l.layer, c.vintage DESC
"""
# What comparisons of editions shown said of them and of those before them.
SELECT_EARLIER_TOTALS = """
SELECT DISTINCT ON (x.layer, x.subject, t.vintage) x.layer, x.subject, t.vintage, t.total
  FROM catalog.current_edition c
  JOIN catalog.edition own ON own.dataset = c.dataset AND own.number = %(number)s
  JOIN catalog.change x ON x.dataset = c.dataset AND x.number = c.number AND x.measure = 'total'
  JOIN catalog.edition e ON e.dataset = c.dataset AND e.number = c.number
  LEFT JOIN catalog.edition p ON p.dataset = c.dataset AND p.number = e.compared_with
 CROSS JOIN LATERAL (VALUES (c.vintage, x.after, 0), (p.vintage, x.before, 1))
            AS t (vintage, total, place)
 WHERE c.dataset = %(dataset)s AND c.mirror = own.mirror AND t.vintage < own.vintage
   AND t.total <> ''
 ORDER BY x.layer, x.subject, t.vintage DESC, t.place
"""
SELECT_FIGURES = "SELECT count(*), {figures} FROM {table} AS t"
SELECT_KEYS = """
WITH compared AS MATERIALIZED (
    SELECT CASE WHEN {old_missing} THEN 'new' WHEN {new_missing} THEN 'gone'
                WHEN {differing} THEN 'changed' ELSE 'same' END AS kind,
           CASE WHEN {old_missing} THEN {new_key} ELSE {old_key} END COLLATE "C" AS key
      FROM {old} o FULL JOIN {new} n ON {joined}
), counted AS (
    SELECT kind, count(*) AS total FROM compared GROUP BY kind
)
SELECT kind, total,
       ARRAY(SELECT key FROM compared c
              WHERE c.kind = counted.kind AND kind <> 'same' ORDER BY key LIMIT {named})
  FROM counted
"""
SELECT_LEAPS = """
WITH compared AS (
    SELECT {key} AS key, greatest({old}, {new})::numeric AS figure,
           abs({new} - {old}) > greatest({leap} * greatest({old}, {new}),
                                         {least} + {deviations} * sqrt(greatest({old}, 0))) AS leapt
      FROM {before} o JOIN {after} n ON {joined}
)
SELECT sum(figure) FILTER (WHERE leapt) / nullif(sum(figure), 0), count(*) FILTER (WHERE leapt),
       ARRAY(SELECT key FROM compared WHERE leapt ORDER BY figure DESC, key LIMIT {named})
  FROM compared
"""
SELECT_SAME_FIGURES = """
SELECT coalesce(sum({new}) FILTER (WHERE {new} = {old})::float8 / nullif(sum({new}), 0), 0),
       count(*) FILTER (WHERE {new} = {old}), count({new})
  FROM {before} o JOIN {after} n ON {joined}
 WHERE {new} >= {telling}
"""
SELECT_GROUPS = "(SELECT {key}, count(*) AS rows_of_key FROM {table} GROUP BY {key})"
SELECT_AREA = """
SELECT sum(ST_Area({measured}))
  FROM {table} AS t
"""
SELECT_EXTENT = """
SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
  FROM (SELECT ST_Extent({shape}) AS box FROM {table} AS t) AS all_of_it
"""
# Areas that touch no other. Of most a corner tells that they do, which others have too: it is asked
# first, as borders take longer to compare. PostGIS looks where a point lies in plain doubles, so a
# corner on another's slanted edge may be taken for outside or inside in its last digit.
SELECT_LONELY = """
SELECT count(*)
  FROM (SELECT t.ctid, t.geom
          FROM {table} AS t
         CROSS JOIN LATERAL (
                   SELECT ST_PointN(ST_ExteriorRing(ST_GeometryN(t.geom, 1)), 1) AS point
               ) AS corner
         WHERE t.geom IS NOT NULL
           AND NOT EXISTS (SELECT FROM {table} AS other
                            WHERE other.geom && corner.point AND other.ctid <> t.ctid
                              AND ST_Intersects(other.geom, corner.point))
        OFFSET 0) AS t
 WHERE NOT EXISTS (SELECT FROM {table} AS other
                    WHERE other.geom && t.geom AND other.ctid <> t.ctid
                      AND ST_Intersects(other.geom, t.geom))
"""
# The share of two areas that is not common to both, of what both cover: of the same parts as by
# ST_SymDifference over ST_Union, with one overlay in place of two. And how far half of them moved
# to one side, in sides of a square of their area: borders drawn otherwise move to all sides.
SELECT_REDRAWN = """
WITH common AS MATERIALIZED (
    SELECT {key} AS key, {old_shape} AS old, n.geom AS new
      FROM {old} o JOIN {new} n ON {joined}
     WHERE o.geom IS NOT NULL AND n.geom IS NOT NULL AND {differing}
), sampled AS MATERIALIZED (
    SELECT ST_CollectionExtract(ST_MakeValid(old), 3) AS old,
           ST_CollectionExtract(ST_MakeValid(new), 3) AS new
      FROM common ORDER BY md5(key), key LIMIT {sample}
), measured AS MATERIALIZED (
    SELECT ST_Area(old) AS before, ST_Area(new) AS after,
           ST_Area(ST_Intersection(old, new)) AS in_both,
           ST_X(ST_Centroid(new)) - ST_X(ST_Centroid(old)) AS eastward,
           ST_Y(ST_Centroid(new)) - ST_Y(ST_Centroid(old)) AS northward
      FROM sampled
), moved AS (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY eastward / sqrt(before)) AS eastward,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY northward / sqrt(before)) AS northward
      FROM measured WHERE before > 0
)
SELECT (SELECT count(*) FROM common), count(*),
       count(*) FILTER (WHERE before + after - 2 * in_both > {least} * (before + after - in_both)),
       coalesce(sum(before + after - 2 * in_both) / nullif(sum(before + after - in_both), 0), 0),
       (SELECT coalesce(sqrt(eastward ^ 2 + northward ^ 2), 0) FROM moved)
  FROM measured
"""
