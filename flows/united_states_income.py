"""The United States: income of households by county, table S1901 of the American Community Survey.

The table is exported from the Census Bureau's portal by hand and laid into the inbox; once
archived, the archive stands in. Medians, means and shares of counties that became one are no sums
and stay empty.
"""

from typing import Annotated

from prefect import flow

from flows.offices import census_bureau as census
from tasks.nouns import NEWEST, Dataset, Mirror, Rebuild, since
from tasks.vocabulary import (
    WORKERS,
    backup,
    check_join,
    check_rows,
    check_topology,
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

UNITED_STATES_INCOME = Dataset(
    slug="united_states_income",
    title="United States: income of households by county",
    country="US",
    schema="united_states",
    vintages=tuple(census.WITH_INCOME),
    layers={"county_income": ("geoid",)},
)
Vintage = Annotated[int, since(census.WITH_INCOME, "Last of the five years of the survey.")]


@flow(
    name="united-states-income",
    description=__doc__,
    flow_run_name="united states income {vintage}",
    task_runner=WORKERS,
)
@recorded(UNITED_STATES_INCOME)
def united_states_income(
    vintage: Vintage = NEWEST, mirror: Mirror = None, rebuild: Rebuild = False
) -> None:
    """Publish the income of households by county."""
    files = backup(
        shapes=census.counties(vintage), income=census.subject_table(vintage), mirror=mirror
    )
    staging = open_staging(UNITED_STATES_INCOME, vintage, files, rebuild=rebuild)
    loaded = load(staging, unpack(files))
    check_rows(staging, files.shapes)
    then, now = files.income.codes_day, files.shapes.codes_day
    recode(staging, "income", "geoid", census.COUNTIES, since=then, until=now)
    check_join(staging, "shapes", "income", key="geoid", named_at_most=0.02)

    clean_topology(staging, "shapes", key="geoid", gap_metres=1.0, wait_for=loaded)
    join(staging, "united_states_income.sql")
    check_topology(staging, "county_income")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(united_states_income)
