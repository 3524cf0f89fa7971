"""Belgium: statistical sectors with population and declared income, and the areas they add up to.

Statbel publishes the borders of the sectors, their residents of 1 January and the incomes declared
two years before. They are archived as received, loaded, cleaned, joined by sector code and
dissolved. The municipality comes from the data: since 2019 no code tells it. Incomes of
municipalities and of the areas above are those of Statbel's file by municipality, because many of
its sectors' incomes are hidden.
"""

from datetime import date
from typing import Annotated, Any

from prefect import flow

from flows.offices import statbel
from flows.offices.statbel_ledger import LEDGER
from tasks.nouns import NEWEST, Dataset, Mirror, Rebuild, since
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
    check_within,
    clean_topology,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recode,
    recorded,
    run,
    together,
    unpack,
)

BELGIUM = Dataset(
    slug="belgium",
    title="Belgium: statistical sectors, population and income",
    country="BE",
    schema="belgium",
    vintages=tuple(statbel.RELEASES),
    layers={
        "sectors": ("sector_code",),
        "municipalities": ("municipality_code",),
        "arrondissements": ("arrondissement_code",),
        "provinces": ("province_code",),
        "regions": ("region_code",),
    },
)
Vintage = Annotated[int, since(statbel.RELEASES, "Year of sectors and population, on 1 January.")]
# Residents of a municipality whom Statbel locates in none of its sectors have the code %ZZZZ.
BY_SECTOR: dict[str, Any] = {"key": "sector_code", "unlocated": "%ZZZZ"}
CODE = "municipality_code"
WITHIN: dict[str, Any] = {"by": CODE, "tolerance": statbel.INCOME_ROUNDING}
REGION = ("region_*",)  # columns that an area has of itself and of those above it
PROVINCE = ("province_*", *REGION)
ARRONDISSEMENT = ("arrondissement_*", *PROVINCE)
MUNICIPALITY = ("municipality_*", *ARRONDISSEMENT)
BY_ARRONDISSEMENT: dict[str, Any] = {"by": "arrondissement_code", "carry": ARRONDISSEMENT}
BY_MUNICIPALITY: dict[str, Any] = {
    "by": CODE,
    "adding": "of_municipalities",
    "carry": MUNICIPALITY,
}


@flow(name="belgium", description=__doc__, flow_run_name="belgium {vintage}", task_runner=WORKERS)
@recorded(BELGIUM)
def belgium(vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of Belgium."""
    files = backup(
        shapes=statbel.sectors(vintage),
        population=statbel.population(vintage),
        income=statbel.income(vintage),
        municipal_income=statbel.municipal_income(vintage),
        mirror=mirror,
    )
    staging = open_staging(BELGIUM, vintage, files, rebuild=rebuild)
    loaded = load(staging, unpack(files))
    together(*check_rows.map(staging, [files.shapes, files.municipal_income]))
    check_keys(staging, "shapes", ("sector_code",), pattern=r"^\d{5}[0-9A-Z]{3}[0-9A-Z-]$")
    check_keys(staging, "municipal_income", (CODE,), pattern=r"^\d{5}$")
    check_totals(staging, files.population)
    check_join(staging, "shapes", "population", **BY_SECTOR, population="population")
    check_join(staging, "shapes", "income", **BY_SECTOR, required=False)
    then, now = files.municipal_income.codes_day, date(vintage, 1, 1)
    recode(staging, "municipal_income", CODE, LEDGER, since=then, until=now)
    check_join(staging, "shapes", "municipal_income", key=CODE, areas_matched=1.0)

    clean_topology(staging, table="shapes", key="sector_code", gap_metres=1.0, wait_for=loaded)
    join(staging, "belgium.sql", {"income_coverage": statbel.INCOME_COVERAGE})
    check_within(staging, "declarations", "sectors", "of_municipalities", **WITHIN)
    check_within(staging, "net_taxable_income", "sectors", "of_municipalities", **WITHIN)
    aggregate(staging, "sectors", into="municipalities", **BY_MUNICIPALITY)
    aggregate(staging, "municipalities", into="arrondissements", **BY_ARRONDISSEMENT)
    aggregate(staging, "arrondissements", by="province_code", into="provinces", carry=PROVINCE)
    aggregate(staging, "arrondissements", by="region_code", into="regions", carry=REGION)

    check_topology(staging, "sectors")
    check_conserved(staging, "population", "population", "municipalities")
    check_conserved(staging, "population", "municipalities", "regions")
    check_conserved(staging, "declarations", "municipal_income", "regions")
    check_conserved(staging, "net_taxable_income", "municipal_income", "regions")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(belgium)
