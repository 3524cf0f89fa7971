"""Austria: the postal codes, degree of urbanisation and typology of municipalities.

Statistik Austria and the Austrian Post offer these lists without lasting addresses; they are
fetched by hand, laid into the inbox and archived. A municipality has several postal codes and a
postal code several municipalities. Vienna is one municipality in the list of postal codes.
"""

from prefect import flow

from flows.offices import statistik_austria_lists as office
from tasks.nouns import Dataset, Mirror, Rebuild
from tasks.vocabulary import (
    WORKERS,
    backup,
    check_join,
    check_keys,
    check_rows,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recorded,
    run,
    together,
    unpack,
)

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


@flow(name="austria-lists", description=__doc__, task_runner=WORKERS)
@recorded(AUSTRIA_LISTS)
def austria_lists(mirror: Mirror = None, rebuild: Rebuild = False) -> None:
    """Publish the lists of postal codes and of types of municipalities."""
    files = backup(
        typology=office.typology(VINTAGE),
        urbanisation=office.urbanisation(VINTAGE),
        postal_code_list=office.postal_codes(VINTAGE),
        mirror=mirror,
    )
    staging = open_staging(AUSTRIA_LISTS, VINTAGE, files, rebuild=rebuild)
    loaded = load(staging, unpack(files))
    together(*check_rows.map(staging, [files.typology, files.urbanisation, files.postal_code_list]))
    check_keys(staging, "typology", ("municipality_code",), pattern=r"^[1-9]\d{4}$")
    check_join(staging, "typology", "urbanisation", key="municipality_code", areas_matched=1.0)

    join(staging, "austria_lists.sql", wait_for=loaded)
    publish_catalog(publish(staging))


if __name__ == "__main__":
    run(austria_lists)
