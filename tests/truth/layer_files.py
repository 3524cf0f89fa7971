"""Layers written by fiona and as JSON, read by geopandas with fiona, and by json."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import fiona
import geopandas
import shapely
from hypothesis import strategies as st
from shapely.geometry import mapping, shape

from truth import figures
from truth.cases import Case, Refused, Row, Undecided
from truth.conversion import row_of

DRIVERS = {"gpkg": "GPKG", "shp.zip": "ESRI Shapefile", "fgb": "FlatGeobuf"}
FIELDS = {
    "text": "str:80",
    "integer": "int64",
    "number": "float",
    "date": "date",
    "boolean": "bool",
}
PLAIN = "abcdefgh_XYZ019"


def shapes() -> st.SearchStrategy[Any]:
    """Areas: rectangles, some with a hole, some of two parts; and none."""
    numbers = st.integers(-1700, 1700).map(lambda each: each / 10)
    sizes = st.integers(1, 50).map(lambda each: each / 10)
    boxes = st.builds(
        lambda x, y, w, h: shapely.box(x, y / 2, x + w, y / 2 + h), numbers, numbers, sizes, sizes
    )
    holes = boxes.map(lambda each: each.difference(each.centroid.buffer(0.02, quad_segs=1)))
    several = boxes.map(
        lambda each: shapely.MultiPolygon([each, shapely.transform(each, lambda xy: xy / 1000)])
    )
    return st.one_of(boxes, holes, several.filter(lambda each: each.is_valid))


@st.composite
def cases(draw: Any, format: str) -> Case:
    """Layers that are as declared."""
    heading = PLAIN if format == "shp.zip" else figures.letters().replace("*", "")
    alphabet = figures.letters()
    types = [kind for kind in figures.TYPES if kind != "boolean" or format != "shp.zip"]
    content = draw(figures.contents(alphabet, heading, types))
    features = [(row, draw(st.one_of(st.none(), shapes()))) for row in content.rows]
    if all(ground is None for _, ground in features):
        features[0] = (features[0][0], draw(shapes()))
    missing = draw(st.sampled_from(({}, figures.MARKERS)))
    options = {"key": "code", "missing": missing}
    body = (
        _geojson(draw, features, content.names)
        if format == "geojson"
        else _fiona(features, content, format)
    )
    return Case(
        format,
        body,
        content.columns,
        content.names,
        options,
        body is not None and _is_kept(content, format),
    )


def _is_kept(content: figures.Content, format: str) -> bool:
    """Whether the format keeps every value: a Shapefile has widths, and GDAL fills what is missing
    with asterisks, as it does with what is too wide.
    """
    if format != "shp.zip":
        return True
    numeric = [name for name, kind in content.columns.items() if kind in ("integer", "number")]
    values = [row[name] for row in content.rows for name in numeric]
    return all(value is not None and abs(value) < 10**9 for value in values)


def _geojson(draw: Any, features: list[Any], names: Mapping[str, str]) -> bytes:
    written = [
        {
            "type": "Feature",
            "properties": {names[target]: _json(value) for target, value in row.items()},
            "geometry": None if ground is None else mapping(ground),
        }
        for row, ground in features
    ]
    whole = {"type": "FeatureCollection", "features": written}
    return json.dumps(
        whole, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 1)))
    ).encode()


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _fiona(features: list[Any], content: figures.Content, format: str) -> bytes:
    fields = {
        content.names[target]: "str:40"
        if (kind, format) == ("date", "fgb")
        else FIELDS.get(kind, "str:40")
        for target, kind in content.columns.items()
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        fiona.Env(OGR_CURRENT_DATE="2026-01-01T00:00:00Z"),
    ):
        warnings.simplefilter("ignore")
        path = Path(folder) / f"file.{format.removesuffix('.zip')}"
        schema = {"geometry": "MultiPolygon", "properties": fields}
        options = {"shp.zip": {"encoding": "UTF-8"}, "fgb": {"SPATIAL_INDEX": "NO"}}.get(format, {})
        with fiona.open(
            path, "w", driver=DRIVERS[format], crs="EPSG:4326", schema=schema, **options
        ) as file:
            for row, ground in features:
                properties = {
                    content.names[target]: _field(value, content.columns[target])
                    for target, value in row.items()
                }
                file.write(
                    {"type": "Feature", "properties": properties, "geometry": _multi(ground)}
                )
        if format != "shp.zip":
            return path.read_bytes()
        packed = Path(folder) / "packed.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for part in sorted(Path(folder).glob("file.*")):
                archive.write(part, part.name)
        return packed.read_bytes()


def _field(value: Any, kind: str) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value


def _multi(ground: Any) -> Any:
    if ground is None:
        return None
    return mapping(ground if ground.geom_type == "MultiPolygon" else shapely.MultiPolygon([ground]))


def read_geojson(case: Case) -> list[Row]:
    """Read GeoJSON with Python's json."""
    try:
        text = case.content.decode("utf-8-sig")
        whole = json.loads(text, parse_constant=_refuse, strict=False)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            raise Refused(str(error)) from None
        raise Undecided("JSON that GDAL may read, as .5 or a comma too many") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise Refused(str(error)) from None
    if not isinstance(whole, dict) or not isinstance(whole.get("features"), list):
        raise Undecided("no collection")
    features = whole["features"]
    if not all(isinstance(each, dict) for each in features):
        raise Refused("a feature that is none")
    return _rows(case, [(each.get("properties") or {}, each.get("geometry")) for each in features])


def _refuse(constant: str) -> Any:
    raise Undecided(f"{constant} is no JSON")


def read_fiona(case: Case) -> list[Row]:
    """Read a layer with geopandas and fiona."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            path = _written(case, Path(folder))
            frame = geopandas.read_file(path, engine="fiona")
            with fiona.open(path) as file:
                features = [(dict(each.properties), each.geometry) for each in file]
        except (NotImplementedError, IndexError):
            raise Undecided("a zip that Python does not unpack") from None
        except fiona.errors.DriverError as error:
            if case.format != "gpkg":
                raise Refused(str(error)) from None
            return _rows(case, _by_sqlite(path))
        except (
            fiona.errors.FionaError,
            OSError,
            ValueError,
            zipfile.BadZipFile,
            RuntimeError,
        ) as error:
            raise Refused(str(error)) from None
    assert len(frame) == len(features)
    if any(
        isinstance(cell, float) and abs(cell) > 2**53
        for each, _ in features
        for cell in each.values()
    ):
        raise Undecided("a whole number that fiona reads as a double")
    return _rows(case, [(row, ground and ground.__geo_interface__) for row, ground in features])


def _by_sqlite(path: Path) -> list[tuple[Any, Any]]:
    """Read the rows of a GeoPackage that fiona does not open."""
    try:
        with closing(sqlite3.connect(path)) as database:
            database.row_factory = sqlite3.Row
            table, column = database.execute(
                "SELECT table_name, column_name FROM gpkg_geometry_columns"
            ).fetchone()
            rows = [dict(row) for row in database.execute(f'SELECT * FROM "{table}"')]
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise Refused(str(error)) from None
    return [(row, _without_header(row.pop(column))) for row in rows]


def _without_header(blob: bytes | None) -> Any:
    """The geometry of a blob, behind the bounds that may come first."""
    if blob is None:
        return None
    try:
        bounds = (0, 32, 48, 48, 64)[blob[3] >> 1 & 7]
        return mapping(shapely.from_wkb(blob[8 + bounds :]))
    except (TypeError, IndexError, shapely.errors.ShapelyError) as error:
        raise Refused(str(error)) from None


def _written(case: Case, folder: Path) -> Path:
    """Write a layer's file, those of a Shapefile out of their zip."""
    path = folder / f"file.{case.format}"
    path.write_bytes(case.content)
    if case.format != "shp.zip":
        return path
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder)
    return folder / "file.shp"


def _rows(case: Case, features: list[tuple[Any, Any]]) -> list[Row]:
    rows: list[Row] = []
    for properties, ground in features:
        cells = {target: properties.get(case.name_of(target)) for target in case.columns}
        if not isinstance(cells["code"], str) or not cells["code"].strip():
            raise Refused("a feature without its key")
        if any(isinstance(cell, (dict, list)) for cell in cells.values()):
            raise Undecided("a value that is an object")
        rows.append((*row_of(case, cells), _ground(ground)))
    if len({row[0] for row in rows}) != len(rows):
        raise Refused("the key is not unique")
    return rows


def _ground(ground: Any) -> str | None:
    if not ground:
        return None
    try:
        found = shape(ground)
    except (ValueError, TypeError, KeyError, AttributeError, shapely.errors.ShapelyError) as error:
        if "inhomogeneous" in str(error):
            raise Undecided("positions of several lengths") from None
        raise Refused(str(error)) from None
    if found.geom_type == "Polygon":
        found = shapely.MultiPolygon([found])
    return found.normalize().wkt
