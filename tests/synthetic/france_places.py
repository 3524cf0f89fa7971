"""France's places: communes with their seats and postcodes, départements, regions, and the
movements that change codes.

france_communes.csv holds 3,565 real communes of 2021 (code, name, postcodes, seat, number of IRIS
where divided): all that are divided into IRIS, all overseas, and some of every département.
france_departements.csv holds every département with its number of communes. Both are derived from
La Poste's hexasmal list and INSEE's census by IRIS (Licence Ouverte 2.0). Beyond them communes are
made up.

Paris, Lyon and Marseille are listed as their municipal arrondissements, which is what IRIS, census
and postcodes use.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST_VINTAGE, LAST_CHANGE = 2021, 2025
REGIONS = {
    "01": "Guadeloupe",
    "02": "Martinique",
    "03": "Guyane",
    "04": "La Réunion",
    "06": "Mayotte",
    "11": "Île-de-France",
    "24": "Centre-Val de Loire",
    "27": "Bourgogne-Franche-Comté",
    "28": "Normandie",
    "32": "Hauts-de-France",
    "44": "Grand Est",
    "52": "Pays de la Loire",
    "53": "Bretagne",
    "75": "Nouvelle-Aquitaine",
    "76": "Occitanie",
    "84": "Auvergne-Rhône-Alpes",
    "93": "Provence-Alpes-Côte d'Azur",
    "94": "Corse",
}
# how their arrondissements' codes begin
CITIES = {"751": ("75056", "Paris"), "6938": ("69123", "Lyon"), "132": ("13055", "Marseille")}

CHANGES: dict[int, dict[str, str]] = {  # 1 January of the year: code before, code after
    2023: {
        "01039": "01138",
        "02077": "02564",
        "09255": "09056",
        "16140": "16206",
        "50015": "50272",
    },
    2025: {"93059": "93066"},
}
LATER_NAMES = {
    "01138": "Culoz-Béon",
    "02564": "Bernoy-le-Château",
    "16206": "Mansle-les-Fontaines",
    "50272": "Tourneville-sur-Mer",
}
RENAMED = 2023
# movements before the first vintage: code of the kind (MOD), day, commune before, commune after
EARLIER = (
    ("50", "2014-01-07", ("14697", "L'Oudon"), ("14472", "L'Oudon")),  # another seat of the commune
    ("32", "2017-01-01", ("14472", "L'Oudon"), ("14654", "Saint-Pierre-en-Auge")),
    ("41", "2018-01-01", ("49144", "Freigné"), ("44225", "Freigné")),  # another département
    ("32", "2018-01-01", ("44225", "Freigné"), ("44180", "Vallons-de-l'Erdre")),
)
WITHOUT_EPCI = ("22016", "29083", "29155", "85113")  # islands
UNINHABITED = ("55039", "55050", "55139", "55189", "55239", "55307")  # destroyed in 1916
ALWAYS_DIVIDED = ("33063", "93059", "93066")
ALWAYS = (
    "2A004",
    "2B033",
    "97105",
    "97209",
    "97302",
    "97411",
    "97611",
    "45234",
    "21231",
    "29155",
    "55039",
    "14654",
    "44180",
    *ALWAYS_DIVIDED,
    *(code for changes in CHANGES.values() for pair in changes.items() for code in pair),
)
COMMUNES_PER_IRIS = 34_935 / 49_300
SAINTS = tuple(
    """
    Aubin Bonnet Cyr Denis Éloi Étienne Félix Georges Germain Hilaire Jean Julien Léger Loup Marcel
    Martin Maurice Michel Nazaire Ouen Paul Pierre Quentin Rémy Sauveur Sulpice Vaast Victor
    Vincent
""".split()
)
WHERE = tuple(
    """
    -la-Forêt -des-Prés -sur-Vère -le-Vieux -du-Bois -en-Plaine -les-Vignes -aux-Chênes -sous-Roche
    -l'Église -de-la-Lande -le-Château -des-Eaux -sur-Orne -du-Mont -la-Vallée -d'Aunay
    -près-l'Étang -le-Sec -la-Rivière
""".split()
)


@dataclass(frozen=True)
class Commune:
    """A commune of 2021 or a municipal arrondissement: code, name, postcodes, seat in degrees, and
    its IRIS in proportion (0: undivided).

    seat is None for a commune that is made up: it lies somewhere around `near`, a listed one of its
    département.
    """

    code: str
    name: str
    postcodes: tuple[str, ...]
    seat: tuple[float, float] | None
    iris: int
    near: str = ""

    @property
    def department(self) -> str:
        """The code of its département."""
        return department(self.code)


def choose(iris: int) -> list[Commune]:
    """The communes of a France with so many IRIS, in the order of their codes; all that ever
    changed are among them.
    """
    always = [
        commune
        for commune in listed()
        if commune.code in ALWAYS or city(commune.code) != commune.code
    ]
    others = _by_turns([commune for commune in listed() if commune not in set(always)])
    number = max(len(always), round(COMMUNES_PER_IRIS * iris) + sum(map(len, CHANGES.values())))
    chosen = [*always, *others][:number]
    return sorted([*chosen, *_made_up(number - len(chosen))], key=lambda commune: commune.code)


def department(code: str) -> str:
    """The code of a commune's département."""
    return code[:3] if code.startswith("97") else code[:2]


def city(code: str) -> str:
    """The commune that a code belongs to: 75056 for an arrondissement of Paris, itself for a
    commune.
    """
    return next(
        (of[0] for start, of in CITIES.items() if code.startswith(start) and code != of[0]), code
    )


def code_at(code: str, vintage: int) -> str:
    """The code on 1 January of a year of the commune that a commune of 2021 then belongs to."""
    for year, changes in CHANGES.items():
        if year <= vintage:
            code = changes.get(code, code)
    return code


def name_at(code: str, name: str, vintage: int) -> str:
    """The name on 1 January of a year of a commune that was called so in 2021."""
    return LATER_NAMES.get(code, name) if vintage >= RENAMED else name


def departments() -> dict[str, dict[str, str]]:
    """Every département by code: its name, its region, its number of communes."""
    return _rows("france_departements.csv")


def plain(name: str) -> str:
    """A name in capitals without accents, hyphens and apostrophes, as the lists of INSEE and La
    Poste have it.
    """
    ascii_name = (
        unicodedata.normalize("NFD", name.replace("œ", "oe").replace("Œ", "OE"))
        .encode("ascii", "ignore")
        .decode()
        .upper()
    )
    return re.sub(r"[^A-Z0-9]+", " ", ascii_name).strip()


def _by_turns(communes: list[Commune]) -> list[Commune]:
    """One of each département after the other, each time the one with the most IRIS first and then
    others from all over it.
    """
    of_department: dict[str, list[Commune]] = defaultdict(list)
    for commune in communes:
        of_department[commune.department].append(commune)
    turns = []
    for members in of_department.values():
        first = max(members, key=lambda commune: commune.iris)
        rest = sorted((commune for commune in members if commune is not first), key=_spread)
        turns += [(turn, commune.code, commune) for turn, commune in enumerate([first, *rest])]
    return [commune for _, _, commune in sorted(turns, key=lambda each: each[:2])]


def _spread(commune: Commune) -> tuple[int, str]:
    """An order in which neighbours in the list of codes are far apart."""
    return int(commune.code[-3:]) * 617 % 1009, commune.code


def _made_up(count: int) -> list[Commune]:
    """So many communes that are not listed, or as many as there are, each département in proportion
    to those it lacks.
    """
    known: dict[str, list[Commune]] = defaultdict(list)
    for commune in listed():
        known[commune.department].append(commune)
    own = Counter(city(commune.code) for commune in listed())
    places = []
    for code, facts in departments().items():
        lacking = int(facts["communes"]) - sum(1 for each in own if department(each) == code)
        places += [((turn + 0.5) / lacking, code, turn) for turn in range(lacking)]
    return [_made(code, turn, known[code]) for _, code, turn in sorted(places)[:count]]


def _made(code: str, turn: int, known: list[Commune]) -> Commune:
    """The `turn`-th made-up commune of a département: a free code, a name nobody has, the postcode
    of a listed commune.
    """
    near = known[turn * 7 % len(known)]
    saint, where = SAINTS[turn % len(SAINTS)], WHERE[turn // len(SAINTS) % len(WHERE)]
    again = turn // (len(SAINTS) * len(WHERE))
    return Commune(
        _free(code)[turn],
        f"Saint-{saint}{where}" + f"-{again + 1}" * bool(again),
        near.postcodes[:1],
        None,
        0,
        near.code,
    )


@cache
def _free(code: str) -> list[str]:
    known = (
        {commune.code for commune in listed()}
        | {place[0] for _, _, *pair in EARLIER for place in pair}
        | {of[0] for of in CITIES.values()}
    )
    return [
        free
        for free in (
            f"{code}{number:0{5 - len(code)}d}" for number in range(1, 10 ** (5 - len(code)))
        )
        if free not in known
    ]


@cache
def listed() -> tuple[Commune, ...]:
    """The real communes and arrondissements in the order of their codes."""
    return tuple(
        Commune(
            code,
            row["name"],
            tuple(row["postcodes"].split()),
            (float(row["longitude"]), float(row["latitude"])),
            int(row["iris"] or 0),
        )
        for code, row in _rows("france_communes.csv").items()
    )


@cache
def _rows(name: str) -> dict[str, dict[str, str]]:
    with open(HERE / name, encoding="utf-8", newline="") as file:
        return {
            row["code"]: row for row in csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE)
        }
