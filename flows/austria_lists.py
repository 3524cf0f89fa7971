"""Austria: lists beside the municipalities: the postal codes they have, their degree of
urbanisation and their urban-rural typology.

Statistik Austria and the Austrian Post offer these lists without lasting addresses; they are
fetched by hand, laid into the inbox and archived. A municipality has several postal codes and a
postal code several municipalities. Vienna is one municipality in the list of postal codes.
"""

from prefect import flow

from flows.offices import statistik_austria as office
from tasks.running.command_line import run
from tasks.core.model.declarations import Dataset, Rows
from tasks.running.parameters import Mirror, Rebuild
from tasks.vocabulary import (
    WORKERS,
    backup,
    check_join,
    check_keys,
    check_rows,
    join,
    load_table,
    open_staging,
    publish,
    publish_catalog,
)
from tasks.vocabulary import recorded, together, unpack

AUSTRIA_LISTS = Dataset(
    slug="austria_lists",
    title="Austria: postal codes and types of municipalities",
    country="AT",
    schema="austria",
    layers={
        "postal_codes": ("postal_code", "municipality_code"),
        "municipality_types": ("municipality_code",),
    },
)
VINTAGE = 2023
REGIONS = "https://www.statistik.at/services/tools/services/regionales/"
TYPOLOGY = office.by_hand(
    "at-typology",
    VINTAGE,
    "Urban-rural typology 2021",
    office.TYPOLOGY,
    ("municipality_code",),
    REGIONS,
    rows=Rows.exactly(2_115),
)
URBANISATION = office.by_hand(
    "at-urbanisation",
    VINTAGE,
    "Degree of urbanisation 2021",
    office.URBANISATION,
    ("municipality_code",),
    REGIONS,
    rows=Rows.exactly(2_115),
)
POSTAL_CODES = office.by_hand(
    "at-postal-codes",
    VINTAGE,
    "Postal codes of municipalities",
    office.POSTAL_CODES,
    ("postal_code", "municipality_code"),
    "https://www.post.at",
    rows=Rows.exactly(3_375),
)


@flow(name="austria-lists", description=__doc__, task_runner=WORKERS)
@recorded(AUSTRIA_LISTS)
def austria_lists(mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish the lists of postal codes and of types of municipalities."""
    originals = backup(TYPOLOGY, URBANISATION, POSTAL_CODES, mirror=mirror)
    staging = open_staging(AUSTRIA_LISTS, VINTAGE, *originals, rebuild=rebuild)
    tables = ["typology", "urbanisation", "postal_code_list"]
    loaded = together(*load_table.map(unpack.map(originals), staging, table=tables))
    together(*check_rows.map(staging, tables, originals))
    check_keys(staging, "typology", ("municipality_code",), pattern=r"^[1-9]\d{4}$")
    check_join(
        staging,
        areas="typology",
        figures="urbanisation",
        key="municipality_code",
        areas_matched=1.0,
    )

    join("austria_lists.sql", staging, wait_for=loaded)
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(austria_lists)
