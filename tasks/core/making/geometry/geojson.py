"""GeoJSON files as their bytes say, before GDAL reads them: encoding, and counts they state."""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from tasks.core.making.encodings import C1, UTF_8, fitting_codec
from tasks.core.making.geometry.encodings import declared_codec
from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.json_coordinates import require_whole
from tasks.core.making.geometry.json_counts import Tokens, require_no_more
from tasks.core.making.geometry.json_escapes import first_escape
from tasks.core.making.geometry.json_members import (
    members_after,
    members_before,
    members_of_root,
    require_no_part,
)
from tasks.core.making.geometry.json_shapes import (
    BLOCK_BYTES,
    ENDS_BYTES,
    feature_at,
    opened_text,
    require_numbers,
    require_shapes,
)
from tasks.core.model.errors import SourceError
from tasks.core.model.scratch import workplace

COLLECTIONS = ("geojson", "features")
IN_COLLECTION = 1  # list beside those of coordinates: the features
WIDE = ("utf-16", "utf-32")
NAME = re.compile(rb'"([^"\\]*)"\s*:\s*"[^"]*$')


@dataclass
class Examined:
    """A GeoJSON to be read at its place, and the members beside its features."""

    place: Place
    members: dict[str, Any] = field(default_factory=dict)
    features_at_most: int = 0
    lists_at_most: int = 0

    def require_all(self, features: int, without_geometry: int, lists: int, where: str) -> None:
        """Raise SourceError when the file itself says that there are more features, or shapes.

        lists: in which GeoJSON writes the geometries that were read.
        """
        if without_geometry and self.place.kind in COLLECTIONS:
            require_numbers(self.place)
            require_shapes(self.place, features, without_geometry)
        if self.lists_at_most > lists + IN_COLLECTION:
            require_whole(self.place, lists)
        if self.features_at_most > features:
            require_no_more(self.place, features, where)
        require_no_part(self.members, features, where)


def may_be_plain(place: Place, encoding: str | None) -> bool:
    """Tell whether a file is one GeoJSON in UTF-8, as nearly all are."""
    return place.kind == "geojson" and (not encoding or declared_codec(encoding) == UTF_8)


def ends_of(place: Place) -> Examined:
    """Read what any JSON says beside its features, as Esri's does, or a GML in its root."""
    if place.kind == "xml":
        return Examined(place, members_of_root(place.head))
    head, tail, start = b"", b"", 0
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            if found := first_escape(tail[-100:], block):
                raise _no_letter(place, start + found[0], found[1])
            start += len(block)
            head, tail = head or block[:ENDS_BYTES], (tail + block)[-ENDS_BYTES:]
    return Examined(place, members_before(head) | members_after(tail))


@contextmanager
def examined(place: Place, encoding: str | None) -> Iterator[Examined]:
    """Examine a GeoJSON; one in another declared encoding is written anew in UTF-8 for the while.

    Raises SourceError where its bytes are not in the encoding declared (UTF-8 without one).
    """
    codec = declared_codec(encoding) if encoding else UTF_8
    is_wide = codec.startswith(WIDE)
    with ExitStack() as opened:
        found, wrong, is_ascii = (Examined(place), 0, False) if is_wide else _scan(place)
        if wrong < 0 and codec != UTF_8 and not is_ascii:
            raise SourceError(
                f"Text in {codec} was declared for {place.name} and all of its text beyond ASCII is"
                " UTF-8: declare encoding='utf-8'."
            )
        if wrong >= 0 and codec == UTF_8:
            raise _no_utf8(place, wrong)
        is_sequence = place.kind == "features"
        if wrong >= 0 or is_sequence:
            folder = opened.enter_context(tempfile.TemporaryDirectory(dir=workplace()))
            anew = Path(folder) / "anew.geojson"
            _write_anew(place, codec, anew, _collected if is_sequence else iter)
            found, *_ = _scan(Place(str(anew), 0, called=place.name))
        yield found


def _scan(place: Place) -> tuple[Examined, int, bool]:
    """Return the members beside the features, the first byte that is no UTF-8 (or -1), if ASCII."""
    decoder, is_ascii, start = codecs.getincrementaldecoder(UTF_8)(), True, 0
    head, tail, tokens = b"", b"", Tokens()
    with opened_text(place) as file:
        while block := file.read(BLOCK_BYTES):
            if found := first_escape(tail[-100:], block):
                raise _no_letter(place, start + found[0], found[1])
            if (nul := block.find(b"\0")) >= 0:
                raise _no_letter(place, start + nul, "a NUL byte")
            head = head or block[:ENDS_BYTES]
            tail = (tail + block if len(block) < ENDS_BYTES else block)[-ENDS_BYTES:]
            tokens.add(block)
            if is_ascii and block.isascii():
                start += len(block)
                continue
            is_ascii, pending = False, len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                return Examined(place), start - pending + error.start, False
            start += len(block)
    if decoder.getstate()[0]:
        return Examined(place), start - len(decoder.getstate()[0]), False
    members = members_before(head) | members_after(tail)
    return Examined(place, members, tokens.most(members), tokens.lists), -1, is_ascii


def _no_letter(place: Place, position: int, what: str) -> SourceError:
    """Name the feature in which text holds what is no letter."""
    number, *_ = feature_at(place, position)
    where = f"feature {number:,}" if number else f"the text at byte {position:,}"
    return SourceError(
        f"Text was expected in {place.name} and a value of {where} has {what} in it,"
        " which no text has: tell the publisher."
    )


def _no_utf8(place: Place, wrong: int) -> SourceError:
    """Name the feature, the member and the encoding of text that is not UTF-8."""
    number, before, after = feature_at(place, wrong)
    name = NAME.search(before)
    column = name[1].decode(UTF_8, "replace") if name else "its text"
    value = (before[name.start() :].rpartition(b'"')[2] if name else b"") + after.split(b'"')[0]
    return SourceError(
        f"Text in utf-8 was expected in {place.name}, as of every GeoJSON, and {column} of feature"
        f" {number:,} has {value[:80]!r}, which it is not: declare"
        f" encoding={fitting_codec(value)!r} if it fits."
    )


def _write_anew(
    place: Place, codec: str, anew: Path, change: Callable[[Iterator[str]], Iterator[str]]
) -> None:
    try:
        with (
            opened_text(place) as file,
            TextIOWrapper(file, "utf-8-sig" if codec == UTF_8 else codec) as lines,
            anew.open("w", encoding=UTF_8) as written,
        ):
            written.writelines(change(_without_control(lines, codec, place)))
    except UnicodeDecodeError as error:
        raise SourceError(
            f"Text in {codec} was declared for {place.name} and it has other bytes ({error}):"
            " declare the encoding that it is in."
        ) from None


def _collected(lines: Iterator[str]) -> Iterator[str]:
    """Make one collection of features that stand in a line each, as GDAL reads it with care."""
    texts = filter(None, (line.strip("\x1e\r\n\t ") for line in lines))
    yield '{"type": "FeatureCollection", "features": [\n'
    yield next(texts, "")
    yield from (",\n" + text for text in texts)
    yield "\n]}\n"


def _without_control(lines: Iterable[str], codec: str, place: Place) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if control := C1.search(line):
            value = line[max(control.start() - 20, 0) : control.end() + 20].encode(codec)
            raise SourceError(
                f"Text in {codec} was expected in {place.name} and line {number:,} has a control"
                f" character in {value!r}: declare encoding={fitting_codec(value)!r} if it fits."
            )
        yield line
