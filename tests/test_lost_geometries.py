"""Geometries a reader makes nothing of, and texts that it cuts: refused, or told as they are."""

from __future__ import annotations

import json
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats

from tasks.core.making.geometry.json_coordinates import count_lists
from tasks.core.making.geometry.shapes import FeatureCounts
from tasks.core.model.columns import text
from tasks.core.model.declarations import Features
from tasks.core.model.errors import Damaged, SourceError

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]
SQUARES = [shapely.box(150_000 + each, 170_000, 151_000 + each, 171_000) for each in range(3)]
READS = Features(columns={"code": text("CODE")}, crs=31370, published_crs=31370)
RING = [[150_000, 170_000], [151_000, 170_000], [151_000, 171_000], [150_000, 170_000]]


# databases


def database(
    folder: Path, statement: str, *values: Any, driver: str = "GPKG", **options: Any
) -> Path:
    """Three areas in a database, changed by a statement past its triggers."""
    path = folder / {"GPKG": "a.gpkg", "SQLite": "a.sqlite"}[driver]
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(np.array(SQUARES)),
        [np.array(["a", "b", "c"], object)],
        ["CODE"],
        geometry_type="Polygon",
        crs="EPSG:31370",
        driver=driver,
        layer="areas",
        **options,
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'areas'"
        for (name,) in connection.execute(named).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(statement, values)
    return path


@pytest.mark.parametrize("driver", ["GPKG", "SQLite"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("value", ["a\0b", "b\0", "\0", "é\0é", "\0\0"])
def test_text_with_a_nul_in_a_database_is_refused(
    value: str, packed: bool, driver: str, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, "UPDATE areas SET CODE = ? WHERE CODE = 'b'", value, driver=driver)
    with pytest.raises(SourceError, match="without a NUL character"):
        into(formats.zipped(path) if packed else path, READS)


def header(srs: int = 31370, flags: int = 1) -> bytes:
    return b"GP\0" + bytes([flags]) + struct.pack("<i", srs)


WHOLE = header() + shapely.to_wkb(SQUARES[1])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "value",
    [b"", b"\0", bytes(range(10)), "text", 5, 2.5, b"GP", WHOLE[8:], b"XX" + WHOLE[2:]],
    ids=["empty", "zero", "garbage", "text", "number", "real", "mark", "wkb", "magic"],
)
def test_a_geometry_of_a_geopackage_that_is_none_is_refused(
    value: Any, packed: bool, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, "UPDATE areas SET geom = ? WHERE CODE = 'b'", value)
    with pytest.raises(SourceError, match=r"layer areas of a.gpkg for feature 2 \(fid 2\)"):
        into(formats.zipped(path) if packed else path, READS)


@pytest.mark.parametrize(
    "value",
    [
        WHOLE[:-5],
        WHOLE[:20],
        header() + struct.pack("<BI", 1, 99),
        header() + WHOLE[8:20] + b"\xff" * 40,
    ],
    ids=["short", "cut", "kind", "count"],
)
def test_a_geometry_of_a_geopackage_that_breaks_off_is_refused(
    value: bytes, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, "UPDATE areas SET geom = ? WHERE CODE = 'b'", value)
    with pytest.raises(SourceError, match="feature 2"):
        into(path, READS)


@pytest.mark.parametrize("where", ["CODE = 'b'", "CODE <> 'a'"])
@pytest.mark.parametrize(
    "value",
    [None, header(flags=0x11) + shapely.to_wkb(shapely.from_wkt("POLYGON EMPTY"))],
    ids=["null", "empty"],
)
def test_a_geometry_of_a_geopackage_that_is_stated_to_be_none_is_read(
    value: bytes | None, where: str, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, f"UPDATE areas SET geom = ? WHERE {where}", value)
    assert (
        into(path, READS).without_geometry
        == geopandas.read_file(path, engine="fiona")
        .geometry.map(lambda each: each is None or each.is_empty)
        .sum()
    )


@pytest.mark.parametrize("value", [b"", bytes(range(10)), b"\0\1" + bytes(60)])
def test_a_geometry_of_an_sqlite_file_that_is_none_is_refused(
    value: bytes, tmp_path: Path, into: Load
) -> None:
    path = database(
        tmp_path, "UPDATE areas SET GEOMETRY = ? WHERE CODE = 'b'", value, driver="SQLite"
    )
    with pytest.raises(SourceError, match=r"feature 2"):
        into(path, READS)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gpkg_ogr_contents SET feature_count = 7",
        "UPDATE gpkg_ogr_contents SET feature_count = 1",
        *[f"DELETE FROM areas WHERE CODE = '{code}'" for code in "abc"],  # GDAL gave rows twice
    ],
)
def test_a_count_of_a_geopackage_that_its_table_has_not_is_no_damage(
    statement: str, tmp_path: Path, into: Load
) -> None:
    with pytest.raises(SourceError, match=r"its gpkg_ogr_contents states.*inbox") as raised:
        into(database(tmp_path, statement), READS)
    assert not isinstance(raised.value, Damaged)


def test_a_geopackage_that_states_no_count_is_read(tmp_path: Path, into: Load) -> None:
    for place, statement in enumerate(
        ["UPDATE gpkg_ogr_contents SET feature_count = NULL", "DROP TABLE gpkg_ogr_contents"]
    ):
        (tmp_path / str(place)).mkdir()
        assert into(database(tmp_path / str(place), statement), READS).features == 3


# GML and KML

POLYGON = (
    "<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>150000 170000 151000 170000 151000"
    " 171000 150000 170000</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
)
HOLE = "<gml:interior><gml:LinearRing><gml:posList>{}</gml:posList></gml:LinearRing></gml:interior>"
SEVERAL = "<gml:MultiSurface>" + "<gml:surfaceMember>{}</gml:surfaceMember>" * 2
SEVERAL += "</gml:MultiSurface>"

ELSEWHERE = "<gml:surfaceMember xlink:href='#b'/></gml:MultiSurface>"
ELSEWHERE = SEVERAL.format(POLYGON, POLYGON).replace("</gml:MultiSurface>", ELSEWHERE)


def with_hole(ring: str) -> str:
    return POLYGON.replace("</gml:Polygon>", HOLE.format(ring) + "</gml:Polygon>")


def gml(folder: Path, shape: str, member: str = "featureMember", more: str = "") -> Path:
    """Three areas; the second has another shape, in a geometry's element or alone."""
    middle = shape if shape.startswith("<x:") else f"<x:geom>{shape}</x:geom>"
    shapes = [f"<x:geom>{POLYGON}</x:geom>", middle, f"<x:geom>{POLYGON}</x:geom>"]
    members = "".join(
        f'<gml:{member}><x:area gml:id="a{n}"><x:CODE>0{n}</x:CODE>{more}{each}</x:area>'
        f"</gml:{member}>"
        for n, each in enumerate(shapes)
    )
    path = folder / "a.gml"
    path.write_text(
        '<?xml version="1.0"?><gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"'
        ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:x="http://office.example/x">'
        f"{members}</gml:FeatureCollection>"
    )
    return path


OF_XML = Features(**{**vars(READS), "crs_missing": True, "bounds": (0, 0, 200_000, 200_000)})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "shape",
    [
        "<gml:Blob>1 2</gml:Blob>",
        '<x:geom xlink:href="#a0"/>',
        POLYGON.replace("151000 171000", "abc def"),
        POLYGON.replace("151000 171000", "151000,5 171000,5"),
        POLYGON.replace("151000 171000", "NaN 171000"),
        POLYGON.replace("150000 170000</", "150000</"),
        "<gml:Point><gml:pos>1</gml:pos></gml:Point>",
        SEVERAL.format(POLYGON, "<gml:Blob/>"),
        SEVERAL.format(POLYGON, POLYGON.replace("151000 171000", "- -")),
        ELSEWHERE,
        with_hole("150100 170050 x y 150200 170060 150100 170050"),
        with_hole("150100 170050 150200 170060 150100"),
    ],
)
def test_a_geometry_of_gml_that_is_none_is_refused(
    shape: str, packed: bool, tmp_path: Path, into: Load
) -> None:
    path = gml(tmp_path, shape)
    with pytest.raises(SourceError, match=r"feature 2|part of one, surfaceMember") as raised:
        into(formats.zipped(path) if packed else path, OF_XML)
    assert not isinstance(raised.value, Damaged)


@pytest.mark.parametrize("member", ["featureMember", "member"])
@pytest.mark.parametrize(
    ("shape", "without"),
    [
        ("<x:geom/>", 1),
        ("<gml:Null>unknown</gml:Null>", 1),
        ("<gml:Polygon/>", 1),
        (POLYGON, 0),
        (with_hole("150500 170100 150600 170100 150600 170200 150500 170100"), 0),
        (SEVERAL.format(POLYGON, POLYGON), 0),
        (POLYGON.replace("151000 171000", "1.51e5 +171000.0"), 0),
    ],
)
def test_a_geometry_of_gml_that_is_well_written_is_read(
    shape: str, without: int, member: str, tmp_path: Path, into: Load
) -> None:
    """A property may be called pos, or refer to something."""
    more = '<x:pos>left, 3rd</x:pos><x:owner xlink:href="#o"/>'
    figures = into(gml(tmp_path, shape, member, more), OF_XML)
    assert (figures.features, figures.without_geometry) == (3, without)


PLACED = "<Polygon><outerBoundaryIs><LinearRing><coordinates>{}</coordinates></LinearRing>"
PLACED += "</outerBoundaryIs></Polygon>"


@pytest.mark.parametrize(
    ("points", "is_right"),
    [
        ("4.1,50.1 4.2,50.1 4.2,50.2 4.1,50.1", True),
        ("4.1,50.1,0 4.2,50.1,0\n4.2,50.2,5\t4.1,50.1,0", True),
        ("4.1,50.1 4.2,50.1 4.2,50.2 4.15,50.15 abc,def 4.1,50.1", False),
        ("4.1,50.1 4.2,50.1 4.2 4.15,50.15 4.1,50.1", False),
        ("4.1,50.1 4.2,50.1 4.2;50.2 4.15,50.15 4.1,50.1", False),
    ],
)
def test_points_of_kml_are_numbers_with_commas(
    points: str, is_right: bool, tmp_path: Path, into: Load
) -> None:
    marks = "".join(
        f"<Placemark><name>{n}</name>{PLACED.format(each)}</Placemark>"
        for n, each in enumerate(["4.1,50.1 4.2,50.1 4.2,50.2 4.1,50.1", points])
    )
    path = tmp_path / "a.kml"
    path.write_text(
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>'
        f"<name>L</name>{marks}</Folder></Document></kml>"
    )
    reads = Features(columns={"code": text("Name")}, crs=4326, published_crs=4326)
    if is_right:
        assert into(path, reads).features == 2
        return
    with pytest.raises(SourceError, match="those of feature 2 have"):
        into(path, reads)


# JSON that is no GeoJSON


@pytest.mark.parametrize(
    ("shape", "is_right"),
    [
        (None, True),
        ({}, True),
        ({"rings": []}, True),
        ({"rings": [RING]}, True),
        ({"rings": RING}, False),
        ({"rings": [[["a", "b"]] * 4]}, False),
        ({"rings": [[[150_000, 170_000], [None, 1], [151_000, 171_000]]]}, False),
        ({"curveRings": [[[150_000, 170_000], {"c": [[3, 4], [5, 6]]}]]}, False),
    ],
)
def test_a_geometry_of_esri_that_is_none_is_refused(
    shape: Any, is_right: bool, tmp_path: Path, into: Load
) -> None:
    layer = {
        "geometryType": "esriGeometryPolygon",
        "spatialReference": {"wkid": 31370},
        "fields": [{"name": "CODE", "type": "esriFieldTypeString"}],
        "features": [
            {"attributes": {"CODE": "01"}, "geometry": each} for each in ({"rings": [RING]}, shape)
        ],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(layer))
    if is_right:
        assert into(path, READS).features == 2
        return
    with pytest.raises(SourceError, match="for feature 2, which has one written"):
        into(path, READS)


@pytest.mark.parametrize(
    ("shape", "is_right"),
    [
        ({"type": "Polygon", "arcs": [[0]]}, True),
        ({"type": "Polygon", "arcs": [[-1]]}, True),
        ({"type": "Polygon", "arcs": []}, True),
        ({"type": "MultiPolygon", "arcs": [[[0]], [[0]]]}, True),
        ({"type": "Polygon", "arcs": [[7]]}, False),
        ({"type": "Polygon", "arcs": [[-9]]}, False),
        ({"type": "Polygon", "arcs": [0]}, False),
        ({"type": "Polygon", "arcs": [["x"]]}, False),
        ({"type": "Polygon"}, False),
        ({"type": "Polyhedron", "arcs": [[0]]}, False),
        ({"type": "MultiPolygon", "arcs": [[[0]], [[9]]]}, False),
        ({"type": "Point", "coordinates": ["a", "b"]}, False),
    ],
)
def test_a_geometry_of_no_arc_of_a_topojson_is_refused(
    shape: dict[str, Any], is_right: bool, tmp_path: Path, into: Load
) -> None:
    shapes = [{"type": "Polygon", "arcs": [[0]]}, shape, {"type": None}]
    listed = [each | {"properties": {"CODE": str(n)}} for n, each in enumerate(shapes)]
    objects = {"areas": {"type": "GeometryCollection", "geometries": listed}}
    path = tmp_path / "a.topojson"
    path.write_text(json.dumps({"type": "Topology", "objects": objects, "arcs": [RING]}))
    reads = Features(**{**vars(READS), "crs_missing": True})
    if is_right:
        figures = into(path, reads)
        assert (figures.features, figures.remarks.figures) == (2, {"left_out_without_geometry": 1})
        return
    with pytest.raises(SourceError, match=r"1 arcs was expected in .* for feature 2"):
        into(path, reads)


# parts of geometries in GeoJSON

SILENT = replace(READS, crs_missing=True)
HOLE = [[150_200, 170_100], [150_400, 170_100], [150_400, 170_200], [150_200, 170_100]]


def geojson(folder: Path, *geometries: Any, **more: Any) -> Path:
    """A GeoJSON of these geometries, each with a code and further members of its feature."""
    features = [
        {"type": "Feature", "properties": {"CODE": f"{number}"}, "geometry": geometry, **more}
        for number, geometry in enumerate(geometries)
    ]
    path = folder / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


BROKEN = [RING[0][:1], ["x", 170_000], [None, 170_000], [True, 1], 5, None, {}, [[1, 2]]]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("position", BROKEN, ids=json.dumps)
@pytest.mark.parametrize("in_hole", [False, True])
@pytest.mark.parametrize("beside", [{}, {"bbox": [1, 2, 3, 4]}])
def test_a_part_of_a_geojson_with_a_broken_position_is_refused(
    beside: dict[str, Any], in_hole: bool, position: Any, tmp_path: Path, into: Load
) -> None:
    broken: list[Any] = [*(HOLE if in_hole else RING)]
    broken[1] = position
    area = [RING, broken] if in_hole else [broken]
    lost = {"type": "MultiPolygon", "coordinates": [[RING], area]}
    whole = {"type": "MultiPolygon", "coordinates": [[RING, HOLE], [RING]]}
    with pytest.raises(SourceError, match=r"feature 2 has (others|null or)|not written as GeoJSON"):
        into(geojson(tmp_path, whole, lost, None, **beside), SILENT)


@pytest.mark.parametrize("name", [b"CODE\0", b"CO\0DE", b"\0"])
def test_a_nul_in_the_name_of_a_member_is_refused(name: bytes, tmp_path: Path, into: Load) -> None:
    path = geojson(tmp_path, {"type": "Polygon", "coordinates": [RING]})
    path.write_bytes(path.read_bytes().replace(b'"CODE": "0"', b'"%s": "0"' % name))
    with pytest.raises(SourceError, match="feature 1 has a NUL byte in it"):
        into(path, SILENT)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_feature_alone_is_held_to_its_positions_too(
    is_whole: bool, tmp_path: Path, into: Load
) -> None:
    rings = [RING, HOLE if is_whole else [HOLE[0], HOLE[1][:1], *HOLE[2:]]]
    several = {"type": "MultiPolygon", "coordinates": [[RING], rings]}
    feature = {"type": "Feature", "properties": {"CODE": "1"}, "geometry": several, "x": [[1]]}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(feature))
    if is_whole:
        assert into(path, SILENT).features == 1
        return
    with pytest.raises(SourceError, match="feature 1 has others"):
        into(path, SILENT)


@pytest.mark.parametrize("beside", [{}, {"bbox": [1, 2, 3, 4]}, {"x": {"coordinates": [1, 2]}}])
def test_lists_beside_the_coordinates_lose_nothing(
    beside: dict[str, Any], tmp_path: Path, into: Load, rows: Rows
) -> None:
    shape = {"type": "Polygon", "coordinates": [RING, HOLE]}
    several = {"type": "MultiPolygon", "coordinates": [[RING, HOLE], [RING]]}
    empty = {"type": "MultiPolygon", "coordinates": []}
    collection = {"type": "GeometryCollection", "geometries": [shape, several]}
    path = geojson(tmp_path, shape, several, empty, None, collection, **beside)
    assert into(path, SILENT).features == 5
    assert rows("sum(ST_NPoints(geom)) FROM areas") == [(8 + 12 + 20,)]


def test_lists_are_counted_as_they_are_written() -> None:
    made = [
        shapely.Point(1, 2),
        shapely.MultiPoint([(1, 2), (3, 4)]),
        shapely.LineString([(1, 2), (3, 4)]),
        shapely.MultiLineString([[(1, 2), (3, 4)]] * 2),
        shapely.Polygon(RING, [HOLE]),
        shapely.MultiPolygon([shapely.Polygon(RING, [HOLE]), shapely.box(0, 0, 1, 1)]),
        None,
    ]
    for geometry in [*made, shapely.GeometryCollection([*filter(None, made)])]:
        written = str(shapely.to_geojson(geometry)).replace('"geometries":[', "")
        assert count_lists(np.array([geometry], object)) == written.count("["), written
