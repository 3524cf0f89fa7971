"""Content codings: an answer that a server packed for the way although identity was asked for."""

from __future__ import annotations

import hashlib
import os
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import brotli
from backports import zstd

from tasks.core.model.declarations import Source
from tasks.core.upstream.answers import Answer
from tasks.core.upstream.bounds import Bounds, OutOfBounds, bounds

PIECE, MOST = 1 << 16, 1 << 20
LARGEST_RATIO, RATIO_FROM = 1100, 64 << 20  # DEFLATE cannot reach this ratio: only a bomb does
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
FAULTS = (zlib.error, brotli.error, zstd.ZstdError, EOFError)


class _Zlib:
    """gzip (also of several members) and deflate, with the frame of zlib or without."""

    def __init__(self, bits: int) -> None:
        self._bits, self._object = bits, zlib.decompressobj(bits)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what packed bytes unpack to, 1 MiB at most at a time."""
        while data:
            if self._object.eof:
                self._object = zlib.decompressobj(self._bits)
            yield self._object.decompress(data, MOST)
            data = self._object.unconsumed_tail or self._object.unused_data.lstrip(b"\0")
        while not self._object.eof and (held := self._object.decompress(b"", MOST)):
            yield held

    def is_whole(self) -> bool:
        """Tell whether the last member has come to its end."""
        return self._object.eof


class _Brotli:
    def __init__(self) -> None:
        self._object = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what packed bytes unpack to, 1 MiB at most at a time."""
        yield self._object.process(data, output_buffer_limit=MOST)
        while held := self._object.process(b"", output_buffer_limit=MOST):
            yield held

    def is_whole(self) -> bool:
        """Tell whether the stream has come to its end."""
        return bool(self._object.is_finished())


class _Zstandard:
    def __init__(self) -> None:
        self._object = zstd.ZstdDecompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what packed bytes unpack to, 1 MiB at most at a time."""
        while data or not (self._object.needs_input or self._object.eof):
            if self._object.eof:
                self._object = zstd.ZstdDecompressor()
            yield self._object.decompress(data, MOST)
            data = self._object.unused_data if self._object.eof else b""

    def is_whole(self) -> bool:
        """Tell whether the last frame has come to its end."""
        return self._object.eof


Unpacking = _Zlib | _Brotli | _Zstandard


def undone(answer: Answer, source: Source, within: Bounds | None = None) -> Answer:
    """Give an answer without the coding that its header states; unchanged where it has none.

    A header that states a coding the bytes do not have is passed over: some servers call a
    compressed file so, and others state what they have not done. Bytes that end within the coding
    are truncated, and more than the bounds allow are refused.
    """
    codings = answer.headers.get("content-encoding", "").lower().split(",")
    for coding in reversed([each.strip() for each in codings]):  # the last was done last
        if answer.kind != "received" or answer.path is None:
            return answer
        answer = _without(coding, answer, source, within or bounds())
    return answer


def _without(coding: str, answer: Answer, source: Source, within: Bounds) -> Answer:
    with Path(str(answer.path)).open("rb") as file:
        unpacking = _unpacking(coding, file.read(16), source)
    return answer if unpacking is None else _unpacked(answer, unpacking(), coding, within)


def _unpacking(coding: str, head: bytes, source: Source) -> Callable[[], Unpacking] | None:
    if coding in ("gzip", "x-gzip") and head.startswith(GZIP) and source.container != "gzip":
        return lambda: _Zlib(31)
    if coding == "zstd" and head.startswith(ZSTD):
        return _Zstandard
    if coding == "br":
        return _Brotli
    if coding == "deflate":
        framed = len(head) > 1 and head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0
        return lambda: _Zlib(15 if framed else -15)
    return None


def _unpacked(answer: Answer, unpacking: Unpacking, coding: str, within: Bounds) -> Answer:
    packed = Path(str(answer.path))
    digest, size, budget = hashlib.sha256(), 0, LARGEST_RATIO * (answer.size or 0) + RATIO_FROM
    part = packed.with_name(f"{uuid.uuid4().hex}.decoded")
    try:
        with packed.open("rb") as file, part.open("wb") as target:
            while data := file.read(PIECE):
                for piece in unpacking.pieces(data):
                    target.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    within.require_size(size)
                    if size > budget:
                        raise EOFError(f"{size:,} bytes are more than any file packs so small")
        if not unpacking.is_whole():
            raise EOFError("the body ends within it")
    except OutOfBounds as error:
        part.unlink(missing_ok=True)
        packed.unlink()
        return Answer(kind="refused", moved_to=answer.moved_to, detail=f"unpacked, {error}")
    except FAULTS as error:
        part.unlink(missing_ok=True)
        if size == 0 and coding in ("br", "deflate"):  # nothing marks their beginning
            return answer
        return replace(answer, kind="truncated", detail=f"its coding {coding}: {error}")
    sha256 = digest.hexdigest()
    received = packed.with_name(f"{sha256}-{uuid.uuid4().hex[:8]}.received")
    os.replace(part, received)
    packed.unlink()
    return replace(answer, path=received, sha256=sha256, size=size, end_is_stated=True)
