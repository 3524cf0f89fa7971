-- What a rebuild from the archive needs and leaves: publications by their time, withdrawals, the run behind each retrieval, and the
-- record of every rebuild and drill.

ALTER TABLE catalog.publication DROP CONSTRAINT publication_action_check;
ALTER TABLE catalog.publication ADD CONSTRAINT publication_action_check CHECK (action IN ('publish', 'rollback', 'withdraw'));
COMMENT ON COLUMN catalog.publication.number IS 'Edition shown from then on; of a withdrawal, the edition that was shown until then.';
COMMENT ON COLUMN catalog.publication.action IS 'publish, rollback, or withdraw (no edition of the vintage is shown any more).';

-- By time, not by row number: what a rebuild restores may be older than what is there already.
CREATE OR REPLACE VIEW catalog.current_edition AS
SELECT dataset, vintage, number, mirror, schema_name, code_revision, published_at, shown_since, action
  FROM (SELECT DISTINCT ON (p.dataset, p.vintage)
               p.dataset, p.vintage, p.number, e.mirror, e.schema_name, e.code_revision, e.published_at, p.at AS shown_since, p.action
          FROM catalog.publication p
          JOIN catalog.edition e USING (dataset, number)
         ORDER BY p.dataset, p.vintage, p.at DESC, p.id DESC) AS newest
 WHERE action <> 'withdraw';

CREATE OR REPLACE VIEW catalog.freshness AS
SELECT s.slug AS source, s.vintage, s.title, r.mirror, s.asked_every_days,
       max(r.asked_at) FILTER (WHERE r.state <> 'unreachable') AS last_checked,
       max(r.asked_at) FILTER (WHERE r.state IN ('new', 'changed', 'moved')) AS last_changed_upstream,
       (SELECT max(p.at) FROM catalog.edition_input i JOIN catalog.publication p USING (dataset, number)
         JOIN catalog.edition e USING (dataset, number)
         WHERE i.source = s.slug AND i.source_vintage = s.vintage AND e.mirror = r.mirror AND p.action <> 'withdraw') AS last_published,
       (array_agg(r.state ORDER BY r.asked_at DESC))[1] AS last_state,
       coalesce(max(r.asked_at) FILTER (WHERE r.state <> 'unreachable') < now() - make_interval(days => s.asked_every_days), true) AS overdue
  FROM catalog.source s
  JOIN catalog.retrieval r ON r.source = s.slug AND r.source_vintage = s.vintage
 GROUP BY s.slug, s.vintage, s.title, r.mirror, s.asked_every_days;

ALTER TABLE catalog.retrieval ADD COLUMN run text REFERENCES catalog.run;
CREATE INDEX ON catalog.retrieval (run);
COMMENT ON COLUMN catalog.retrieval.run IS 'Run that asked; null where a task was called outside of a run.';

COMMENT ON COLUMN catalog.edition.state IS
    'building, published, failed, abandoned (its run was killed) or removed (its tables are not here: dropped by retention, or not rebuilt).';
COMMENT ON COLUMN catalog.source.retention IS 'Which originals stay: permanent (all), newest (so many, and what editions need) or legal_maximum.';
COMMENT ON TABLE catalog.tombstone IS
    'Originals removed from the archive, by a legal maximum age or because only the newest stay; editions made from them keep their tables.';
COMMENT ON COLUMN catalog.archive_audit.sha256 IS
    'SHA-256 of an original or of row digests, or of the content of a document; null when no copy could tell.';

CREATE TABLE catalog.rebuild (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    drill         boolean NOT NULL,
    scope         text NOT NULL CHECK (scope IN ('current', 'kept')),
    archive       text[] NOT NULL,
    code_revision text NOT NULL,
    machine       text NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at      timestamptz,
    verdict       text NOT NULL DEFAULT 'running' CHECK (verdict IN ('running', 'identical', 'differing', 'incomplete', 'failed')),
    message       text NOT NULL DEFAULT ''
);
COMMENT ON TABLE catalog.rebuild IS 'Rebuilds from the archive alone, and drills of it: how long they took and whether the result was the same.';
COMMENT ON COLUMN catalog.rebuild.id IS 'Row number.';
COMMENT ON COLUMN catalog.rebuild.drill IS 'Whether it was a drill, in a throw-away database.';
COMMENT ON COLUMN catalog.rebuild.scope IS 'Editions rebuilt: current (those shown) or kept (also those a rollback could show).';
COMMENT ON COLUMN catalog.rebuild.archive IS 'Locations of the archive, without credentials, the primary first.';
COMMENT ON COLUMN catalog.rebuild.code_revision IS 'Revision of the code that rebuilt.';
COMMENT ON COLUMN catalog.rebuild.machine IS 'Host name of the machine or pod.';
COMMENT ON COLUMN catalog.rebuild.started_at IS 'Start.';
COMMENT ON COLUMN catalog.rebuild.ended_at IS 'End; null while running, or when it was killed. From start to end is the time to recover.';
COMMENT ON COLUMN catalog.rebuild.verdict IS
    'running; identical: every table as it was; differing: all there, some with other content; incomplete: some could not be made; failed.';
COMMENT ON COLUMN catalog.rebuild.message IS 'The result in words.';

CREATE TABLE catalog.rebuilt_edition (
    rebuild      bigint NOT NULL REFERENCES catalog.rebuild,
    dataset      text NOT NULL,
    number       integer NOT NULL,
    vintage      integer NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN ('identical', 'differing', 'missing')),
    same_code    boolean,
    published_as integer,
    row_count    bigint,
    seconds      double precision NOT NULL,
    steps        jsonb NOT NULL DEFAULT '[]',
    differences  jsonb NOT NULL DEFAULT '{}',
    message      text NOT NULL DEFAULT '',
    PRIMARY KEY (rebuild, dataset, number)
);
COMMENT ON TABLE catalog.rebuilt_edition IS 'Editions of a rebuild, each held against its manifest.';
COMMENT ON COLUMN catalog.rebuilt_edition.rebuild IS 'Rebuild.';
COMMENT ON COLUMN catalog.rebuilt_edition.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.rebuilt_edition.number IS 'Edition that was to be rebuilt.';
COMMENT ON COLUMN catalog.rebuilt_edition.vintage IS 'Year described.';
COMMENT ON COLUMN catalog.rebuilt_edition.verdict IS
    'identical: every content hash is that of the manifest; differing: made, with other content; missing: could not be made.';
COMMENT ON COLUMN catalog.rebuilt_edition.same_code IS 'Whether the code and its declarations are those that made the edition; null when it was not made.';
COMMENT ON COLUMN catalog.rebuilt_edition.published_as IS 'Number of the new edition that holds differing content; in a drill, in its throw-away database.';
COMMENT ON COLUMN catalog.rebuilt_edition.row_count IS 'Rows of all its tables.';
COMMENT ON COLUMN catalog.rebuilt_edition.seconds IS 'Duration in seconds.';
COMMENT ON COLUMN catalog.rebuilt_edition.steps IS 'What was done, in order: verb, subject, seconds and rows.';
COMMENT ON COLUMN catalog.rebuilt_edition.differences IS 'By table: keys added, removed and changed, counted and the first of them named.';
COMMENT ON COLUMN catalog.rebuilt_edition.message IS 'Why it could not be made, or what differs, in words.';
