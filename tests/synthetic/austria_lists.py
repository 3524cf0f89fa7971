"""Reference lists of municipalities: postcodes with NUTS 3 regions, urban-rural typology, degree of
urbanisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthetic import austria_places as places
from synthetic.austria_country import Country, Municipality

POSTAL_CODES = ("postal_code", "municipality_code", "NUTS3")
TYPOLOGY = ("municipality_code", "municipality_name", "typology")
URBANISATION = ("municipality_code", "municipality_name", "urbanisation")
TYPES = {
    "101": 110,
    "102": 46,
    "103": 81,
    "210": 48,
    "220": 31,
    "310": 468,
    "320": 38,
    "330": 38,
    "410": 627,
    "420": 245,
    "430": 360,
}
DEGREES = {"1": 5, "2": 380, "3": 1707}
FIRST_OF_STATE = {
    "1": 7000,
    "2": 9000,
    "3": 2000,
    "4": 4000,
    "5": 5000,
    "6": 8000,
    "7": 6000,
    "8": 6700,
}
# in the list beside Vienna as one
VIENNA_DISTRICTS = tuple("90801 91201 91701 92101 92201 92301".split())
OUTDATED = {"32144": "32408"}  # new code, code before 2017 that is still in the list
OWN_SHARE, SECOND_SHARE, APART = 0.85, 0.55, 4


def postal_codes(country: Country, vintage: int) -> list[tuple[str, str, str]]:
    """Pairs of postcode and municipality in no order, with the region of the postcode.

    Many to many: some municipalities have no postcode of their own, many share one with a
    neighbour. As in the published list Vienna is one municipality (90001), yet six of its districts
    are there a second time, and one municipality a second time under its code before 2017.
    """
    random, municipalities = country.random(6), country.at(vintage)
    own = _own(municipalities, random.random(len(municipalities)) < OWN_SHARE)
    pairs = set(own.items())
    for state in FIRST_OF_STATE:
        codes = [code for code in own if code.startswith(state)]
        for position, code in enumerate(codes):
            other = codes[
                min(len(codes) - 1, max(0, position + int(random.integers(-APART, APART + 1))))
            ]
            if random.random() < SECOND_SHARE:
                pairs.add((code, own[other]))
    regions = {postcode: places.region(code[:3]) for code, postcode in reversed(own.items())}
    rows = sorted((postcode, code, regions[postcode]) for code, postcode in pairs) + _vienna()
    rows += [
        (postcode, OUTDATED[code], region)
        for postcode, code, region in rows
        if code in OUTDATED and postcode == own[code]
    ]
    return [rows[number] for number in random.permutation(len(rows))]


def typology(country: Country, vintage: int) -> list[tuple[Any, ...]]:
    """One of eleven types from urban centre (101) to peripheral countryside (430)."""
    return _classified(country, vintage, 7, TYPES)


def urbanisation(country: Country, vintage: int) -> list[tuple[Any, ...]]:
    """Densely (1), intermediately (2) or thinly populated (3)."""
    return _classified(country, vintage, 8, DEGREES)


def _own(municipalities: Sequence[Municipality], owns: Sequence[bool]) -> dict[str, str]:
    """The first postcode of each municipality outside Vienna: a new one, or that of the
    municipality before it in its state.
    """
    postcodes: dict[str, str] = {}
    last: dict[str, int] = {}
    for municipality, new in zip(municipalities, owns, strict=True):
        state = municipality.code[0]
        if state not in FIRST_OF_STATE:
            continue
        if new or state not in last:
            last[state] = last.get(state, FIRST_OF_STATE[state]) + 1
        postcodes[municipality.code] = str(last[state])
    return postcodes


def _vienna() -> list[tuple[str, str, str]]:
    whole = [
        (f"1{district:02d}0", places.VIENNA, places.region("901")) for district in range(1, 24)
    ]
    return whole + [(f"1{code[1:3]}0", code, places.region("901")) for code in VIENNA_DISTRICTS]


def _classified(
    country: Country, vintage: int, purpose: int, shares: dict[str, int]
) -> list[tuple[Any, ...]]:
    """A class for each municipality, that of its first piece; Vienna's districts are in the most
    urban one.
    """
    weights = [share / sum(shares.values()) for share in shares.values()]
    drawn = country.random(purpose).choice(list(shares), len(country.pieces), p=weights)
    most_urban = next(iter(shares))
    return [
        (
            each.code,
            _name(each),
            most_urban if each.code.startswith("9") else str(drawn[each.pieces[0]]),
        )
        for each in country.at(vintage)
    ]


def _name(municipality: Municipality) -> str:
    """The name as these lists have it: Vienna's districts by number, with blanks that do not
    break.
    """
    code = municipality.code
    return (
        f"Wien\u00a0-\u00a0{int(code[1:3])}.\u00a0Bezirk"
        if code.startswith("9")
        else municipality.name
    )
