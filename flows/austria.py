"""Austria: municipalities with residents and employment, and the districts and states they add up
to.

Statistik Austria publishes borders by a web service and figures as tables of codes with their
lists. Borders and statistics are archived, loaded beside each other, joined, cleaned and dissolved.
All is on the municipalities of today, because older residents are given on them.
"""

from typing import Annotated, Literal

from prefect import flow

from flows.offices import statistik_austria as office
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset, Source
from tasks.running.parameters import Mirror, Rebuild, described
from tasks.vocabulary import (
    WORKERS,
    aggregate,
    backup,
    check_codes,
    check_conserved,
    check_join,
    check_keys,
    check_licence,
    check_rows,
)
from tasks.vocabulary import (
    check_topology,
    check_totals,
    clean_topology,
    join,
    load_geometries,
    load_table,
    open_staging,
    publish,
)
from tasks.vocabulary import publish_catalog, recode, recorded, settle, together, unpack

AUSTRIA = Dataset(
    slug="austria",
    title="Austria: municipalities, population and employment",
    country="AT",
    schema="austria",
    layers={
        "municipalities": ("municipality_code",),
        "districts": ("district_code",),
        "states": ("state_code",),
        "population_by_age": ("municipality_code", "sex_code", "age"),
    },
)
Year = Literal[2020, 2021, 2022, 2023, 2024, 2025, 2026]  # before, Murfeld was not yet divided
Vintage = Annotated[Year, described("Year of the borders and of the residents, on 1 January.")]


def geometries_of(year: int) -> tuple[Source, ...]:
    """Borders of the municipalities (Gemeinden) and of the political districts on 1 January."""
    counts = {"rows": office.MUNICIPALITY_COUNTS[year], "totals": office.AREA}
    return (
        office.borders(
            "at-municipalities",
            year,
            f"Municipalities {year}",
            "GEM",
            office.MUNICIPALITIES,
            **counts,
        ),
        office.borders(
            "at-districts",
            year,
            f"Political districts {year}",
            "POLBEZ",
            office.DISTRICTS,
            rows=office.DISTRICT_COUNTS,
        ),
    )


def statistics_of(year: int) -> tuple[Source, ...]:
    """Residents by sex and age with the lists of their codes, employment (Abgestimmte
    Erwerbsstatistik), and what the portal says of all.
    """
    return (
        office.population(year),
        office.population_list(year, "header", "HEADER", office.HEADINGS),
        office.population_list(year, "sexes", "C-C11-0"),
        office.population_list(year, "ages", "C-GALTEJ112-0"),
        office.population_list(
            year,
            "municipalities",
            "C-GRGEMAKT-0",
            office.MUNICIPALITY_CODES,
            where={"code": "GRGEMAKT-*"},
        ),
        office.employment(year),
        office.metadata("at-municipalities", year, "OGDEXT_GEM_1"),
        office.metadata("at-population", year, office.POPULATION_DATASET.format(year)),
        office.metadata("at-employment", year, office.EMPLOYMENT_DATASET),
    )


@flow(name="austria", description=__doc__, flow_run_name="austria {vintage}", task_runner=WORKERS)
@recorded(AUSTRIA)
def austria(vintage: Vintage = 2026, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of Austria."""
    originals = backup(*geometries_of(vintage), *statistics_of(vintage), mirror=mirror)
    staging = open_staging(AUSTRIA, vintage, *originals, rebuild=rebuild)
    borders, districts, people, _, _, _, _, work, *_ = originals
    files = unpack.map(originals).result()
    loaded = together(
        *load_geometries.map(files[:2], staging, table=["shapes", "district_shapes"]),
        *load_table.map(
            files[2:8],
            staging,
            table=["population", "headings", "sexes", "ages", "municipality_codes", "employment"],
        ),
        *check_licence.map(staging, files[8:]),
    )
    together(*check_rows.map(staging, ["shapes", "district_shapes"], [borders, districts]))
    check_totals(staging, "population", people)
    check_codes(staging, "population", office.CODE_LISTS, headings="headings")
    settle(staging, "shapes", "municipality_code", office.VIENNA, wait_for=loaded)
    settle(staging, "district_shapes", "district_code", office.VIENNA_DISTRICT)
    recode(
        staging,
        "shapes",
        "municipality_code",
        office.LEDGER,
        since=borders.source.codes_day,
        until=people.source.codes_day,
    )
    recode(
        staging,
        "employment",
        "municipality_code",
        office.LEDGER,
        since=work.source.codes_day,
        until=people.source.codes_day,
    )
    check_keys(staging, "shapes", ("municipality_code",), pattern=r"^[1-9]\d{4}$")
    check_join(
        staging,
        areas="shapes",
        figures="population",
        key="municipality_code",
        population="population",
        areas_matched=1.0,
    )
    check_join(
        staging,
        areas="shapes",
        figures="employment",
        key="municipality_code",
        population="residents",
        required=False,
    )

    join("austria.sql", staging, wait_for=loaded)
    check_join(
        staging,
        areas="district_shapes",
        figures="municipalities",
        key="district_code",
        population="population",
        areas_matched=1.0,
    )
    clean_topology(staging, table="municipalities", key="municipality_code", gap_metres=1.0)
    aggregate(
        staging,
        "municipalities",
        by="district_code",
        into="districts",
        carry=("district_*", "state_*"),
    )
    aggregate(staging, "districts", by="state_code", into="states", carry=("state_*",))

    check_topology(staging, "municipalities")
    check_totals(staging, "municipalities", borders)
    check_conserved(staging, "population", "population", "municipalities")
    check_conserved(staging, "population", "municipalities", "states")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(austria)
