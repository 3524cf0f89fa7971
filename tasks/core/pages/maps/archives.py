"""PMTiles, version 3: all tiles of a map in one file, the same bytes for the same tiles."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from tasks.core.pages.maps.encoding import LAYER
from tasks.core.pages.maps.ground import Floats

MILLIONTHS = 10_000_000


class TileArchive:
    """A file of tiles under way: zooms in rising order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stream = open(path, "wb")  # noqa: SIM115
        self.writer = Writer(self.stream)

    def add(self, zoom: int, tiles: Iterable[tuple[int, bytes]]) -> None:
        """Add the packed tiles of a zoom, in any order."""
        side = 2**zoom
        ordered = [(zxy_to_tileid(zoom, *divmod(number, side)), tile) for number, tile in tiles]
        for identity, tile in sorted(ordered):
            self.writer.write_tile(identity, tile)

    def close(self, zooms: tuple[int, int], bounds: Floats, name: str) -> None:
        """Write the directory; bounds: west, south, east, north in degrees."""
        west, south, east, north = (round(float(each) * MILLIONTHS) for each in bounds)
        header: dict[str, Any] = {
            "tile_type": TileType.MVT,
            "tile_compression": Compression.GZIP,
            "min_zoom": zooms[0],
            "max_zoom": zooms[1],
            **{"min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north},
            "center_zoom": zooms[0],
            "center_lon_e7": (west + east) // 2,
            "center_lat_e7": (south + north) // 2,
        }
        layer = {"id": LAYER, "fields": {}, "minzoom": zooms[0], "maxzoom": zooms[1]}
        metadata = {"name": name, "type": "overlay", "vector_layers": [layer]}
        self.writer.finalize(header, metadata)
        self.stream.close()
