"""GeoJSON feature collections taken apart without touching a byte: every feature, and every other
member, as it was sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DECODER = json.JSONDecoder()
BLANKS = (" ", "\n", "\r", "\t")


@dataclass(frozen=True)
class Feature:
    """A feature as it was sent; `identity` is its id, or the hash of its text where it has none."""

    identity: str
    text: str


@dataclass(frozen=True)
class FeatureCollection:
    """The features in their order, and the other members by name: their values and their texts."""

    features: list[Feature]
    members: Mapping[str, tuple[Any, str]]

    @property
    def matched(self) -> int | None:
        """How many features the service says there are in all; None where it does not count them
        ("unknown").
        """
        stated = [
            self.members[name][0]
            for name in ("numberMatched", "totalFeatures")
            if name in self.members
        ]
        return next((count for count in stated if type(count) is int), None)

    @property
    def crs(self) -> str | None:
        """The text of the member that names the coordinate reference system; None without one."""
        return self.members["crs"][1] if "crs" in self.members else None


def take_apart(text: str) -> FeatureCollection:
    """The collection in a JSON text; raises ValueError when it holds anything else, RecursionError
    when it is nested without end.
    """
    document, features, members = _Text(text), None, {}
    for _ in document.elements("{", "}"):
        name, _ = document.value()
        document.require(":")
        if name == "features":
            features = [_feature(*document.value()) for _ in document.elements("[", "]")]
        else:
            members[str(name)] = document.value()
    document.require_end()
    if features is None or members.get("type", ("", ""))[0] != "FeatureCollection":
        raise ValueError("it has no features, or its type is not FeatureCollection")
    return FeatureCollection(features, members)


def _feature(value: Any, text: str) -> Feature:
    if not isinstance(value, dict):
        raise ValueError(f"a feature was expected where {text[:40]!r} stands")
    own = value.get("id")
    return Feature(hashlib.sha256(text.encode()).hexdigest() if own is None else str(own), text)


class _Text:
    """A JSON text, and how far it has been read."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def elements(self, opening: str, closing: str) -> Iterator[None]:
        """Stop before each element of an array, or before each name of an object."""
        self.require(opening)
        if self._meets(closing):
            return
        yield
        while self._meets(","):
            yield
        self.require(closing)

    def value(self) -> tuple[Any, str]:
        """The value that comes next, and its text."""
        self._meets("")
        start = self.at
        value, self.at = DECODER.raw_decode(self.text, start)
        return value, self.text[start : self.at]

    def require(self, character: str) -> None:
        """Step over a character that must come next."""
        if not self._meets(character):
            raise ValueError(f"{character!r} was expected at character {self.at:,}")

    def require_end(self) -> None:
        """Nothing but blanks may follow."""
        self._meets("")
        if self.at < len(self.text):
            raise ValueError(f"its end was expected at character {self.at:,}")

    def _meets(self, character: str) -> bool:
        """Step over blanks, and over the character when it comes next."""
        while self.text.startswith(BLANKS, self.at):
            self.at += 1
        met = self.text.startswith(character, self.at)
        self.at += len(character) if met else 0
        return met
