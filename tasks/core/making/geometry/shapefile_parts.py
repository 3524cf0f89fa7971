"""The files of one shapefile, and the numbers of records that they state held to each other."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from tasks.core.making.geometry.dbase import open_dbase
from tasks.core.making.geometry.geometry_files import Place
from tasks.core.model.errors import Damaged

RECORD = 48  # bytes: the record's header, the kind of shape, its box, and how many parts it has
OF_SEVERAL = {3, 5, 8, 13, 15, 18, 23, 25, 28}  # kinds of shape: of parts or points
HEADER = 100  # bytes of .shp and .shx before the first record
EARLY = "download it again or tell the publisher"


@dataclass(frozen=True)
class Parts:
    """The files of one shapefile, by their endings, and how to open them."""

    name: str
    files: Mapping[str, str]
    archive: str = ""

    @contextmanager
    def open(self, ending: str) -> Iterator[BinaryIO]:
        """Open a part for reading forward, in the archive too; raise Damaged without it."""
        if ending not in self.files:
            raise Damaged(
                f"A shapefile is three files and {self.name} has no {self.name[:-4]}{ending}"
                f" beside it, only {', '.join(sorted(self.files))}: {EARLY}."
            )
        if not self.archive:
            with Path(self.files[ending]).open("rb") as file:
                yield file
            return
        with (
            zipfile.ZipFile(self.archive) as archive,
            archive.open(self.files[ending]) as file,
        ):
            yield file  # type: ignore[misc]


def parts_of(place: Place, layer: str = "") -> Parts:
    """Find the parts of a shapefile, whatever the case of their endings; `layer`: of a folder."""
    if place.archive:
        with zipfile.ZipFile(place.archive) as archive:
            names = archive.namelist()
        inside = place.path.removeprefix(f"/vsizip/{{{place.archive}}}").strip("/")
        main = PurePosixPath(place.member or f"{inside}/{layer}.shp")
    else:
        path = Path(place.path)
        main = PurePosixPath(path / f"{layer}.shp" if path.is_dir() else path)
        names = [str(each) for each in Path(main).parent.iterdir()]
    beside = {
        PurePosixPath(name).suffix.lower(): name
        for name in names
        if PurePosixPath(name).parent == main.parent and PurePosixPath(name).stem == main.stem
    }
    return Parts(main.name, beside, place.archive)


def require_parts(parts: Parts, *, has_columns: bool) -> None:
    """Hold the numbers of records of .shp, .shx and .dbf to each other, or raise Damaged."""
    entries = _entries(parts)
    if has_columns or ".dbf" in parts.files:
        with parts.open(".dbf") as file:
            records = open_dbase(file, parts.name).records
        if records != len(entries):
            raise Damaged(
                f"The parts of {parts.name} must have as many records each and its .shx has"
                f" {len(entries):,}, its .dbf {records:,}: {EARLY}."
            )
    further = _records_after(parts, entries)
    if further:
        raise Damaged(
            f"The parts of {parts.name} must have as many records each and its .shx has"
            f" {len(entries):,}, its .shp {len(entries) + further:,}: {EARLY}."
        )


def _records_after(parts: Parts, entries: npt.NDArray[np.int64]) -> int:
    """Count the records in .shp after the last one that .shx names, where there are any."""
    end = HEADER
    if len(entries):
        end = int(2 * (entries[:, 0] + entries[:, 1]).max()) + 8
    count = 0
    with parts.open(".shp") as file:
        size = 2 * int.from_bytes(file.read(HEADER)[24:28], "big")
        if end >= size:
            return 0
        file.seek(end)
        while len(head := file.read(8)) == 8 and end < size:
            words = struct.unpack(">ii", head)[1]
            end += 8 + 2 * words
            if words < 2 or end > size:
                break
            count += 1
            file.seek(end)
    return count


def _entries(parts: Parts) -> npt.NDArray[np.int64]:
    """Return the place and length of each record, in words of 16 bits: an array (records, 2)."""
    with parts.open(".shx") as file:
        index = file.read()[HEADER:]
    return np.frombuffer(index[: len(index) // 8 * 8], ">i4").reshape(-1, 2).astype(np.int64)


def require_shapes(parts: Parts, without_geometry: int) -> None:
    """Raise Damaged when more features came without geometry than records state to have none."""
    entries = _entries(parts)
    if without_geometry <= int((entries[:, 1] == 2).sum()):
        return
    with parts.open(".shp") as file:
        stated = sum(_is_empty(file, 2 * int(place)) for place in entries[:, 0])
    if without_geometry > stated:
        raise Damaged(
            f"Geometries were expected in {parts.name} and {without_geometry - stated:,} of its"
            f" {len(entries):,} records hold none that can be read: {EARLY}."
        )


def _is_empty(file: BinaryIO, place: int) -> bool:
    """Tell whether the record at a place says that it has no shape, or one of no points."""
    file.seek(place)
    record = file.read(RECORD)
    kind = int.from_bytes(record[8:12], "little")
    if kind == 0 and len(record) >= 12:
        return True
    return kind in OF_SEVERAL and record[44:48] == b"\0\0\0\0"
