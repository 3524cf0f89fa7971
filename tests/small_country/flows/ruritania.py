"""Ruritania: cantons with residents, and the duchies they add up to.

The Royal Office draws the cantons and counts who lives in them. Travellers are counted too, and
live in no canton.
"""

from datetime import date

from prefect import flow

from tasks.nouns import (
    Dataset,
    Features,
    Licence,
    Mirror,
    Publisher,
    Rebuild,
    Rows,
    Source,
    Table,
    Total,
    integer,
    text,
)
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
            "canton_code": text("canton", about="Canton", unit="code", rule="key"),
            "canton_name": text("name", about="Name of the canton", unit="name"),
            "duchy_code": text("duchy", about="Duchy", unit="code", rule="same"),
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
        columns={
            "canton_code": text("CANTON"),
            "residents": integer(
                "RÉSIDENTS", about="Residents on 1 January", unit="persons", rule="sum"
            ),
        },
        key=("canton_code",),
        delimiter=";",
        encoding="cp1252",
    ),
    **OFFICE,
)


@flow(name="ruritania", description=__doc__, task_runner=WORKERS)
@recorded(RURITANIA)
def ruritania(mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish Ruritania."""
    files = backup(shapes=CANTONS, residents=RESIDENTS, mirror=mirror)
    staging = open_staging(RURITANIA, 2026, files, rebuild=rebuild)
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
