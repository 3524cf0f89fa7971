"""Belgium: statistical sectors with population and declared income, and the areas they add up to.

Statbel publishes the borders of the sectors, the residents of 1 January by sector and the incomes declared two years
before. They are archived as received, loaded, cleaned, joined by sector code and dissolved to municipalities,
arrondissements, provinces and regions. The municipality comes from the data: since 2019 a sector's code no longer tells it.
"""

from datetime import date
from typing import Annotated, Literal

from prefect import flow

from flows.columns import belgium as columns
from tasks.command_line import run
from tasks.core.declarations import Dataset, Features, Licence, Publisher, Rows, Source, Table, Total
from tasks.parameters import Mirror, Rebuild, described
from tasks.vocabulary import WORKERS, aggregate, backup, check_conserved, check_join, check_keys, check_rows, check_topology, check_totals, clean_topology
from tasks.vocabulary import join, load_geometries, load_table, open_staging, publish, publish_catalog, recorded, together, unpack

BELGIUM = Dataset(
    slug="belgium", title="Belgium: statistical sectors with population and income", country="BE", schema="belgium",
    layers={"sectors": ("sector_code",), "municipalities": ("municipality_code",), "arrondissements": ("arrondissement_code",),
            "provinces": ("province_code",), "regions": ("region_code",)},
)  # fmt: skip
Vintage = Annotated[
    Literal[2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025], described("Year whose sectors and population (1 January) are published.")
]

STATBEL = Publisher(slug="statbel", name="Statbel (Directorate-general Statistics - Statistics Belgium)", url="https://statbel.fgov.be")
OPEN_DATA = Licence(
    slug="statbel-open-data", title="Statbel licence open data (22 October 2015)", url="https://statbel.fgov.be/en/open-data",
    attribution="Source: Statbel (Directorate-general Statistics - Statistics Belgium)",
)  # fmt: skip
FILES = "https://statbel.fgov.be/sites/default/files/files/opendata"
SECTOR_COUNTS = {2018: (19_782, 19_782), 2019: (19_790, 19_800), 2020: (19_790, 19_800), 2025: (20_781, 20_781)}  # 2021 to 2024: 19,795
MUNICIPALITIES = {2018: 589, 2025: 565}  # 2019 to 2024: 581
RESIDENTS = {2018: 11_376_070, 2019: 11_431_406, 2020: 11_492_641, 2021: 11_521_238, 2022: 11_584_008, 2023: 11_697_557, 2024: 11_763_650, 2025: 11_825_551}


def _sectors(year: int) -> Source:
    name = f"sh_statbel_statistical_sectors_31370_{year}0101.geojson" if year >= 2022 else f"sh_statbel_statistical_sectors_{year}0101.shp"
    low, high = SECTOR_COUNTS.get(year, (19_790, 19_800))
    return Source(
        slug="be-sectors", vintage=year, title=f"Statistical sectors {year}", publisher=STATBEL, licence=OPEN_DATA, reference_date=date(year, 1, 1),
        landing_page=f"https://statbel.fgov.be/en/open-data/statistical-sectors-{year}", urls=(f"{FILES}/Statistische%20sectoren/{name}.zip",),
        container="zip", member=f"*.{name.rsplit('.')[-1]}", released="yearly", confidence="high", minimum_bytes=5_000_000,
        rows=Rows(low=low, high=high), distinct={"municipality_code": MUNICIPALITIES.get(year, 581)},
        reads=Features(columns=columns.SECTORS, key="sector_code", crs=31370, published_crs=31370, bounds=(21_000, 21_000, 296_000, 245_000)),
    )  # fmt: skip


def _population(year: int) -> Source:
    name = f"OPENDATA_SECTOREN_{year}" + ("_NEW" if year == 2025 else "")
    return Source(
        slug="be-population", vintage=year, title=f"Population by statistical sector, 1 January {year}", publisher=STATBEL, licence=OPEN_DATA,
        reference_date=date(year, 1, 1), landing_page=f"https://statbel.fgov.be/en/open-data/population-statistical-sector-{year}",
        urls=(f"{FILES}/bevolking/sectoren/{name}.zip",), container="zip", member="*.txt", released="yearly, autumn",
        confidence="low" if year < 2020 else "high", totals={"population": Total(expected=RESIDENTS[year], tolerance=0.001, stated_by="Statbel")},
        reads=Table(columns=columns.POPULATION, key=("sector_code",), delimiter="|", quote="", encoding="utf-8-sig"),
    )  # fmt: skip


def _income(year: int) -> Source:
    return Source(
        slug="be-income", vintage=year, title=f"Fiscal income by statistical sector, incomes of {year - 2}", publisher=STATBEL, licence=OPEN_DATA,
        reference_date=date(year - 2, 12, 31), landing_page="https://statbel.fgov.be/en/open-data/fiscal-statistics-income-statistical-sector",
        urls=(f"{FILES}/arbeid%20per%20sector/TF_PSNL_INC_TAX_SECTOR.zip",), container="zip", member="*.txt", released="yearly, autumn",
        confidence="medium",
        reads=Table(columns=columns.INCOME, key=("sector_code",), delimiter="|", quote="", encoding="utf-8-sig", missing={"*": "suppressed", "C": "suppressed"},
                    where={"CD_YEAR": str(year - 2)}),
    )  # fmt: skip


SECTORS, POPULATION, INCOME = ({year: declare(year) for year in RESIDENTS} for declare in (_sectors, _population, _income))


@flow(name="belgium", description=__doc__, flow_run_name="belgium {vintage}", task_runner=WORKERS)
@recorded(BELGIUM)
def belgium(vintage: Vintage = 2025, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of Belgium."""
    sectors, population, income = backup(SECTORS[vintage], POPULATION[vintage], INCOME[vintage], mirror=mirror)
    staging = open_staging(BELGIUM, vintage, sectors, population, income, rebuild=rebuild)

    shapes, people, incomes = unpack.map((sectors, population, income)).result()
    together(
        load_geometries.submit(shapes, staging, table="shapes"),
        load_table.submit(people, staging, table="population"),
        load_table.submit(incomes, staging, table="income"),
    )
    check_rows(staging, "shapes", sectors)
    check_keys(staging, "shapes", ("sector_code",), pattern=r"^\d{5}[0-9A-Z]{3}[0-9A-Z-]$")
    check_totals(staging, "population", population)
    check_join(staging, areas="shapes", figures="population", key="sector_code", population="population", unlocated="%ZZZZ")
    check_join(staging, areas="shapes", figures="income", key="sector_code", unlocated="%ZZZZ", required=False)

    clean_topology(staging, table="shapes", key="sector_code", gap_metres=1.0)
    join("belgium.sql", staging)
    parents = ("municipality_*", "arrondissement_*", "province_*", "region_*")
    aggregate(staging, "sectors", by="municipality_code", into="municipalities", carry=parents, adding="unlocated")
    aggregate(staging, "municipalities", by="arrondissement_code", into="arrondissements", carry=parents[1:])
    aggregate(staging, "arrondissements", by="province_code", into="provinces", carry=parents[2:])
    aggregate(staging, "arrondissements", by="region_code", into="regions", carry=parents[3:])

    check_topology(staging, "sectors")
    check_conserved(staging, "population", "population", "municipalities")
    check_conserved(staging, "population", "municipalities", "regions")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(belgium)
