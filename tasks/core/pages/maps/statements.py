"""The SQL statements of the maps, by what they ask."""

SELECT_SHOWN_LAYERS = """
SELECT c.dataset, c.vintage, c.number, l.layer, d.published_schema, l.key_columns, l.geometry_type,
       l.srid, l.row_count, l.extent, l.content_hash, l.description
  FROM catalog.current_edition c
  JOIN catalog.dataset d ON d.slug = c.dataset
  JOIN catalog.layer l USING (dataset, number)
 WHERE c.dataset = %(dataset)s AND c.vintage = %(vintage)s AND l.geometry_type IS NOT NULL
 ORDER BY l.row_count, l.layer
"""
SELECT_SHOWN_COLUMNS = """
SELECT k.layer, k.name, k.data_type, k.description, k.unit, k.aggregation, k.ordinal
  FROM catalog.current_edition c
  JOIN catalog.layer_column k USING (dataset, number)
 WHERE c.dataset = %(dataset)s AND c.vintage = %(vintage)s
 ORDER BY k.layer, k.ordinal
"""
SELECT_EDITION_SHOWN = """
SELECT number FROM catalog.current_edition WHERE dataset = $1 AND vintage = $2
"""
SELECT_ATTRIBUTIONS = """
SELECT DISTINCT publisher, title FROM catalog.licence_to_print
 WHERE dataset = %(dataset)s AND vintage = %(vintage)s AND layer = %(layer)s
 ORDER BY 1, 2
"""
# What one row is called and where it lies; the order of codes is made by the reader.
SELECT_AREAS = """
SELECT {code} AS code, {label} AS label, ST_AsBinary({geometry}) AS shape FROM {view}
"""
SELECT_POINTS = """
SELECT ST_X({geometry}) AS x, ST_Y({geometry}) AS y FROM {view} WHERE {geometry} IS NOT NULL
"""
SELECT_FIGURES = "SELECT {code} AS code, {figures} FROM {view}"
SELECT_DECIMALS = "SELECT {scales} FROM {view}"
