"""GeoJSON, GeoPackage and GeoParquet that say more than their features: right, or one sentence."""

from __future__ import annotations

import json
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats

from tasks.core.making.geometry.shapes import FeatureCounts
from tasks.core.making.unpacking.archives import take_all, take_out
from tasks.core.model.columns import Column, integer, number, text
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError, Damaged, SourceError

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]
SQUARE = [[[150_000, 170_000], [151_000, 170_000], [151_000, 171_000], [150_000, 170_000]]]
TRIANGLE = [[150_700, 170_300], [150_800, 170_400], [150_700, 170_300]]  # of no ground
LAMBERT = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::31370"}}


def declared(encoding: str | None = None, /, **columns: Column) -> Features:
    return Features(
        columns=columns or {"code": text("CODE")},
        crs=31370,
        published_crs=31370,
        encoding=encoding,
    )


def feature(geometry: Any = None, /, **properties: Any) -> dict[str, Any]:
    shape = geometry or {"type": "Polygon", "coordinates": SQUARE}
    return {"type": "Feature", "properties": properties, "geometry": shape}


def collection(*features: Any, **members: Any) -> str:
    return json.dumps(
        {"type": "FeatureCollection", "crs": LAMBERT} | {"features": features} | members,
        ensure_ascii=False,
    )


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


DATES = {"CODE": "1", "day": "2024/01/05", "time": "10:20:30", "both": "2024/01/05 10:20:30"}
AS_LINES = "\n".join(json.dumps(feature(**DATES)) for _ in range(3))


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "query2", "a.csv", "download.php"])
@pytest.mark.parametrize(
    "content",
    [
        collection(feature(**DATES)),
        "\ufeff" + collection(feature(**DATES)),
        "\n\n  " + collection(feature(**DATES), numberMatched=1, numberReturned=1),
        json.dumps(feature(**DATES) | {"crs": LAMBERT}),
        AS_LINES,
        "\x1e" + AS_LINES.replace("\n", "\n\x1e"),
        AS_LINES.replace("\n", "\r\n\r\n"),
    ],
    ids=["collection", "bom", "blank", "feature", "lines", "sequence", "windows"],
)
def test_the_bytes_decide_and_no_ending(
    name: str, content: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    reads = declared(**{key: text(key) for key in DATES})
    reads = Features(**{**vars(reads), "crs_missing": True})
    count = 3 if content.count('"Feature"') == 3 else 1
    assert into(written(tmp_path / name, content), reads).features == count
    assert rows('"CODE", day, "time", "both" FROM areas') == [tuple(DATES.values())] * count


@pytest.mark.parametrize(
    "format_name", ["GeoParquet", "FlatGeobuf", "GeoPackage", "TopoJSON", "GML"]
)
@pytest.mark.parametrize("ending", ["", ".php", ".json"])
@pytest.mark.filterwarnings("ignore:Unrecognized geometry")  # of a GML without its .xsd
def test_every_format_is_known_by_its_bytes(
    format_name: str, ending: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    file, write, changes = formats.FORMATS[format_name]
    path = write(tmp_path / file)
    if format_name == "GML":
        path.with_suffix(".xsd").unlink()
    path = path.rename(tmp_path / f"layer{ending}")
    into(path, formats.reads(**changes))
    assert rows("sector FROM areas ORDER BY sector LIMIT 1") == [("01001A00-",)]


@pytest.mark.parametrize(
    ("value", "others", "kind"),
    [
        (2**63 + 1, [1], text("CODE")),
        (2**64, [], text("CODE")),
        (2**53 + 1, [1.5], text("CODE")),
        (2**53 + 1, [2**70], text("CODE")),
        (2**53 + 1, [0.5], integer("CODE")),
        (2**64, ["007"], text("CODE")),
        (1.1, ["007"], text("CODE")),
        (-(2**53) - 1, [0.5], text("CODE")),
        (10**22, [1], Column(("CODE",), "decimal(30,0)")),
    ],
)
def test_a_number_that_json_readers_round_is_refused(
    value: float, others: list[Any], kind: Column, tmp_path: Path, into: Load
) -> None:
    content = collection(*[feature(CODE=each) for each in [*others, value]])
    with pytest.raises(SourceError, match=r"is not exact|64 bits at most|not certain"):
        into(written(tmp_path / "a.geojson", content), declared(code=kind))


def test_large_identifiers_stay_letter_for_letter(tmp_path: Path, into: Load, rows: Rows) -> None:
    given = [2**53 + 1, 2**62, "50.12", "1e5", "9007199254740993", "007", -5]
    content = collection(*[feature(CODE=each) for each in given])
    into(written(tmp_path / "a.geojson", content), declared())
    assert [code for (code,) in rows("code FROM areas")] == [str(each) for each in given]


@pytest.mark.parametrize("encoding", [None, "utf-8", "UTF8"])
def test_a_geojson_not_in_utf8_names_feature_and_column(
    encoding: str | None, tmp_path: Path, into: Load
) -> None:
    content = collection(feature(CODE="1"), feature(CODE="Lüttich")).encode("latin-1")
    with pytest.raises(SourceError, match=r"CODE of feature 2 has b'L\\xfcttich'.*'cp1252'"):
        into(written(tmp_path / "a.geojson", content), declared(encoding))


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("latin-1", "latin-1"),
        ("cp1252", "Windows-1252"),
        ("cp1250", "cp1250"),
        ("ascii", "latin-1"),
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_geojson_in_a_declared_encoding_is_read(
    codec: str, encoding: str, packed: bool, tmp_path: Path, into: Load, rows: Rows
) -> None:
    name = "Luettich" if codec == "ascii" else "Lüttich"
    path = written(tmp_path / "a.geojson", collection(feature(CODE=name)).encode(codec))
    into(formats.zipped(path) if packed else path, declared(encoding))
    assert rows("code FROM areas") == [(name,)]


@pytest.mark.parametrize(
    ("codec", "encoding", "fits"),
    [("utf-8", "latin-1", "utf-8"), ("utf-8", "cp1252", "utf-8"), ("cp1252", "latin-1", "cp1252")],
)
def test_a_geojson_in_another_encoding_than_declared_is_refused(
    codec: str, encoding: str, fits: str, tmp_path: Path, into: Load
) -> None:
    content = collection(feature(CODE="Vandœuvre")).encode(codec)
    with pytest.raises(SourceError, match=f"declare encoding='{fits}'"):
        into(written(tmp_path / "a.geojson", content), declared(encoding))


NEXT = [{"rel": "self", "href": "a"}, {"rel": "next", "href": "b"}]


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"numberMatched": 2501, "numberReturned": 1}, "numberMatched 2,501"),
        ({"totalFeatures": 7}, "totalFeatures 7"),
        ({"numberReturned": 2}, "numberReturned 2"),
        ({"exceededTransferLimit": True}, "exceededTransferLimit"),
        ({"properties": {"exceededTransferLimit": True}}, "exceededTransferLimit"),
        ({"links": NEXT}, "a link to the next page"),
        ({"next": "https://office.example/areas?page=2"}, "a link to the next page"),
        ({"exceededTransferLimit": "true"}, "exceededTransferLimit"),
        ({"numberMatched": "2501"}, "numberMatched 2,501"),
        ({"total_count": 9}, "total_count 9"),
    ],
)
@pytest.mark.parametrize("is_first", [False, True])
def test_a_file_that_says_it_is_a_part_is_refused(
    members: dict[str, Any], found: str, is_first: bool, tmp_path: Path, into: Load
) -> None:
    content = collection(feature(CODE="1"), **members)
    if is_first:
        content = json.dumps(members | json.loads(collection(feature(CODE="1"))))
    with pytest.raises(SourceError, match=f"which has 1 and states {found}"):
        into(written(tmp_path / "a.geojson", content), declared())


@pytest.mark.parametrize(
    "members",
    [
        {"numberMatched": 2, "numberReturned": 2, "totalFeatures": 2},
        {"numberMatched": "unknown", "links": NEXT[:1], "exceededTransferLimit": False},
        {"errors": [], "bbox": [0, 0, 1, 1]},
    ],
)
def test_a_file_that_is_whole_is_read(members: dict[str, Any], tmp_path: Path, into: Load) -> None:
    inside = feature(CODE="1", numberMatched=99, links=NEXT, exceededTransferLimit=True)
    content = collection(inside, inside, **members)
    assert into(written(tmp_path / "a.geojson", content), declared()).features == 2


@pytest.mark.parametrize(
    ("kind", "stored", "column"),
    [
        ("REAL", "'n/a'", number("V")),
        ("INTEGER", "2.5", integer("V")),
        ("INTEGER", "'12a'", integer("V")),
        ("MEDIUMINT", "5000000000", integer("V")),
        ("TEXT(5)", "x'0102'", text("V")),
        ("DATE", "'05/01/2024'", Column(("V",), "date")),
        ("DATE", "'2024-02-31'", Column(("V",), "date")),
        ("DATETIME", "'2024-13-01T00:00:00Z'", Column(("V",), "date")),
    ],
)
def test_a_value_not_of_the_type_of_its_column_is_refused(
    kind: str, stored: str, column: Column, tmp_path: Path, into: Load
) -> None:
    path = tmp_path / "a.gpkg"
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(np.array([shapely.box(150_000, 170_000, 151_000, 171_000)] * 3)),
        [],
        [],
        geometry_type="Polygon",
        crs="EPSG:31370",
        driver="GPKG",
        layer="areas",
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"ALTER TABLE areas ADD V {kind}")
        assert into(path, declared(v=column)).features == 3
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'areas'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(f"UPDATE areas SET V = {stored} WHERE fid = 2")
    with pytest.raises(SourceError, match="were expected in V of"):
        into(path, declared(v=column))


def test_a_gml_that_says_it_is_a_part_is_refused(tmp_path: Path, into: Load) -> None:
    file, write, changes = formats.FORMATS["GML"]
    path = write(tmp_path / file)
    whole = path.read_text()
    for said in ('numberMatched="2500"', 'next="https://office.example/wfs"'):
        path.write_text(whole.replace("FeatureCollection", f"FeatureCollection {said}", 1))
        with pytest.raises(SourceError, match="states"):
            into(path, formats.reads(**changes))
    path.write_text(whole.replace("FeatureCollection", 'FeatureCollection numberMatched="5"', 1))
    into(path, formats.reads(**changes))


def test_a_part_of_a_layer_in_the_json_of_esri_is_refused(tmp_path: Path, into: Load) -> None:
    layer = {
        "geometryType": "esriGeometryPolygon",
        "spatialReference": {"wkid": 31370},
        "fields": [{"name": "CODE", "type": "esriFieldTypeString"}],
        "features": [{"attributes": {"CODE": "01"}, "geometry": {"rings": SQUARE}}],
    }
    assert into(written(tmp_path / "a.json", json.dumps(layer)), declared()).features == 1
    part = json.dumps(layer | {"exceededTransferLimit": True})
    with pytest.raises(SourceError, match="which has 1 and states exceededTransferLimit"):
        into(written(tmp_path / "a.json", part), declared())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "shape",
    [
        {"type": "Polygon", "coordinates": SQUARE[0]},
        {"type": "Polygon", "coordinates": [[[str(each) for each in p] for p in SQUARE[0]]]},
        {"type": "Polyhedron", "coordinates": SQUARE},
        {"coordinates": SQUARE},
    ],
    ids=["nesting", "texts", "type", "no type"],
)
def test_a_geometry_that_is_none_of_geojson_is_refused(
    shape: dict[str, Any], tmp_path: Path, into: Load
) -> None:
    content = collection(feature(CODE="1"), feature(shape, CODE="2"), feature(CODE="3"))
    with pytest.raises(SourceError, match="those of 1 features are not written as GeoJSON has"):
        into(written(tmp_path / "a.geojson", content), declared())


def test_geometries_that_are_stated_to_be_none_are_read(tmp_path: Path, into: Load) -> None:
    none = feature(CODE="2") | {"geometry": None}
    absent = {"type": "Feature", "properties": {"CODE": "3"}}
    empty = [feature({"type": "Polygon", "coordinates": each}, CODE="4") for each in ([], [[]])]
    content = collection(feature(CODE="1"), none, absent, *empty)
    assert into(written(tmp_path / "a.geojson", content), declared()).without_geometry == 4


def test_text_with_a_nul_is_refused(tmp_path: Path, into: Load, rows: Rows) -> None:
    content = collection(feature(CODE="1"), feature(CODE="2\0b"))
    with pytest.raises(SourceError, match="a value of feature 2 has a NUL character"):
        into(written(tmp_path / "a.geojson", content), declared())
    into(written(tmp_path / "a.geojson", collection(feature(CODE="\\u0000"))), declared())
    assert rows("code FROM areas") == [("\\u0000",)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_geojson_of_two_bytes_a_letter_is_read(
    encoding: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    content = collection(feature(CODE="Évreux")).encode(encoding)
    into(written(tmp_path / "a.geojson", content), declared(encoding))
    assert rows("code FROM areas") == [("Évreux",)]


def test_a_zip_is_known_by_its_bytes(tmp_path: Path, into: Load) -> None:
    plain = collection(feature(CODE="1"))
    path = written(tmp_path / "a.geojson", plain)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(path, "a.geojson")
    packed = (tmp_path / "b.zip").read_bytes()
    assert into(written(tmp_path / "c.zip", plain), declared()).features == 1
    assert into(written(tmp_path / "d.geojson", packed), declared()).features == 1
    with pytest.raises(Damaged, match="A zip was expected in"):
        into(written(tmp_path / "e.zip", b"\n" + packed), declared())
    with pytest.raises(Damaged, match="Bad CRC-32"):
        into(written(tmp_path / "f.zip", packed.replace(b'"1"', b'"2"')), declared())


def test_rings_without_ground_are_left_out_and_said(tmp_path: Path, into: Load, rows: Rows) -> None:
    several = {"type": "MultiPolygon", "coordinates": [[*SQUARE, TRIANGLE], [TRIANGLE]]}
    one = {"type": "Polygon", "coordinates": [*SQUARE, TRIANGLE]}
    with_empty = {"type": "MultiPolygon", "coordinates": [SQUARE, []]}
    shapes = [None, one, several, with_empty]
    content = collection(*[feature(shape, CODE="1") for shape in shapes])
    figures = into(written(tmp_path / "a.geojson", content), declared())
    assert (
        rows("st_area(geom), st_numinteriorrings(st_geometryn(geom, 1)) FROM areas")
        == [(500_000, 0)] * 4
    )
    assert figures.remarks.figures == {"rings_without_ground": 3}


SMALL = {"type": "Polygon", "coordinates": [TRIANGLE]}
OPEN = {"type": "Polygon", "coordinates": [[*SQUARE[0][:-1], [150_000, 170_500]]]}


@pytest.mark.filterwarnings("ignore:Non closed ring")
@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (SMALL, "feature 2 has fewer than 4 points"),
        ({"type": "MultiPolygon", "coordinates": [[TRIANGLE], [TRIANGLE]]}, "feature 2"),
        (OPEN, "feature 2"),
        ({"type": "LineString", "coordinates": [[150_000, 170_000]]}, "feature 2"),
        ({"type": "MultiPolygon", "coordinates": [SQUARE, [[[150_000, 170_000]]]]}, "feature 2"),
    ],
)
def test_a_geometry_without_ground_names_its_feature(
    shape: dict[str, Any], found: str, tmp_path: Path, into: Load
) -> None:
    content = collection(feature(CODE="1"), feature(shape, CODE="2"))
    with pytest.raises(SourceError, match=found):
        into(written(tmp_path / "a.geojson", content), declared())


@pytest.mark.parametrize("bad", ["null", "NaN", "1e999"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_coordinates_that_are_no_numbers_are_refused(bad: str, tmp_path: Path, into: Load) -> None:
    points = [{"type": "Point", "coordinates": [150_000, 170_000]}] * 2
    content = collection(*[feature(point, CODE="1") for point in points])
    broken = f"[{bad}, 170000]".join(content.rsplit("[150000, 170000]", 1))
    with pytest.raises(SourceError, match=r"feature 2|number"):
        into(written(tmp_path / "a.geojson", broken), declared())


def test_features_without_properties_are_rows(tmp_path: Path, into: Load, rows: Rows) -> None:
    bare = {"type": "Feature", "geometry": feature()["geometry"]}
    content = collection(feature(CODE="1"), bare, bare | {"properties": None})
    into(written(tmp_path / "a.geojson", content), declared())
    assert rows("code FROM areas") == [("1",), (None,), (None,)]


# names of columns


@pytest.mark.parametrize("name", ["feature", "geom", "ctid", "xmin", "tableoid"])
def test_a_column_named_like_one_of_the_loader_is_refused(
    name: str, tmp_path: Path, into: Load
) -> None:
    path = written(tmp_path / "a.geojson", collection(feature(CODE="1")))
    with pytest.raises(ConfigurationError, match=f"with the name {name}, which"):
        into(path, declared(**{name: text("CODE")}))


def test_a_column_named_feature_beside_a_key_is_read(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = written(tmp_path / "a.geojson", collection(feature(CODE="1")))
    reads = declared(code=text("CODE"), feature=text("CODE"))
    into(path, Features(**{**vars(reads), "key": "code"}))
    assert rows("feature FROM areas") == [("1",)]


@pytest.mark.parametrize(
    ("columns", "missing", "found"),
    [
        ({f"c{place}": number("CODE") for place in range(1700)}, {}, "1,600 columns and 1,700"),
        ({f"c{place}": number("CODE") for place in range(800)}, {"*": "x"}, "and 1,600 were"),
        ({"a" * 64: text("CODE")}, {}, "at most 63 bytes"),
        ({"ä" * 32: text("CODE")}, {}, "at most 63 bytes"),
        ({"a" * 57: number("CODE")}, {"*": "x"}, "at most 63 bytes"),
    ],
    ids=["many", "reasons", "long", "umlauts", "reason"],
)
def test_columns_that_no_table_can_have_are_refused_at_once(
    columns: dict[str, Column], missing: dict[str, str], found: str, tmp_path: Path, into: Load
) -> None:
    path = written(tmp_path / "a.geojson", collection(feature(CODE="1")))
    with pytest.raises(ConfigurationError, match=found):
        into(path, Features(**{**vars(declared(**columns)), "missing": missing}))


def test_absent_optional_columns_are_said(tmp_path: Path, into: Load) -> None:
    path = written(tmp_path / "a.geojson", collection(feature(CODE="1")))
    reads = declared(code=text("CODE"), name=text("NAME", optional=True))
    figures = into(path, reads)
    assert figures.remarks.figures == {"absent": ["name"]}
    assert "optional columns name are not in a.geojson" in figures.remarks.sentences[0]


def test_a_file_without_any_declared_column_but_its_key_is_refused(
    tmp_path: Path, into: Load
) -> None:
    path = written(tmp_path / "a.geojson", collection(feature(CODE="1")))
    reads = declared(
        code=text("CODE"), name=text("NAME", optional=True), people=number("P", optional=True)
    )
    with pytest.raises(SourceError, match=r"columns name, people were declared and .* has none"):
        into(path, Features(**{**vars(reads), "key": "code"}))


# coordinates of a file without CRS


@pytest.mark.parametrize(
    ("crs", "point", "is_right"),
    [
        (31370, (4.35, 50.85), False),
        (31370, (150_000, 170_000), True),
        (3035, (4.35, 50.85), False),
        (4326, (150_000, 170_000), False),
        (4326, (4.35, 50.85), True),
        (2154, (652_000, 6_862_000), True),
        (2154, (150_000, 170_000), False),
        (3857, (484_000, 6_594_000), True),
        (3857, (4.35, 50.85), False),
        (5070, (1_600_000, 1_900_000), True),
    ],
)
def test_without_bounds_the_area_of_the_crs_holds(
    crs: int, point: tuple[float, float], is_right: bool, tmp_path: Path, into: Load
) -> None:
    wkb = shapely.to_wkb(np.array([shapely.Point(point)]))
    geo = {"columns": {"g": {"encoding": "WKB", "crs": None}}, "primary_column": "g"}
    table = pa.table({"CODE": ["1"], "g": pa.array(wkb, pa.binary())})
    path = tmp_path / "a.parquet"
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
    reads = Features(columns={"code": text("CODE")}, crs=crs, published_crs=crs, crs_missing=True)
    if is_right:
        assert into(path, reads).features == 1
        return
    with pytest.raises(SourceError, match=f"states no CRS, EPSG:{crs} was declared"):
        into(path, reads)


# GeoPackages with changes beside them


def with_changes(folder: Path) -> Path:
    """A GeoPackage whose newest rows stand in the -wal beside it."""
    folder.mkdir()
    path = formats.with_gdal("GPKG", layer_options={"SPATIAL_INDEX": "NO"})(folder / "sectors.gpkg")
    kept = folder.parent / "kept"
    kept.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE sectors SET population = 42")
        connection.commit()
        for ending in ("", "-wal", "-shm"):
            copy = (folder / f"sectors.gpkg{ending}").read_bytes()
            (kept / f"sectors.gpkg{ending}").write_bytes(copy)
    return kept / "sectors.gpkg"


def packed(path: Path, *endings: str) -> Path:
    into = path.with_suffix(".zip")
    with zipfile.ZipFile(into, "w") as archive:
        for ending in ("", *endings):
            archive.write(path.with_name(path.name + ending), "data/" + path.name + ending)
    return into


@pytest.mark.parametrize("pattern", ["*.gpkg", "*sectors*", None])
@pytest.mark.parametrize("endings", [("-wal",), ("-wal", "-shm")])
@pytest.mark.parametrize("take", [take_out, take_all])
def test_the_newest_rows_of_a_geopackage_come_along(
    pattern: str | None,
    endings: tuple[str, ...],
    take: Any,
    tmp_path: Path,
    into: Load,
    rows: Rows,
) -> None:
    archive = packed(with_changes(tmp_path / "made"), *endings)
    taken = take(archive, pattern, tmp_path / "taken")
    ((_, path),) = taken if isinstance(taken, list) else [taken]
    into(path, formats.reads())
    assert rows("DISTINCT people FROM areas") == [(42,)]
    with pytest.raises(SourceError, match=r"changes beside it in the zip, .*sectors.gpkg-wal"):
        into(archive, formats.reads())


@pytest.mark.parametrize("as_link", [False, True])
@pytest.mark.parametrize("name", ["GeoPackage", "SpatiaLite", "SQLite"])
def test_nothing_is_written_beside_an_original(
    name: str, as_link: bool, tmp_path: Path, into: Load, rows: Rows
) -> None:
    file, write, _ = formats.FORMATS[name]
    originals = tmp_path / "originals"
    originals.mkdir()
    path = write(originals / file)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    before = path.read_bytes()
    originals.chmod(0o555)
    taken = tmp_path / "taken" / file
    if as_link:
        taken.parent.mkdir()
        taken.symlink_to(path)
    into(taken if as_link else path, formats.reads())
    assert rows("count(*) FROM areas") == [(5,)]
    assert [each.name for each in originals.iterdir()] == [file]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("members", "name"),
    [
        (["a.shp", "a.shx", "a.dbf", "a.sbn", "a.shp.xml"], "a.shp"),
        (["d/a.shp", "d/a.SHX", "d/A.dbf", "d/a.0.sbn"], "d/a.shp"),
        (["a.gml", "a.xsd", "a.gfs"], "a.gml"),
        (["a.gpkg", "a.gpkg-wal", "a.gpkg-shm"], "a.gpkg"),
        (["a.sqlite", "a.sqlite-journal"], "a.sqlite"),
    ],
)
def test_a_pattern_counts_the_files_of_one_layer_as_one(
    members: list[str], name: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    for place, pattern in enumerate(("*a*", "*a.*", None)):
        assert take_out(path, pattern, tmp_path / str(place))[0] == name
    (taken,) = take_all(path, "*a.*", tmp_path / "all")
    assert taken[0] == name


# GeoParquet

WKB = {"encoding": "WKB"}


@pytest.mark.parametrize(
    "geo",
    [
        {"primary_column": "g", "columns": {"g": {}}},
        {"primary_column": "g", "columns": {"g": {"encoding": "multipolygon"}}},
        {"primary_column": "g", "columns": {"g": {"encoding": None}}},
        {"primary_column": "other", "columns": {"g": WKB}},
        {"primary_column": "gone", "columns": {"gone": WKB}},
        {"primary_column": "CODE", "columns": {"CODE": WKB}},
        {"columns": {"g": WKB, "h": WKB}},
        {"columns": {}},
        {"columns": []},
        {"primary_column": "g"},
        {"primary_column": "g", "columns": {"g": WKB | {"crs": "no such"}}},
        {"primary_column": "g", "columns": {"g": WKB | {"crs": [1]}}},
        {},
        [],
        None,
        "not json",
    ],
)
def test_geo_metadata_that_does_not_say_enough_is_refused(
    geo: Any, tmp_path: Path, into: Load
) -> None:
    with pytest.raises(SourceError):
        into(parquet(tmp_path, geo), declared())


def parquet(folder: Path, geo: Any, **options: Any) -> Path:
    wkb = shapely.to_wkb(np.array([shapely.box(0, 0, 1, 1)] * 3), **options)
    table = pa.table({"CODE": list("abc"), "g": pa.array(wkb, pa.binary())})
    stated = geo if isinstance(geo, str) else json.dumps(geo)
    pq.write_table(table.replace_schema_metadata({"geo": stated}), folder / "a.parquet")
    return folder / "a.parquet"


def test_the_only_column_of_geometry_is_the_primary_one(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    crs = {"crs": "EPSG:31370"}
    into(parquet(tmp_path, {"columns": {"g": WKB | crs}}), declared())
    assert rows("code FROM areas") == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize(
    "options", [{"byte_order": 0}, {"flavor": "extended", "include_srid": True}]
)
def test_wkb_of_other_dialects_is_read(
    options: dict[str, Any], tmp_path: Path, into: Load, rows: Rows
) -> None:
    geo = {"primary_column": "g", "columns": {"g": WKB | {"crs": "EPSG:31370"}}}
    into(parquet(tmp_path, geo, **options), declared())
    assert rows("DISTINCT st_area(geom), st_srid(geom) FROM areas") == [(1.0, 31370)]
