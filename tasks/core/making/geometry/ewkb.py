"""Geometries as PostGIS receives them: WKB with the SRID in its header, single parts made multi."""

from __future__ import annotations

import struct

import pyarrow as pa
import pyarrow.compute as pc

HAS_SRID = 0x20000000
HEADER = 5  # one byte of byte order, four of type
END = 2**31 - 1  # of any value: without an end, pyarrow 26 fails on batches without a null


def ewkb(wkb: pa.Array, srid: int, *, promoted: bool) -> pa.Array:
    """Give little-endian ISO WKB (2D or 3D) an SRID; `promoted` makes single parts multi.

    Only headers are written: the coordinates are copied as they are, which costs a tenth of writing
    geometries anew.
    """
    heads = pc.binary_slice(wkb, 0, HEADER).dictionary_encode()
    kinds = [struct.unpack("<I", head[1:])[0] for head in heads.dictionary.to_pylist()]
    wrapped = [promoted and kind % 1000 in (1, 2, 3) for kind in kinds]
    starts = [_prefix(kind, srid, wrap) for kind, wrap in zip(kinds, wrapped, strict=True)]
    prefixes = pa.array(starts, pa.binary()).take(heads.indices)
    bodies = pc.binary_slice(wkb, HEADER, END)
    if any(wrapped):
        bodies = pc.if_else(pa.array(wrapped).take(heads.indices), wkb, bodies)
    return pc.binary_join_element_wise(prefixes, bodies, pa.scalar(b"", pa.binary()))


def _prefix(kind: int, srid: int, wrap: bool) -> bytes:
    """Return the header before a geometry's own bytes; a single part is wrapped as a multi's."""
    if wrap:
        return struct.pack("<BIII", 1, (kind + 3) | HAS_SRID, srid, 1)
    return struct.pack("<BII", 1, kind | HAS_SRID, srid)


def is_plain(wkb: pa.Array, dimension: int) -> bool:
    """Tell whether all geometries are little-endian ISO WKB of this dimension, no collections."""
    allowed = range(1, 7) if dimension == 2 else range(1001, 1007)
    heads = pc.binary_slice(wkb, 0, HEADER).unique().drop_null().to_pylist()
    return all(
        len(head) == HEADER and head[0] == 1 and struct.unpack("<I", head[1:])[0] in allowed
        for head in heads
    )
