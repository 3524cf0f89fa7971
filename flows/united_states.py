"""The United States: states, counties, tracts and block groups with the five-year estimates of the
American Community Survey.

The Census Bureau publishes generalised borders, for the small areas one file a state, and the
estimates with their margins of error as national tables of all kinds of area. Every state is loaded
and cleaned for itself, then all are read as one and joined by the area's full code.
"""

from typing import Annotated, Any, Literal

from prefect import flow

from flows.offices import census_bureau as census
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
)
from tasks.vocabulary import (
    clean_topology,
    join,
    load_geometries,
    load_table,
    open_staging,
    publish,
    publish_catalog,
    recorded,
)
from tasks.vocabulary import together, unite, unpack

UNITED_STATES = Dataset(
    slug="united_states",
    title="United States: census areas and the American Community Survey",
    country="US",
    schema="united_states",
    layers={name: ("geoid",) for name in ("states", "counties", "tracts", "block_groups")}
    | {"divisions": ("division_code",)},
)
Vintage = Annotated[
    Literal[2021, 2022, 2023, 2024],
    described("Year of the borders and last of the five years of the survey."),
]
SHAPES = ["state_shapes", "county_shapes"]
TRACTS, BLOCK_GROUPS = (
    [f"{kind}_shapes_{state}" for state in census.STATES] for kind in ("tract", "block_group")
)
SURVEYS = list(census.VARIABLES)


def borders_of(year: int) -> list[Source]:
    """States and counties in one file each, tracts and block groups in one file for each state."""
    return [
        census.boundaries(
            "us-states", year, f"States {year}", "us_state", census.STATE, rows=census.STATE_COUNT
        ),
        census.counties(year),
        *(
            census.boundaries(
                f"us-tracts-{state}",
                year,
                f"Tracts of state {state}, {year}",
                f"{state}_tract",
                census.TRACT,
            )
            for state in census.STATES
        ),
        *(
            census.boundaries(
                f"us-block-groups-{state}",
                year,
                f"Block groups of state {state}, {year}",
                f"{state}_bg",
                census.BLOCK_GROUP,
            )
            for state in census.STATES
        ),
    ]


@flow(
    name="united-states",
    description=__doc__,
    flow_run_name="united states {vintage}",
    task_runner=WORKERS,
)
@recorded(UNITED_STATES)
def united_states(vintage: Vintage = 2024, mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish one vintage of the United States."""
    sources = [*borders_of(vintage), *(census.survey(table, vintage) for table in SURVEYS)]
    originals = backup(*sources, mirror=mirror)
    staging = open_staging(UNITED_STATES, vintage, *originals, rebuild=rebuild)
    files = unpack.map(originals).result()
    borders, tables = files[: -len(SURVEYS)], files[-len(SURVEYS) :]
    loaded = together(
        *load_geometries.map(borders, staging, table=[*SHAPES, *TRACTS, *BLOCK_GROUPS]),
        *load_table.map(tables, staging, table=SURVEYS),
    )
    check_rows(staging, "state_shapes", originals[0])
    check_rows(staging, "county_shapes", originals[1])
    together(
        *clean_topology.map(staging, [*SHAPES, *TRACTS, *BLOCK_GROUPS], key="geoid", gap_metres=1.0)
    )
    unite(staging, "tract_shapes", TRACTS)
    unite(staging, "block_group_shapes", BLOCK_GROUPS)
    check_keys(staging, "tract_shapes", ("geoid",), pattern=r"^\d{11}$")
    check_keys(staging, "block_group_shapes", ("geoid",), pattern=r"^\d{12}$")
    survey: dict[str, Any] = {"figures": "b01001", "key": "geo_id", "population": "population"}
    check_join(staging, areas="state_shapes", only="0400000US%", **survey)
    check_join(staging, areas="county_shapes", only="0500000US%", **survey)
    check_join(
        staging,
        areas="tract_shapes",
        only="1400000US%",
        unlocated=census.WATER_TRACTS,
        figures_matched=0.99,
        **survey,
    )
    check_join(
        staging,
        areas="block_group_shapes",
        only="1500000US%",
        unlocated=census.WATER_TRACTS,
        figures_matched=0.99,
        **survey,
    )

    join("united_states.sql", staging, wait_for=loaded)
    aggregate(
        staging, "states", by="division_code", into="divisions", carry=("division_*", "region_*")
    )

    check_topology(staging, "tracts")
    check_topology(staging, "block_groups")
    check_conserved(staging, "population", "states", "counties")
    check_conserved(staging, "population", "counties", "tracts", tolerance=0.001)
    check_conserved(staging, "population", "tracts", "block_groups", tolerance=0.001)
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(united_states)
