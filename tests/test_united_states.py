"""The United States from the Census Bureau's file formats to published layers; real counties
carried over their changes of codes.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from synthetic import united_states as synthetic
from synthetic.defects import Defects

from flows.offices import census_bureau as census
from flows.offices.census_bureau_columns import VARIABLES
from flows.united_states import united_states
from flows.united_states_estimates import united_states_estimates
from flows.united_states_income import united_states_income
from tasks.core.postgres.database import Database
from tasks.running.site import site

# The database ends the connection that loads the tracts of California, once: a real outage in the
# middle of the country.
OUTAGE = """
CREATE SEQUENCE public.outages;
CREATE FUNCTION public.outage() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands()
                WHERE object_identity LIKE '%tract_shapes_06') THEN
        IF nextval('public.outages') = 1 THEN
            RAISE EXCEPTION 'terminating connection due to administrator command'
                  USING ERRCODE = 'admin_shutdown';
        END IF;
    END IF;
END $$;
CREATE EVENT TRIGGER outage ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION public.outage();
"""
RECOVERED = "DROP EVENT TRIGGER outage; DROP FUNCTION public.outage(); DROP SEQUENCE public.outages"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic country: all states and territories, 120 tracts, 300 block groups, with
    faults in their shapes.
    """
    folder = tmp_path_factory.mktemp("united_states")
    synthetic.write(
        folder,
        tracts=120,
        block_groups=300,
        vintages=(2023,),
        defects=Defects(overlaps=2, gaps=2, crossings=1),
    )
    return folder


def run(flow: Any, **parameters: Any) -> State[Any]:
    state: State[Any] = flow(**parameters, return_state=True)
    if not state.is_completed():
        state.result()
    return state


class Loads(logging.Handler):
    """The loads of geometries, by what their task runs say: what completed, what is tried again."""

    def __init__(self) -> None:
        super().__init__()
        self.completed, self.again = Counter[str](), Counter[str]()

    def emit(self, record: logging.LogRecord) -> None:
        name, said = getattr(record, "task_run_name", ""), record.getMessage()
        if name.startswith("load geometries"):
            self.completed[name] += said.startswith("Finished in state Completed")
            self.again[name] += " - Retry " in said


@pytest.fixture(scope="module")
def published(mirror: Path, prefect_server: None, cluster_database: Database) -> Iterator[Loads]:
    """The run that published 2023, during which the database failed while one state was loaded."""
    said, loads = logging.getLogger("prefect.task_runs"), Loads()
    with site().database.session() as cursor:
        cursor.execute(OUTAGE)
    said.addHandler(loads)
    try:
        try:
            run(united_states, vintage=2023, mirror=str(mirror))
        finally:
            said.removeHandler(loads)
        yield loads
    finally:
        with site().database.session() as cursor:
            cursor.execute(RECOVERED)


def test_every_level_has_the_same_people(published: Loads) -> None:
    people = {
        site().database.value(f"SELECT sum(population) FROM united_states.{layer}")
        for layer in ("states", "counties", "tracts", "block_groups")
    }
    assert len(people) == 1
    territory = site().database.value(
        "SELECT population FROM united_states.states WHERE geoid = '72'"
    )
    assert (
        site().database.value("SELECT sum(population) FROM united_states.divisions")
        == people.pop() - territory
    )
    assert site().database.rows(
        "SELECT (SELECT count(*) FROM united_states.tracts), (SELECT count(*) FROM"
        " united_states.block_groups)"
    ) == [(120, 300)]
    parents = (
        "SELECT count(*) FROM united_states.block_groups b LEFT JOIN united_states.tracts t ON"
        " t.geoid = b.tract_geoid WHERE t.geoid IS NULL"
    )
    assert site().database.value(parents) == 0


def test_estimates_have_margins_of_error_units_and_rules(published: Loads) -> None:
    described = site().database.rows(
        "SELECT name, data_type, unit, aggregation, origin FROM catalog.layer_column WHERE dataset"
        " = 'united_states' AND layer = 'tracts' AND name IN ('male_5_to_9', 'male_5_to_9_moe',"
        " 'median_household_income') ORDER BY name"
    )
    assert described == [
        ("male_5_to_9", "bigint", "persons", "sum", "us-acs-b01001.B01001_E004"),
        (
            "male_5_to_9_moe",
            "bigint",
            "persons",
            "root of squares",
            "us-acs-b01001.B01001_M004",
        ),
        (
            "median_household_income",
            "bigint",
            "USD/household",
            "none",
            "us-acs-b19013.B19013_E001",
        ),
    ]
    counted = (
        "SELECT count(*) FROM catalog.layer_column WHERE dataset = 'united_states' AND layer ="
        " 'tracts' AND name LIKE %s"
    )
    assert (
        site().database.value(counted, "%\\_moe")
        == sum(len(columns) for columns in VARIABLES.values()) / 2
        == 107
    )


def test_margins_of_divisions_are_roots_of_summed_squares_and_medians_are_left_out(
    published: Loads,
) -> None:
    wrong = (
        "SELECT count(*) FROM united_states.divisions d WHERE d.male_under_5_moe <> (SELECT"
        " round(sqrt(sum(s.male_under_5_moe ^ 2))) FROM united_states.states s WHERE"
        " s.division_code = d.division_code)"
    )
    assert site().database.value(wrong) == 0
    names = [
        name
        for (name,) in site().database.rows(
            "SELECT name FROM catalog.layer_column WHERE dataset = 'united_states' AND layer ="
            " 'divisions'"
        )
    ]
    assert site().database.rows(
        "SELECT DISTINCT population_moe, population_missing FROM united_states.divisions"
    ) == [(0, 0)]
    assert not {
        "median_household_income",
        "median_household_income_moe",
        "median_home_value",
    } & set(names)


def test_what_is_missing_says_why(published: Loads) -> None:
    reasons = site().database.rows(
        "SELECT geoid, population_reason FROM united_states.states WHERE population IS NULL ORDER"
        " BY 1"
    )
    assert [geoid for geoid, _ in reasons] == ["60", "66", "69", "78"]
    assert {reason for _, reason in reasons} == {
        "island area, where the American Community Survey is not taken"
    }
    controlled, margin = site().database.rows(
        "SELECT b01001_reasons, population_moe FROM united_states.states WHERE geoid = '06'"
    )[0]
    assert "population_moe: controlled to a known total, without sampling error" in controlled
    assert margin == 0
    unexplained = (
        "median_household_income < 0 OR (median_household_income IS NULL AND population > 0 AND"
        " b19013_reasons IS NULL)"
    )
    assert (
        site().database.value(
            f"SELECT count(*) FROM united_states.block_groups WHERE {unexplained}"
        )
        == 0
    )
    assert (
        site().database.value(
            "SELECT count(*) FROM united_states.block_groups WHERE b19013_reasons LIKE '%%not"
            " computable%%'"
        )
        > 0
    )


def test_an_outage_repeats_one_state_and_not_the_country(published: Loads) -> None:
    assert [*published.completed.values()] == [1] * (2 + 2 * len(census.STATES))
    assert +published.again == {"load geometries tract_shapes_06": 1}


def test_the_estimates_of_counties_and_their_incomes_are_datasets_of_their_own(
    published: Loads, mirror: Path
) -> None:
    run(united_states_estimates, vintage=2023, mirror=str(mirror))
    stated = json.loads((mirror / "mirror.json").read_text())["sources"][
        "us-county-estimates-2023"
    ]["totals"]["population"]
    assert site().database.rows(
        "SELECT sum(population), count(*) FROM united_states.division_population"
    ) == [(stated, 9)]
    run(united_states_income, vintage=2023, mirror=str(mirror))
    incomes = (
        "SELECT count(*), count(median_income), count(median_income_moe) FROM"
        " united_states.county_income WHERE households IS NOT NULL"
    )
    counties, medians, margins = site().database.rows(incomes)[0]
    assert counties >= medians >= margins > 0


# --- the publisher's real files


def real_mirror(folder: Path, files: Path, year: int, figures: dict[str, Any]) -> str:
    """The real counties of 2018 with figures of another year."""
    names = ["cb_2018_us_county_5m.zip", *(entry["path"] for entry in figures.values())]
    for name in names:
        (folder / name).symlink_to(files / "united_states" / name)
    sources = {
        f"us-counties-{year}": {"path": names[0], "rows": 3233, "codes_of": "2018-01-01"},
        **figures,
    }
    (folder / "mirror.json").write_text(
        json.dumps(
            {
                "label": "real-samples",
                "about": "Real files, some of them saved anew.",
                "sources": sources,
            }
        )
    )
    return str(folder)


def estimates(year: int, counties: int, residents: int) -> dict[str, Any]:
    encoding = "latin-1" if year == 2019 else "utf-8"
    entry = {
        "path": f"co-est{year}-alldata.csv.gz",
        "container": "gzip",
        "rows": counties,
        "totals": {"population": residents},
    }
    return {f"us-county-estimates-{year}": {**entry, "reads": {"encoding": encoding}}}


JOIN = (
    "SELECT area_count, areas_matched, figure_count, figures_matched, cardinality(figures_orphaned)"
    " FROM catalog.join_report"
)


@pytest.mark.real
def test_the_real_counties_of_2018_meet_the_estimates_of_2019(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    run(
        united_states_estimates,
        vintage=2019,
        mirror=real_mirror(tmp_path, real_files, 2019, estimates(2019, 3142, 328_239_523)),
    )
    assert other_database.rows(JOIN) == [(3233, 3142, 3142, 3142, 0)]
    territories = other_database.rows(
        "SELECT DISTINCT left(code, 2) FROM catalog.join_report, unnest(areas_orphaned) AS code"
        " ORDER BY 1"
    )
    assert [code for (code,) in territories] == ["60", "66", "69", "72", "78"]
    assert other_database.value("SELECT cardinality(areas_orphaned) FROM catalog.join_report") == 91
    assert other_database.rows(
        "SELECT sum(population), count(*) FROM united_states.division_population"
    ) == [(328_239_523, 9)]
    assert (
        other_database.value(
            "SELECT county_name FROM united_states.county_population WHERE geoid = '35013'"
        )
        == "Doña Ana"
    )


@pytest.mark.real
def test_the_ledger_brings_one_county_to_the_borders_of_2018_and_names_the_rest(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    run(
        united_states_estimates,
        vintage=2023,
        mirror=real_mirror(tmp_path, real_files, 2023, estimates(2023, 3144, 334_914_895)),
    )
    assert other_database.rows(JOIN) == [(3233, 3134, 3143, 3134, 0)]
    changes = other_database.rows(
        "SELECT verdict, before, after FROM catalog.code_change ORDER BY verdict"
    )
    assert changes[0] == ("carried", ["02063", "02066"], ["02261"])
    assert (changes[1][0], len(changes[1][1]), len(changes[1][2])) == ("named", 9, 8)
    valdez = other_database.rows(
        "SELECT population > 9000, code_change FROM united_states.county_population WHERE geoid ="
        " '02261'"
    )
    assert valdez == [(True, "02261 split into 02063 + 02066 on 2020-01-01")]
    connecticut = (
        "SELECT count(*), count(population), min(population_reason) FROM"
        " united_states.county_population WHERE state_code = '09'"
    )
    assert other_database.rows(connecticut) == [(8, 0, "no estimate under this code")]
    england = (
        "SELECT population_missing, population / estimated_land_km2 - density < 0.01 FROM"
        " united_states.division_population"
    )
    assert other_database.rows(f"{england} WHERE division_code = '1'") == [(8, True)]


@pytest.mark.real
def test_the_real_incomes_of_2023_keep_medians_apart_and_reasons_of_what_is_missing(
    real_files: Path, prefect_server: None, tmp_path: Path, other_database: Database
) -> None:
    table = {
        "us-s1901-2023": {
            "path": "ACSST5Y2023.S1901-Data.csv.gz",
            "container": "gzip",
            "rows": 3222,
        }
    }
    run(united_states_income, vintage=2023, mirror=real_mirror(tmp_path, real_files, 2023, table))
    assert other_database.rows(JOIN) == [(3233, 3212, 3221, 3212, 0)]
    figures = "households, households_moe, median_income, median_income_moe, from_200k_share"
    autauga = f"SELECT {figures} FROM united_states.county_income WHERE geoid = '01001'"
    assert [list(map(float, row)) for row in other_database.rows(autauga)] == [
        [22523, 431, 69841, 5512, 8.4]
    ]
    merged = other_database.rows(
        "SELECT households > 0, median_income FROM united_states.county_income WHERE geoid ="
        " '02261'"
    )
    assert merged == [(True, None)]
    assert (
        other_database.value(
            "SELECT count(*) FROM united_states.county_income WHERE median_income IS NULL AND"
            " income_reasons IS NULL"
        )
        == 0
    )
