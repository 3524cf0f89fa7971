"""What a synthetic SIRENE is filled with: real codes of activities and bands, made-up names and
streets.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from synthetic.coverage import Floats

ACTIVITIES = (
    "68.20B 70.22Z 56.10A 47.91B 43.21A 96.02A 86.90E 81.21Z 49.32Z 53.20Z 62.01Z 56.10C 41.20A"
    " 43.99C 64.20Z 94.99Z 85.59A 47.71Z 43.34Z 45.20A 69.20Z 47.11B 96.09Z 01.11Z 86.21Z 55.20Z"
    " 69.10Z 10.71C 43.22A 68.31Z 74.10Z 93.12Z 71.12B 47.73Z 86.90D 49.41A 56.30Z 81.10Z 01.50Z"
    " 73.11Z 66.22Z 47.24Z 90.03A 55.10Z 88.10A 86.10Z"
).split()  # NAF rév. 2, the most frequent first
# NAF rév. 1 and NAF 1993
OLDER_ACTIVITIES = "45.2P 74.1J 50.3A 52.4E 52.1B 17.1P 51.8M 15.8C 55.3A 70.2C".split()
OLDEST_ACTIVITIES = "55.72 38.40 67.11 64.42 87.10".split()  # NAP
CRAFTS = "4520AA 1071CA 9602AB 4321AA 4334ZA 8121ZA".split()
NOMENCLATURES = ("NAFRev2", "NAFRev1", "NAF1993", "NAP")
# NAF 2025 has other letters; which belongs to which is made up
LETTERS_OF_2025 = {"Z": "Y", "A": "G", "B": "H", "C": "J", "D": "K", "E": "L"}

BANDS = "00 01 02 03 11 12 21 22 31 32 41 42 51 52 53".split()
BAND_SHARES = (60, 440, 200, 120, 90, 60, 17, 8, 2, 4, 2.5, 1, 0.6, 0.2, 0.1)

STREET_TYPES = "RUE AVENUE CHEMIN BD PL ROUTE IMP ALLEE LD QUAI".split()
STREET_TYPE_SHARES = (50, 13, 10, 6, 5, 6, 4, 4, 1, 1)
STREETS = [
    f"{link} {noun}{quality}".replace("' ", "'").strip()
    for link, noun, quality in product(
        ("DES", "DU", "DE LA", "DE L'", ""),
        "TILLEULS MOULIN FONTAINE ECOLE GARE PRE LILAS VERGER CHAPELLE FORGE CLOS HETRES COTE PORT"
        " MARAIS PUITS TUILERIE ROSES BUIS SOURCE".split(),
        (
            "",
            " HAUT",
            " BAS",
            " NEUF",
            " VIEUX",
            " VERT",
            " BLANC",
            " DU MIDI",
            " DU LEVANT",
            " D'EN BAS",
        ),
    )
]
COMPLEMENTS = [
    f"{what} {number}"
    for what in ("BAT", "ZA LOT", "RESIDENCE", "ETAGE", "PORTE", "CENTRE COMMERCIAL")
    for number in range(1, 60)
]
KINDS = (
    "ATELIER BOUTIQUE CABINET CAFE COMPTOIR EPICERIE FERME GARAGE JARDIN LIBRAIRIE MAISON"
    " MENUISERIE OPTIQUE PHARMACIE SALON STUDIO".split()
)
SYLLABLES = (
    "BRO CLU DRA FLO GRI JU KEL LOR MIR NAX OLU PRI QUO RIS SUL TREN UZO VEL WIM YSA ZOR".split()
)
SIGNS = [
    f"{kind} {first}{last}"
    for kind, first, last in product(
        KINDS, SYLLABLES, "BIAC MARNE TILLE DONNE FRAC VOU RELLE PINE SOL GUEZ".split()
    )
]
# A comma, a quotation mark, a backslash within and a backslash at the end, which without quotes
# makes \, of two columns.
AWKWARD = (
    r"CAFE VELMARNE\, BAR",
    'LE "PETIT" QUOBIAC',
    r"ZORTILLE\GRIMARNE",
    "LORSOL, FILS ET COMPAGNIE",
    "MIRPINE\\",
    r"KELVOU \, 2EME ETAGE \ COUR",
    "ÉPICERIE À L’ŒUVRE D'ŸSASOL",
)
AWKWARD_STREETS = (
    r"DES HETRES\, ZONE C",
    "DU PORT, HANGAR 4",
    r"DE LA GARE \ QUAI",
    "DU CLOS VERT\\",
)

COUNTRIES = (
    ("99109", "ALLEMAGNE", "TRIERWALD"),
    ("99131", "BELGIQUE", "BRUXELLES"),
    ("99132", "ROYAUME-UNI", "LONDON"),
    ("99140", "SUISSE", "GENEVE"),
    ("99137", "LUXEMBOURG", "LUXEMBOURG"),
    ("99127", "ITALIE", "MILANO"),
    ("99404", "ETATS-UNIS", "NEW YORK"),
    ("99134", "ESPAGNE", "MADRID"),
)


def falling(count: int) -> Floats:
    """Shares that fall with the rank, as those of activities do."""
    weights = 1 / (np.arange(count) + 4)
    return weights / weights.sum()


def of_2025(activity: str) -> str:
    """An activity as the column of NAF 2025 spells it."""
    return activity[:-1] + LETTERS_OF_2025[activity[-1]]
