"""INSEE's movements of communes (COG): how French codes of earlier days became today's."""

from dataclasses import replace

from flows.offices.insee import INSEE_FILES, RELEASES
from flows.offices.insee import source as office_source
from flows.offices.insee_listings import movements_of
from tasks.nouns import Column, Source, Table, text

MOVEMENTS: dict[str, Column] = {
    "day": Column(("DATE_EFF",), "date"),
    "type_before": text("TYPECOM_AV"),
    "code_before": text("COM_AV"),
    "type_after": text("TYPECOM_AP"),
    "code_after": text("COM_AP"),
}


def movements(year: int, until: int = 0) -> Source:
    """Give what became of the communes since 1943, until 1 January of a year or later.

    until: another one. The page of a table that is not declared is on INSEE's own only.
    """
    newest, page = RELEASES[until or year].movements
    title = f"Movements of communes until {year}"
    return replace(
        office_source("fr-movements", year, title, Table(columns=MOVEMENTS)),
        landing_page="https://www.insee.fr/fr/information/2560452",
        urls=(f"{INSEE_FILES}/{page}/v_mvt_commune_{newest}.csv",) if page else (),
        listing=movements_of(newest),
        listed=rf"v_mvt_commune_{newest}\.csv",
        otherwise=None if page else movements(year, (until or year) - 1),
    )
