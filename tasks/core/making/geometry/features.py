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

from tasks.core.making.fields import match_fields
from tasks.core.making.geometry import geojson, geoparquet, shapefiles
from tasks.core.making.geometry.column_names import require_columns
from tasks.core.making.geometry.curves import readable, straightened
from tasks.core.making.geometry.declared_columns import declared
from tasks.core.making.geometry.encodings import declared_codec
from tasks.core.making.geometry.endings import by_its_bytes
from tasks.core.making.geometry.exact_numbers import exactly
from tasks.core.making.geometry.geometry_files import (
    GDAL_OPTIONS,
    Place,
    choose_layer,
    locate,
)
from tasks.core.making.geometry.json_features import Strange, opened_collection
from tasks.core.making.geometry.lost_geometries import Batches, held_to_file
from tasks.core.making.geometry.plain_features import PlainFeatures
from tasks.core.making.geometry.remarks import Remarks
from tasks.core.making.geometry.shapefile_parts import Parts, parts_of, require_parts
from tasks.core.making.geometry.stored_types import require_stored
from tasks.core.making.geometry.topojson_shapes import require_topology
from tasks.core.making.geometry.unread_columns import require_read
from tasks.core.making.geometry.xml_shapes import require_one_crs, require_shapes_of_xml
from tasks.core.making.geometry.xml_texts import as_written
from tasks.core.making.markers import Reasons
from tasks.core.making.unpacking.damage import reading
from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError

SILENT_MEANS_WGS84 = {"EPSG:4326", "EPSG:4979"}  # of a JSON without a member crs; with heights


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
    fields: Mapping[str, str | None]
    batches: Iterator[pa.RecordBatch]
    crs_assumed: bool = False
    features: int | None = None
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
def open_layer(path: str, reads: Features, *, by_gdal: bool = False) -> Iterator[Layer]:
    """Open the declared layer for one pass; raise SourceError when it is not as declared.

    by_gdal: whether GDAL reads a GeoJSON too, as it must where it, or a batch of it, is Strange.
    """
    require_columns(reads)
    pyogrio.set_gdal_config_options(GDAL_OPTIONS)
    place = locate(path)
    with ExitStack() as opened:
        if place.archive:
            opened.enter_context(reading(place.name))
        found = opened.enter_context(by_its_bytes(place))
        found = opened.enter_context(as_written(found, reads.encoding))
        is_plain = not by_gdal and geojson.may_be_plain(found, reads.encoding)
        open_file = _open_plain if is_plain else OPENERS.get(found.kind, _open_gdal)
        yield opened.enter_context(open_file(found, reads))


@contextmanager
def _open_plain(place: Place, reads: Features) -> Iterator[Layer]:
    """Open a GeoJSON that is as most are; raise Strange, at any batch too, where it is not.

    What is refused is Strange as well: GDAL, which knows the whole file, refuses it or does not.
    """
    try:
        with opened_collection(place) as collection:
            plain = PlainFeatures(place, reads, collection)
            crs = _crs(plain.told, is_json=True)
            yield _layer(plain.batches, plain.fields, reads, place.name, **crs)
    except SourceError as error:
        raise Strange(error) from None


@contextmanager
def _open_geojson(place: Place, reads: Features) -> Iterator[Layer]:
    """Open a GeoJSON, of which nothing is known before GDAL has read the whole of it."""
    where, options, size = place.name, {"DATE_AS_STRING": "YES"}, place.batch_size(None)
    with (
        geojson.examined(place, reads.encoding) as stated,
        _streamed(stated.place.path, options, where, None, size) as (meta, _, straight),
    ):
        fields = match_fields(reads.columns, list(meta["fields"]), where)
        exact = exactly(straight, fields, reads, where, written=stated.place)
        yield _layer(exact, fields, reads, where, stated=stated, **_crs(meta, is_json=True))


@contextmanager
def _open_gdal(place: Place, reads: Features) -> Iterator[Layer]:
    path, options, facts = _prepare(place, reads)
    layer, names, is_json = options["layer"], list(facts["fields"]), place.kind == "json"
    where = f"layer {layer} of {place.name}"
    is_shapefile = facts["driver"] == "ESRI Shapefile"
    require_read(place, layer, names, reads)
    fields = match_fields(reads.columns, names, where, shortened=is_shapefile)
    count = facts["features"] if facts["features"] >= 0 else None
    require_stored(place, layer, fields.values(), count, where)
    remarks = Remarks()
    require_topology(place, layer, where, remarks)
    with ExitStack() as opened:
        own, parts = None, parts_of(place, layer) if is_shapefile else None
        if parts and any(fields.values()):
            own = opened.enter_context(shapefiles.own_text(parts, names, fields, reads, where))
        stream = _streamed(path, options, where, _by_gdal(fields, own), place.batch_size(count))
        meta, column, straight = opened.enter_context(stream)
        if place.kind == "xml" and not meta["crs"]:
            require_one_crs(place)
        straight = held_to_file(straight, place, layer, column, count, where)
        written = place if is_json else None
        exact = exactly(straight, fields, reads, where, written=written)
        yield _layer(
            own.batches(straight) if own else exact,
            fields,
            reads,
            where,
            features=None if own else count,
            stated=geojson.ends_of(place) if place.kind in ("json", "xml") else None,
            parts=parts,
            remarks=own.remarks if own else remarks,
            **_crs(meta, is_json=is_json),
        )


@contextmanager
def _streamed(
    path: str, options: Mapping[str, Any], where: str, columns: list[str] | None, size: int
) -> Iterator[tuple[dict[str, Any], str, Batches]]:
    """Open what GDAL reads: what it says of it, the geometries' column and batches with them."""
    arrow = {"columns": columns, "batch_size": size, "datetime_as_string": True}
    with ExitStack() as opened:
        with readable(where):
            stream = open_arrow(path, **arrow, use_pyarrow=True, **options)
            meta, reader = opened.enter_context(stream)
        again = partial(read, path, columns=[], **options)
        column = meta["geometry_name"] or "wkb_geometry"
        yield meta, column, straightened(reader, column, again, where)


def _layer(
    exact: Batches, fields: Mapping[str, str | None], reads: Features, where: str, **known: Any
) -> Layer:
    """Return a layer of which batches of the file are read; `known` are its further facts."""
    reasons = Reasons()
    batches = (declared(*each, fields, reads, where, reasons) for each in exact)
    return Layer(where=where, fields=fields, batches=batches, reasons=reasons, **known)


def _crs(meta: Mapping[str, Any], *, is_json: bool) -> dict[str, Any]:
    """Return the CRS that GDAL tells, and whether it is only what a silent JSON means."""
    stated = meta["crs"]
    assumed = is_json and stated in SILENT_MEANS_WGS84
    return {"crs": CRS.from_user_input(stated) if stated else None, "crs_assumed": assumed}


def _by_gdal(known: Mapping[str, str | None], own: shapefiles.OwnText | None) -> list[str]:
    """Return the fields of declared columns that GDAL reads."""
    alone = own.alone if own else set()
    return [field for field in known.values() if field and field not in alone]


def _prepare(place: Place, reads: Features) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the path to open, GDAL's options, and what is known before reading."""
    options: dict[str, Any] = {}
    if place.kind == "shapefile":
        require_parts(parts_of(place), has_columns=bool(reads.columns))
    elif reads.encoding:
        declared_codec(reads.encoding)
    if place.kind == "xml":
        require_shapes_of_xml(place)
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
        size = place.batch_size(file.metadata.num_rows, geoparquet.unpacked_size(file))
        straight = geoparquet.with_geometry(file, wanted, size, place.name)
        exact = exactly(straight, fields, reads, place.name)
        count = file.metadata.num_rows
        yield _layer(exact, fields, reads, place.name, crs=facts.crs, features=count)


OPENERS = {"parquet": _open_parquet} | dict.fromkeys(geojson.COLLECTIONS, _open_geojson)
