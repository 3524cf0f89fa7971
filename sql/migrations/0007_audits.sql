-- When each copy in the archive was audited, and how it was found. A cache: an empty table means that all is due.

CREATE TABLE catalog.archive_audit (
    name       text NOT NULL,
    location   text NOT NULL,
    sha256     text,
    audited_at timestamptz,
    verdict    text NOT NULL CHECK (verdict IN ('whole', 'repaired', 'buried', 'lost', 'differing', 'failed')),
    detail     text NOT NULL DEFAULT '',
    PRIMARY KEY (name, location)
);
COMMENT ON TABLE catalog.archive_audit IS 'Copies in the archive: one row for each object and location, as the last audit found it.';
COMMENT ON COLUMN catalog.archive_audit.name IS 'Name of the original or document in the archive.';
COMMENT ON COLUMN catalog.archive_audit.location IS 'Location of the archive, without credentials.';
COMMENT ON COLUMN catalog.archive_audit.sha256 IS 'SHA-256 of an original, or of the content of a document; null when no copy could tell.';
COMMENT ON COLUMN catalog.archive_audit.audited_at IS 'When the copy was last audited; null when the location failed each time.';
COMMENT ON COLUMN catalog.archive_audit.verdict IS
    'whole; repaired from another location; buried: absent by a tombstone; lost: whole nowhere; differing: a document whose right content is unknown; '
    'failed: the location could not give or take it, and is asked again.';
COMMENT ON COLUMN catalog.archive_audit.detail IS 'What was found, where it was not whole.';
