"""Whether bytes can be the declared file, told from both ends and what a service says in them."""

from __future__ import annotations

import codecs
import os
import re
from contextlib import suppress
from pathlib import Path

from tasks.core.model.declarations import Source
from tasks.core.upstream import services

HEAD, TAIL = 4096, 66_000  # a zip file ends with at most 22 bytes and a comment of 65,535
SMALLEST_SHARE = 0.5
BOMS = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
WIDE = ("utf-16", "utf-32")  # encodings whose text holds NUL bytes
ZIPPED = ("zip", "xlsx", "ods")
ZIP_END = b"PK\x05\x06"
STARTS = {
    **dict.fromkeys(ZIPPED, b"PK\x03\x04"),
    "7z": b"7z\xbc\xaf\x27\x1c",
    "gzip": b"\x1f\x8b",
    "sqlite": b"SQLite format 3\x00",
    "parquet": b"PAR1",
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
}
TEXT_STARTS = {"json": ("{", "["), "xml": ("<",)}
TEXT_ENDS = {"json": ("}", "]"), "xml": (">",)}
PROLOG = r"\s*(?:(?:<\?[^>]*>|<!--.*?-->|<!DOCTYPE\s+(?!html)[^>]*>)\s*)*"
HTML = re.compile(
    PROLOG + r"(?:<!doctype\s+html|<html|<head|<body|<script)\b", re.IGNORECASE | re.DOTALL
)
PIECE_OF_HTML = re.compile(
    PROLOG + r"<(?:meta|title|div|h[1-6]|p|style|link|table|center|form|iframe|noscript|br|span"
    r"|font|b|img|a)\b[^<]*>",
    re.IGNORECASE | re.DOTALL,
)
TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title", re.IGNORECASE | re.DOTALL)
SERVICE_ERROR = re.compile(PROLOG + r"<(?:\w+:)?(?:ServiceException|ExceptionReport)", re.DOTALL)
JSON_ERROR = re.compile(r'\s*\{\s*"(?:error|errors|exception)"\s*:')


def refusal(
    path: Path, source: Source, last_size: int | None = None, *, shrink_accepted: bool = False
) -> str | None:
    """Say why a file cannot be the declared source, without a full stop; None when it can.

    last_size: bytes of the last archived original; a file of less than half of it is suspicious
    unless `shrink_accepted`.
    """
    size = path.stat().st_size
    if size == 0:
        return "it is empty"
    head, tail = _ends(path, size)
    reason = _page(head, source) or _wrong_format(head, tail, source)
    reason = reason or _cut(head, size, source.container) or services.complaint(path, source)
    if reason is None and size < source.minimum_bytes:
        reason = f"it has {size:,} bytes where at least {source.minimum_bytes:,} are declared"
    if reason is None and last_size and size < SMALLEST_SHARE * last_size and not shrink_accepted:
        reason = (
            f"it has {size:,} bytes, less than half of the {last_size:,} of the last archived"
            " original (a person who has reviewed it names its SHA-256 in GEODATA_ACCEPT_SHRINK)"
        )
    return reason


def unlike(head: bytes, source: Source) -> str | None:
    """Say why a file that begins with these bytes cannot be the declared source; None when it can.

    As far as a beginning tells: of `refusal`, what needs no end and no size.
    """
    if reason := _page(head, source):
        return reason
    start = STARTS.get(source.container)
    if start and not head.startswith(start):
        return f"it begins with the bytes {head[:8].hex(' ')}, not those of {source.container}"
    if not head.strip():
        return "it is empty"
    return _wrong_start(head, source.container)


def _ends(path: Path, size: int) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, size - TAIL), os.SEEK_SET)
        return head, file.read()


def _page(head: bytes, source: Source) -> str | None:
    """Name a web page or a service's error in place of the file, whatever its status."""
    text = _text(head)
    is_piece = source.container != "xml" and PIECE_OF_HTML.match(text)
    if HTML.match(text) or is_piece:
        title = TITLE.search(text)
        named = f" titled {' '.join(title[1].split())[:80]!r}" if title else ""
        return f"it is an HTML page{named} and not {source.container}"
    if SERVICE_ERROR.match(text):
        said = " ".join(re.sub("<[^>]*>", " ", text).split())[:160]
        return f"it is an XML exception of a web service and not {source.container}: {said!r}"
    if source.container != "json" and JSON_ERROR.match(text):
        said = " ".join(text.split())[:160]
        return f"it is an error message in JSON and not {source.container}: {said!r}"
    return None


def _wrong_format(head: bytes, tail: bytes, source: Source) -> str | None:
    container = source.container
    if container == "text":
        if b"\x00" not in head + tail or _is_wide(head, source):
            return None
        known = next((kind for kind, mark in STARTS.items() if head.startswith(mark)), "")
        return f"it is {known} and not text" if known else "it holds NUL bytes and is not text"
    if container in TEXT_STARTS:
        return _wrong_start(head, container) or _wrong_end(head, tail, container)
    if container in ZIPPED and head.startswith(ZIP_END):
        return f"it is an empty archive and not {container}"
    if not head.startswith(STARTS[container]):
        return f"it begins with the bytes {head[:8].hex(' ')}, not those of {container}"
    if container in ZIPPED and ZIP_END not in tail:
        return (
            f"it begins as {container} but its end (the central directory) is missing: it was cut"
        )
    if container == "parquet" and not tail.endswith(b"PAR1"):
        return "it begins as parquet but its footer is missing: it was cut"
    return None


def _cut(head: bytes, size: int, container: str) -> str | None:
    """Hold a file to the size that its own head states."""
    stated = 0
    if container == "7z" and len(head) >= 32:
        stated = 32 + sum(int.from_bytes(head[at : at + 8], "little") for at in (12, 20))
    if container == "sqlite" and head[24:28] == head[92:96]:  # else an old library wrote it last
        page, pages = (int.from_bytes(head[at:end], "big") for at, end in ((16, 18), (28, 32)))
        stated = (65_536 if page == 1 else page) * pages
    if size < stated:
        return f"it states {stated:,} bytes and has {size:,}: it was cut"
    return None


def _wrong_start(head: bytes, container: str) -> str | None:
    start = _text(head).lstrip()
    if container not in TEXT_STARTS or start.startswith(TEXT_STARTS[container]):
        return None
    return f"it begins with {start[:20]!r}, not as {container}"


def _wrong_end(head: bytes, tail: bytes, container: str) -> str | None:
    end = _text(tail, head).rstrip()
    if end.endswith(TEXT_ENDS[container]):
        return None
    return f"it begins as {container} but ends with {end[-20:]!r}: it was cut"


def _is_wide(head: bytes, source: Source) -> bool:
    """Tell whether text may hold NUL bytes, by its byte order mark or as it is declared."""
    declared = (getattr(reads, "encoding", None) or "" for reads in source.parts.values())
    return any(_canonical(name).startswith(WIDE) for name in (_encoding(head), *declared))


def _canonical(encoding: str) -> str:
    close = re.sub(r"[^a-z0-9]", "", encoding.lower())
    if spelled := re.match(r"(?:utf|ucs)(16|32|2|4)", close):  # "UTF16LE", "UCS-2"
        return "utf-32" if spelled[1] in ("32", "4") else "utf-16"
    with suppress(LookupError):  # its reader says so
        return codecs.lookup(encoding).name
    return encoding


def _text(piece: bytes, head: bytes = b"") -> str:
    return piece.decode(_encoding(head or piece), errors="replace").lstrip("\ufeff")


def _encoding(head: bytes) -> str:
    return next((encoding for mark, encoding in BOMS.items() if head.startswith(mark)), "utf-8")
