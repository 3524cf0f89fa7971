"""Layers and archives as other programs spell them: right, or one sentence."""

from __future__ import annotations

import gzip
import sqlite3
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats
from faulty_server import coded
from test_arrivals import TEXT, Office, office  # noqa: F401 (a fixture)
from test_layers_as_stated import collection, declared, feature, written
from test_shapefiles import shapefile

from tasks.core.making.geometry.shapes import FeatureCounts
from tasks.core.making.unpacking.archives import find_packed, take_all, take_out
from tasks.core.model.columns import Column, integer, number, text
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.model.settings import settings
from tasks.core.upstream import stand_ins

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]
LATIN = '<?xml version="1.0" encoding="ISO-8859-1"?>'
PLAIN = '<?xml version="1.0" encoding="UTF-8"?>'
SQUARE = "150000 170000 151000 170000 151000 171000 150000 170000"


def gml(name: str, prolog: str = PLAIN) -> str:
    return (
        f'{prolog}<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" xmlns:a="http://a">'
        f'<gml:featureMember><a:area gml:id="a1"><a:CODE>007</a:CODE><a:NAME>{name}</a:NAME>'
        "<a:geom>"
        '<gml:Polygon srsName="EPSG:31370"><gml:exterior><gml:LinearRing><gml:posList>'
        f"{SQUARE}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></a:geom></a:area>"
        "</gml:featureMember></gml:FeatureCollection>"
    )


@pytest.mark.parametrize(
    ("prolog", "codec", "encoding", "name"),
    [
        (PLAIN, "utf-8", None, "Besançon"),
        (PLAIN, "utf-8-sig", None, "Besançon"),
        (PLAIN, "utf-16", None, "Besançon"),
        (LATIN, "latin-1", None, "Besançon"),
        (PLAIN, "latin-1", "Latin 1", "Besançon"),
        (LATIN, "utf-8", "utf8", "Besançon"),
        (LATIN, "cp1252", "windows-1252", "5 €"),
        ("", "latin-1", "cp1252", "Besançon"),
    ],
)
def test_a_gml_is_read_in_the_encoding_it_is_in(
    prolog: str,
    codec: str,
    encoding: str | None,
    name: str,
    tmp_path: Path,
    into: Load,
    rows: Rows,
) -> None:
    reads = declared(encoding, code=text("CODE"), name=text("NAME"))
    into(written(tmp_path / "a.gml", gml(name, prolog).encode(codec)), reads)
    assert rows("code, name FROM areas") == [("007", name)]


@pytest.mark.parametrize("other", ["EPSG:3812", "urn:ogc:def:crs:EPSG::3812"])
def test_a_gml_in_several_crs_is_refused_with_their_names(
    other: str, tmp_path: Path, into: Load
) -> None:
    one = gml("a")
    start, end = one.index("<gml:featureMember>"), one.index("</gml:FeatureCollection>")
    another = one[start:end].replace("EPSG:31370", other).replace("a1", "a2")
    path = written(tmp_path / "a.gml", (one[:end] + another + one[end:]).encode())
    declaration = declared(code=text("CODE"))
    for reads in (declaration, replace(declaration, crs_missing=True)):
        with pytest.raises(SourceError, match=rf"One CRS was .* several, EPSG:31370, {other}"):
            into(path, reads)


@pytest.mark.parametrize(
    ("prolog", "codec", "encoding", "fits"),
    [
        (PLAIN, "latin-1", None, "cp1252"),
        (LATIN, "utf-8", None, "utf-8"),
        (LATIN, "cp1252", None, "cp1252"),
        (PLAIN, "utf-8", "cp1252", "utf-8"),
        (PLAIN, "latin-1", "utf-8", "cp1252"),
    ],
)
def test_a_gml_in_another_encoding_than_said_names_the_one_that_fits(
    prolog: str, codec: str, encoding: str | None, fits: str, tmp_path: Path, into: Load
) -> None:
    reads = declared(encoding, code=text("CODE"), name=text("NAME"))
    content = gml("Besançon à 5 €" if codec == "cp1252" else "Besançon", prolog).encode(codec)
    with pytest.raises(SourceError, match=rf"a\.gml and .*: declare encoding='{fits}'"):
        into(written(tmp_path / "a.gml", content), reads)


@pytest.mark.parametrize("kind", ["xs:integer", "xs:int", "xs:decimal", "xs:double", "xs:boolean"])
@pytest.mark.parametrize("ending", ["gml", "txt"])
@pytest.mark.filterwarnings("ignore:Unrecognized geometry")  # of a GML without its .xsd
def test_a_schema_makes_no_values(
    kind: str, ending: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = formats.with_gdal("GML")(tmp_path / "a.gml")
    schema = path.with_suffix(".xsd").read_text()
    simple = '<xs:element name="cd_sector" nillable="true" minOccurs="0" maxOccurs="1">'
    assert simple in schema
    restricted = schema.partition(simple)[2].partition("</xs:element>")[0]
    typed = simple.replace(">", f' type="{kind}">')
    path.with_suffix(".xsd").write_text(schema.replace(simple + restricted, typed))
    before = path.with_suffix(".xsd").read_bytes()
    path = path.rename(tmp_path / f"a.{ending}")
    into(path, formats.reads())
    assert rows("sector FROM areas ORDER BY 1") == [(code,) for code in sorted(formats.CODES)]
    assert rows("sum(people) FROM areas") == [(sum(formats.PEOPLE),)]
    assert (tmp_path / "a.xsd").read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "value"),
    [("NUMERIC", "A07"), ("INT8", "A07"), ("INTEGER64", "n/a"), ("INT32", 1.5), ("BOOLEAN", 2)],
)
@pytest.mark.parametrize("column", [text("odd"), integer("odd"), number("odd")])
@pytest.mark.filterwarnings("ignore:Field format")  # which no GeoPackage should have
def test_a_value_of_no_type_of_its_column_is_refused(
    kind: str, value: Any, column: Column, tmp_path: Path, into: Load
) -> None:
    path = formats.with_gdal("GPKG")(tmp_path / "a.gpkg")
    with closing(sqlite3.connect(path)) as database, database:
        (table,) = database.execute("SELECT table_name FROM gpkg_contents").fetchone()
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(f'ALTER TABLE "{table}" ADD COLUMN odd {kind}')
        database.execute(f'UPDATE "{table}" SET odd = ? WHERE fid = 2', (value,))
    with pytest.raises(SourceError, match=rf"of the type {kind} were expected in odd of a\.gpkg"):
        into(path, declared(odd=column))


@pytest.mark.parametrize("kind", ["VARCHAR(5)", "BIGINT", "NUMERIC(10,2)", "BOOL", "fid"])
@pytest.mark.parametrize("optional", [True, False])
@pytest.mark.filterwarnings(
    "ignore:(Field format|geometry column)"
)  # which no GeoPackage should have
def test_a_column_that_no_reader_gives_is_told(
    kind: str, optional: bool, tmp_path: Path, into: Load
) -> None:
    path = formats.with_gdal("GPKG")(tmp_path / "a.gpkg")
    name = kind if kind == "fid" else "odd"
    if name == "odd":
        with closing(sqlite3.connect(path)) as database, database:
            (table,) = database.execute("SELECT table_name FROM gpkg_contents").fetchone()
            database.execute(f'ALTER TABLE "{table}" ADD COLUMN odd {kind}')
    with pytest.raises(SourceError, match=rf"The column {name} was declared and in a\.gpkg it"):
        into(path, declared(code=text("cd_sector"), odd=text(name, optional=optional)))


LEAST = b"-1.7976931348623157e+308"


@pytest.mark.parametrize(
    ("cell", "field"), [(LEAST, ("V", "N", 24, 15)), (b"-1.79769e+308", ("V", "F", 13, 11))]
)
def test_the_least_number_of_a_shapefile_is_none(
    cell: bytes, field: tuple[str, str, int, int], tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = shapefile(tmp_path / "least", [(b"1.5",), (cell,), (b"2e+2",)], (field,))
    with pytest.raises(SourceError, match=r"V of .* record 2 has the least .*'-1\.79e308'"):
        into(path, declared(v=number("V")))
    reads = declared(v=number("V"))
    into(path, Features(**{**vars(reads), "missing": {"-1.79e308": "not known"}}))
    assert rows("v, v_reason FROM areas") == [(1.5, None), (None, "not known"), (200.0, None)]


@pytest.mark.parametrize(
    "members",
    [
        {"meta": {"page": 1, "pages": 4, "total": 8}},
        {"page": {"totalElements": 120, "totalPages": 12}},
        {"pagination": {"total": "12"}},
        {"metadata": {"totalCount": 3}},
    ],
)
def test_what_is_said_about_pages_is_heard(
    members: dict[str, Any], tmp_path: Path, into: Load
) -> None:
    content = collection(feature(CODE="1"), feature(CODE="2"), **members)
    with pytest.raises(SourceError, match="which has 2 and states total"):
        into(written(tmp_path / "a.geojson", content), declared())


@pytest.mark.parametrize("said", [{"total": 2, "pages": 1}, {"count": 2, "size": 9}, {}])
def test_pages_that_are_whole_are_read(said: dict[str, Any], tmp_path: Path, into: Load) -> None:
    content = collection(feature(CODE="1"), feature(CODE="2"), meta=said)
    assert into(written(tmp_path / "a.geojson", content), declared()).features == 2


def test_a_column_without_a_name_is_refused(tmp_path: Path, into: Load) -> None:
    path = written(tmp_path / "a.geojson", collection(feature(CODE="1")))
    with pytest.raises(ConfigurationError, match="without a name"):
        into(path, declared(**{"": text("CODE")}))


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("pattern", ["données.csv", "d*é*.csv", "donne\u0301es.csv"])
def test_a_pattern_means_a_name_in_any_unicode_form(
    form: Any, pattern: str, tmp_path: Path
) -> None:
    name = unicodedata.normalize(form, "données.csv")
    archive = packed(tmp_path / "a.zip", **{name: b"1", "read.me": b"2"})
    assert take_out(archive, pattern, tmp_path / "out")[1].read_bytes() == b"1"
    assert find_packed(archive, pattern) == name


def test_a_name_with_brackets_is_its_own_pattern(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", **{"x/a[1].csv": b"1", "a1.txt": b"2"})
    for pattern in ("a[1].csv", "x/a[1].csv", "a[[]1].csv"):
        assert take_out(archive, pattern, tmp_path / "out")[1].read_bytes() == b"1"


@pytest.mark.parametrize("pattern", ["*.gz", "a.csv.gz", None])
def test_a_member_packed_by_gzip_is_unpacked(pattern: str | None, tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", **{"a.csv.gz": gzip.compress(b"CODE\n1\n")})
    name, path = take_out(archive, pattern, tmp_path / "out")
    assert (path.name, path.read_bytes()) == ("a.csv", b"CODE\n1\n")
    assert name.startswith("a.csv.gz/")
    ((_, path),) = take_all(archive, pattern, tmp_path / "all")
    assert path.read_bytes() == b"CODE\n1\n"


def test_changes_beside_a_database_are_taken_in_any_case(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", **{"Areas.gpkg": b"SQLite", "areas.GPKG-WAL": b"newer"})
    _, path = take_out(archive, "*.gpkg", tmp_path / "out")
    assert path.with_name("Areas.gpkg-wal").read_bytes() == b"newer"


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip, identity", gzip.compress),
        ("identity,gzip", gzip.compress),
        ("gzip, gzip", lambda content: gzip.compress(gzip.compress(content))),
        ("gzip, br", lambda content: brotli.compress(gzip.compress(content))),
        ("gzip,aws-chunked", gzip.compress),
    ],
)
def test_codings_are_undone_from_the_last(
    office: Office,  # noqa: F811
    coding: str,
    pack: Callable[[bytes], bytes],
) -> None:
    office.answers(coded(pack(TEXT), coding))
    assert office.content() == TEXT


@pytest.mark.parametrize("names", ["a,b", "a, b", " a  b "])
def test_the_inbox_is_asked_first_for_names_between_commas(
    names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_INBOX_FIRST", names)
    assert settings().inbox_first == ("a", "b")


@pytest.mark.parametrize("base", ["http://office.example/a%20b", "http://office.example/a%20b/"])
@pytest.mark.parametrize(
    ("path", "address"),
    [("m#1.zip", "m%231.zip"), ("ä b?.zip", "%C3%A4%20b%3F.zip"), ("x/y", "x/y")],
)
def test_a_path_in_a_mirror_may_hold_any_letter(base: str, path: str, address: str) -> None:
    assert stand_ins.joined(base, path) == f"http://office.example/a%20b/{address}"
