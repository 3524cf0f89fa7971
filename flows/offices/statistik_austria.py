"""Statistik Austria: the office, its licence, a table of its releases, how its codes of
municipalities changed, its files, and the columns kept of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from tasks.nouns import (
    Column,
    Document,
    Features,
    Licence,
    Publisher,
    Reading,
    Rows,
    Source,
    Table,
    Total,
    WholeOrParts,
    decimal,
    integer,
    ledger,
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
SERVICE = (
    "gs-open/GEODATA/ows?service=WFS&version=2.0.0&request=GetFeature"
    "&outputFormat=application/json&srsName=EPSG:31287"
)
BOUNDS = (105_000, 270_000, 695_000, 585_000)  # metres in EPSG:31287
METADATA = "{}/ogd/json?dataset={}"
REGIONS = "https://www.statistik.at/services/tools/services/regionales/"
PAGE = 1_000  # features that the service is asked for at a time
POPULATION_DATASET, EMPLOYMENT_DATASET = "OGD_bevstandjbab2002_BevStand_{}", "OGDEXT_AEST_GEMTAB_1"


@dataclass(frozen=True)
class Release:
    """What goes together on 1 January of a year.

    municipalities: features of their layer, Vienna by its 23 districts; in some years it is there
    as a whole besides. employment: the newest year that its table has two years before. residents:
    where they are known.
    """

    municipalities: Rows | None
    employment: int
    residents: int | None = None


RELEASES = {  # before 2020, Murfeld was not yet divided
    2020: Release(Rows(low=2_117, high=2_118), employment=2018),
    2021: Release(Rows(low=2_117, high=2_118), employment=2019),
    2022: Release(Rows.exactly(2_115), employment=2020),
    2023: Release(Rows.exactly(2_115), employment=2021, residents=9_104_772),
    2024: Release(Rows.exactly(2_115), employment=2022),
    2025: Release(Rows.exactly(2_114), employment=2023),
    2026: Release(Rows.exactly(2_114), employment=2023),
}
NEWEST = max(RELEASES)
DISTRICT_COUNTS = Rows(low=116, high=117)  # Vienna as among the municipalities
AREA = {"area_km2": Total(expected=83_870, tolerance=0.0003, stated_by="Statistik Austria")}

# Vienna is one municipality, 90001, and one district, 900; figures are given for its 23 districts,
# so these are published.
VIENNA = WholeOrParts(
    whole="90001", parts=tuple(f"9{number:02}01" for number in range(1, 24)), keep="parts"
)
VIENNA_DISTRICT = WholeOrParts(
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


def municipalities(year: int) -> Source:
    """Borders of the municipalities (Gemeinden) on 1 January."""
    return replace(
        _borders("at-municipalities", year, f"Municipalities {year}", "GEM", MUNICIPALITIES),
        rows=RELEASES[year].municipalities,
        totals=AREA,
    )


def districts(year: int) -> Source:
    """Borders of the political districts on 1 January."""
    return replace(
        _borders("at-districts", year, f"Political districts {year}", "POLBEZ", DISTRICTS),
        rows=DISTRICT_COUNTS,
    )


def residents(year: int) -> dict[str, Source]:
    """The residents of a year, and the lists of what their codes and columns mean, by the names of
    the tables.
    """
    codes = replace(_listed(MUNICIPALITY_CODES, "code"), where={"code": "GRGEMAKT-*"})
    return {
        "population": population(year),
        "headings": _list_of_residents(year, "header", "HEADER", _listed(HEADINGS, "code")),
        "sexes": _list_of_residents(year, "sexes", "C-C11-0", _listed(CODES, "code")),
        "ages": _list_of_residents(year, "ages", "C-GALTEJ112-0", _listed(CODES, "code")),
        "municipality_codes": _list_of_residents(year, "municipalities", "C-GRGEMAKT-0", codes),
    }


def population(year: int) -> Source:
    """The residents of a year by sex and age; every year is on the municipalities of today."""
    reads = replace(
        _listed(POPULATION, "municipality_code", "sex_code", "age_code"),
        where={"C-A10-0": f"A10-{year}"},
    )
    counted = RELEASES[year].residents
    return replace(
        _file(
            "at-population",
            year,
            f"Residents on 1 January {year}",
            POPULATION_DATASET.format(year),
            reads,
        ),
        codes_of=date(NEWEST, 1, 1),
        totals={"population": Total(expected=counted, tolerance=0.001)} if counted else {},
    )


def employment(year: int) -> Source:
    """Employment (Abgestimmte Erwerbsstatistik); each year is on the municipalities of its own."""
    counted = RELEASES[year].employment
    reads = replace(
        _listed(EMPLOYMENT, "municipality_code"),
        thousands=".",
        where={"JAHR": str(counted)},
        missing={":": "not published"},
        reasons_in="missing",
    )
    title = f"Employment on 31 October {counted}"
    return replace(
        _file("at-employment", year, title, EMPLOYMENT_DATASET, reads),
        reference_date=date(counted, 10, 31),
        codes_of=date(counted, 1, 1),
    )


def terms(year: int) -> dict[str, Source]:
    """What the portal says of its datasets: the licence, the attribution and the day of the last
    change.
    """
    return {
        name: _metadata(f"at-{name}", year, dataset)
        for name, dataset in (
            ("municipalities", "OGDEXT_GEM_1"),
            ("population", POPULATION_DATASET.format(year)),
            ("employment", EMPLOYMENT_DATASET),
        )
    }


def typology(year: int) -> Source:
    """Urban-rural typology of the municipalities."""
    reads = Table(columns=TYPOLOGY, key=("municipality_code",))
    return replace(
        _by_hand("at-typology", year, "Urban-rural typology 2021", REGIONS, reads),
        rows=Rows.exactly(2_115),
    )


def urbanisation(year: int) -> Source:
    """Degree of urbanisation of the municipalities."""
    reads = Table(columns=URBANISATION, key=("municipality_code",))
    return replace(
        _by_hand("at-urbanisation", year, "Degree of urbanisation 2021", REGIONS, reads),
        rows=Rows.exactly(2_115),
    )


def postal_codes(year: int) -> Source:
    """Pairs of postal codes and municipalities, of the Austrian Post."""
    reads = Table(columns=POSTAL_CODES, key=("postal_code", "municipality_code"))
    title = "Postal codes of municipalities"
    return replace(
        _by_hand("at-postal-codes", year, title, "https://www.post.at", reads),
        rows=Rows.exactly(3_375),
    )


def _file(
    slug: str, year: int, title: str, dataset: str, reads: Reading, ending: str = ".csv"
) -> Source:
    """A file of the open data portal, by the identifier of its dataset and how its name ends."""
    return Source(
        slug=slug,
        vintage=year,
        title=title,
        reference_date=date(year, 1, 1),
        urls=(f"{PORTAL}/data/{dataset}{ending}",),
        landing_page=f"{PORTAL}/web/meta.jsp?dataset={dataset}",
        publisher=STATISTIK_AUSTRIA,
        licence=CC_BY,
        container="text",
        reads=reads,
        released="yearly",
        confidence="high",
    )


def _borders(slug: str, year: int, title: str, layer: str, columns: Mapping[str, Column]) -> Source:
    """A layer of borders from the web feature service that took the place of zip files in March
    2026.
    """
    key = next(iter(columns))
    reads = Features(columns=columns, key=key, crs=31287, published_crs=31287, bounds=BOUNDS)
    name = f"GEODATA:STATISTIK_AUSTRIA_{layer}_{year}0101"
    return replace(
        _file(slug, year, title, f"OGDEXT_{layer}_1", reads),
        container="json",
        pages=PAGE,
        urls=tuple(f"{host}/{SERVICE}&typeNames={name}" for host in HOSTS),
    )


def _list_of_residents(year: int, name: str, ending: str, reads: Table) -> Source:
    """One of the lists that tell what the codes and the columns of the residents mean."""
    title = f"Residents on 1 January {year}: {name}"
    return _file(
        f"at-population-{name}",
        year,
        title,
        POPULATION_DATASET.format(year),
        reads,
        f"_{ending}.csv",
    )


def _listed(columns: Mapping[str, Column], *key: str) -> Table:
    """The portal's text format: semicolons, decimal comma, UTF-8."""
    return Table(columns=columns, key=key, delimiter=";", encoding="utf-8-sig", decimal_point=",")


def _metadata(slug: str, year: int, dataset: str) -> Source:
    reads = Document(standard="OGD Austria Metadata")
    return replace(
        _file(f"{slug}-metadata", year, f"Metadata of {dataset}", dataset, reads),
        urls=(METADATA.format(PORTAL, dataset),),
        container="json",
    )


def _by_hand(slug: str, year: int, title: str, page: str, reads: Table) -> Source:
    """A list that is offered without a lasting address: a comma-separated text, fetched by hand."""
    return replace(
        _file(slug, year, title, "", reads),
        urls=(),
        landing_page=page,
        confidence="low",
        codes_of=date(year, 1, 1),
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
