"""Text of geometry files decoded by the encoding they state, which is tested and not believed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.core.making.encodings import C1, UTF_8, codec_of, fitting_codec
from tasks.core.making.geometry.one_byte_codecs import (
    STRANGE,
    data_of,
    has_letters,
    recoded,
    table_of,
)
from tasks.core.model.errors import ConfigurationError, SourceError

SILENT = re.compile(r"(ansi|oem|system|cp_?acp|cp_?oemcp|none|unknown|default)?", re.IGNORECASE)
# each byte beyond ASCII is a letter of cp1252 alone, beside one of ASCII
LATIN = re.compile(
    rb"(?:[\x00-\x7f]|(?<=[A-Za-z])[\xc0-\xff](?![\x80-\xff])"
    rb"|(?<![\x80-\xff])[\xc0-\xff](?=[A-Za-z]))+"
)
# what the byte of the language driver means, in a dBASE file without a .cpg beside it
LANGUAGES = {
    **dict.fromkeys((0x01, 0x09, 0x0B, 0x0D, 0x0F, 0x11, 0x15, 0x18, 0x19, 0x1B), "cp437"),
    **dict.fromkeys((0x02, 0x0A, 0x0E, 0x10, 0x12, 0x14, 0x16, 0x1A, 0x1D, 0x25, 0x37), "cp850"),
    **dict.fromkeys((0x03, 0x58, 0x59), "cp1252"),
    **dict.fromkeys((0x1F, 0x22, 0x23, 0x40, 0x64, 0x87), "cp852"),
    **dict.fromkeys((0x26, 0x65), "cp866"),
    **dict.fromkeys((0x08, 0x17, 0x66), "cp865"),
    **dict.fromkeys((0x13, 0x7B), "cp932"),
    **dict.fromkeys((0x4D, 0x7A), "cp936"),
    **dict.fromkeys((0x4E, 0x79), "cp949"),
    **dict.fromkeys((0x4F, 0x78), "cp950"),
    **dict.fromkeys((0x50, 0x7C), "cp874"),
    **dict.fromkeys((0x6B, 0x88), "cp857"),
    **{0x24: "cp860", 0x6C: "cp863", 0x67: "cp861", 0x6A: "cp737", 0x86: "cp737"},
    **{0x57: "iso8859-1", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253"},
    **{0xCC: "cp1257"},
}


def declared_codec(encoding: str) -> str:
    """Return Python's name of a declared encoding in any spelling, or raise ConfigurationError."""
    try:
        return codec_of(encoding)
    except LookupError:
        raise ConfigurationError(
            f"The encoding {encoding!r} was declared and no encoding has that name: declare"
            " 'utf-8', 'cp1252', 'latin-1' or another that Python's codecs know."
        ) from None


def stated_codec(statement: str) -> str | None:
    """Return the encoding that a .cpg means ("ANSI 1252", "88591"); None for one it does not say.

    Raises LookupError for one that nobody knows.
    """
    text = statement.strip().strip("\ufeff\0\"' ")
    if ldid := re.fullmatch(r"LDID/(\d+)", text, re.IGNORECASE):
        return LANGUAGES.get(int(ldid[1]))
    if SILENT.fullmatch(text):
        return None
    number = re.fullmatch(r"(?:\D*?[\s_/-]|cp|ansi|oem|windows|ibm)?(\d{3,5})", text, re.IGNORECASE)
    iso = re.fullmatch(r"(?:iso)?[\s_-]*8859[\s_-]*(\d{1,2})", text, re.IGNORECASE)
    if iso:
        return codec_of(f"iso8859-{iso[1]}")
    if number:
        return UTF_8 if number[1] == "65001" else codec_of(f"cp{number[1]}")
    return codec_of(re.sub(r"\s+", "-", text))


@dataclass
class Decoder:
    """Decodes the columns of one file and keeps what its bytes tell of the encoding.

    codec: None where the file does not say; then only UTF-8 is taken as read. stated_by: what says
    it, for messages. sure: the flow declares it. cut: values whose last letter was cut. beyond: the
    values beyond ASCII, in_utf8 those of them that are UTF-8, as_latin those that read like a word
    with accents in one byte a letter; both are told in a page of several bytes too.
    """

    codec: str | None
    stated_by: str
    where: str
    sure: bool
    cut: int = 0
    beyond: int = 0
    in_utf8: int = 0
    as_latin: int = 0
    doubtful: str = ""

    def decode(self, raw: pa.Array, column: str, width: int, before: int) -> pa.Array:
        """Return a column of undecoded text as text; `before` counts the records before it."""
        bytes_of = data_of(raw)
        if not bytes_of.size or bytes_of.max() < 0x80:
            return raw.cast(pa.string())
        table = table_of(self.codec) if self.codec else None
        if table is None:
            return self._decode_each(raw, column, width, before)
        places = np.flatnonzero(has_letters(raw, bytes_of))
        self._count(raw, places)
        letters = table[0][bytes_of]
        if letters.max() == STRANGE:
            self._refuse_first(raw, places, column, before)
        return recoded(raw, bytes_of, *table)

    def _count(self, raw: pa.Array, places: npt.NDArray[np.int64]) -> None:
        """Count the values that are UTF-8, as long as all of them are."""
        if self.in_utf8 == self.beyond:
            self.in_utf8 += sum(_is_utf8(text) for text in _bytes(raw, places))
        self.beyond += len(places)

    def _refuse_first(
        self, raw: pa.Array, places: npt.NDArray[np.int64], column: str, before: int
    ) -> None:
        for place, text in zip(places, _bytes(raw, places), strict=True):
            try:
                if not C1.search(text.decode(str(self.codec))):
                    continue
            except UnicodeDecodeError:
                pass
            raise self._wrong(text, column, before + int(place) + 1)

    def _decode_each(self, raw: pa.Array, column: str, width: int, before: int) -> pa.Array:
        """Decode the values beyond ASCII one by one unless all are UTF-8, as most are."""
        codec = self.codec or UTF_8
        places = np.flatnonzero(has_letters(raw, data_of(raw)))
        if codec == UTF_8 and _is_valid(raw):
            self.beyond += len(places)
            self.in_utf8 += len(places)
            return raw.cast(pa.string())
        texts = raw.cast(pa.large_binary()).to_pylist()
        for place in places:
            texts[place] = self._one(texts[place], codec, column, width, before + int(place) + 1)
        decoded = (text.decode() if isinstance(text, bytes) else text for text in texts)
        return pa.array(decoded, pa.string())

    def _one(self, text: bytes, codec: str, column: str, width: int, record: int) -> str:
        self.beyond += 1
        try:
            decoded = text.decode(codec)
        except UnicodeDecodeError as error:
            if codec != UTF_8 or len(text) < width or not _is_cut(text, error):
                raise self._wrong(text, column, record) from None
            decoded = text[: error.start].decode()
            self.cut += 1
            if decoded.isascii() and error.end - error.start == 1 and _may_be_letter(text):
                self.doubtful = self.doubtful or f"{column} in record {record:,}"
        if codec == UTF_8:
            self.in_utf8 += not decoded.isascii()
        else:
            self.in_utf8 += _is_utf8(text) and (not self.sure or _is_of_three(text))
            self.as_latin += bool(LATIN.fullmatch(text))
        return decoded

    def _wrong(self, text: bytes, column: str, record: int) -> SourceError:
        return SourceError(
            f"Text in {self.codec or UTF_8} was expected in {self.where} {self.stated_by} and"
            f" {column} has {text!r} in record {record:,}, which it is not: declare"
            f" encoding={fitting_codec(text)!r} if it fits."
        )

    def finish(self) -> None:
        """Raise SourceError when the text of the whole file tells of another encoding."""
        if self.doubtful and not self.sure and not self.in_utf8:
            raise SourceError(
                f"Text in utf-8 was expected in {self.where} {self.stated_by} and the only value"
                f" beyond ASCII, {self.doubtful}, is cut in a letter or is in another encoding:"
                " declare encoding='utf-8' or encoding='cp1252'."
            )
        if self.codec in (None, UTF_8) or not self.beyond:
            return
        if self.in_utf8 == self.beyond:
            raise SourceError(
                f"Text in {self.codec} was expected in {self.where} {self.stated_by} and all of its"
                f" {self.beyond:,} values beyond ASCII are UTF-8: declare encoding='utf-8'."
            )
        if self.as_latin == self.beyond and not self.sure:
            raise SourceError(
                f"Text in {self.codec} was expected in {self.where} {self.stated_by} and all of its"
                f" {self.beyond:,} values beyond ASCII read like words with accents in one byte a"
                f" letter: declare encoding='cp1252' if it fits, or encoding={self.codec!r}."
            )


def _bytes(raw: pa.Array, places: npt.NDArray[np.int64]) -> Iterator[bytes]:
    yield from raw.cast(pa.large_binary()).take(pa.array(places)).to_pylist()


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_of_three(text: bytes) -> bool:
    """Tell whether UTF-8 has letters of three bytes and more, which no page of two bytes has so."""
    return any(byte >= 0xE0 for byte in text)


def _is_valid(raw: pa.Array) -> bool:
    try:
        raw.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _is_cut(text: bytes, error: UnicodeDecodeError) -> bool:
    return error.end == len(text) and error.reason == "unexpected end of data"


def _may_be_letter(text: bytes) -> bool:
    """Tell whether the last byte may be a letter of another encoding: no capital ends "abcÃ"."""
    last, before = text[-1:].decode("cp1252", "replace"), text[-2:-1].decode("cp1252", "replace")
    return not (last.isupper() and before.islower())
