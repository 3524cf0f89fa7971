"""A planar coverage of polygons whose shared edges are fractal lines, the same vertices on both
sides.

Cells are Voronoi cells of the sites. Every Voronoi edge becomes one random line, drawn once and
used by both neighbours. A line is a graph over its edge and stays inside the two triangles between
the edge and its two sites: triangles of different edges never overlap, so no two lines can cross
and the coverage is valid by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Geometries = NDArray[Any]

DEPTH = 5  # an edge has at most 2 ** DEPTH segments
FINEST = 2**DEPTH
ROUGHNESS = 0.14  # first displacement, as a share of the edge's length
DECAY = 0.55  # each finer displacement over the one before
WITHIN = 0.8  # share of the triangle's height that a line may reach
SEGMENTS = 13.0  # mean number of segments of an edge


@dataclass(frozen=True)
class Coverage:
    """Polygons in the order of their sites, and where the edges are in their rings.

    Coordinates are metres, rounded to the millimetre. The k-th edge of the coverage's rings belongs
    to the polygon `owner[k]`, begins at the vertex `start[k]` of its ring, has `segments[k]`
    segments and the polygon `neighbour[k]` on its other side (-1: none).
    """

    polygons: Geometries
    sites: Floats
    owner: Integers
    neighbour: Integers
    start: Integers
    segments: Integers


def build(
    inside: Floats,
    outside: Floats,
    bounds: tuple[float, float, float, float],
    random: np.random.Generator,
) -> Coverage:
    """A coverage of one polygon for each site inside; the sites outside only shape its border.

    inside, outside: (n, 2) and (m, 2) metres. bounds: xmin, ymin, xmax, ymax that the coverage is
    enlarged or reduced to.
    """
    inside, cells = _relaxed(inside, outside)
    corner, vertices = _rings(cells)
    here, edge, forward, ends, first, second = _edges(cells, corner)
    lines, depth = _lines(vertices[ends[:, 0]], vertices[ends[:, 1]], inside[first], random)
    lines, sites = _fitted(lines, inside, bounds)
    coordinates, segments = _walk(lines, depth, edge, forward)
    ring = np.repeat(here, segments)
    polygons: Geometries = np.asarray(
        shapely.polygons(shapely.linearrings(coordinates, indices=ring))
    )
    begins = np.concatenate(([0], np.cumsum(segments)[:-1]))
    ring_begins = np.searchsorted(ring, here)
    neighbour = np.where(first[edge] == here, second[edge], first[edge])
    return Coverage(polygons, sites, here, neighbour, begins - ring_begins, segments)


def grid_outside(outline: shapely.Polygon, spacing: float, random: np.random.Generator) -> Floats:
    """Jittered grid points in a belt around an outline, (m, 2) metres."""
    xmin, ymin, xmax, ymax = outline.buffer(4 * spacing).bounds
    x, y = np.meshgrid(np.arange(xmin, xmax, spacing), np.arange(ymin, ymax, spacing))
    points = np.column_stack((x.ravel(), y.ravel()))
    points += random.uniform(-0.3, 0.3, points.shape) * spacing
    belt = shapely.contains_xy(outline.buffer(4 * spacing), points) & ~shapely.contains_xy(
        outline.buffer(0.3 * spacing), points
    )
    return points[belt]


def _relaxed(inside: Floats, outside: Floats) -> tuple[Floats, Geometries]:
    """Sites moved twice to the middle of their cells, so that no cell is a needle, and their
    cells.
    """
    count = len(inside)
    for _ in range(2):
        inside = shapely.get_coordinates(shapely.centroid(_cells(inside, outside)[:count]))
    return inside, _cells(inside, outside)[:count]


def _cells(inside: Floats, outside: Floats) -> Geometries:
    sites = shapely.multipoints(np.concatenate((inside, outside)))
    return shapely.get_parts(shapely.voronoi_polygons(sites, ordered=True))


def _rings(cells: Geometries) -> tuple[Integers, Floats]:
    """For every vertex of every ring its number, and the coordinates by number; equal to a
    centimetre is the same vertex.
    """
    exact = shapely.get_coordinates(shapely.get_exterior_ring(cells))
    hundredths = np.rint(exact * 100).astype(np.int64)
    keys = (hundredths[:, 0] << 32) + (hundredths[:, 1] & 0xFFFFFFFF)
    _, chosen, corner = np.unique(keys, return_index=True, return_inverse=True)
    return corner.astype(np.int64), hundredths[chosen] / 100


def _edges(
    cells: Geometries, corner: Integers
) -> tuple[Integers, Integers, NDArray[np.bool_], Integers, Integers, Integers]:
    """The edges of the rings in order: cell, edge number, direction; and by edge number its two
    ends and the cells beside it (-1: none).
    """
    ring = np.repeat(np.arange(len(cells)), shapely.get_num_coordinates(cells))
    begin, end = corner[:-1], corner[1:]
    # not the jump to the next ring, not an edge shorter than a centimetre
    real = (ring[:-1] == ring[1:]) & (begin != end)
    here, begin, end = ring[:-1][real], begin[real], end[real]
    low, high = np.minimum(begin, end), np.maximum(begin, end)
    _, chosen, edge = np.unique((low << 32) + high, return_index=True, return_inverse=True)
    first = here[chosen]
    second = np.full(len(chosen), -1)
    other = here != first[edge]
    second[edge[other]] = here[other]
    return here, edge, begin == low, np.column_stack((low[chosen], high[chosen])), first, second


def _lines(
    start: Floats, end: Floats, site: Floats, random: np.random.Generator
) -> tuple[Floats, Integers]:
    """A random line for each edge, (n, FINEST + 1, 2), and how finely each is to be used (its
    depth).

    Midpoint displacement across the edge, held below the triangle between the edge and a site. The
    other site is the mirror image of the first, so the limit is the same on both sides.
    """
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    across = np.column_stack((-along[:, 1], along[:, 0])) / length[:, None]
    limit = _limit(along, length, across, site - start)
    height = np.zeros((len(start), FINEST + 1))
    spread = ROUGHNESS * length
    for level in range(1, DEPTH + 1):
        step = FINEST >> level
        middle = np.arange(step, FINEST, 2 * step)
        between = (height[:, middle - step] + height[:, middle + step]) / 2
        displaced = between + random.standard_normal(between.shape) * spread[:, None]
        height[:, middle] = np.clip(displaced, -limit[:, middle], limit[:, middle])
        spread = spread * DECAY
    share = np.linspace(0, 1, FINEST + 1)
    lines = (
        start[:, None, :]
        + share[None, :, None] * along[:, None, :]
        + height[:, :, None] * across[:, None, :]
    )
    lines[:, -1] = end  # the very same numbers as the next edge's beginning
    wanted = np.log2(np.maximum(length / length.mean() * SEGMENTS, 1))
    return lines, np.clip(np.rint(wanted), 1, DEPTH).astype(np.int64)


def _limit(along: Floats, length: Floats, across: Floats, site: Floats) -> Floats:
    """How far a line may leave its edge at each of its points, metres: a concave function, so the
    segments between them obey too.
    """
    share = np.linspace(0, 1, FINEST + 1)[None, :]
    # where the site stands over the edge, 0 to 1 between its ends
    foot = ((site * along).sum(axis=1) / length**2)[:, None]
    height = np.abs((site * across).sum(axis=1))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = np.where(foot > 0, share / foot, np.inf)
        falling = np.where(foot < 1, (1 - share) / (1 - foot), np.inf)
    limit: Floats = WITHIN * height * np.minimum(np.minimum(rising, falling), 1)
    return limit


def _fitted(
    lines: Floats, sites: Floats, bounds: tuple[float, float, float, float]
) -> tuple[Floats, Floats]:
    """Lines and sites enlarged or reduced to fit the bounds, angles kept, and the lines rounded to
    the millimetre.
    """
    low, high = lines.min(axis=(0, 1)), lines.max(axis=(0, 1))
    target_low, target_high = np.array(bounds[:2]), np.array(bounds[2:])
    scale = float(((target_high - target_low) / (high - low)).min())
    return np.round((lines - low) * scale + target_low, 3), (sites - low) * scale + target_low


def _walk(
    lines: Floats, depth: Integers, edge: Integers, forward: NDArray[np.bool_]
) -> tuple[Floats, Integers]:
    """The vertices of all rings one after the other, each edge without its last point, and the
    number taken of each edge.
    """
    segments = 2 ** depth[edge]
    stride = FINEST // segments
    step = np.arange(segments.sum()) - np.repeat(np.cumsum(segments) - segments, segments)
    offset = step * np.repeat(stride, segments)
    column = np.where(np.repeat(forward, segments), offset, FINEST - offset)
    return lines[np.repeat(edge, segments), column], segments
