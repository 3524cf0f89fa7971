"""The longer SQL statements of joins, by what they do."""

# A row for each key of either side, with what is there of it. persons: null where none are counted.
CREATE_MET = """
CREATE TEMPORARY TABLE met ON COMMIT DROP AS
SELECT coalesce(a.key::text, f.key::text, 'no code') AS key,
       a.there IS NOT NULL AS area,
       f.there IS NOT NULL AS figure,
       f.persons,
       coalesce(f.key::text LIKE %(unlocated)s AND a.key IS NULL, false) AS unlocated,
       coalesce(f.key::text = ANY (%(named)s) AND a.key IS NULL, false) AS named,
       coalesce(a.there, 0) > 1 AS areas_repeated,
       coalesce(f.there, 0) > 1 AS figures_repeated
  FROM (SELECT {key} AS key, count(*) AS there FROM {areas} GROUP BY {key}) AS a
  FULL JOIN (SELECT {key} AS key, count(*) AS there, sum({persons})::numeric AS persons
               FROM {figures} {only}
              GROUP BY {key}) AS f ON a.key = f.key
"""
# Orphans of both sides that are one code but for case, blanks, leading zeros or Unicode's forms.
SELECT_ALIKE = """
WITH plain AS (
    SELECT key, area,
           ltrim(regexp_replace(lower(normalize(key, NFKC)), '[[:space:]]', '', 'g'), '0')
           AS letters
      FROM met WHERE area <> figure AND NOT unlocated AND NOT named)
SELECT a.key AS area, f.key AS figure FROM plain a JOIN plain f USING (letters)
 WHERE a.area AND NOT f.area AND a.key <> f.key ORDER BY 1, 2 LIMIT %(most)s
"""
SELECT_RECODED = """
SELECT EXISTS (SELECT FROM catalog.step
                WHERE dataset = %(dataset)s AND number = %(number)s AND verb = 'recode'
                  AND subject = ANY (%(tables)s))
"""

# Areas whose parts add up to more than their own figure, five of them named, and the areas held.
# names in order: column, parts, wholes, by; a literal: tolerance
SELECT_BEYOND = """
WITH held AS (
     SELECT coalesce(p.{3}::text, 'nowhere') AS code, summed, own
       FROM (SELECT {3}, sum({0}) AS summed FROM {1} WHERE {0} IS NOT NULL GROUP BY {3}) AS p
       LEFT JOIN (SELECT {3}, CASE WHEN count(*) = count({0}) THEN sum({0}) END AS own
                    FROM {2} GROUP BY {3}) AS w ON w.{3} = p.{3}),
     beyond AS (
     SELECT *, row_number() OVER (ORDER BY code) AS place
       FROM held WHERE (summed <= own + abs(own) * {4}) IS NOT TRUE)
SELECT string_agg(concat(code, ' (', summed, ' of ', coalesce(own::text, 'none'), ')'), ', '
                  ORDER BY code) FILTER (WHERE place <= 5),
       (SELECT count(*) FROM held)
  FROM beyond
"""

# Points by their key and areas by their code, as they are located beside the server.
SELECT_POINT_COLUMN = """
SELECT type, srid FROM geometry_columns
 WHERE f_table_schema = %s AND f_table_name = %s AND f_geometry_column = %s
"""
SELECT_AREAS = """
SELECT {code}::text AS code, ST_AsBinary(geom) AS geom FROM {areas}
 WHERE {code} IS NOT NULL AND NOT ST_IsEmpty(geom) ORDER BY {code}
"""
SELECT_POINTS = """
SELECT {key}::text AS key, ST_X(geom) AS x, ST_Y(geom) AS y FROM {points} WHERE geom IS NOT NULL
"""
# For each point, in its order, the lowest code of the areas that it intersects, or null.
SELECT_FIRST_AREAS = """
SELECT (SELECT min({code})::text FROM {areas}
         WHERE ST_Intersects(geom, ST_SetSRID(ST_MakePoint(x, y), %(srid)s))) AS code
  FROM unnest(%(x)s::double precision[], %(y)s::double precision[])
       WITH ORDINALITY AS points (x, y, place)
 ORDER BY place
"""
