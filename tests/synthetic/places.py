"""Belgium's places: municipalities with their seats, the areas above them, and how mergers change
their codes.

municipalities.csv and arrondissements.csv hold codes, names, seats (Lambert 72, kilometres) and the
    number of sectors of
2018. They are derived from Statbel's nomenclature and sectors of 2011 (Source: Statbel, licence
    open data). The
Hainaut municipalities that got new codes in 2019 without a merger are left out: their history is
    not needed here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent

# National outline, Lambert 72, kilometres, generalised to about 3.5 km.
OUTLINE = (
    "89,136 73,136 72,155 64,165 50,161 47,155 28,168 22,199 68,229 80,229 84,215 96,222 116,210"
    " 136,220 139,229 154,228 151,238 162,241 162,235 169,235 178,244 183,239 178,234 188,232"
    " 199,240 199,232 211,217 229,222 233,213 252,207 248,183 240,173 243,162 266,162 284,150"
    " 278,138 291,133 295,116 279,104 276,92 264,97 251,73 249,59 261,40 259,30 230,21 215,43"
    " 207,43 195,55 185,54 187,67 180,73 186,94 174,87 173,76 156,70 138,71 133,79 140,85 133,92"
    " 139,107 133,105 125,117 106,116 103,110 98,130 88,131"
)

# Chosen first, so that even the smallest Belgium has three regions, both waves of mergers, a coast
# and three languages.
FIRST = tuple(
    """
    21004 11002 11007 12030 12034 46003 46013 11056 82003 82005 35013 62063 63012 92094 38016 44011
    44049 84043 25112 24062 21015 71022 73040 37018 37012 52011 31005 53053 57081 21001 38014 61031
    91034 73083 73009 21009 44021 85045 83034 93022
""".split()
)

MERGED_2019 = {
    "12041": ("Puurs-Sint-Amands", "Puers-Saint-Amand", ("12030", "12034")),
    "44083": ("Deinze", "Deinze", ("44011", "44049")),
    "44084": ("Aalter", "Aalter", ("44001", "44029")),
    "44085": ("Lievegem", "Lievegem", ("44036", "44072", "44080")),
    "45068": ("Kruisem", "Kruisem", ("45017", "45057")),
    "72042": ("Oudsbergen", "Oudsbergen", ("71047", "72040")),
    "72043": ("Pelt", "Pelt", ("72025", "72029")),
}
MERGED_2025 = {
    "11002": ("Antwerpen", "Anvers", ("11002", "11007")),
    "23106": ("Pajottegem", "Pajottegem", ("23023", "23024", "23032")),
    "37021": ("Wingene", "Wingene", ("37012", "37018")),
    "37022": ("Tielt", "Tielt", ("37007", "37015")),
    "44086": ("Nazareth-De Pinte", "Nazareth-De Pinte", ("44012", "44048")),
    "44087": ("Lochristi", "Lochristi", ("44034", "44073")),
    "44088": ("Merelbeke-Melle", "Merelbeke-Melle", ("44040", "44043")),
    "46029": ("Lokeren", "Lokeren", ("44045", "46014")),
    "46030": (
        "Beveren-Kruibeke-Zwijndrecht",
        "Beveren-Kruibeke-Zwijndrecht",
        ("11056", "46003", "46013"),
    ),
    "71071": ("Tessenderlo-Ham", "Tessenderlo-Ham", ("71057", "71069")),
    "71072": ("Hasselt", "Hasselt", ("71022", "73040")),
    "73110": ("Bilzen-Hoeselt", "Bilzen-Hoeselt", ("73006", "73032")),
    "73111": ("Tongeren-Borgloon", "Tongres-Looz", ("73009", "73083")),
    "82039": ("Bastenaken", "Bastogne", ("82003", "82005")),
}
# Made up, for what no ledger knows yet.
MERGED_2029 = {"38026": ("Koksijde-Nieuwpoort", "Coxyde-Nieuport", ("38014", "38016"))}
MERGERS = {2019: MERGED_2019, 2025: MERGED_2025, 2029: MERGED_2029}
PROVINCES = {
    "10000": ("Provincie Antwerpen", "Province d’Anvers", "Provinz Antwerpen", "02000"),
    "20001": (
        "Provincie Vlaams-Brabant",
        "Province de Brabant flamand",
        "Provinz Flämisch-Brabant",
        "02000",
    ),
    "20002": (
        "Provincie Waals-Brabant",
        "Province de Brabant wallon",
        "Provinz Wallonisch-Brabant",
        "03000",
    ),
    "30000": (
        "Provincie West-Vlaanderen",
        "Province de Flandre occidentale",
        "Provinz Westflandern",
        "02000",
    ),
    "40000": (
        "Provincie Oost-Vlaanderen",
        "Province de Flandre orientale",
        "Provinz Ostflandern",
        "02000",
    ),
    "50000": ("Provincie Henegouwen", "Province de Hainaut", "Provinz Hennegau", "03000"),
    "60000": ("Provincie Luik", "Province de Liège", "Provinz Lüttich", "03000"),
    "70000": ("Provincie Limburg", "Province de Limbourg", "Provinz Limburg", "02000"),
    "80000": ("Provincie Luxemburg", "Province de Luxembourg", "Provinz Luxemburg", "03000"),
    "90000": ("Provincie Namen", "Province de Namur", "Provinz Namur", "03000"),
}
REGIONS = {
    "02000": ("Vlaams Gewest", "Région flamande", "Flämische Region"),
    "03000": ("Waals Gewest", "Région wallonne", "Wallonische Region"),
    "04000": (
        "Brussels Hoofdstedelijk Gewest",
        "Région de Bruxelles-Capitale",
        "Region Brüssel-Hauptstadt",
    ),
}
# municipalities that got a beach sector X0JQ in 2019
COAST = tuple("31004 31005 35002 35013 38008 38016".split())
GERMAN = ("63001", "63012", "63013", "63023", "63040", "63048", "63061", "63067", "63087")
# Knokke-Heist, De Panne, Koksijde: real zeros in the published series
NO_MUNICIPAL_TAX = ("31043", "38008", "38014")
BRUSSELS = "04000"


@dataclass(frozen=True)
class Place:
    """A municipality of 2011: code, names, seat in metres (Lambert 72) and its number of real
    sectors.
    """

    code: str
    names: tuple[str, str, str]
    seat: tuple[float, float]
    sectors: int


@dataclass(frozen=True)
class Areas:
    """A municipality of one vintage and every area above it; names are (Dutch, French, German),
    None where there is no such area.
    """

    municipality: str
    municipality_names: tuple[str, str, str]
    arrondissement: str
    arrondissement_names: tuple[str, str, str]
    province: str | None
    province_names: tuple[str | None, str | None, str | None]
    region: str
    region_names: tuple[str, str, str]
    nuts: tuple[str, str, str]


def choose(count: int) -> list[Place]:
    """Municipalities of 2011 such that `count` of them are left in 2024, spread over the country;
    no merger of 2025 lacks a part.
    """
    known = _places()
    rest = [code for code in known if code not in FIRST]
    # a step that shares no divisor visits every code once
    spread = [rest[number * 233 % len(rest)] for number in range(len(rest))]
    wholes: dict[str, set[str]] = {}
    for code in [*FIRST, *spread]:
        wholes.setdefault(municipality_at(code, 2025), set()).add(code)
    chosen: set[str] = set()
    for whole in wholes.values():
        if _left(chosen | whole) <= count:
            chosen |= whole
    if _left(chosen) < count:
        raise ValueError(
            f"A synthetic Belgium has at most {_left({*known})} municipalities in 2024; {count}"
            " were asked for."
        )
    return [known[code] for code in sorted(chosen)]


def _left(codes: set[str]) -> int:
    """How many of these municipalities of 2011 are left in 2024."""
    return len({municipality_at(code, 2024) for code in codes})


def municipality_at(code_2011: str, vintage: int) -> str:
    """The code that a municipality of 2011 belongs to on 1 January of a year."""
    code = code_2011
    for since, merged in MERGERS.items():
        if vintage >= since:
            code = next((new for new, (_, _, old) in merged.items() if code in old), code)
    return code


@cache
def areas(code: str) -> Areas:
    """The areas above a municipality code, in any vintage."""
    arrondissement = code[:2] + "000"  # true of every code used here, though not of sector codes
    row = _arrondissements()[arrondissement]
    province = row["province"] or None
    region = PROVINCES[province][3] if province else BRUSSELS
    nuts3 = "BE336" if code in GERMAN else row["nuts3"]
    return Areas(
        municipality=code,
        municipality_names=_names(code),
        arrondissement=arrondissement,
        arrondissement_names=(row["name_nl"], row["name_fr"], row["name_de"]),
        province=province,
        province_names=PROVINCES[province][:3] if province else (None, None, None),
        region=region,
        region_names=REGIONS[region],
        nuts=(nuts3[:3], nuts3[:4], nuts3),
    )


def _names(code: str) -> tuple[str, str, str]:
    for merged in MERGERS.values():
        if code in merged:
            dutch, french, _ = merged[code]
            return dutch, french, dutch if _dutch(code) else french
    return _places()[code].names


def _dutch(code: str) -> bool:
    return code[0] in "1347" or code[:2] in ("23", "24")


@cache
def _places() -> dict[str, Place]:
    return {
        row["code"]: Place(
            row["code"],
            (
                row["name_nl"],
                row["name_fr"],
                row["name_de"] or row["name_nl" if _dutch(row["code"]) else "name_fr"],
            ),
            (float(row["x_km"]) * 1000, float(row["y_km"]) * 1000),
            int(row["sectors"]),
        )
        for row in _rows("municipalities.csv")
    }


@cache
def _arrondissements() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in _rows("arrondissements.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with open(HERE / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="|"))
