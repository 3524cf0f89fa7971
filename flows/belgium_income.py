"""Belgium's municipal income series 2005 to 2013, on the 589 municipalities of 2011.

Statbel's release of 2015 is the last on these municipalities: today's release is recalculated on
those of now, and the old address no longer answers, so the file comes from the archive or from a
mirror. The borders are the sectors of 2011, dissolved to municipalities. The series keeps one row
for each municipality and year; the areas carry the figures of 2013. It is given once more on the
municipalities of 2025, those merged since added up.
"""

from datetime import date

from prefect import flow

from flows.offices import statbel_2011
from flows.offices.statbel_ledger import LEDGER
from tasks.nouns import Dataset, Mirror, Rebuild
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
    clean_topology,
    join,
    load,
    load_table,
    open_staging,
    publish,
    publish_catalog,
    recode,
    recorded,
    run,
    unpack,
)

BELGIUM_INCOME = Dataset(
    slug="belgium_income",
    title="Belgium: municipal income 2005 to 2013",
    country="BE",
    schema="belgium",
    layers={
        "fiscal_municipalities": ("municipality_code",),
        "municipal_income": ("municipality_code", "year"),
        "municipal_income_2025": ("municipality_code", "year"),
    },
)
VINTAGE = 2011
CODE = "municipality_code"


@flow(name="belgium-income", description=__doc__, task_runner=WORKERS)
@recorded(BELGIUM_INCOME)
def belgium_income(mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish the municipal income series of Belgium."""
    files = backup(
        shapes=statbel_2011.sectors(), series=statbel_2011.municipal_income(), mirror=mirror
    )
    staging = open_staging(BELGIUM_INCOME, VINTAGE, files, rebuild=rebuild)
    unpacked = unpack(files)
    loaded = load(staging, unpacked)
    load_table(staging, unpacked.series, table="series_of_2025")
    check_rows(staging, files.shapes)
    check_rows(staging, files.series)
    check_keys(staging, "series", ("municipality_code", "year"), pattern=r"^\d{5}$")
    check_join(staging, "shapes", "series", key="municipality_code", areas_matched=1.0)
    then, now = files.series.codes_day, date(2025, 1, 1)
    recode(staging, "series_of_2025", CODE, LEDGER, since=then, until=now)

    clean_topology(staging, table="shapes", key="feature", gap_metres=1.0, wait_for=loaded)
    join(staging, "belgium_income.sql")
    aggregate(staging, "parts", by=CODE, into="fiscal_municipalities", adding="figures_of_2013")

    check_topology(staging, "fiscal_municipalities")
    check_totals(staging, files.series, table="fiscal_municipalities")
    check_conserved(staging, "residents", "figures_of_2013", "fiscal_municipalities")
    check_conserved(staging, "net_taxable_income", "municipal_income", "municipal_income_2025")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(belgium_income)
