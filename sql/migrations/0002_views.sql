-- The questions the catalogue answers, as views.

CREATE VIEW catalog.current_edition AS
SELECT DISTINCT ON (p.dataset, p.vintage)
       p.dataset, p.vintage, p.number, e.mirror, e.schema_name, e.code_revision, e.published_at, p.at AS shown_since, p.action
  FROM catalog.publication p
  JOIN catalog.edition e USING (dataset, number)
 ORDER BY p.dataset, p.vintage, p.id DESC;
COMMENT ON VIEW catalog.current_edition IS 'The edition that the stable views of each dataset and vintage show now.';

CREATE VIEW catalog.current_layer AS
SELECT d.published_schema || '.' || l.layer || '_' || c.vintage AS view_name, c.dataset, c.vintage, c.number, l.layer, l.description,
       l.row_count, l.geometry_type, l.srid, l.extent, l.content_hash, c.mirror, c.shown_since
  FROM catalog.current_edition c
  JOIN catalog.dataset d ON d.slug = c.dataset
  JOIN catalog.layer l USING (dataset, number);
COMMENT ON VIEW catalog.current_layer IS 'What we have: every layer a reader can select from now.';

CREATE VIEW catalog.freshness AS
SELECT s.slug AS source, s.vintage, s.title, r.mirror, s.asked_every_days,
       max(r.asked_at) FILTER (WHERE r.state <> 'unreachable') AS last_checked,
       max(r.asked_at) FILTER (WHERE r.state IN ('new', 'changed', 'moved')) AS last_changed_upstream,
       (SELECT max(p.at) FROM catalog.edition_input i JOIN catalog.publication p USING (dataset, number)
         JOIN catalog.edition e USING (dataset, number)
         WHERE i.source = s.slug AND i.source_vintage = s.vintage AND e.mirror = r.mirror) AS last_published,
       (array_agg(r.state ORDER BY r.asked_at DESC))[1] AS last_state,
       coalesce(max(r.asked_at) FILTER (WHERE r.state <> 'unreachable') < now() - make_interval(days => s.asked_every_days), true) AS overdue
  FROM catalog.source s
  JOIN catalog.retrieval r ON r.source = s.slug AND r.source_vintage = s.vintage
 GROUP BY s.slug, s.vintage, s.title, r.mirror, s.asked_every_days;
COMMENT ON VIEW catalog.freshness IS 'How fresh each source is: last checked, last changed upstream, last published, and whether it is overdue.';

CREATE VIEW catalog.lineage AS
SELECT e.dataset, e.vintage, e.number, e.state, l.layer, i.source, i.source_vintage, i.sha256, a.size_bytes, i.url, i.retrieved_at,
       s.reference_date, s.licence, e.mirror,
       (c.number IS NOT NULL) AS shown_now
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
  JOIN catalog.edition_input i USING (dataset, number)
  JOIN catalog.artifact a USING (sha256)
  JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
  LEFT JOIN catalog.current_edition c ON c.dataset = e.dataset AND c.vintage = e.vintage AND c.number = e.number;
COMMENT ON VIEW catalog.lineage IS 'Both ways: filter by layer to see the files it was made from, by source or sha256 to see what used a file.';

CREATE VIEW catalog.licence_to_print AS
SELECT DISTINCT d.published_schema || '.' || l.layer AS layer, c.dataset, c.vintage, li.slug AS licence, li.title, li.url, p.name AS publisher,
       li.attribution || ', ' || s.title || ', ' || s.reference_date AS attribution
  FROM catalog.current_edition c
  JOIN catalog.dataset d ON d.slug = c.dataset
  JOIN catalog.layer l USING (dataset, number)
  JOIN catalog.edition_input i USING (dataset, number)
  JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
  JOIN catalog.licence li ON li.slug = s.licence
  JOIN catalog.publisher p ON p.slug = s.publisher;
COMMENT ON VIEW catalog.licence_to_print IS 'Attributions to print beside each layer shown now.';
