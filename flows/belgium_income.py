"""Belgium's municipal income series 2005 to 2013, on the 589 municipalities of 2011.

Statbel's release of 2015 is the last on these municipalities: today's release is recalculated on
those of now, and the old address no longer answers, so the file comes from the archive or from a
mirror. The borders are the sectors of 2011, dissolved to municipalities. The series keeps one row
for each municipality and year; the areas carry the figures of 2013. It is given once more on the
municipalities of 2025, those merged since added up.
"""

from datetime import date

from prefect import flow

from flows.offices import statbel
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset, Features, Rows, Source, Total
from tasks.running.parameters import Mirror, Rebuild
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
    recode,
    recorded,
)
from tasks.vocabulary import together, unpack

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

SECTORS = statbel.source(
    "be-sectors",
    VINTAGE,
    "Statistical sectors 2011",
    date(2011, 1, 1),
    "Statistische%20sectoren/sh_statbel_spatialite.zip",
    "*.sqlite",
    page="statistical-sectors-2011",
    released="once",
    confidence="medium",
    distinct={"municipality_code": 589},
    reads=Features(
        columns=statbel.MUNICIPALITIES_2011,
        crs=31370,
        published_crs=31370,
        crs_missing=True,
        bounds=statbel.BOUNDS,
    ),
)
SERIES = Source(
    slug="be-municipal-income",
    vintage=VINTAGE,
    title="Fiscal income by municipality, 2005 to 2013, release of 2015",
    reference_date=date(2013, 12, 31),
    codes_of=date(2011, 1, 1),
    publisher=statbel.STATBEL,
    licence=statbel.OPEN_DATA,
    landing_page="https://statbel.fgov.be/en/themes/households/taxable-income",
    urls=("https://statbel.fgov.be/nl/binaries/TF_PSNL_INC_TAX_MUNTY_tcm325-272513.zip",),
    container="zip",
    member="*.txt",
    released="once; no longer offered",
    confidence="low",
    rows=Rows.exactly(5_301),
    distinct={"municipality_code": 589, "year": 9},
    totals={
        "residents": Total(expected=11_150_516),
        "net_taxable_income": Total(expected=189_767_698_458.80),
    },
    reads=statbel.piped(statbel.MUNICIPAL_INCOME, key=("municipality_code", "year")),
)


@flow(name="belgium-income", description=__doc__, task_runner=WORKERS)
@recorded(BELGIUM_INCOME)
def belgium_income(mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish the municipal income series of Belgium."""
    sectors, series = backup(SECTORS, SERIES, mirror=mirror)
    staging = open_staging(BELGIUM_INCOME, VINTAGE, sectors, series, rebuild=rebuild)

    shapes, figures = unpack.map((sectors, series)).result()
    loaded = together(
        load_geometries.submit(shapes, staging, table="shapes"),
        load_table.submit(figures, staging, table="series"),
        load_table.submit(figures, staging, table="series_of_2025"),
    )
    check_rows(staging, "shapes", sectors)
    check_rows(staging, "series", series)
    check_keys(staging, "series", ("municipality_code", "year"), pattern=r"^\d{5}$")
    check_join(
        staging, areas="shapes", figures="series", key="municipality_code", areas_matched=1.0
    )
    recode(
        staging,
        "series_of_2025",
        "municipality_code",
        statbel.LEDGER,
        since=SERIES.codes_day,
        until=date(2025, 1, 1),
    )

    clean_topology(staging, table="shapes", key="feature", gap_metres=1.0, wait_for=loaded)
    join("belgium_income.sql", staging)
    aggregate(
        staging,
        "parts",
        by="municipality_code",
        into="fiscal_municipalities",
        adding="figures_of_2013",
    )

    check_topology(staging, "fiscal_municipalities")
    check_totals(staging, "fiscal_municipalities", series)
    check_conserved(staging, "residents", "figures_of_2013", "fiscal_municipalities")
    check_conserved(staging, "net_taxable_income", "municipal_income", "municipal_income_2025")
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(belgium_income)
