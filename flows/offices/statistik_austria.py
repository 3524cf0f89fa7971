"""Statistik Austria: the office, its licence, its official numbers, its columns, and how its codes
of municipalities changed.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tasks.core.making.codes.ledger import Place, ledger
from tasks.core.model.declarations import (
    Column,
    Document,
    Features,
    Licence,
    Publisher,
    Rows,
    Source,
    Table,
    Total,
    decimal,
    integer,
    text,
)

STATISTIK_AUSTRIA = Publisher(
    slug="statistik-austria", name="Statistik Austria", url="https://www.statistik.at"
)
CC_BY = Licence(
    slug="cc-by-4.0-statistik-austria",
    title="Creative Commons Namensnennung 4.0 International",
    url="https://creativecommons.org/licenses/by/4.0/deed.de",
    attribution="Datenquelle: Statistik Austria - data.statistik.gv.at",
)
PORTAL = "https://data.statistik.gv.at"
# Asked in the service's own order: not every year has the same name for the code that it could be
# sorted by.
HOSTS = (
    "https://www.statistik.at",
    "https://www.statistik.gv.at",
)  # the second is the published one, and sends to the first
SERVICE = "gs-open/GEODATA/ows?service=WFS&version=2.0.0&request=GetFeature&outputFormat=application/json&srsName=EPSG:31287"
BOUNDS = (105_000, 270_000, 695_000, 585_000)  # metres in EPSG:31287
METADATA = "{}/ogd/json?dataset={}"
PAGE = 1_000  # features that the service is asked for at a time
POPULATION_DATASET, EMPLOYMENT_DATASET = "OGD_bevstandjbab2002_BevStand_{}", "OGDEXT_AEST_GEMTAB_1"
NEWEST = 2026
EMPLOYMENT_NEWEST = 2023  # last year in the table of employment

# Features of the layers, Vienna by its 23 districts; in some years it is there as a whole besides.
DISTRICT_COUNTS = Rows(low=116, high=117)
MUNICIPALITY_COUNTS = {
    **dict.fromkeys((2020, 2021), Rows(low=2_117, high=2_118)),
    **dict.fromkeys((2022, 2023, 2024), Rows.exactly(2_115)),
    **dict.fromkeys((2025, 2026), Rows.exactly(2_114)),
}
AREA = {"area_km2": Total(expected=83_870, tolerance=0.0003, stated_by="Statistik Austria")}
RESIDENTS = {2023: 9_104_772}

# Vienna is one municipality, 90001, and one district, 900; figures are given for its 23 districts,
# so these are published.
VIENNA = Place(
    whole="90001", parts=tuple(f"9{number:02}01" for number in range(1, 24)), keep="parts"
)
VIENNA_DISTRICT = Place(
    whole="900", parts=tuple(f"9{number:02}" for number in range(1, 24)), keep="parts"
)

# Measured as differences between the table of 2015 and the borders of 2021, paired by name; the
# days from 2018 on are of medium confidence.
LEDGER = ledger("""
    2017-01-01: 32401 > 30729
    2017-01-01: 32402 > 30730
    2017-01-01: 32403 > 31949
    2017-01-01: 32404 > 31235
    2017-01-01: 32405 > 30731
    2017-01-01: 32406 > 30732
    2017-01-01: 32407 > 30733
    2017-01-01: 32408 > 32144
    2017-01-01: 32409 > 30734
    2017-01-01: 32410 > 30735
    2017-01-01: 32411 > 30736
    2017-01-01: 32412 > 31950
    2017-01-01: 32413 > 30737
    2017-01-01: 32415 > 31951
    2017-01-01: 32416 > 31952
    2017-01-01: 32417 > 30738
    2017-01-01: 32418 > 30739
    2017-01-01: 32419 > 30740
    2017-01-01: 32421 > 31953
    2017-01-01: 32423 > 31954
    2017-01-01: 32424 > 30741
    2018-01-01: 40803 40819 > 40835
    2018-01-01: 41340 41625 > 41628
    2019-01-01: 41301 41335 > 41346
    2019-01-01: 41302 41310 > 41345
    2020-01-01: 61056 61058 62347 > 61060 61061
    2022-01-01: 70327 70330 70341 > 70370
    2025-01-01: 62252 62267 > 62280
""")

MUNICIPALITIES: dict[str, Column] = {
    "municipality_code": text("g_id", "id", about="Gemeindekennziffer, five digits"),
    "municipality_name": text(
        *("g_name", "name"),
        about="Name; of municipalities merged since, the names joined by a plus sign",
        unit="name",
    ),
}

DISTRICTS: dict[str, Column] = {
    "district_code": text("g_id", "id"),
    "district_name": text("g_name", "name", about="Name of the political district", unit="name"),
}

POPULATION: dict[str, Column] = {
    "municipality_code": text(
        "C-GRGEMAKT-0", prefix="GRGEMAKT-", about="Gemeindekennziffer of today's municipality"
    ),
    "sex_code": text("C-C11-0", about="Code of the sex"),
    "age_code": text("C-GALTEJ112-0"),
    "population": integer("F-ISIS-1", about="Residents on 1 January", unit="persons", rule="sum"),
}

HEADINGS: dict[str, Column] = {
    "code": text("code"),
    "label": text("name"),
    "label_en": text("en_name"),
}

CODES: dict[str, Column] = HEADINGS | {
    "parent": text("")
}  # the column of the code above has no heading

MUNICIPALITY_CODES: dict[str, Column] = HEADINGS | {
    "code": text("code", prefix="GRGEMAKT-"),
    "parent": text(""),  # ends in the code of the political district
}
CODE_LISTS = {"municipality_code": "municipality_codes", "sex_code": "sexes", "age_code": "ages"}


def _share(heading: str, about: str, rule: str = "none") -> Column:
    return decimal(heading, precision=5, scale=1, about=about, unit="%", rule=rule)


def _count(heading: str, about: str, unit: str) -> Column:
    return integer(heading, about=about, unit=unit, rule="sum")


EMPLOYMENT: dict[str, Column] = {
    "municipality_code": text("GCD"),
    "residents": integer("BEV_ABSOLUT"),  # published as employment_residents
    "foreign_share": _share(
        "AUSL_STAATSB", "Residents of foreign citizenship", "mean by employment_residents"
    ),
    "employment_rate": _share("EWTQ_15BIS64", "Employed among residents of 15 to 64 years"),
    "unemployment_rate": _share(
        "ALQ_15PLUS", "Unemployed among the labour force of 15 years and over"
    ),
    "secondary_education_share": _share(
        "EDU_15_SEK", "Residents of 15 years and over with secondary education"
    ),
    "tertiary_education_share": _share(
        "EDU_15_TER", "Residents of 15 years and over with tertiary education"
    ),
    "commuter_share": _share("AUSPENDLER", "Employed residents who work in another municipality"),
    "households": _count("PHH", "Private households", "households"),
    "household_size": decimal(
        "HH_SIZE",
        precision=5,
        about="Persons in a private household",
        unit="persons/household",
        rule="mean by households",
    ),
    "families": _count("FAMILIEN", "Families", "families"),
    "enterprises": _count("UNT", "Enterprises", "enterprises"),
    "workplaces": _count("AST", "Workplaces (Arbeitsstätten)", "workplaces"),
    "employees": _count("BESCH_AST", "Persons employed at workplaces", "persons"),
}


def source(
    slug: str, vintage: int, title: str, dataset: str, ending: str = ".csv", **facts: Any
) -> Source:
    """A file of the open data portal, by the identifier of its dataset and how its name ends."""
    return Source(
        **{
            "slug": slug,
            "vintage": vintage,
            "title": title,
            "reference_date": date(vintage, 1, 1),
            "urls": (f"{PORTAL}/data/{dataset}{ending}",),
            "landing_page": f"{PORTAL}/web/meta.jsp?dataset={dataset}",
            "publisher": STATISTIK_AUSTRIA,
            "licence": CC_BY,
            "container": "text",
            "released": "yearly",
            "confidence": "high",
            **facts,
        }
    )


def borders(
    slug: str, vintage: int, title: str, layer: str, columns: Mapping[str, Column], **facts: Any
) -> Source:
    """A layer of borders from the web feature service that took the place of zip files in March
    2026.
    """
    return source(
        slug,
        vintage,
        title,
        f"OGDEXT_{layer}_1",
        container="json",
        pages=PAGE,
        urls=tuple(
            f"{host}/{SERVICE}&typeNames=GEODATA:STATISTIK_AUSTRIA_{layer}_{vintage}0101"
            for host in HOSTS
        ),
        reads=Features(
            columns=columns, key=next(iter(columns)), crs=31287, published_crs=31287, bounds=BOUNDS
        ),
        **facts,
    )


def population(year: int) -> Source:
    """The residents of a year by sex and age; every year is on the municipalities of today."""
    key = ("municipality_code", "sex_code", "age_code")
    return source(
        "at-population",
        year,
        f"Residents on 1 January {year}",
        POPULATION_DATASET.format(year),
        codes_of=date(NEWEST, 1, 1),
        reads=listed(POPULATION, key, where={"C-A10-0": f"A10-{year}"}),
        totals=(
            {"population": Total(expected=RESIDENTS[year], tolerance=0.001)}
            if year in RESIDENTS
            else {}
        ),
    )


def population_list(
    year: int, name: str, ending: str, columns: Mapping[str, Column] = CODES, **reads: Any
) -> Source:
    """One of the lists that tell what the codes and the columns of the residents mean."""
    return source(
        f"at-population-{name}",
        year,
        f"Residents on 1 January {year}: {name}",
        POPULATION_DATASET.format(year),
        f"_{ending}.csv",
        reads=listed(columns, ("code",), **reads),
    )


def employment(year: int) -> Source:
    """The newest year that the table of employment has two years before; each year is on the
    municipalities of its own.
    """
    counted = min(year - 2, EMPLOYMENT_NEWEST)
    reads = listed(
        EMPLOYMENT,
        ("municipality_code",),
        thousands=".",
        where={"JAHR": str(counted)},
        missing={":": "not published"},
        reasons_in="missing",
    )
    return source(
        "at-employment",
        year,
        f"Employment on 31 October {counted}",
        EMPLOYMENT_DATASET,
        reference_date=date(counted, 10, 31),
        codes_of=date(counted, 1, 1),
        reads=reads,
    )


def listed(columns: Mapping[str, Column], key: tuple[str, ...], **facts: Any) -> Table:
    """The portal's text format: semicolons, decimal comma, UTF-8."""
    return Table(
        columns=columns, key=key, delimiter=";", encoding="utf-8-sig", decimal_point=",", **facts
    )


def metadata(slug: str, vintage: int, dataset: str) -> Source:
    """What the portal says of a dataset: its licence, its attribution and the day of the last
    change.
    """
    return source(
        f"{slug}-metadata",
        vintage,
        f"Metadata of {dataset}",
        dataset,
        urls=(METADATA.format(PORTAL, dataset),),
        container="json",
        reads=Document(standard="OGD Austria Metadata"),
    )


def by_hand(
    slug: str,
    year: int,
    title: str,
    columns: Mapping[str, Column],
    key: tuple[str, ...],
    page: str,
    **facts: Any,
) -> Source:
    """A list that the office offers without a lasting address: a comma-separated text, fetched by
    hand.
    """
    return source(
        slug,
        year,
        title,
        "",
        urls=(),
        landing_page=page,
        confidence="low",
        reads=Table(columns=columns, key=key),
        codes_of=date(year, 1, 1),
        **facts,
    )


TYPOLOGY: dict[str, Column] = {
    "municipality_code": text("municipality_code", about="Gemeindekennziffer of 2023"),
    "municipality_name": text("municipality_name", about="Name of the municipality", unit="name"),
    "typology_code": text(
        "typology", about="Code of the urban-rural typology of Statistik Austria"
    ),
}

URBANISATION: dict[str, Column] = {
    "municipality_code": text("municipality_code"),
    "urbanisation_code": text("urbanisation", about="Degree of urbanisation (DEGURBA)"),
}

POSTAL_CODES: dict[str, Column] = {
    "postal_code": text("postal_code", about="Postal code (Postleitzahl)"),
    "municipality_code": text(
        "municipality_code", about="Gemeindekennziffer as in the list, Vienna mostly as 90001"
    ),
    "nuts3_code": text("NUTS3", about="NUTS 3 region of the postal code"),
}
