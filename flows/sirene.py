"""France: the active establishments of the SIRENE register as points, and their counts by IRIS and
by commune.

INSEE publishes the stock monthly and their positions apart. What is fully public is located in an
IRIS of the dataset france; what is not, is only counted in its commune, and never located or named.
A new edition of france makes new counts by an event, not by a person.
"""

from datetime import date
from typing import Annotated, Literal

from prefect import flow

from flows.offices import sirene as register
from flows.offices.insee_movements import movements
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset
from tasks.running.parameters import Mirror, Rebuild, described
from tasks.vocabulary import (
    WORKERS,
    backup,
    check_codes,
    check_conserved,
    check_rows,
    join,
    load_table,
    open_staging,
    publish,
    publish_catalog,
)
from tasks.vocabulary import read_ledger, recode, recorded, stand_on, together, unpack

SIRENE = Dataset(
    slug="sirene",
    title="France: active establishments",
    country="FR",
    schema="sirene",
    layers={
        "establishments": ("departement_code", "siret"),
        "counts_by_iris": ("iris_code", "naf_division", "head_count_band"),
        "counts_by_commune": ("municipal_code", "naf_division", "head_count_band"),
    },
)
Vintage = Annotated[
    Literal[2024, 2025, 2026], described("Year of the stock; each month makes a new edition of it.")
]
Start = Annotated[
    bool,
    described(
        "Start the flow of france first when its areas are missing, or more than two years older"
        " than the stock."
    ),
]


@flow(name="sirene", description=__doc__, flow_run_name="sirene {vintage}", task_runner=WORKERS)
@recorded(SIRENE)
def sirene(
    vintage: Vintage = 2026,
    start_france: Start = False,
    mirror: Mirror = None,
    rebuild: Rebuild = False,
) -> None:
    """Publish the newest stock of establishments."""
    areas = stand_on(
        "france", layers=("iris", "communes"), at_least=vintage - 2, start=start_france
    )
    originals = backup(
        register.stock(vintage),
        register.geolocation(vintage),
        movements(max(vintage, areas.vintage)),
        mirror=mirror,
    )
    staging = open_staging(SIRENE, vintage, *originals, rebuild=rebuild, after=(areas,))
    loaded = together(
        *load_table.map(unpack.map(originals), staging, table=["stock", "positions", "movements"])
    )
    check_rows(staging, "stock", originals[0])
    check_rows(staging, "positions", originals[1])
    communes = read_ledger(staging, "movements", wait_for=loaded)
    recode(
        staging,
        "stock",
        "municipal_code",
        communes,
        since=date(1943, 1, 1),
        until=date(areas.vintage, 1, 1),
        mixed=True,
    )

    join("sirene_labels.sql", staging)
    join("sirene.sql", staging)
    check_codes(
        staging,
        "counts_by_commune",
        {"naf_division": "naf_divisions", "head_count_band": "head_count_bands"},
    )
    check_conserved(staging, "establishments", "counted", "counts_by_commune")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(sirene)
