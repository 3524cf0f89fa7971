"""Joins and checks on small tables in a real staging schema."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from tasks.core.catalog import layers
from tasks.core.catalog.column_rules import column_comments, write_comments
from tasks.core.catalog.provenance import record_code_change, record_step
from tasks.core.making.joining import scripts
from tasks.core.model.declarations import Licence, Publisher, Rows, Source, Table, Total
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Input, Original, Staging
from tasks.core.postgres.database import Database
from tasks.verbs import checks, joins

SOURCE = Source(
    slug="figures",
    vintage=2020,
    title="Figures",
    publisher=Publisher(slug="o", name="O", url=""),
    landing_page="",
    urls=("https://o.example",),
    licence=Licence(slug="l", title="L", url="", attribution=""),
    container="text",
    reads=Table(columns={}),
    reference_date=date(2020, 1, 1),
    released="yearly",
    confidence="high",
)


def given(name: str, **facts: Any) -> Input:
    """An input under the name of its table, of which the publisher states these facts."""
    source, now = replace(SOURCE, **facts), datetime.now(UTC)
    original = Original(
        source=source, sha256="0" * 64, size=1, url="", retrieved_at=now, state="new"
    )
    return Input(name=name, original=original)


@pytest.fixture
def tables(database: Database, staging: Staging) -> Staging:
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE areas (code text, parent text); INSERT INTO areas VALUES ('01', 'A'),"
            " ('02', 'A'), ('03', 'B');CREATE TABLE figures (code text, people bigint); INSERT INTO"
            " figures VALUES ('01', 10), ('02', 20), ('09', 5), ('AZZZZ', 3)"
        )
    return staging


def verdicts(database: Database, staging: Staging) -> list[tuple[str, str, str, bool]]:
    return database.rows(
        "SELECT title, expected, found, passed FROM catalog.check_result WHERE dataset = %s AND"
        " number = %s ORDER BY at",
        staging.dataset.slug,
        staging.edition,
    )


def check_join(staging: Staging, **changed: object) -> None:
    arguments = {
        "areas": "areas",
        "figures": "figures",
        "key": "code",
        "population": "people",
        "unlocated": "%ZZZZ",
    } | changed
    joins.check_join.fn(staging, **arguments)


def test_orphans_of_both_sides_are_named_and_the_population_is_weighed(
    database: Database, tables: Staging
) -> None:
    with pytest.raises(
        CheckFailed,
        match=(
            r"2 of 3 areas matched, 2 of 3 figures matched, 85.71% of the population; .* areas"
            r" without figures: 03; figures without area: 09"
        ),
    ):
        check_join(tables)
    report = database.rows(
        "SELECT area_count, areas_matched, figure_count, figures_matched, figures_unlocated,"
        " population, population_matched, population_unlocated, areas_orphaned, figures_orphaned"
        " FROM catalog.join_report WHERE dataset = %s AND number = %s",
        tables.dataset.slug,
        tables.edition,
    )
    assert report == [(3, 2, 3, 2, 1, 35, 30, 3, ["03"], ["09"])]
    assert verdicts(database, tables)[0][3] is False


def test_a_join_that_is_good_enough_or_only_advised_passes(tables: Staging) -> None:
    check_join(tables, areas_matched=0.6, figures_matched=0.6)


def test_an_advised_join_reports_and_goes_on(database: Database, tables: Staging) -> None:
    check_join(tables, required=False)
    assert verdicts(database, tables)[0][3] is False


def test_a_script_is_held_to_its_first_lines(
    database: Database, tables: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "SQL", tmp_path)
    header = "-- reads: areas, figures\n-- makes: joined\n-- settings: geodata.vintage\n"
    body = (
        "CREATE TABLE joined AS SELECT code, people, current_setting('geodata.vintage') AS year"
        " FROM areas JOIN figures USING (code);\n"
    )
    (tmp_path / "good.sql").write_text(header + body)
    assert scripts.run(database, tables, "good.sql") == {"joined": 2}
    with database.session(tables.schema) as cursor:
        cursor.execute("SELECT DISTINCT year FROM joined")
        assert cursor.fetchall() == [("2020",)]
    for name, text, told in (
        ("headless.sql", body, "three comment lines"),
        (
            "reads.sql",
            header.replace("figures", "incomes") + "SELECT 1",
            "reads incomes, but .* holds only areas, figures, joined",
        ),
        ("makes.sql", header.replace("joined", "other") + "SELECT 1", "makes other"),
        ("wrong.sql", header + "SELECT nothing FROM areas", 'column "nothing" does not exist'),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises((CheckFailed, ConfigurationError), match=told):
            scripts.run(database, tables, name)


RULE = "{} [unit: x; aggregate: none; from: {}]".format


def described(database: Database, staging: Staging, said: dict[str, str]) -> None:
    with database.session(staging.schema) as cursor:
        for column, comment in said.items():
            table, name = column.split(".")
            write_comments(cursor, sql.Identifier(table), {name: comment})


def test_columns_a_script_does_not_describe_are_described_as_in_the_tables_it_reads(
    database: Database, tables: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "SQL", tmp_path)
    described(
        database,
        tables,
        {
            "areas.code": RULE("Code of the area", "zz-areas.code"),
            "areas.parent": "zz-areas.parent",
            "figures.code": RULE("Code in the figures", "zz-figures.code"),
            "figures.people": RULE("Residents", "zz-figures.people"),
        },
    )
    body = (
        "CREATE TABLE joined AS SELECT code, parent, people, 2 * people AS twice FROM areas JOIN"
        " figures USING (code);CREATE TABLE counted AS SELECT code, people, twice FROM joined;"
        f"COMMENT ON COLUMN joined.twice IS '{RULE('Twice', 'computed')}';"
        f"COMMENT ON COLUMN counted.people IS '{RULE('Persons', 'computed')}';"
        "SELECT geodata.copy_comments('figures', 'counted');"
    )
    header = "-- reads: areas,\n--     figures\n-- makes: joined, counted\n-- settings: none\n"
    (tmp_path / "carried.sql").write_text(header + body)
    assert scripts.run(database, tables, "carried.sql") == {"joined": 2, "counted": 2}
    assert column_comments(database, tables.schema, "joined") == {
        "code": RULE("Code of the area", "zz-areas.code"),
        "parent": None,
        "people": RULE("Residents", "zz-figures.people"),
        "twice": RULE("Twice", "computed"),
    }
    assert column_comments(database, tables.schema, "counted") == {
        "code": RULE("Code in the figures", "zz-figures.code"),
        "people": RULE("Persons", "computed"),
        "twice": RULE("Twice", "computed"),
    }


def test_a_computed_column_that_no_script_describes_is_not_sealed(
    database: Database, tables: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "SQL", tmp_path)
    described(database, tables, {"areas.code": RULE("Code", "zz-areas.code")})
    (tmp_path / "computed.sql").write_text(
        "-- reads: areas\n-- makes: joined\n-- settings: none\n"
        "CREATE TABLE joined AS SELECT code, length(code) AS letters FROM areas;"
        "COMMENT ON TABLE joined IS 'Areas';"
    )
    scripts.run(database, tables, "computed.sql")
    with pytest.raises(CheckFailed, match=r"1 do not: letters \(no comment\)"):
        layers.seal(database, tables, "joined", ("code",))


def test_rows_and_different_values_are_held(database: Database, tables: Staging) -> None:
    checks.check_rows.fn(
        tables,
        given("areas", rows=Rows.exactly(3), distinct={"parent": 2}),
    )
    with pytest.raises(CheckFailed, match="expected 4 to 9, found 3"):
        checks.check_rows.fn(tables, given("areas", rows=Rows(low=4, high=9)))
    with pytest.raises(CheckFailed, match=r"'different parent in areas' .* expected 3, found 2"):
        checks.check_rows.fn(tables, given("areas", distinct={"parent": 3}))
    with pytest.raises(CheckFailed, match=r"'different parent in areas' .* expected 3, found 2"):
        checks.check_rows.fn(tables, given("other", distinct={"parent": 3}), table="areas")


def test_totals_are_held_within_their_tolerance(database: Database, tables: Staging) -> None:
    checks.check_totals.fn(
        tables, given("figures", totals={"people": Total(expected=38.3, tolerance=0.01)})
    )
    with pytest.raises(CheckFailed, match="expected 40"):
        checks.check_totals.fn(tables, given("figures", totals={"people": Total(expected=40)}))


def test_keys_are_held(database: Database, tables: Staging) -> None:
    checks.check_keys.fn(tables, "areas", ("code",), pattern=r"^\d{2}$")
    with pytest.raises(CheckFailed, match="AZZZZ"):
        checks.check_keys.fn(tables, "figures", ("code",), pattern=r"^\d{2}$")
    with pytest.raises(CheckFailed, match=r"key of areas unique.*found A"):
        checks.check_keys.fn(tables, "areas", ("parent",))


def test_nobody_is_lost_on_the_way(database: Database, tables: Staging) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("CREATE TABLE summed AS SELECT sum(people) AS people FROM figures")
    checks.check_conserved.fn(tables, "people", "figures", "summed")
    with database.session(tables.schema) as cursor:
        cursor.execute("UPDATE summed SET people = 37")
    with pytest.raises(CheckFailed, match="expected 38, found 37"):
        checks.check_conserved.fn(tables, "people", "figures", "summed")


@pytest.mark.parametrize(
    ("parts", "wholes", "found"),
    [
        ("('A', 3), ('A', 4), ('B', NULL)", "('A', 7), ('B', NULL)", ""),
        ("('A', 3), ('A', 4.05)", "('A', 7)", ""),  # within the tolerance
        ("('A', 3), ('A', 4)", "('A', 5), ('A', 2)", ""),  # a whole of two rows
        ("('A', -3)", "('A', -2)", ""),
        ("('A', 3), ('A', 5), ('B', 1)", "('A', 7), ('B', 1)", r"A \(8 of 7\)"),
        ("('A', 3)", "('B', 7)", r"A \(3 of none\)"),
        ("('A', 3)", "('A', 7), ('A', NULL)", r"A \(3 of none\)"),
        ("('A', 3), (NULL, 2)", "('A', 7), (NULL, 9)", r"nowhere \(2 of none\)"),
    ],
)
def test_parts_are_held_to_their_whole(
    database: Database, tables: Staging, parts: str, wholes: str, found: str
) -> None:
    with database.session(tables.schema) as cursor:
        for name, rows in (("parts", parts), ("wholes", wholes)):
            cursor.execute(f"CREATE TABLE {name} (code text, earned numeric)")
            cursor.execute(f"INSERT INTO {name} VALUES {rows}")
    held = partial(checks.check_within.fn, tables, "earned", "parts", "wholes", by="code")
    if not found:
        held(tolerance=0.01)
        return
    with pytest.raises(CheckFailed, match=f"found {found}"):
        held(tolerance=0.01)


def test_parts_without_figures_are_no_pass(database: Database, tables: Staging) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("CREATE TABLE parts AS SELECT 'A' AS code, NULL::numeric AS earned")
        cursor.execute("CREATE TABLE wholes AS SELECT 'A' AS code, 7 AS earned")
    checks.check_within.fn(tables, "earned", "parts", "wholes", by="code")
    verdict = "SELECT passed, required FROM catalog.check_result ORDER BY at DESC LIMIT 1"
    assert database.rows(verdict) == [(False, False)]


def test_geometries_are_held_to_be_there_and_valid(database: Database, tables: Staging) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("CREATE TABLE shapes AS SELECT ST_MakeEnvelope(0, 0, 1, 1, 31370) AS geom")
    checks.check_topology.fn(tables, "shapes")
    with database.session(tables.schema) as cursor:
        cursor.execute(
            "INSERT INTO shapes VALUES (NULL), (ST_GeomFromText('POLYGON((0 0, 1 1, 0 1, 1 0, 0"
            " 0))', 31370))"
        )
    with pytest.raises(CheckFailed, match="found 2"):
        checks.check_topology.fn(tables, "shapes")


def test_figures_that_recode_named_are_missing_from_the_shares_unless_allowed(
    database: Database, tables: Staging
) -> None:
    with database.session() as cursor:
        record_code_change(
            cursor,
            tables,
            "figures",
            "09 split into 10 + 11",
            ["09"],
            ["10", "11"],
            "named",
            "no telling",
        )
    with pytest.raises(
        CheckFailed,
        match=(
            r"2 of 3 figures matched, 85\.71% of the population; .*1 figures have codes that the"
            r" ledger names"
        ),
    ):
        check_join(tables, areas_matched=0.5, named_at_most=0.3)
    with database.session(tables.schema) as cursor:
        cursor.execute(
            "DELETE FROM catalog.join_report WHERE dataset = %s AND number = %s",
            (tables.dataset.slug, tables.edition),
        )
    check_join(tables, areas_matched=0.5, named_at_most=0.34)
    orphans = (
        "SELECT figure_count, figures_matched, figures_orphaned FROM catalog.join_report WHERE"
        " dataset = %s AND number = %s"
    )
    assert database.rows(orphans, tables.dataset.slug, tables.edition) == [(3, 2, [])]


def test_figures_of_other_kinds_of_area_are_left_aside_and_those_without_a_code_are_not(
    database: Database, tables: Staging
) -> None:
    check_join(tables, areas_matched=0.3, only="01%")
    with database.session(tables.schema) as cursor:
        cursor.execute(
            "DELETE FROM catalog.join_report WHERE dataset = %s AND number = %s",
            (tables.dataset.slug, tables.edition),
        )
        cursor.execute(
            "DELETE FROM figures WHERE code = '09'; INSERT INTO figures VALUES (NULL, 70)"
        )
    with pytest.raises(CheckFailed, match=r"2 of 3 figures matched, 30\.00% of the population"):
        check_join(tables, areas_matched=0.5)


def test_rows_of_each_kind_are_held(database: Database, tables: Staging) -> None:
    kinds = {"parent": {"A": Rows.exactly(2), "B": Rows(low=1, high=5)}}
    checks.check_rows.fn(tables, given("areas", rows=Rows.exactly(3), counts=kinds))
    assert [title for title, *_ in verdicts(database, tables)] == [
        "rows of areas",
        "rows of areas with parent A",
        "rows of areas with parent B",
    ]
    wrong = given("areas", counts={"parent": {"C": Rows.exactly(1)}})
    with pytest.raises(CheckFailed, match=r"rows of areas with parent C.*expected 1, found 0"):
        checks.check_rows.fn(tables, wrong)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("(NULL), (NULL)", "found 0 in 0 of 2 rows, of no value at all"),
        ("('NaN'), (1)", "found NaN in 2 of 2 rows"),
        ("('Infinity')", "found Infinity in 1 of 1 rows"),
    ],
)
def test_a_total_of_nothing_or_of_no_number_is_no_pass(
    database: Database, tables: Staging, values: str, told: str
) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute(f"CREATE TABLE odd (people float); INSERT INTO odd VALUES {values}")
        cursor.execute("CREATE TABLE same AS SELECT * FROM odd")
    wanted = {"people": Total(expected=0, tolerance=1)}
    with pytest.raises(CheckFailed, match=told):
        checks.check_totals.fn(tables, given("odd", totals=wanted))
    with pytest.raises(CheckFailed, match=told):
        checks.check_conserved.fn(tables, "people", "odd", "same")


def test_checks_of_an_empty_table_are_no_pass(database: Database, tables: Staging) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("CREATE TABLE empty (code text, people bigint, geom geometry)")
    none = Rows(low=0, high=9)
    with pytest.raises(CheckFailed, match="found 0, of no value at all"):
        checks.check_rows.fn(tables, given("empty", rows=none))
    for column in ("code", "people"):
        with pytest.raises(CheckFailed, match="of no value at all"):
            checks.check_keys.fn(tables, "empty", (column,), pattern="^[0-9]+$")
    with pytest.raises(CheckFailed, match="found 0 of 0, of no value at all"):
        checks.check_topology.fn(tables, "empty")
    for sides in (("empty", "figures"), ("areas", "empty"), ("empty", "empty")):
        with pytest.raises(CheckFailed, match="do not belong together"):
            check_join(
                tables, areas=sides[0], figures=sides[1], areas_matched=0.0, figures_matched=0.0
            )


def test_kinds_and_different_values_of_an_empty_column_are_no_pass(
    database: Database, tables: Staging
) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("UPDATE areas SET parent = NULL")
    for facts in ({"distinct": {"parent": 0}}, {"counts": {"parent": {"A": Rows(low=0, high=9)}}}):
        with pytest.raises(CheckFailed, match="found 0, of no value at all"):
            checks.check_rows.fn(tables, given("areas", **facts))


@pytest.mark.parametrize("population", ["NULL", "0", "'NaN'"])
def test_a_join_whose_figures_count_nobody_is_no_pass(
    database: Database, tables: Staging, population: str
) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("ALTER TABLE figures ALTER people TYPE float")
        cursor.execute(f"UPDATE figures SET people = {population}")
    with pytest.raises(CheckFailed, match="do not belong together"):
        check_join(tables, areas_matched=0.5, figures_matched=0.5)


def test_checks_of_what_is_not_there_are_explained(tables: Staging) -> None:
    for check in (
        lambda: checks.check_rows.fn(tables, given("towns")),
        lambda: checks.check_keys.fn(tables, "areas", ("name",)),
        lambda: checks.check_totals.fn(tables, given("areas", totals={"code": Total(expected=1)})),
        lambda: checks.check_topology.fn(tables, "areas"),
        lambda: checks.check_conserved.fn(tables, "people", "figures", "areas"),
    ):
        with pytest.raises(ConfigurationError, match=r"cannot be made in .*: .*correct the table"):
            check()


@pytest.mark.parametrize(
    ("area", "figure"),
    [
        ("Z\u00fcrich", "Zu\u0308rich"),
        ("1001", "01001"),
        ("2A004", "2a004"),
        ("Sankt P\u00f6lten", " Sankt  P\u00f6lten\u00a0"),
    ],
)
def test_codes_that_would_match_if_written_alike_are_named(
    database: Database, tables: Staging, area: str, figure: str
) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("DELETE FROM areas; INSERT INTO areas VALUES (%s, 'A')", (area,))
        cursor.execute("DELETE FROM figures; INSERT INTO figures VALUES (%s, 5)", (figure,))
    with pytest.raises(CheckFailed, match=r"0 of 1 areas matched.*would meet if both files wrote"):
        check_join(tables)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER figures.code bigint", "text in areas and bigint in figures: declare it as text"),
        ("ALTER areas.code double precision", "double precision in areas and text in figures"),
        ("ALTER figures.people text", "population people of figures .* is text"),
        ("RENAME figures.code TO place", "figures was expected to have the column code, and its"),
    ],
)
def test_keys_of_different_types_are_a_matter_of_declarations(
    database: Database, tables: Staging, change: str, told: str
) -> None:
    verb, place, *rest = change.split(" ", 2)
    table, column = place.split(".")
    how = f"TYPE {rest[0]} USING NULL" if verb == "ALTER" else rest[0]
    with database.session(tables.schema) as cursor:
        cursor.execute(f"ALTER TABLE {table} {verb} COLUMN {column} {how}")
    with pytest.raises(ConfigurationError, match=told):
        check_join(tables)


def test_keys_that_are_whole_numbers_on_both_sides_meet(
    database: Database, tables: Staging
) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute(
            "CREATE TABLE places AS SELECT n AS code FROM generate_series(1, 3) n;"
            "CREATE TABLE counts AS SELECT n::bigint AS code, 5 AS people FROM"
            " generate_series(1, 3) n"
        )
    check_join(tables, areas="places", figures="counts", areas_matched=1.0)


def test_missing_and_repeated_keys_are_counted(database: Database, tables: Staging) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("INSERT INTO areas VALUES (NULL, 'C'), ('01', 'A'), ('01', 'A')")
        cursor.execute("INSERT INTO figures VALUES ('02', 1)")
    with pytest.raises(
        CheckFailed,
        match=r"2 of 4 areas matched.*1 codes have several rows of areas; 1 codes have several rows"
        r" of figures.*areas without figures: 03, no code",
    ):
        check_join(tables)


def test_after_recoding_nobody_is_advised_to_recode(database: Database, tables: Staging) -> None:
    step = (tables, "recode", "figures", "Carried", 1, 0.1, 1.0, {})
    record_step(database, *step)
    with pytest.raises(CheckFailed, match="add the missing events to the ledger") as raised:
        check_join(tables)
    assert "or recode" not in str(raised.value)


def test_the_report_keeps_what_the_ledger_named_and_a_thousand_orphans(
    database: Database, tables: Staging
) -> None:
    with database.session(tables.schema) as cursor:
        told = (["09"], ["10", "11"], "named", "no telling")
        record_code_change(cursor, tables, "figures", "09 split into 10 + 11", *told)
        cursor.execute("INSERT INTO areas SELECT 'x' || n FROM generate_series(1, 3000) n")
    check_join(tables, required=False)
    assert database.rows(
        "SELECT figures_named, population_named, cardinality(areas_orphaned) FROM"
        " catalog.join_report WHERE dataset = %s AND number = %s",
        tables.dataset.slug,
        tables.edition,
    ) == [(1, 5, 1000)]


def test_a_figure_that_means_two_things_or_is_of_another_kind_takes_no_description(
    database: Database, tables: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "SQL", tmp_path)
    rule = "{} [unit: {}; aggregate: sum; from: {}]".format
    with database.session(tables.schema) as cursor:
        cursor.execute("ALTER TABLE areas ADD people numeric")
    told = {"figures.people": rule("Residents", "persons", "a.P"), "areas.code": RULE("Code", "a")}
    described(database, tables, told)
    header = "-- reads: areas, figures\n-- makes: joined\n-- settings: none\n"
    made = "DROP TABLE IF EXISTS joined; CREATE TABLE joined AS SELECT length(code) AS code, people"
    (tmp_path / "alike.sql").write_text(f"{header}{made} FROM figures")
    scripts.run(database, tables, "alike.sql")
    assert column_comments(database, tables.schema, "joined") == {
        "code": None,
        "people": rule("Residents", "persons", "a.P"),
    }
    described(database, tables, {"areas.people": rule("Homes", "dwellings", "b.H")})
    with pytest.raises(CheckFailed, match=r"people of joined .* means several \(dwellings, sum in"):
        scripts.run(database, tables, "alike.sql")
    own = f"; COMMENT ON COLUMN joined.people IS '{rule('Both', 'persons', 'computed')}'"
    (tmp_path / "alike.sql").write_text(f"{header}{made} FROM figures{own}")
    assert scripts.run(database, tables, "alike.sql") == {"joined": 4}


@pytest.mark.parametrize(
    ("column", "is_kept"),
    [
        ("people", True),
        ("people AS people", True),
        ("sum(people)::bigint AS people", True),
        ("coalesce(sum(people), 0)::numeric(12, 0) AS people", True),
        ("CASE WHEN count(*) > 9 - 1 THEN 0 ELSE min(people) END AS people", True),
        ("round(max(people)) AS people", True),
        ("2 * people AS people", False),
        ("sum(people) / 1000 AS people", False),
        ("people - 1 AS people", False),
        ("(people + people)::bigint AS people", False),
        ("sqrt(people)::integer AS people", False),
        ("length(code) AS people", False),
        ('sum(people) % 7 AS "people"', False),
    ],
)
def test_a_computed_column_takes_no_description_of_its_name(
    column: str,
    is_kept: bool,
    database: Database,
    tables: Staging,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scripts, "SQL", tmp_path)
    said = RULE("Residents", "a.P")
    described(database, tables, {"figures.people": said})
    (tmp_path / "a.sql").write_text(
        "-- reads: figures\n-- makes: joined\n-- settings: none\n"
        f"CREATE TABLE joined AS SELECT code, {column} FROM figures GROUP BY code, people;"
    )
    scripts.run(database, tables, "a.sql")
    kept = column_comments(database, tables.schema, "joined")["people"]
    assert kept == (said if is_kept else None)


def test_a_join_checked_again_keeps_the_last_report(database: Database, tables: Staging) -> None:
    for matched in (0.0, 0.6):
        check_join(tables, areas_matched=matched, figures_matched=0.6)
    query = "SELECT count(*) FROM catalog.join_report WHERE dataset = %s AND number = %s"
    assert database.rows(query, tables.dataset.slug, tables.edition) == [(1,)]


def test_codes_that_are_whole_numbers_can_be_of_one_kind(
    database: Database, tables: Staging
) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("CREATE TABLE wards AS SELECT generate_series(10, 19) AS code")
        cursor.execute("CREATE TABLE votes AS SELECT generate_series(10, 29) AS code")
    check_join(tables, areas="wards", figures="votes", population=None, only="1%")


def test_missing_codes_of_both_sides_are_not_said_to_be_alike(
    database: Database, tables: Staging
) -> None:
    with database.session(tables.schema) as cursor:
        cursor.execute("INSERT INTO areas VALUES (NULL); INSERT INTO figures VALUES (NULL, 1)")
    with pytest.raises(CheckFailed, match=r"without figures: 03, no code; .* same vintage, or rec"):
        check_join(tables)
