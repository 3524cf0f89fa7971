"""Zooms at which a layer is drawn, and its areas simplified for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from tasks.core.pages.maps.ground import EXTENT, Floats, Geometries

FULLEST = 10_000  # areas in a tile
TILES = 40_000  # at the deepest zoom, about
DEEPEST = 12  # a unit of the grid is 2.4 m at the equator
SHALLOWEST_DEEPEST = 10
TILES_IN_MEDIAN = 1.4  # by side, of the area in the middle
ERASED = 3.0  # side of what is erased, in units of a tile: below half a pixel of a tile's own zoom


def deepest(shapes: Geometries) -> int:
    """Choose the last zoom that has tiles of its own; the browser enlarges those beyond it."""
    areas = shapely.area(shapes)
    side = float(np.sqrt(np.median(areas))) if len(areas) else 0.0
    wanted = np.log2(TILES_IN_MEDIAN / side) if side else DEEPEST
    zoom = int(np.clip(round(float(wanted)), SHALLOWEST_DEEPEST, DEEPEST))
    while zoom > SHALLOWEST_DEEPEST and areas.sum() * 4**zoom > TILES:
        zoom -= 1
    return zoom


def first(view: Floats, bounds: Floats, deepest_zoom: int, *, has_coarser: bool) -> int:
    """Choose the first zoom: where the view fits, or a coarser layer leaves off.

    view: xmin, ymin, xmax, ymax of what is shown first; bounds: (n, 4) of the areas, both in the
    unit square. With a coarser layer it is the first at which no tile has over 10,000 areas.
    """
    span = max(float((view[2:] - view[:2]).max()), 1e-9)
    zoom = int(np.clip(np.floor(-np.log2(span)) - 1, 0, deepest_zoom))
    if not has_coarser:
        return zoom
    centres = (bounds[:, :2] + bounds[:, 2:]) / 2
    while zoom < deepest_zoom and _fullest(centres, zoom) > FULLEST:
        zoom += 1
    return zoom


def _fullest(centres: Floats, zoom: int) -> int:
    side = 2**zoom
    column, row = np.clip(np.floor(centres * side), 0, side - 1).astype(np.int64).T
    _, counts = np.unique(column * side + row, return_counts=True)
    return int(counts.max(initial=0))


def simplified(shapes: Geometries, zooms: tuple[int, int]) -> Iterator[tuple[int, Geometries]]:
    """Yield the areas for each zoom, the deepest first, edges of neighbours alike.

    At the deepest zoom they are as published; each zoom above is made of the one below, so that no
    work is done twice: what is erased adds up to less than twice its share. A zoom at which few
    edges are short enough to be erased takes the areas as they are.
    """
    low, high = zooms
    yield high, shapes
    short = _short_edge(shapes)
    for zoom in range(high - 1, low - 1, -1):
        erased = ERASED / EXTENT / 2**zoom
        if short < erased:
            shapes = shapely.coverage_simplify(shapes, erased)
        yield zoom, shapes


def _short_edge(shapes: Geometries) -> float:
    """Return the length that a tenth of the edges do not reach."""
    points, shape = shapely.get_coordinates(shapes, return_index=True)
    steps = np.hypot(*np.diff(points, axis=0).T)[shape[1:] == shape[:-1]]
    return float(np.percentile(steps, 10)) if len(steps) else 0.0
