"""Exports: a layer as one file of a format, made in scratch and brought where it is wanted."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from psycopg2 import sql

from tasks.core.exporting import (
    csv_files,
    flatgeobufs,
    geopackages,
    geoparquet_files,
    qgis_projects,
    tiles,
)
from tasks.core.exporting.destinations import deliver, destination, require_writable
from tasks.core.exporting.formats import FORMATS, ExportFormat
from tasks.core.exporting.inscriptions import Inscription, inscription
from tasks.core.exporting.projections import crs_change, epsg_code, moved_box
from tasks.core.exporting.shown_layers import ShownLayer, shown_layer
from tasks.core.exporting.snapshots import Snapshot, snapshot
from tasks.core.exporting.statements import SELECT_GEOMETRIES_EMPTY
from tasks.core.exporting.streams import open_stream
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.scratch import workplace
from tasks.core.postgres.database import Database

UNSAFE = re.compile(r"[^\w.-]")


@dataclass(frozen=True)
class Exported:
    """A file that was exported: where it is, how large, what it holds, what to print beside it.

    beside: names of what belongs to it in the same place. crs_change: the operation by which its
    geometries left the CRS of the layer.
    """

    url: str
    beside: tuple[str, ...]
    size_bytes: int
    layer: str
    title: str
    vintage: int
    edition: int
    rows: int
    crs: int
    crs_change: str
    official: str
    attributions: tuple[str, ...]


def export(
    database: Database,
    name: str,
    format_name: ExportFormat,
    vintage: int | None = None,
    crs: str = "",
    to: str = "",
) -> Exported:
    """Export a layer that is shown, such as belgium.sectors, and return what became of it.

    vintage: the newest without one. crs: an EPSG code (EPSG:3035); the layer's own without one. to:
    a folder, a file or an address (s3://bucket/folder); the folder exports of this machine's data
    without one. Memory does not grow with the rows. Raises ConfigurationError, with the choices,
    for what there is not, CheckFailed for what the format cannot hold, Refused where the place does
    not take the file; then nothing is there under its name.
    """
    require_format(format_name)
    with snapshot(database) as state:
        told = _inscribed(shown_layer(state, name, vintage), format_name, crs)
        there = destination(to, _usual_name(told, format_name))
        require_writable(there)
        with _folder() as folder:
            path = folder / there.name
            if format_name == "qgs":
                qgis_projects.write(path, state, told, database.url)
            else:
                _write(state, told, format_name, path)
            made = sorted(folder.iterdir(), key=lambda each: (each == path, each.name))
            size = sum(each.stat().st_size for each in made)
            deliver(made, there)
    return _exported(told, there.url, tuple(each.name for each in made[:-1]), size)


def _exported(told: Inscription, url: str, beside: tuple[str, ...], size: int) -> Exported:
    return Exported(
        url=url,
        beside=beside,
        size_bytes=size,
        layer=told.layer.name,
        title=told.title,
        vintage=told.layer.vintage,
        edition=told.layer.edition,
        rows=told.layer.row_count,
        crs=told.crs,
        crs_change=told.crs_change,
        official=told.official,
        attributions=told.attributions,
    )


def require_format(name: str) -> None:
    """Raise ConfigurationError, with the choices, for a format that there is not."""
    if name not in FORMATS:
        raise ConfigurationError(
            f"A format of exports was expected, found {name!r}: choose one of {', '.join(FORMATS)}."
        )


def _inscribed(layer: ShownLayer, format_name: ExportFormat, crs: str) -> Inscription:
    """Return what to write into the file, once format, geometry and CRS are found to fit."""
    chosen = FORMATS[format_name]
    if not layer.geometry:
        if chosen.needs_geometry or crs:
            what = f"the format {format_name}" if chosen.needs_geometry else f"the CRS {crs}"
            raise ConfigurationError(
                f"A layer with geometry was expected for {what}, and {layer.name} is a table"
                f" without any: export it as {_without_geometry()}, with no CRS."
            )
        return inscription(layer, 0)
    wanted = epsg_code(crs) if crs else chosen.crs or layer.srid
    if chosen.crs and wanted != chosen.crs:
        raise ConfigurationError(
            f"The CRS of {format_name} was expected to be EPSG:{chosen.crs}, as of all its files,"
            f" found {crs}: leave it out, or take another format."
        )
    if format_name == "qgs":  # the views are in their own, the project shows them in this
        return inscription(layer, wanted)
    return inscription(layer, wanted, crs_change(layer.srid, wanted)[1])


def _without_geometry() -> str:
    return " or ".join(name for name, each in FORMATS.items() if not each.needs_geometry)


def _usual_name(told: Inscription, format_name: ExportFormat) -> str:
    """Return a name such as belgium.sectors-2025-e3.gpkg, with the CRS where it was chosen."""
    layer, chosen = told.layer, FORMATS[format_name]
    own = told.crs in (0, layer.srid, chosen.crs)
    crs = "" if own else f"-epsg{told.crs}"
    name = f"{layer.name}-{layer.vintage}-e{layer.edition}{crs}{chosen.ending}"
    return UNSAFE.sub("_", name)


@contextmanager
def _folder() -> Iterator[Path]:
    """Give an empty folder in scratch, which goes at the end, or with the process."""
    folder = workplace() / f"export-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(state: Snapshot, told: Inscription, format_name: ExportFormat, path: Path) -> None:
    chosen = FORMATS[format_name]
    with open_stream(state, told.layer, crs=told.crs or None, form=chosen.form) as batches:
        WRITERS[format_name](path, batches, told, state)


Writer = Callable[[Path, pa.RecordBatchReader, Inscription, Snapshot], None]


def _flatgeobuf(
    path: Path, batches: pa.RecordBatchReader, told: Inscription, state: Snapshot
) -> None:
    assert told.layer.geometry
    name = sql.Identifier(told.layer.geometry.name)
    query = sql.SQL(SELECT_GEOMETRIES_EMPTY).format(geometry=name, view=told.layer.view)
    flatgeobufs.write(path, batches, told, empty=state.records(query)[0].empty)


def _area(layer: ShownLayer) -> float:
    """Return the area of a layer's extent in the square metres of tiles."""
    box = moved_box(layer.extent, layer.srid, tiles.CRS)
    return (box[2] - box[0]) * (box[3] - box[1]) if box else 0.0


def _tiles(path: Path, batches: pa.RecordBatchReader, told: Inscription, _: Snapshot) -> None:
    tiles.write(path, batches, told, area=_area(told.layer))


WRITERS: dict[ExportFormat, Writer] = {
    "gpkg": lambda path, batches, told, _: geopackages.write(path, batches, told),
    "fgb": _flatgeobuf,
    "geoparquet": lambda path, batches, told, _: geoparquet_files.write(path, batches, told),
    "csv": lambda path, batches, told, _: csv_files.write(path, batches, told),
    "pmtiles": _tiles,
}
