"""France: IRIS with census and income, and the communes, regions and other areas they make.

IGN draws the IRIS, INSEE counts in them, La Poste delivers to communes. Every territory is loaded
in its own projection and read as one. Communes, départements, regions, EPCI and postal areas are
dissolved from the IRIS; Paris, Lyon and Marseille are rolled up from their arrondissements.
"""

from typing import Annotated, Any

from prefect import flow

from flows.offices import ign, insee
from flows.offices.insee_lists import postal_codes
from flows.offices.insee_memberships import memberships
from flows.offices.insee_movements import movements
from tasks.nouns import NEWEST, Dataset, Mirror, Rebuild, since
from tasks.vocabulary import (
    WORKERS,
    aggregate,
    backup,
    check_conserved,
    check_day,
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
    read_ledger,
    recode,
    recorded,
    run,
    together,
    unite,
    unpack,
)

FRANCE = Dataset(
    slug="france",
    title="France: IRIS, census and income",
    country="FR",
    schema="france",
    vintages=tuple(insee.RELEASES),
    layers={
        "iris": ("iris_code",),
        "communes": ("commune_code",),
        "departements": ("departement_code",),
        "regions": ("region_code",),
        "epci": ("epci_code",),
        "postal_codes": ("postal_code",),
        "postal_code_communes": ("municipal_code", "postal_code"),
    },
)
POSTAL_AREAS = (
    "Postal areas of France, DERIVED: communes that have the same lowest postal code, dissolved"
    " from their IRIS. La Poste draws no borders; a commune with several postal codes is in one"
    " area only, and postal_code_communes has all pairs"
)
Vintage = Annotated[int, since(insee.RELEASES, "Year of the borders of the IRIS, on 1 January.")]
REGION = ("region_*",)  # columns that an area has of itself and of those above it
DEPARTEMENT = ("departement_*", *REGION)
EPCI = ("epci_*",)
COMMUNE = ("commune_*", *DEPARTEMENT, *EPCI)
CENSUS: dict[str, Any] = {"key": "iris_code", "population": "population", "figures_matched": 0.98}
INCOME: dict[str, Any] = {"key": "iris_code", "areas_matched": 0.15}
POSTED: dict[str, Any] = {"key": "municipal_code", "areas_matched": 0.95, "figures_matched": 0.0}
NAMES: dict[str, Any] = {"key": "commune_code", "areas_matched": 1.0, "figures_matched": 0.99}


@flow(name="france", description=__doc__, flow_run_name="france {vintage}", task_runner=WORKERS)
@recorded(FRANCE)
def france(vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of France."""
    files = backup(
        shapes=ign.iris(vintage),
        **insee.figures(vintage),
        movements=movements(vintage),
        postal_code_list=postal_codes(vintage),
        names=memberships(vintage),
        mirror=mirror,
    )
    staging = open_staging(FRANCE, vintage, files, rebuild=rebuild)
    unpacked = unpack(files)
    loaded, territories = load(staging, unpacked), unpacked.tables("shapes")
    together(*clean_topology.map(staging, territories, "iris_code", gap_metres=1.0, tolerance=0.02))
    unite(staging, "shapes", territories, wait_for=loaded)
    check_keys(staging, "shapes", ("iris_code",), pattern=r"^(\d{2}|2[AB])\d{7}$")
    together(*check_rows.map(staging, [*files.parts("shapes"), files.postal_code_list]))
    check_day(staging, files.postal_code_list)
    check_totals(staging, files.population)

    join(staging, "france_census.sql")
    ledger, now = read_ledger(staging, "movements"), files.parts("shapes")[0].codes_day
    counted, earned = files.population.codes_day, files.income.codes_day
    recode(staging, "census_communes", "municipal_code", ledger, counted, now, mixed=True)
    recode(staging, "income_communes", "municipal_code", ledger, earned, now, mixed=True)
    join(staging, "france.sql", {"income_day": earned})
    check_join(staging, "iris", "population_now", **CENSUS)
    check_join(staging, "iris", "postal_code_communes", **POSTED)
    kept = 1 - insee.RELEASES[vintage].income_lost
    check_join(staging, "iris", "income_now", **INCOME, figures_matched=kept)
    aggregate(staging, "iris", by="commune_code", into="communes", carry=COMMUNE)
    check_join(staging, "communes", "names_communes", **NAMES)
    aggregate(staging, "communes", by="departement_code", into="departements", carry=DEPARTEMENT)
    aggregate(staging, "departements", by="region_code", into="regions", carry=REGION)
    aggregate(staging, "communes", by="epci_code", into="epci", carry=EPCI)
    aggregate(staging, "iris", by="postal_code", into="postal_codes", about=POSTAL_AREAS)

    check_topology(staging, "iris")
    check_conserved(staging, "population", "iris", "regions", tolerance=1e-9)
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(france)
