"""Where the IRIS of a made-up France lie: the territories with their projections and outlines, and
a site for each IRIS near its commune's seat.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer
from synthetic import coverage
from synthetic import france_places as places
from synthetic.coverage import Floats, Integers
from synthetic.france_places import Commune

MAINLAND = "LAMB93_FXX"
NOT_OVERSEAS = tuple(code for code in places.departments() if not code.startswith("97"))
TERRITORIES: tuple[
    tuple[str, int, tuple[str, ...]], ...
] = (  # as IGN names projection and territory, EPSG, how commune codes begin
    (MAINLAND, 2154, NOT_OVERSEAS),
    ("RGAF09UTM20_GLP", 5490, ("971",)),
    ("RGAF09UTM20_MTQ", 5490, ("972",)),
    ("UTM22RGFG95_GUF", 2972, ("973",)),
    ("RGR92UTM40S_REU", 2975, ("974",)),
    ("RGM04UTM38S_MYT", 4471, ("976",)),
)
HOLLOW = 0.06  # how far the outline follows the seats: 0 closely, 1 not at all
# metres from the outermost seats to the border, in metropolitan France and overseas
SHORE = (7_000.0, 2_500.0)
REACH = 0.45  # how far the IRIS of a commune scatter, in distances to the nearest seat
AROUND = 9_000.0  # metres that a made-up commune lies away from a listed one
TRIES = 400


def surroundings(
    territory: str, communes: int, random: np.random.Generator
) -> tuple[Floats, tuple[float, float, float, float]]:
    """Sites outside a territory that shape its border, and the bounds it is to fill, in metres."""
    land = outline(territory)
    spacing = float(np.sqrt(land.area / max(communes, 4)))
    xmin, ymin, xmax, ymax = land.bounds
    return coverage.grid_outside(land, spacing, random), (xmin, ymin, xmax, ymax)


def sites(
    territory: str, communes: Sequence[Commune], shares: Integers, random: np.random.Generator
) -> Floats:
    """A site for each IRIS, (n, 2) metres: the seat where a commune has one, otherwise scattered,
    nearer to its own seat than to any other.
    """
    seats = _seats(territory, communes, random)
    home = np.repeat(np.arange(len(communes)), shares)
    made = seats[home]
    tree = shapely.STRtree(shapely.points(seats))
    reach = _nearest(seats) * REACH
    missing = np.flatnonzero(shares[home] > 1)
    land = outline(territory)
    for _ in range(TRIES):
        if not len(missing):
            return made
        tries = (
            seats[home[missing]]
            + random.standard_normal((len(missing), 2)) * reach[home[missing], None]
        )
        good = (tree.nearest(shapely.points(tries)) == home[missing]) & shapely.contains_xy(
            land, tries
        )
        made[missing[good]] = tries[good]
        missing = missing[~good]
    raise RuntimeError("Some IRIS found no room near the seat of their commune: ask for fewer.")


@cache
def outline(territory: str) -> Any:
    """The land of a territory in metres, drawn around the seats of its listed communes."""
    seats = _listed(territory)
    if territory != MAINLAND:
        return shapely.concave_hull(shapely.multipoints(seats), ratio=0.4).buffer(SHORE[1])
    corsica = seats[:, 0] > 1_150_000  # west of it lies the mainland
    corsica &= seats[:, 1] < 6_250_000
    parts = [
        shapely.concave_hull(shapely.multipoints(seats[part]), ratio=HOLLOW).buffer(SHORE[0])
        for part in (~corsica, corsica)
    ]
    return shapely.union_all(parts)


def _listed(territory: str) -> Floats:
    starts = next(starts for name, _, starts in TERRITORIES if name == territory)
    return _metres(
        territory,
        [
            commune.seat
            for commune in places.listed()
            if commune.seat and commune.code.startswith(starts)
        ],
    )


def _seats(territory: str, communes: Sequence[Commune], random: np.random.Generator) -> Floats:
    """The seats of communes in metres; made-up ones lie anywhere around the listed commune they are
    near to, inside the outline.
    """
    seat = {commune.code: commune.seat for commune in places.listed()}
    seats = _metres(
        territory, [commune.seat or seat[commune.near] or (0.0, 0.0) for commune in communes]
    )
    missing = np.flatnonzero([commune.seat is None for commune in communes])
    centres, away = seats.copy(), AROUND
    while len(missing):
        tries = centres[missing] + random.standard_normal((len(missing), 2)) * away
        good = shapely.contains_xy(outline(territory), tries)
        seats[missing[good]] = tries[good]
        missing = missing[~good]
    return seats


def _metres(territory: str, seats: Sequence[tuple[float, float]]) -> Floats:
    epsg = next(epsg for name, epsg, _ in TERRITORIES if name == territory)
    longitude, latitude = np.array(seats, dtype=float).T
    return np.column_stack(
        Transformer.from_crs(4326, epsg, always_xy=True).transform(longitude, latitude)
    )


def _nearest(seats: Floats) -> Floats:
    """The distance from each seat to the nearest other one; ten kilometres where there is none."""
    if len(seats) < 2:
        return np.full(len(seats), 10_000.0)
    points = shapely.points(seats)
    found, distance = shapely.STRtree(points).query_nearest(
        points, exclusive=True, return_distance=True, all_matches=False
    )
    nearest = np.full(len(seats), 10_000.0)
    nearest[found[0]] = distance
    return nearest
