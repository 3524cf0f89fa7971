"""Encodings, tested against the bytes of a file while it is read, not believed."""

from __future__ import annotations

import codecs
import io
import re
from contextlib import suppress
from typing import BinaryIO

import numpy as np

from tasks.core.making.encodings import C1, LIKELY, codec_of
from tasks.core.model.errors import ConfigurationError, SourceError

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
OTHER_ORDERS = {
    f"utf-{bits}-{one}": f"utf-{bits}-{other}"
    for bits in (16, 32)
    for one, other in ("le be".split(), "be le".split())
}
CONTROLS = range(0x80, 0xA0)
NUL = b"\0"
AROUND = 24  # bytes shown before and after the letter of which a message speaks


def name_of(encoding: str, label: str) -> str:
    """Return Python's own name of an encoding, however it is spelt ("Latin1", "CP-1252")."""
    with suppress(LookupError):
        found = codec_of(encoding)
        return "utf-8" if found == "ascii" else found
    raise ConfigurationError(
        f"The file {label} was declared in the encoding {encoding!r}, which is unknown: declare"
        " cp1252, say."
    )


def is_of_one_byte(encoding: str) -> bool:
    """Tell whether each letter is a byte."""
    return len(bytes(range(256)).decode(encoding, "replace")) == 256


def require_mark(head: bytes, encoding: str, label: str) -> None:
    """Raise SourceError when a file begins with the byte order mark of another encoding."""
    marked = next((name for mark, name in MARKS if head.startswith(mark)), encoding)
    if marked == encoding and (other := _other_order(head, encoding)):
        raise SourceError(
            f"The file {label} was expected to be in the encoding {encoding}; it begins with"
            f" {head[:4]!r}, a letter in the other order of bytes: declare {other}."
        )
    if encoding not in (marked, marked.removesuffix("-le").removesuffix("-be")):
        raise SourceError(
            f"The file {label} was expected to be in the encoding {encoding}; it begins with the"
            f" byte order mark of {marked}, {head[:4]!r}: declare {marked}."
        )
    if head and marked == encoding and encoding in ("utf-16", "utf-32"):
        raise SourceError(
            f"The file {label} was expected to begin with a byte order mark, as {encoding} does; it"
            f" begins with {head[:4]!r}: declare {encoding}-{'be' if head[:1] == NUL else 'le'}."
        )


def _other_order(head: bytes, encoding: str) -> str:
    """Name the encoding whose order of bytes makes the first letter one of ASCII; "" if none."""
    other = OTHER_ORDERS.get(encoding, "")
    size = 4 if "32" in encoding else 2
    first = head[:size].decode(other, "replace") if other and len(head) >= size else ""
    return other if first.isascii() and first.strip("\0") else ""


def fitting(text: bytes, but: str) -> str:
    """Say how bytes read in the likeliest encoding that has them all, other than the declared."""
    for name in LIKELY if NUL not in text else ():
        try:
            read = text.decode(name)
        except UnicodeDecodeError:
            continue
        if name != but and not C1.search(read):
            return f"{read!r} in {name}: declare {name}"
    return "of no encoding that is tried here: look at the file"


class Misread(Exception):
    """Bytes that are not in the declared encoding: where, how many, and what is wrong."""

    def __init__(self, at: int, text: bytes, why: str) -> None:
        super().__init__(why)
        self.at, self.text, self.why = at, text, why


class Tested(io.RawIOBase):
    """A file in an encoding of one byte a letter, held to it while it is read; raises Misread.

    Text that is UTF-8 throughout, with letters beyond ASCII, is told at its end; control characters
    at once, as no text has them.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file, self._encoding, self._offset = file, encoding, 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._may_be_utf8, self._letter = True, Misread(-1, b"", "it is UTF-8 throughout")
        controls = bytes(CONTROLS).decode(encoding, "ignore")
        self._has_controls = controls == "".join(map(chr, CONTROLS))

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes."""
        chunk: bytes = self._file.read(size)
        if not chunk:
            self._end()
        elif not chunk.isascii() or self._decoder.getstate()[0]:
            self._test(chunk)
        self._offset += len(chunk)
        return chunk

    def _test(self, chunk: bytes) -> None:
        data = np.frombuffer(chunk, np.uint8)
        if self._has_controls and ((data ^ 0x80) < len(CONTROLS)).any():
            at = int(np.flatnonzero((data ^ 0x80) < len(CONTROLS))[0])
            why = f"control characters ({chr(data[at])!r}) are in it, which no text has"
            raise self._misread(at, chunk, why)
        if not self._may_be_utf8:
            return
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError:
            self._may_be_utf8 = False
            self._decoder.reset()
            return
        if self._letter.at < 0:
            at = int(np.flatnonzero(data > 0x7F)[0])
            self._letter = self._misread(at, chunk, self._letter.why)

    def _end(self) -> None:
        if self._may_be_utf8 and self._letter.at >= 0 and not self._decoder.getstate()[0]:
            raise self._letter

    def _misread(self, at: int, chunk: bytes, why: str) -> Misread:
        return Misread(self._offset + at, around(chunk, at), why)


def around(chunk: bytes, at: int) -> bytes:
    """Return the word at a place of a text, for a message."""
    start, end = max(0, at - AROUND), at + AROUND
    before = re.split(rb"[\s;,|\"]", chunk[start:at])[-1]
    return before + re.split(rb"[\s;,|\"]", chunk[at:end])[0]


def first_misread(file: BinaryIO, encoding: str, size: int) -> Misread | None:
    """Find the first bytes of a file that its encoding does not have."""
    decoder, offset = codecs.getincrementaldecoder(encoding)(), 0
    while True:
        chunk = file.read(size)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            text = error.object  # begins with the letter that the part before had cut
            at = offset + len(chunk) - len(text) + error.start
            return Misread(at, around(text, error.start), f"it is not ({error.reason})")
        except UnicodeError as error:  # UTF-16 without its byte order mark
            return Misread(offset, chunk[:AROUND], f"it is not ({error})")
        if not chunk:
            return None
        offset += len(chunk)
