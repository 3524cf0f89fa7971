"""GML and KML as their text has it: in the encoding of its bytes, and no value by its schema."""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path

import numpy as np

from tasks.core.making.encodings import UTF_8, codec_of, fitting_codec
from tasks.core.making.geometry.encodings import declared_codec
from tasks.core.making.geometry.geometry_files import Place
from tasks.core.making.geometry.one_byte_codecs import STRANGE, table_of
from tasks.core.model.errors import SourceError

WIDE = {
    **{b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"},
    **{b"<\0": "utf-16-le", b"\0<": "utf-16-be"},
}
BLOCK_LETTERS = 2**20
STATED = re.compile(r"""(<\?xml\b[^>]*?\bencoding\s*=\s*["'])([\w.:-]+)""")
TYPES = (
    r"integer|int|long|short|byte|decimal|double|float|boolean|date|dateTime|time|unsigned\w+"
    r"|(?:non)?(?:positive|negative|Positive|Negative)Integer"
)
TYPED = re.compile(rf"""\b((?:type|base)\s*=\s*["'](?:xsd?:)?)(?:{TYPES})(?=["'])""".encode())


@contextmanager
def as_written(place: Place, encoding: str | None) -> Iterator[Place]:
    """Give an XML, for the while, in UTF-8 where it is declared to be in another encoding than it
    states, and a schema beside it that has text only: GDAL makes 123 of 00123, and 0 of n/a.

    Raises SourceError when its bytes tell of another encoding than the one that is said.
    """
    if place.kind != "xml" or place.archive:
        yield place
        return
    stated = _stated(place)
    codec = declared_codec(encoding) if encoding else stated
    _require_in(place, codec, "declared for" if encoding else "stated in")
    schema = Path(place.path).with_suffix(".xsd")
    is_read = codec == stated and codec not in WIDE.values()
    if is_read and not schema.exists():
        yield place
        return
    with tempfile.TemporaryDirectory() as folder:
        anew = Path(folder) / Path(place.path).name
        if is_read:
            anew.symlink_to(Path(place.path).absolute())
        else:
            _write_in_utf8(place, codec, anew)
        if schema.exists():
            text = TYPED.sub(rb"\1string", schema.read_bytes())
            anew.with_suffix(".xsd").write_bytes(text)
        yield replace(place, path=str(anew), called=place.name)


def _stated(place: Place) -> str:
    """Return the encoding that an XML says it is in, UTF-8 where it says none."""
    if wide := WIDE.get(place.head[:2]):
        return wide
    found = STATED.search(place.head[:1000].decode("latin-1"))
    with suppress(LookupError):  # GDAL tells of one that nobody knows
        return codec_of(found[2]) if found else UTF_8
    return UTF_8


def _require_in(place: Place, codec: str, said: str) -> None:
    """Raise SourceError where the bytes tell of another encoding: UTF-8 is told apart from all."""
    if codec != UTF_8 and table_of(codec) is None:
        return
    wrong, is_ascii = _first_not_utf8(place)
    if codec == UTF_8 and wrong:
        raise SourceError(
            f"Text in utf-8 was {said} {place.name} and it has {wrong!r}, which it is not: declare"
            f" encoding={fitting_codec(wrong)!r} if it fits."
        )
    if codec != UTF_8 and wrong and (strange := _first_strange(place, codec)):
        raise SourceError(
            f"Text in {codec} was {said} {place.name} and it has {strange!r}, of which a byte is no"
            f" letter: declare encoding={fitting_codec(strange)!r} if it fits."
        )
    if codec != UTF_8 and not wrong and not is_ascii:
        raise SourceError(
            f"Text in {codec} was {said} {place.name} and all of its text beyond ASCII is UTF-8:"
            " declare encoding='utf-8'."
        )


def _first_not_utf8(place: Place) -> tuple[bytes, bool]:
    """Return the first bytes that are no UTF-8, some before and after them, and if all is ASCII."""
    decoder, is_ascii, before = codecs.getincrementaldecoder(UTF_8)(), True, b""
    with Path(place.path).open("rb") as file:
        while block := file.read(BLOCK_LETTERS):
            if block.isascii() and not decoder.getstate()[0]:
                continue
            is_ascii = is_ascii and block.isascii()
            before = decoder.getstate()[0]
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                text = before + block
                return text[max(error.start - 20, 0) : error.end + 20], False
    return decoder.getstate()[0], is_ascii


def _first_strange(place: Place, codec: str) -> bytes:
    """Return the first byte that a one-byte encoding has no letter for, and some around it."""
    lengths = (table_of(codec) or (np.empty(0),))[0]
    strange = np.flatnonzero(lengths == STRANGE).astype(np.uint8).tobytes()
    with Path(place.path).open("rb") as file:
        while strange and (block := file.read(BLOCK_LETTERS)):
            if found := re.search(b"[" + re.escape(strange) + b"]", block):
                return block[max(found.start() - 20, 0) : found.end() + 20]
    return b""


def _write_in_utf8(place: Place, codec: str, anew: Path) -> None:
    """Write an XML in UTF-8, and say so in its first line."""
    try:
        with (
            Path(place.path).open("rb") as file,
            TextIOWrapper(file, "utf-8-sig" if codec == UTF_8 else codec) as letters,
            anew.open("w", encoding=UTF_8) as written,
        ):
            written.write(STATED.sub(r"\1UTF-8", letters.read(BLOCK_LETTERS), count=1))
            while block := letters.read(BLOCK_LETTERS):
                written.write(block)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"Text in {codec} was declared for {place.name} and it has other bytes ({error}):"
            " declare the encoding that it is in."
        ) from None
