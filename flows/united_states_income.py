"""The United States: income of households by county, table S1901 of the American Community Survey.

The table is exported from the Census Bureau's portal by hand and laid into the inbox; once
archived, the archive stands in. Medians, means and shares of counties that became one are no sums
and stay empty.
"""

from typing import Annotated, Literal

from prefect import flow

from flows.offices import census_bureau as census
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset
from tasks.running.parameters import Mirror, Rebuild, described
from tasks.vocabulary import (
    WORKERS,
    backup,
    check_join,
    check_rows,
    check_topology,
    clean_topology,
    join,
    load_geometries,
    load_table,
)
from tasks.vocabulary import (
    open_staging,
    publish,
    publish_catalog,
    recode,
    recorded,
    together,
    unpack,
)

UNITED_STATES_INCOME = Dataset(
    slug="united_states_income",
    title="United States: income of households by county",
    country="US",
    schema="united_states",
    layers={"county_income": ("geoid",)},
)
Vintage = Annotated[Literal[2022, 2023], described("Last of the five years of the survey.")]


@flow(
    name="united-states-income",
    description=__doc__,
    flow_run_name="united states income {vintage}",
    task_runner=WORKERS,
)
@recorded(UNITED_STATES_INCOME)
def united_states_income(
    vintage: Vintage = 2023, mirror: Mirror = None, rebuild: Rebuild = False
) -> None:
    """Publish the income of households by county."""
    borders, figures = backup(
        census.counties(vintage), census.subject_table(vintage), mirror=mirror
    )
    staging = open_staging(UNITED_STATES_INCOME, vintage, borders, figures, rebuild=rebuild)
    shapes, incomes = unpack.map((borders, figures)).result()
    loaded = together(
        load_geometries.submit(shapes, staging, table="shapes"),
        load_table.submit(incomes, staging, table="income"),
    )
    check_rows(staging, "shapes", borders)
    recode(
        staging,
        "income",
        "geoid",
        census.COUNTIES,
        since=figures.source.codes_day,
        until=borders.source.codes_day,
    )
    check_join(staging, areas="shapes", figures="income", key="geoid", named_at_most=0.02)

    clean_topology(staging, table="shapes", key="geoid", gap_metres=1.0, wait_for=loaded)
    join("united_states_income.sql", staging)
    check_topology(staging, "county_income")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(united_states_income)
