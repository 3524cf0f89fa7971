"""GeoJSON files as their bytes say, before GDAL reads them: encoding, and counts they state."""

from __future__ import annotations

import codecs
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from tasks.core.making.encodings import C1, UTF_8, fitting_codec
from tasks.core.making.geometry.encodings import declared_codec
from tasks.core.making.geometry.geometry_files import Place
from tasks.core.model.errors import SourceError

BLOCK_BYTES = 2**20
ENDS_BYTES = 2**16  # at both ends, where the members beside the features stand
FEATURES = re.compile(r'"features"\s*:\s*\[')
NAME = re.compile(rb'"([^"\\]*)"\s*:\s*"[^"]*$')
FEATURE = b'"Feature"'
NO_NUMBER = re.compile(rb"\[\s*(?:null|NaN)\s*,|[\d\]lN.]\s*,\s*(?:null|NaN)\s*[,\]]")
COUNTS = ("numberMatched", "numberReturned", "totalFeatures")


@dataclass
class Examined:
    """A GeoJSON to be read at its place, and the members beside its features."""

    place: Place
    members: dict[str, Any] = field(default_factory=dict)

    def require_all(self, features: int, without_geometry: int, where: str) -> None:
        """Raise SourceError when the file itself says that there are more features."""
        if without_geometry:
            require_numbers(self.place)
        inside = self.members.get("properties")
        said = (inside if isinstance(inside, dict) else {}) | self.members
        stated = {name: said[name] for name in COUNTS if isinstance(said.get(name), int)}
        more = [f"{name} {count:,}" for name, count in stated.items() if count > features]
        more += ["exceededTransferLimit"] if said.get("exceededTransferLimit") is True else []
        links = said.get("links")
        links = links if isinstance(links, list) else []
        more += ["a link to the next page"] * any(
            isinstance(link, dict) and link.get("rel") == "next" for link in links
        )
        if more:
            raise SourceError(
                f"All features were expected in {where}, which has {features:,} and states"
                f" {' and '.join(more)}: ask the service for the whole, or declare `pages`."
            )


@contextmanager
def examined(place: Place, encoding: str | None) -> Iterator[Examined]:
    """Examine a GeoJSON; one in another declared encoding is written anew in UTF-8 for the while.

    Raises SourceError where its bytes are not in the encoding declared (UTF-8 without one).
    """
    codec = declared_codec(encoding) if encoding else UTF_8
    with ExitStack() as opened:
        found, wrong, is_ascii = _scan(place)
        if wrong < 0 and codec != UTF_8 and not is_ascii:
            raise SourceError(
                f"Text in {codec} was declared for {place.name} and all of its text beyond ASCII is"
                " UTF-8: declare encoding='utf-8'."
            )
        if wrong >= 0 and codec == UTF_8:
            raise _no_utf8(place, wrong)
        is_sequence = place.kind == "features"
        if wrong >= 0 or is_sequence:
            folder = opened.enter_context(tempfile.TemporaryDirectory())
            anew = Path(folder) / "anew.geojson"
            _write_anew(place, codec, anew, _collected if is_sequence else iter)
            found, *_ = _scan(Place(str(anew), 0))
        yield found


def _scan(place: Place) -> tuple[Examined, int, bool]:
    """Return the members beside the features, the first byte that is no UTF-8 (or -1), if ASCII."""
    decoder, is_ascii, start = codecs.getincrementaldecoder(UTF_8)(), True, 0
    head, tail = b"", b""
    with _opened(place) as file:
        while block := file.read(BLOCK_BYTES):
            head = head or block[:ENDS_BYTES]
            tail = (tail + block if len(block) < ENDS_BYTES else block)[-ENDS_BYTES:]
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
    members = _members_before(head) | _members_after(tail)
    return Examined(place, members), -1, is_ascii


@contextmanager
def _opened(place: Place) -> Iterator[BinaryIO]:
    if not place.archive:
        with Path(place.path).open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(place.archive) as archive, archive.open(place.member) as file:
        yield file  # type: ignore[misc]


def _members_before(head: bytes) -> dict[str, Any]:
    text = head.decode("utf-8-sig", "replace")
    found = FEATURES.search(text)
    return _object(text[: found.end()] + "]}") if found else {}


def _members_after(tail: bytes) -> dict[str, Any]:
    """Read what follows the features: the first text after a "]" that ends the whole object."""
    text = tail.decode(UTF_8, "replace").rstrip()
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


def _no_utf8(place: Place, wrong: int) -> SourceError:
    """Name the feature, the member and the encoding of text that is not UTF-8."""
    number, before, after = _feature_at(place, wrong)
    name = NAME.search(before)
    column = name[1].decode(UTF_8, "replace") if name else "its text"
    value = (before[name.start() :].rpartition(b'"')[2] if name else b"") + after.split(b'"')[0]
    return SourceError(
        f"Text in utf-8 was expected in {place.name}, as of every GeoJSON, and {column} of feature"
        f" {number:,} has {value[:80]!r}, which it is not: declare"
        f" encoding={fitting_codec(value)!r} if it fits."
    )


def require_numbers(place: Place) -> None:
    """Raise SourceError where a coordinate is null or NaN, which GDAL takes for no geometry."""
    start, tail = 0, b""
    with _opened(place) as file:
        while block := file.read(BLOCK_BYTES):
            if (bad := _bad_coordinate(tail, block)) is not None:
                raise _no_number(place, start + bad)
            start, tail = start + len(block), block[-ENDS_BYTES:]


def _no_number(place: Place, position: int) -> SourceError:
    number, *_ = _feature_at(place, position)
    return SourceError(
        f"Numbers were expected as coordinates in {place.name} and feature {number:,} has null or"
        " NaN among its own: tell the publisher."
    )


def _feature_at(place: Place, position: int) -> tuple[int, bytes, bytes]:
    """Return the number of the feature at a byte, and some bytes before and after it."""
    number, before, read = 0, b"", 0
    with _opened(place) as file:
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


def _write_anew(
    place: Place, codec: str, anew: Path, change: Callable[[Iterator[str]], Iterator[str]]
) -> None:
    try:
        with (
            _opened(place) as file,
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
