"""One original of a made-up country: its tables and layers written, packed, and told to the
mirror.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from synthetic.declared.codes import Reads, parts_of
from synthetic.declared.layers import write_layer
from synthetic.declared.packing import ARCHIVES, WORKBOOKS, ending, member_name, pack
from synthetic.declared.rows import MadeRows, Row, stated
from synthetic.declared.tables import write_table, write_workbook
from synthetic.declared.world import World

from tasks.core.model.declarations import Document, Features, Source, Table

Change = Callable[[list[Row]], list[Row]]
Entry = dict[str, Any]


@dataclass(frozen=True)
class Country:
    """A world, and what a country says by hand of its files."""

    world: World
    seed: int
    values: Mapping[str, Any]
    changes: Mapping[str, Change]


@dataclass(frozen=True)
class Piece:
    """The rows of one file: all of a part, or those of a territory that has a CRS of its own."""

    path: Path
    reads: Features | Table
    rows: list[Row]
    crs: int


def write_original(
    folder: Path, country: Country, keyword: str, source: Source, areas: range
) -> Entry:
    """The file of a source with these areas in a folder; returns its entry in the mirror."""
    suffix = ARCHIVES.get(source.container) or ending(source, next(iter(parts_of(source).values())))
    path = folder / f"{source.slug}-{source.vintage}{suffix}"
    entry = {
        "path": path.name,
        "container": "xlsx" if source.container == "xls" else source.container,
    }
    with tempfile.TemporaryDirectory() as inside:
        if isinstance(source.reads, Document):
            (Path(inside) / path.name).write_text(_statement(source), encoding="utf-8")
        else:
            pieces = list(_pieces(Path(inside), country, keyword, source, areas))
            _write(pieces, source)
            entry |= _numbers(source, pieces)
        pack(source, Path(inside), path)
    return entry


def shares(areas: range, count: int) -> list[range]:
    """The areas in so many runs, as equal as can be; raises ValueError where one would be empty."""
    if len(areas) < count:
        raise ValueError(f"{len(areas)} areas are too few for {count} files: ask for more areas.")
    ends = [areas.start + len(areas) * number // count for number in range(count + 1)]
    return [range(start, stop) for start, stop in pairwise(ends)]


def _pieces(
    inside: Path, country: Country, keyword: str, source: Source, areas: range
) -> Iterator[Piece]:
    for part, reads in parts_of(source).items():
        name = f"{keyword}_{part}" if part else keyword
        for territory, crs, some in _territories(source, reads, areas):
            rows = MadeRows(country.world, source, reads, country.values, crs, territory)
            made = rows.made(some, Random(f"{country.seed} {name} {source.slug} {territory}"))
            path = inside / member_name(source, reads, territory)
            yield Piece(path, reads, country.changes.get(name, list)(made), crs)


def _territories(source: Source, reads: Reads, areas: range) -> Iterator[tuple[str, int, range]]:
    """Pattern, CRS and areas of each file of an original: one, or one for each territory."""
    crs = getattr(reads, "crs", 0)
    patterns = dict(getattr(reads, "crs_of", {}))
    if getattr(source, "territories", bool(patterns)):
        patterns = patterns or {"*a*": crs, "*b*": crs}
    else:  # the one whose CRS the address tells
        named = [each for each in patterns if any(fnmatchcase(url, each) for url in source.urls)]
        patterns = {each: patterns[each] for each in named[:1]} or {"": crs}
    for pattern, some in zip(patterns, shares(areas, len(patterns)), strict=True):
        yield pattern, patterns[pattern], some


def _write(pieces: list[Piece], source: Source) -> None:
    """All pieces of an original; sheets of one workbook are written at once."""
    books: dict[Path, list[tuple[Table, list[Row]]]] = defaultdict(list)
    for piece in pieces:
        piece.path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(piece.reads, Features):
            write_layer(piece.path, piece.reads, piece.rows, piece.crs, source.reference_date)
        elif piece.path.suffix.lower() in WORKBOOKS:
            books[piece.path].append((piece.reads, piece.rows))
        else:
            write_table(piece.path, piece.reads, piece.rows)
    for path, tables in books.items():
        write_workbook(path, tables, source.reference_date)


def _numbers(source: Source, pieces: list[Piece]) -> Entry:
    """The true numbers of the rows; none where one original holds several tables."""
    if len(parts_of(source)) > 1:
        return {}
    return stated(source, pieces[0].reads, [row for piece in pieces for row in piece.rows])


def _statement(source: Source) -> str:
    """What a portal says of a dataset, in the standard OGD Austria Metadata."""
    return json.dumps(
        {
            "license": source.licence.title,
            "extras": {
                "license_citation": source.licence.attribution,
                "metadata_modified": source.reference_date.isoformat(),
            },
        }
    )
