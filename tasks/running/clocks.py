"""Clocks: this machine's, which dates what is asked for, held against the database server's, which
dates what is published.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.core.model.errors import ConfigurationError
from tasks.core.postgres.database import Database
from tasks.running.steps import warn

WORTH_A_WORD, UNBEARABLE = timedelta(minutes=5), timedelta(days=1)


def compare_clocks(database: Database) -> None:
    """Warn where the two clocks differ by minutes; raise ConfigurationError from a day on.

    Days are compared with ages that a law allows and with what was promised: one wrong clock would
    bury originals, or call data fresh.
    """
    before = datetime.now(UTC)
    there = database.value("SELECT clock_timestamp()").astimezone(UTC)
    after = datetime.now(UTC)
    apart = max(before - there, there - after)
    if apart < WORTH_A_WORD:
        return
    minutes = round(apart / timedelta(minutes=1))
    sentence = (
        f"The clocks of this machine ({after:%Y-%m-%d %H:%M} UTC) and of the database server"
        f" ({there:%Y-%m-%d %H:%M} UTC) were expected to agree, and are {minutes:,} minutes apart:"
        " set the wrong one by a time server (chrony, systemd-timesyncd)"
    )
    if apart >= UNBEARABLE:
        raise ConfigurationError(f"{sentence} and run again; nothing was done.")
    warn(f"{sentence}. What is published and archived stays in order meanwhile.")
