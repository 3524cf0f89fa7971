"""The text and figures of a shapefile as its bytes say, beside what GDAL reads of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa

from tasks.core.making.geometry.dbase import (
    NUMERIC,
    Cells,
    Dbase,
    DbaseField,
    cells_of,
    is_of_dates,
    is_of_numbers,
    may_be_least,
    open_dbase,
    raw_text,
)
from tasks.core.making.geometry.encodings import LANGUAGES, Decoder, declared_codec, stated_codec
from tasks.core.making.geometry.remarks import Remarks
from tasks.core.making.geometry.shapefile_parts import EARLY, Parts
from tasks.core.model.declarations import Features
from tasks.core.model.errors import Damaged, SourceError

LONG = 18  # digits
NULL = "-1.79e308"  # stands for the least double, which ArcGIS writes for null
LEAST = r"^-1\.79769\d*[eE]\+?308$"
STARS = "****"  # stands for a cell filled with asterisks, however wide it is

MARKERS = {STARS: r"^\*+$", NULL: LEAST}
SAID = {
    STARS: "is filled with asterisks, as programs write a figure too wide for its field, and GDAL"
    " one that is missing: ask the publisher which",
    NULL: "has the least number there is, as ArcGIS writes a figure that is not known: ask the"
    " publisher",
}


@dataclass
class OwnText:
    """Gives the columns of a shapefile that GDAL reads with less care than is due.

    Text is decoded here, with the encoding tested; a column of numbers or dates becomes text where
    a cell is neither that nor blank ("****", "12,5"), so that a marker may be declared.
    """

    reads: Features
    table: Dbase
    decoder: Decoder
    columns: Mapping[str, DbaseField]
    as_text: set[str]
    remarks: Remarks = field(default_factory=Remarks)
    taken: int = 0

    @property
    def alone(self) -> set[str]:
        """The columns that are read here only, so that GDAL need not read them."""
        return self.as_text | {name for name, each in self.columns.items() if each.kind in "CL"}

    def batches(
        self, straight: Iterator[tuple[pa.RecordBatch, pa.Array]]
    ) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
        """Yield the batches with these columns in place of GDAL's; end with the file's counts."""
        for batch, geometry in straight:
            records = self.table.take(len(batch))
            if len(records) != len(batch):
                raise self._uneven(self.taken + len(batch))
            arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
            for name, column in self.columns.items():
                if (own := self._column(name, column, records)) is not None:
                    arrays[name] = own
            self.taken += len(batch)
            yield pa.RecordBatch.from_arrays([*arrays.values()], names=[*arrays]), geometry
        if self.table.left():
            raise self._uneven(self.taken)
        self.decoder.finish()
        self._say()

    def _column(self, name: str, column: DbaseField, records: Cells) -> pa.Array | None:
        """Return the column's own text, or None where GDAL's values are good."""
        cells = cells_of(records, column)
        is_read = column.kind in NUMERIC and name not in self.as_text
        if is_read and is_of_numbers(cells) and not may_be_least(cells):
            return None
        if column.kind == "L":  # GDAL takes a blank for false
            cells = np.where(cells == ord("?"), np.uint8(0x20), cells)
        if column.kind == "D":
            cells = np.where((cells == ord("0")).all(axis=1)[:, None], np.uint8(0x20), cells)
            if is_of_dates(cells):
                return None
        text = self.decoder.decode(raw_text(cells), name, column.width, self.taken)
        if column.kind in NUMERIC:
            for marker, pattern in MARKERS.items():
                text = pa.compute.replace_substring_regex(text, pattern, marker)
                self._require_declared(text, name, marker)
        return text

    def _require_declared(self, text: pa.Array, name: str, marker: str) -> None:
        """Raise SourceError on a figure that stands for none, unless declared."""
        place = -1 if marker in self.reads.missing else pa.compute.index(text, marker).as_py()
        if place >= 0:
            raise SourceError(
                f"A figure was expected in {name} of {self.decoder.where} and record"
                f" {self.taken + place + 1:,} {SAID[marker]}, and declare {marker!r} in `missing`"
                " with its reason."
            )

    def _uneven(self, features: int) -> Damaged:
        return Damaged(
            f"The table {self.table.name} states {self.table.records:,} records,"
            f" {self.table.deleted:,} of them deleted, and {features:,} features could be read:"
            f" {EARLY}."
        )

    def _say(self) -> None:
        where = self.decoder.where
        if count := self.table.deleted:
            self.remarks.say(
                f"Records marked as deleted and left out of {where}:"
                f" {count:,} of {self.table.records:,}",
                deleted=count,
            )
        if count := self.decoder.cut:
            self.remarks.say(
                f"Values cut inside their last letter by the width of their field in {where}:"
                f" {count:,}; the half letter was dropped",
                cut_letters=count,
            )


@contextmanager
def own_text(
    parts: Parts, fields: list[str], known: Mapping[str, str | None], reads: Features, where: str
) -> Iterator[OwnText]:
    """Open the table of a shapefile; `fields` are all of it, `known` those of declared columns."""
    with parts.open(".dbf") as file:
        table = open_dbase(file, PurePosixPath(parts.files[".dbf"]).name)
        if len(table.fields) != len(fields):
            raise Damaged(
                f"The table {table.name} describes {len(table.fields)} fields and {len(fields)}"
                f" could be read, {', '.join(fields)}: {EARLY}."
            )
        described = dict(zip(fields, table.fields, strict=True))
        codes = {known[name] for name, column in reads.columns.items() if column.type == "text"}
        own = {name: described[name] for name in known.values() if name}
        as_text = {name for name, each in own.items() if each.whole and name in codes}
        # GDAL makes doubles of whole numbers that 64 bits may not hold
        as_text |= {name for name, each in own.items() if each.whole and each.width > LONG}
        own = {name: each for name, each in own.items() if each.kind in "CNFDL"}
        decoder = decoder_of(parts, table.language, reads, where)
        yield OwnText(reads, table, decoder, own, as_text)


def decoder_of(parts: Parts, language: int, reads: Features, where: str) -> Decoder:
    """Return how text is decoded: as declared, as the .cpg says, or as the .dbf says."""
    if reads.encoding:
        codec = declared_codec(reads.encoding)
        return Decoder(codec, "as declared", where, sure=True)
    if ".cpg" not in parts.files:
        named = LANGUAGES.get(language)
        by = f"as its .dbf says (language {language:#04x})" if named else "as nothing else is said"
        return Decoder(named, by, where, sure=False)
    with parts.open(".cpg") as file:
        statement = file.read(100).decode("ascii", "replace").strip()
    with suppress(LookupError):
        if stated := stated_codec(statement):
            return Decoder(stated, f"as its .cpg says ({statement})", where, sure=False)
    return Decoder(None, f"as its .cpg ({statement}) names no encoding", where, sure=False)
