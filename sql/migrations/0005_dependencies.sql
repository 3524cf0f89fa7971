-- Which editions stand on which: a dataset made from the published areas of another is made again when those change.

CREATE TABLE catalog.edition_dependency (
    dataset    text NOT NULL,
    number     integer NOT NULL,
    on_dataset text NOT NULL,
    on_number  integer NOT NULL,
    layers     text[] NOT NULL,
    PRIMARY KEY (dataset, number, on_dataset),
    FOREIGN KEY (dataset, number) REFERENCES catalog.edition,
    FOREIGN KEY (on_dataset, on_number) REFERENCES catalog.edition
);
CREATE INDEX ON catalog.edition_dependency (on_dataset, on_number);
COMMENT ON TABLE catalog.edition_dependency IS 'Editions that an edition was made from, beside its own files.';
COMMENT ON COLUMN catalog.edition_dependency.dataset IS 'Dataset that depends.';
COMMENT ON COLUMN catalog.edition_dependency.number IS 'Its edition.';
COMMENT ON COLUMN catalog.edition_dependency.on_dataset IS 'Dataset it stands on.';
COMMENT ON COLUMN catalog.edition_dependency.on_number IS 'Edition of that dataset.';
COMMENT ON COLUMN catalog.edition_dependency.layers IS 'Layers it reads.';
