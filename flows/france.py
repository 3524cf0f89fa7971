"""France: IRIS with census, housing, households and income, and the communes, départements,
regions, EPCI and postal areas they make.

IGN draws the IRIS, INSEE counts in them, La Poste delivers to communes. Every territory is loaded
in its own projection and read as one. The areas above are dissolved from the IRIS; Paris, Lyon and
Marseille are rolled up from their arrondissements.
"""

from typing import Annotated, Literal

from prefect import flow

from flows.offices import insee
from flows.offices.insee_movements import movements
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset, Source
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
    read_ledger,
    recode,
    recorded,
)
from tasks.vocabulary import together, unite, unpack, unpack_all

FRANCE = Dataset(
    slug="france",
    title="France: IRIS, census and income",
    country="FR",
    schema="france",
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
Vintage = Annotated[
    Literal[2023, 2024, 2025, 2026], described("Year of the borders of the IRIS, on 1 January.")
]


def sources_of(year: int) -> tuple[Source, ...]:
    """Borders, three tables of the census, incomes, postal codes, movements, and the lists of
    communes and of what they belong to.
    """
    return (
        insee.iris(year),
        insee.census(
            year,
            "population",
            "evol-struct-pop",
            "residents",
            insee.POPULATION,
            totals={"population": insee.RESIDENTS},
        ),
        insee.census(year, "housing", "logement", "dwellings", insee.HOUSING),
        insee.census(
            year, "households", "couples-familles-menages", "households", insee.HOUSEHOLDS
        ),
        insee.income(year),
        insee.postal_codes(year),
        movements(year),
        insee.contours(year, "communes", "communes", "Communes", insee.COMMUNES),
        insee.contours(year, "epci", "epci", "EPCI", insee.EPCI),
        insee.contours(year, "departements", "departements", "Départements", insee.DEPARTEMENTS),
        insee.contours(year, "regions", "regions", "Regions", insee.REGIONS),
    )


@flow(name="france", description=__doc__, flow_run_name="france {vintage}", task_runner=WORKERS)
@recorded(FRANCE)
def france(vintage: Vintage = 2025, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of France."""
    borders, *others = originals = backup(*sources_of(vintage), mirror=mirror)
    staging = open_staging(FRANCE, vintage, *originals, rebuild=rebuild)
    shapes, files = unpack_all(borders), unpack.map(others).result()
    parts = [f"shapes_{number}" for number, _ in enumerate(shapes)]
    loaded = together(
        *load_geometries.map(
            [*shapes, *files[6:]],
            staging,
            table=[*parts, "commune_list", "epci_list", "departement_list", "region_list"],
        ),
        *load_table.map(
            files[:6],
            staging,
            table=[
                "population",
                "housing",
                "households",
                "income",
                "postal_code_list",
                "movements",
            ],
        ),
    )
    together(*clean_topology.map(staging, parts, key="iris_code", gap_metres=1.0, tolerance=0.02))
    unite(staging, "shapes", parts, wait_for=loaded)
    check_keys(staging, "shapes", ("iris_code",), pattern=r"^(\d{2}|2[AB])\d{7}$")
    check_rows(staging, "postal_code_list", others[4])
    check_totals(staging, "population", others[0])
    check_join(
        staging,
        areas="shapes",
        figures="income",
        key="iris_code",
        areas_matched=0.2,
        required=False,
    )

    join("france_census.sql", staging)
    communes = read_ledger(staging, "movements")
    recode(
        staging,
        "census_communes",
        "municipal_code",
        communes,
        since=others[0].source.codes_day,
        until=borders.source.codes_day,
        mixed=True,
    )
    join("france.sql", staging)
    abroad = insee.NOT_DRAWN.get(vintage)
    check_join(
        staging,
        areas="iris",
        figures="population_now",
        key="iris_code",
        population="population",
        unlocated=abroad,
        figures_matched=0.98,
    )
    check_rows(staging, "iris", borders)
    aggregate(
        staging,
        "iris",
        by="commune_code",
        into="communes",
        carry=("commune_*", "departement_*", "region_*", "epci_*"),
    )
    aggregate(
        staging,
        "communes",
        by="departement_code",
        into="departements",
        carry=("departement_*", "region_*"),
    )
    aggregate(staging, "departements", by="region_code", into="regions", carry=("region_*",))
    aggregate(staging, "communes", by="epci_code", into="epci", carry=("epci_*",))
    aggregate(staging, "iris", by="postal_code", into="postal_codes", about=POSTAL_AREAS)

    check_topology(staging, "iris")
    check_conserved(staging, "population", "iris", "regions", tolerance=1e-9)
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(france)
