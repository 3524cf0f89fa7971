"""Ruritania: cantons with residents, and the duchies they add up to.

The Royal Office draws the cantons and counts who lives in them. Travellers are counted too, and
live in no canton.
"""

from typing import Annotated

from prefect import flow

from flows.offices import royal_office
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
    clean_topology,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recorded,
    run,
    unpack,
)

RURITANIA = Dataset(
    slug="ruritania",
    title="Ruritania: cantons and residents",
    country="ZR",
    schema="ruritania",
    vintages=tuple(royal_office.RELEASES),
    layers={"cantons": ("canton_code",), "duchies": ("duchy_code",)},
)
Vintage = Annotated[int, since(royal_office.RELEASES, "Year of the cantons, on 1 January.")]


@flow(
    name="ruritania", description=__doc__, flow_run_name="ruritania {vintage}", task_runner=WORKERS
)
@recorded(RURITANIA)
def ruritania(vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of Ruritania."""
    files = backup(
        shapes=royal_office.cantons(vintage),
        residents=royal_office.residents(vintage),
        mirror=mirror,
    )
    staging = open_staging(RURITANIA, vintage, files, rebuild=rebuild)
    load(staging, unpack(files))
    check_rows(staging, files.shapes)
    check_totals(staging, files.residents)
    check_keys(staging, "shapes", ("canton_code",), pattern=r"^0\d-\d\d$")
    check_join(
        staging,
        "shapes",
        "residents",
        key="canton_code",
        population="residents",
        unlocated="ZZ%",
        areas_matched=1.0,
    )

    clean_topology(staging, table="shapes", key="canton_code", gap_metres=1.0)
    join(staging, "ruritania.sql")
    aggregate(staging, "cantons", by="duchy_code", into="duchies")
    check_topology(staging, "cantons")
    check_conserved(staging, "residents", "cantons", "duchies")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(ruritania)
