"""Austria's places: municipalities with their seats, districts and states, and how changes of
territory change their codes.

austrian_municipalities.csv holds codes, names and seats (EPSG:31287, kilometres) of 1 January 2023,
Vienna as its 23 districts; austrian_districts.csv holds the political districts of every vintage
with the NUTS 3 region most of their postcodes lie in. Both are derived from Statistik Austria's
lists and layers (Datenquelle: Statistik Austria - data.statistik.gv.at, CC BY 4.0).

The smallest pieces are the municipalities of 2015, after the reform of Styria; the one that was
divided later is two pieces.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from math import cos, sin
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST_VINTAGE, LAST_CHANGE, LISTED = 2015, 2025, 2023
VIENNA, VIENNA_DISTRICT = "90001", "900"  # Vienna as one, beside or in place of its districts

# National outline, EPSG:31287, kilometres, generalised to about 4 km.
OUTLINE = (
    "182,332 176,349 154,332 137,343 137,353 118,357 112,382 124,395 116,408 134,417 155,401"
    " 156,389 165,392 161,380 165,379 181,391 183,410 216,407 222,392 244,391 273,412 315,413"
    " 312,423 319,428 319,421 333,422 337,414 356,420 359,407 375,396 381,421 368,426 375,440"
    " 356,468 405,497 408,518 413,521 429,513 437,542 453,531 450,527 456,522 474,518 484,528"
    " 501,521 508,543 521,543 523,570 534,562 549,567 573,553 583,556 603,542 624,541 635,551"
    " 646,542 664,539 667,522 660,502 680,474 679,465 685,463 675,446 682,430 656,426 645,434"
    " 633,427 649,419 654,408 644,395 635,394 638,381 633,372 642,364 636,353 641,350 624,350"
    " 603,330 607,310 591,317 573,313 564,304 559,308 531,307 518,302 514,291 506,290 495,276"
    " 484,283 463,282 444,292 393,295 335,309 320,321 319,332 310,336 308,346 317,353 313,355"
    " 279,342 270,347 235,343 223,321 201,324 197,334"
)
STATES = {
    "1": "Burgenland",
    "2": "Kärnten",
    "3": "Niederösterreich",
    "4": "Oberösterreich",
    "5": "Salzburg",
    "6": "Steiermark",
    "7": "Tirol",
    "8": "Vorarlberg",
    "9": "Wien",
}

# The district Wien-Umgebung (324) was dissolved on 1 January 2017: old code, new code.
WIEN_UMGEBUNG = dict(
    pair.split(">")
    for pair in (
        "32401>30729 32402>30730 32403>31949 32404>31235 32405>30731 32406>30732 32407>30733"
        " 32408>32144 32409>30734 32410>30735 32411>30736 32412>31950 32413>30737 32415>31951"
        " 32416>31952 32417>30738 32418>30739 32419>30740 32421>31953 32423>31954 32424>30741"
    ).split()
)
CHANGES: dict[
    int, dict[str, tuple[str, ...]]
] = {  # 1 January of the year: old code, the codes that its pieces got
    2017: {old: (new,) for old, new in WIEN_UMGEBUNG.items()},
    2018: {"40803": ("40835",), "40819": ("40835",), "41340": ("41628",), "41625": ("41628",)},
    2019: {"41301": ("41346",), "41335": ("41346",), "41302": ("41345",), "41310": ("41345",)},
    2020: {"61056": ("61060",), "61058": ("61061",), "62347": ("61060", "61061")},
    2022: {"70327": ("70370",), "70330": ("70370",), "70341": ("70370",)},
    2025: {"62252": ("62280",), "62267": ("62280",)},
}
OTHER_NAMES = {  # codes that the list of 2023 does not have
    "40803": "Bruck-Waasen",
    "40819": "Peuerbach",
    "41340": "Schönegg",
    "41625": "Vorderweißenbach",
    "41301": "Afiesl",
    "41335": "St. Stefan am Walde",
    "41302": "Ahorn",
    "41310": "Helfenberg",
    "61056": "Sankt Veit in der Südsteiermark",
    "61058": "Straß-Spielfeld",
    "62347": "Murfeld",
    "70327": "Matrei am Brenner",
    "70330": "Mühlbachl",
    "70341": "Pfons",
    "62280": "Fürstenfeld",
    VIENNA: "Wien",
}
A_STATE_EACH = ("10101", "20101", "50101", "80301")  # the states where no code has changed
MOVED = {
    code for changes in CHANGES.values() for old, new in changes.items() for code in (old, *new)
}


@dataclass(frozen=True)
class Piece:
    """A municipality of 2015 or a part of one: its code then, which successor it falls to where
    there are two, its seat in metres.
    """

    code_2015: str
    part: int
    seat: tuple[float, float]

    def code_at(self, vintage: int) -> str:
        """The code of the municipality the piece belongs to on 1 January of a year."""
        return _follow(self.code_2015, self.part, vintage)


def choose(count: int) -> list[Piece]:
    """The pieces of so many municipalities of 2025, Vienna counted as one: all that ever changed,
    every state, and others spread over it.
    """
    by_code: dict[str, list[Piece]] = defaultdict(list)
    for piece in _pieces():
        by_code[_counted(piece.code_at(LAST_CHANGE))].append(piece)
    first = [code for code in by_code if code in MOVED or code in (VIENNA, *A_STATE_EACH)]
    if not len(first) <= count <= len(by_code):
        raise ValueError(
            f"A synthetic Austria has {len(first)} to {len(by_code):,} municipalities in 2025;"
            f" {count:,} were asked for."
        )
    rest = [code for code in by_code if code not in first]
    # a step that shares no divisor visits every code once
    spread = [rest[number * 233 % len(rest)] for number in range(len(rest))]
    chosen = sorted([*first, *spread][:count])
    return sorted(
        (piece for code in chosen for piece in by_code[code]),
        key=lambda piece: (piece.code_2015, piece.part),
    )


def municipality_name(code: str) -> str:
    """The name of a municipality or of one of Vienna's districts, under any code it has had."""
    code = WIEN_UMGEBUNG.get(code, code)
    return OTHER_NAMES[code] if code in OTHER_NAMES else _listed()[code]["name"]


def district_name(code: str) -> str:
    """The name of a political district as its layer has it: two blanks before the number of
    Vienna's districts 1 to 9.
    """
    return _districts()[code]["name"]


def region(district: str) -> str:
    """The NUTS 3 region most postcodes of a political district lie in."""
    return _districts()[district]["nuts3"]


def _follow(code: str, part: int, vintage: int) -> str:
    for year, changes in CHANGES.items():
        if year <= vintage and code in changes:
            successors = changes[code]
            code = successors[min(part, len(successors) - 1)]
    return code


def _counted(code: str) -> str:
    return VIENNA if code.startswith("9") else code


@cache
def _pieces() -> list[Piece]:
    """Every piece; those whose code the list of 2023 lacks stand around the seat of the
    municipality they belong to then.
    """
    before = {old: len(new) for changes in CHANGES.values() for old, new in changes.items()}
    after = {code for changes in CHANGES.values() for new in changes.values() for code in new}
    parts = [
        (code, part)
        for code in sorted({*_listed(), *before} - after)
        for part in range(before.get(code, 1))
    ]
    around: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for code, part in parts:
        around[_follow(code, part, LISTED)].append((code, part))
    return [
        Piece(code, part, _beside(_seat(home), number, len(members)))
        for home, members in around.items()
        for number, (code, part) in enumerate(members)
    ]


def _beside(seat: tuple[float, float], number: int, count: int) -> tuple[float, float]:
    angle, away = 6.28 * number / count, 1200.0 if count > 1 else 0.0
    return seat[0] + away * cos(angle), seat[1] + away * sin(angle)


def _seat(code: str) -> tuple[float, float]:
    row = _listed()[code]
    return float(row["x_km"]) * 1000, float(row["y_km"]) * 1000


@cache
def _listed() -> dict[str, dict[str, str]]:
    return _rows("austrian_municipalities.csv")


@cache
def _districts() -> dict[str, dict[str, str]]:
    return _rows("austrian_districts.csv")


def _rows(name: str) -> dict[str, dict[str, str]]:
    with open(HERE / name, encoding="utf-8", newline="") as file:
        return {
            row["code"]: row for row in csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE)
        }
