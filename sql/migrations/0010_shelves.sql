-- Switches that wait for no reader and hold none up: each view reads a shelf, a partitioned table of the editions of a layer, and a row
-- says which of them it shows. Whoever reads by an older snapshot reads the older row, and so the older edition.

ALTER TABLE catalog.edition DROP CONSTRAINT edition_state_check;
ALTER TABLE catalog.edition ADD CONSTRAINT edition_state_check
    CHECK (state IN ('building', 'sealed', 'published', 'failed', 'abandoned', 'removed'));
COMMENT ON COLUMN catalog.edition.state IS
    'building, sealed (made, and not shown yet), published, failed, abandoned (its run was killed) or removed (its tables are not here: dropped by '
    'retention, or not rebuilt).';

CREATE TABLE catalog.shown_view (
    view_schema text NOT NULL,
    view_name   text NOT NULL,
    shelf       text NOT NULL,
    number      integer NOT NULL,
    since       xid8 NOT NULL,
    PRIMARY KEY (view_schema, view_name)
);
COMMENT ON TABLE catalog.shown_view IS 'Which edition each stable view shows: the row that a switch changes.';
COMMENT ON COLUMN catalog.shown_view.view_schema IS 'Schema of the view.';
COMMENT ON COLUMN catalog.shown_view.view_name IS 'Name of the view.';
COMMENT ON COLUMN catalog.shown_view.shelf IS 'Partitioned table that the view reads, with the editions that have its columns.';
COMMENT ON COLUMN catalog.shown_view.number IS 'Edition it shows.';
COMMENT ON COLUMN catalog.shown_view.since IS 'Transaction that switched it last: an older snapshot may still show an edition before.';

CREATE TABLE catalog.shelved_edition (
    dataset text NOT NULL,
    number  integer NOT NULL,
    PRIMARY KEY (dataset, number),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.shelved_edition IS
    'Editions on their shelves that every transaction knows of: those that read before they came there have ended.';
COMMENT ON COLUMN catalog.shelved_edition.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.shelved_edition.number IS 'Edition.';
