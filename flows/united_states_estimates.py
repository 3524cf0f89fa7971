"""The United States: yearly population estimates of the counties, and the states and divisions they
add up to.

The Census Bureau revises all years since the last census each March; an edition holds the newest
year of one release. Estimates and borders of different years meet through the ledger of code
events; Puerto Rico and the island areas have borders and no estimates.
"""

from typing import Annotated, Literal

from prefect import flow

from flows.offices import census_bureau as census
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset
from tasks.running.parameters import Mirror, Rebuild, described
from tasks.vocabulary import (
    WORKERS,
    aggregate,
    backup,
    check_conserved,
    check_join,
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
    recode,
    recorded,
)
from tasks.vocabulary import together, unpack

UNITED_STATES_ESTIMATES = Dataset(
    slug="united_states_estimates",
    title="United States: population estimates of counties",
    country="US",
    schema="united_states",
    layers={
        "county_population": ("geoid",),
        "state_population": ("state_code",),
        "division_population": ("division_code",),
    },
)
Vintage = Annotated[
    Literal[2019, 2021, 2022, 2023, 2024],
    described("Year of the estimates, on 1 July, and of the borders."),
]


@flow(
    name="united-states-estimates",
    description=__doc__,
    flow_run_name="united states estimates {vintage}",
    task_runner=WORKERS,
)
@recorded(UNITED_STATES_ESTIMATES)
def united_states_estimates(
    vintage: Vintage = 2024, mirror: Mirror = None, rebuild: Rebuild = False
) -> None:
    """Publish the population estimates of one year."""
    borders, figures = backup(
        census.counties(vintage), census.county_estimates(vintage), mirror=mirror
    )
    staging = open_staging(UNITED_STATES_ESTIMATES, vintage, borders, figures, rebuild=rebuild)
    shapes, people = unpack.map((borders, figures)).result()
    loaded = together(
        load_geometries.submit(shapes, staging, table="shapes"),
        load_table.submit(people, staging, table="estimates"),
    )
    check_rows(staging, "shapes", borders)
    check_rows(staging, "estimates", figures)
    check_totals(staging, "estimates", figures)
    recode(
        staging,
        "estimates",
        "geoid",
        census.COUNTIES,
        since=figures.source.codes_day,
        until=borders.source.codes_day,
    )
    check_join(
        staging,
        areas="shapes",
        figures="estimates",
        key="geoid",
        population="population",
        named_at_most=0.02,
    )

    clean_topology(staging, table="shapes", key="geoid", gap_metres=1.0, wait_for=loaded)
    join("united_states_estimates.sql", staging)
    aggregate(
        staging,
        "county_population",
        by="state_code",
        into="state_population",
        carry=("state_*", "division_*", "region_*"),
    )
    aggregate(
        staging,
        "state_population",
        by="division_code",
        into="division_population",
        carry=("division_*", "region_*"),
    )

    check_topology(staging, "county_population")
    check_conserved(staging, "population", "estimates", "county_population", tolerance=0.02)
    check_conserved(staging, "population", "county_population", "division_population")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(united_states_estimates)
