"""Geometry files of any format as Arrow batches: the declared columns, typed, and `geom` in WKB."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyogrio.raw import open_arrow, read
from pyproj import CRS

from tasks.core.making.fields import arrow_type, match_fields, sound
from tasks.core.making.geometry import geoparquet
from tasks.core.making.geometry.geometry_files import GDAL_OPTIONS, Place, choose_layer, locate
from tasks.core.making.markers import REASON, Reasons, require_other_names
from tasks.core.making.unreadable import Unreadable
from tasks.core.making.values import convert, refusal
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError, SourceError

GEOMETRY = "geom"
CURVES = range(8, 13)  # WKB types CircularString to MultiSurface
DRIVER_OPTIONS = {
    ".geojson": {"DATE_AS_STRING": "YES"},
    ".json": {"DATE_AS_STRING": "YES"},
    ".gml": {"FORCE_SRS_DETECTION": "YES"},
}
SILENT_MEANS_WGS84 = (".geojson", ".json")  # a GeoJSON without a crs member is read as EPSG:4326


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a file while it is open.

    fields: the file's own name of each declared column, None when optional and absent. features:
    their number where the file states it. batches: can be read once. reasons: of the figures
    missing in the batches that were read.
    """

    where: str
    crs: CRS | None
    crs_assumed: bool
    features: int | None
    fields: Mapping[str, str | None]
    batches: Iterator[pa.RecordBatch]
    reasons: Reasons = field(default_factory=Reasons)


@contextmanager
def open_layer(path: str, reads: Features) -> Iterator[Layer]:
    """Open the declared layer for one pass; raise SourceError when it is not as declared."""
    if GEOMETRY in reads.columns:
        raise ConfigurationError(
            f"A column was declared with the name {GEOMETRY}, which holds the geometry: give it"
            " another name."
        )
    require_other_names(reads.columns, reads.missing)
    place = locate(path)
    is_parquet = place.suffix in (".parquet", ".geoparquet")
    with (_open_parquet if is_parquet else _open_gdal)(place, reads) as layer:
        yield layer


@contextmanager
def _open_gdal(place: Place, reads: Features) -> Iterator[Layer]:
    pyogrio.set_gdal_config_options(GDAL_OPTIONS)
    path, options, facts = _prepare(place, reads)
    where = f"layer {options['layer']} of {place.name}" if facts else place.name
    is_shapefile = facts.get("driver") == "ESRI Shapefile"
    matching = partial(match_fields, reads.columns, where=where, shortened=is_shapefile)
    known = matching(list(facts["fields"])) if facts else {}
    wanted = [field for field in known.values() if field] if facts else None
    count = facts["features"] if facts.get("features", -1) >= 0 else None
    arrow = {
        "columns": wanted,
        "batch_size": place.batch_size(count),
        "datetime_as_string": True,
        "use_pyarrow": True,
    }
    with ExitStack() as opened:
        with _unreadable(where):
            meta, reader = opened.enter_context(open_arrow(path, **arrow, **options))
        fields = known if facts else matching(list(meta["fields"]))
        again = partial(read, path, columns=[], **options)
        straight = _straight(reader, meta["geometry_name"] or "wkb_geometry", again, where)
        reasons = Reasons()
        yield Layer(
            where=where,
            crs=CRS.from_user_input(meta["crs"]) if meta["crs"] else None,
            crs_assumed=place.suffix in SILENT_MEANS_WGS84 and meta["crs"] == "EPSG:4326",
            features=count,
            fields=fields,
            batches=(
                declared(batch, geometry, fields, reads, where, reasons)
                for batch, geometry in straight
            ),
            reasons=reasons,
        )


def _prepare(place: Place, reads: Features) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the path to open, GDAL's options, and what is known before reading.

    Nothing is known of a GeoJSON: opening it reads the whole of it, so once is enough, and it has
    one layer only.
    """
    options = {"encoding": reads.encoding, **DRIVER_OPTIONS.get(place.suffix, {})}
    if place.suffix == ".geojson":
        return place.path, options, {}
    path, layer = choose_layer(place, reads.layer)
    if path != place.path:  # a virtual layer knows no options of the driver behind it
        options = {"encoding": reads.encoding}
    options["layer"] = layer
    with _unreadable(place.name):
        return path, options, pyogrio.read_info(path, **options)


@contextmanager
def _unreadable(where: str) -> Iterator[None]:
    try:
        yield
    except (DataSourceError, DataLayerError, pa.ArrowException, OSError) as error:
        raise SourceError(
            f"The geometries of {where} were expected to be readable and are not ({error}): look at"
            " what was downloaded."
        ) from None


def _straight(
    reader: pa.RecordBatchReader, geometry: str, read_again: Any, where: str
) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Yield batches with their geometries, curves replaced by lines.

    GDAL streams curves as they are and nothing here reads them; only its other way of reading makes
    lines of them, so that a batch with curves is read a second time, the same features by their
    position.
    """
    start = 0
    while True:
        with _unreadable(where):
            batch = next(reader, None)
        if batch is None:
            return
        wkb = batch[geometry]
        if _has_curves(wkb):
            wkb = pa.array(read_again(skip_features=start, max_features=len(batch))[2], pa.binary())
        start += len(batch)
        yield batch, wkb


def _has_curves(wkb: pa.Array) -> bool:
    heads = pc.binary_slice(wkb, 0, 5).unique().drop_null().to_pylist()
    return any(
        struct.unpack("<I", head[1:])[0] % 1000 in CURVES for head in heads if len(head) == 5
    )


@contextmanager
def _open_parquet(place: Place, reads: Features) -> Iterator[Layer]:
    with geoparquet.open_file(place) as file:
        facts = geoparquet.geometry_facts(file, place.name)
        others = [name for name in file.schema_arrow.names if name != facts.column]
        fields = match_fields(reads.columns, others, place.name)
        wanted = [facts.column, *dict.fromkeys(field for field in fields.values() if field)]
        size = place.batch_size(file.metadata.num_rows)
        batches = file.iter_batches(batch_size=size, columns=wanted)
        reasons = Reasons()

        def typed(batch: pa.RecordBatch) -> pa.RecordBatch:
            geometry = geoparquet.plain_binary(batch[facts.column])
            return declared(batch, geometry, fields, reads, place.name, reasons)

        yield Layer(
            where=place.name,
            crs=facts.crs,
            crs_assumed=False,
            features=file.metadata.num_rows,
            fields=fields,
            batches=(typed(batch) for batch in batches),
            reasons=reasons,
        )


def declared(
    batch: pa.RecordBatch,
    geometry: pa.Array,
    fields: Mapping[str, str | None],
    reads: Features,
    where: str,
    reasons: Reasons,
) -> pa.RecordBatch:
    """Turn a batch of the file into one of the declared columns and `geom`; count the reasons."""
    arrays: dict[str, pa.Array] = {}
    for target, name in fields.items():
        column = reads.columns[target]
        cells = pa.nulls(len(batch), arrow_type(column)) if name is None else sound(batch[name])
        try:
            arrays[target], why = convert(cells, column, reads)
        except Unreadable as error:
            feature = f"feature {reasons.rows + error.row + 1:,}"
            raise refusal(error, column, name or target, where, feature) from None
        if why is not None:
            arrays[target + REASON] = why
            reasons.add(why)
    reasons.rows += len(batch)
    return pa.RecordBatch.from_arrays([*arrays.values(), geometry], names=[*arrays, GEOMETRY])
