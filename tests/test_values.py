"""One standard of values: the same cell gives the same value, or the same refusal, as a table and
as an attribute of a geometry, in a file of text or of types.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import shapely

from tasks.core.making.fields import match_fields
from tasks.core.making.geometry.geometry_tables import load as load_layer
from tasks.core.making.tables.staging_tables import load as load_table
from tasks.core.making.unreadable import Unreadable
from tasks.core.making.values import convert
from tasks.core.model.columns import Column, code, text
from tasks.core.model.declarations import Features, Table, Writing
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

POINT = {"type": "Point", "coordinates": [4.35, 50.85]}
REFUSED = "refused"
Read = Callable[[str, list[Any], str], Any]


def write(path: Path, values: list[Any]) -> Path:
    """Write a column V beside a point, by the ending of the name."""
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["V", "K"], *([value, "k"] for value in values)])
    elif path.suffix == ".parquet":
        parquet.write_table(pa.table({"V": values, "K": ["k"] * len(values)}), path)
    elif path.suffix == ".geojson":
        features = [
            {"type": "Feature", "properties": {"V": value}, "geometry": POINT} for value in values
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    else:
        points = [shapely.geometry.shape(POINT)] * len(values)
        geopandas.GeoDataFrame({"V": values}, geometry=points, crs=4326).to_file(path)
    return path


@pytest.fixture
def read(database: Database, staging: Staging, tmp_path: Path) -> Callable[..., Any]:
    """Loads a column of values from a format and gives what PostgreSQL holds, or the refusal."""

    def read_it(kind: str, values: list[Any], ending: str, **writing: Any) -> Any:
        path = write(tmp_path / f"v{ending}", values)
        columns = {"v": Column(("V",), kind)}
        try:
            if ending in (".csv", ".parquet"):
                reads = Table(columns=columns | {"k": text("K")}, **writing)
                load_table(database, staging.schema, "t", path, reads)
            else:
                features = Features(columns=columns, crs=4326, published_crs=4326, **writing)
                load_layer(database, staging.schema, "t", str(path), features)
        except SourceError as error:
            place = {".csv": "line ", ".parquet": "row "}.get(ending, "feature ")
            said = str(error).replace("of layer v of", "of")
            assert f"'V' of {path.name} was expected to hold {kind}; {place}" in said
            return REFUSED
        return database.rows(f'SELECT v FROM "{staging.schema}".t')[-1][0]

    return read_it


GRID: list[tuple[str, str, Any]] = [
    ("integer", "12", 12),
    ("integer", " 12 ", 12),
    ("integer", "\u00a012", 12),
    ("integer", "+5", 5),
    ("integer", "\u22125", -5),
    ("integer", "007", 7),
    ("integer", "-9223372036854775808", -(2**63)),
    ("integer", "9007199254740993", 2**53 + 1),
    ("integer", "9223372036854775808", REFUSED),
    ("integer", "1.0", REFUSED),
    ("integer", "1e3", REFUSED),
    ("integer", "0x1F", REFUSED),
    ("integer", "1_000", REFUSED),
    ("integer", "१२", REFUSED),
    ("integer", "1 000", REFUSED),
    ("integer", "1'000", REFUSED),
    ("integer", "5-", REFUSED),
    ("integer", "(5)", REFUSED),
    ("integer", "5%", REFUSED),
    ("integer", "true", REFUSED),
    ("number", "1e3", 1000.0),
    ("number", "-.5", -0.5),
    ("number", "1e999", REFUSED),
    ("number", "NaN", REFUSED),
    ("number", "-inf", REFUSED),
    ("number", "1,5", REFUSED),
    ("number", "9007199254740993", REFUSED),
    ("number", "9007199254740994", 2.0**53 + 2),
    ("decimal(18,2)", "12.35", Decimal("12.35")),
    ("decimal(18,2)", "12.345678", REFUSED),
    ("decimal(4,2)", "100.00", REFUSED),
    ("date", "2024-01-05", date(2024, 1, 5)),
    ("date", "2024-01-05 00:00:00", date(2024, 1, 5)),
    ("date", "2024-01-05T23:30:00", date(2024, 1, 5)),
    ("date", "2024-01-05T00:00:00+02:00", date(2024, 1, 5)),
    ("date", "2024-01-05Z", date(2024, 1, 5)),
    ("date", "20240105", date(2024, 1, 5)),
    ("date", "2024/01/05", date(2024, 1, 5)),
    ("date", "31/12/2023", date(2023, 12, 31)),
    ("date", "31.12.2023", date(2023, 12, 31)),
    ("date", "31-12-2023", date(2023, 12, 31)),
    ("date", "2024-01-05T23:00:00Z", REFUSED),
    ("date", "07/01/2023", REFUSED),
    ("date", "7.1.2023", REFUSED),
    ("date", "12/31/2023", REFUSED),
    ("date", "05/01/24", REFUSED),
    ("date", "31/12-2023", REFUSED),
    ("date", "00000000", REFUSED),
    ("date", "1900-01-00", REFUSED),
    ("date", "0000-01-01", REFUSED),
    ("date", "10000-01-01", REFUSED),
    ("date", "2023-02-29", REFUSED),
    ("date", "2024-01-05 25:00", REFUSED),
    ("date", "45296", REFUSED),
    ("boolean", "Oui", True),
    ("boolean", "2", REFUSED),
    ("text", "0012 ", "0012 "),
    ("text", "NaN", "NaN"),
]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".geojson", ".gpkg"])
def test_a_spelling_is_the_same_value_in_every_format(
    read: Callable[..., Any], ending: str
) -> None:
    found = {(kind, spelled): read(kind, [None, spelled], ending) for kind, spelled, _ in GRID}
    assert found == {(kind, spelled): value for kind, spelled, value in GRID}


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("text", 1001.0, "1001"),
        ("text", 1001.5, "1001.5"),
        ("text", 2.0**53, REFUSED),
        ("text", 1e-7, REFUSED),
        ("text", 1234567890123456.0, "1234567890123456"),
        ("integer", 5.0, 5),
        ("integer", 5.5, REFUSED),
        ("integer", 2.0**53, REFUSED),
        ("decimal(18,2)", 12.35, Decimal("12.35")),
        ("decimal(18,2)", 12.345678, REFUSED),
        ("decimal(18,2)", 1e14 + 0.01, REFUSED),
        ("decimal(18,0)", 2.0**53 - 1, Decimal(2**53 - 1)),
        ("number", 2.0**60, 2.0**60),
        ("date", 20240105.5, REFUSED),
        ("boolean", 2.5, REFUSED),
    ],
)
@pytest.mark.parametrize("ending", [".parquet", ".geojson", ".gpkg"])
def test_a_double_is_exact_or_refused(
    read: Callable[..., Any], ending: str, kind: str, value: float, held: Any
) -> None:
    assert read(kind, [0.5 if kind == "number" else None, value], ending) == held


@pytest.mark.parametrize("ending", [".parquet", ".geojson"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_unless_declared(
    read: Callable[..., Any], ending: str, value: float
) -> None:
    for kind in ("number", "integer", "decimal(18,2)", "text"):
        assert read(kind, [1.5 if kind != "integer" else 1.0, value], ending) == REFUSED
    for kind in ("number", "text") if value != value else ("number",):
        assert read(kind, [1.5, value], ending, missing={"NaN": "x", "inf": "y"}) is None


def test_identifiers_beyond_a_double_are_refused_in_json(read: Callable[..., Any]) -> None:
    assert read("text", [2**64, 2**53 + 1], ".geojson") == REFUSED
    assert read("text", [5, 2**53 + 1], ".geojson") == str(2**53 + 1)


MOMENT = datetime(2024, 7, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "writing", "held"),
    [
        (["07/01/2023"], {"day_first": False}, date(2023, 7, 1)),
        (["07/01/2023"], {"day_first": True}, date(2023, 1, 7)),
        (["1/7/2023 12:00:00 AM"], {"day_first": False}, date(2023, 1, 7)),
        (["31/12/2023"], {"day_first": False}, REFUSED),
        (["2024-07-01T22:00:00Z"], {"time_zone": "Europe/Paris"}, date(2024, 7, 2)),
        (["2024-01-01T22:00:00Z"], {"time_zone": "Europe/Paris"}, date(2024, 1, 1)),
        (["2024-07-01 9:30+00"], {"time_zone": "Asia/Tokyo"}, date(2024, 7, 1)),
        (["2024-07-01 22:00:00.123 UTC"], {"time_zone": "Asia/Tokyo"}, date(2024, 7, 2)),
        (pa.array([MOMENT], pa.timestamp("us", "UTC")), {}, REFUSED),
        (pa.array([MOMENT], pa.timestamp("us", "+02:00")), {}, date(2024, 7, 2)),
        (
            pa.array([MOMENT], pa.timestamp("ns", "UTC")),
            {"time_zone": "Europe/Paris"},
            date(2024, 7, 2),
        ),
        (pa.array([datetime(1960, 7, 1, 22)], pa.timestamp("us")), {}, date(1960, 7, 1)),
        (pa.array([3_000_000], pa.date32()), {}, REFUSED),
        (pa.array([20240105]), {}, date(2024, 1, 5)),
        (pa.array([45296]), {}, REFUSED),
    ],
)
def test_days_are_those_of_the_declared_order_and_zone(
    cells: Any, writing: dict[str, Any], held: Any
) -> None:
    cells = pa.array(cells) if isinstance(cells, list) else cells
    try:
        values, _ = convert(cells, Column(("V",), "date"), Writing(**writing))
        found = values[0].as_py()
    except Unreadable:
        found = REFUSED
    assert found == held


def test_an_unknown_time_zone_is_an_error_of_the_declaration() -> None:
    with pytest.raises(ConfigurationError, match="'Europe/Pariss'"):
        convert(
            pa.array(["2024-07-01T22:00:00Z"]),
            Column(("V",), "date"),
            Writing(time_zone="Europe/Pariss"),
        )


@pytest.mark.parametrize(
    ("thousands", "spelled", "held"),
    [
        (" ", "1\u2009234", 1234),
        (" ", "1\u202f234\u00a0567", 1234567),
        ("'", "1\u2019234", 1234),
        ("'", "1'23", REFUSED),
        (" ", "12 34", REFUSED),
        (".", "1.0", REFUSED),
    ],
)
def test_marks_between_thousands(thousands: str, spelled: str, held: Any) -> None:
    try:
        values, _ = convert(
            pa.array([spelled]), Column(("V",), "integer"), Writing(thousands=thousands)
        )
        assert values[0].as_py() == held
    except Unreadable:
        assert held == REFUSED


@pytest.mark.parametrize(
    ("cells", "writing", "values", "reasons"),
    [
        (["", " ", None, "1"], {"missing": {"": "hidden"}}, [None] * 3 + [1], ["hidden"] * 3),
        (pa.array([None, 1.0]), {"missing": {"": "hidden"}}, [None, 1], ["hidden"]),
        (
            ["#N/A", "****", "#DIV/0!", "1"],
            {"missing": {"#N/A": "a", "****": "b", "#DIV/0!": "c", "never": "d"}},
            [None] * 3 + [1],
            ["a", "b", "c"],
        ),
        (["-", "", "1"], {"zero": ("-", "")}, [0, 0, 1], None),
        (["-", "*"], {"zero": ("-",), "missing": {"*": "x"}}, [0, None], [None, "x"]),
        (["5", "7"], {"zero": ("5",)}, [0, 7], None),
        (["-1", "-2", "3"], {"zero": ("-2",), "missing": {"-1": "x"}}, [None, 0, 3], ["x"]),
        (["-1", "+7"], {"missing": {"-1.0": "x", "7": "y"}}, [None] * 2, ["x", "y"]),
    ],
)
def test_markers_of_missing_figures_and_of_zero(
    cells: Any, writing: dict[str, Any], values: list[Any], reasons: list[Any] | None
) -> None:
    cells = pa.array(cells) if isinstance(cells, list) else cells
    found, why = convert(cells, Column(("V",), "integer"), Writing(**writing))
    assert found.to_pylist() == values
    expected = None if reasons is None else reasons + [None] * (len(values) - len(reasons))
    assert (why and why.to_pylist()) == expected


@pytest.mark.parametrize("kind", ["integer", "number", "decimal(6,2)"])
def test_markers_among_numbers_are_those_among_texts(kind: str) -> None:
    pick, seen = random.Random(7), 0
    spellings = "0 -0 1 -1 1.0 1.5 5 -5 +5 1e3 1000 1,000 5_000 0x10 -666666666 NaN * (X)".split()
    for _ in range(3000):
        cells = pick.choices(spellings[:-6] if pick.random() < 0.7 else spellings, k=3)
        missing = {marker: marker for marker in pick.choices(spellings, k=pick.randint(0, 3))}
        reads = Writing(missing=missing, zero=tuple(pick.choices(spellings, k=pick.randint(0, 2))))
        told = []
        for given in (cells, [*cells, None]):  # beside an empty cell all are looked at as texts
            try:
                values, why = convert(pa.array(given, pa.string()), Column(("V",), kind), reads)
                told.append((values[:3].to_pylist(), why and why[:3].to_pylist()))
            except Unreadable as error:
                told.append((error.row, str(error)))
        assert told[0] == told[1], (cells, reads)
        seen += told[0][1] is not None and any(told[0][1])
    assert seen > 100


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".geojson", ".gpkg"])
def test_markers_of_zero_need_no_others(read: Callable[..., Any], ending: str) -> None:
    assert read("integer", ["5", "-"], ending, zero=("-",)) == 0


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string()])
def test_bytes_are_text_in_their_encoding_only(kind: pa.DataType, read: Callable[..., Any]) -> None:
    values = pa.array([b"Namur", "Liège".encode("latin-1")], pa.binary())
    cells = values.view(kind) if kind == pa.string() else values.cast(kind)
    assert read("text", cells, ".parquet") == REFUSED
    assert read("text", cells, ".parquet", encoding="cp1252") == "Liège"
    assert read("integer", cells, ".parquet") == REFUSED


@pytest.mark.parametrize("kind", ["text", "integer", "number", "date", "boolean"])
def test_lists_and_other_values_of_several_are_refused(kind: str) -> None:
    with pytest.raises(Unreadable, match="1"):
        convert(pa.array([None, [1]]), Column(("V",), kind), Writing())


@pytest.mark.parametrize("kind", ["integer", "number", "decimal(18,2)"])
@pytest.mark.parametrize("cells", [[MOMENT], [True], [date(2024, 1, 5)]], ids=str)
def test_moments_and_truth_are_no_numbers(kind: str, cells: list[Any]) -> None:
    with pytest.raises(Unreadable):
        convert(pa.array(cells), Column(("V",), kind), Writing())


def test_names_of_fields_match_in_either_unicode_form() -> None:
    composed, apart = "D\u00e9partement", "De\u0301partement"
    for declared, field in ((composed, apart), (apart, composed), (composed, apart.upper())):
        assert match_fields({"d": text(declared)}, [field], "f") == {"d": field}
    with pytest.raises(SourceError, match="could be"):
        match_fields({"d": text(composed)}, [composed, apart], "f")


def test_a_code_in_several_columns_is_refused_in_a_layer() -> None:
    with pytest.raises(ConfigurationError, match="declare each as text"):
        match_fields({"c": code(("A", 2), ("B", 3))}, ["A", "B"], "f")


def test_a_prefix_is_cut_off_in_a_layer(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    path = write(tmp_path / "v.geojson", ["BE-01", "02"])
    columns = {"v": text("V", prefix="BE-")}
    features = Features(columns=columns, crs=4326, published_crs=4326)
    with pytest.raises(SourceError, match=r"feature 2 has '02' \(every code was declared"):
        load_layer(database, staging.schema, "t", str(path), features)
