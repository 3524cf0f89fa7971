-- Lineage and attributions of each layer, not of its edition: one view says from which originals a layer is, and both others ask it.

CREATE VIEW catalog.layer_original AS
WITH named AS (
    SELECT dataset, number, layer, source, source_vintage, dataset AS of_dataset, number AS of_number
      FROM catalog.layer_source
     UNION
    SELECT c.dataset, c.number, c.layer, o.source, o.source_vintage, o.dataset, o.number
      FROM catalog.layer_column c
     CROSS JOIN LATERAL regexp_split_to_table(c.origin, '[\s,;]+') AS word
      JOIN catalog.edition_dependency d ON d.dataset = c.dataset AND d.number = c.number AND split_part(word, '.', 1) = d.on_dataset
      JOIN catalog.layer_source o ON o.dataset = d.on_dataset AND o.number = d.on_number AND o.layer = split_part(word, '.', 2)
)
SELECT dataset, number, layer, source, source_vintage, of_dataset, of_number, true AS by_columns
  FROM named
 UNION ALL
SELECT l.dataset, l.number, l.layer, i.source, i.source_vintage, l.dataset, l.number, false
  FROM catalog.layer l
  JOIN catalog.edition_input i USING (dataset, number)
 WHERE NOT EXISTS (SELECT FROM named n WHERE (n.dataset, n.number, n.layer) = (l.dataset, l.number, l.layer));
COMMENT ON VIEW catalog.layer_original IS
    'Originals each layer is from: those that the origins of its columns name, also by way of another edition; where they name none, all of its edition''s.';
COMMENT ON COLUMN catalog.layer_original.of_dataset IS 'Dataset whose edition received the original: that of the layer, or one that it stands on.';
COMMENT ON COLUMN catalog.layer_original.of_number IS 'That edition.';
COMMENT ON COLUMN catalog.layer_original.by_columns IS 'Whether the columns of the layer name it; false where they name no file, and all of the edition count.';

CREATE OR REPLACE VIEW catalog.lineage AS
SELECT e.dataset, e.vintage, e.number, e.state, o.layer, i.source, i.source_vintage, i.sha256, a.size_bytes, i.url, i.retrieved_at,
       s.reference_date, s.licence, e.mirror,
       (c.number IS NOT NULL) AS shown_now,
       o.of_dataset, o.of_number, o.by_columns
  FROM catalog.edition e
  JOIN catalog.layer_original o USING (dataset, number)
  JOIN catalog.edition_input i
    ON (i.dataset, i.number, i.source, i.source_vintage) = (o.of_dataset, o.of_number, o.source, o.source_vintage)
  JOIN catalog.artifact a USING (sha256)
  JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
  LEFT JOIN catalog.current_edition c ON c.dataset = e.dataset AND c.vintage = e.vintage AND c.number = e.number;
COMMENT ON VIEW catalog.lineage IS
    'Both ways: filter by layer to see the files that this layer was made from, by source or sha256 to see what used a file.';
COMMENT ON COLUMN catalog.lineage.of_dataset IS 'Dataset whose edition received the file: that of the layer, or one that it stands on.';
COMMENT ON COLUMN catalog.lineage.of_number IS 'That edition.';
COMMENT ON COLUMN catalog.lineage.by_columns IS 'Whether the columns of the layer name the file; false where they name none, and all of the edition count.';

CREATE OR REPLACE VIEW catalog.licence_to_print AS
SELECT DISTINCT d.published_schema || '.' || n.layer AS layer, n.dataset, n.vintage, n.licence, li.title, li.url, p.name AS publisher,
       concat_ws(', ', li.attribution, s.title || coalesce(' (' || nullif(s.landing_page, '') || ')', ''), s.reference_date::text,
                 li.title || coalesce(' (' || nullif(li.url, '') || ')', ''),
                 coalesce('last update ' || told.day, 'received ' || to_char(n.retrieved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
                 'data changed') AS attribution,
       told.day AS last_update
  FROM catalog.lineage n
  JOIN catalog.dataset d ON d.slug = n.dataset
  JOIN catalog.source s ON s.slug = n.source AND s.vintage = n.source_vintage
  JOIN catalog.licence li ON li.slug = n.licence
  JOIN catalog.publisher p ON p.slug = s.publisher
  LEFT JOIN LATERAL (
       SELECT parts[3] || '-' || lpad(((position(parts[2] IN 'JanFebMarAprMayJunJulAugSepOctNovDec') + 2) / 3)::text, 2, '0') || '-'
              || parts[1] AS day
         FROM catalog.retrieval r
        CROSS JOIN LATERAL regexp_match(
              r.last_modified, '^\w{3}, (\d{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) ') AS parts
        WHERE r.source = n.source AND r.source_vintage = n.source_vintage AND r.sha256 = n.sha256 AND parts IS NOT NULL
        ORDER BY r.asked_at DESC, r.id DESC LIMIT 1) AS told ON true
 WHERE n.shown_now;
