"""Features of a GeoJSON counted in its text: GDAL leaves out what it takes for none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_shapes import no_collection, whole_text
from tasks.core.model.errors import SourceError

# One of each is in every feature: features are counted one by one only where there are more.
TOKENS = (b'"Feature"', b'"properties"')
LIST = ord("[")
LONGEST = max(map(len, TOKENS))


class Tokens:
    """Counts, block by block, what stands once in every feature, and the lists of coordinates.

    lists: of all that is written, so those of coordinates at most.
    """

    def __init__(self) -> None:
        self._counts, self._last, self.lists = dict.fromkeys(TOKENS, 0), b"", 0

    def most(self, members: Mapping[str, Any]) -> int:
        """Tell how many features there are at most, by the members beside them: a CRS has
        properties too.
        """
        feature, properties = self._counts.values()
        return max(feature, properties - ("crs" in members))

    def add(self, block: bytes) -> None:
        """Count those of the next block, and those that it ends."""
        for token in TOKENS:
            seam = self._last[1 - len(token) :] + block[: len(token) - 1]
            self._counts[token] += block.count(token) + seam.count(token)
        self.lists += int(np.count_nonzero(np.frombuffer(block, np.uint8) == LIST))
        self._last = (self._last + block[-LONGEST:])[-LONGEST:]


class _Counted(Struct, gc=False):
    """A feature of which nothing is looked at."""


class _Collection(Struct):
    features: list[_Counted] | None = None


def require_no_more(place: Place, features: int, where: str) -> None:
    """Raise SourceError when a collection holds more features than were read."""
    if (held := _count(place)) > features:
        raise SourceError(
            f"All {held:,} features of {where} were expected to be read and {features:,} are: each"
            ' must have the type "Feature", properties and a geometry or null: tell the publisher'
            " which are broken."
        )


def _count(place: Place) -> int:
    """Count the features of a collection, whatever they are; a feature alone is one."""
    try:
        found = msgspec.json.decode(whole_text(place), type=_Collection).features
    except msgspec.DecodeError as error:
        raise no_collection(place, error) from None
    return 1 if found is None else len(found)
