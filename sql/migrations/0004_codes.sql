-- Codes: what became of the areas whose codes changed, and the publishers' code lists by which figures are read.

CREATE TABLE catalog.code_change (
    dataset    text NOT NULL,
    number     integer NOT NULL,
    table_name text NOT NULL,
    change     text NOT NULL,
    before     text[] NOT NULL,
    after      text[] NOT NULL,
    verdict    text NOT NULL CHECK (verdict IN ('carried', 'named')),
    reason     text NOT NULL,
    PRIMARY KEY (dataset, number, table_name, change),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.code_change IS 'Changes of area codes that an edition met: carried to the codes published, or named because no sum can tell.';
COMMENT ON COLUMN catalog.code_change.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.code_change.number IS 'Edition.';
COMMENT ON COLUMN catalog.code_change.table_name IS 'Staging table whose rows were concerned.';
COMMENT ON COLUMN catalog.code_change.change IS 'The events of the ledger, in words.';
COMMENT ON COLUMN catalog.code_change.before IS 'Codes in the publisher''s file.';
COMMENT ON COLUMN catalog.code_change.after IS 'Codes of the areas published.';
COMMENT ON COLUMN catalog.code_change.verdict IS 'carried (merged areas are dissolved, merged figures summed) or named (rows left under their own codes).';
COMMENT ON COLUMN catalog.code_change.reason IS 'Why it could not be carried; empty otherwise.';

CREATE TABLE catalog.code_label (
    dataset   text NOT NULL,
    number    integer NOT NULL,
    code_list text NOT NULL,
    code      text NOT NULL,
    label     text,
    label_en  text,
    parent    text,
    PRIMARY KEY (dataset, number, code_list, code),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition
);
COMMENT ON TABLE catalog.code_label IS 'The publishers'' code lists by which the codes of an edition were read.';
COMMENT ON COLUMN catalog.code_label.dataset IS 'Dataset.';
COMMENT ON COLUMN catalog.code_label.number IS 'Edition.';
COMMENT ON COLUMN catalog.code_label.code_list IS 'Staging table the list was loaded in.';
COMMENT ON COLUMN catalog.code_label.code IS 'Code, as in the publisher''s list.';
COMMENT ON COLUMN catalog.code_label.label IS 'Its meaning in the publisher''s language.';
COMMENT ON COLUMN catalog.code_label.label_en IS 'Its meaning in English, where the publisher gives it.';
COMMENT ON COLUMN catalog.code_label.parent IS 'Code above it, where the list is a hierarchy.';

COMMENT ON COLUMN catalog.layer_column.aggregation IS 'How it may be aggregated: key, same, sum, root of squares, ratio A / B, mean by W, or none.';
