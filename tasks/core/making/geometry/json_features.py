"""The text of a GeoJSON cut into its features, a block at a time, however large the file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import orjson

from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_members import FEATURES
from tasks.core.making.geometry.json_shapes import ENDS_BYTES, opened_text

BLOCK_BYTES = 2**18  # as much as a processor keeps near
FEATURE_BYTES = 2**26  # of the longest
SPACE = b" \t\r\n"
QUOTE, OPENING, CLOSING, CAPITAL, EXPONENT = b'"{}Ee'  # no letter of numbers comes after e
ESCAPE = re.compile(rb"\\.", re.DOTALL)
NUL = rb"\u0000"
LONG_NUMBER = re.compile(rb":\s*-?\d{19}")  # may be beyond 64 bits, and is rounded here
ZEROS = b"." + b"0" * 200
SMALL_NUMBER = re.compile(rb"[eE]-0*\d{3}")  # may be too near to 0, and is 0 here
ASCII_ESCAPE = re.compile(rb"\\u00[0-7]")  # a NUL, or a name that is not seen as it is


class Strange(Exception):
    """Something in a GeoJSON that our own reader does not know: GDAL reads the whole file then."""


@dataclass
class Collection:
    """A collection of features open for one pass.

    before: the members before the features; after: those behind, once the last feature is read.
    has_truths: whether true or false, to Python numbers, stands near the feature read last.
    """

    file: BinaryIO
    before: dict[str, Any]
    text: bytes
    after: dict[str, Any] = field(default_factory=dict)
    has_truths: bool = False

    def features(self) -> Iterator[bytes]:
        """Yield the text of each feature; raise Strange where other than features are listed."""
        expected = b""
        while True:
            if b"\\" in self.text and NUL in self.text:
                raise Strange
            found, letters = objects(self.text)
            self.has_truths = b"t" in letters or b"f" in letters
            if has_rounded(self.text, letters):
                raise Strange
            start = 0
            for opening, end in found:
                between = self.text[start:opening].strip(SPACE)
                if between.startswith(b"]"):
                    break
                if between != expected:
                    raise Strange(between)
                yield self.text[opening:end]
                expected, start = b",", end
            self.text = self.text[start:].lstrip(SPACE)
            if self.text.startswith(b"]"):
                self.after = self._members_behind()
                return
            block = self.file.read(max(BLOCK_BYTES, len(self.text)))
            if not block or len(self.text) > FEATURE_BYTES:
                raise Strange
            self.text += block

    def _members_behind(self) -> dict[str, Any]:
        """Read what follows the list of features, to the end of the file."""
        ending = self.text + self.file.read(ENDS_BYTES)
        if self.file.read(1):
            raise Strange
        members = read_object(b'{"features":[' + ending)
        if members.pop("features") != []:
            raise Strange
        return members


@contextmanager
def opened_collection(place: Place) -> Iterator[Collection]:
    """Open a file whose first list "features" is that of its features, or raise Strange."""
    with opened_text(place) as file:
        text = file.read(ENDS_BYTES).removeprefix(codecs.BOM_UTF8)
        found = FEATURES.search(text)
        if not found or ASCII_ESCAPE.search(text, 0, found.end()):
            raise Strange
        before = read_object(text[: found.end()] + b"]}")
        yield Collection(file, before, text[found.end() :])


def read_object(text: bytes) -> dict[str, Any]:
    """Read an object of JSON, or raise Strange: at NaN, halves of surrogates, too large numbers."""
    try:
        found: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Strange(error) from None
    return found


def has_rounded(text: bytes, letters: bytes) -> bool:
    """Tell whether a number may be rounded beyond what 64 bits hold, where GDAL refuses it.

    letters: those outside of strings.
    """
    may_be_small = (b"e" in letters or b"E" in letters) and (b"e-" in text or b"E-" in text)
    has_small = may_be_small and SMALL_NUMBER.search(text)
    return bool(LONG_NUMBER.search(text) or has_small or ZEROS in text)


def objects(text: bytes) -> tuple[list[tuple[int, int]], bytes]:
    """Tell where the objects of a list begin and end in its text, and which letters are there.

    Outside of strings, that is: E, those from e on, braces and quotes. The list may go on, or end,
    behind its last whole object.
    """
    if b"\\" in text:
        text = ESCAPE.sub(b"..", text)
    letters = np.frombuffer(text, np.uint8)
    places = np.flatnonzero((letters == QUOTE) | (letters == CAPITAL) | (letters >= EXPONENT))
    marks = letters[places]
    is_outside = np.cumsum(marks == QUOTE) % 2 == 0
    opens, closes = (is_outside & (marks == mark) for mark in (OPENING, CLOSING))
    depths = np.cumsum(opens.astype(np.int64) - closes)
    begins, ends = places[opens & (depths == 1)], places[closes & (depths == 0)] + 1
    return [*zip(begins.tolist(), ends.tolist(), strict=False)], marks[is_outside].tobytes()
