-- Originals whose bytes had to go: their hash and origin stay, here and in the archive.

CREATE TABLE catalog.tombstone (
    sha256         text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    source         text NOT NULL,
    source_vintage integer NOT NULL,
    mirror         text NOT NULL DEFAULT '',
    retrieved_at   timestamptz NOT NULL,
    size_bytes     bigint NOT NULL,
    reason         text NOT NULL,
    buried_at      timestamptz NOT NULL,
    PRIMARY KEY (sha256, buried_at)
);
COMMENT ON TABLE catalog.tombstone IS 'Originals removed from the archive at the end of their legal maximum age; editions made from them keep their tables.';
COMMENT ON COLUMN catalog.tombstone.sha256 IS 'SHA-256 of the bytes that are gone.';
COMMENT ON COLUMN catalog.tombstone.source IS 'File they were an original of.';
COMMENT ON COLUMN catalog.tombstone.source_vintage IS 'Vintage of the file.';
COMMENT ON COLUMN catalog.tombstone.mirror IS 'Label of the mirror they came from; empty for the publisher itself.';
COMMENT ON COLUMN catalog.tombstone.retrieved_at IS 'When they were received, the last time.';
COMMENT ON COLUMN catalog.tombstone.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN catalog.tombstone.reason IS 'By what they had to go.';
COMMENT ON COLUMN catalog.tombstone.buried_at IS 'When they were removed. A later retrieval of the same bytes is an original again.';
