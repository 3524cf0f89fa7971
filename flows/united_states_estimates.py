"""The United States: yearly population estimates of counties, states and divisions.

The Census Bureau revises all years since the last census each March; an edition holds the newest
year of one release. Estimates and borders of different years meet through the ledger of code
events; Puerto Rico and the island areas have borders and no estimates.
"""

from typing import Annotated

from prefect import flow

from flows.offices import census_bureau as census
from tasks.nouns import NEWEST, Dataset, Mirror, Rebuild, since
from tasks.vocabulary import (
    WORKERS,
    aggregate,
    backup,
    check_conserved,
    check_join,
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
    unpack,
)

UNITED_STATES_ESTIMATES = Dataset(
    slug="united_states_estimates",
    title="United States: population estimates of counties",
    country="US",
    schema="united_states",
    vintages=tuple(census.ESTIMATED),
    layers={
        "county_population": ("geoid",),
        "state_population": ("state_code",),
        "division_population": ("division_code",),
    },
)
Vintage = Annotated[int, since(census.ESTIMATED, "Year of the estimates, 1 July, and the borders.")]
DIVISION = ("division_*", "region_*")  # columns that an area has of itself and of those above it
STATE = ("state_*", *DIVISION)


@flow(
    name="united-states-estimates",
    description=__doc__,
    flow_run_name="united states estimates {vintage}",
    task_runner=WORKERS,
)
@recorded(UNITED_STATES_ESTIMATES)
def united_states_estimates(
    vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False
) -> None:
    """Publish the population estimates of one year."""
    files = backup(
        shapes=census.counties(vintage), estimates=census.county_estimates(vintage), mirror=mirror
    )
    staging = open_staging(UNITED_STATES_ESTIMATES, vintage, files, rebuild=rebuild)
    loaded = load(staging, unpack(files))
    check_rows(staging, files.shapes)
    check_rows(staging, files.estimates)
    check_totals(staging, files.estimates)
    then, now = files.estimates.codes_day, files.shapes.codes_day
    recode(staging, "estimates", "geoid", census.COUNTIES, since=then, until=now)
    check_join(
        staging, "shapes", "estimates", key="geoid", population="population", named_at_most=0.02
    )

    clean_topology(staging, "shapes", key="geoid", gap_metres=1.0, wait_for=loaded)
    join(staging, "united_states_estimates.sql")
    aggregate(staging, "county_population", by="state_code", into="state_population", carry=STATE)
    aggregate(
        staging, "state_population", by="division_code", into="division_population", carry=DIVISION
    )

    check_topology(staging, "county_population")
    check_conserved(staging, "population", "estimates", "county_population", tolerance=0.02)
    check_conserved(staging, "population", "county_population", "division_population")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(united_states_estimates)
