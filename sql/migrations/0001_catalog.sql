-- The catalogue: what we have, from which file, treated how, checked how, how fresh, and who may see it.
-- Keys are stable slugs and numbers; nothing here is keyed by a hash of text that can change.

CREATE SCHEMA IF NOT EXISTS catalog;
COMMENT ON SCHEMA catalog IS 'Provenance of every published table: sources, originals, editions, steps, checks and publications.';

CREATE TABLE catalog.publisher (
    slug text PRIMARY KEY,
    name text NOT NULL,
    url  text NOT NULL
);
COMMENT ON TABLE catalog.publisher IS 'Offices whose files are used.';
COMMENT ON COLUMN catalog.publisher.slug IS 'Stable short name.';
COMMENT ON COLUMN catalog.publisher.name IS 'Name in full.';
COMMENT ON COLUMN catalog.publisher.url IS 'Home page.';

CREATE TABLE catalog.licence (
    slug        text PRIMARY KEY,
    title       text NOT NULL,
    url         text NOT NULL,
    attribution text NOT NULL
);
COMMENT ON TABLE catalog.licence IS 'Terms of reuse, with the attribution to print.';
COMMENT ON COLUMN catalog.licence.slug IS 'Stable short name.';
COMMENT ON COLUMN catalog.licence.title IS 'Title of the licence.';
COMMENT ON COLUMN catalog.licence.url IS 'Text of the licence.';
COMMENT ON COLUMN catalog.licence.attribution IS 'Sentence to print beside every use of the data.';

CREATE TABLE catalog.dataset (
    slug             text PRIMARY KEY,
    title            text NOT NULL,
    country          text NOT NULL,
    published_schema text NOT NULL,
    keep             integer NOT NULL
);
COMMENT ON TABLE catalog.dataset IS 'What one flow publishes.';
COMMENT ON COLUMN catalog.dataset.slug IS 'Stable short name, also the name of the flow.';
COMMENT ON COLUMN catalog.dataset.title IS 'Title for people.';
COMMENT ON COLUMN catalog.dataset.country IS 'ISO 3166-1 alpha-2 code of the country.';
COMMENT ON COLUMN catalog.dataset.published_schema IS 'Schema of the stable views.';
COMMENT ON COLUMN catalog.dataset.keep IS 'Editions kept for each vintage.';

CREATE TABLE catalog.source (
    slug             text NOT NULL,
    vintage          integer NOT NULL,
    title            text NOT NULL,
    publisher        text NOT NULL REFERENCES catalog.publisher,
    licence          text NOT NULL REFERENCES catalog.licence,
    landing_page     text NOT NULL,
    urls             text[] NOT NULL,
    reference_date   date NOT NULL,
    released         text NOT NULL,
    asked_every_days integer NOT NULL,
    retention        text NOT NULL,
    confidence       text NOT NULL,
    declaration      jsonb NOT NULL,
    PRIMARY KEY (slug, vintage)
);
COMMENT ON TABLE catalog.source IS 'Files of publishers, one row for each file and vintage, as the flow declares them.';
COMMENT ON COLUMN catalog.source.slug IS 'Stable short name of the file.';
COMMENT ON COLUMN catalog.source.vintage IS 'Year the file describes.';
COMMENT ON COLUMN catalog.source.title IS 'Title for people.';
COMMENT ON COLUMN catalog.source.publisher IS 'Office that publishes the file.';
COMMENT ON COLUMN catalog.source.licence IS 'Terms of reuse.';
COMMENT ON COLUMN catalog.source.landing_page IS 'Page of the publisher about the file.';
COMMENT ON COLUMN catalog.source.urls IS 'Declared addresses, the likeliest first.';
COMMENT ON COLUMN catalog.source.reference_date IS 'Day the figures or borders refer to.';
COMMENT ON COLUMN catalog.source.released IS 'Rhythm of the publisher.';
COMMENT ON COLUMN catalog.source.asked_every_days IS 'Days after which the source counts as not asked.';
COMMENT ON COLUMN catalog.source.retention IS 'How long originals may stay: permanent or a legal maximum.';
COMMENT ON COLUMN catalog.source.confidence IS 'How well the address and format are known: high, medium or low.';
COMMENT ON COLUMN catalog.source.declaration IS 'Format, columns, expected rows and totals as declared in the flow.';

CREATE TABLE catalog.artifact (
    sha256            text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes        bigint NOT NULL,
    first_archived_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE catalog.artifact IS 'Original files in the archive, byte for byte as received.';
COMMENT ON COLUMN catalog.artifact.sha256 IS 'SHA-256 of the bytes: the name of the file in the archive.';
COMMENT ON COLUMN catalog.artifact.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN catalog.artifact.first_archived_at IS 'When these bytes were first archived.';

CREATE TABLE catalog.run (
    id            text PRIMARY KEY,
    flow          text NOT NULL,
    dataset       text NOT NULL REFERENCES catalog.dataset,
    parameters    jsonb NOT NULL,
    code_revision text NOT NULL,
    machine       text NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at      timestamptz,
    outcome       text NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'published', 'unchanged', 'failed', 'abandoned')),
    message       text NOT NULL DEFAULT ''
);
COMMENT ON TABLE catalog.run IS 'Runs of flows, kept when the history in Prefect has expired.';
COMMENT ON COLUMN catalog.run.id IS 'Identifier of the flow run in Prefect.';
COMMENT ON COLUMN catalog.run.flow IS 'Name of the flow.';
COMMENT ON COLUMN catalog.run.dataset IS 'Dataset the flow publishes.';
COMMENT ON COLUMN catalog.run.parameters IS 'Parameters of the run, without secrets.';
COMMENT ON COLUMN catalog.run.code_revision IS 'Revision of the code that ran.';
COMMENT ON COLUMN catalog.run.machine IS 'Host name of the machine or pod.';
COMMENT ON COLUMN catalog.run.started_at IS 'Start.';
COMMENT ON COLUMN catalog.run.ended_at IS 'End; empty while running.';
COMMENT ON COLUMN catalog.run.outcome IS 'running, published, unchanged (nothing new upstream), failed, or abandoned (killed).';
COMMENT ON COLUMN catalog.run.message IS 'Last sentence of the run: what was published, or why not.';

CREATE TABLE catalog.retrieval (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source         text NOT NULL,
    source_vintage integer NOT NULL,
    mirror         text NOT NULL DEFAULT '',
    asked_at       timestamptz NOT NULL,
    state          text NOT NULL CHECK (state IN ('new', 'unchanged', 'changed', 'moved', 'gone', 'invalid', 'unreachable')),
    url            text NOT NULL,
    sha256         text REFERENCES catalog.artifact,
    received       text,
    etag           text,
    last_modified  text,
    detail         text NOT NULL DEFAULT '',
    FOREIGN KEY (source, source_vintage) REFERENCES catalog.source
);
CREATE INDEX ON catalog.retrieval (source, source_vintage, asked_at DESC);
COMMENT ON TABLE catalog.retrieval IS 'Each time a publisher was asked for a file, and the answer.';
COMMENT ON COLUMN catalog.retrieval.id IS 'Row number.';
COMMENT ON COLUMN catalog.retrieval.source IS 'File asked for.';
COMMENT ON COLUMN catalog.retrieval.source_vintage IS 'Vintage asked for.';
COMMENT ON COLUMN catalog.retrieval.mirror IS 'Label of the mirror that stood in for the publisher; empty for the publisher itself.';
COMMENT ON COLUMN catalog.retrieval.asked_at IS 'When.';
COMMENT ON COLUMN catalog.retrieval.state IS 'State of the upstream: new, unchanged, changed, moved, gone, invalid or unreachable.';
COMMENT ON COLUMN catalog.retrieval.url IS 'Address asked, without credentials.';
COMMENT ON COLUMN catalog.retrieval.sha256 IS 'Original used after this answer; the last archived one when the answer was refused.';
COMMENT ON COLUMN catalog.retrieval.received IS 'SHA-256 of the bytes received, also of refused ones.';
COMMENT ON COLUMN catalog.retrieval.etag IS 'ETag header of the answer.';
COMMENT ON COLUMN catalog.retrieval.last_modified IS 'Last-Modified header of the answer.';
COMMENT ON COLUMN catalog.retrieval.detail IS 'Why an answer was refused, or where a file has moved.';

CREATE TABLE catalog.edition (
    dataset          text NOT NULL REFERENCES catalog.dataset,
    number           integer NOT NULL,
    vintage          integer NOT NULL,
    mirror           text NOT NULL DEFAULT '',
    state            text NOT NULL DEFAULT 'building' CHECK (state IN ('building', 'published', 'failed', 'abandoned', 'removed')),
    run              text REFERENCES catalog.run,
    code_revision    text NOT NULL,
    fingerprint      text NOT NULL,
    started_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at     timestamptz,
    schema_name      text NOT NULL,
    manifest         text,
    PRIMARY KEY (dataset, number)
);
CREATE INDEX ON catalog.edition (dataset, vintage, fingerprint);
COMMENT ON TABLE catalog.edition IS 'Editions: immutable results of one run of a flow for one vintage.';
COMMENT ON COLUMN catalog.edition.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.edition.number IS 'Number of the edition within the dataset, over all vintages.';
COMMENT ON COLUMN catalog.edition.vintage IS 'Year described.';
COMMENT ON COLUMN catalog.edition.mirror IS 'Label of the mirror the inputs came from; such an edition is not official data. Empty for the publishers'' own files.';
COMMENT ON COLUMN catalog.edition.state IS 'building, published, failed, abandoned (its run was killed) or removed (its tables were dropped by retention).';
COMMENT ON COLUMN catalog.edition.run IS 'Run that made it.';
COMMENT ON COLUMN catalog.edition.code_revision IS 'Revision of the code that made it.';
COMMENT ON COLUMN catalog.edition.fingerprint IS 'SHA-256 over the originals, the declarations and the code: equal fingerprints make equal editions.';
COMMENT ON COLUMN catalog.edition.started_at IS 'When the building began.';
COMMENT ON COLUMN catalog.edition.published_at IS 'When it was first shown.';
COMMENT ON COLUMN catalog.edition.schema_name IS 'Schema of its tables.';
COMMENT ON COLUMN catalog.edition.manifest IS 'Path of its manifest in the archive; empty until the record is closed.';

CREATE TABLE catalog.edition_input (
    dataset        text NOT NULL,
    number         integer NOT NULL,
    source         text NOT NULL,
    source_vintage integer NOT NULL,
    sha256         text NOT NULL REFERENCES catalog.artifact,
    url            text NOT NULL,
    retrieved_at   timestamptz NOT NULL,
    PRIMARY KEY (dataset, number, source, source_vintage),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition,
    FOREIGN KEY (source, source_vintage) REFERENCES catalog.source
);
CREATE INDEX ON catalog.edition_input (sha256);
COMMENT ON TABLE catalog.edition_input IS 'Originals an edition was made from.';
COMMENT ON COLUMN catalog.edition_input.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.edition_input.number IS 'Edition.';
COMMENT ON COLUMN catalog.edition_input.source IS 'File.';
COMMENT ON COLUMN catalog.edition_input.source_vintage IS 'Vintage of the file.';
COMMENT ON COLUMN catalog.edition_input.sha256 IS 'Original in the archive.';
COMMENT ON COLUMN catalog.edition_input.url IS 'Address it was received from.';
COMMENT ON COLUMN catalog.edition_input.retrieved_at IS 'When it was received.';

CREATE TABLE catalog.layer (
    dataset       text NOT NULL,
    number        integer NOT NULL,
    layer         text NOT NULL,
    description   text NOT NULL,
    key_columns   text[] NOT NULL,
    row_count     bigint NOT NULL,
    geometry_type text,
    srid          integer,
    extent        double precision[],
    size_bytes    bigint NOT NULL,
    content_hash  text NOT NULL,
    PRIMARY KEY (dataset, number, layer),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.layer IS 'Published tables of an edition.';
COMMENT ON COLUMN catalog.layer.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.layer.number IS 'Edition.';
COMMENT ON COLUMN catalog.layer.layer IS 'Name of the table, also of its stable view.';
COMMENT ON COLUMN catalog.layer.description IS 'What one row is.';
COMMENT ON COLUMN catalog.layer.key_columns IS 'Primary key.';
COMMENT ON COLUMN catalog.layer.row_count IS 'Number of rows.';
COMMENT ON COLUMN catalog.layer.geometry_type IS 'Geometry type; empty for a table without geometry.';
COMMENT ON COLUMN catalog.layer.srid IS 'EPSG code of the geometry.';
COMMENT ON COLUMN catalog.layer.extent IS 'xmin, ymin, xmax, ymax in that CRS.';
COMMENT ON COLUMN catalog.layer.size_bytes IS 'Size of the table with its indexes, in bytes.';
COMMENT ON COLUMN catalog.layer.content_hash IS 'Canonical hash of the rows (geodata.content_hash): a rebuild must give the same.';

CREATE TABLE catalog.layer_column (
    dataset     text NOT NULL,
    number      integer NOT NULL,
    layer       text NOT NULL,
    name        text NOT NULL,
    ordinal     integer NOT NULL,
    data_type   text NOT NULL,
    description text NOT NULL,
    unit        text,
    aggregation text,
    origin      text,
    PRIMARY KEY (dataset, number, layer, name),
    FOREIGN KEY (dataset, number, layer) REFERENCES catalog.layer
);
COMMENT ON TABLE catalog.layer_column IS 'Columns of published tables: meaning, unit, how they may be aggregated, where they come from.';
COMMENT ON COLUMN catalog.layer_column.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.layer_column.number IS 'Edition.';
COMMENT ON COLUMN catalog.layer_column.layer IS 'Table.';
COMMENT ON COLUMN catalog.layer_column.name IS 'Column.';
COMMENT ON COLUMN catalog.layer_column.ordinal IS 'Position in the table, from 1.';
COMMENT ON COLUMN catalog.layer_column.data_type IS 'PostgreSQL type.';
COMMENT ON COLUMN catalog.layer_column.description IS 'Meaning.';
COMMENT ON COLUMN catalog.layer_column.unit IS 'Unit of measure.';
COMMENT ON COLUMN catalog.layer_column.aggregation IS 'How it may be aggregated: key, same, sum, ratio A / B, mean by W, or none.';
COMMENT ON COLUMN catalog.layer_column.origin IS 'File and column of the publisher it comes from.';

CREATE TABLE catalog.step (
    dataset  text NOT NULL,
    number   integer NOT NULL,
    ordinal  integer NOT NULL,
    verb     text NOT NULL,
    subject  text NOT NULL,
    sentence text NOT NULL,
    row_count bigint,
    seconds  double precision NOT NULL,
    peak_mib double precision NOT NULL,
    figures  jsonb NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (dataset, number, ordinal),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.step IS 'What was done to make an edition, in order.';
COMMENT ON COLUMN catalog.step.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.step.number IS 'Edition.';
COMMENT ON COLUMN catalog.step.ordinal IS 'Order in which the steps ended, from 1.';
COMMENT ON COLUMN catalog.step.verb IS 'Task.';
COMMENT ON COLUMN catalog.step.subject IS 'Table or file it worked on.';
COMMENT ON COLUMN catalog.step.sentence IS 'What was done, in words.';
COMMENT ON COLUMN catalog.step.row_count IS 'Rows made.';
COMMENT ON COLUMN catalog.step.seconds IS 'Duration in seconds.';
COMMENT ON COLUMN catalog.step.peak_mib IS 'Most memory the process held during the step, in MiB; steps at the same time share it.';
COMMENT ON COLUMN catalog.step.figures IS 'Further figures of the step.';
COMMENT ON COLUMN catalog.step.ended_at IS 'When it ended.';

CREATE TABLE catalog.check_result (
    dataset  text NOT NULL,
    number   integer NOT NULL,
    title    text NOT NULL,
    expected text NOT NULL,
    found    text NOT NULL,
    passed   boolean NOT NULL,
    required boolean NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (dataset, number, title),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.check_result IS 'Checks of an edition: a failed required check stops the run before anything is shown.';
COMMENT ON COLUMN catalog.check_result.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.check_result.number IS 'Edition.';
COMMENT ON COLUMN catalog.check_result.title IS 'What was checked.';
COMMENT ON COLUMN catalog.check_result.expected IS 'What was declared.';
COMMENT ON COLUMN catalog.check_result.found IS 'What the data hold.';
COMMENT ON COLUMN catalog.check_result.passed IS 'Verdict.';
COMMENT ON COLUMN catalog.check_result.required IS 'Whether a failure stops the run.';
COMMENT ON COLUMN catalog.check_result.at IS 'When.';

CREATE TABLE catalog.join_report (
    dataset            text NOT NULL,
    number             integer NOT NULL,
    areas              text NOT NULL,
    figures            text NOT NULL,
    key                text NOT NULL,
    area_count         bigint NOT NULL,
    areas_matched      bigint NOT NULL,
    figure_count       bigint NOT NULL,
    figures_matched    bigint NOT NULL,
    figures_unlocated  bigint NOT NULL,
    population         numeric,
    population_matched numeric,
    population_unlocated numeric,
    areas_orphaned     text[] NOT NULL,
    figures_orphaned   text[] NOT NULL,
    PRIMARY KEY (dataset, number, areas, figures),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.join_report IS 'How well figures and areas met.';
COMMENT ON COLUMN catalog.join_report.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.join_report.number IS 'Edition.';
COMMENT ON COLUMN catalog.join_report.areas IS 'Staging table of areas.';
COMMENT ON COLUMN catalog.join_report.figures IS 'Staging table of figures.';
COMMENT ON COLUMN catalog.join_report.key IS 'Column they were joined by.';
COMMENT ON COLUMN catalog.join_report.area_count IS 'Areas.';
COMMENT ON COLUMN catalog.join_report.areas_matched IS 'Areas that have figures.';
COMMENT ON COLUMN catalog.join_report.figure_count IS 'Rows of figures, without the unlocated ones.';
COMMENT ON COLUMN catalog.join_report.figures_matched IS 'Rows of figures that have an area.';
COMMENT ON COLUMN catalog.join_report.figures_unlocated IS 'Rows of figures that the publisher itself does not locate.';
COMMENT ON COLUMN catalog.join_report.population IS 'Persons in the figures that should have an area; empty when the figures count no persons.';
COMMENT ON COLUMN catalog.join_report.population_matched IS 'Persons in the figures that have an area.';
COMMENT ON COLUMN catalog.join_report.population_unlocated IS 'Persons the publisher does not locate.';
COMMENT ON COLUMN catalog.join_report.areas_orphaned IS 'Codes of areas without figures (at most 1,000).';
COMMENT ON COLUMN catalog.join_report.figures_orphaned IS 'Codes of figures without an area (at most 1,000).';

CREATE TABLE catalog.topology_report (
    dataset text NOT NULL,
    number  integer NOT NULL,
    layer   text NOT NULL,
    report  jsonb NOT NULL,
    PRIMARY KEY (dataset, number, layer),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.topology_report IS 'What the cleaning of a coverage found and changed.';
COMMENT ON COLUMN catalog.topology_report.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.topology_report.number IS 'Edition.';
COMMENT ON COLUMN catalog.topology_report.layer IS 'Staging table.';
COMMENT ON COLUMN catalog.topology_report.report IS 'Counts and areas (square metres) before and after.';

CREATE TABLE catalog.publication (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    vintage integer NOT NULL,
    number  integer NOT NULL,
    action  text NOT NULL CHECK (action IN ('publish', 'rollback')),
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    by_role text NOT NULL DEFAULT current_user,
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
CREATE INDEX ON catalog.publication (dataset, vintage, id DESC);
COMMENT ON TABLE catalog.publication IS 'Each switch of the stable views to an edition, forwards or backwards.';
COMMENT ON COLUMN catalog.publication.id IS 'Order of the switches.';
COMMENT ON COLUMN catalog.publication.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.publication.vintage IS 'Vintage whose views were switched.';
COMMENT ON COLUMN catalog.publication.number IS 'Edition shown from then on.';
COMMENT ON COLUMN catalog.publication.action IS 'publish (a new edition) or rollback (a person chose an older or newer one).';
COMMENT ON COLUMN catalog.publication.at IS 'When.';
COMMENT ON COLUMN catalog.publication.by_role IS 'Database role that did it.';
