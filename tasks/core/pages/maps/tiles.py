"""The tiles of a layer of areas, in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from tasks.core.pages.maps.archives import TileArchive
from tasks.core.pages.maps.encoding import encode
from tasks.core.pages.maps.files import keep_file, packed
from tasks.core.pages.maps.ground import Floats, Geometries, degrees, main_view
from tasks.core.pages.maps.rings import Integers, flatten
from tasks.core.pages.maps.tiling import cut_to_tiles
from tasks.core.pages.maps.zooms import deepest, first, simplified


@dataclass(frozen=True)
class Tiled:
    """Tiles of a layer: their file, zooms, what is shown first and what there is, in degrees.

    outlines: the areas as simplified for a picture, in the unit square.
    """

    file: str
    zooms: tuple[int, int]
    view: list[float]
    bounds: list[float]
    outlines: Geometries
    seen: Floats


def tile(shapes: Geometries, folder: Path, scratch: Path, name: str, *, has_coarser: bool) -> Tiled:
    """Cut areas to tiles; shapes: polygons in the unit square, None where there is none.

    At least one has to be there. has_coarser: whether another layer may stand in at first zooms.
    """
    numbers = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    there = shapes[numbers]
    bounds = shapely.bounds(there)
    seen = main_view(bounds)
    last = deepest(there)
    zooms = (first(seen, bounds, last, has_coarser=has_coarser), last)
    whole = np.concatenate([bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)])
    made = scratch / f"{name}.pmtiles"
    outlines = _write(there, numbers, zooms, made, degrees(whole)[0], name)
    drawn = np.full(len(shapes), None, dtype=object)
    drawn[numbers] = outlines
    file = keep_file(folder, name, "pmtiles", made)
    view, limits = degrees(seen)[0].tolist(), degrees(whole)[0].tolist()
    return Tiled(file, zooms, view, limits, drawn, seen)


def _write(
    shapes: Geometries,
    numbers: Integers,
    zooms: tuple[int, int],
    path: Path,
    bounds: Floats,
    name: str,
) -> Geometries:
    """Write all zooms; return the areas as at the second of them, for a picture."""
    tiles: dict[int, list[tuple[int, bytes]]] = {}
    pictured = shapes
    for zoom, outlines in simplified(shapes, zooms):
        rings = flatten(outlines, numbers)
        pictured = outlines if zoom > zooms[0] else pictured
        tiles[zoom] = [
            (number, packed(content))
            for pieces in cut_to_tiles(rings, zoom)
            for number, content in encode(pieces)
        ]
    archive = TileArchive(path)
    for zoom in sorted(tiles):
        archive.add(zoom, tiles.pop(zoom))
    archive.close(zooms, bounds, name)
    return pictured
