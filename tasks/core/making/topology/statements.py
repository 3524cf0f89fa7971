"""The longer SQL statements of topology, by what they do: key, whether to be cleaned, shape."""

SELECT_AREAS = """
SELECT {key}::text, true, ST_AsBinary(geom)
  FROM {table}
 WHERE NOT ST_IsEmpty(geom)
 ORDER BY {key}::text COLLATE "C"
"""
SELECT_AREAS_WITH_NEIGHBOURS = """
SELECT a.{key}::text, coalesce(a.{parent} {same}, false), ST_AsBinary(a.geom)
  FROM {table} a
 WHERE NOT ST_IsEmpty(a.geom)
   AND a.ctid IN (SELECT n.ctid
                    FROM {table} b JOIN {table} n ON n.geom && ST_Expand(b.geom, {width})
                   WHERE b.{parent} {same})
 ORDER BY a.{key}::text COLLATE "C"
"""
UPDATE_AREAS = """
UPDATE {table} AS t SET geom = s.geom FROM {source} AS s WHERE t.{key}::text = s.key
"""
