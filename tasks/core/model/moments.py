"""Moments: the stamps that say which of two things came later, whatever clocks said meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta


def following(now: datetime, *earlier: datetime | None) -> datetime:
    """Give now or, where a clock went back or another machine's is ahead, a moment after all given.

    It is within the second after the newest, not always the same, so that two that follow one
    hardly meet.
    """
    newest = max((moment for moment in earlier if moment), default=None)
    if newest is None or newest < now:
        return now
    return newest + timedelta(microseconds=1 + now.microsecond)
