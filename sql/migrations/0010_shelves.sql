-- Switches that wait for no transaction under way and hold none up: each view reads a shelf, a partitioned table of the editions of a
-- layer, and rows say which of them it shows, to whom. A transaction is shown, to its end, the edition that was shown when it began.

ALTER TABLE catalog.edition DROP CONSTRAINT edition_state_check;
ALTER TABLE catalog.edition ADD CONSTRAINT edition_state_check
    CHECK (state IN ('building', 'sealed', 'published', 'failed', 'abandoned', 'removed'));
COMMENT ON COLUMN catalog.edition.state IS
    'building, sealed (made, and not shown yet), published, failed, abandoned (its run was killed) or removed (its tables are not here: dropped by '
    'retention, or not rebuilt).';

CREATE TABLE catalog.showing (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    view_schema text NOT NULL,
    view_name   text NOT NULL,
    shelf       text NOT NULL,
    number      integer NOT NULL,
    at          timestamptz NOT NULL,
    since       xid8 NOT NULL,
    PRIMARY KEY (view_schema, view_name, id)
);
COMMENT ON TABLE catalog.showing IS
    'Which edition each stable view shows, and to whom: to transactions that began at this moment or later, and before the next one.';
COMMENT ON COLUMN catalog.showing.id IS 'Order of the switches.';
COMMENT ON COLUMN catalog.showing.view_schema IS 'Schema of the view.';
COMMENT ON COLUMN catalog.showing.view_name IS 'Name of the view.';
COMMENT ON COLUMN catalog.showing.shelf IS 'Partitioned table on which the edition stands, with the others that have its columns.';
COMMENT ON COLUMN catalog.showing.number IS 'Edition.';
COMMENT ON COLUMN catalog.showing.at IS 'Moment of the switch, never before that of an earlier one.';
COMMENT ON COLUMN catalog.showing.since IS 'Transaction of the switch: an older snapshot shows the edition before.';

CREATE TABLE catalog.shelved_edition (
    dataset  text NOT NULL,
    number   integer NOT NULL,
    known_at timestamptz NOT NULL,
    PRIMARY KEY (dataset, number),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.shelved_edition IS 'Editions on their shelves.';
COMMENT ON COLUMN catalog.shelved_edition.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.shelved_edition.number IS 'Edition.';
COMMENT ON COLUMN catalog.shelved_edition.known_at IS
    'Moment from which every transaction that begins knows that the edition is there; those from before are shown another.';
