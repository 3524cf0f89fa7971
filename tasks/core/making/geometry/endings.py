"""Geometry files under an ending that fits their bytes, as GDAL goes by endings too."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import opened_text
from tasks.core.model.errors import Damaged
from tasks.core.model.scratch import workplace

WRITE_AHEAD = b"\x02\x02"  # of an SQLite file, in bytes 18 and 19
ENDINGS = {
    "sqlite": (".sqlite", ".db", ".gpkg"),
    "flatgeobuf": (".fgb",),
    "geojson": (".geojson", ".json"),
    "json": (".json", ".topojson", ".geojson"),
}


@contextmanager
def by_its_bytes(place: Place) -> Iterator[Place]:
    """Give a file, for the while, an ending that fits its bytes: GDAL goes by endings too."""
    fitting = ENDINGS.get(place.kind, ())
    if place.kind == "sqlite" and place.head[68:72] == b"GPKG":
        fitting = (".gpkg",)
    if place.kind == "xml":
        fitting = (".kml",) if b"<kml" in place.head else (".gml",) * (b"gml" in place.head)
    _require_known(place, fitting)
    if place.archive and place.kind == "sqlite":
        with _unpacked(place, fitting[0]) as unpacked:
            yield unpacked
        return
    would_write = not place.archive and _would_write(place)
    if place.archive or not fitting or (place.suffix in fitting and not would_write):
        yield place
        return
    with tempfile.TemporaryDirectory(dir=workplace()) as folder:
        ending = place.suffix if place.suffix in fitting else fitting[0]
        link = Path(folder) / f"{Path(place.path).stem}{ending}"
        if would_write:
            shutil.copyfile(place.path, link)
        else:
            link.symlink_to(Path(place.path).absolute())
        yield replace(place, path=str(link), called=place.name)


@contextmanager
def _unpacked(place: Place, ending: str) -> Iterator[Place]:
    """Unpack a database for the while: its rows are read in any order, and held to their types."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{PurePosixPath(place.member).stem}{ending}"
        with opened_text(place) as packed, path.open("wb") as file:
            shutil.copyfileobj(packed, file, 2**20)
        yield Place(str(path), place.size, called=place.name)


def _require_known(place: Place, fitting: Sequence[str]) -> None:
    """Raise Damaged for a file named zip of other bytes, in which GDAL would look for a zip."""
    if place.suffix == ".zip" and not place.archive and not fitting and place.kind != "parquet":
        raise Damaged(
            f"A zip was expected in {place.name} and it begins with {place.head[:16]!r}: download"
            " it again."
        )


def _would_write(place: Place) -> bool:
    """Tell whether reading a database, in the mode of changes kept in a -wal, makes one beside."""
    real = Path(place.path).resolve()
    is_write_ahead = place.kind == "sqlite" and place.head[18:20] == WRITE_AHEAD
    return is_write_ahead and not real.with_name(real.name + "-wal").exists()
