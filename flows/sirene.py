"""France: active establishments of the SIRENE register, counted by IRIS and by commune.

INSEE publishes the stock monthly and their positions apart. What is fully public is a point located
in an IRIS of the dataset france; what is not, is only counted in its commune, and never located or
named. A new edition of france makes new counts by an event, not by a person.
"""

from datetime import date
from typing import Annotated

from prefect import flow

from flows.offices import sirene as register
from flows.offices.insee_movements import movements
from tasks.nouns import NEWEST, Dataset, Mirror, OneOf, Rebuild, Unknown, described, since
from tasks.vocabulary import (
    WORKERS,
    backup,
    check_codes,
    check_conserved,
    check_day,
    check_rows,
    join,
    load,
    locate,
    open_staging,
    publish,
    publish_catalog,
    read_ledger,
    recode,
    recorded,
    run,
    stand_on,
    unpack,
)

SIRENE = Dataset(
    slug="sirene",
    title="France: active establishments",
    country="FR",
    schema="sirene",
    vintages=tuple(register.RELEASES),
    layers={
        "establishments": ("departement_code", "siret"),
        "counts_by_iris": ("iris_code", "nomenclature", "naf_division", "head_count_band"),
        "counts_by_commune": ("municipal_code", "nomenclature", "naf_division", "head_count_band"),
    },
)
Vintage = Annotated[int, since(register.RELEASES, "Year of the stock; each month is an edition.")]
Start = Annotated[
    bool,
    described(
        "Start the flow of france first when its areas are missing, or more than two years older"
        " than the stock."
    ),
]
DIVISIONS = OneOf(
    "nomenclature",
    {"NAFRev2": "naf_divisions", "NAF2025": "naf2025_divisions"},
    otherwise="older_divisions",
)
CODE_LISTS: dict[str, str | OneOf] = {
    "nomenclature": "naf_nomenclatures",
    "naf_division": DIVISIONS,
    "head_count_band": "head_count_bands",
}
UNKNOWN = {
    "naf_division": Unknown(
        codes=(register.OTHER,), share=register.MOST_OTHER, counted="establishments"
    )
}


@flow(name="sirene", description=__doc__, flow_run_name="sirene {vintage}", task_runner=WORKERS)
@recorded(SIRENE)
def sirene(
    vintage: Vintage = NEWEST,
    start_france: Start = False,
    mirror: Mirror = None,
    rebuild: Rebuild = False,
) -> None:
    """Publish the newest stock of establishments."""
    areas = stand_on(
        "france", layers=("iris", "communes"), at_least=vintage - 2, start=start_france
    )
    files = backup(
        stock=register.stock(vintage),
        positions=register.geolocation(vintage),
        movements=movements(max(vintage, areas.vintage)),
        mirror=mirror,
    )
    staging = open_staging(SIRENE, vintage, files, rebuild=rebuild, after=(areas,))
    loaded = load(staging, unpack(files))
    check_rows(staging, files.stock)
    check_rows(staging, files.positions)
    check_day(staging, files.stock)
    check_day(staging, files.positions)
    ledger = read_ledger(staging, "movements", wait_for=loaded)
    then, now = date(1943, 1, 1), date(areas.vintage, 1, 1)
    recode(staging, "stock", "municipal_code", ledger, since=then, until=now, mixed=True)

    join(staging, "sirene_labels.sql")
    join(staging, "sirene_points.sql")
    locate(staging, "public_stock", "france_iris", into="found", key="siret", code="iris_code")
    join(staging, "sirene.sql")
    check_codes(staging, "counts_by_commune", CODE_LISTS, unknown=UNKNOWN)
    check_conserved(staging, "establishments", "counted", "counts_by_commune")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(sirene)
