"""The longer SQL statements of exports, by what they do."""

SELECT_LAYERS_SHOWN = """
SELECT d.published_schema || '.' || l.layer AS name, d.published_schema AS schema, c.vintage
  FROM catalog.current_edition c
  JOIN catalog.dataset d ON d.slug = c.dataset
  JOIN catalog.layer l USING (dataset, number)
 ORDER BY name, vintage DESC
"""
SELECT_LAYER = """
SELECT d.slug AS dataset, d.title, d.country, d.published_schema AS schema, l.layer, c.vintage,
       c.number AS edition, c.mirror, e.published_at, e.code_revision, l.description, l.key_columns,
       l.row_count, l.geometry_type, l.srid, l.extent, l.content_hash
  FROM catalog.current_edition c
  JOIN catalog.edition e USING (dataset, number)
  JOIN catalog.dataset d ON d.slug = c.dataset
  JOIN catalog.layer l USING (dataset, number)
 WHERE d.published_schema || '.' || l.layer = %(name)s AND c.vintage = %(vintage)s
"""
SELECT_COLUMNS_OF_LAYER = """
SELECT name, data_type, description, coalesce(unit, '') AS unit,
       coalesce(aggregation, '') AS aggregation, coalesce(origin, '') AS origin
  FROM catalog.layer_column
 WHERE dataset = %(dataset)s AND number = %(edition)s AND layer = %(layer)s
 ORDER BY ordinal
"""
SELECT_LICENCES_OF_LAYER = """
SELECT licence AS slug, title, url, publisher, attribution
  FROM catalog.licence_to_print
 WHERE dataset = %(dataset)s AND vintage = %(vintage)s AND layer = %(name)s
 ORDER BY attribution
"""
SELECT_SOURCES_OF_LAYER = """
SELECT DISTINCT n.source, n.source_vintage AS vintage, s.title, p.name AS publisher,
       s.landing_page, n.url, n.sha256, n.retrieved_at, n.reference_date, n.licence, n.of_dataset
  FROM catalog.lineage n
  JOIN catalog.source s ON s.slug = n.source AND s.vintage = n.source_vintage
  JOIN catalog.publisher p ON p.slug = s.publisher
 WHERE n.dataset = %(dataset)s AND n.number = %(edition)s AND n.layer = %(layer)s
 ORDER BY 1, 2
"""
# As the view itself chooses, for the transaction that asks.
SELECT_EDITION_SHOWN = """
SELECT number FROM catalog.showing
 WHERE view_schema = {schema} AND view_name = {view}
 ORDER BY (at <= now()) DESC, id DESC LIMIT 1
"""
# Whether texts are ordered by their bytes without being asked to, and so by the index of the key.
SELECT_WHETHER_BYTEWISE = """
SELECT datlocprovider = 'c' AND datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') AS bytewise
  FROM pg_database WHERE datname = current_database()
"""
SELECT_STREAM = "SELECT {columns} FROM {view} ORDER BY {key}"
SELECT_FIGURES = "SELECT {columns} FROM {view}"
INSERT_GPKG_METADATA = """
INSERT INTO gpkg_metadata (md_scope, md_standard_uri, mime_type, metadata)
VALUES ('dataset', ?, ?, ?)
"""
INSERT_GPKG_METADATA_REFERENCE = """
INSERT INTO gpkg_metadata_reference (reference_scope, table_name, timestamp, md_file_id)
VALUES ('table', ?, ?, ?)
"""
SELECT_GEOMETRIES_EMPTY = """
SELECT count(*) FILTER (WHERE {geometry} IS NULL OR ST_IsEmpty({geometry})) AS empty FROM {view}
"""
SELECT_GROUPS = """
SELECT percentile_disc(ARRAY[0, 0.2, 0.4, 0.6, 0.8, 1]) WITHIN GROUP (ORDER BY {column}) AS bounds
  FROM {view}
"""
SELECT_WORDS = """
SELECT DISTINCT {column} AS word FROM {view} WHERE {column} IS NOT NULL ORDER BY 1 LIMIT {most}
"""
