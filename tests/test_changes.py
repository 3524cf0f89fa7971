"""What changed between two editions, measured in a real PostGIS, and whether it is within what the
edition before lets expect.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from made_up_land import made_up, staged
from psycopg2 import sql

from tasks.core.catalog import editions, layers
from tasks.core.catalog.changes import bounds
from tasks.core.catalog.changes.compared_layers import Precedent, precedent
from tasks.core.catalog.changes.comparison import between, compare, judge, record
from tasks.core.catalog.changes.differences import Change, Draft
from tasks.core.catalog.changes.report import report
from tasks.core.catalog.changes.statements import SELECT_LONELY
from tasks.core.catalog.provenance import record_check
from tasks.core.making.codes import kept_events
from tasks.core.making.codes.ledger import ledger
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.verbs.code_events import recode

GRID = """
DROP TABLE areas;
CREATE TABLE areas AS
SELECT 'A' || lpad(n::text, 2, '0') AS code, 1000 + n AS people, 10 + n % 3 AS farmers,
       nullif(n % 25, 0) AS rank,
       ST_MakeEnvelope(150000 + n % 10 * 100, 170000 + n / 10 * 100,
                       150100 + n % 10 * 100, 170100 + n / 10 * 100, 31370)
       ::geometry(Polygon, 31370) AS geom
  FROM generate_series(0, 99) AS n;
"""
COMMENTS = """
COMMENT ON TABLE areas IS 'Areas of a made-up land';
COMMENT ON COLUMN areas.code IS 'Code [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN areas.people IS 'People [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN areas.farmers IS 'Farmers [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN areas.rank IS 'Rank [unit: rank; aggregate: none; from: made up]';
COMMENT ON COLUMN areas.geom IS 'Border [unit: m; aggregate: none; from: made up]';
"""
GROWTH = "UPDATE areas SET people = people + 7;"
MERGED = """
UPDATE areas SET people = (SELECT sum(people) FROM areas WHERE code IN ('A10', 'A11')),
       geom = (SELECT ST_Union(geom) FROM areas WHERE code IN ('A10', 'A11'))
 WHERE code = '{}';
DELETE FROM areas WHERE code = '{}';
"""


@pytest.fixture
def dataset(database: Database, request: pytest.FixtureRequest) -> Dataset:
    return made_up(database, request.node.name)


def edition_of(
    database: Database, dataset: Dataset, vintage: int, change: str = GROWTH, mirror: str = ""
) -> Staging:
    """A sealed edition: the grid of a hundred areas, changed."""
    people = int(database.value("SELECT count(*) FROM catalog.edition"))  # other bytes each time
    of_source = COMMENTS.replace("from: made up", f"from: {dataset.slug}-areas.X")
    staging = staged(database, dataset, people, vintage, mirror, GRID + of_source + change)
    for layer, key in dataset.layers.items():
        layers.seal(database, staging, layer, key)
    return staging


def shown(
    database: Database, dataset: Dataset, vintage: int, change: str = "", mirror: str = ""
) -> Staging:
    staging = edition_of(database, dataset, vintage, change, mirror)
    editions.publish(database, staging)
    return staging


Found = dict[tuple[str, str], Change]


@pytest.fixture
def differ(database: Database, dataset: Dataset) -> Callable[..., tuple[Found, list[Draft]]]:
    """Compares the grid of 2025, changed, with that of 2024; of one layer, by measure."""

    def measure(change: str = GROWTH, before: str = "", layer: str = "areas", of: Any = dataset):
        shown(database, of, 2024, before)
        staging = edition_of(database, of, 2025, change)
        changes, drafts = compare(database, staging, precedent(database, staging))
        assert all(each.sentence.endswith(".") for each in changes)
        return {(c.measure, c.subject): c for c in changes if c.layer == layer}, drafts

    return measure


def outside(found: Found) -> set[tuple[str, str]]:
    return {key for key, change in found.items() if change.within is False}


def test_an_edition_that_grew_as_usual_is_within_all_bounds(differ: Any) -> None:
    found, drafts = differ()
    assert outside(found) == set()
    assert drafts == []
    rows = found["rows", ""]
    assert (rows.before, rows.after, rows.expected, rows.within) == (
        "100",
        "100",
        "95 to 105",
        True,
    )
    assert rows.sentence == (
        "areas has 100 rows, and edition 1 of 2024 has 100 (+0.00 %); 95 to 105 were expected."
    )
    total = found["total", "people"]
    assert (total.before, total.after, total.within) == ("104950", "105650", True)
    assert (found["missing", "rank"].before, found["missing", "rank"].within) == ("4.00%", True)
    assert found["area", ""].after == "1000000"
    assert [found["keys", kind].after for kind in ("new", "gone", "changed")] == ["0", "0", "100"]


@pytest.mark.parametrize(
    ("change", "what", "told"),
    [
        ("DELETE FROM areas WHERE code > 'A93'", ("rows", ""), "94 rows"),
        ("UPDATE areas SET people = people * 1.05", ("total", "people"), "+5.00 %"),
        ("UPDATE areas SET people = NULL", ("total", "people"), "is none"),
        (
            "UPDATE areas SET people = people / 2 WHERE code < 'A05'",
            ("leaps", "people"),
            "5 rows with",
        ),
        ("UPDATE areas SET farmers = farmers * 20", ("total", "farmers"), "21,980 persons"),
        ("UPDATE areas SET rank = NULL WHERE code < 'A06'", ("missing", "rank"), "9.00%"),
        ("UPDATE areas SET rank = NULL", ("missing", "rank"), "lacks every value"),
        ("ALTER TABLE areas DROP farmers", ("columns", "farmers"), "is gone"),
        (
            "ALTER TABLE areas ALTER rank TYPE text; COMMENT ON COLUMN areas.rank IS"
            " 'R [unit: rank; aggregate: none; from: made up]'",
            ("columns", "rank"),
            "is of type text, and integer was expected",
        ),
        ("UPDATE areas SET geom = ST_Translate(geom, 20, 0)", ("area", "extent"), "moved by 20"),
        (
            "UPDATE areas SET geom = ST_Buffer(geom, -0.5, 'join=mitre')",
            ("area", "neighbours"),
            "touch no other: 100, and 0",
        ),
        (
            "UPDATE areas SET geom = ST_Buffer(geom, 0.5, 'join=mitre')",
            ("area", ""),
            "square units of EPSG:31370",
        ),
        ("DELETE FROM areas WHERE code = 'A55'", ("codes", "gone"), "1 have none: A55"),
        ("UPDATE areas SET people = people", ("keys", "same"), "file of the year before"),
    ],
)
def test_what_differs_by_more_than_its_bound_is_outside_and_said(
    differ: Any, change: str, what: tuple[str, str], told: str
) -> None:
    found, _ = differ(change)
    assert what in outside(found)
    assert told in found[what].sentence
    assert found[what].expected


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (GROWTH + "UPDATE areas SET rank = NULL WHERE code IN ('A01', 'A02')", ("missing", "rank")),
        (GROWTH + "UPDATE areas SET farmers = farmers - 1", ("total", "farmers")),
        (
            GROWTH + "ALTER TABLE areas ADD more integer; COMMENT ON COLUMN areas.more IS"
            " 'More [unit: n; aggregate: sum; from: made up]'",
            ("columns", "more"),
        ),
        (
            GROWTH + "UPDATE areas SET geom = ST_Translate(geom, 0.9, 0)",
            ("redrawn", ""),
        ),
    ],
)
def test_what_differs_by_less_is_told_and_not_outside(
    differ: Any, change: str, what: tuple[str, str]
) -> None:
    found, _ = differ(change)
    assert what in found
    assert outside(found) == set()


def test_redrawn_areas_are_counted_and_their_share_is_measured_on_a_sample(
    differ: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "SAMPLE", 40)
    found, _ = differ(GROWTH + "UPDATE areas SET geom = ST_Translate(geom, 5, 0)")
    sentence = found["redrawn", ""].sentence
    assert "100 areas of areas have other borders" in sentence
    assert "9.52% of their area" in sentence  # 2 × 5 of 105 metres
    assert "a sample of 40 of them" in sentence


@pytest.mark.parametrize(
    ("change", "event", "kind"),
    [
        (MERGED.format("A10", "A11"), "A10 A11 > A10", "merged"),
        (
            MERGED.format("A10", "A11") + "UPDATE areas SET code = 'B1' WHERE code = 'A10'",
            "A10 A11 > B1",
            "merged",
        ),
        (
            "INSERT INTO areas SELECT 'B1', 500, 5, 1, ST_MakeEnvelope(150000, 170100, 150050,"
            " 170200, 31370) FROM areas WHERE code = 'A10'; UPDATE areas SET people = 510, geom ="
            " ST_MakeEnvelope(150050, 170100, 150100, 170200, 31370) WHERE code = 'A10'",
            "A10 > A10 B1",
            "divided",
        ),
        ("UPDATE areas SET code = 'B1' WHERE code = 'A10'", "A10 > B1", "renamed"),
        (
            "UPDATE areas SET code = 'B1' WHERE code = 'A10'; UPDATE areas SET geom ="
            " ST_MakeEnvelope(150000, 170100, 150150, 170200, 31370) WHERE code = 'B1'; UPDATE"
            " areas SET geom = ST_MakeEnvelope(150150, 170100, 150200, 170200, 31370) WHERE code ="
            " 'A11'",
            "A10 A11 > A11 B1",
            "redrawn",
        ),
    ],
    ids=["merged into one of them", "merged", "divided", "renamed", "redrawn"],
)
def test_codes_that_gave_way_to_others_are_explained_and_drafted(
    differ: Any, change: str, event: str, kind: str
) -> None:
    found, drafts = differ(GROWTH + change)
    assert outside(found) == set()
    assert drafts == [Draft(layer="areas", event=f"2025-01-01: {event}", kind=kind, covered=1.0)]
    assert ledger(drafts[0].event).events


def test_a_swap_of_codes_is_seen_though_no_code_is_new_or_gone(differ: Any) -> None:
    found, drafts = differ(
        GROWTH + "UPDATE areas SET code = CASE code WHEN 'A10' THEN 'A99' ELSE 'A10' END"
        " WHERE code IN ('A10', 'A99')"
    )
    assert ("codes", "gone") not in found
    assert [draft.event for draft in drafts] == ["2025-01-01: A10 > A99", "2025-01-01: A99 > A10"]
    assert {draft.kind for draft in drafts} == {"renamed"}


def test_a_small_area_that_a_large_one_took_is_explained_by_it(differ: Any) -> None:
    small = (
        "UPDATE areas SET geom = ST_MakeEnvelope(150000, 170100, 150199, 170200, 31370) WHERE code"
        " = 'A10'; UPDATE areas SET geom = ST_MakeEnvelope(150199, 170100, 150200, 170200, 31370)"
        " WHERE code = 'A11';"
    )
    found, drafts = differ(GROWTH + small + MERGED.format("A10", "A11"), small)
    assert [draft.event for draft in drafts] == ["2025-01-01: A10 A11 > A10"]
    assert outside(found) == set()


def test_a_code_whose_ground_is_covered_in_part_is_not_explained(differ: Any) -> None:
    found, drafts = differ(
        GROWTH + "UPDATE areas SET code = 'B1', geom = ST_MakeEnvelope(150000, 170100, 150096,"
        " 170200, 31370) WHERE code = 'A10'"
    )
    assert ("codes", "gone") in outside(found)
    assert drafts == []


def test_many_codes_explained_let_the_number_of_rows_change(differ: Any) -> None:
    halves = (
        "INSERT INTO areas SELECT 'B' || code, 0, 0, 1, ST_MakeEnvelope(ST_XMin(geom),"
        " ST_YMin(geom), ST_XMin(geom) + 50, ST_YMax(geom), 31370) FROM areas WHERE code < 'A20';"
        "UPDATE areas SET geom = ST_MakeEnvelope(ST_XMin(geom) + 50, ST_YMin(geom), ST_XMax(geom),"
        " ST_YMax(geom), 31370) WHERE code < 'A20';"
    )
    found, drafts = differ(GROWTH + halves)
    assert found["rows", ""].after == "120"
    assert outside(found) == set()
    assert len(drafts) == 20


def test_what_the_ledger_has_is_explained_by_it_and_not_drafted(
    database: Database, dataset: Dataset
) -> None:
    shown(database, dataset, 2024)
    staging = edition_of(database, dataset, 2025, GROWTH + MERGED.format("A10", "A11"))
    told = ledger("2025-01-01: A10 A11 > A10\n1977-01-01: X > A50\n2025-01-01: A77 > C1")
    with ThreadPoolExecutor(4) as several:
        kept = [several.submit(kept_events.keep, database, staging, told) for _ in range(4)]
    assert [each.result() for each in kept] == [None] * 4
    assert database.value(f"SELECT count(*) FROM {staging.schema}.ledger_events") == 3
    recode.fn(staging, "areas", "code", told, date(1976, 1, 1), date(1978, 1, 1))
    assert database.value(f"SELECT count(*) FROM {staging.schema}.ledger_events") == 3
    changes, drafts = compare(database, staging, precedent(database, staging))
    assert drafts == []
    assert {(c.measure, c.subject) for c in judge(changes)} == set()
    [gone] = [change for change in changes if change.measure == "codes"]
    assert "1 by the ledger and 0 by the ground" in gone.sentence


def test_a_code_with_a_space_is_explained_and_cannot_be_drafted(differ: Any) -> None:
    found, drafts = differ(GROWTH + "UPDATE areas SET code = 'B 1' WHERE code = 'A10'")
    assert outside(found) == set()
    assert drafts == []


def test_another_crs_is_outside_and_the_ground_is_compared_all_the_same(differ: Any) -> None:
    found, drafts = differ(
        GROWTH + "UPDATE areas SET code = 'B1' WHERE code = 'A10'; ALTER TABLE areas ALTER geom"
        " TYPE geometry(Polygon, 3812) USING ST_Transform(geom, 3812)"
    )
    assert outside(found) == {("columns", "geom")}
    assert found["area", ""].within
    assert found["area", "extent"].within
    assert "0 of 99 changed by more than 0.1%" in found["redrawn", ""].sentence
    assert [draft.event for draft in drafts] == ["2025-01-01: A10 > B1"]


def test_areas_in_degrees_are_measured_on_the_spheroid(differ: Any) -> None:
    degrees = (
        "ALTER TABLE areas ALTER geom TYPE geometry(Polygon, 4326) USING ST_Transform(geom, 4326);"
    )
    found, _ = differ(GROWTH + degrees, degrees)
    assert outside(found) == set()
    assert "m², and" in found["area", ""].sentence
    assert float(found["area", ""].after) == pytest.approx(1e6, rel=0.001)


STRANGE = """
CREATE TABLE "odd layer'" AS
SELECT chr(65 + n % 3) || '''%s|' AS "first; key", n AS "select", 5 + n AS "a""b%s",
       '{"a": 1}'::json AS said, ST_MakePoint(n, n)::geometry(Point) AS odd
  FROM generate_series(1, 30) AS n;
ALTER TABLE "odd layer'" DROP odd;
COMMENT ON TABLE "odd layer'" IS 'Odd';
COMMENT ON COLUMN "odd layer'"."first; key" IS 'K [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN "odd layer'"."select" IS 'K [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN "odd layer'"."a""b%s" IS 'F [unit: n; aggregate: sum; from: made up]';
COMMENT ON COLUMN "odd layer'".said IS 'J [unit: n; aggregate: none; from: made up]';
"""
ODD = "odd layer'"


@pytest.fixture
def strange(dataset: Dataset) -> Dataset:
    """A dataset with a layer of two key columns whose names need quotes."""
    return replace(dataset, layers={"areas": ("code",), ODD: ("first; key", "select")})


def test_names_that_need_quotes_and_keys_of_two_columns_are_compared(
    differ: Any, strange: Dataset
) -> None:
    change = f'DELETE FROM "odd layer\'" WHERE "select" = 7;{GROWTH}'
    found, drafts = differ(STRANGE + change, STRANGE, layer=ODD, of=strange)
    assert found["keys", "gone"].sentence.endswith("1 gone by first; key, select: B'%s|/7.")
    assert found["total", 'a"b%s'].after == "603"
    assert found["rows", ""].within
    assert drafts == []


def test_a_large_layer_is_compared_by_the_first_column_of_its_key(
    differ: Any, strange: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.core.catalog.row_digests.WHOLE_KEY_ROWS", 20)
    change = f'DELETE FROM "odd layer\'" WHERE "select" = 7;{GROWTH}'
    found, _ = differ(STRANGE + change, STRANGE, layer=ODD, of=strange)
    assert "1 changed by first; key (rows are only counted" in found["keys", "changed"].sentence
    assert found["keys", "gone"].after == "0"


def test_a_layer_that_is_gone_is_outside_and_a_new_one_is_told(
    database: Database, strange: Dataset
) -> None:
    shown(database, strange, 2024, STRANGE)
    without = replace(strange, layers={"areas": ("code",)})
    staging = edition_of(database, without, 2025)
    changes, _ = compare(database, staging, precedent(database, staging))
    [gone] = judge(changes)
    assert (gone.layer, gone.measure, gone.before, gone.after) == (ODD, "rows", "30", "")
    editions.publish(database, staging)
    staging = edition_of(database, strange, 2026, STRANGE + GROWTH + GROWTH)
    changes, _ = compare(database, staging, precedent(database, staging))
    assert [c.within for c in changes if c.layer == ODD] == [None]


def test_a_layer_without_rows_is_outside(differ: Any, dataset: Dataset) -> None:
    empty = replace(dataset, may_be_empty=("areas",))
    found, _ = differ("DELETE FROM areas", of=empty)
    assert ("rows", "") in outside(found)
    assert "has no rows, and edition 1 of 2024 has 100" in found["rows", ""].sentence


def test_a_layer_that_had_no_rows_says_nothing_of_the_next(differ: Any, dataset: Dataset) -> None:
    empty = replace(dataset, may_be_empty=("areas",))
    found, _ = differ(GROWTH, "DELETE FROM areas;", of=empty)
    assert outside(found) == set()
    assert found["rows", ""].within is None
    assert found["total", "people"].sentence.endswith("nothing says what to expect.")


def test_bounds_lie_between_standstill_and_trend_and_hold_no_nan() -> None:
    assert bounds.growth([(2022, 100), (2024, 121)]) == pytest.approx(0.1)
    assert bounds.growth([(2023, 100), (2024, 300)]) == bounds.STEEPEST_TREND
    assert bounds.growth([(2024, 100)]) == bounds.growth([(2023, 0), (2024, 9)]) == 0
    expected = bounds.expected(1000, bounds.PERSONS, 0.03, 1)
    assert (expected.low, expected.high) == pytest.approx((990, 1050))
    assert expected.has(990)
    assert not expected.has(float("nan"))
    migration = bounds.expected_of_part(2_700_000, bounds.PARTS, 0, 1, 340_000_000)
    assert migration.has(1_300_000)  # as between 2024 and 2025 in the United States
    assert not migration.has(700_000)


def test_another_key_is_outside_and_no_row_is_compared(
    database: Database, dataset: Dataset
) -> None:
    shown(database, dataset, 2024)
    other = replace(dataset, layers={"areas": ("people",)})
    staging = edition_of(database, other, 2025)
    changes, _ = compare(database, staging, precedent(database, staging))
    assert {(c.measure, c.subject) for c in judge(changes)} == {("keys", "key")}


def test_equal_totals_are_no_wonder_where_the_figures_are_of_one_year(
    database: Database, dataset: Dataset
) -> None:
    before = shown(database, dataset, 2024, "")
    staging = edition_of(database, dataset, 2025, "")
    changes, _ = compare(database, staging, precedent(database, staging))
    assert [(c.measure, c.subject) for c in judge(changes)] == [("keys", "same")]
    update = "UPDATE catalog.edition_input SET reference_date = '2024-01-01' WHERE dataset = %s"
    with database.session() as cursor:
        cursor.execute(update, (dataset.slug,))
    changes, _ = compare(database, staging, precedent(database, staging))
    assert judge(changes) == []
    assert before.vintage == 2024


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE areas SET people = people + 900 WHERE code = 'A07';",  # one row is new
        "UPDATE areas SET geom = ST_Translate(geom, 0.01, 0);",  # borders are
    ],
)
def test_figures_of_the_year_before_are_told_beside_what_is_new(differ: Any, change: str) -> None:
    found, _ = differ(change)
    assert outside(found) == {("keys", "same")}
    assert (
        "looks like the file of the year before under a new name" in found["keys", "same"].sentence
    )


SWAPPED = """
UPDATE areas SET people = people + 7,
       code = CASE code WHEN 'A03' THEN 'A87' WHEN 'A87' THEN 'A03' ELSE code END;
UPDATE areas a SET people = o.people
  FROM areas o WHERE a.code IN ('A03', 'A87') AND o.code IN ('A03', 'A87') AND o.code <> a.code;
"""
MIRRORED = """
UPDATE areas SET people = people + 7,
       geom = ST_Translate(ST_Scale(geom, -1, 1), 301000, 0);
"""


@pytest.mark.parametrize(("change", "count"), [(SWAPPED, 2), (MIRRORED, 100)])
def test_codes_that_stand_where_others_stood_wait_for_a_person(
    differ: Any, change: str, count: int
) -> None:
    found, _ = differ(change)
    assert outside(found) == {("codes", "moved")}
    assert f"{count} codes of areas stand on ground that had another code" in (
        found["codes", "moved"].sentence
    )


def test_borders_that_all_moved_to_one_side_wait_for_a_person(differ: Any) -> None:
    found, _ = differ(GROWTH + "UPDATE areas SET geom = ST_Translate(geom, 2, 1);")
    assert outside(found) == {("redrawn", "")}
    assert "shifted to one side by 2.2% of the length" in found["redrawn", ""].sentence


def test_borders_that_are_generalised_are_only_told(differ: Any) -> None:
    drawn_otherwise = """
    UPDATE areas SET geom = ST_Translate(geom, 4 * cos(rank), 4 * sin(rank))
     WHERE rank BETWEEN 1 AND 24 AND ST_XMin(geom) > 150000 AND ST_YMin(geom) > 170000;
    """
    found, _ = differ(GROWTH + drawn_otherwise)
    assert found["redrawn", ""].within is None


def test_totals_are_expected_along_the_trend_of_earlier_editions(
    database: Database, dataset: Dataset
) -> None:
    grown = "UPDATE areas SET people = people * {};"
    for vintage, factor in ((2022, 1.0), (2023, 1.02), (2024, 1.04)):
        staging = edition_of(database, dataset, vintage, grown.format(factor))
        found = precedent(database, staging)
        changes, drafts = compare(database, staging, found)
        with database.session() as cursor:
            record(cursor, staging, found, changes, drafts)
        editions.publish(database, staging)
    staging = edition_of(database, dataset, 2025, grown.format(1.04 * 1.035))
    changes, _ = compare(database, staging, precedent(database, staging))
    [total] = [c for c in changes if (c.measure, c.subject) == ("total", "people")]
    assert total.within  # 3.5 % more: beyond what is expected without a trend


def test_the_precedent_is_of_the_same_vintage_or_an_earlier_one_and_as_official(
    database: Database, dataset: Dataset
) -> None:
    alone = edition_of(database, dataset, 2024)
    assert precedent(database, alone) is None
    assert compare(database, alone, None) == ([], [])
    editions.publish(database, alone)
    shown(database, dataset, 2025, mirror="synthetic")
    of_2026 = shown(database, dataset, 2026)
    asked = replace(of_2026, edition=99)
    for vintage, mirror, number in (
        (2026, "", of_2026.edition),
        (2027, "", of_2026.edition),
        (2025, "", alone.edition),
        (2025, "synthetic", 2),
        (2028, "synthetic", 2),
    ):
        found = precedent(database, replace(asked, vintage=vintage, mirror=mirror))
        assert isinstance(found, Precedent)
        assert found.number == number
    assert precedent(database, replace(asked, vintage=2023)) is None
    official = precedent(database, replace(asked, mirror="other"))  # there is none of its own
    assert official == precedent(database, asked)


def test_an_edition_of_the_same_year_is_told_and_judged_only_when_asked(
    database: Database, dataset: Dataset
) -> None:
    shown(database, dataset, 2024)
    staging = edition_of(database, dataset, 2024, "DELETE FROM areas WHERE code > 'A50'")
    found = precedent(database, staging)
    assert judge(compare(database, staging, found)[0]) == []
    assert judge(compare(database, staging, found, judged=True)[0])


def test_a_required_check_that_failed_is_outside(database: Database, dataset: Dataset) -> None:
    staging = edition_of(database, dataset, 2025)
    record_check(database, staging, "residents", "11,825,551", "9", False, True)
    record_check(database, staging, "whether it is nice", "yes", "no", False, False)
    [failed] = judge(compare(database, staging, None)[0])
    assert (failed.layer, failed.measure, failed.subject) == ("", "check", "residents")
    assert "expected 11,825,551, found 9" in failed.sentence


def test_differences_are_recorded_once_and_reported_whatever_they_contain(
    database: Database, dataset: Dataset
) -> None:
    shown(database, dataset, 2024)
    staging = edition_of(database, dataset, 2025, GROWTH + MERGED.format("A10", "A11"))
    found = precedent(database, staging)
    changes, drafts = compare(database, staging, found)
    hostile = Change(layer="a|b\n# c", measure="check", subject="`<script>`", sentence="| *x*\n.")
    for _ in range(2):
        with database.session() as cursor:
            record(cursor, staging, found, [*changes, hostile], drafts)
    kept = database.rows(
        "SELECT ordinal, measure, within, sentence FROM catalog.change WHERE (dataset, number) ="
        " (%s, %s) ORDER BY ordinal",
        *(dataset.slug, staging.edition),
    )
    told = [(n, c.measure, c.within, c.sentence) for n, c in enumerate([*changes, hostile], 1)]
    assert kept == told
    events = "SELECT event, kind FROM catalog.ledger_draft WHERE dataset = %s"
    assert database.rows(events, dataset.slug) == [("2025-01-01: A10 A11 > A10", "merged")]
    compared = "SELECT compared_with FROM catalog.edition WHERE dataset = %s AND number = %s"
    assert database.value(compared, dataset.slug, staging.edition) == found.number
    page = report(str(found), [*changes, hostile], drafts)
    assert page.startswith("### What changed since edition 1 of 2024\n\nAll ")
    assert "```\n2025-01-01: A10 A11 > A10\n```" in page
    assert "\n#### a\\|b \\# c\n" in page
    assert "\\`\\<script\\>\\`" in page
    assert "| keys new |" not in page
    assert "areas: 1 gone by code: A11" in page
    assert report("", [], []).startswith("### Nothing to compare it with\n\nNo edition of")


def test_any_two_editions_that_are_there_are_compared_for_people(
    database: Database, dataset: Dataset
) -> None:
    one, other = shown(database, dataset, 2023), shown(database, dataset, 2025, GROWTH)
    changes, _ = between(database, dataset.slug, one.edition, other.edition)
    assert judge(changes) == []
    [total] = [c for c in changes if (c.measure, c.subject) == ("total", "people")]
    assert (total.before, total.after) == ("104950", "105650")
    back, _ = between(database, dataset.slug, other.edition, one.edition)
    assert [c.after for c in back if (c.measure, c.subject) == ("total", "people")] == ["104950"]
    with pytest.raises(ConfigurationError, match="there: 1 of 2023, 2 of 2025"):
        between(database, dataset.slug, one.edition, 7)


@pytest.mark.parametrize(
    ("areas", "lonely"),
    [
        (["POLYGON((0 0,2 0,2 2,0 2,0 0))", "POLYGON((2 0,4 0,4 2,2 2,2 0))"], 0),
        (["POLYGON((0 0,2 0,2 2,0 2,0 0))", "POLYGON((2 2,4 2,4 4,2 4,2 2))"], 0),
        (["POLYGON((0 1,3 1,3 2,0 2,0 1))", "POLYGON((1 0,2 0,2 3,1 3,1 0))"], 0),
        (["POLYGON((0 0,2 0,2 2,0 2,0 0))", "POLYGON((3 0,4 0,4 2,3 2,3 0))"], 2),
        (
            [
                "POLYGON((0 0,9 0,9 9,0 9,0 0),(2 2,2 8,8 8,8 2,2 2))",
                "POLYGON((4 4,6 4,6 6,4 6,4 4))",
            ],
            2,
        ),
        (
            [
                "MULTIPOLYGON(((7 7,8 7,8 8,7 8,7 7)),((0 0,2 0,2 2,0 2,0 0)))",
                "MULTIPOLYGON(((2 0,4 0,4 2,2 2,2 0)))",
            ],
            0,
        ),
        (["POLYGON((0 0,2 0,2 2,0 2,0 0))", "POLYGON EMPTY", None], 2),
    ],
    ids=["edge", "corner", "cross", "apart", "hole", "second part", "empty"],
)
def test_areas_that_touch_no_other_are_counted(
    database: Database, areas: list[str | None], lonely: int
) -> None:
    with database.session() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE shapes (geom geometry) ON COMMIT DROP")
        cursor.execute("INSERT INTO shapes SELECT unnest(%s::text[])::geometry", (areas,))
        cursor.execute(sql.SQL(SELECT_LONELY).format(table=sql.Identifier("shapes")))
        assert cursor.fetchall() == [(lonely,)]
