"""JSON of layers whose text and numbers a reader alters: as written, or refused in a sentence."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats

from tasks.core.making.geometry.json_escapes import first_escape
from tasks.core.making.geometry.shapes import FeatureCounts
from tasks.core.model.columns import Column, decimal, integer, number, text
from tasks.core.model.declarations import Features
from tasks.core.model.errors import Damaged, SourceError

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]


CODE = text("CODE")


def declared(column: Column = CODE) -> Features:
    return Features(columns={"code": column}, crs=4326, published_crs=4326)


def geojson(folder: Path, *values: str, name: str = '"CODE"', more: str = "") -> Path:
    """Points whose values are written letter for letter."""
    point = '{"type": "Point", "coordinates": [4, 50]}'
    features = ",\n".join(
        f'{{"type": "Feature", "properties": {{{more}{name}: {value}}}, "geometry": {point}}}'
        for value in values
    )
    path = folder / "a.geojson"
    path.write_text(f'{{"type": "FeatureCollection", "features": [{features}]}}')
    return path


def esri(folder: Path, kind: str, *values: str) -> Path:
    fields = f'[{{"name": "CODE", "type": "esriFieldType{kind}"}}]'
    features = ", ".join(
        f'{{"attributes": {{"CODE": {value}}}, "geometry": {{"x": 4, "y": 50}}}}'
        for value in values
    )
    path = folder / "a.json"
    path.write_text(
        f'{{"geometryType": "esriGeometryPoint", "spatialReference": {{"wkid": 4326}},'
        f' "fields": {fields}, "features": [{features}]}}'
    )
    return path


# escapes of no letter


@pytest.mark.parametrize(
    "value",
    [r"a\ud800b", r"\uDBFF", r"\udc00", r"\uDfff x", r"\ud83d\ud83d\ude00", r"\ud83d\u0041"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_half_of_a_pair_of_surrogates_is_refused(
    value: str, packed: bool, tmp_path: Path, into: Load
) -> None:
    path = geojson(tmp_path, '"x"', f'"{value}"')
    with pytest.raises(SourceError, match="feature 2 has half of a pair of surrogates"):
        into(formats.zipped(path) if packed else path, declared())
    with pytest.raises(SourceError, match="half of a pair"):
        into(esri(tmp_path, "String", f'"{value}"'), declared())


@pytest.mark.parametrize(
    "value", [r"\ud83d\ude00", r"\\ud800", r"\uD83D\uDE00\ud83d\uDE00", "\\\\"]
)
def test_whole_letters_in_escapes_are_read(
    value: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    into(geojson(tmp_path, f'"{value}"'), declared())
    assert rows("code FROM areas") == [(json.loads(f'"{value}"'),)]


def test_escapes_are_told_as_json_tells_them_in_blocks_of_any_size() -> None:
    pick = random.Random(12)
    parts = [r"\ud83d", r"\uDE00", r"\uD83D\uDE00", r"\\", "a", "é", r"\n", r"\u00e9", "ud83d"]
    parts += [r"\u0000", r"\\ud800", r"\"", r"\/"]
    for _ in range(3000):
        text = '"' + "".join(pick.choices(parts, k=pick.randint(1, 7))) + '"'
        read, found, before = json.loads(text), None, b""
        content = (text + "}").encode()
        size = pick.choice([1, 3, 5, 7, len(content)])
        for start in range(0, len(content), size):
            block = content[start : start + size]
            found = found or first_escape(before[-100:], block)
            before += block
        is_none = any(0xD800 <= ord(letter) <= 0xDFFF or letter == "\0" for letter in read)
        assert bool(found) == is_none, (text, size)


# numbers where codes are declared


@pytest.mark.parametrize(
    "values",
    [
        ["1.10"],
        ["1e3"],
        ["11001.00"],
        ["1E3", "5"],
        ["1", "2.50"],
        ["1.50", '"007"'],
        ["1.0", '"007"', "null"],
        ["-0"],
        ["012"],
        ["true", "1"],
        ["Infinity"],
        ['{"a": 1.50}'],
        ['[1.50, "a"]'],
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_a_number_that_cannot_say_its_letters_is_refused(
    values: list[str], is_late: bool, tmp_path: Path, into: Load
) -> None:
    filled = ["5" if values[0][0] not in '{["' else '"5"'] * 5000 * is_late
    path = geojson(tmp_path, *filled, *values, more='"other": {"CODE": 2.5}, ')
    with pytest.raises(SourceError, match="not certain"):
        into(path, declared())


@pytest.mark.parametrize("value", ["1.10", "1e3", "-7.00"])
@pytest.mark.parametrize("name", ["Straße", "a.b (c", 'q"q', "é\u0301"])
def test_the_column_and_the_number_as_written_are_named(
    value: str, name: str, tmp_path: Path, into: Load
) -> None:
    for spelled in (json.dumps(name), json.dumps(name, ensure_ascii=False)):
        with pytest.raises(SourceError) as raised:
            into(geojson(tmp_path, "3", value, name=spelled), declared(text(name)))
        assert f"The column {name!r} of a.geojson was expected to hold text" in str(raised.value)
        assert f"; feature 2 has the number {value} " in str(raised.value)


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["5", "-7", "0", "null"], ["5", "-7", "0", None]),
        (["5", '"007"', '"1.10"', '"1e3"'], ["5", "007", "1.10", "1e3"]),
        (["true", '"x"'], ["true", "x"]),
        (['"1.10"', '"1.50"'], ["1.10", "1.50"]),
        (['{"a": "1.50, 2.5"}', '"x"'], ['{ "a": "1.50, 2.5" }', "x"]),
        (["9223372036854775807"], ["9223372036854775807"]),
        (["11001.0", "0.0", "1.5", "-0.25"], ["11001", "0", "1.5", "-0.25"]),
        (["1.5", '"007"'], ["1.5", "007"]),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_plain_numbers_and_texts_are_codes(
    values: list[str], read: list[str | None], tmp_path: Path, into: Load, rows: Rows
) -> None:
    into(geojson(tmp_path, *values, more='"other": {"CODE": 2.5}, '), declared())
    assert [code for (code,) in rows("code FROM areas")] == read


@pytest.mark.parametrize("column", [number("CODE"), decimal("CODE", 2), integer("CODE")])
def test_figures_are_read_however_they_are_written(
    column: Column, tmp_path: Path, into: Load, rows: Rows
) -> None:
    into(geojson(tmp_path, "1e3", "2.0", "5"), declared(column))
    assert [code for (code,) in rows("code FROM areas")] == [1000, 2, 5]


@pytest.mark.parametrize("column", [text("CODE"), integer("CODE"), text("other")])
def test_an_integer_beyond_64_bits_is_no_damage(column: Column, tmp_path: Path, into: Load) -> None:
    path = geojson(tmp_path, str(2**63), more='"other": "a", ')
    with pytest.raises(SourceError, match=r"9223372036854775808.*inbox") as raised:
        into(path, declared(column))
    assert not isinstance(raised.value, Damaged)
    cut = geojson(tmp_path, "5")
    cut.write_text(cut.read_text()[:-40])
    with pytest.raises(Damaged):
        into(cut, declared())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("SmallInteger", "70000"),
        ("SmallInteger", "32768"),
        ("Integer", "5000000000"),
        ("Integer", "1.5"),
        ("Integer", '"12a"'),
        ("Integer", "true"),
        ("OID", str(2**31)),
        ("BigInteger", "1e3"),
        ("BigInteger", str(2**63)),
        ("Double", '"n/a"'),
        ("Double", "[1]"),
    ],
)
@pytest.mark.parametrize("column", [number("CODE"), integer("CODE"), text("CODE")])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_value_that_a_field_of_esri_cannot_hold_is_refused(
    kind: str, value: str, column: Column, tmp_path: Path, into: Load
) -> None:
    with pytest.raises(SourceError, match=r"CODE of a.json"):
        into(esri(tmp_path, kind, "5", value), declared(column))


@pytest.mark.parametrize("value", [2**15 - 1, -(2**15), 0, 7])
@pytest.mark.parametrize("kind", ["SmallInteger", "Integer", "BigInteger", "Double", "String"])
def test_a_value_that_a_field_of_esri_holds_is_read(
    value: int, kind: str, tmp_path: Path, into: Load, rows: Rows
) -> None:
    into(esri(tmp_path, kind, str(value), "null"), declared(integer("CODE")))
    assert rows("code FROM areas") == [(value,), (None,)]


@pytest.mark.parametrize("value", ["1.10", "1e3"])
def test_a_number_in_a_text_of_esri_is_refused(value: str, tmp_path: Path, into: Load) -> None:
    with pytest.raises(SourceError, match=f"has the number {value} without quotes"):
        into(esri(tmp_path, "String", '"a"', value), declared())
