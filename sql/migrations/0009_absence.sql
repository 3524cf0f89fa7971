-- What is absent, left out or named, beside what is there; and notices of licences that say what they must.

ALTER TABLE catalog.join_report ADD COLUMN figures_named bigint, ADD COLUMN population_named numeric;
COMMENT ON COLUMN catalog.join_report.figures_named IS
    'Codes of figures that the ledger of code events names and could not carry; null in editions made before this was kept.';
COMMENT ON COLUMN catalog.join_report.population_named IS 'Persons under these codes; null when the figures count no persons.';

CREATE VIEW catalog.layer_source AS
SELECT DISTINCT c.dataset, c.number, c.layer, i.source, i.source_vintage, i.sha256, i.retrieved_at
  FROM catalog.layer_column c
 CROSS JOIN LATERAL regexp_split_to_table(c.origin, '[\s,;]+') AS word
  JOIN catalog.edition_input i
    ON i.dataset = c.dataset AND i.number = c.number AND c.origin NOT LIKE 'not in %'
   AND i.source LIKE replace(replace(split_part(word, '.', 1), '_', '\_'), '*', '%');
COMMENT ON VIEW catalog.layer_source IS
    'Files each layer is from, by the origins of its columns; a layer whose columns name none of the edition''s files is not here.';

-- Attributions name the sources of a layer, those of the layers of other editions that it is made of, or, where its columns name none,
-- all of its edition. A date is told as the publisher's server told it (RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT").
CREATE OR REPLACE VIEW catalog.licence_to_print AS
WITH used AS (
    SELECT dataset, number, layer, source, source_vintage, sha256, retrieved_at FROM catalog.layer_source
    UNION
    SELECT c.dataset, c.number, c.layer, o.source, o.source_vintage, o.sha256, o.retrieved_at
      FROM catalog.layer_column c
     CROSS JOIN LATERAL regexp_split_to_table(c.origin, '[\s,;]+') AS word
      JOIN catalog.edition_dependency d ON d.dataset = c.dataset AND d.number = c.number AND split_part(word, '.', 1) = d.on_dataset
      JOIN catalog.layer_source o ON o.dataset = d.on_dataset AND o.number = d.on_number AND o.layer = split_part(word, '.', 2)
), named AS (
    SELECT * FROM used
    UNION ALL
    SELECT l.dataset, l.number, l.layer, i.source, i.source_vintage, i.sha256, i.retrieved_at
      FROM catalog.layer l
      JOIN catalog.edition_input i USING (dataset, number)
     WHERE NOT EXISTS (SELECT FROM used u WHERE (u.dataset, u.number, u.layer) = (l.dataset, l.number, l.layer))
)
SELECT DISTINCT d.published_schema || '.' || n.layer AS layer, c.dataset, c.vintage, li.slug AS licence, li.title, li.url, p.name AS publisher,
       concat_ws(', ', li.attribution, s.title || coalesce(' (' || nullif(s.landing_page, '') || ')', ''), s.reference_date::text,
                 li.title || coalesce(' (' || nullif(li.url, '') || ')', ''),
                 coalesce('last update ' || told.day, 'received ' || to_char(n.retrieved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')),
                 'data changed') AS attribution,
       told.day AS last_update
  FROM catalog.current_edition c
  JOIN catalog.dataset d ON d.slug = c.dataset
  JOIN named n USING (dataset, number)
  JOIN catalog.source s ON s.slug = n.source AND s.vintage = n.source_vintage
  JOIN catalog.licence li ON li.slug = s.licence
  JOIN catalog.publisher p ON p.slug = s.publisher
  LEFT JOIN LATERAL (
       SELECT parts[3] || '-' || lpad(((position(parts[2] IN 'JanFebMarAprMayJunJulAugSepOctNovDec') + 2) / 3)::text, 2, '0') || '-'
              || parts[1] AS day
         FROM catalog.retrieval r
        CROSS JOIN LATERAL regexp_match(
              r.last_modified, '^\w{3}, (\d{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) ') AS parts
        WHERE r.source = n.source AND r.source_vintage = n.source_vintage AND r.sha256 = n.sha256 AND parts IS NOT NULL
        ORDER BY r.asked_at DESC, r.id DESC LIMIT 1) AS told ON true;
COMMENT ON VIEW catalog.licence_to_print IS
    'Attributions to print beside each layer shown now: of its own sources, with the link to the licence, the last update and the notice of changes.';

CREATE VIEW catalog.absent_column AS
SELECT s.dataset, e.vintage, s.number, s.subject AS table_name, absent.name AS column_name,
       (SELECT array_agg(c.layer ORDER BY c.layer)
          FROM catalog.layer_column c
         WHERE c.dataset = s.dataset AND c.number = s.number AND c.name = absent.name AND c.origin LIKE 'not in %') AS layers
  FROM catalog.step s
  JOIN catalog.edition e USING (dataset, number)
 CROSS JOIN LATERAL jsonb_array_elements_text(
       CASE jsonb_typeof(s.figures -> 'absent') WHEN 'array' THEN s.figures -> 'absent' ELSE '[]' END) AS absent (name);
COMMENT ON VIEW catalog.absent_column IS
    'Optional columns that the file of this vintage does not have, and the layers in which they are empty for that reason.';

CREATE VIEW catalog.rows_left_out AS
SELECT s.dataset, e.vintage, s.number, s.verb, s.subject AS table_name, part.reason,
       CASE jsonb_typeof(part.told) WHEN 'number' THEN (part.told #>> '{}')::numeric::bigint
                                    WHEN 'array' THEN jsonb_array_length(part.told) END AS row_count,
       CASE WHEN jsonb_typeof(part.told) <> 'number' THEN part.told END AS named
  FROM catalog.step s
  JOIN catalog.edition e USING (dataset, number)
 CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(s.figures) WHEN 'object' THEN s.figures ELSE '{}' END) AS figure (name, told)
 CROSS JOIN LATERAL (
       SELECT figure.name AS reason, figure.told WHERE jsonb_typeof(figure.told) <> 'object'
        UNION ALL
       SELECT of.key, of.value
         FROM jsonb_each(CASE jsonb_typeof(figure.told) WHEN 'object' THEN figure.told ELSE '{}' END) AS of) AS part
 WHERE figure.name IN ('left_out', 'skipped', 'notes') AND part.told NOT IN ('0', '[]', '{}', 'null', '""');
COMMENT ON VIEW catalog.rows_left_out IS
    'Rows of the publishers'' files that are not in a table, by reason: their number, and those that the step names.';
