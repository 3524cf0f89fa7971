"""Geometry files of any format as Arrow batches: the declared columns, typed, and `geom` in WKB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyogrio
from pyogrio.raw import open_arrow, read
from pyproj import CRS

from tasks.core.making.fields import arrow_type, match_fields, sound
from tasks.core.making.geometry import geojson, geoparquet, shapefiles
from tasks.core.making.geometry.column_names import GEOMETRY, require_columns
from tasks.core.making.geometry.curves import readable, straightened
from tasks.core.making.geometry.encodings import declared_codec
from tasks.core.making.geometry.endings import by_its_bytes
from tasks.core.making.geometry.exact_numbers import exactly
from tasks.core.making.geometry.geometry_files import (
    GDAL_OPTIONS,
    Place,
    choose_layer,
    locate,
)
from tasks.core.making.geometry.remarks import Remarks
from tasks.core.making.geometry.shapefile_parts import Parts, parts_of, require_parts
from tasks.core.making.geometry.stored_types import require_stored_types
from tasks.core.making.geometry.unread_columns import require_read
from tasks.core.making.geometry.xml_texts import as_written
from tasks.core.making.markers import REASON, Reasons
from tasks.core.making.unpacking.damage import reading
from tasks.core.making.unreadable import Unreadable
from tasks.core.making.values import convert, refusal
from tasks.core.model.declarations import Features

SILENT_MEANS_WGS84 = (
    *geojson.COLLECTIONS,
    "json",
)  # a GeoJSON without a crs member is read as EPSG:4326


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a file while it is open.

    fields: the file's own name of each declared column, None when optional and absent. features:
    their number where the file states it. batches: can be read once. reasons: of the figures
    missing in the batches that were read. stated: what a GeoJSON says beside its features;
    parts: the files of a shapefile. remarks: what must be said, after the last batch.
    """

    where: str
    crs: CRS | None
    crs_assumed: bool
    features: int | None
    fields: Mapping[str, str | None]
    batches: Iterator[pa.RecordBatch]
    reasons: Reasons = field(default_factory=Reasons)
    stated: geojson.Examined | None = None
    parts: Parts | None = None
    remarks: Remarks = field(default_factory=Remarks)

    @property
    def states_crs(self) -> bool:
        """Whether the file itself says in which CRS its coordinates are."""
        silent = self.crs is None or self.crs.type_name == "Engineering CRS"
        return not (silent or self.crs_assumed)

    @property
    def absent(self) -> list[str]:
        """The optional columns that the file does not have."""
        return [target for target, name in self.fields.items() if name is None]


@contextmanager
def open_layer(path: str, reads: Features) -> Iterator[Layer]:
    """Open the declared layer for one pass; raise SourceError when it is not as declared."""
    require_columns(reads)
    place = locate(path)
    with ExitStack() as opened:
        if place.archive:
            opened.enter_context(reading(place.name))
        open_file = _open_parquet if place.kind == "parquet" else _open_gdal
        found = opened.enter_context(by_its_bytes(place))
        found = opened.enter_context(as_written(found, reads.encoding))
        yield opened.enter_context(open_file(found, reads))


@contextmanager
def _open_gdal(place: Place, reads: Features) -> Iterator[Layer]:
    pyogrio.set_gdal_config_options(GDAL_OPTIONS)
    with ExitStack() as opened:
        stated, is_json = None, place.kind in SILENT_MEANS_WGS84
        if place.kind in geojson.COLLECTIONS:
            stated = opened.enter_context(geojson.examined(place, reads.encoding))
        path, options, facts = _prepare(place, reads, stated)
        if place.kind in ("json", "xml"):
            stated = geojson.ends_of(place)
        where = f"layer {options['layer']} of {place.name}" if facts else place.name
        is_shapefile = facts.get("driver") == "ESRI Shapefile"
        matching = partial(match_fields, reads.columns, where=where, shortened=is_shapefile)
        if facts:
            require_read(place, options["layer"], list(facts["fields"]), reads)
        known = matching(list(facts["fields"])) if facts else {}
        if facts:
            require_stored_types(place, options["layer"], known.values())
        own, parts = None, parts_of(place, options["layer"]) if is_shapefile else None
        if parts and any(known.values()):
            own = opened.enter_context(
                shapefiles.own_text(parts, list(facts["fields"]), known, reads, where)
            )
        count = facts["features"] if facts.get("features", -1) >= 0 else None
        arrow = {
            "columns": _by_gdal(known, own) if facts else None,
            "batch_size": place.batch_size(count),
            "datetime_as_string": True,
            "use_pyarrow": True,
        }
        with readable(where):
            meta, reader = opened.enter_context(open_arrow(path, **arrow, **options))
        fields = known if facts else matching(list(meta["fields"]))
        again = partial(read, path, columns=[], **options)
        straight = straightened(reader, meta["geometry_name"] or "wkb_geometry", again, where)
        exact = (
            own.batches(straight)
            if own
            else exactly(straight, fields, reads, where, is_json=is_json)
        )
        reasons = Reasons()
        yield Layer(
            where=where,
            crs=CRS.from_user_input(meta["crs"]) if meta["crs"] else None,
            crs_assumed=place.kind in SILENT_MEANS_WGS84 and meta["crs"] == "EPSG:4326",
            features=None if own else count,
            stated=stated,
            parts=parts,
            fields=fields,
            batches=(
                declared(batch, geometry, fields, reads, where, reasons)
                for batch, geometry in exact
            ),
            reasons=reasons,
            remarks=own.remarks if own else Remarks(),
        )


def _by_gdal(known: Mapping[str, str | None], own: shapefiles.OwnText | None) -> list[str]:
    """Return the fields of declared columns that GDAL reads."""
    alone = own.alone if own else set()
    return [field for field in known.values() if field and field not in alone]


def _prepare(
    place: Place, reads: Features, stated: geojson.Examined | None
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the path to open, GDAL's options, and what is known before reading.

    Nothing is known of a GeoJSON: opening it reads the whole of it, so once is enough, and it has
    one layer only.
    """
    if stated:
        return stated.place.path, {"DATE_AS_STRING": "YES"}, {}
    options: dict[str, Any] = {}
    if place.kind == "shapefile":
        require_parts(parts_of(place), has_columns=bool(reads.columns))
    elif reads.encoding:
        declared_codec(reads.encoding)
    if place.kind == "xml" and place.suffix == ".gml":
        options["FORCE_SRS_DETECTION"] = "YES"
    path, layer = choose_layer(place, reads.layer)
    if path != place.path:  # a virtual layer knows no options of the driver behind it
        options = {}
    options["layer"] = layer
    with readable(place.name):
        return path, options, pyogrio.read_info(path, **options)


@contextmanager
def _open_parquet(place: Place, reads: Features) -> Iterator[Layer]:
    with geoparquet.open_file(place) as file:
        facts = geoparquet.geometry_facts(file, place.name)
        others = [name for name in file.schema_arrow.names if name != facts.column]
        fields = match_fields(reads.columns, others, place.name)
        wanted = [facts.column, *dict.fromkeys(field for field in fields.values() if field)]
        size = place.batch_size(file.metadata.num_rows)
        batches = file.iter_batches(batch_size=size, columns=wanted)
        straight = geoparquet.with_geometry(batches, facts.column, place.name)
        reasons = Reasons()

        yield Layer(
            where=place.name,
            crs=facts.crs,
            crs_assumed=False,
            features=file.metadata.num_rows,
            fields=fields,
            batches=(
                declared(batch, geometry, fields, reads, place.name, reasons)
                for batch, geometry in exactly(straight, fields, reads, place.name)
            ),
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
