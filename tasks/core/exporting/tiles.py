"""Vector tiles of a layer in one PMTiles file, as GDAL makes them."""

from __future__ import annotations

import gzip
import json
import math
import struct
from pathlib import Path

import pyarrow as pa

from tasks.core.exporting import gdal_files
from tasks.core.exporting.inscriptions import Inscription

CRS = 3857  # of tiles
WORLD = 40_075_016.7**2  # square metres of the one tile of zoom 0
DEEPEST = 13
AREAS_A_TILE = 10_000  # at most, in the first zoom that is made
BEYOND = "2147483647"  # no tile drops a feature for its size
HEADER = struct.Struct("<7sB11Q")  # magic, version, then offsets and lengths
METADATA_OFFSET, METADATA_LENGTH = 24, 32  # bytes of the header
GZIP = 2  # how the sections inside are packed, at byte 97
PACKED = 97


def write(path: Path, batches: pa.RecordBatchReader, told: Inscription, *, area: float) -> None:
    """Write tiles of a layer whose geometries are in EPSG:3857.

    area: square metres of its extent there. Coordinates are rounded to a 4,096th of a tile, and no
    line is simplified by itself, so that neighbours share their edges at every zoom. The columns
    are attributes: lists as JSON texts, days as texts, exact decimals as doubles.
    """
    first, last = zooms(told.layer.row_count, area)
    options = {"NAME": told.title, "DESCRIPTION": told.layer.description, "TYPE": "overlay"}
    options |= {"MINZOOM": str(first), "MAXZOOM": str(last)}
    options |= {"MAX_SIZE": BEYOND, "MAX_FEATURES": BEYOND}
    gdal_files.write(path, "PMTiles", batches, told, dataset=options)
    _inscribe(path, told)


def zooms(rows: int, area: float) -> tuple[int, int]:
    """Return the first and last zoom for so many areas on so many square metres.

    In the last, an area of mean size is a sixteenth of a tile; in the first, some ten thousand are
    in one.
    """
    areas = max(rows, 1) * WORLD / max(area, 1.0)  # as many as would cover the world
    last = min(max(round(math.log(areas, 4)) - 2, 4), DEEPEST)
    first = max(math.ceil(math.log(areas / AREAS_A_TILE, 4)), 0)
    return min(first, last), last


def _inscribe(path: Path, told: Inscription) -> None:
    """Add attribution and provenance to the metadata of a file, at its end."""
    with path.open("r+b") as file:
        head = file.read(127)
        offset, length = struct.unpack_from("<2Q", head, METADATA_OFFSET)
        file.seek(offset)
        said = json.loads(gzip.decompress(file.read(length)))
        said |= {"attribution": told.attribution, "geodata": told.document}
        new = gzip.compress(json.dumps(said, ensure_ascii=False).encode(), mtime=0)
        placed = file.seek(0, 2)
        file.write(new)
        file.seek(METADATA_OFFSET)
        file.write(struct.pack("<2Q", placed, len(new)))
