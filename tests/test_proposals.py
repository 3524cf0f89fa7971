"""Proposals for columns that a file names otherwise, and names that a rule finds in any year."""

from __future__ import annotations

import pytest

from flows.offices import census_bureau_columns, insee_columns
from tasks.core.making.likeness import likeness
from tasks.core.making.proposals import declaration, propose, propose_name
from tasks.core.making.tables.headings import find_columns
from tasks.core.model.columns import Column, code, decimal, integer, number, text
from tasks.core.model.errors import SourceError

DECLARING = {
    each.__name__: each for each in (Column, code, decimal, integer, number, text)
}  # as a file of flows/offices has them


def read(line: str) -> dict[str, Column]:
    """Read a proposed line as Python reads it where it is pasted."""
    found: dict[str, Column] = eval(f"{{{line}}}", dict(DECLARING))
    return found


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("P22_POP", "P23_POP"),
        ("P22_POP0002", "P23_POP0002"),
        ("POPESTIMATE2024", "POPESTIMATE2100"),
        ("cs01012022", "cs01012024"),
        ("MS_POPULATION", "MS_TOTAL_POP"),
        ("COUNTY", "COUNTYFP"),
        ("sector", "cd_sector"),
        ("Libellé d’acheminement", "LIBELLE_D_ACHEMINEMENT"),
        ("codeCommune", "code_commune"),
        ("populaton", "POPULATION"),
        ("POP", "POP2023"),
    ],
)
def test_names_are_near_by_their_words_and_but_for_the_year(name: str, heading: str) -> None:
    assert 0.4 < likeness(name, heading) <= 1
    assert likeness(name, heading) == pytest.approx(likeness(heading, name))


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("P22_POP0002", "P23_POP0305"),
        ("B01001_E001", "B01001_E002"),
        ("POP15P_STAT_GSEC11_21", "POP15P_STAT_GSEC12_22"),
        ("nom_commune", "code_commune"),
        ("CODE_IRIS", "NOM_IRIS"),
        ("population_male", "population_female"),
        ("MS_POPULATION", "TOTAL"),
        ("c_nis9", "cd_sector"),
        ("", "CODE"),
        ("***", "CODE"),
    ],
)
def test_other_words_and_other_numbers_are_not_near(name: str, heading: str) -> None:
    assert likeness(name, heading) == 0


@pytest.mark.parametrize(
    "column",
    [
        text("CODE"),
        text("NAME", "Nom de l'office", 'the "name"', about="Name", unit="name"),
        text("GEO_ID", prefix="0500000US", optional=True),
        code(("STATE", 2), ("COUNTY", 3)),
        integer("POP", about="Residents, Île-de-France", unit="persons", rule="sum"),
        number("X"),
        decimal("AMOUNT"),
        decimal("SHARE", precision=5, scale=1, unit="%", rule="mean by households"),
        Column(("DAY",), "date"),
        Column(("DAY", "JOUR"), "date", optional=True),
        Column(("IS_OPEN",), "boolean"),
        Column(("Cafe\u0301", "tab\there"), "integer"),
    ],
)
def test_a_declaration_reads_back_as_the_column_that_it_is_of(column: Column) -> None:
    assert read(declaration("target", column)) == {"target": column}


def test_the_line_is_as_flows_declare_it() -> None:
    columns = {"population": integer("TOTAL", "POPULATION", "MS_POPULATION")}
    assert propose(columns, ["CD_REFNIS", "MS_TOTAL_POP"]) == (
        ', perhaps "population": integer("MS_TOTAL_POP", "TOTAL", "POPULATION", "MS_POPULATION")'
    )
    assert propose(columns, ["CD_REFNIS", "TX_NAME", " "]) == ""
    assert propose({}, ["POPULATION"]) == ""


def test_each_heading_is_proposed_for_the_column_that_is_nearest() -> None:
    columns = {"men": number("P22_POPH"), "all": number("P22_POP"), "women": number("P22_POPF")}
    proposed = propose(columns, ["P23_POP", "P23_POPF", "P23_POPH"]).removeprefix(", perhaps ")
    assert {target: column.names[0] for target, column in read(proposed).items()} == {
        "men": "P23_POPH",
        "all": "P23_POP",
        "women": "P23_POPF",
    }


def test_headings_that_are_as_near_are_all_proposed() -> None:
    columns = {"income": integer("INCOME2022")}
    assert propose(columns, ["INCOME2023", "INCOME2024"]) == (
        ', perhaps "income": integer("INCOME2023", "INCOME2022")'
        ' or "income": integer("INCOME2024", "INCOME2022")'
    )
    assert propose_name("YEAR", ["YEARS", "POP"]) == ', perhaps "YEARS"'
    assert propose_name("YEAR", ["POP"]) == ""


def test_no_proposal_is_used_or_made_of_what_another_column_has() -> None:
    columns = {"iris": text("IRIS"), "population": number("P22_POP"), "flats": number("FLATS")}
    headings = ["IRIS", "P23_POP ", "FLATS", "FLATS_RENTED"]
    with pytest.raises(
        SourceError, match=r"perhaps \"population\": number\(\"P23_POP\", \"P22_POP\"\)\.$"
    ):
        find_columns(columns, headings, "a.csv")
    named = columns | {"population": number("P23_POP", "P22_POP")}
    assert find_columns(named, headings, "a.csv") == {"iris": 0, "population": 1, "flats": 2}


@pytest.mark.parametrize(
    ("year", "digits"), [(2000, "00"), (2009, "09"), (2026, "26"), (2099, "99"), (2100, "00")]
)
def test_the_columns_of_insee_have_the_digits_of_any_year(year: int, digits: str) -> None:
    population = insee_columns.of_year(insee_columns.POPULATION, year)
    assert population["population"].names == (f"P{digits}_POP",)
    assert population["retired"].names == (
        f"C{digits}_POP15P_STAT_GSEC32",
        f"C{digits}_POP15P_CS7",
    )
    assert insee_columns.of_year(insee_columns.INCOME, year)["median_income"].names == (
        f"DISP_MED{digits}",
    )
    columns = insee_columns.HOUSING | insee_columns.HOUSEHOLDS | insee_columns.POPULATION
    of_year = insee_columns.of_year(columns, year)
    headings = [heading for column in of_year.values() for heading in column.names]
    assert len(set(headings)) == len(headings)
    assert all(heading[1:3] == digits and "{" not in heading for heading in headings)
    assert find_columns(of_year, headings, "a.csv").keys() == columns.keys()


@pytest.mark.parametrize("year", [2019, 2026, 2030, 2100])
def test_the_estimates_of_counties_have_the_year_of_any_vintage(year: int) -> None:
    columns = census_bureau_columns.estimates_of(year)
    for name, heading in {
        "population": "POPESTIMATE",
        "births": "BIRTHS",
        "deaths": "DEATHS",
    }.items():
        assert columns[name].names == (f"{heading}{year}",)
    assert columns.keys() > census_bureau_columns.ESTIMATES.keys()
