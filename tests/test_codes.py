"""The ledger of code events, tables carried to the codes of another day, and codes held against the
publishers' lists.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from psycopg2 import sql

from flows.offices import census_bureau
from flows.offices.statbel_ledger import LEDGER as STATBEL_LEDGER
from flows.offices.statistik_austria_ledger import LEDGER as AUSTRIAN_LEDGER
from tasks.core.catalog.column_rules import column_comments
from tasks.core.making.codes import code_lists
from tasks.core.making.codes.ledger import CodeEvent, Ledger, WholeOrParts, ledger
from tasks.core.making.codes.recoding import recode, settle
from tasks.core.making.joining.united_tables import unite
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.verbs.code_events import check_codes

EVENTS = ledger("""
    2018-01-01: A > B
    2020-01-01: B C > D
    2021-01-01: E > E F
    2022-01-01: D G > G
    2023-01-01: H I > J K
""")
BEFORE, AFTER = date(2017, 6, 1), date(2024, 1, 1)
Fill = Callable[[str], str]


@pytest.fixture
def fill(database: Database, staging: Staging) -> Fill:
    """Run statements in the staging schema; returns the schema's name."""

    def run(statements: str) -> str:
        with database.session(staging.schema) as cursor:
            cursor.execute(statements)
        return staging.schema

    return run


def rows(database: Database, schema: str, query: str) -> list[tuple[object, ...]]:
    with database.session(schema) as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_a_ledger_is_read_from_lines() -> None:
    assert EVENTS.events[1] == CodeEvent(date(2020, 1, 1), ("B", "C"), ("D",))
    assert [event.kind for event in EVENTS.events] == [
        "recoded",
        "merged",
        "split",
        "merged",
        "redistributed",
    ]
    assert str(EVENTS.events[1]) == "B + C merged into D on 2020-01-01"
    with pytest.raises(ConfigurationError, match="2022-01-01: 70327 70330"):
        ledger("2020: A > B")


def test_events_after_one_another_are_one_route() -> None:
    routes = {route.before: route.after for route in EVENTS.routes(BEFORE, AFTER)}
    assert routes == {("A", "C", "G"): ("G",), ("E",): ("E", "F"), ("H", "I"): ("J", "K")}


def test_events_of_one_day_happen_at_once() -> None:
    renumbered = ledger("2019-01-01: 10 > 11\n2019-01-01: 11 > 12\n2020-01-01: 12 13 > 13")
    routes = {route.before: route.after for route in renumbered.routes(BEFORE, AFTER)}
    assert routes == {("10",): ("11",), ("11", "13"): ("13",)}


def test_what_merged_and_parted_again_has_not_changed() -> None:
    assert ledger("2018-01-01: A B > A\n2020-01-01: A > A B").routes(BEFORE, AFTER) == []


def test_only_events_between_the_two_days_count() -> None:
    routes = {
        route.before: route.after for route in EVENTS.routes(date(2018, 1, 1), date(2020, 1, 1))
    }
    assert routes == {("B", "C"): ("D",)}
    assert EVENTS.routes(date(2020, 1, 1), date(2020, 1, 1)) == []


def test_backwards_a_split_is_a_merger_and_a_merger_a_split() -> None:
    routes = {route.before: route.after for route in EVENTS.routes(AFTER, BEFORE)}
    assert routes == {("E", "F"): ("E",), ("G",): ("A", "C", "G"), ("J", "K"): ("H", "I")}


def test_figures_keep_their_rows_under_the_new_code(
    database: Database, staging: Staging, fill: Fill
) -> None:
    schema = fill(
        "CREATE TABLE people (code text, year integer, persons bigint); CREATE UNIQUE INDEX ON"
        " people (code, year);INSERT INTO people VALUES ('A', 1, 10), ('C', 1, 20), ('G', 1, 5),"
        " ('E', 1, 7), ('Z', 1, 1)"
    )
    done = recode(database, staging, "people", "code", EVENTS.routes(BEFORE, AFTER))
    assert rows(
        database, schema, "SELECT code, persons, published_code FROM people ORDER BY persons"
    ) == [("Z", 1, None), ("G", 5, "G"), ("E", 7, None), ("G", 10, "A"), ("G", 20, "C")]
    assert rows(database, schema, "SELECT DISTINCT code_change FROM people WHERE code = 'G'") == [
        (
            (
                "A recoded into B on 2018-01-01; B + C merged into D on 2020-01-01; D + G merged"
                " into G on 2022-01-01"
            ),
        )
    ]
    assert done.rows == 3
    assert [(outcome.verdict, outcome.reason) for outcome in done.named()] == [
        ("named", "E became E + F, and nothing tells what part went where")
    ]


def test_codes_that_were_handed_on_do_not_meet(
    database: Database, staging: Staging, fill: Fill
) -> None:
    schema = fill(
        "CREATE TABLE people (code text, persons bigint); INSERT INTO people VALUES ('10', 1),"
        " ('11', 2), ('20', 3)"
    )
    handed_on = ledger("2018-01-01: 20 > 21\n2019-01-01: 10 > 11\n2019-01-01: 11 > 12")
    recode(database, staging, "people", "code", handed_on.routes(BEFORE, AFTER))
    assert rows(database, schema, "SELECT code, persons FROM people ORDER BY persons") == [
        ("11", 1),
        ("12", 2),
        ("21", 3),
    ]
    exchanged = ledger("2019-01-01: 21 > 11\n2019-01-01: 11 > 21")
    with pytest.raises(CheckFailed, match="cannot be carried where areas exchanged them"):
        recode(database, staging, "people", "code", exchanged.routes(BEFORE, AFTER))


def test_a_run_repeated_after_an_outage_carries_nothing_twice(
    database: Database, staging: Staging, fill: Fill
) -> None:
    schema = fill(
        "CREATE TABLE people (code text, persons bigint); INSERT INTO people VALUES ('D', 10),"
        " ('G', 5), ('H', 1), ('I', 1)"
    )
    routes = EVENTS.routes(date(2021, 6, 1), AFTER)
    assert [
        outcome.verdict for outcome in recode(database, staging, "people", "code", routes).outcomes
    ] == ["carried", "named"]
    assert recode(database, staging, "people", "code", routes).outcomes == []
    assert rows(
        database, schema, "SELECT code, persons FROM people ORDER BY persons DESC, code"
    ) == [("G", 10), ("G", 5), ("H", 1), ("I", 1)]
    kept = (
        "SELECT verdict, before, after FROM catalog.code_change WHERE dataset = 'testland' AND"
        " number = %s ORDER BY verdict"
    )
    assert database.rows(kept, staging.edition) == [
        ("carried", ["D", "G"], ["G"]),
        ("named", ["H", "I"], ["J", "K"]),
    ]


def test_a_table_of_smaller_areas_is_not_dissolved(
    database: Database, staging: Staging, fill: Fill
) -> None:
    fill(
        "CREATE TABLE sectors (sector text PRIMARY KEY, code text, geom geometry(MultiPolygon,"
        f" 31287));INSERT INTO sectors VALUES ('1', 'D', {BOX.format(0, 1)}), ('2', 'D',"
        f" {BOX.format(1, 2)}), ('3', 'G', {BOX.format(2, 3)})"
    )
    with pytest.raises(
        CheckFailed, match=r"One row for each of D, G was expected in sectors .* it has 3"
    ):
        recode(database, staging, "sectors", "code", EVENTS.routes(date(2021, 6, 1), AFTER))


def test_areas_that_became_one_are_dissolved(
    database: Database, staging: Staging, fill: Fill
) -> None:
    schema = fill(
        "CREATE TABLE areas (code text PRIMARY KEY, name text, state text, number integer, geom"
        " geometry(MultiPolygon, 31287));INSERT INTO areas SELECT code, name, '7', number,"
        " ST_Multi(ST_MakeEnvelope(number, 0, number + 1, 1, 31287)) FROM (VALUES ('D', 'Dorf', 1),"
        " ('G', 'Gau', 2), ('X', 'Ix', 3)) AS v (code, name, number)"
    )
    recode(database, staging, "areas", "code", EVENTS.routes(date(2021, 6, 1), AFTER))
    shown = (
        "SELECT code, name, state, number, ST_Area(geom), ST_NumGeometries(geom), published_code"
        " FROM areas ORDER BY code"
    )
    assert rows(database, schema, shown) == [
        ("G", "Dorf + Gau", "7", None, 2.0, 1, "D + G"),
        ("X", "Ix", "7", 3, 1.0, 1, None),
    ]


def test_a_sum_that_would_not_be_whole_is_named_and_not_made(
    database: Database, staging: Staging, fill: Fill
) -> None:
    schema = fill(
        "CREATE TABLE people (code text, persons bigint); INSERT INTO people VALUES ('A', 10),"
        " ('G', 5)"
    )
    (outcome,) = recode(database, staging, "people", "code", EVENTS.routes(BEFORE, AFTER)).outcomes
    assert (outcome.verdict, outcome.reason) == ("named", "C is missing, and G would not be whole")
    assert rows(database, schema, "SELECT code FROM people ORDER BY 1") == [("A",), ("G",)]


def test_a_table_with_the_codes_of_two_days_is_refused(
    database: Database, staging: Staging, fill: Fill
) -> None:
    fill(
        "CREATE TABLE people (code text, persons bigint); INSERT INTO people VALUES ('B', 10),"
        " ('C', 5), ('D', 15)"
    )
    with pytest.raises(
        CheckFailed, match=r"it has D beside B, C .* correct the day declared with codes_of"
    ):
        recode(
            database, staging, "people", "code", EVENTS.routes(date(2019, 1, 1), date(2021, 1, 1))
        )


def test_a_table_without_changed_codes_is_left_alone(
    database: Database, staging: Staging, fill: Fill
) -> None:
    schema = fill(
        "CREATE TABLE people (code text, persons bigint); INSERT INTO people VALUES ('Z', 10)"
    )
    assert recode(database, staging, "people", "code", EVENTS.routes(BEFORE, AFTER)).outcomes == []
    assert rows(
        database, schema, "SELECT code, persons, published_code, code_change FROM people"
    ) == [("Z", 10, None, None)]
    with pytest.raises(
        CheckFailed, match="has no column commune of codes: its columns are code, persons"
    ):
        recode(database, staging, "people", "commune", EVENTS.routes(BEFORE, AFTER))


TOWN = "CREATE TABLE areas (code text PRIMARY KEY, geom geometry(MultiPolygon, 31287));"
BOX = "ST_Multi(ST_MakeEnvelope({}, 0, {}, 1, 31287))"
WHOLE, ONE, TWO = (
    f"('{code}', {BOX.format(*span)})"
    for code, span in (("W", (0, 2)), ("W1", (0, 1)), ("W2", (1, 2)))
)


@pytest.mark.parametrize(
    ("keep", "there", "left"),
    [
        ("parts", (WHOLE, ONE, TWO), ["W1", "W2"]),
        ("parts", (ONE, TWO), ["W1", "W2"]),
        ("whole", (WHOLE, ONE, TWO), ["W"]),
        ("whole", (WHOLE,), ["W"]),
        ("whole", (ONE, TWO), ["W"]),
    ],
)
def test_a_place_is_left_in_one_form(
    database: Database, fill: Fill, keep: str, there: tuple[str, ...], left: list[str]
) -> None:
    schema = fill(f"{TOWN} INSERT INTO areas VALUES {', '.join(there)}, ('Z', {BOX.format(5, 6)})")
    settle(database, schema, "areas", "code", WholeOrParts("W", ("W1", "W2"), keep))  # type: ignore[arg-type]
    assert [code for (code,) in rows(database, schema, "SELECT code FROM areas ORDER BY 1")] == [
        *left,
        "Z",
    ]
    assert rows(database, schema, "SELECT sum(ST_Area(geom)) FROM areas") == [(3.0,)]


@pytest.mark.parametrize(
    ("keep", "there", "reason"),
    [
        ("parts", (WHOLE,), "published as parts, and .* has W whole"),
        ("parts", (ONE,), "has 1 of its 2 parts"),
        ("whole", (ONE,), "published as whole, and .* has 1 of its 2 parts"),
        (
            "parts",
            (WHOLE, ONE, f"('W2', {BOX.format(1, 9)})"),
            "expected to cover the same ground as the whole in areas, and they cover 450.0%",
        ),
    ],
)
def test_a_place_that_cannot_be_had_in_that_form_is_refused(
    database: Database, fill: Fill, keep: str, there: tuple[str, ...], reason: str
) -> None:
    schema = fill(f"{TOWN} INSERT INTO areas VALUES {', '.join(there)}")
    with pytest.raises(CheckFailed, match=reason):
        settle(database, schema, "areas", "code", WholeOrParts("W", ("W1", "W2"), keep))  # type: ignore[arg-type]


def test_code_lists_are_kept_and_held_against_the_data(
    database: Database, staging: Staging, fill: Fill
) -> None:
    schema = fill(
        "CREATE TABLE sexes (code text, label text, label_en text);INSERT INTO sexes VALUES"
        " ('C11-1', 'männlich', 'male'), ('C11-2', 'weiblich', 'female');CREATE TABLE people"
        " (sex_code text, persons bigint); INSERT INTO people VALUES ('C11-1', 1), ('C11-3', 1),"
        " (NULL, 1);COMMENT ON COLUMN people.sex_code IS 'Sex [unit: code; aggregate:"
        " same; from: at-people.C-C11-0]';COMMENT ON COLUMN people.persons IS"
        " 'at-people.F-ISIS-1';CREATE TABLE headings (code text, label text); INSERT"
        " INTO headings VALUES ('C-C11-0', 'Geschlecht')"
    )
    assert code_lists.keep(database, staging, "sexes") == 2
    assert database.rows(
        "SELECT code, label, label_en, parent FROM catalog.code_label WHERE dataset = 'testland'"
        " AND number = %s ORDER BY code",
        staging.edition,
    ) == [("C11-1", "männlich", "male", None), ("C11-2", "weiblich", "female", None)]
    assert code_lists.unknown(database, schema, "people", "sex_code", "sexes") == ["C11-3"]
    assert code_lists.unlisted_headings(database, schema, "people", "headings") == ["F-ISIS-1"]


def test_rules_are_copied_where_there_is_no_comment(database: Database, fill: Fill) -> None:
    rule = "[unit: x; aggregate: none; from: x]"
    schema = fill(
        "CREATE TABLE a (x integer, y integer, z integer, o integer);"
        f"COMMENT ON COLUMN a.x IS 'ex {rule}'; COMMENT ON COLUMN a.y IS 'why''s {rule}';"
        "COMMENT ON COLUMN a.o IS 'only-its.origin';"
        "CREATE TABLE b (o integer, y integer, x integer); COMMENT ON COLUMN b.x IS 'own'"
    )
    assert rows(database, schema, "SELECT geodata.copy_comments('a', 'b')") == [(1,)]
    comments = "SELECT col_description('b'::regclass, n) FROM generate_series(1, 3) AS n"
    assert rows(database, schema, comments) == [(None,), (f"why's {rule}",), ("own",)]


@pytest.mark.parametrize("declared", [AUSTRIAN_LEDGER, STATBEL_LEDGER, census_bureau.COUNTIES])
def test_the_ledgers_of_the_countries_hold_together(declared: Ledger) -> None:
    for event in declared.events:
        assert len(set(event.before)) == len(event.before)
        assert len(set(event.after)) == len(event.after)
    recoded = [
        code
        for route in declared.routes(date(2000, 1, 1), date(2030, 1, 1))
        for code in route.before
    ]
    assert len(recoded) == len(set(recoded)), "each old code has one way"


def test_the_ledger_of_belgium_leads_from_589_to_565_municipalities() -> None:
    routes = STATBEL_LEDGER.routes(date(2011, 1, 1), date(2025, 1, 1))
    assert all(route.target for route in routes)
    assert 589 - sum(len(route.before) for route in routes) + len(routes) == 565


def test_the_columns_of_united_parts_come_from_all_their_files(
    database: Database, fill: Fill
) -> None:
    rule = "Land [unit: m²; aggregate: sum; from: {}]".format
    origins = {"01": "us-tracts-01.ALAND", "12": "us-tracts-12.ALAND", "72": "not in us-tracts-72"}
    schema = fill(
        "".join(
            f"CREATE TABLE part_{number} (land bigint, same text, unsaid text);"
            f"COMMENT ON COLUMN part_{number}.land IS '{rule(origin)}';"
            f"COMMENT ON COLUMN part_{number}.same IS '{rule('x')}';"
            f"COMMENT ON COLUMN part_{number}.unsaid IS '{origin}';"
            for number, origin in origins.items()
        )
    )
    unite(database, schema, "parts", [f"part_{number}" for number in origins])
    assert column_comments(database, schema, "parts") == {
        "land": rule("us-tracts-*.ALAND"),
        "same": rule("x"),
        "unsaid": "us-tracts-01.ALAND",
    }


@pytest.mark.parametrize(
    ("origins", "united"),
    [
        (("us-a.GEOID", "us-b.GEOID"), "us-*.GEOID"),
        (("us-a.GEOID", "us-a2.GEOID"), "us-a*.GEOID"),
        (("a.NAME_ID", "b.ID"), "*.NAME_ID or ID"),
        (("us-a.LAND", "us-a.ALAND"), "us-a.ALAND or LAND"),
        (("fr-a.pdf.X", "fr-b.pdf.X"), "fr-*.pdf.X"),
        (("us-01 geometry", "us-12 geometry"), "us-* geometry"),
        (("not in us-01", "not in us-12"), "not in us-*"),
    ],
)
def test_the_origin_of_united_columns_keeps_file_and_heading_apart(
    database: Database, fill: Fill, origins: tuple[str, str], united: str
) -> None:
    rule = "Land [unit: m²; aggregate: sum; from: {}]".format
    schema = fill(
        "".join(
            f"CREATE TABLE part_{place} (land bigint);"
            f"COMMENT ON COLUMN part_{place}.land IS '{rule(origin)}';"
            for place, origin in enumerate(origins)
        )
    )
    unite(database, schema, "parts", ["part_0", "part_1"])
    assert column_comments(database, schema, "parts") == {"land": rule(united)}


@pytest.mark.parametrize(
    "other",
    [
        "Land [unit: km²; aggregate: sum; from: b]",
        "Land [unit: m²; aggregate: none; from: b]",
        "Water [unit: m²; aggregate: sum; from: b]",
    ],
)
def test_parts_that_disagree_of_a_column_are_not_united(
    database: Database, fill: Fill, other: str
) -> None:
    schema = fill(
        "CREATE TABLE a (x bigint); CREATE TABLE b (x bigint);"
        "COMMENT ON COLUMN a.x IS 'Land [unit: m²; aggregate: sum; from: a]';"
        f"COMMENT ON COLUMN b.x IS '{other}'"
    )
    with pytest.raises(CheckFailed, match="The column x was expected to mean the same in a, b"):
        unite(database, schema, "both", ["a", "b"])


@pytest.mark.parametrize("parts", [[], ["there", "away"]])
def test_parts_that_are_not_there_are_named(
    database: Database, fill: Fill, parts: list[str]
) -> None:
    schema = fill("CREATE TABLE there (x bigint)")
    with pytest.raises(CheckFailed, match=r"away are not there|none is given"):
        unite(database, schema, "both", parts, "label")


def test_tables_of_parts_are_read_as_one(database: Database, fill: Fill) -> None:
    schema = fill(
        "CREATE TABLE tracts_01 (geoid text PRIMARY KEY, CHECK (geoid <> ''), land bigint); INSERT"
        " INTO tracts_01 VALUES ('01', 1), ('02', 2);CREATE TABLE tracts_02 (geoid text PRIMARY"
        " KEY, land bigint); INSERT INTO tracts_02 VALUES ('03', 4);CREATE TABLE tracts_04 (geoid"
        " text PRIMARY KEY, land text); COMMENT ON COLUMN tracts_01.land IS 'file: ALAND'"
    )
    assert unite(database, schema, "tracts", ["tracts_01", "tracts_02"]) == 3
    assert unite(database, schema, "tracts", ["tracts_01", "tracts_02"]) == 3, "it can be repeated"
    assert rows(
        database, schema, "SELECT sum(land), col_description('tracts'::regclass, 2) FROM tracts"
    ) == [(7, "file: ALAND")]
    assert unite(database, schema, "tracts", ["tracts_01", "tracts_02"], "state") == 3
    assert rows(database, schema, "SELECT geoid, state FROM tracts ORDER BY 1") == [
        ("01", "01"),
        ("02", "01"),
        ("03", "02"),
    ]
    with pytest.raises(
        CheckFailed, match="tracts_04 differs from tracts_01 by land bigint, land text"
    ):
        unite(database, schema, "tracts", ["tracts_01", "tracts_04"])
    assert (
        database.value(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, "tracts")))
        == 3
    )


def test_a_column_without_any_code_is_no_pass(
    database: Database, fill: Fill, staging: Staging
) -> None:
    fill(
        "CREATE TABLE list AS SELECT 'a' AS code, 'A' AS label;"
        "CREATE TABLE figures (kind text); INSERT INTO figures VALUES (NULL)"
    )
    with pytest.raises(CheckFailed, match="kind: no code at all"):
        check_codes.fn(staging, "figures", {"kind": "list"})
    fill("INSERT INTO figures VALUES ('a')")
    check_codes.fn(staging, "figures", {"kind": "list"})
