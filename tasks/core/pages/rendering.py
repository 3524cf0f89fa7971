"""Pages of HTML from templates, in English and in French; every figure as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.core.pages.words import FRENCH

HERE = Path(__file__).parent
LANGUAGES = ("en", "fr")
NO_BREAK = "\u202f"  # thin: between thousands in French


def render(template: str, language: str, values: Mapping[str, Any]) -> bytes:
    """Return a page in UTF-8; a value or a translation that is missing raises an error."""
    return _environment(language).get_template(template).render(**values).encode()


@lru_cache(maxsize=2)
def _environment(language: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"language": language, "t": FRENCH.__getitem__ if language == "fr" else str}
    french = language == "fr"
    made.filters |= {
        "number": partial(_number, french=french),
        "share": partial(_share, french=french),
        "size": partial(_size, french=french),
        "seconds": partial(_seconds, french=french),
        "day": _day,
        "moment": _minute,
        "month": _month,
    }
    return made


def _number(value: float | None, places: int = 0, *, french: bool) -> str:
    if value is None:
        return ""
    text = f"{value:,.{places}f}"
    return text.replace(",", NO_BREAK).replace(".", ",") if french else text


def _share(value: float | None, *, french: bool) -> str:
    """Write a share in percent, never rounded up to the whole."""
    if value is None:
        return ""
    percent = 100 * float(value)
    shown = min(round(percent, 2), 99.99) if percent < 100 else percent
    return _number(shown, 2, french=french) + (f"{NO_BREAK}%" if french else "%")


def _size(value: float | None, *, french: bool) -> str:
    if value is None:
        return ""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    unit = unit.replace("B", "o") if french else unit
    return f"{_number(value, 0 if unit in ('B', 'o') else 1, french=french)} {unit}"


def _seconds(value: float | None, *, french: bool) -> str:
    if value is None:
        return ""
    if value < 60:
        return f"{_number(value, 1, french=french)} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def _day(value: str | None) -> str:
    return datetime.fromisoformat(value).date().isoformat() if value else ""


def _minute(value: str | None) -> str:
    return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if value else ""


def _month(value: str | None) -> str:
    return f"{date.fromisoformat(value):%Y-%m}" if value else ""
