-- Vintages that nobody declared: what publishers list and have, what of it is awaited, how an edition differs from the one before it,
-- and who accepted what was kept for review.

ALTER TABLE catalog.edition DROP CONSTRAINT edition_state_check;
ALTER TABLE catalog.edition ADD CONSTRAINT edition_state_check
    CHECK (state IN ('building', 'sealed', 'review', 'published', 'failed', 'abandoned', 'removed'));
COMMENT ON COLUMN catalog.edition.state IS
    'building, sealed (made, and not shown yet), review (made, and kept for a person to accept), published, failed, abandoned (its run was '
    'killed) or removed (its tables are not here: dropped by retention, or not rebuilt).';
ALTER TABLE catalog.edition ADD COLUMN as_of date;
ALTER TABLE catalog.edition ADD COLUMN derived boolean NOT NULL DEFAULT false;
ALTER TABLE catalog.edition ADD COLUMN compared_with integer;
COMMENT ON COLUMN catalog.edition.as_of IS 'Month of the data, by its first day, where their address gives the newest only; otherwise null.';
COMMENT ON COLUMN catalog.edition.derived IS
    'Whether nobody has declared what to expect of this vintage: expected numbers are derived from the edition it was compared with.';
COMMENT ON COLUMN catalog.edition.compared_with IS 'Edition of the dataset that catalog.change tells the differences from; null for a first one.';

ALTER TABLE catalog.edition_input ADD COLUMN title text;
ALTER TABLE catalog.edition_input ADD COLUMN reference_date date;
COMMENT ON COLUMN catalog.edition_input.title IS 'Title of what was read: as long as a newer file or year is not out, that of an earlier one.';
COMMENT ON COLUMN catalog.edition_input.reference_date IS 'Day that what was read refers to.';

CREATE OR REPLACE VIEW catalog.lineage AS
SELECT e.dataset, e.vintage, e.number, e.state, l.layer, i.source, i.source_vintage, i.sha256, a.size_bytes, i.url, i.retrieved_at,
       coalesce(i.reference_date, s.reference_date) AS reference_date, s.licence, e.mirror,
       (c.number IS NOT NULL) AS shown_now
  FROM catalog.edition e
  JOIN catalog.layer l USING (dataset, number)
  JOIN catalog.edition_input i USING (dataset, number)
  JOIN catalog.artifact a USING (sha256)
  JOIN catalog.source s ON s.slug = i.source AND s.vintage = i.source_vintage
  LEFT JOIN catalog.current_edition c ON c.dataset = e.dataset AND c.vintage = e.vintage AND c.number = e.number;

-- As in 0009, by what was read.
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
       concat_ws(', ', li.attribution, coalesce(i.title, s.title) || coalesce(' (' || nullif(s.landing_page, '') || ')', ''), coalesce(i.reference_date, s.reference_date)::text,
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
  LEFT JOIN catalog.edition_input i
    ON (i.dataset, i.number, i.source, i.source_vintage) = (n.dataset, n.number, n.source, n.source_vintage)
  LEFT JOIN LATERAL (
       SELECT parts[3] || '-' || lpad(((position(parts[2] IN 'JanFebMarAprMayJunJulAugSepOctNovDec') + 2) / 3)::text, 2, '0') || '-'
              || parts[1] AS day
         FROM catalog.retrieval r
        CROSS JOIN LATERAL regexp_match(
              r.last_modified, '^\w{3}, (\d{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) ') AS parts
        WHERE r.source = n.source AND r.source_vintage = n.source_vintage AND r.sha256 = n.sha256 AND parts IS NOT NULL
        ORDER BY r.asked_at DESC, r.id DESC LIMIT 1) AS told ON true;

ALTER TABLE catalog.run DROP CONSTRAINT run_outcome_check;
ALTER TABLE catalog.run ADD CONSTRAINT run_outcome_check
    CHECK (outcome IN ('running', 'published', 'unchanged', 'review', 'failed', 'abandoned'));
COMMENT ON COLUMN catalog.run.outcome IS
    'running, published, unchanged (nothing new upstream), review (made, and kept for a person to accept), failed, or abandoned (killed).';

CREATE TABLE catalog.prospect (
    dataset     text NOT NULL REFERENCES catalog.dataset,
    vintage     integer NOT NULL,
    source      text NOT NULL,
    mirror      text NOT NULL DEFAULT '',
    state       text NOT NULL CHECK (state IN ('out', 'awaited', 'unknown')),
    url         text NOT NULL DEFAULT '',
    released_at timestamptz,
    seen_at     timestamptz,
    asked_at    timestamptz NOT NULL,
    detail      text NOT NULL DEFAULT '',
    PRIMARY KEY (dataset, vintage, source, mirror)
);
COMMENT ON TABLE catalog.prospect IS 'Files of vintages that were not shown yet when publishers were asked whether they have them.';
COMMENT ON COLUMN catalog.prospect.dataset IS 'Dataset the file is for.';
COMMENT ON COLUMN catalog.prospect.vintage IS 'Vintage asked for.';
COMMENT ON COLUMN catalog.prospect.source IS 'File.';
COMMENT ON COLUMN catalog.prospect.mirror IS 'Label of the mirror that stood in for the publisher; empty for the publisher itself.';
COMMENT ON COLUMN catalog.prospect.state IS 'out, awaited (not out yet), or unknown (no address gave an answer that says either).';
COMMENT ON COLUMN catalog.prospect.url IS 'Address where it is, or the last one asked; without credentials.';
COMMENT ON COLUMN catalog.prospect.released_at IS 'When the publisher released it, by its listing or its server; null where neither says.';
COMMENT ON COLUMN catalog.prospect.seen_at IS 'When it was first seen to be out.';
COMMENT ON COLUMN catalog.prospect.asked_at IS 'When it was last asked for.';
COMMENT ON COLUMN catalog.prospect.detail IS 'What the addresses answered where it is not out.';

CREATE TABLE catalog.listed_file (
    source         text NOT NULL,
    source_vintage integer NOT NULL,
    mirror         text NOT NULL DEFAULT '',
    url            text NOT NULL,
    listing        text NOT NULL,
    title          text NOT NULL DEFAULT '',
    issued         timestamptz,
    modified       timestamptz,
    licence        text NOT NULL DEFAULT '',
    size_bytes     bigint,
    first_seen_at  timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    PRIMARY KEY (source, source_vintage, mirror, url)
);
COMMENT ON TABLE catalog.listed_file IS 'Files as their publishers list them: addresses, days and terms.';
COMMENT ON COLUMN catalog.listed_file.source IS 'File.';
COMMENT ON COLUMN catalog.listed_file.source_vintage IS 'Vintage of the file.';
COMMENT ON COLUMN catalog.listed_file.mirror IS 'Label of the mirror that stood in for the publisher; empty for the publisher itself.';
COMMENT ON COLUMN catalog.listed_file.url IS 'Address that the listing gives, without credentials.';
COMMENT ON COLUMN catalog.listed_file.listing IS 'Address of the listing.';
COMMENT ON COLUMN catalog.listed_file.title IS 'Title in the listing.';
COMMENT ON COLUMN catalog.listed_file.issued IS 'When it was released, by the listing.';
COMMENT ON COLUMN catalog.listed_file.modified IS 'When it was last changed, by the listing.';
COMMENT ON COLUMN catalog.listed_file.licence IS 'Terms of reuse, in the words of the listing.';
COMMENT ON COLUMN catalog.listed_file.size_bytes IS 'Size by the listing, which may be rounded.';
COMMENT ON COLUMN catalog.listed_file.first_seen_at IS 'When the listing was first seen to have it.';
COMMENT ON COLUMN catalog.listed_file.last_seen_at IS 'When the listing was last seen to have it.';

CREATE TABLE catalog.change (
    dataset  text NOT NULL,
    number   integer NOT NULL,
    ordinal  integer NOT NULL,
    layer    text NOT NULL,
    measure  text NOT NULL
        CHECK (measure IN ('rows', 'keys', 'total', 'leaps', 'missing', 'columns', 'area', 'redrawn', 'codes', 'check')),
    subject  text NOT NULL DEFAULT '',
    before   text NOT NULL DEFAULT '',
    after    text NOT NULL DEFAULT '',
    expected text NOT NULL DEFAULT '',
    within   boolean,
    sentence text NOT NULL,
    PRIMARY KEY (dataset, number, ordinal),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.change IS 'How an edition differs from the one it was compared with (catalog.edition.compared_with), one sentence a row.';
COMMENT ON COLUMN catalog.change.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.change.number IS 'Edition.';
COMMENT ON COLUMN catalog.change.ordinal IS 'Order of the sentences, from 1.';
COMMENT ON COLUMN catalog.change.layer IS 'Layer; empty for a check.';
COMMENT ON COLUMN catalog.change.measure IS
    'rows, keys (new, gone, changed), total (of a column), leaps (rows whose figure is suddenly another), missing (share of missing values), '
    'columns, area (of all, and its extent), redrawn (areas with other borders), codes (explained by the ledger or by geometry), or check (one that failed).';
COMMENT ON COLUMN catalog.change.subject IS 'Column or key it is about; empty for the layer.';
COMMENT ON COLUMN catalog.change.before IS 'In the edition before.';
COMMENT ON COLUMN catalog.change.after IS 'In this edition.';
COMMENT ON COLUMN catalog.change.expected IS 'Bounds that were derived from the edition before; empty where none were.';
COMMENT ON COLUMN catalog.change.within IS 'Whether it is within them; null where it is only told.';
COMMENT ON COLUMN catalog.change.sentence IS 'The same in words.';

CREATE TABLE catalog.ledger_draft (
    dataset text NOT NULL,
    number  integer NOT NULL,
    layer   text NOT NULL,
    event   text NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('merged', 'divided', 'renamed', 'redrawn')),
    covered double precision NOT NULL,
    PRIMARY KEY (dataset, number, layer, event),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.ledger_draft IS 'Code events that geometry suggests and no ledger has: for a person to confirm, and used by nothing.';
COMMENT ON COLUMN catalog.ledger_draft.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.ledger_draft.number IS 'Edition.';
COMMENT ON COLUMN catalog.ledger_draft.layer IS 'Layer.';
COMMENT ON COLUMN catalog.ledger_draft.event IS 'The event as a ledger writes it: 2026-01-01: 11002 11007 > 11002.';
COMMENT ON COLUMN catalog.ledger_draft.kind IS 'merged, divided, renamed (one area under another code) or redrawn (several with other borders).';
COMMENT ON COLUMN catalog.ledger_draft.covered IS 'Share of the area of the lost codes that the new ones cover.';

CREATE TABLE catalog.acceptance (
    dataset text NOT NULL,
    number  integer NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    person  text NOT NULL,
    reason  text NOT NULL DEFAULT '',
    by_role text NOT NULL DEFAULT current_user,
    PRIMARY KEY (dataset, number),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.acceptance IS 'Editions that were kept for review and that a person accepted.';
COMMENT ON COLUMN catalog.acceptance.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.acceptance.number IS 'Edition.';
COMMENT ON COLUMN catalog.acceptance.at IS 'When.';
COMMENT ON COLUMN catalog.acceptance.person IS 'Who, as they say.';
COMMENT ON COLUMN catalog.acceptance.reason IS 'Why, as they say.';
COMMENT ON COLUMN catalog.acceptance.by_role IS 'Database role that did it.';

CREATE VIEW catalog.difference AS
SELECT e.dataset, e.vintage, e.number, e.mirror, e.state, e.derived, b.vintage AS before_vintage, e.compared_with AS before_number,
       s.number IS NOT NULL AS shown_now, c.ordinal, c.layer, c.measure, c.subject, c.before, c.after, c.expected, c.within, c.sentence
  FROM catalog.change c
  JOIN catalog.edition e USING (dataset, number)
  LEFT JOIN catalog.edition b ON b.dataset = e.dataset AND b.number = e.compared_with
  LEFT JOIN catalog.current_edition s ON s.dataset = e.dataset AND s.number = e.number;
COMMENT ON VIEW catalog.difference IS 'What changed with each edition since the one before it, and what of that is out of the bounds derived from it.';
