"""Ends of text: whether the end of a connection was that of the file, where nobody said so."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tasks.core.model.declarations import Source
from tasks.core.upstream import http
from tasks.core.upstream.answers import Answer

DOUBT = (
    "the server did not say how long the file is and its last line has no line end, so that a"
    " broken connection would look the same"
)


def compared(answer: Answer, source: Source, ask: Callable[[], Answer]) -> tuple[Answer, str]:
    """Give an answer, and why its bytes may not be the whole file, or "".

    ask: asks again. Text that may be cut is asked for until an answer has an end or comes a second
    time; it is truncated when each ends elsewhere.
    """
    if not _may_be_cut(answer, source):
        return answer, ""
    seen = {answer.sha256}
    for _ in range(http.ATTEMPTS - 1):
        again = ask()
        if again.kind != "received" or again.path is None:
            return answer, DOUBT
        Path(str(answer.path)).unlink(missing_ok=True)
        answer = again
        if not _may_be_cut(again, source):
            return again, ""
        if again.sha256 in seen:
            return again, f"{DOUBT}; asked again, the publisher sent the same bytes"
        seen.add(again.sha256)
    differ = f"the body ended elsewhere each of {http.ATTEMPTS} times, within a line"
    return replace(answer, kind="truncated", detail=differ), ""


def _may_be_cut(answer: Answer, source: Source) -> bool:
    """Tell whether text ends within a line, where only the end of the connection ended it."""
    if source.container != "text" or answer.path is None or answer.end_is_stated:
        return False
    with answer.path.open("rb") as file:
        file.seek(-min(answer.size or 0, 4), os.SEEK_END)
        return not file.read().rstrip(b"\0").endswith((b"\n", b"\r"))
