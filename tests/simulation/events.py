"""What happens in the simulated years, and what should come of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from simulation.releases import LAST, START

Verdict = Literal["nothing seen", "awaited", "published", "review", "refused"]
Found = Literal["pattern", "listing", "inbox", "nothing"]


@dataclass(frozen=True)
class Event:
    """On a day something happens to a vintage of a dataset; the verdict is that of the next run.

    found: how what is new is found: by the pattern of its address, only by its publisher's listing,
    in the inbox; nothing where nothing came.
    """

    day: date
    dataset: str
    vintage: int
    verdict: Verdict
    found: Found
    what: str


# day · dataset · vintage · verdict · how it is found · what happens
TABLE = f"""
{START} belgium 2026 awaited pattern borders and incomes are out, residents are not
2026-12-07 belgium 2026 published pattern residents are out
2027-05-12 belgium 2027 awaited pattern borders are out, residents are not
2027-10-25 belgium 2027 published listing residents are in another folder, under a name with _0
2028-05-12 belgium 2028 awaited pattern borders are out, residents are not
2028-10-24 belgium 2028 refused listing residents are out, their heading TOTAL is MS_TOTAL_POP
2028-12-05 belgium 2028 published listing the heading is TOTAL again
2029-05-12 belgium 2029 awaited pattern borders are out, residents are not
2029-10-24 belgium 2029 review listing 38014 and 38016 merged into 38026, which no ledger knows
2027-03-09 austria 2027 awaited pattern borders are out, residents are not
2027-05-27 austria 2027 review pattern residents are out, those of Tirol are halved
2027-07-08 austria 2027 published pattern residents are corrected
2028-03-09 austria 2028 awaited pattern borders are out, residents are not
2028-05-27 austria 2028 published pattern 62280 is divided into 62281, 62282; no ledger knows it
2029-03-09 austria 2029 awaited pattern borders are out, residents are not
2029-05-27 austria 2029 published pattern residents are out
2027-10-19 france 2027 published listing census 2023 is out under new pages, with P23_ in headings
2028-10-17 france 2028 published listing census 2024 is out under new pages
2029-10-17 france 2029 published listing census 2025 is out under new pages
2027-03-26 united_states_estimates 2026 awaited pattern estimates are out, borders are not
2027-04-20 united_states_estimates 2026 published pattern borders are out
2028-04-20 united_states_estimates 2027 awaited pattern borders are out, estimates are late
2028-06-01 united_states_estimates 2027 awaited nothing estimates are usually out in March
2028-06-26 united_states_estimates 2027 published pattern estimates are out three months late
2029-03-26 united_states_estimates 2028 awaited pattern estimates are out, borders are not
2029-04-20 united_states_estimates 2028 published pattern borders are out
"""


def _read(line: str) -> Event:
    day, dataset, vintage, verdict, found, what = line.split(maxsplit=5)
    judged, way = cast(Verdict, verdict), cast(Found, found)
    return Event(date.fromisoformat(day), dataset, int(vintage), judged, way, what)


def _yearly() -> Iterator[Event]:
    """What comes as it comes every year."""
    for year in range(2025, LAST):
        survey, laid = date(year + 1, 12, 10), date(year + 1, 12, 20)
        borders = date(year + 1, 4, 20)
        if borders > START:
            yield Event(borders, "united_states", year, "awaited", "pattern", "borders are out")
        yield Event(survey, "united_states", year, "published", "pattern", "the survey is out")
        said = "table S1901 is laid into the inbox"
        yield Event(laid, "united_states_income", year, "published", "inbox", said)
    for year in range(2027, LAST + 1):
        said = "communes are out, IRIS are not"
        yield Event(date(year, 3, 15), "france", year, "awaited", "pattern", said)
        yield Event(date(year, 6, 15), "france", year, "published", "pattern", "IRIS are out")
    for month in (date(year, number, 1) for year in range(2026, 2030) for number in range(1, 13)):
        if month > START:
            said = f"the stock of {month:%Y-%m}"
            yield Event(month, "sirene", month.year, "published", "pattern", said)


EVENTS = tuple(
    sorted(
        [*map(_read, TABLE.strip().splitlines()), *_yearly()],
        key=lambda event: (event.day, event.dataset),
    )
)
