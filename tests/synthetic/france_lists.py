"""Lists of codes: La Poste's postcodes of the communes, and INSEE's movements of communes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synthetic import france_places as places
from synthetic.france_country import Country
from synthetic.france_places import plain

POSTAL_CODES = (
    "#Code_commune_INSEE",
    "Nom_de_la_commune",
    "Code_postal",
    "Libellé_d_acheminement",
    "Ligne_5",
)
BEYOND = (  # in the list, not in the IRIS: overseas collectivities and Monaco
    ("97501", "MIQUELON LANGLADE", "97500", "ST PIERRE ET MIQUELON", "LANGLADE"),
    ("97701", "ST BARTHELEMY", "97133", "ST BARTHELEMY", ""),
    ("97801", "ST MARTIN", "97150", "ST MARTIN", ""),
    ("98818", "NOUMEA", "98800", "NOUMEA", ""),
    ("99138", "MONACO", "98000", "MONACO", ""),
)
MOVEMENTS = (
    "MOD",
    "DATE_EFF",
    *(
        f"{column}_{side}"
        for side in ("AV", "AP")
        for column in ("TYPECOM", "COM", "TNCC", "NCC", "NCCENR", "LIBELLE")
    ),
)
# their numbers begin with 2; 0 and 1 are names without an article before a consonant or a vowel
ARTICLES = ("Le ", "La ", "Les ", "L'")


def postal_codes(country: Country, vintage: int) -> list[tuple[str, ...]]:
    """Pairs of commune and postcode, many to many, with the name of the post town; a commune of
    before a merger is in the fifth line.
    """
    rows = set()
    for commune in country.communes.values():
        code = places.code_at(commune.code, vintage)
        if places.city(code) != code:
            name, town = _arrondissement(commune.name)
        else:
            name = town = _posted(places.name_at(code, country.communes[code].name, vintage))
        before = _posted(commune.name) if code != commune.code else ""
        rows |= {(code, name, postcode, town, before) for postcode in commune.postcodes}
    return sorted({*rows, *BEYOND})


def movements(vintage: int) -> list[tuple[str, ...]]:
    """What happened to communes until 1 January of a year, the newest first; a merger also makes a
    delegated commune of each part.
    """
    rows = []
    for kind, day, before, after in sorted(
        _events(vintage), key=lambda event: (event[1], event[2][0]), reverse=True
    ):
        rows.append((kind, day, *_place("COM", *before), *_place("COM", *after)))
        if kind == "32":
            rows.append((kind, day, *_place("COM", *before), *_place("COMD", *before)))
    return rows


def _events(vintage: int) -> Iterator[tuple[str, str, tuple[str, str], tuple[str, str]]]:
    names = {commune.code: commune.name for commune in places.listed()}
    yield from places.EARLIER
    for year, changes in places.CHANGES.items():
        if year <= vintage:
            for absorbed, code in changes.items():
                for before in (absorbed, code):
                    yield (
                        "32",
                        f"{year}-01-01",
                        (before, names[before]),
                        (code, places.name_at(code, names[code], year)),
                    )


def _place(kind: str, code: str, name: str) -> Sequence[str]:
    """A commune as the movements have it: type, code, number of its article, name in capitals,
    name, name with its article.
    """
    number, bare = "1" if plain(name)[:1] in "AEIOUYH" else "0", name
    for place, article in enumerate(ARTICLES):
        if name.startswith(article):
            number, bare = str(place + 2), name.removeprefix(article)
    return kind, code, number, plain(bare), bare, name


def _posted(name: str) -> str:
    """A name as the post has it: ST and STE for Saint and Sainte."""
    short = {"SAINT": "ST", "SAINTE": "STE"}
    return " ".join(short.get(word, word) for word in plain(name).split())


def _arrondissement(name: str) -> tuple[str, str]:
    """Paris 1er Arrondissement is PARIS 01, its post town PARIS."""
    town, number, _ = name.split()
    return f"{town.upper()} {int(''.join(filter(str.isdigit, number))):02d}", town.upper()
