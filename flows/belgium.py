"""Belgium: statistical sectors with population and declared income, and the areas they add up to.

Statbel publishes the borders of the sectors, their residents of 1 January and the incomes declared
two years before. They are archived as received, loaded, cleaned, joined by sector code and
dissolved. The municipality comes from the data: since 2019 no code tells it.
"""

from datetime import date
from typing import Annotated, Literal

from prefect import flow

from flows.offices import statbel
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset, Features, Source, Total
from tasks.running.parameters import Mirror, Rebuild, described
from tasks.vocabulary import (
    WORKERS,
    aggregate,
    backup,
    check_conserved,
    check_join,
    check_keys,
    check_rows,
    check_topology,
    check_totals,
)
from tasks.vocabulary import (
    clean_topology,
    join,
    load_geometries,
    load_table,
    open_staging,
    publish,
    publish_catalog,
    recorded,
    together,
    unpack,
)

BELGIUM = Dataset(
    slug="belgium",
    title="Belgium: statistical sectors, population and income",
    country="BE",
    schema="belgium",
    layers={
        "sectors": ("sector_code",),
        "municipalities": ("municipality_code",),
        "arrondissements": ("arrondissement_code",),
        "provinces": ("province_code",),
        "regions": ("region_code",),
    },
)
Vintage = Annotated[
    Literal[2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025],
    described("Year of the sectors and of the population, on 1 January."),
]


def sectors_of(year: int) -> Source:
    """Borders of the statistical sectors on 1 January, with the areas each belongs to; Shapefiles
    until 2021.
    """
    name = (
        f"sh_statbel_statistical_sectors_31370_{year}0101.geojson"
        if year >= 2022
        else f"sh_statbel_statistical_sectors_{year}0101.shp"
    )
    return statbel.source(
        "be-sectors",
        year,
        f"Statistical sectors {year}",
        date(year, 1, 1),
        f"Statistische%20sectoren/{name}.zip",
        f"*.{name.split('.')[-1]}",
        page=f"statistical-sectors-{year}",
        released="yearly",
        confidence="high",
        minimum_bytes=5_000_000,
        rows=statbel.SECTOR_COUNTS[year],
        distinct={"municipality_code": statbel.MUNICIPALITY_COUNTS[year]},
        reads=Features(
            columns=statbel.SECTORS,
            key="sector_code",
            crs=31370,
            published_crs=31370,
            bounds=statbel.BOUNDS,
        ),
    )


def population_of(year: int) -> Source:
    """Residents of each sector on 1 January; 2025 is published on the old and on the new
    sectors.
    """
    name = f"OPENDATA_SECTOREN_{year}" + ("_NEW" if year == 2025 else "")
    return statbel.source(
        "be-population",
        year,
        f"Population by statistical sector, 1 January {year}",
        date(year, 1, 1),
        f"bevolking/sectoren/{name}.zip",
        "*.txt",
        page=f"population-statistical-sector-{year}",
        released="yearly, autumn",
        confidence="low" if year < 2020 else "high",
        totals={
            "population": Total(
                expected=statbel.RESIDENTS[year], tolerance=0.001, stated_by="Statbel"
            )
        },
        reads=statbel.piped(statbel.POPULATION),
    )


def income_of(year: int) -> Source:
    """Incomes declared two years before; figures of few people are hidden by a star, or by a C in
    older releases.
    """
    return statbel.source(
        "be-income",
        year,
        f"Fiscal income by statistical sector, incomes of {year - 2}",
        date(year - 2, 12, 31),
        "arbeid%20per%20sector/TF_PSNL_INC_TAX_SECTOR.zip",
        "*.txt",
        page="fiscal-statistics-income-statistical-sector",
        released="yearly, autumn",
        confidence="medium",
        reads=statbel.piped(
            statbel.INCOME,
            missing={"*": "suppressed", "C": "suppressed"},
            where={"CD_YEAR": str(year - 2)},
        ),
    )


@flow(name="belgium", description=__doc__, flow_run_name="belgium {vintage}", task_runner=WORKERS)
@recorded(BELGIUM)
def belgium(vintage: Vintage = 2025, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of Belgium."""
    sectors, population, income = backup(
        sectors_of(vintage), population_of(vintage), income_of(vintage), mirror=mirror
    )
    staging = open_staging(BELGIUM, vintage, sectors, population, income, rebuild=rebuild)
    shapes, people, incomes = unpack.map((sectors, population, income)).result()
    loaded = together(
        load_geometries.submit(shapes, staging, table="shapes"),
        load_table.submit(people, staging, table="population"),
        load_table.submit(incomes, staging, table="income"),
    )
    check_rows(staging, "shapes", sectors)
    check_keys(staging, "shapes", ("sector_code",), pattern=r"^\d{5}[0-9A-Z]{3}[0-9A-Z-]$")
    check_totals(staging, "population", population)
    check_join(
        staging,
        areas="shapes",
        figures="population",
        key="sector_code",
        population="population",
        unlocated="%ZZZZ",
    )
    check_join(
        staging,
        areas="shapes",
        figures="income",
        key="sector_code",
        unlocated="%ZZZZ",
        required=False,
    )

    clean_topology(staging, table="shapes", key="sector_code", gap_metres=1.0, wait_for=loaded)
    join("belgium.sql", staging)
    aggregate(
        staging,
        "sectors",
        by="municipality_code",
        into="municipalities",
        adding="unlocated",
        carry=("municipality_*", "arrondissement_*", "province_*", "region_*"),
    )
    aggregate(
        staging,
        "municipalities",
        by="arrondissement_code",
        into="arrondissements",
        carry=("arrondissement_*", "province_*", "region_*"),
    )
    aggregate(
        staging,
        "arrondissements",
        by="province_code",
        into="provinces",
        carry=("province_*", "region_*"),
    )
    aggregate(staging, "arrondissements", by="region_code", into="regions", carry=("region_*",))

    check_topology(staging, "sectors")
    check_conserved(staging, "population", "population", "municipalities")
    check_conserved(staging, "population", "municipalities", "regions")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(belgium)
