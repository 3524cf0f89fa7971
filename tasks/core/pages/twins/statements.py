"""What the documents for machines ask the catalog, one statement for each kind of row."""

SELECT_EDITION = """
SELECT e.dataset, d.title, d.country, d.published_schema, e.vintage, e.number, e.mirror, e.as_of,
       e.code_revision, e.started_at, e.published_at
  FROM catalog.edition e
  JOIN catalog.dataset d ON d.slug = e.dataset
 WHERE e.dataset = %(dataset)s AND e.number = %(number)s AND e.published_at IS NOT NULL
"""
SELECT_EDITIONS_SHOWN = """
SELECT dataset, number FROM catalog.current_edition ORDER BY dataset, vintage
"""
# The rectangle is cut into short pieces first: its straight sides are curved in degrees.
SELECT_LAYERS = """
SELECT l.layer, l.description, l.key_columns, l.row_count, l.geometry_type, l.srid, l.content_hash,
       ST_XMin(box) AS west, ST_YMin(box) AS south, ST_XMax(box) AS east, ST_YMax(box) AS north
  FROM catalog.layer l
  LEFT JOIN LATERAL (
       SELECT ST_Transform(ST_Segmentize(
                  ST_MakeEnvelope(l.extent[1], l.extent[2], l.extent[3], l.extent[4], l.srid),
                  greatest(l.extent[3] - l.extent[1], l.extent[4] - l.extent[2], 1e-6) / 32), 4326)
              AS box) AS degrees ON l.srid > 0 AND l.extent IS NOT NULL
 WHERE l.dataset = %(dataset)s AND l.number = %(number)s
 ORDER BY l.layer
"""
SELECT_COLUMNS = """
SELECT layer, name, data_type, description, unit, aggregation, origin
  FROM catalog.layer_column
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY layer, ordinal
"""
# Of each layer by its columns, and of the edition as a whole, whose layer is empty.
SELECT_ORIGINALS = """
WITH used AS (
    SELECT layer, of_dataset, of_number, source, source_vintage
      FROM catalog.layer_original
     WHERE dataset = %(dataset)s AND number = %(number)s
     UNION ALL
    SELECT '', dataset, number, source, source_vintage
      FROM catalog.edition_input
     WHERE dataset = %(dataset)s AND number = %(number)s
)
SELECT u.layer, i.source, i.source_vintage, i.sha256, a.size_bytes, i.url, i.retrieved_at,
       coalesce(i.title, s.title) AS title, coalesce(i.reference_date, s.reference_date) AS day,
       s.landing_page, s.released, l.slug AS licence, l.title AS licence_title,
       l.url AS licence_url, l.attribution, p.slug AS publisher, p.name AS publisher_name,
       p.url AS publisher_url
  FROM used u
  JOIN catalog.edition_input i
    ON (i.dataset, i.number, i.source, i.source_vintage)
     = (u.of_dataset, u.of_number, u.source, u.source_vintage)
  JOIN catalog.artifact a USING (sha256)
  JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
  JOIN catalog.licence l ON l.slug = s.licence
  JOIN catalog.publisher p ON p.slug = s.publisher
 ORDER BY u.layer, i.source, i.source_vintage, i.sha256
"""
SELECT_ATTRIBUTIONS = """
SELECT p.layer, p.attribution
  FROM catalog.licence_to_print p
  JOIN catalog.current_edition c USING (dataset, vintage)
 WHERE c.dataset = %(dataset)s AND c.number = %(number)s
 ORDER BY p.layer, p.attribution
"""
SELECT_STEPS = """
SELECT ordinal, verb, subject, sentence, row_count, ended_at,
       ended_at - make_interval(secs => seconds) AS began_at
  FROM catalog.step
 WHERE dataset = %(dataset)s AND number = %(number)s
 ORDER BY ordinal
"""
SELECT_LAYERS_STOOD_ON = """
SELECT e.dataset, e.vintage, e.number, l.layer, l.content_hash
  FROM catalog.edition_dependency d
  JOIN catalog.edition e ON (e.dataset, e.number) = (d.on_dataset, d.on_number)
  JOIN catalog.layer l
    ON (l.dataset, l.number) = (d.on_dataset, d.on_number) AND l.layer = ANY (d.layers)
 WHERE d.dataset = %(dataset)s AND d.number = %(number)s
 ORDER BY e.dataset, l.layer
"""
