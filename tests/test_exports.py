"""Layers taken away as files: read back by other programs, equal to the database row for row."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import duckdb
import fiona
import geopandas
import numpy as np
import processes
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from conftest import database_of_its_own
from made_up_land import OPEN, original, published
from psycopg2 import sql
from pyproj import Transformer
from sqlalchemy.engine import make_url

from tasks.core.catalog import editions, layers, publications
from tasks.core.catalog.provenance import record_dataset
from tasks.core.exporting import exports, qgis_projects
from tasks.core.exporting.destinations import destination
from tasks.core.exporting.exports import Exported, export
from tasks.core.exporting.formats import FORMATS, ExportFormat
from tasks.core.exporting.projections import crs_change, epsg_code
from tasks.core.exporting.streams import read_layer
from tasks.core.exporting.tiles import zooms
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed, ConfigurationError, Refused
from tasks.core.postgres.database import Database
from tasks.running import steps
from tasks.verbs import exports as verbs

LAND = Dataset(
    slug="land",
    title='Land of "quotes" <&> d\'été',
    country="ZZ",
    schema="land",
    layers={"odd": ("part", "code"), "codes": ("code",), "nothing": ("code",), "even": ("code",)},
    may_be_empty=("nothing",),
)
RULE = "[unit: {}; aggregate: {}; from: made up]"
COLUMNS = {  # of the odd layer, in their order: type, unit, aggregation
    "code": ("text", "code", "key"),
    "part": ("integer", "code", "key"),
    "näme, \"q\" 'x'": ("text", "name", "none"),
    "empty": ("text", "name", "none"),
    "big": ("bigint", "things", "sum"),
    "amount": ("numeric(12,2)", "EUR", "none"),
    "free": ("numeric", "km", "none"),
    "real": ("double precision", "share", "none"),
    "day": ("date", "date", "none"),
    "truth": ("boolean", "truth", "none"),
    "words": ("text[]", "words", "none"),
    "numbers": ("bigint[]", "numbers", "none"),
    "geom": ("geometry(MultiPolygon, 31370)", "m", "none"),
}
SQUARE = "ST_Multi(ST_Translate('SRID=31370;POLYGON((0 0,0 1,1 1,1 0,0 0))'::geometry, {}, {}))"
ODD_ROWS = f"""
INSERT INTO odd VALUES
('01', 2, 'says "no", x', NULL, 9223372036854775807, 1234567890.12, 0.1, 0.1, '2026-02-28', true,
 '{{a,"b,c",NULL,"d\\"e"}}', '{{1,NULL,9223372036854775807}}', {SQUARE.format(150000.1, 170000.7)}),
('001', 1, E'two\\nlines\\r\\nand\\ta tab', '', -9223372036854775807, -0.01, 12345.678901, 1e300,
 '0001-01-01', false, '{{}}', '{{}}', ST_Union({SQUARE.format(0, 0)}, {SQUARE.format(5, 5)})),
('é中🎈', 1, repeat('é"', 60000), '  ', 0, 0, 0, -0.1234567890123456789, '9999-12-31', NULL, NULL,
 NULL, 'SRID=31370;MULTIPOLYGON EMPTY'),
('NULL', 1, ',', 'NULL', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('-', 1, '''', '-', 7, 7.10, 7, 7, '2024-02-29', true, '{{x}}', '{{0}}', {SQUARE.format(1, 1)});
"""
OTHERS = """
CREATE TABLE codes (code text, label text, share double precision);
INSERT INTO codes
SELECT lpad(n::text, 5, '0'), 'label ' || n, n / 7.0 FROM generate_series(1, 300) n;
CREATE TABLE nothing (code text, geom geometry(MultiPolygon, 31370));
CREATE TABLE even (code text, region text, people bigint, density numeric(12,2),
                   geom geometry(MultiPolygon, 31370));
INSERT INTO even SELECT lpad(n::text, 4, '0'), 'region ' || n % 3, n * 10, n + 0.25,
       ST_Multi(ST_MakeEnvelope(x, y, x + 1000, y + 1000, 31370))
  FROM (SELECT n, 100000 + 1000 * (n % 20) AS x, 150000 + 1000 * (n / 20) AS y
          FROM generate_series(0, 399) n) AS grid;
"""
RULES = {
    "codes": {"code": "code; aggregate: key", "label": "name", "share": "share"},
    "nothing": {"code": "code; aggregate: key", "geom": "m"},
    "even": {
        "code": "code; aggregate: key",
        "region": "code; aggregate: same",
        "people": "persons; aggregate: sum",
        "density": "persons/km²; aggregate: ratio people / people",
        "geom": "m",
    },
}


def said(table: str, column: str, text: str) -> sql.Composed:
    """The comment of a column."""
    command = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
    return command.format(sql.Identifier(table), sql.Identifier(column), sql.Literal(text))


@pytest.fixture(scope="module")
def land(
    cluster_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database in which the layers of Land are published."""
    with database_of_its_own(cluster_database, tmp_path_factory.mktemp("archive")) as made:
        publish_land(made)
        yield made


def publish_land(database: Database) -> None:
    with database.session() as cursor:
        record_dataset(cursor, LAND)
    found = original(database, LAND, "land")
    staging = editions.begin(database, LAND, 2024, (found,), None, rebuild=False)
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, (kind, _, _) in COLUMNS.items()
    )
    with database.session(staging.schema) as cursor:
        cursor.execute(sql.SQL("CREATE TABLE odd ({})").format(columns))
        cursor.execute(ODD_ROWS)
        cursor.execute(OTHERS)
        for name, (_, unit, rule) in COLUMNS.items():
            cursor.execute(said("odd", name, f"Column {name} {RULE.format(unit, rule)}"))
        for table, rules in RULES.items():
            for name, unit in rules.items():
                rule = unit if "aggregate" in unit else f"{unit}; aggregate: none"
                cursor.execute(said(table, name, f"Column {name} [unit: {rule}; from: made up]"))
        for table in LAND.layers:
            cursor.execute(f"COMMENT ON TABLE {table} IS 'Rows of \"{table}\" <&>'")
    for table, key in LAND.layers.items():
        layers.seal(database, staging, table, key)
    with database.session(staging.schema) as cursor:  # as no flow would seal it
        cursor.execute("UPDATE odd SET real = 'Infinity' WHERE code = 'NULL'")
    editions.publish(database, staging)


def selected(database: Database, layer: str) -> list[tuple[Any, ...]]:
    """The rows of a view in the order of its key, geometries as WKB."""
    names = list(COLUMNS) if layer == "odd" else list(RULES[layer])
    listed = sql.SQL(", ").join(
        sql.SQL("ST_AsBinary({})" if name == "geom" else "{}").format(sql.Identifier(name))
        for name in names
    )
    key = sql.SQL(", ").join(
        sql.SQL("{}" if name == "part" else '{} COLLATE "C"').format(sql.Identifier(name))
        for name in LAND.layers[layer]
    )
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}")
    rows = database.rows(query.format(listed, sql.Identifier("land", layer), key))
    return [
        tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
        for row in rows
    ]


def as_doubles(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row as formats without decimals, lists and days hold it."""
    return tuple(
        float(value)
        if type(value).__name__ == "Decimal"
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if isinstance(value, list)
        else value
        for value in row
    )


def of_flatgeobuf(value: Any) -> Any:
    """A value as a FlatGeobuf holds it."""
    if isinstance(value, date):
        return f"{value}T00:00:00"
    is_empty = isinstance(value, bytes) and shapely.from_wkb(value).is_empty
    return None if is_empty else value


def bare(value: Any) -> Any:
    """A value as it is compared: JSON without blanks, days as text, WKB as PostGIS writes it."""
    if isinstance(value, str) and value.startswith("["):
        return json.dumps(json.loads(value), ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, bytes):
        return bytes(shapely.to_wkb(shapely.from_wkb(value), byte_order=1))
    return value.isoformat() if hasattr(value, "isoformat") else value


def compared(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(map(bare, row)) for row in rows]


def read(path: Path) -> list[tuple[Any, ...]]:
    """The rows of a file as GDAL gives them, the geometry last."""
    if path.suffix == ".fgb":  # of which GDAL's way to Arrow gives no geometry that is NULL
        with fiona.open(path) as file:
            return [(*each.properties.values(), wkb(each.geometry)) for each in file]
    facts, table = pyogrio.raw.read_arrow(path)
    names = [
        *facts["fields"],
        *([facts["geometry_name"] or "wkb_geometry"] if facts["crs"] else []),
    ]
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def wkb(geometry: Any) -> bytes | None:
    """A geometry of fiona as WKB."""
    return shapely.to_wkb(shapely.geometry.shape(geometry)) if geometry else None


@pytest.fixture
def made(land: Database, tmp_path: Path) -> Callable[..., Exported]:
    """Exports a layer of Land into the test's folder."""

    def export_land(layer: str, name: ExportFormat, **more: Any) -> Exported:
        return export(land, f"land.{layer}", name, **{"to": f"{tmp_path}/out/"} | more)

    return export_land


Made = Callable[..., Exported]


@pytest.mark.parametrize("name", ["gpkg", "fgb"])
@pytest.mark.parametrize("layer", ["odd", "even"])
def test_gdal_reads_what_the_database_has(
    land: Database, made: Made, name: ExportFormat, layer: str
) -> None:
    exported = made(layer, name)
    found = read(Path(exported.url))
    expected = [as_doubles(row) for row in selected(land, layer)]
    if name == "fgb":  # which knows moments for days, and no empty geometry
        expected = [tuple(map(of_flatgeobuf, row)) for row in expected]
    if (name, layer) == ("fgb", "even"):  # its index has an order of its own
        found.sort(key=lambda row: str(row[0]))
    assert compared(found) == compared(expected)
    assert exported.rows == len(expected)
    assert Path(exported.url).name == f"land.{layer}-2024-e1.{name}"


def test_a_table_without_geometry_and_one_without_rows_are_geopackages(
    land: Database, made: Made
) -> None:
    found = read(Path(made("codes", "gpkg").url))
    assert found == selected(land, "codes")
    empty = geopandas.read_file(made("nothing", "gpkg").url)
    assert (len(empty), list(empty.columns), empty.crs.to_epsg()) == (
        0,
        ["code", "geometry"],
        31370,
    )


def test_geopandas_reads_every_format_with_geometry_alike(land: Database, made: Made) -> None:
    expected = shapely.from_wkb([row[-1] for row in selected(land, "even")])
    for name in ("gpkg", "fgb", "geoparquet"):
        path = made("even", name).url
        found = geopandas.read_parquet(path) if name == "geoparquet" else geopandas.read_file(path)
        found = found.sort_values("code").reset_index(drop=True)
        assert found.crs.to_epsg() == 31370
        assert shapely.equals_exact(found.geometry.values, expected, 0).all()
        assert found["code"].tolist() == [row[0] for row in selected(land, "even")]


@pytest.mark.parametrize("layer", ["odd", "codes", "even", "nothing"])
def test_duckdb_reads_from_parquet_what_the_database_has(
    land: Database, made: Made, layer: str
) -> None:
    path = made(layer, "geoparquet").url
    with duckdb.connect() as reader:
        names = [name for name in (COLUMNS if layer == "odd" else RULES[layer]) if name != "geom"]
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        found = reader.execute(f"SELECT {listed} FROM read_parquet(?)", [path]).fetchall()
    expected = selected(land, layer)
    has_geometry = layer != "codes"
    assert found == [row[:-1] if has_geometry else row for row in expected]
    if has_geometry:
        wkb = pq.read_table(path).column("geom").to_pylist()
        assert compared([(each,) for each in wkb]) == compared([row[-1:] for row in expected])


def test_parquet_keeps_types_and_has_boxes_and_all_that_geoparquet_asks_for(made: Made) -> None:
    file = pq.ParquetFile(made("odd", "geoparquet").url)
    schema = file.schema_arrow
    assert schema.field("amount").type == pa.decimal128(12, 2)
    assert schema.field("free").type == pa.decimal128(38, 6)
    assert schema.field("numbers").type.value_type == pa.int64()
    told = schema.field("big").metadata
    assert (told[b"description"], told[b"unit"]) == (b"Column big", b"things")
    known = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    geo = json.loads(known["geo"])
    column = geo["columns"][geo["primary_column"]]
    assert (geo["version"], geo["primary_column"], column["encoding"]) == ("1.1.0", "geom", "WKB")
    assert column["geometry_types"] == ["MultiPolygon"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 31370}
    assert column["bbox"] == pytest.approx([0, 0, 150001.1, 170001.7])
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    boxes = file.read().column("bbox").to_pylist()
    assert boxes[0] == {"xmin": 1.0, "ymin": 1.0, "xmax": 2.0, "ymax": 2.0}
    assert [box is None for box in boxes] == [False, False, True, True, False]
    assert known["attribution"].startswith("Source: Office, Areas, 2024-01-01")
    assert json.loads(known["geodata"])["sources"][0]["sha256"]


def test_csv_comes_back_value_by_value_with_its_types_beside_it(land: Database, made: Made) -> None:
    exported = made("odd", "csv")
    path = Path(exported.url)
    with duckdb.connect() as reader:
        query = (
            "SELECT * FROM read_csv(?, all_varchar=true, allow_quoted_nulls=false, nullstr='',"
            " delim=',', quote='\"', escape='\"', header=true, max_line_size=4000000)"
        )
        found = reader.execute(query, [str(path)]).fetchall()
        assert [each[0] for each in reader.description or ()] == list(COLUMNS)
    expected = selected(land, "odd")
    for row, values in zip(found, expected, strict=True):
        texts = [
            json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            if isinstance(value, list)
            else str(value).lower()
            if isinstance(value, bool)
            else value.isoformat()
            if hasattr(value, "isoformat")
            else value
            for value in values[:-1]
        ]
        numbers = [4, 7]
        for place, (cell, value) in enumerate(zip(row[:-1], texts, strict=True)):
            if place in numbers and value is not None:
                assert type(value)(cell.replace("INF", "inf")) == value
            else:
                assert (cell and bare(cell)) == (value if value is None else str(value))
        if values[-1] is None:
            assert row[-1] is None
        else:
            assert shapely.to_wkb(shapely.from_wkt(row[-1])) == bare(values[-1])
    described = json.loads(path.with_name(path.name + "-metadata.json").read_text())
    types = {each["name"]: each["datatype"] for each in described["tableSchema"]["columns"]}
    assert described["url"] == path.name
    assert described["tableSchema"]["primaryKey"] == ["part", "code"]
    assert (types["amount"], types["day"], types["words"]) == ("decimal", "date", "json")
    assert described["dc:license"] == [{"@id": OPEN.url}]
    assert {path.with_name(each).exists() for each in exported.beside} == {True}


def test_gdal_knows_the_types_of_a_csv_and_its_crs(land: Database, made: Made) -> None:
    path = made("even", "csv").url
    facts = pyogrio.read_info(path)
    assert facts["crs"].startswith("EPSG:31370") or "Lambert 72" in facts["crs"]
    assert facts["ogr_types"][:4] == ["OFTString", "OFTString", "OFTInteger64", "OFTReal"]
    assert [row[0] for row in read(Path(path))] == [row[0] for row in selected(land, "even")]


def test_tiles_have_every_area_with_its_figures_and_neighbours_share_their_edges(
    land: Database, made: Made
) -> None:
    path = Path(made("even", "pmtiles").url)
    frame = geopandas.read_file(path)
    found = frame.dissolve("code")
    assert {code: (row["people"], row["density"]) for code, row in found.iterrows()} == {
        row[0]: (row[2], float(row[3])) for row in selected(land, "even")
    }
    assert frame.crs.to_epsg() == 3857
    assert found.area.sum() == pytest.approx(found.union_all().area, rel=1e-9)
    closed = shapely.union_all(shapely.buffer(found.geometry.values, 0.01, join_style="mitre"))
    assert (closed.geom_type, len(closed.interiors)) == ("Polygon", 0)
    data = path.read_bytes()
    offset, length = struct.unpack_from("<2Q", data, 24)
    told = json.loads(gzip.decompress(data[offset : offset + length]))
    assert told["attribution"].startswith("Source: Office")
    assert told["vector_layers"][0]["id"] == "even"
    assert told["geodata"]["edition"] == "1"


@pytest.mark.parametrize(
    ("rows", "area", "expected"),
    [(20_000, 1e11, (8, 12)), (0, 0.0, (13, 13)), (50, 1e14, (0, 4)), (43_000_000, 2e12, (11, 13))],
)
def test_zooms_follow_from_the_size_of_areas(
    rows: int, area: float, expected: tuple[int, int]
) -> None:
    assert zooms(rows, area) == expected


@pytest.mark.parametrize("name", ["gpkg", "fgb", "geoparquet", "csv", "pmtiles", "qgs"])
def test_two_exports_of_an_edition_are_equal_byte_for_byte(
    made: Made, tmp_path: Path, name: ExportFormat
) -> None:
    first, second = (made("even", name, to=f"{tmp_path}/{each}/") for each in "ab")
    for one in (Path(first.url), *(Path(first.url).with_name(each) for each in first.beside)):
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes(), one.name
    assert first.size_bytes == second.size_bytes


def test_a_geopackage_says_what_it_is(made: Made) -> None:
    path = made("odd", "gpkg").url
    with sqlite3.connect(path) as file:
        (title, text, day, srs) = file.execute(
            "SELECT identifier, description, last_change, srs_id FROM gpkg_contents"
        ).fetchone()
        columns = dict(file.execute("SELECT column_name, description FROM gpkg_data_columns"))
        known = dict(
            file.execute(
                "SELECT md_standard_uri, metadata FROM gpkg_metadata JOIN gpkg_metadata_reference"
                " ON md_file_id = id WHERE table_name = 'odd'"
            )
        )
        order = [row[0] for row in file.execute("SELECT code FROM odd ORDER BY fid")]
    assert title == f"{LAND.title} – odd 2024"
    assert 'Rows of "odd" <&>' in text
    assert (srs, day[:2]) == (31370, "20")
    assert columns["big"] == "Column big [unit: things; aggregate: sum]"
    qgis = Xml.fromstring(known["http://mrcc.com/qgis.dtd"].partition("\n")[2])
    assert qgis.findtext("title") == title
    assert str(qgis.findtext("rights")).startswith("Source: Office")
    assert qgis.findtext("license") == f"{OPEN.title} ({OPEN.url})"
    document = json.loads(known["http://www.w3.org/ns/prov#"])
    assert document["sources"][0]["url"] == "https://office.example/a"
    assert document["content_hash"]
    assert order == ["-", "001", "NULL", "é中🎈", "01"]


def test_a_flatgeobuf_says_what_it_is(made: Made) -> None:
    facts = pyogrio.read_info(made("even", "fgb").url)
    told = facts["layer_metadata"]
    assert told["TITLE"] == f"{LAND.title} – even 2024"
    assert told["attribution"].startswith("Source: Office")
    assert json.loads(told["sources"])[0]["source"] == "land-areas"
    assert (
        b"Column people [unit: persons; aggregate: sum]"
        in Path(made("even", "fgb").url).read_bytes()
    )


def test_gdal_s_own_programs_open_it_without_a_warning(made: Made) -> None:
    ogrinfo = shutil.which("ogrinfo")
    if ogrinfo is None:
        pytest.skip("GDAL's programs are not on this machine")
    for name in ("gpkg", "fgb", "csv"):
        done = subprocess.run(
            [ogrinfo, "-so", "-al", made("even", name).url], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "Feature Count: 400" in done.stdout


def test_a_project_of_qgis_opens_the_views_styled_and_without_a_password(
    land: Database, tmp_path: Path
) -> None:
    url = land.url.set(username="me", password="hidden", host="db.example", port=5433, query={})
    with exports.snapshot(land) as state:
        layer = exports.shown_layer(state, "land.even")
        told = exports.inscription(layer, 3857)
        qgis_projects.write(tmp_path / "p.qgs", state, told, url)
        service = make_url("postgresql+psycopg2://?service=geodata")
        qgis_projects.write(tmp_path / "s.qgs", state, told, service)
    text = (tmp_path / "p.qgs").read_text(encoding="utf-8")
    assert "hidden" not in text
    assert "user=" not in text
    root = Xml.fromstring(text.partition("\n")[2])
    found = {each.findtext("id"): each for each in root.iter("maplayer")}
    assert set(found) == {f"land_{name}_2024" for name in LAND.layers}
    source = str(found["land_even_2024"].findtext("datasource"))
    assert source.startswith(
        f"dbname='{land.url.database}' host='db.example' port='5433' key='code'"
    )
    assert source.endswith('srid=31370 type=MultiPolygon table="land"."even_2024" (geom)')
    assert 'key=\'"part","code"\'' in str(found["land_odd_2024"].findtext("datasource"))
    renderer = found["land_even_2024"].find("renderer-v2")
    assert renderer is not None
    assert (renderer.get("type"), renderer.get("attr")) == ("graduatedSymbol", "density")
    assert [each.get("upper") for each in renderer.iter("range")] == [
        "79.25", "159.25", "239.25", "319.25", "399.25"
    ]  # fmt: skip
    assert root.findtext("projectCrs/spatialrefsys/authid") == "EPSG:3857"
    assert found["land_even_2024"].findtext("srs/spatialrefsys/authid") == "EPSG:31370"
    assert found["land_codes_2024"].get("geometry") == "No geometry"
    aliases = {each.get("field"): each.get("name") for each in root.iter("alias")}
    assert aliases["people"] == "Column people [unit: persons; aggregate: sum]"
    attribution = found["land_even_2024"].findtext("attribution")
    assert str(attribution).startswith("Source: Office")
    assert "service='geodata' key='code'" in (tmp_path / "s.qgs").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["gpkg", "geoparquet", "csv"])
def test_another_crs_is_reached_by_the_best_operation_and_said(
    land: Database, made: Made, name: ExportFormat
) -> None:
    exported = made("even", name, crs="epsg:3812")
    assert Path(exported.url).name == f"land.even-2024-e1-epsg3812{FORMATS[name].ending}"
    assert "accurate to" in exported.crs_change
    wkb = [row[-1] for row in selected(land, "even")]
    change = Transformer.from_crs(31370, 3812, always_xy=True, allow_ballpark=False)
    expected = shapely.transform(
        shapely.from_wkb(wkb), lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1]))
    )
    path = exported.url
    found = geopandas.read_parquet(path) if name == "geoparquet" else geopandas.read_file(path)
    assert found.crs.to_epsg(min_confidence=25) == 3812 or name == "csv"
    moved = shapely.hausdorff_distance(found.geometry.values, expected)
    assert moved.max() < 1.0  # the operation for the ground, and no guess of a hundred metres


@pytest.mark.parametrize("written", ["3035", "EPSG:3035", " epsg::3035 ", 3035])
def test_an_epsg_code_is_read_as_persons_write_it(written: str | int) -> None:
    assert epsg_code(written) == 3035


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"name": "land.nowhere"}, r"found 'land.nowhere': choose one of land.codes, land.even,"),
        ({"vintage": 1999}, r"found 1999: choose one of 2024, or none for the newest"),
        ({"format_name": "shp"}, r"found 'shp': choose one of gpkg, fgb, geoparquet, csv, pmtiles"),
        ({"crs": "EPSG:99"}, r"an EPSG code that PROJ knows, such as EPSG:3035, found 'EPSG:99'"),
        ({"crs": "Lambert"}, r"an EPSG code that PROJ knows.* found 'Lambert'"),
        ({"crs": "EPSG:5773"}, r"two axes on the ground, found EPSG:5773 \(EGM96 height"),
        ({"crs": "EPSG:4979"}, r"two axes on the ground, found EPSG:4979"),
        ({"crs": "3035", "format_name": "pmtiles"}, r"EPSG:3857, as of all its files, found 3035"),
        (
            {"name": "land.codes", "format_name": "fgb"},
            r"is a table without any: export it as gpkg",
        ),
        ({"name": "land.codes", "crs": "3035"}, r"with geometry was expected for the CRS 3035"),
        ({"to": "out.csv"}, r"a file that ends in .gpkg, was expected in TO, found 'out.csv'"),
        ({"to": "s3://me:hidden@bucket/x"}, r"without user, password and question was expected"),
        ({"to": "memory://x/"}, r"memory:// forgets them at the end of the run: give a folder"),
        ({"to": "https://x.example/y/"}, r"one of https:// is only read from: give a folder"),
        ({"to": "nothing://x/y/"}, r"such as s3://bucket/folder was expected in TO, and nothing"),
    ],
)
def test_what_there_is_not_is_refused_in_a_sentence(
    land: Database, more: dict[str, Any], words: str
) -> None:
    asked = {"name": "land.even", "format_name": "gpkg"} | more
    with pytest.raises(ConfigurationError, match=words) as refused:
        export(land, **asked)
    assert "hidden" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_place_that_takes_nothing_is_refused(land: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match=r"A place that takes files was expected in TO, and .*file/x"):
        export(land, "land.codes", "csv", to=f"{tmp_path}/file/x/")


def test_values_that_a_format_cannot_hold_are_refused_and_others_take_them(
    other_database: Database, tmp_path: Path
) -> None:
    extra = "ALTER TABLE areas ADD share double precision, ADD exact numeric, ADD day date;"
    extra += said_of_areas("share") + said_of_areas("exact") + said_of_areas("day")
    land = replace(LAND, slug="land_odd", schema="land_odd", layers={"areas": ("code",)})
    with other_database.session() as cursor:
        record_dataset(cursor, land)
    edition = published(other_database, land, 1, extra=extra)
    table = f'"land_odd_edition_{edition.number}".areas'
    with other_database.session() as cursor:
        cursor.execute(f"UPDATE {table} SET share = 'NaN' WHERE code = 'A1'")
    folder = f"{tmp_path}/out/"
    with pytest.raises(
        CheckFailed, match=r"Numbers were expected in share of land_odd.areas 2024,"
    ):
        export(other_database, "land_odd.areas", "gpkg", to=folder)
    assert [*Path(folder).iterdir()] == []
    path = export(other_database, "land_odd.areas", "fgb", to=folder).url
    found = pyogrio.raw.read_arrow(path)[1].to_pylist()
    assert {each["code"]: str(each["share"]) for each in found} == {
        "A1": "nan", "A2": "None", "A3": "None"
    }  # fmt: skip
    csv = Path(export(other_database, "land_odd.areas", "csv", to=folder).url).read_text()
    assert '1 0))",NaN,,\n' in csv
    with other_database.session() as cursor:
        cursor.execute(f"UPDATE {table} SET share = NULL, exact = 1234567890.1234567")
    with pytest.raises(CheckFailed, match=r"at most 15 digits .* in exact .* found 17: .*geoparq"):
        export(other_database, "land_odd.areas", "gpkg", to=folder)
    path = export(other_database, "land_odd.areas", "geoparquet", to=folder).url
    assert str(pq.read_table(path).column("exact")[0]) == "1234567890.1234567"
    with other_database.session() as cursor:
        cursor.execute(f"UPDATE {table} SET day = 'infinity' WHERE code = 'A3'")
    with pytest.raises(CheckFailed, match=r"from year 1 to 9999 were expected in day of land_odd"):
        export(other_database, "land_odd.areas", "geoparquet", to=f"{tmp_path}/days/")
    assert (
        ",infinity\n"
        in Path(export(other_database, "land_odd.areas", "csv", to=folder).url).read_text()
    )
    with other_database.session() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE code = 'A2'")
    with pytest.raises(CheckFailed, match=r"the 3 rows of edition 1 in the catalog, found 2"):
        export(other_database, "land_odd.areas", "csv", to=f"{tmp_path}/less/")
    assert [*(tmp_path / "less").iterdir()] == []
    publications.withdraw(other_database, "land_odd", 2024)
    with pytest.raises(ConfigurationError, match=r"choose one of none \(nothing is published here"):
        export(other_database, "land_odd.areas", "csv", vintage=2024, to=folder)


def said_of_areas(column: str) -> str:
    return f"COMMENT ON COLUMN areas.{column} IS 'X [unit: x; aggregate: none; from: made up]';"


def test_a_layer_of_a_mirror_says_that_it_is_not_official(
    other_database: Database, tmp_path: Path
) -> None:
    land = replace(LAND, slug="mirrored", schema="mirrored", layers={"areas": ("code",)})
    with other_database.session() as cursor:
        record_dataset(cursor, land)
    published(other_database, land, 1, mirror="synthetic")
    exported = export(other_database, "mirrored.areas", "geoparquet", to=f"{tmp_path}/")
    told = pq.ParquetFile(exported.url).metadata.metadata
    assert told[b"official"] == b"no: NOT OFFICIAL DATA, from the mirror synthetic"
    assert told[b"description"].startswith(b"NOT OFFICIAL DATA (mirror synthetic).")
    with other_database.session() as cursor:
        cursor.execute("DELETE FROM catalog.edition_input")
    with pytest.raises(CheckFailed, match=r"found no licence and no original: look at catalog"):
        export(other_database, "mirrored.areas", "csv", to=f"{tmp_path}/")


KILLED = """
import errno, os, shutil, signal, sys
from tasks.core.exporting import destinations
from tasks.core.exporting.exports import export
from tasks.core.postgres.database import parse
rename = os.replace
def on_another_disk(source, target):
    if not str(source).endswith(".part"):
        raise OSError(errno.EXDEV, "another disk")
    rename(source, target)
def killed(source, target):
    with open(source, "rb") as whole, open(target, "wb") as half:
        half.write(whole.read()[:500])
    os.kill(os.getpid(), signal.SIGKILL)
os.replace, shutil.copyfile = on_another_disk, killed
export(parse(sys.argv[1]), "land.even", "gpkg", to=sys.argv[2])
"""


def test_a_killed_export_leaves_no_half_file_and_the_next_one_clears_up(
    land: Database, made: Made, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with processes.started(sys.executable, "-c", KILLED, land.libpq_uri, f"{out}/") as program:
        program.wait(processes.PATIENCE)
    assert program.returncode == -signal.SIGKILL, program.said()
    (left,) = out.iterdir()
    assert left.name.endswith(".part")
    exported = made("even", "gpkg")
    assert [path.name for path in out.iterdir()] == ["land.even-2024-e1.gpkg"]
    shutil.copy(exported.url, tmp_path / "before")
    made("even", "gpkg")
    assert Path(exported.url).read_bytes() == (tmp_path / "before").read_bytes()


def test_an_export_into_a_bucket_is_the_same_file(
    land: Database, made: Made, s3_api: Any, tmp_path: Path
) -> None:
    s3_api.create_bucket(Bucket="exports")
    there = made("even", "csv", to="s3://exports/some/folder/")
    here = made("even", "csv")
    assert there.url == "s3://exports/some/folder/land.even-2024-e1.csv"
    for name in (Path(here.url).name, *here.beside):
        found = s3_api.get_object(Bucket="exports", Key=f"some/folder/{name}")["Body"].read()
        assert found == Path(here.url).with_name(name).read_bytes()
    named = made("codes", "geoparquet", to="s3://exports/codes.parquet")
    assert named.url == "s3://exports/codes.parquet"
    with pytest.raises(Refused, match=r"and s3://nowhere/x does not \(it has no such bucket"):
        made("codes", "csv", to="s3://nowhere/x")


def test_an_edition_published_meanwhile_changes_nothing_of_an_export_under_way(
    other_database: Database,
) -> None:
    land = replace(LAND, slug="switched", schema="switched", layers={"areas": ("code",)})
    with other_database.session() as cursor:
        record_dataset(cursor, land)
    published(other_database, land, 1)
    with exports.snapshot(other_database) as state:
        layer = exports.shown_layer(state, "switched.areas")
        published(other_database, land, 100)
        with exports.open_stream(state, layer) as batches:
            assert batches.read_all().column("people").to_pylist() == [1, 2, 3]
    with read_layer(other_database, "switched.areas") as batches:
        assert batches.read_all().column("people").to_pylist() == [100, 200, 300]


def test_a_stream_gives_chosen_columns_in_the_order_of_the_key(land: Database) -> None:
    with read_layer(land, "land.odd", columns=("code", "geom"), crs=4326) as batches:
        table = batches.read_all()
    assert table.column("code").to_pylist() == ["-", "001", "NULL", "é中🎈", "01"]
    first = shapely.from_wkb(table.column("geom")[0].as_py())
    assert first.bounds[0] == pytest.approx(2.31, abs=0.1)
    assert table.column("geom").to_pylist()[2] is None
    with (
        pytest.raises(ConfigurationError, match=r"found ages: choose among code, region, people"),
        read_layer(land, "land.even", columns=("ages",)),
    ):
        pass


def test_the_verb_says_what_it_wrote_and_its_page_what_to_print(
    land: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[str]()
    monkeypatch.setattr(steps, "log", lambda level, sentence: told.append(sentence))
    monkeypatch.setenv("GEODATA_DATABASE_URL", land.url.render_as_string(hide_password=False))
    exported = verbs.export_layer.fn("land.even", "csv", crs="3812", to=f"{tmp_path}/")
    assert re.search(
        r"Exported the 400 rows of land.even 2024, edition 1, as CSV, changed", told[0]
    )
    page = verbs.page(exported)
    assert f"| File | [{exported.url}]" in page
    assert "- Source: Office, Areas, 2024-01-01" in page
    monkeypatch.setenv(verbs.IN_A_POD, "10.0.0.1")
    with pytest.raises(ConfigurationError, match=r"in a pod whose files go with it, found none"):
        verbs.export_layer.fn("land.even", "csv")


def test_the_flow_keeps_a_page_of_the_export(
    prefect_server: None, land: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.artifacts import Artifact

    from flows.export import export as flow

    monkeypatch.setenv("GEODATA_DATABASE_URL", land.url.render_as_string(hide_password=False))
    flow("land.odd", "geoparquet", to=f"{tmp_path}/")
    kept = Artifact.get("export-land-odd", _sync=True)
    assert kept is not None
    assert "To print beside every use" in str(kept.data)
    assert (tmp_path / "land.odd-2024-e1.parquet").exists()


def test_a_crs_that_nothing_leads_to_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"EPSG:2154: choose one .* where the layer lies"):
        crs_change(4269, 2154)  # the United States in the CRS of France


def test_a_tilde_is_the_home_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert destination("~/taken", "a.gpkg").url == f"{tmp_path}/taken/a.gpkg"
