"""Methods of packing in zip files that Python's zipfile lacks: Deflate64 and Zstandard."""

from __future__ import annotations

import copy
import io
import zipfile
import zlib

import inflate64
from backports import zstd

PIECE = 1 << 14  # packed bytes at a time: one piece unpacks to some megabytes at most


class _Deflate64:
    """Method 9, which Windows Explorer chooses for files beyond 2 GB."""

    holds_back = False

    def __init__(self) -> None:
        self._inflater = inflate64.Inflater()

    @property
    def eof(self) -> bool:
        """Tell whether the last block has been unpacked."""
        return bool(self._inflater.eof)

    def unpack(self, piece: bytes) -> bytes:
        """Give what a piece unpacks to; raise BadZipFile where it is no Deflate64."""
        try:
            return bytes(self._inflater.inflate(piece))
        except ValueError as error:
            raise zipfile.BadZipFile(str(error)) from None


class _Zstandard:
    """Method 93."""

    def __init__(self) -> None:
        self._decompressor = zstd.ZstdDecompressor()

    @property
    def eof(self) -> bool:
        """Tell whether the frame has ended."""
        return self._decompressor.eof

    def unpack(self, piece: bytes) -> bytes:
        """Give at most 1 MiB of what has come so far; raise BadZipFile where it is no Zstandard."""
        try:
            return self._decompressor.decompress(piece, max_length=1 << 20)
        except zstd.ZstdError as error:
            raise zipfile.BadZipFile(str(error)) from None

    @property
    def holds_back(self) -> bool:
        """Tell whether more comes without further packed bytes."""
        return not self._decompressor.needs_input


OWN: dict[int, type[_Deflate64] | type[_Zstandard]] = {9: _Deflate64, 93: _Zstandard}


class Unpacked(io.RawIOBase):
    """The bytes of a member of one of these methods; its checksum and size are compared."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        stored = copy.copy(entry)
        stored.compress_type, stored.file_size = zipfile.ZIP_STORED, entry.compress_size
        del stored.CRC  # that of the unpacked bytes
        self._packed, self._entry = archive.open(stored), entry
        self._method, self._rest = OWN[entry.compress_type](), memoryview(b"")
        self._crc = self._size = 0

    def readable(self) -> bool:
        """Say that it can be read, as io.BufferedReader asks."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as one piece goes; at the end, 0 after comparing CRC and size."""
        while not self._rest and not self._method.eof:
            self._next()
        if not self._rest:
            self._compare()
            return 0
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        """Close the packed member too; the archive stays open."""
        self._packed.close()
        super().close()

    def _next(self) -> None:
        held = self._method.holds_back
        piece = b"" if held else self._packed.read(PIECE)
        if not piece and not held:
            raise EOFError(f"the packed bytes of {self._entry.filename} end too early")
        self._rest = memoryview(self._method.unpack(piece))
        self._crc, self._size = zlib.crc32(self._rest, self._crc), self._size + len(self._rest)

    def _compare(self) -> None:
        stated = (self._entry.CRC, self._entry.file_size)
        if (self._crc, self._size) != stated:
            raise zipfile.BadZipFile(
                f"Bad CRC-32 or size of {self._entry.filename!r}: {stated[1]:,} bytes are stated,"
                f" {self._size:,} were read"
            )
