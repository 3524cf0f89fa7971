"""Geometries of a GeoJSON that GDAL takes for none, found again in its text."""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.model.errors import Damaged, SourceError

BLOCK_BYTES = 2**20
ENDS_BYTES = 2**16  # at both ends, where the members beside the features stand
SEAM_BYTES = 2**12
FEATURE = b'"Feature"'
NO_NUMBER = re.compile(rb"\[\s*(?:null|NaN)\s*,|[\d\]lN.]\s*,\s*(?:null|NaN)\s*[,\]]")
SHAPE = re.compile(rb'"geometry"\s*:')
NO_SHAPE = re.compile(
    rb'"geometry"\s*:\s*(?:null|\{\s*\})'
    rb'|"(?:coordinates|geometries)"\s*:\s*(?:null|\[[\[\],\s]*\])\s*[,}]'
)


@contextmanager
def opened_text(place: Place) -> Iterator[BinaryIO]:
    """Open a file for reading forward, in its archive too."""
    if not place.archive:
        with Path(place.path).open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(place.archive) as archive, archive.open(place.member) as file:
        yield file  # type: ignore[misc]


def tail_of(place: Place) -> bytes:
    """Read the end of a text, where the members after the features stand."""
    with opened_text(place) as file:
        size = file.seek(0, SEEK_END)
        file.seek(max(size - ENDS_BYTES, 0))
        return file.read()


def whole_text(place: Place) -> bytes:
    """Read a JSON whole, without its byte order mark: only where something in it is doubtful."""
    with opened_text(place) as file:
        return file.read().removeprefix(codecs.BOM_UTF8)


def no_collection(place: Place, error: Exception) -> Damaged:
    """Say that a text is no collection of features."""
    return Damaged(
        f"The GeoJSON {place.name} was expected to be a collection of features; it is not"
        f" ({error}): run the flow again, and tell the publisher if it stays so."
    )


def require_shapes(place: Place, features: int, without_geometry: int) -> None:
    """Raise SourceError when more features came without geometry than the text states."""
    shapes, empty, seam = 0, 0, b""
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            text = seam + block
            shapes += sum(found.end() > len(seam) for found in SHAPE.finditer(text))
            empty += sum(found.end() > len(seam) for found in NO_SHAPE.finditer(text))
            seam = text[-SEAM_BYTES:]
    lost = without_geometry - empty - max(features - shapes, 0)
    if lost > 0:
        raise SourceError(
            f"Geometries were expected in {place.name} and those of {lost:,} features are not"
            " written as GeoJSON has them, in their type or the nesting of their coordinates: tell"
            " the publisher."
        )


def require_numbers(place: Place) -> None:
    """Raise SourceError where a coordinate is null or NaN, which GDAL takes for no geometry."""
    start, tail = 0, b""
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            if (bad := _bad_coordinate(tail, block)) is not None:
                raise _no_number(place, start + bad)
            start, tail = start + len(block), block[-ENDS_BYTES:]


def _no_number(place: Place, position: int) -> SourceError:
    number, *_ = feature_at(place, position)
    return SourceError(
        f"Numbers were expected as coordinates in {place.name} and feature {number:,} has null or"
        " NaN among its own: tell the publisher."
    )


def feature_at(place: Place, position: int) -> tuple[int, bytes, bytes]:
    """Return the number of the feature at a byte, and some bytes before and after it."""
    number, before, read = 0, b"", 0
    with opened_text(place) as file:
        while read < position:
            block = file.read(min(BLOCK_BYTES, position - read))
            seam = before[-len(FEATURE) + 1 :] + block
            number += seam.count(FEATURE)
            before, read = (before + block)[-500:], read + len(block)
        return number, before, file.read(100)


def _bad_coordinate(before: bytes, block: bytes) -> int | None:
    """Return where in a block null or NaN stands among coordinates, None if nowhere."""
    if not any(mark in block for mark in (b"[null", b"null]", b"NaN")):
        return None
    text = before + block
    for found in NO_NUMBER.finditer(text):
        key = text.rfind(b'":', 0, found.start())
        if key >= 0 and text[:key].endswith(b'"coordinates'):
            return found.start() - len(before)
    return None
