"""Today's files: what one address gives whatever year is asked for, held to the year meant."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime

from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Source
from tasks.core.model.handles import Original


def is_meant(source: Source, original: Original) -> bool:
    """Tell whether an archived original is of the year that the source means."""
    if not is_of_its_day(source, original):
        return True
    return is_of_year(source, day(original.last_modified, original.retrieved_at))


def is_of_year(source: Source, found: date) -> bool:
    """Tell whether a file of a day is of the year meant, or as little behind as is declared."""
    years = (found.year, (found + timedelta(days=source.days_behind)).year)
    return source.reference_date.year in years


def is_of_its_day(source: Source, original: Original) -> bool:
    """Tell whether an original is what the publisher gave as today's file.

    What was laid by hand under the name of a vintage is that vintage, as a file is that a mirror
    has under that name.
    """
    return source.current and original.url in map(redact, original.source.urls)


def refusal(source: Source, url: str, last_modified: str | None, asked_at: datetime) -> str | None:
    """Give the reason to refuse today's file of a current source asked for another year, or None.

    url: the address that gave the file; only the publisher's own is believed to be today's.
    """
    meant, found = source.reference_date.year, day(last_modified, asked_at)
    if not source.current or url not in source.urls or is_of_year(source, found):
        return None
    return (
        f"the file of {found:%B %Y}, where that of {meant} is meant: this address gives today's"
        f" file only. Ask for a vintage that means {found.year}, or lay the file of {meant} as"
        f" {source.inbox_name} into the folder that GEODATA_INBOX names"
    )


def day(last_modified: str | None, asked_at: datetime) -> date:
    """Give the day of a file: when its publisher changed it, or else when it was asked for."""
    try:
        return parsedate_to_datetime(last_modified or "").date()
    except (ValueError, OverflowError):
        return asked_at.date()
