"""INSEE's movements of communes (COG): the code events of France, for census tables and registers
that have codes of earlier days.
"""

from datetime import date

from flows.offices.insee import INSEE, INSEE_FILES, OF_INSEE
from flows.offices.insee import source as office_source
from tasks.core.model.declarations import Column, Source, Table, text

MOVEMENTS_PAGES = {2024: 7766585, 2025: 8377162, 2026: 8740222}

MOVEMENTS: dict[str, Column] = {
    "day": Column(("DATE_EFF",), "date"),
    "type_before": text("TYPECOM_AV"),
    "code_before": text("COM_AV"),
    "type_after": text("TYPECOM_AP"),
    "code_after": text("COM_AP"),
}


def movements(year: int) -> Source:
    """What became of the communes since 1943, until 1 January of a year or later."""
    newest = max(year, min(MOVEMENTS_PAGES))
    return office_source(
        "fr-movements",
        year,
        f"Movements of communes until {year}",
        INSEE,
        OF_INSEE,
        "https://www.insee.fr/fr/information/2560452",
        container="text",
        urls=(f"{INSEE_FILES}/{MOVEMENTS_PAGES[newest]}/v_mvt_commune_{newest}.csv",),
        reads=Table(columns=MOVEMENTS),
        reference_date=date(year, 1, 1),
    )
