"""Error values of an XLS sheet, which its reader swallows.

A formula whose value was never computed cannot be told in XLS: it has the value 0 or an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import iter_unpack, unpack_from
from typing import BinaryIO

from tasks.core.making.tables.sheet_census import Census

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
FORMULA, BOOLERR, BOUNDSHEET, EOF = 0x06, 0x205, 0x85, 0x0A
TOLD = re.compile(rb"\x05\x02\x08\x00.{7}\x01|\x06\x00.{8}\x02.{5}\xff\xff", re.DOTALL)
NO_SECTOR = 0xFFFFFFFA  # and above: marks of an end, or of a free sector


def census_of_xls(file: BinaryIO, sheet: int) -> Census:
    """Take the census of a sheet, by its place among all; nothing in it where nothing is told."""
    census = Census()
    data = file.read()
    if not TOLD.search(data):
        return census
    stream = _stream(data)
    starts = [start for kind, start, _ in _records(stream, 0) if kind == BOUNDSHEET]
    if sheet < len(starts):
        for kind, start, _ in _records(stream, unpack_from("<I", stream, starts[sheet])[0]):
            if kind in {FORMULA, BOOLERR}:
                row, column = unpack_from("<HH", stream, start)
                value = stream[start + 6 : start + 14]
                if kind == BOOLERR and value[1] == 1:
                    census.mark(row, column, ERRORS.get(value[0], "#VALUE!"))
                elif kind == FORMULA and value[0] == 2 and value[6:] == b"\xff\xff":
                    census.mark(row, column, ERRORS.get(value[2], "#VALUE!"))
    return census


def _records(stream: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, start and length of the records of a substream, to its end."""
    while start + 4 <= len(stream):
        kind, length = unpack_from("<HH", stream, start)
        if kind == EOF:
            return
        if start + 4 + length <= len(stream):
            yield kind, start + 4, length
        start += 4 + length


def _stream(data: bytes) -> bytes:
    """Return the workbook's stream out of the OLE document around it; b"" if there is none."""
    size = 1 << unpack_from("<H", data, 30)[0]
    blocks = [block for (block,) in iter_unpack("<I", data[76:512]) if block < NO_SECTOR]
    extended = unpack_from("<I", data, 68)[0]
    for _ in range(unpack_from("<I", data, 72)[0]):
        if extended >= NO_SECTOR:
            break
        *more, extended = (each for (each,) in iter_unpack("<I", _sector(data, extended, size)))
        blocks += [block for block in more if block < NO_SECTOR]
    table = b"".join(_sector(data, block, size) for block in blocks)
    following = [each for (each,) in iter_unpack("<I", table[: len(table) // 4 * 4])]
    folder = _chain(data, unpack_from("<I", data, 48)[0], following, size)
    for start in range(0, len(folder) - 127, 128):
        name = folder[start : start + unpack_from("<H", folder, start + 64)[0]]
        if name.decode("utf-16-le", "replace").rstrip("\0").lower() in {"workbook", "book"}:
            return _chain(data, unpack_from("<I", folder, start + 116)[0], following, size)
    return b""


def _chain(data: bytes, sector: int, following: list[int], size: int) -> bytes:
    sectors: list[bytes] = []
    while sector < len(following) and len(sectors) <= len(following):
        sectors.append(_sector(data, sector, size))
        sector = following[sector]
    return b"".join(sectors)


def _sector(data: bytes, number: int, size: int) -> bytes:
    return data[(number + 1) * size : (number + 2) * size]
