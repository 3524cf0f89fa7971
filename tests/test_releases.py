"""What a vintage is stands in one place: the form and the command line follow the table of releases
of an office.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from flows.belgium import belgium
from flows.offices import census_bureau, insee, sirene, statbel, statistik_austria
from tasks.running.command_line import parse

OFFERED = {
    "austria": statistik_austria.RELEASES,
    "belgium": statbel.RELEASES,
    "france": insee.RELEASES,
    "sirene": sirene.RELEASES,
    "united_states": census_bureau.SURVEYED,
    "united_states_estimates": census_bureau.ESTIMATED,
    "united_states_income": census_bureau.WITH_INCOME,
}


@pytest.mark.parametrize("name", OFFERED)
def test_a_flow_offers_the_years_of_its_office(name: str) -> None:
    flow = getattr(importlib.import_module(f"flows.{name}"), name)
    form: dict[str, Any] = parameter_schema(flow).model_dump_for_openapi()["properties"]["vintage"]
    assert form["enum"] == list(OFFERED[name])
    assert (form["type"], form["default"] in form["enum"]) == ("integer", True)
    assert form["description"].startswith(("Year of", "Last of"))


def test_the_command_line_shows_the_years_and_refuses_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parse(belgium, ["--vintage", "2018"]) == {"vintage": 2018}
    for typed, said in ((["--help"], "2018, 2019"), (["--vintage", "1999"], "Choose from: 2018")):
        with pytest.raises(SystemExit):
            parse(belgium, typed)
        shown = capsys.readouterr()
        assert said in shown.out + shown.err
    with pytest.raises(ParameterTypeError, match="Input should be 2018, 2019"):
        belgium.validate_parameters({"vintage": 1999, "mirror": None, "rebuild": False})


def test_the_newest_facts_of_the_publishers_are_declared() -> None:
    """Sheet of corrections of November 2026: C5, C7, C8, C10."""
    of_2019 = statbel.population(2019)
    assert of_2019.urls[0].endswith("/OPEN%20DATA_SECTOREN_2019.zip")
    assert of_2019.confidence == "medium"
    estimates = census_bureau.county_estimates(2025)
    assert estimates.urls[0].endswith("/2020-2025/counties/totals/co-est2025-alldata.csv")
    assert estimates.totals["population"].expected == 341_784_857
    assert census_bureau.counties(2025).urls[0].endswith("/GENZ2025/shp/cb_2025_us_county_500k.zip")
    assert (max(census_bureau.ESTIMATED), max(census_bureau.WITH_INCOME)) == (2025, 2024)
    assert statistik_austria.population(2026).totals["population"].expected == 9_215_956
