"""What a collection of features in JSON says beside them: their number, and that more follow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tasks.core.model.errors import SourceError

FEATURES = re.compile(rb'"features"\s*:\s*\[')
COUNTS = (
    *("numberMatched", "numberReturned", "numberOfFeatures", "totalFeatures"),
    *("totalCount", "total_count", "count"),
)
ABOUT_PAGES = ("meta", "metadata", "page", "paging", "pagination")
TOTALS = ("total", "totalElements", *COUNTS)  # where they stand in what is said about pages
MORE = ("exceededTransferLimit",)


def require_no_part(members: Mapping[str, Any], features: int, where: str) -> None:
    """Raise SourceError when a file says by its members that there are more features than these."""
    if more := beyond(members, features):
        raise SourceError(
            f"All features were expected in {where}, which has {features:,} and states"
            f" {' and '.join(more)}: ask the service for the whole, or declare `pages`."
        )


def beyond(members: Mapping[str, Any], features: int) -> list[str]:
    """Return what says that the whole has more features than these: counts, marks and links."""
    inside = members.get("properties")
    said = (inside if isinstance(inside, dict) else {}) | dict(members)
    of_pages = [found for name in ABOUT_PAGES if isinstance(found := members.get(name), dict)]
    totals = [each for about in of_pages for each in _counts(about, features, TOTALS)]
    return [*_counts(said, features), *totals, *_marks(said)]


def _counts(said: Mapping[str, Any], features: int, names: Sequence[str] = COUNTS) -> Iterator[str]:
    for name in names:
        with suppress(TypeError, ValueError):  # "unknown", or a count of something else
            if (
                not isinstance(said.get(name), float)
                and (count := int(said.get(name, ""))) > features
            ):
                yield f"{name} {count:,}"


def _marks(said: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in MORE if str(said.get(name)).lower() == "true")
    links = said.get("links")
    links = links if isinstance(links, list) else []
    is_linked = any(isinstance(link, dict) and link.get("rel") == "next" for link in links)
    following = said.get("next")
    if is_linked or (isinstance(following, str) and "://" in following):
        yield "a link to the next page"


def members_of_root(head: bytes) -> dict[str, Any]:
    """Read the attributes of the element around the members of a GML."""
    root = re.search(r"<(?:\w+:)?FeatureCollection\b([^>]*)>", head.decode("utf-8", "replace"))
    return dict(re.findall(r"""([\w:]+)\s*=\s*["']([^"']*)["']""", root[1])) if root else {}


def members_before(head: bytes) -> dict[str, Any]:
    """Read what stands before the features."""
    found = FEATURES.search(head)
    text = head[: found.end()].decode("utf-8-sig", "replace") if found else ""
    return _object(text + "]}")


def members_after(tail: bytes) -> dict[str, Any]:
    """Read what follows the features: the first text after a "]" that ends the whole object."""
    text = tail.decode("utf-8", "replace").rstrip()
    for place in re.finditer(r"\]\s*(?=,)", text):
        rest = text[place.end() + 1 :].lstrip()
        if rest.startswith('"') and (members := _object("{" + rest)):
            return members
    return {}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
