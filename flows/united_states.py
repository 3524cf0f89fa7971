"""The United States: states to block groups with the American Community Survey.

The Census Bureau publishes generalised borders, for the small areas one file a state, and the
five-year estimates with their margins of error as national tables of all kinds of area. Every state
is loaded and cleaned for itself, then all are read as one and joined by the area's full code.
"""

from typing import Annotated, Any

from prefect import flow

from flows.offices import census_bureau as census
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
    clean_topology,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recorded,
    run,
    together,
    unite,
    unpack,
)

UNITED_STATES = Dataset(
    slug="united_states",
    title="United States: census areas and the American Community Survey",
    country="US",
    schema="united_states",
    vintages=tuple(census.SURVEYED),
    layers={name: ("geoid",) for name in ("states", "counties", "tracts", "block_groups")}
    | {"divisions": ("division_code",)},
)
Vintage = Annotated[int, since(census.SURVEYED, "Year of the borders, last of the survey's five.")]
DIVISION = ("division_*", "region_*")
SURVEY: dict[str, Any] = {"figures": "b01001", "key": "geo_id", "population": "population"}
SMALL_AREAS = SURVEY | {"unlocated": census.WATER_TRACTS, "figures_matched": 0.99}


@flow(
    name="united-states",
    description=__doc__,
    flow_run_name="united states {vintage}",
    task_runner=WORKERS,
)
@recorded(UNITED_STATES)
def united_states(
    vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False
) -> None:
    """Publish one vintage of the United States."""
    files = backup(
        state_shapes=census.states(vintage),
        county_shapes=census.counties(vintage),
        tract_shapes=census.tracts(vintage),
        block_group_shapes=census.block_groups(vintage),
        **census.surveys(vintage),
        mirror=mirror,
    )
    staging = open_staging(UNITED_STATES, vintage, files, rebuild=rebuild)
    loaded = load(staging, unpack(files))
    check_rows(staging, files.state_shapes)
    check_rows(staging, files.county_shapes)
    tracts, block_groups = files.tables("tract_shapes"), files.tables("block_group_shapes")
    shapes = ("state_shapes", "county_shapes", *tracts, *block_groups)
    together(*clean_topology.map(staging, shapes, key="geoid", gap_metres=1.0))
    unite(staging, "tract_shapes", tracts)
    unite(staging, "block_group_shapes", block_groups)
    check_keys(staging, "tract_shapes", ("geoid",), pattern=r"^\d{11}$")
    check_keys(staging, "block_group_shapes", ("geoid",), pattern=r"^\d{12}$")
    check_join(staging, "state_shapes", only="0400000US%", **SURVEY)
    check_join(staging, "county_shapes", only="0500000US%", **SURVEY)
    check_join(staging, "tract_shapes", only="1400000US%", **SMALL_AREAS)
    check_join(staging, "block_group_shapes", only="1500000US%", **SMALL_AREAS)

    join(staging, "united_states.sql", wait_for=loaded)
    aggregate(staging, "states", by="division_code", into="divisions", carry=DIVISION)

    check_topology(staging, "tracts")
    check_topology(staging, "block_groups")
    check_conserved(staging, "population", "states", "counties")
    check_conserved(staging, "population", "counties", "tracts", tolerance=0.001)
    check_conserved(staging, "population", "tracts", "block_groups", tolerance=0.001)
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(united_states)
