"""Geometry files into staging tables: every format, every fault, the publishers' real files."""

from __future__ import annotations

import inspect
import json
import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from prefect.states import Failed
from pyogrio.raw import open_arrow
from pyproj import CRS

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats

from tasks.core.making import descriptions
from tasks.core.making.geometry.coordinates import agree
from tasks.core.making.geometry.geometry_tables import load
from tasks.core.making.geometry.shapes import FeatureCounts, Shaping
from tasks.core.making.markers import take_markers
from tasks.core.making.unpacking.fixity import digests
from tasks.core.model.columns import decimal, integer, number, text
from tasks.core.model.declarations import Features, Licence, Publisher, Source, Table
from tasks.core.model.errors import CheckFailed, ConfigurationError, SourceError
from tasks.core.model.handles import File, Original, Staging
from tasks.core.postgres.database import Database
from tasks.running.policies import DATABASE
from tasks.verbs.tables import load_geometries

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]
ESRI_LAMBERT_72 = (
    'PROJCS["Belge_Lambert_1972",GEOGCS["GCS_Belge_1972",DATUM["D_Belge_1972",SPHEROID["International_1924",6378388.0,297.0]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",150000.01256],'
    'PARAMETER["False_Northing",5400088.4378],PARAMETER["Central_Meridian",4.367486666666666],PARAMETER["Standard_Parallel_1",49.8333339],'
    'PARAMETER["Standard_Parallel_2",51.16666723333333],PARAMETER["Latitude_Of_Origin",90.0],UNIT["Meter",1.0]]'
)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zipped"])
@pytest.mark.parametrize("name", formats.FORMATS)
def test_every_format_gives_the_same_table(
    name: str, packed: bool, tmp_path: Path, into: Load, rows: Rows
) -> None:
    file, write, declared = formats.FORMATS[name]
    path = write(tmp_path / file)
    figures = into(formats.zipped(path) if packed else path, formats.reads(**declared))
    found = rows(
        "sector, name_de, hectares, people, st_area(geom), st_srid(geom), geometrytype(geom),"
        " st_ndims(geom) FROM areas ORDER BY sector"
    )
    expected = sorted(
        zip(
            formats.CODES,
            formats.NAMES,
            formats.AREAS,
            formats.PEOPLE,
            formats.SQUARE_METRES,
            strict=True,
        )
    )
    if name == "TopoJSON":  # GDAL leaves out its features without geometry
        expected = expected[:-1]
    assert (figures.features, figures.without_geometry) == (
        len(expected),
        0 if name == "TopoJSON" else 1,
    )
    assert [row[:4] for row in found] == [row[:4] for row in expected]
    for row, (*_, area) in zip(found, expected, strict=True):
        assert row[4:] == (
            (None,) * 4
            if area is None
            else (pytest.approx(area, rel=1e-6), 31370, "MULTIPOLYGON", 2)
        )


def geopackage(folder: Path, name: str = "sectors.gpkg", **options: Any) -> Path:
    return formats.with_gdal("GPKG", **options)(folder / name)


def collection(
    folder: Path,
    features: list[tuple[dict[str, Any], Any]],
    crs: int | None = 31370,
    name: str = "made.geojson",
) -> Path:
    """A GeoJSON file, with the old crs member unless None."""
    members = [
        {"type": "Feature", "properties": properties, "geometry": geometry}
        for properties, geometry in features
    ]
    stated = (
        {"crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{crs}"}}}
        if crs
        else {}
    )
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", **stated, "features": members}))
    return path


SQUARE = shapely.geometry.mapping(shapely.box(150_000, 170_000, 151_000, 171_000))


def codes(**changes: Any) -> Features:
    """A declaration with a code only."""
    return Features(
        **(
            {"columns": {"code": text("code")}, "crs": 31370, "published_crs": 31370, "key": "code"}
            | changes
        )
    )


PEOPLE = "Residents [unit: persons; aggregate: sum; from: be-sectors.population]"
BORDER = (
    "Border in BD72 / Belgian Lambert 72 (EPSG:31370)"
    " [unit: m; aggregate: none; from: be-sectors geometry]"
)


def test_the_table_is_made_for_loading_and_joining(tmp_path: Path, into: Load, rows: Rows) -> None:
    columns = {
        "sector": text("CD_SECTOR"),
        "hectares": decimal("ms_area_ha", precision=9, scale=1),
        "people": integer("population", about="Residents", unit="persons", rule="sum"),
    }
    columns |= {"province": text("cd_prov_refnis", optional=True)}
    reads = formats.reads(columns=columns)
    into(geopackage(tmp_path), reads, source="be-sectors")
    into(geopackage(tmp_path), reads, source="be-sectors")  # replaces the first
    about = (
        "attname, format_type(atttypid, atttypmod), attcompression::text, col_description(attrelid,"
        " attnum)"
    )
    found = rows(
        f"{about} FROM pg_attribute WHERE attrelid = 'areas'::regclass AND attnum > 0 ORDER BY"
        " attnum"
    )
    assert found == [
        ("sector", "text", "", "be-sectors.cd_sector"),
        ("hectares", "numeric(9,1)", "", "be-sectors.ms_area_ha"),
        ("people", "bigint", "", PEOPLE),
        ("province", "text", "", "not in be-sectors"),
        ("geom", "geometry(MultiPolygon,31370)", "l", BORDER),
    ]
    assert rows("relpersistence::text, reltuples FROM pg_class WHERE oid = 'areas'::regclass") == [
        ("u", 5)
    ]
    joined = "pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = relam"
    indexes = rows(f"amname, indisprimary FROM {joined} WHERE indrelid = 'areas'::regclass")
    assert sorted(indexes) == [("btree", True), ("gist", False)]
    assert rows("count(*) FROM areas WHERE province IS NOT NULL") == [(0,)]


@pytest.mark.parametrize(
    ("crs", "kind", "about", "said"),
    [
        (4326, "MultiPoint", "", "Point in WGS 84 (EPSG:4326) [unit: degree;"),
        (2056, "MultiLineString", "", "Line in CH1903+ / LV95 (EPSG:2056) [unit: m;"),
        (2263, "Point", "", "(EPSG:2263) [unit: US survey foot;"),
        (4269, "MultiPolygon", "cut", "Border in NAD83 (EPSG:4269), cut [unit: degree;"),
    ],
)
def test_geometries_are_described_by_their_kind_and_crs(
    crs: int, kind: str, about: str, said: str
) -> None:
    reads = Features(columns={}, crs=crs, published_crs=crs, about=about)
    assert said in descriptions.of_geometry(reads, kind, "zz-shapes")


def test_heights_are_kept_when_declared(tmp_path: Path, into: Load, rows: Rows) -> None:
    into(geopackage(tmp_path), formats.reads(dimension=3, published_crs=3812))
    assert rows(
        "DISTINCT st_zmin(geom), st_zmax(geom), st_srid(geom), st_ndims(geom) FROM areas WHERE geom"
        " IS NOT NULL"
    ) == [(5.0, 5.0, 3812, 3)]
    flat = collection(tmp_path, [({"code": "1"}, SQUARE)])
    with pytest.raises(SourceError, match="feature 1 has none: declare dimension=2"):
        into(flat, codes(dimension=3))


def test_reprojection_agrees_with_the_server(
    tmp_path: Path, into: Load, rows: Rows, database: Database, staging: Staging
) -> None:
    path = geopackage(tmp_path)
    load(database, staging.schema, "original", str(path), formats.reads())
    figures = into(path, formats.reads(published_crs=3812))
    assert "Belgian Lambert 2008, accurate to" in figures.change_of_crs
    distances = rows(
        "max(st_hausdorffdistance(st_transform(o.geom, 3812), a.geom)) FROM original o JOIN areas a"
        " USING (sector)"
    )
    assert distances[0][0] < 0.5


def with_geometries(folder: Path, *texts: str) -> Path:
    """A GeoPackage of the well-known texts, which no writer at hand could make: its blobs are put
    in by hand.
    """
    (folder / "made.csv").write_text(
        "WKT,code\n" + "".join(f'"{text}",{number:02d}\n' for number, text in enumerate(texts, 1))
    )
    with open_arrow(str(folder / "made.csv"), use_pyarrow=True) as (_, reader):
        wkb = reader.read_all()["wkb_geometry"].to_pylist()
    path = folder / "made.gpkg"
    empty, numbers = (
        np.full(len(wkb), None, object),
        np.array([f"{number:02d}" for number in range(1, len(wkb) + 1)], object),
    )
    plain = {"crs": "EPSG:31370", "driver": "GPKG", "layer_options": {"SPATIAL_INDEX": "NO"}}
    pyogrio.raw.write(str(path), empty, [numbers], ["code"], geometry_type="Unknown", **plain)
    with closing(sqlite3.connect(path)) as connection, connection:
        header = b"GP" + struct.pack("<BBi", 0, 1, 31370)
        connection.executemany(
            "UPDATE made SET geom = ? WHERE fid = ?",
            [(header + value, number) for number, value in enumerate(wkb, 1)],
        )
    return path


def test_measures_are_dropped_curves_become_lines_and_collections_are_opened(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    circle = "CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0, 1 -1, 0 0))"
    path = with_geometries(
        tmp_path,
        circle,
        f"MULTISURFACE ({circle}, ((5 5, 7 5, 7 7, 5 7, 5 5)))",
        "POLYGON ZM ((0 0 8 9, 1 0 8 9, 1 1 8 9, 0 1 8 9, 0 0 8 9))",
        "GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0)), GEOMETRYCOLLECTION (POLYGON ((2"
        " 0, 3 0, 3 1, 2 1, 2 0))))",
        "POLYGON EMPTY",
    )
    figures = into(path, codes())
    assert (figures.features, figures.without_geometry, figures.from_collections) == (5, 1, 1)
    found = rows(
        "code, st_area(geom), geometrytype(geom), st_numgeometries(geom), st_ndims(geom) FROM areas"
        " ORDER BY code"
    )
    assert found[0] == ("01", pytest.approx(3.14159, rel=0.002), "MULTIPOLYGON", 1, 2)
    assert found[1] == ("02", pytest.approx(7.14159, rel=0.002), "MULTIPOLYGON", 2, 2)
    assert found[2:] == [
        ("03", 1.0, "MULTIPOLYGON", 1, 2),
        ("04", 2.0, "MULTIPOLYGON", 2, 2),
        ("05", None, None, None, None),
    ]


def test_a_kind_of_geometry_that_is_not_read_names_its_feature(tmp_path: Path, into: Load) -> None:
    path = with_geometries(
        tmp_path, "POLYGON ((0 0, 1 0, 1 1, 0 0))", "TRIANGLE ((0 0, 1 0, 1 1, 0 0))"
    )
    with pytest.raises(SourceError, match="The geometry of feature 2 of layer made"):
        into(path, codes())


@pytest.mark.parametrize(
    ("geometry", "kind"),
    [
        ({"type": "Point", "coordinates": [150_000, 170_000]}, "POINT"),
        (
            {"type": "MultiPoint", "coordinates": [[150_000, 170_000], [150_001, 170_000]]},
            "MULTIPOINT",
        ),
        (
            {"type": "LineString", "coordinates": [[150_000, 170_000], [150_001, 170_000]]},
            "MULTILINESTRING",
        ),
    ],
)
def test_points_and_lines_have_their_own_type(
    geometry: dict[str, Any], kind: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    into(collection(tmp_path, [({"code": "0"}, None), ({"code": "1"}, geometry)]), codes())
    assert rows("geometrytype(geom) FROM areas WHERE code = '1'") == [(kind,)]
    assert rows(
        "type FROM geometry_columns WHERE f_table_name = 'areas' AND f_table_schema ="
        " current_schema"
    ) == [(kind,)]


def test_numbers_and_dates_become_text_letter_for_letter(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    values = {
        "code": 11001,
        "whole": 11001.0,
        "share": 1.5,
        "large": 123456789012.0,
        "day": "2022/01/01",
        "flag": True,
    }
    names = ("code", "whole", "share", "large", "day", "flag")
    into(
        collection(tmp_path, [(values, SQUARE)]),
        codes(columns={name: text(name) for name in names}),
    )
    assert rows(", ".join(names) + " FROM areas") == [
        ("11001", "11001", "1.5", "123456789012", "2022/01/01", "true")
    ]


def test_an_encoding_without_a_declaring_file_is_declared(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = formats.with_gdal("ESRI Shapefile", "Polygon Z", encoding="CP1252")(
        tmp_path / "sectors.shp"
    )
    (tmp_path / "sectors.cpg").unlink()
    into(path, formats.reads(encoding="CP1252"))
    assert sorted(name for (name,) in rows("name_de FROM areas")) == sorted(formats.NAMES)


def test_a_file_in_many_batches_keeps_its_order(tmp_path: Path, into: Load, rows: Rows) -> None:
    features = [({"code": f"{number:05d}"}, SQUARE) for number in range(2500)]
    assert into(collection(tmp_path, features), codes()).features == 2500
    assert rows("code FROM areas ORDER BY ctid") == [(f"{number:05d}",) for number in range(2500)]


def test_a_failure_in_reading_is_not_taken_for_one_of_the_database(
    tmp_path: Path, into: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shaping, "shape", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        into(geopackage(tmp_path), formats.reads())


# --- faults of the columns and keys
# -------------------------------------------------------------------------------


def test_a_missing_column_names_what_was_tried_and_found(tmp_path: Path, into: Load) -> None:
    declared = {"sector": text("c_nis9", "cs01012022")}
    with pytest.raises(
        SourceError,
        match=(
            r"sector \(as c_nis9 or cs01012022\) are not in layer sectors .* has cd_sector,"
            r" tx_sector_descr_de.*, perhaps \"sector\": text\(\"cd_sector\", \"c_nis9\","
            r" \"cs01012022\"\)\.$"
        ),
    ):
        into(geopackage(tmp_path), formats.reads(columns=declared))


def shapefile(folder: Path, *fields: str) -> Path:
    path = folder / "cut.shp"
    columns = [np.array([field], object) for field in fields]
    wkb = shapely.to_wkb(np.array([shapely.box(0, 0, 1, 1)]))
    pyogrio.raw.write(
        str(path),
        wkb,
        columns,
        list(fields),
        geometry_type="Polygon",
        crs="EPSG:31370",
        driver="ESRI Shapefile",
    )
    return path


@pytest.mark.filterwarnings("ignore:Normalized")
def test_names_cut_by_a_shapefile_are_found_or_refused(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    into(shapefile(tmp_path, "CD_MUNTY_REFNIS"), codes(columns={"code": text("cd_munty_refnis")}))
    assert rows("code FROM areas") == [("CD_MUNTY_REFNIS",)]
    collided = shapefile(tmp_path, "tx_sector_descr_nl", "tx_sector_descr_fr")
    with pytest.raises(SourceError, match="could be tx_sector_ or tx_secto_1 in layer cut"):
        into(collided, codes(columns={"code": text("tx_sector_descr_fr")}))
    into(collided, codes(columns={"code": text("tx_sector_descr_fr", "tx_secto_1")}))
    assert rows("code FROM areas") == [("tx_sector_descr_fr",)]
    alone = shapefile(tmp_path, "tx_sector_descr_nl")
    with pytest.raises(SourceError, match="code and other are both shortened to tx_sector_"):
        into(
            alone,
            codes(
                columns={"code": text("tx_sector_descr_nl"), "other": text("tx_sector_descr_fr")}
            ),
        )


def test_a_name_in_two_cases_is_refused(tmp_path: Path, into: Load) -> None:
    with pytest.raises(SourceError, match="could be Code or CODE"):
        into(collection(tmp_path, [({"Code": "1", "CODE": "2"}, SQUARE)]), codes())


def test_a_value_that_is_not_of_the_declared_type_is_refused(tmp_path: Path, into: Load) -> None:
    declared = {"sector": text("cd_sector"), "people": integer("tx_sector_descr_de")}
    with pytest.raises(SourceError, match=r"'tx_sector_descr_de' .* hold integer; feature \d+ has"):
        into(geopackage(tmp_path), formats.reads(columns=declared))


# --- figures that are missing for a reason
# ----------------------------------------------------------------------------------------

UNKNOWN = {"-99997": "not known", "-99995.0": "not computed"}
HIDDEN = {"*": "suppressed", "(X)": "not applicable"}
FIGURES = {
    "code": text("code"),
    "people": integer("people", about="Residents", unit="persons", rule="sum"),
    "share": number("share"),
    "money": decimal("money", optional=True),
    "name": text("name"),
}


def without_figures(folder: Path, name: str, driver: str, integers: str = "Int32") -> Path:
    """A layer with the markers of the Dutch office (CBS), and figures that it leaves empty."""
    frame = geopandas.GeoDataFrame(
        {
            "code": ["-99997", "1", "2", "3"],
            "people": pandas.array([-99997, 5, None, -99995], integers),
            "share": [-99997.0, 1.5, None, -99995.0],
            "name": ["-99997", "*", None, "x"],
        },
        geometry=[shapely.geometry.shape(SQUARE)] * 4,
        crs=31370,
    )
    if driver == "Parquet":
        frame.to_parquet(folder / name)
    else:
        frame.to_file(folder / name, driver=driver)
    return folder / name


@pytest.mark.parametrize(
    ("name", "driver", "integers"),
    [
        ("made.gpkg", "GPKG", "Int32"),
        ("made.gpkg", "GPKG", "Int64"),
        ("made.gml", "GML", "Int32"),
        ("made.parquet", "Parquet", "Int64"),
    ],
)
def test_a_marker_becomes_null_and_its_reason_stands_beside_it(
    name: str, driver: str, integers: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = without_figures(tmp_path, name, driver, integers)
    figures = into(path, codes(columns=FIGURES, missing=UNKNOWN), "nl-areas")
    columns = "code, people, people_reason, share, share_reason, money, money_reason, name"
    assert rows(f"{columns} FROM areas ORDER BY ctid") == [
        ("-99997", None, "not known", None, "not known", None, "absent", "-99997"),
        ("1", 5, None, 1.5, None, None, "absent", "*"),
        ("2", None, "absent", None, "absent", None, "absent", None),
        ("3", None, "not computed", None, "not computed", None, "absent", "x"),
    ]
    assert figures.reasons == {"not known": 2, "not computed": 2, "absent": 6}
    assert figures.reasons.suppressed == 4
    described = (
        "attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM"
        " pg_attribute WHERE attrelid = 'areas'::regclass AND attnum > 0 AND attname LIKE '%reason'"
        " ORDER BY attnum"
    )
    why = "is empty: not known or not computed or absent [unit: reason; aggregate: none; from:"
    assert rows(described) == [
        ("people_reason", "text", f"Why people {why} nl-areas.people]"),
        ("share_reason", "text", f"Why share {why} nl-areas.share]"),
        ("money_reason", "text", f"Why money {why} not in nl-areas]"),
    ]


def test_without_declared_markers_every_figure_stays(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    figures = into(without_figures(tmp_path, "made.gpkg", "GPKG"), codes(columns=FIGURES))
    assert rows("code, people, share, money, name FROM areas ORDER BY ctid") == [
        ("-99997", -99997, -99997.0, None, "-99997"),
        ("1", 5, 1.5, None, "*"),
        ("2", None, None, None, None),
        ("3", -99995, -99995.0, None, "x"),
    ]
    assert figures.reasons == {}
    listed = "attname FROM pg_attribute WHERE attrelid = 'areas'::regclass AND attnum > 0"
    assert rows(f"{listed} ORDER BY attnum") == [(name,) for name in (*FIGURES, "geom")]


def test_a_marker_among_numbers_written_as_text(tmp_path: Path, into: Load, rows: Rows) -> None:
    people = ["*", 12, " (X) ", "", None, "-99997", "-99997.0", 0]
    features = [
        ({"code": str(number), "people": each, "name": "*"}, SQUARE)
        for number, each in enumerate(people)
    ]
    path = collection(tmp_path, features)
    declared = {"code": text("code"), "people": integer("people"), "name": text("name")}
    with pytest.raises(
        SourceError, match=r"hold integer; feature 1 has '\*': .* declare the value in `missing`"
    ):
        into(path, codes(columns=declared))
    missing = HIDDEN | {"-99997": "not known"}
    with pytest.raises(SourceError, match=r"hold integer; feature 7 has '-99997\.0'"):
        into(path, codes(columns=declared, missing=missing))
    into(path, codes(columns=declared | {"people": number("people")}, missing=missing))
    assert rows("people, people_reason, name FROM areas ORDER BY ctid") == [
        (None, "suppressed", "*"),
        (12.0, None, "*"),
        (None, "not applicable", "*"),
        (None, "absent", "*"),
        (None, "absent", "*"),
        (None, "not known", "*"),
        (None, "not known", "*"),
        (0.0, None, "*"),
    ]
    into(collection(tmp_path, [features[0], features[1]]), codes(columns=declared, missing=missing))
    assert rows("people, people_reason FROM areas ORDER BY ctid") == [
        (None, "suppressed"),
        (12, None),
    ]


def test_a_column_named_like_a_reason_is_refused(tmp_path: Path, into: Load) -> None:
    columns = {"code": text("code"), "people": integer("n"), "people_reason": text("why")}
    with pytest.raises(ConfigurationError, match="people_reason has the name of the reason of"):
        into(tmp_path / "made.gpkg", codes(columns=columns, missing=HIDDEN))


@pytest.mark.parametrize(
    ("marker", "kind", "cells", "hidden"),
    [
        ("-99997", pa.float32(), [-99997.0, -99997.5], [True, False]),
        ("-99997.0", pa.int16(), [-1, 0], [False, False]),
        ("-1.0", pa.int16(), [-1, 0], [True, False]),
        ("-1", pa.uint8(), [1, 255], [False, False]),
        ("9007199254740993", pa.int64(), [2**53 + 1, 2**53], [True, False]),
        ("0.5", pa.int64(), [0, 1], [False, False]),
        ("9.90", pa.decimal128(4, 1), ["9.9", "9.0"], [True, False]),
        ("nan", pa.float64(), [1.0, 0.0], [False, False]),
        ("*", pa.float64(), [1.0, 0.0], [False, False]),
        ("true", pa.bool_(), [True, False], [True, False]),
    ],
)
def test_a_number_is_the_marker_that_equals_it(
    marker: str, kind: pa.DataType, cells: list[Any], hidden: list[bool]
) -> None:
    array = pa.array([Decimal(each) if isinstance(each, str) else each for each in cells], kind)
    values, reasons = take_markers(array, {"x": "other", marker: "hidden"})
    assert values.type == kind
    assert values.is_null().to_pylist() == hidden
    assert reasons.to_pylist() == ["hidden" if each else None for each in hidden]


def test_what_is_no_number_is_a_marker_if_declared() -> None:
    cells = pa.array([float("nan"), -1.0, 2.0])
    values, reasons = take_markers(cells, {"-1": "hidden", "NaN": "not computed"})
    assert values.to_pylist() == [None, None, 2.0]
    assert reasons.to_pylist() == ["not computed", "hidden", None]


def test_repeated_and_missing_keys_are_named(tmp_path: Path, into: Load) -> None:
    features = [
        ({"code": code}, SQUARE)
        for code in ["b", "b", "a", "a", "a", "c", "c", "d", "d", "e", "e", "f", "f", "g"]
    ]
    with pytest.raises(
        CheckFailed,
        match=(
            r"6 values repeated: a \(3 times\), b \(2 times\), c .*, d .*, e \(2 times\): declare"
        ),
    ):
        into(collection(tmp_path, features), codes())
    with pytest.raises(CheckFailed, match=r"key code of made.geojson .* 2 rows without one"):
        into(
            collection(
                tmp_path,
                [({"code": None}, SQUARE), ({"code": ""}, SQUARE), ({"code": "1"}, SQUARE)],
            ),
            codes(),
        )
    assert into(collection(tmp_path, features), codes(key=None)).features == 14


def test_a_key_must_be_declared_as_text(tmp_path: Path, into: Load) -> None:
    for columns in ({"people": integer("population")}, {"other": text("cd_sector")}):
        with pytest.raises(
            ConfigurationError, match="The key people must be a declared text column"
        ):
            into(geopackage(tmp_path), formats.reads(columns=columns, key="people"))


# --- faults of the layer and the file
# -----------------------------------------------------------------------------


def test_several_layers_need_a_declared_one(tmp_path: Path, into: Load) -> None:
    path = geopackage(tmp_path, layer="sectors_2024")
    geopackage(tmp_path, layer="municipalities", append=False)
    with pytest.raises(
        SourceError,
        match=r"One layer was expected in sectors.gpkg and it holds sectors_2024, municipalities",
    ):
        into(path, formats.reads())
    with pytest.raises(
        SourceError, match=r"One layer named provinces\* was expected in sectors.gpkg"
    ):
        into(path, formats.reads(layer="provinces*"))
    assert into(path, formats.reads(layer="sectors_*")).features == 5


def test_a_layer_of_any_kind_with_heights_is_read(tmp_path: Path, into: Load, rows: Rows) -> None:
    """GML of mixed areas with heights, which pyogrio alone refuses ("Geometry type is not
    supported").
    """
    (tmp_path / "R & D").mkdir()
    path = formats.FORMATS["GML"][1](tmp_path / "R & D" / "sectors.gml")
    with pytest.raises(pyogrio.errors.GeometryError):
        pyogrio.list_layers(str(path))
    assert into(path, formats.reads(layer="sec*")).features == 5
    with pytest.raises(SourceError, match="One layer named x was expected"):
        into(path, formats.reads(layer="x"))


@pytest.mark.parametrize(
    "name",
    ["GeoJSON", "Shapefile", "GeoPackage", "FlatGeobuf", "GML", "KML", "GeoParquet", "SpatiaLite"],
)
def test_a_cut_file_is_refused(name: str, tmp_path: Path, into: Load) -> None:
    file, write, declared = formats.FORMATS[name]
    whole = write(tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) * 7 // 10])
    with pytest.raises(SourceError, match=r"sectors\."):
        into(tmp_path / file, formats.reads(**declared))


def test_a_web_page_is_refused(tmp_path: Path, into: Load) -> None:
    for name in (
        "sectors.gpkg",
        "sectors.geojson",
        "sectors.shp",
        "sectors.zip",
        "sectors.parquet",
    ):
        (tmp_path / name).write_text(
            "<!DOCTYPE html><html><body>Checking your browser</body></html>"
        )
        with pytest.raises(SourceError, match=name):
            into(tmp_path / name, formats.reads())
    with pytest.raises(SourceError, match="does not exist"):
        into(tmp_path / "absent.gpkg", formats.reads())


def test_a_zip_with_several_files_lists_them(tmp_path: Path, into: Load) -> None:
    formats.geojson(tmp_path / "sectors.geojson")
    with pytest.raises(
        SourceError,
        match=r"holds sectors.gpkg/sectors.geojson, sectors.gpkg/sectors.gpkg: declare the member",
    ):
        into(formats.zipped(geopackage(tmp_path)), formats.reads())


def test_a_layer_without_geometry_is_refused(tmp_path: Path, into: Load) -> None:
    with pytest.raises(SourceError, match="it has 1 features, none with geometry"):
        into(collection(tmp_path, [({"code": "1"}, None)]), codes())
    with pytest.raises(SourceError, match="it has 0 features, none with geometry"):
        into(with_geometries(tmp_path), codes())


def test_mixed_geometries_are_refused(tmp_path: Path, into: Load) -> None:
    line = {"type": "LineString", "coordinates": [[150_000, 170_000], [150_001, 170_000]]}
    with pytest.raises(SourceError, match="mixes LineString and Polygon"):
        into(collection(tmp_path, [({"code": "1"}, SQUARE), ({"code": "2"}, line)]), codes())
    late = [({"code": str(number)}, SQUARE) for number in range(1500)] + [({"code": "last"}, line)]
    with pytest.raises(
        SourceError,
        match=r"Only MultiPolygon was expected in made.geojson and feature 1,501 is a LineString",
    ):
        into(collection(tmp_path, late), codes())
    mixed = {"type": "GeometryCollection", "geometries": [SQUARE, line]}
    with pytest.raises(SourceError, match=r"mixes LineString and Polygon|is a GeometryCollection"):
        into(collection(tmp_path, [({"code": "1"}, SQUARE), ({"code": "2"}, mixed)]), codes())


def test_a_broken_geometry_names_its_feature(tmp_path: Path, into: Load) -> None:
    path = formats.geoparquet(tmp_path / "sectors.parquet")
    table = pq.read_table(path)
    wkb = table["geometry"].to_pylist()
    wkb[3] = wkb[3][:40]
    pq.write_table(table.set_column(4, "geometry", pa.array(wkb, pa.binary())), path)
    with pytest.raises(
        SourceError, match=r"The geometry of feature 4 of sectors.parquet cannot be read"
    ):
        into(path, formats.reads())


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # shapely warns too
def test_coordinates_that_are_not_numbers_are_refused(tmp_path: Path, into: Load) -> None:
    broken = [
        shapely.Polygon(
            [(150_000, 170_000), (np.nan, 170_000), (150_000, 171_000), (150_000, 170_000)]
        ),
        *formats.geometries()[1:],
    ]
    with pytest.raises(SourceError, match="Finite coordinates were expected in layer sectors"):
        into(geopackage(tmp_path, shapes=lambda: broken), formats.reads())


# --- faults of the CRS
# --------------------------------------------------------------------------------------------


def test_another_crs_than_declared_is_refused(tmp_path: Path, into: Load) -> None:
    with pytest.raises(
        SourceError,
        match=(
            r"EPSG:3812 .* was declared and layer sectors .* states EPSG:31370 \(BD72 / Belgian"
            r" Lambert 72\)"
        ),
    ):
        into(geopackage(tmp_path), formats.reads(crs=3812, bounds=None))


@pytest.mark.parametrize("name", ["Shapefile", "GeoPackage", "GeoParquet"])
def test_a_missing_crs_must_be_allowed(name: str, tmp_path: Path, into: Load, rows: Rows) -> None:
    file, write, _ = formats.FORMATS[name]
    if name == "Shapefile":
        path = write(tmp_path / file)
        (tmp_path / "sectors.prj").unlink()
    else:
        path = (
            formats.geoparquet(tmp_path / file, crs=None)
            if name == "GeoParquet"
            else geopackage(tmp_path, crs=None)
        )
    with pytest.raises(
        SourceError,
        match=r"EPSG:31370 was declared and .* states none: .* declare crs_missing=True",
    ):
        into(path, formats.reads())
    into(path, formats.reads(crs_missing=True))
    assert rows("DISTINCT st_srid(geom) FROM areas WHERE geom IS NOT NULL") == [(31370,)]


def test_a_geoparquet_that_does_not_say_is_in_degrees(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = formats.geoparquet(tmp_path / "sectors.parquet", crs="", shapes=formats.in_wgs84)
    into(path, formats.reads(crs=4326, bounds=(2.5, 49.4, 6.5, 51.6)))
    assert rows("round(st_area(geom)) FROM areas WHERE sector = '01001A00-'") == [(1_000_000,)]
    with pytest.raises(
        SourceError,
        match=r"EPSG:31370 .* was declared and sectors.parquet states EPSG:4326|states WGS 84",
    ):
        into(path, formats.reads())
    with pytest.raises(SourceError, match="encoded as polygon"):
        into(formats.geoparquet(tmp_path / "native.parquet", encoding="polygon"), formats.reads())


def test_a_geojson_without_crs_member_can_be_declared(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = collection(tmp_path, [({"code": "1"}, SQUARE)], crs=None)
    with pytest.raises(
        SourceError,
        match=r"states EPSG:4326 .* declare crs_missing=True if the file has no crs member",
    ):
        into(path, codes())
    into(path, codes(crs_missing=True, bounds=formats.BOUNDS))
    assert rows("st_srid(geom), st_area(geom) FROM areas") == [(31370, 1_000_000)]


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (
            {"crs_missing": True, "crs": 3812, "bounds": (522_263, 521_174, 795_162, 744_031)},
            "look like .*EPSG:31370.* but EPSG:3812 was declared",
        ),
        ({"bounds": (21_200, 22_000, 160_000, 160_000)}, "correct the declared bounds"),
        ({"bounds": (169_000, 149_000, 175_000, 157_000)}, "the two axes look swapped"),
    ],
    ids=["another CRS", "elsewhere", "swapped"],
)
def test_coordinates_outside_of_the_declared_bounds_are_refused(
    declared: dict[str, Any], told: str, tmp_path: Path, into: Load
) -> None:
    path = formats.with_gdal("GPKG", crs=None if "crs" in declared else 31370)(
        tmp_path / "sectors.gpkg"
    )
    with pytest.raises(SourceError, match=told):
        into(path, formats.reads(**declared))


@pytest.mark.parametrize(
    ("text_of_crs", "code", "same"),
    [
        ("OGC:CRS84", 4326, True),
        ("EPSG:4979", 4326, True),
        ("EPSG:5698", 2154, True),  # Lambert-93 with a height
        ("EPSG:25831", 32631, False),  # the same zone on another datum
        ("EPSG:3812", 31370, False),
        ("EPSG:4269", 4326, False),
        (ESRI_LAMBERT_72, 31370, True),
        (ESRI_LAMBERT_72.replace("150000.01256", "150001.01256"), 31370, False),
    ],
)
def test_one_crs_has_many_names(text_of_crs: str, code: int, same: bool) -> None:
    assert agree(CRS.from_user_input(text_of_crs), CRS.from_epsg(code)) is same


# --- the task
# --------------------------------------------------------------------------------------------


def handle(path: Path, reads: Features | Table) -> File:
    """A file as unpack would give it, of a made-up source."""
    publisher = Publisher(
        slug="testland-statistics", name="Statistics Testland", url="https://example.org"
    )
    licence = Licence(
        slug="test",
        title="Test",
        url="https://example.org/licence",
        attribution="Statistics Testland",
    )
    source = Source(
        slug="testland-sectors",
        vintage=2020,
        title="Sectors",
        publisher=publisher,
        licence=licence,
        landing_page="https://example.org/sectors",
        urls=("https://example.org/sectors.zip",),
        container="zip",
        reads=reads,
        reference_date=date(2020, 1, 1),
        released="2020",
        confidence="high",
    )
    asked = datetime(2020, 1, 2, tzinfo=UTC)
    original = Original(
        source=source, sha256="0" * 64, size=1, url=source.urls[0], retrieved_at=asked, state="new"
    )
    return File(original=original, path=str(path), name=path.name, size=1, digests=digests(path))


def test_the_task_records_what_it_did(tmp_path: Path, staging: Staging, database: Database) -> None:
    assert load_geometries.fn(staging, handle(geopackage(tmp_path), formats.reads()), "areas") == 5
    recorded = (
        "SELECT sentence, row_count, figures FROM catalog.step WHERE dataset = %s AND number = %s"
        " AND verb = 'load_geometries'"
    )
    step = database.rows(recorded, staging.dataset.slug, staging.edition)
    assert step[0][:2] == ("Loaded 5 features, 1 of them without geometry", 5)
    assert step[0][2]["without_geometry"] == 1
    assert (step[0][2]["suppressed"], step[0][2]["reasons"]) == (0, {})
    with pytest.raises(ConfigurationError, match="load it with load_table"):
        load_geometries.fn(staging, handle(tmp_path, Table(columns={})), "areas")


def test_the_task_records_how_many_figures_are_missing(
    tmp_path: Path, staging: Staging, database: Database
) -> None:
    path = without_figures(tmp_path, "made.gpkg", "GPKG")
    reads = codes(columns=FIGURES, missing=UNKNOWN)
    load_geometries.fn(staging, handle(path, reads), "areas")
    recorded = "SELECT figures FROM catalog.step WHERE dataset = %s AND number = %s"
    ((figures,),) = database.rows(recorded, staging.dataset.slug, staging.edition)
    assert figures["suppressed"] == 4
    assert figures["reasons"] == {"not known": 2, "not computed": 2, "absent": 6}


def test_only_a_failing_database_is_asked_again() -> None:
    assert DATABASE.heals(
        None, None, Failed(data=psycopg2.OperationalError("server closed the connection"))
    )
    assert not DATABASE.heals(None, None, Failed(data=SourceError("The file is cut.")))
    assert load_geometries.retries == 2
    assert inspect.isfunction(load_geometries.retry_condition_fn), "Prefect asks functions only"


# --- the publishers' real files
# -----------------------------------------------------------------------------------

REAL = {
    "Brussels sectors": (
        "belgium/sh_statbel_statistical_sectors_31370_20220101_brussels.gpkg",
        Features(
            columns={"code": text("cd_sector")},
            key="code",
            crs=31370,
            published_crs=31370,
            bounds=formats.BOUNDS,
        ),
        (724, 162_422_200),
    ),
    "Belgian municipalities of 2011": (
        "belgium/be_admin_munty_2011_wgs84.gpkg.zip",
        Features(
            columns={"code": text("CD_MUNTY_REFNIS")},
            key="code",
            crs=4326,
            published_crs=31370,
            bounds=(2.5, 49.4, 6.5, 51.6),
        ),
        (589, 30_662.7e6),
    ),
    "Flemish municipalities": (
        "belgium/gemeente2024_flanders_brussels_31370.shp.zip",
        Features(
            columns={"code": text("gemeente")},
            key="code",
            crs=31370,
            published_crs=31370,
            bounds=formats.BOUNDS,
        ),
        (319, None),
    ),
    "Austrian municipalities": (
        "austria/STATISTIK_AUSTRIA_GEM_20210101_simplified995.geojson",
        Features(
            columns={"code": text("iso"), "name": text("name")},
            key="code",
            crs=4326,
            published_crs=31287,
            bounds=(9.5, 46.3, 17.2, 49.1),
        ),
        (2118, 83_856.2e6 + 415.75e6),
    ),
    "Austrian municipalities in TopoJSON": (
        "austria/STATISTIK_AUSTRIA_GEM_20210101_simplified95.topojson",
        Features(
            columns={"code": text("iso")},
            key="code",
            crs=4326,
            published_crs=31287,
            crs_missing=True,
            bounds=(9.5, 46.3, 17.2, 49.1),
        ),
        (2118, 83_856.2e6 + 415.75e6),
    ),
    "IRIS of Lyon": (
        "france/iris_lyon_2012_lamb93.shp.zip",
        Features(
            columns={"people": integer("p12_pop")},
            crs=2154,
            published_crs=2154,
            bounds=(100_000, 6_000_000, 1_300_000, 7_200_000),
        ),
        (358, None),
    ),
    "counties": (
        "united_states/cb_2018_us_county_5m.zip",
        Features(
            columns={"code": text("GEOID"), "name": text("NAME")},
            key="code",
            crs=4269,
            published_crs=4269,
            bounds=(-180, -15, 180, 72),
        ),
        (3233, None),
    ),
    "blocks of Denver": (
        "united_states/DenverCo_blocks.zip",
        Features(
            columns={"code": text("GEOID20"), "people": integer("TOTPOP20")},
            key="code",
            crs=2232,
            published_crs=5070,
        ),
        (10_149, None),
    ),
    "IRIS of Paris": (
        "france/contours-iris_2016_75.geojson.zip",
        Features(
            columns={"code": text("CODE_IRIS")},
            key="code",
            crs=4326,
            published_crs=2154,
            bounds=(-5.2, 41.3, 9.6, 51.1),
        ),
        (992, None),
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_load(name: str, real_files: Path, into: Load, rows: Rows) -> None:
    file, declared, (count, area) = REAL[name]
    figures = into(real_files / file, declared)
    assert (figures.features, figures.without_geometry) == (count, 0)
    found = rows(
        "count(*), sum(st_area(geom)), min(st_srid(geom)), max(st_srid(geom)), count(DISTINCT"
        " geometrytype(geom)) FROM areas"
    )[0]
    assert found[0] == count
    assert found[2:] == (declared.published_crs, declared.published_crs, 1)
    assert area is None or found[1] == pytest.approx(area, rel=2e-3)
    if "code" in declared.columns:
        assert rows("bool_and(code ~ '^[0-9A-Z-]+$') FROM areas") == [(True,)]


def test_totals_of_real_files(real_files: Path, into: Load, rows: Rows) -> None:
    into(real_files / REAL["Brussels sectors"][0], REAL["Brussels sectors"][1])
    assert rows(
        "round(sum(st_area(geom))::numeric / 10000, 2)::text, count(*) FILTER (WHERE code LIKE"
        " '%-') FROM areas"
    ) == [("16242.22", 405)]
    into(real_files / REAL["blocks of Denver"][0], REAL["blocks of Denver"][1])
    assert rows("sum(people) FROM areas") == [(715_522,)]
    into(real_files / REAL["Flemish municipalities"][0], REAL["Flemish municipalities"][1])
    assert rows("min(code), max(length(code)) FROM areas") == [("11001", 5)]
