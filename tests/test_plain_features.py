"""GeoJSON by our own reader: as GDAL reads the same file, or left to GDAL; in any blocks."""

from __future__ import annotations

import json
import random
import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import shapely
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats
from truth import layer_files
from truth.cases import KEPT, Case
from truth.mutations import mutated

from tasks.core.making.geometry import json_features
from tasks.core.making.geometry.features import open_layer
from tasks.core.making.geometry.geometry_files import locate
from tasks.core.making.geometry.json_coordinates import count_lists
from tasks.core.making.geometry.json_features import Strange, objects, opened_collection
from tasks.core.making.geometry.shapes import FeatureCounts, parse
from tasks.core.model.columns import Column, integer, number, text
from tasks.core.model.declarations import Features
from tasks.core.model.errors import Damaged, SourceError

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]
SHARED = Path(__file__).parents[2] / "shared/cases"
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

POINT = '{"type": "Point", "coordinates": [4, 50]}'
RING = "[[4, 50], [5, 50], [5, 51], [4, 50]]"
CRS = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::31370"}}'


def feature(properties: str = '{"a": "1"}', geometry: str = POINT, more: str = "") -> str:
    return f'{{"type": "Feature", {more}"properties": {properties}, "geometry": {geometry}}}'


def collection(*features: str, before: str = "", after: str = "") -> str:
    return f'{{"type": "FeatureCollection", {before}"features": [{",".join(features)}]{after}}}'


def declared(**columns: Column) -> Features:
    return Features(columns=columns or {"a": text("a")}, crs=4326, published_crs=4326)


def read(path: Path, reads: Features, *, by_gdal: bool) -> dict[str, Any]:
    """All that is told of a file, by one reader or the other."""
    with open_layer(str(path), reads, by_gdal=by_gdal) as layer:
        rows = [row for batch in layer.batches for row in batch.to_pylist()]
        crs = layer.crs and layer.crs.to_string()
        told = {"rows": rows, "crs": crs, "silent": layer.crs_assumed, "fields": layer.fields}
        shapes = parse(pa.array([row["geom"] for row in rows], pa.binary()), layer.where, 0)
        absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        if layer.stated:
            layer.stated.require_all(len(rows), absent.sum(), count_lists(shapes), layer.where)
        return told


def outcome(path: Path, reads: Features, *, by_gdal: bool) -> Any:
    """What is told, or the kind of the refusal."""
    try:
        return read(path, reads, by_gdal=by_gdal)
    except SourceError:
        return SourceError
    except Strange:
        return Strange


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "a.geojson"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


LETTERS = r'"\u00e9 \" } ] , { [ \\", "b": [{"c": [1, {"d": "}"}]}, "]"], "e": {"features": [{}]}'
PLAIN = {
    "one": collection(feature()),
    "no blank": collection(feature()).replace(" ", ""),
    "blanks": collection(feature(), feature()).replace(",", " \r\n\t, ").replace("[", "\n[ "),
    "indented": json.dumps(json.loads(collection(feature(), feature())), indent=4),
    "byte order mark": "\ufeff" + collection(feature()),
    "behind": "\n " + collection(feature()) + " \n\n",
    "CRS before": collection(feature(), before=CRS + ","),
    "CRS after": collection(feature(), after="," + CRS),
    "members after": collection(feature(), after=', "bbox": [1, 2], "x": {"y": [{}]}'),
    "type at the end": '{"features": [' + feature() + '], "type": "FeatureCollection"}',
    "geometry first": f'{{"features": [{{"geometry": {POINT}, "properties": {{"a": "1"}}, "type":'
    ' "Feature"}], "type": "FeatureCollection"}',
    "letters": collection(*[feature(f'{{"a": {LETTERS}}}')] * 3),
    "null": collection(feature('{"a": null}'), feature(geometry="null"), feature('{"b": 2}')),
    "empty text": collection(feature('{"a": ""}'), feature('{"a": " x\\t\\n"}')),
    "twice": collection(feature('{"a": "1", "a": "2"}')),
    "in any case": collection(feature('{"A": "1"}')),
    "a later name": collection(*[feature()] * 1500, feature('{"a": "2", "z": 1}')),
    "identifiers": collection(feature(more='"id": "x", '), feature(more='"id": 7, ')),
    "box": collection(feature(more='"bbox": [1, 2, 3, 4], ')),
    "truths beside": collection(feature('{"a": "true", "b": true, "c": false}')),
    "heights": collection(
        feature(geometry='{"type": "Point", "coordinates": [4, 50, 6.5]}'), before=CRS + ","
    ),
    "zeros": collection(
        feature(
            geometry='{"type": "MultiPoint", "coordinates": [[-0, 0], [-0.0, 0.0], [-0e0, -0]]}'
        )
    ),
    "no name": collection(feature('{"": "x", "a": "1"}')),
    "digits": collection(
        feature(geometry='{"coordinates": [4.12345678901234567890, 5e1], "type": "Point"}'),
        feature(geometry='{"coordinates": [-0.0, 1E-7], "type": "Point"}'),
        feature(geometry='{"coordinates": [0.1, 123456789012345678], "type": "Point"}'),
    ),
    **{
        kind: collection(feature(geometry=f'{{"type": "{kind}", "coordinates": {coordinates}}}'))
        for kind, coordinates in {
            "MultiPoint": "[[4, 50], [5, 50]]",
            "LineString": RING,
            "MultiLineString": f"[{RING}, {RING}]",
            "Polygon": f"[{RING}, {RING}]",
            "MultiPolygon": f"[[{RING}, {RING}], [{RING}]]",
        }.items()
    },
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("packed", [False, True])
def test_what_most_files_are_is_read_as_gdal_reads_it(
    name: str, packed: bool, tmp_path: Path
) -> None:
    path = written(tmp_path, PLAIN[name])
    path = formats.zipped(path) if packed else path
    assert read(path, declared(), by_gdal=False) == read(path, declared(), by_gdal=True)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_block_may_end_anywhere(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in PLAIN.items():
        if "later" in name:
            continue
        path = written(tmp_path, content)
        whole = read(path, declared(), by_gdal=False)
        with monkeypatch.context() as changed:
            changed.setattr(json_features, "BLOCK_BYTES", size)
            changed.setattr(json_features, "ENDS_BYTES", 2**9)
            assert read(path, declared(), by_gdal=False) == whole, name


VALUES = {
    "text": ['"1"', '"é"', "null", '"2024/01/05"', '"10:20:30"', '"1.10"', '"NaN"'],
    "whole": ["1", "-5", "0", "null", "123456789012345678"],
    "numbers": ["1.5", "2", "-0.25", "null", "1e3", "0.1"],
    "truths": ["true", "false", "null"],
    "none": ["null", "null"],
}


@pytest.mark.parametrize(
    "kind",
    [text("a"), integer("a"), number("a"), Column(("a",), "boolean"), Column(("a",), "date")],
)
@pytest.mark.parametrize("name", VALUES)
def test_values_of_one_kind_are_those_of_gdal(name: str, kind: Column, tmp_path: Path) -> None:
    path = written(tmp_path, collection(*[feature(f'{{"a": {each}}}') for each in VALUES[name]]))
    by_gdal = outcome(path, declared(a=kind), by_gdal=True)
    ours = outcome(path, declared(a=kind), by_gdal=False)
    assert ours == (Strange if by_gdal is SourceError else by_gdal)


STRANGE = {
    "no collection": feature(),
    "cut": collection(feature())[:-3],
    "more behind": collection(feature()) + "x",
    "more far behind": collection(feature()) + " " * 2**17 + "x",
    "two": collection(feature()) * 2,
    "no type": collection(feature()).replace(
        '"type": "FeatureCollection", ', '"t": "FeatureCollection", '
    ),
    "listed twice": collection(feature(), after=f', "features": [{feature()}]'),
    "CRS twice": collection(feature(), before=CRS + ",", after=',"crs": null'),
    "another CRS behind": collection(feature(), after="," + CRS + ',"x": "' + "-" * 70_000 + '"'),
    "a comma too many": collection(feature(), "")[:-1] + "}",
    "a comma too few": collection(feature() + feature()),
    "a number listed": collection(feature(), "5"),
    "null listed": collection(feature(), "null"),
    "a list": collection(f"[{feature()}]", feature()),
    "NaN": collection(feature('{"a": "1", "b": NaN}')),
    "half of a pair": collection(feature(r'{"a": "\ud800"}')),
    "NUL": collection(feature(r'{"a": "\u0000"}')),
    "latin": collection(feature('{"a": "é"}')).encode("latin-1"),
    "no feature": collection(feature(), feature().replace('"Feature"', '"feature"')),
    "no properties": collection(feature(), f'{{"type": "Feature", "geometry": {POINT}}}'),
    "null properties": collection(feature("null")),
    "mixed": collection(feature('{"a": "x"}'), feature('{"a": 1}')),
    "truth and number": collection(feature('{"a": true}'), feature('{"a": 1}')),
    "object": collection(feature('{"a": {"b": 1}}')),
    "list in a column": collection(feature('{"a": [1]}')),
    "large": collection(feature(), feature('{"a": "1", "b": 9223372036854775808}')),
    "infinite": collection(feature('{"a": "1", "b": 1e400}')),
    "infinitely small": collection(feature(), feature('{"a": "1", "b": 1e-400}')),
    "infinitely small, in capitals": collection(feature('{"a": "1", "b": 1E-0400}')),
    "infinitely small, in digits": collection(feature('{"a": "1", "b": 0.' + "0" * 400 + "1}")),
    "infinitely small coordinate": collection(
        feature(geometry='{"type": "Point", "coordinates": [4E-0400, 50]}')
    ),
    "NUL before": collection(feature(), before=r'"x": "\u0000", '),
    "listed twice, one in escapes": collection(
        feature(), before=rf'"\u0066eatures": [{feature()}], '
    ),
    "nested deep": collection(feature('{"a": "1", "b": ' + "[" * 600 + "]" * 600 + "}")),
    "of JSON-FG as a whole": collection(
        feature(),
        before=CRS + ",",
        after=',"conformsTo": ["http://www.opengis.net/spec/json-fg-1/0.1"]',
    ),
    "another kind later": collection(*[feature()] * 1000, feature('{"a": 5}')),
    "the better name later": collection(*[feature('{"A": "1"}')] * 1000, feature()),
    "the column later": collection(*[feature('{"b": "1"}')] * 1000, feature()),
    "of CouchDB": collection(
        feature('{"_id": "x", "_rev": "y", "type": "Feature", "properties": {"a": "1"}}')
    ),
    "of JSON-FG": collection(feature(more='"place": null, ')),
    "nothing": collection(),
}
NO_COORDINATES = {
    "Point": """null [] [4] [4,50,1,2] ["4","50"] [true,50] [[4,50]] 4 {} "45" [4,null]
        {"4":1,"5":2}""",
    "LineString": """[] [4,50] [[4,50],[5]] [[4,50],[5,50,1]] [[4,50],null] [[4,50],[false,1]]
        [[4,50],"45"]""",
    "Polygon": "[] [[]] RING [RING,[]] [RING,null] [[RING]] [RING,5]",
    "MultiPolygon": "[] [[]] [RING] [[RING],[]] [[RING],[[]]] [[RING],RING]",
}
GEOMETRIES = {
    "collection": f'{{"type": "GeometryCollection", "geometries": [{POINT}]}}',
    "unknown": '{"type": "Curve", "coordinates": [[4, 50], [5, 50]]}',
    "no type": '{"coordinates": [4, 50]}',
    "no coordinates": '{"type": "Point"}',
    "another member": '{"type": "Point", "coordinates": [4, 50], "crs": null}',
    "text": '"POINT(4 50)"',
    **{
        f"{kind} {each}": f'{{"type": "{kind}", "coordinates": {each.replace("RING", RING)}}}'
        for kind, found in NO_COORDINATES.items()
        for each in found.split()
    },
}
STRANGE |= {name: collection(feature(geometry=each)) for name, each in GEOMETRIES.items()}


@pytest.mark.parametrize("name", STRANGE)
def test_what_only_gdal_reads_is_left_to_it(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, STRANGE[name])
    with pytest.raises(Strange):
        read(path, declared(), by_gdal=False)


@pytest.mark.parametrize("identifier", ["-7", "7", "7.5", "true", '{"a": 1}', "[1]", '"x"'])
def test_identifiers_that_are_a_column_to_gdal_are_left_to_it(
    identifier: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    features = feature('{"id": "a"}'), feature("{}", more=f'"id": {identifier}, ')
    path, reads = written(tmp_path, collection(*features)), declared(id=text("id"))
    with pytest.raises(Strange):
        read(path, reads, by_gdal=False)
    into(path, reads)
    assert all(found for (found,) in rows("id FROM areas"))


@pytest.mark.parametrize(
    ("features", "column"),
    [
        ([*['{"A": "x"}'] * 1500, '{"A": "x", "a": 5}'], integer("a")),
        ([*['{"old": "x"}'] * 1500, '{"a": 5}'], integer("a", "old")),
        ([*['{"a": 7}'] * 1500, '{"a": "seven"}'], Column(("a",), "date", optional=True)),
    ],
)
def test_what_is_refused_is_asked_of_gdal_which_knows_later_features(
    features: list[str], column: Column, tmp_path: Path, into: Load, rows: Rows
) -> None:
    path = written(tmp_path, collection(*map(feature, features)))
    reads = declared(a=column)
    with pytest.raises(Strange):
        read(path, reads, by_gdal=False)
    if column.type == "date":
        with pytest.raises(SourceError, match="feature 1 has '7'"):
            into(path, reads)
    else:
        into(path, reads)
        assert rows("a FROM areas WHERE a IS NOT NULL") == [(5,)]


@pytest.mark.parametrize("field", ["a", "wkb_geometry"])
def test_a_property_may_be_called_as_gdal_calls_the_geometry(
    field: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    features = feature('{"wkb_geometry": "x", "a": "y"}'), feature('{"a": "z"}', "null")
    path = written(tmp_path, collection(*features))
    told = [read(path, declared(a=text(field)), by_gdal=by_gdal) for by_gdal in (False, True)]
    assert told[0] == told[1]
    assert told[0]["rows"][0]["a"] == {"a": "y", "wkb_geometry": "x"}[field]


def test_a_file_that_turns_strange_is_loaded_from_its_beginning(
    tmp_path: Path, into: Load, rows: Rows
) -> None:
    features = [feature(f'{{"a": "{each}"}}') for each in range(2500)]
    path = written(tmp_path, collection(*features, feature('{"a": 2500}')))
    assert into(path, declared()).features == 2501
    assert rows("a FROM areas ORDER BY ctid") == [(str(each),) for each in range(2501)]
    path.write_text(path.read_text()[:-5])
    with pytest.raises(Damaged):
        into(path, declared())


@pytest.mark.parametrize(
    ("values", "read_as"),
    [
        (['"{1.50}"', r'"[\"a\", 1.5]"'], ["{1.50}", '["a", 1.5]']),  # no list, as it is in quotes
        (['"1234567890.12345678901"', '"1e22"'], ["1234567890.12345678901", "1e22"]),
    ],
)
def test_text_in_quotes_is_text_whatever_it_looks_like(
    values: list[str], read_as: list[str], tmp_path: Path, into: Load, rows: Rows
) -> None:
    into(
        written(tmp_path, collection(*[feature(f'{{"a": {each}}}') for each in values])), declared()
    )
    assert rows("a FROM areas ORDER BY ctid") == [(each,) for each in read_as]


def test_heights_state_no_crs(tmp_path: Path, into: Load) -> None:
    shape = '{"type": "Point", "coordinates": [150000, 170000, 6.5]}'
    path = written(tmp_path, collection(feature(geometry=shape)))
    reads = Features(
        columns={"a": text("a")}, crs=31370, published_crs=31370, crs_missing=True, dimension=3
    )
    assert into(path, reads).features == 1
    with pytest.raises(SourceError, match=r"declare crs_missing=True if the file has no crs"):
        into(path, replace(reads, crs_missing=False))


def test_a_zip_whose_check_sum_is_wrong_is_refused(tmp_path: Path, into: Load) -> None:
    path = formats.zipped(written(tmp_path, collection(*[feature()] * 5000)))
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.infolist()
    content = path.read_bytes()
    path.write_bytes(content.replace(member.CRC.to_bytes(4, "little"), b"abcd"))
    with pytest.raises(Damaged, match="Bad CRC-32"):
        into(path, declared())


def test_however_long_a_file_is_a_block_and_a_feature_are_held(tmp_path: Path) -> None:
    shape = json.dumps({"type": "LineString", "coordinates": [[4.5, 50.5]] * 500})
    path = written(tmp_path, collection(*[feature(geometry=shape)] * 1000))
    with opened_collection(locate(str(path))) as opened:
        held = [len(opened.text) for _ in opened.features()]
    assert len(held) == 1000
    assert max(held) < 2 * json_features.BLOCK_BYTES < path.stat().st_size / 10


def test_objects_are_those_that_json_has() -> None:
    pick = random.Random(5)
    parts = ['"a"', '"}"', '"{"', r'"\""', r'"\\"', '"é{"', '"|~"', "1", "null", "[]", "{}"]
    parts += ["true", "false", '"true"', '"\\\\\\"false"', "1e-3", "2E5", '"e"']

    def value(depth: int) -> str:
        if depth == 0 or pick.random() < 0.3:
            return pick.choice(parts)
        inner = [value(depth - 1) for _ in range(pick.randint(0, 3))]
        if pick.random() < 0.5:
            return "[" + ", ".join(inner) + "]"
        return "{" + ", ".join(f'"k{n}": {each}' for n, each in enumerate(inner)) + "}"

    for _ in range(500):
        made = ["{" + f'"v": {value(4)}' + "}" for _ in range(pick.randint(0, 4))]
        content = pick.choice([",", " ,\n"]).join(made).encode()
        found, letters = objects(content + b"], ]}")
        assert [content[begin:end].decode() for begin, end in found] == made
        outside = re.sub(r'"(\\.|[^"\\])*"', "", content.decode())
        assert [each in letters.decode() for each in "eEtf"] == [each in outside for each in "eEtf"]


@pytest.mark.parametrize(
    "kept", sorted([*KEPT.glob("geojson*.json"), *SHARED.glob("gj_*/*.geojson")])
)
def test_files_that_were_once_misread_are_the_same_by_both(kept: Path, tmp_path: Path) -> None:
    if kept.suffix == ".geojson":
        path, reads = kept, declared(a=Column(("CODE", "code", "V", "a"), "text", optional=True))
    else:
        case = Case.of_json(kept.read_text(encoding="ascii"))
        path, reads = written(tmp_path, case.content), case.reads()
    agreed(path, reads)


def agreed(path: Path, reads: Any) -> str:
    """Fail where both read a file and differ, or where one alone refuses it."""
    ours = outcome(path, reads, by_gdal=False)
    if ours is Strange:
        return "strange"
    assert ours == outcome(path, reads, by_gdal=True)
    return "the same"


@st.composite
def broken(draw: Any) -> Case:
    case = draw(layer_files.cases("geojson"))
    return Case(case.format, draw(mutated(case.content)), case.columns, case.names, case.options)


@pytest.mark.parametrize(("cases", "kept"), [(layer_files.cases("geojson"), 25), (broken(), 1)])
def test_files_of_every_dialect_are_the_same_by_both(
    cases: st.SearchStrategy[Case], kept: int, tmp_path: Path
) -> None:
    tally: list[str] = []

    @settings(
        max_examples=40,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def compare(case: Case) -> None:
        tally.append(agreed(written(tmp_path, case.content), case.reads()))

    compare()
    assert tally.count("the same") >= kept
