-- Switches that wait for no transaction under way: each is shown, to its end, the edition that was shown when it began.

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

INSERT INTO catalog.showing (view_schema, view_name, shelf, number, at, since)
SELECT view_schema, view_name, shelf, number, '-infinity', since FROM catalog.shown_view;
COMMENT ON TABLE catalog.shown_view IS 'Which edition a stable view shows that was last switched before there was catalog.showing.';

ALTER TABLE catalog.shelved_edition ADD COLUMN known_at timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON TABLE catalog.shelved_edition IS 'Editions on their shelves.';
COMMENT ON COLUMN catalog.shelved_edition.known_at IS
    'Moment from which every transaction that begins knows that the edition is there; those from before are shown another.';
