"""Austria: municipalities with residents and employment, their districts and states.

Statistik Austria publishes borders by a web service and figures as tables of codes with their
lists. Borders and statistics are archived, loaded beside each other, joined, cleaned and dissolved.
All is on the municipalities of today, because older residents are given on them.
"""

from typing import Annotated, Any

from prefect import flow

from flows.offices import statistik_austria as office
from flows.offices.statistik_austria_ledger import LEDGER
from tasks.nouns import NEWEST, Dataset, Mirror, Rebuild, since
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
    check_topology,
    check_totals,
    clean_topology,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recode,
    recorded,
    run,
    settle,
    together,
    unpack,
)

AUSTRIA = Dataset(
    slug="austria",
    title="Austria: municipalities, population and employment",
    country="AT",
    schema="austria",
    vintages=tuple(office.RELEASES),
    layers={
        "municipalities": ("municipality_code",),
        "districts": ("district_code",),
        "states": ("state_code",),
        "population_by_age": ("municipality_code", "sex_code", "age"),
    },
)
Vintage = Annotated[int, since(office.RELEASES, "Year of borders and residents, on 1 January.")]
CODE = "municipality_code"
RESIDENTS: dict[str, Any] = {"population": "population", "areas_matched": 1.0}
STATE = ("state_*",)  # columns that an area has of itself and of those above it
DISTRICT = ("district_*", *STATE)


@flow(name="austria", description=__doc__, flow_run_name="austria {vintage}", task_runner=WORKERS)
@recorded(AUSTRIA)
def austria(vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of Austria."""
    files = backup(
        shapes=office.municipalities(vintage),
        district_shapes=office.districts(vintage),
        **office.residents(vintage),
        employment=office.employment(vintage),
        terms=office.terms(vintage),
        mirror=mirror,
    )
    staging = open_staging(AUSTRIA, vintage, files, rebuild=rebuild)
    unpacked = unpack(files)
    loaded = load(staging, unpacked)
    together(*check_licence.map(staging, unpacked.parts("terms")))
    together(*check_rows.map(staging, [files.shapes, files.district_shapes, files.employment]))
    check_totals(staging, files.population)
    check_codes(staging, "population", office.CODE_LISTS, headings="headings")
    settle(staging, "shapes", CODE, office.VIENNA, wait_for=loaded)
    settle(staging, "district_shapes", "district_code", office.VIENNA_DISTRICT)
    today = files.population.codes_day
    recode(staging, "shapes", CODE, LEDGER, since=files.shapes.codes_day, until=today)
    counted = files.employment.codes_day
    recode(staging, "employment", CODE, LEDGER, since=counted, until=today)
    check_keys(staging, "shapes", (CODE,), pattern=r"^[1-9]\d{4}$")
    check_join(staging, "shapes", "population", key=CODE, **RESIDENTS)
    check_join(staging, "shapes", "employment", key=CODE, population="residents", required=False)

    join(staging, "austria.sql", wait_for=loaded)
    check_join(staging, "district_shapes", "municipalities", key="district_code", **RESIDENTS)
    clean_topology(staging, "municipalities", key=CODE, gap_metres=1.0)
    aggregate(staging, "municipalities", by="district_code", into="districts", carry=DISTRICT)
    aggregate(staging, "municipalities", by="state_code", into="states", carry=STATE)

    check_topology(staging, "municipalities")
    check_totals(staging, files.shapes, table="municipalities")
    check_conserved(staging, "population", "population", "municipalities")
    check_conserved(staging, "population", "municipalities", "states")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(austria)
