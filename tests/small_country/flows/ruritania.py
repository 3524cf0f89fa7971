"""Ruritania: cantons with residents, and the duchies they add up to.

The Royal Office draws the cantons and counts who lives in them. Travellers are counted too, and
live in no canton.
"""

from datetime import date

from prefect import flow

from tasks.core.model.declarations import (
    Dataset,
    Features,
    Licence,
    Publisher,
    Rows,
    Source,
    Table,
    Total,
    integer,
    text,
)
from tasks.running.command_line import run
from tasks.running.parameters import Mirror, Rebuild
from tasks.vocabulary import (
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
    load_geometries,
    load_table,
    open_staging,
    publish,
    publish_catalog,
    recorded,
    together,
    unpack,
)

RURITANIA = Dataset(
    slug="ruritania",
    title="Ruritania: cantons and residents",
    country="ZR",
    schema="ruritania",
    layers={"cantons": ("canton_code",), "duchies": ("duchy_code",)},
)
OFFICE = {
    "publisher": Publisher(
        slug="royal-office", name="Royal Office of Ruritania", url="https://office.example"
    ),
    "licence": Licence(
        slug="royal-open",
        title="Royal Open Licence",
        url="https://office.example/open",
        attribution="Source: Royal Office",
    ),
    "landing_page": "https://office.example/data",
    "released": "yearly",
    "confidence": "high",
    "vintage": 2026,
    "reference_date": date(2026, 1, 1),
}
CANTONS = Source(
    slug="zr-cantons",
    title="Cantons",
    urls=("https://office.example/cantons.gpkg",),
    container="sqlite",
    rows=Rows.exactly(16),
    reads=Features(
        columns={
            "canton_code": text("canton"),
            "canton_name": text("name"),
            "duchy_code": text("duchy"),
        },
        key="canton_code",
        crs=3035,
        published_crs=3035,
    ),
    **OFFICE,
)
RESIDENTS = Source(
    slug="zr-residents",
    title="Residents on 1 January",
    urls=("https://office.example/residents.zip",),
    container="zip",
    member="*.csv",
    totals={"residents": Total(expected=41_327, stated_by="the Royal Office")},
    reads=Table(
        columns={"canton_code": text("CANTON"), "residents": integer("RÉSIDENTS")},
        key=("canton_code",),
        delimiter=";",
        encoding="cp1252",
    ),
    **OFFICE,
)


@flow(name="ruritania", description=__doc__)
@recorded(RURITANIA)
def ruritania(mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish Ruritania."""
    cantons, residents = backup(CANTONS, RESIDENTS, mirror=mirror)
    staging = open_staging(RURITANIA, 2026, cantons, residents, rebuild=rebuild)
    together(
        load_geometries.submit(unpack(cantons), staging, table="shapes"),
        load_table.submit(unpack(residents), staging, table="residents"),
    )
    check_rows(staging, "shapes", cantons)
    check_totals(staging, "residents", residents)
    check_keys(staging, "shapes", ("canton_code",), pattern=r"^0\d-\d\d$")
    check_join(
        staging,
        areas="shapes",
        figures="residents",
        key="canton_code",
        population="residents",
        unlocated="ZZ%",
        areas_matched=1.0,
    )

    clean_topology(staging, table="shapes", key="canton_code", gap_metres=1.0)
    join("ruritania.sql", staging)
    aggregate(staging, "cantons", by="duchy_code", into="duchies")
    check_topology(staging, "cantons")
    check_conserved(staging, "residents", "cantons", "duchies")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(ruritania)
