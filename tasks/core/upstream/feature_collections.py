"""GeoJSON feature collections taken apart: every feature, and the CRS, byte for byte as sent."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

PIECE = 1 << 20  # bytes decoded at once


@dataclass(frozen=True)
class Feature:
    """A feature as it was sent; `identity` is its id, or without one the hash of its bytes."""

    identity: str
    content: Raw


@dataclass(frozen=True)
class FeatureCollection:
    """The features in their order.

    matched: how many the service says match in all; None where it does not count them ("unknown").
    crs: the text of the member that names the coordinate reference system; None without one.
    """

    features: list[Feature]
    matched: int | None
    crs: str | None


class _Collection(Struct):
    """The members of a collection that are looked at; Raw is a view of the bytes of the answer."""

    type: Any = None
    features: list[Raw] | None = None
    crs: Raw = Raw(b"")
    number_matched: Any = field(default=None, name="numberMatched")
    total_features: Any = field(default=None, name="totalFeatures")


class _Feature(Struct):
    id: Any = None


def take_apart(content: bytes | memoryview) -> FeatureCollection:
    """Give the collection in a JSON text in UTF-8 without a mark, its features as views of it.

    Raises ValueError when it holds anything else, RecursionError when it is nested without end.
    """
    _require_utf8(content)  # what is not looked at is UTF-8 as well
    try:
        found = msgspec.json.decode(content, type=_Collection)
        if found.features is None or found.type != "FeatureCollection":
            raise ValueError("it has no features, or its type is not FeatureCollection")
        features = [_feature(content) for content in found.features]
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    counts = (found.number_matched, found.total_features)
    matched = next((count for count in counts if type(count) is int), None)
    return FeatureCollection(features, matched, bytes(found.crs).decode() or None)


def _require_utf8(content: bytes | memoryview) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), PIECE):
        decoder.decode(bytes(content[start : start + PIECE]), final=start + PIECE >= len(content))


def _feature(content: Raw) -> Feature:
    own = msgspec.json.decode(content, type=_Feature).id
    return Feature(hashlib.sha256(content).hexdigest() if own is None else str(own), content)
