"""What a vintage is stands in one place: the form and the command line follow the table of releases
of an office.
"""

from __future__ import annotations

import importlib
from datetime import date
from typing import Any

import pytest
from prefect.exceptions import ParameterTypeError
from prefect.utilities.callables import parameter_schema

from flows.belgium import belgium
from flows.offices import census_bureau, ign, insee, sirene, statbel, statistik_austria
from flows.offices.insee_lists import postal_codes
from flows.offices.insee_memberships import memberships
from flows.offices.insee_movements import movements
from tasks.nouns import Features, Rows
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
def test_a_flow_asks_for_the_newest_or_a_year_since_the_first_declared(name: str) -> None:
    flow = getattr(importlib.import_module(f"flows.{name}"), name)
    form: dict[str, Any] = parameter_schema(flow).model_dump_for_openapi()["properties"]["vintage"]
    newest, years = form["anyOf"]
    assert (newest["title"], newest["enum"], form["default"]) == ("newest", ["newest"], "newest")
    assert years == {"title": "a year", "type": "integer", "minimum": min(OFFERED[name])}
    assert form["description"].startswith(("Year of", "Last of"))
    assert flow.fn.dataset.vintages == tuple(OFFERED[name])


def test_the_command_line_takes_any_year_since_the_first_declared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for year in (2019, 2041):
        assert parse(belgium, ["--vintage", str(year)]) == {"vintage": year}
    assert parse(belgium, ["--vintage", "newest"]) == {"vintage": "newest"}
    expected = "a year since 2019 was expected, found 1999"
    for typed, said in ((["--help"], "judged by the"), (["--vintage", "1999"], expected)):
        with pytest.raises(SystemExit):
            parse(belgium, typed)
        shown = capsys.readouterr()
        assert said in shown.out + shown.err
    with pytest.raises(ParameterTypeError, match="a year since 2019 was expected"):
        belgium.validate_parameters({"vintage": 1999, "mirror": None, "rebuild": False})


def test_what_is_known_of_borders_without_figures_is_held() -> None:
    """2018: the layout of its residents is not evidenced; 2026: none were published yet."""
    assert set(statbel.SECTORS_WITHOUT_FIGURES) == {2018, 2026}
    assert not set(statbel.SECTORS_WITHOUT_FIGURES) & set(statbel.RELEASES)
    assert statbel.NEWEST == 2025
    of_2026 = statbel.sectors(2026)
    assert of_2026.urls[1].endswith("/sh_statbel_statistical_sectors_3812_20260101.geojson.zip")
    assert (of_2026.rows, of_2026.confidence) == (Rows.exactly(20_781), "medium")
    assert of_2026.distinct == {"municipality_code": 565}
    assert isinstance(of_2026.reads, Features)
    assert (of_2026.reads.crs_of, of_2026.reads.published_crs) == ({"*_3812_*": 3812}, 31370)
    assert statbel.sectors(2018).rows == Rows.exactly(19_782)


@pytest.mark.parametrize("year", statbel.RELEASES)
def test_incomes_of_sectors_and_municipalities_are_of_their_declared_years(year: int) -> None:
    release = statbel.RELEASES[year]
    by_sector, by_municipality = statbel.income(year), statbel.municipal_income(year)
    assert by_sector.reads.where == {"CD_YEAR": str(release.sector_incomes)}  # type: ignore[union-attr]
    assert by_municipality.reads.where == {  # type: ignore[union-attr]
        "CD_YEAR": str(release.municipal_incomes)
    }
    assert by_municipality.rows == Rows.exactly(581)
    assert by_municipality.codes_day == date(2024, 1, 1)


@pytest.mark.parametrize("year", statbel.RELEASES)
def test_german_names_may_be_absent_in_shapefiles_only(year: int) -> None:
    reads = statbel.sectors(year).reads
    assert isinstance(reads, Features)
    absent = {name for name, column in reads.columns.items() if column.optional}
    german = {name for name in reads.columns if name.endswith("_name_de")}
    assert len(german) == 5
    assert absent == (german if year <= 2021 else set())


@pytest.mark.parametrize("year", statistik_austria.RELEASES)
def test_the_employment_of_a_year_is_of_all_its_municipalities(year: int) -> None:
    declared = statistik_austria.employment(year)
    counted = statistik_austria.RELEASES[year].employment
    least = statistik_austria.EMPLOYED[counted]
    assert declared.rows == Rows(low=least, high=least + 1)
    borders = statistik_austria.RELEASES.get(counted)
    assert borders is None or borders.municipalities.low <= least  # type: ignore[union-attr]


IGN = "https://data.geopf.fr/telechargement/download/CONTOURS-IRIS/CONTOURS-IRIS_3-0__"
OF_TERRITORIES = {
    "fxx": "LAMB93_FXX",
    "glp": "RGAF09UTM20_GLP",
    "mtq": "RGAF09UTM20_MTQ",
    "guf": "UTM22RGFG95_GUF",
    "reu": "RGR92UTM40S_REU",
    "myt": "RGM04UTM38S_MYT",
}
CRS = (2154, 5490, 5490, 2972, 2975, 4471)
IRIS = {  # year: the archives by part of France, the file in each
    2023: ({"": "SHP__FRA"}, "*/CONTOURS-IRIS.shp"),
    2024: ({part: f"GPKG_{name}" for part, name in OF_TERRITORIES.items()}, "contours-iris.gpkg"),
    2025: ({part: f"GPKG_{name}" for part, name in OF_TERRITORIES.items()}, "iris.gpkg"),
    2026: ({"": "GPKG_WGS84G_FRA"}, "iris.gpkg"),
}


@pytest.mark.parametrize("year", IRIS)
def test_the_iris_of_a_year_are_asked_for_under_the_names_of_their_archives(year: int) -> None:
    archives, member = IRIS[year]
    found = ign.iris(year)
    names = {part: f"{IGN}{name}_{year}-01-01/" for part, name in archives.items()}
    assert {
        part: source.urls[0].rpartition("/")[0] + "/" for part, source in found.items()
    } == names
    assert all(source.urls[0].endswith(f"_{year}-01-01.7z") for source in found.values())
    assert {source.member for source in found.values()} == {member}
    assert len({source.slug for source in found.values()}) == len(found)
    codes = {part: source.reads.crs for part, source in found.items()}  # type: ignore[union-attr]
    assert codes == ({"": 4326} if "" in found else dict(zip(OF_TERRITORIES, CRS, strict=True)))


def test_no_source_of_france_is_share_alike() -> None:
    """The layers of France mix all sources; one under the ODbL would bind them all."""
    for year in insee.RELEASES:
        sources = [*ign.iris(year).values(), *insee.figures(year).values()]
        sources += [memberships(year), movements(year), postal_codes(year)]
        assert {source.licence.title for source in sources} == {
            "Licence Ouverte / Open Licence 2.0"
        }
        assert all(source.urls for source in sources)


def test_the_list_of_postal_codes_is_asked_of_la_poste_first_and_elsewhere_after() -> None:
    source = postal_codes(2025)
    hosts = [url.split("/")[2] for url in source.urls]
    assert hosts == ["data.laposte.fr", "datanova.laposte.fr"]
    assert source.current


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
