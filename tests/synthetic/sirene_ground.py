"""The ground that establishments stand on: communes, and points whose IRIS is known.

Addresses are drawn from a stock of points made once, so many establishments share a point, as many
share an address in SIRENE.
"""

from __future__ import annotations

import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas
import py7zr
import pyproj
import shapely
from numpy.typing import NDArray
from synthetic import sirene_communes
from synthetic.coverage import Floats, Geometries, Integers

Texts = NDArray[np.str_]
LAYER_FILE = "iris.gpkg"  # since 2025; contours-iris.gpkg before
UNDIVIDED = "0000"
POINTS = 12  # in an IRIS, or fewer where it is thin
ROUNDS = 20
MARGIN = (
    2e-5  # degrees: a point stays in its IRIS when its coordinates are rounded to single precision
)
TERRITORIES = {
    "971": 5490,
    "972": 5490,
    "973": 2972,
    "974": 2975,
    "976": 4471,
    "977": 5490,
    "978": 5490,
}  # prefix of the commune, EPSG code
METROPOLIS = 2154
SPREAD = 0.006  # degrees around the middle of a listed commune
FORMER_COMMUNES = 5


@dataclass(frozen=True)
class Ground:
    """Communes in the order of their codes, and points in them; x and y are metres in the system
    `epsg` of the point's territory.

    former maps each code that is no longer a commune to its name and to the commune it is part of.
    """

    codes: Texts
    names: Texts
    postcodes: Texts
    commune: Integers
    iris: Texts
    longitude: Floats
    latitude: Floats
    x: Floats
    y: Floats
    epsg: Integers
    cumulated: Floats
    former: dict[str, tuple[str, str]]

    @property
    def told(self) -> list[tuple[str, str]]:
        """Code and name of every commune that an establishment is told under, those that are gone
        last.
        """
        gone = [(code, name) for code, (name, _) in self.former.items()]
        return [*zip(self.codes.tolist(), self.names.tolist(), strict=True), *gone]

    def drawn(self, random: np.random.Generator, count: int) -> Integers:
        """Points at random, by weight."""
        return np.searchsorted(
            self.cumulated, random.random(count) * self.cumulated[-1], side="right"
        )


def listed(random: np.random.Generator) -> Ground:
    """The built-in communes; their IRIS have numbers and points, but no shapes."""
    communes = sirene_communes.communes()
    blocks = np.array([commune.blocks for commune in communes])
    of_block = np.repeat(np.arange(len(communes)), blocks)
    rank = np.arange(blocks.sum()) - (np.cumsum(blocks) - blocks)[of_block]
    iris = np.where(
        blocks[of_block] == 1, UNDIVIDED, np.strings.add("0", (101 + rank).astype("U4"))
    )
    commune = np.repeat(of_block, POINTS)
    middles = np.array([(place.longitude, place.latitude) for place in communes])[commune]
    places = middles + random.uniform(-SPREAD, SPREAD, middles.shape)
    weights = np.array([place.thousands / place.blocks for place in communes])[commune]
    codes, names, postcodes = (
        np.array([getattr(place, part) for place in communes])
        for part in ("code", "name", "postcode")
    )
    return _with_metres(
        codes,
        names,
        postcodes,
        commune,
        np.repeat(iris, POINTS),
        places,
        weights,
        sirene_communes.FORMER,
    )


def within(areas: Path | geopandas.GeoDataFrame, random: np.random.Generator) -> Ground:
    """The communes and IRIS of a synthetic France: its folder, its archive, a geometry file, or the
    IRIS themselves (code_iris, code_insee).
    """
    layer = (
        areas if isinstance(areas, geopandas.GeoDataFrame) else read_layer(Path(areas))
    ).to_crs(4326)
    layer = layer.sort_values("code_iris", ignore_index=True)
    of_point, places = _points(shapely.make_valid(layer.geometry.to_numpy()), random)
    codes, first, commune = np.unique(
        layer["code_insee"].to_numpy(dtype=str), return_index=True, return_inverse=True
    )
    names = (
        layer["nom_commune"].to_numpy(dtype=str)[first]
        if "nom_commune" in layer
        else np.strings.add("COMMUNE ", codes)
    )
    names = np.array([_as_insee_writes(name) for name in names.tolist()])
    postcodes = np.array([_postcode(code) for code in codes.tolist()])
    iris = np.strings.slice(layer["code_iris"].to_numpy(dtype=str), 5, 9)
    weights = np.exp(random.normal(0, 0.8, len(layer)))
    former = _former(codes, random)
    return _with_metres(
        codes,
        names,
        postcodes,
        commune[of_point],
        iris[of_point],
        places,
        weights[of_point],
        former,
    )


def read_layer(path: Path) -> geopandas.GeoDataFrame:
    """The IRIS, in degrees, of a file, of an archive with contours-iris.gpkg or iris.gpkg in it, or
    of all such archives of a folder that have the newest day in their names, one a territory.
    """
    if not path.is_dir():
        return _read(path).to_crs(4326)
    found = [
        file
        for file in sorted(path.rglob("*.7z"))
        if any(name.endswith(LAYER_FILE) for name in _members(file))
    ]
    if not found:
        raise ValueError(
            f"The folder {path} was expected to hold a .7z archive with contours-iris.gpkg or"
            " iris.gpkg in it; it holds none."
        )
    day = max(file.stem[-len("2025-01-01") :] for file in found)
    newest = [_read(file).to_crs(4326) for file in found if file.stem.endswith(day)]
    return pandas.concat(newest, ignore_index=True)


def _read(path: Path) -> geopandas.GeoDataFrame:
    if path.suffix != ".7z":
        return geopandas.read_file(path)
    with tempfile.TemporaryDirectory() as folder, py7zr.SevenZipFile(path) as archive:
        name = next(name for name in archive.getnames() if name.endswith(LAYER_FILE))
        archive.extract(folder, targets=[name])
        return geopandas.read_file(Path(folder) / name)


def _members(archive: Path) -> list[str]:
    with py7zr.SevenZipFile(archive) as opened:
        return list(opened.getnames())


def _points(shapes: Geometries, random: np.random.Generator) -> tuple[Integers, Floats]:
    """Points that lie in one shape only and away from its boundary: the position of their shape,
    and degrees.
    """
    boundaries, tree = shapely.boundary(shapes), shapely.STRtree(shapes)
    shapely.prepare(shapes)
    west, south, east, north = shapely.bounds(shapes).T
    missing = np.repeat(np.arange(len(shapes)), POINTS)
    found: list[Integers] = []
    places: list[Floats] = []
    for _ in range(ROUNDS):
        share = random.random((2, len(missing)))
        at = np.column_stack(
            (
                west[missing] + share[0] * (east - west)[missing],
                south[missing] + share[1] * (north - south)[missing],
            )
        )
        fits = shapely.contains_xy(shapes[missing], *at.T)
        points = shapely.points(at[fits])
        fits[fits] = ~shapely.dwithin(points, boundaries[missing[fits]], MARGIN) & _alone(
            tree, points
        )
        found.append(missing[fits])
        places.append(at[fits])
        missing = missing[~fits]
    return np.concatenate(found), np.concatenate(places)


def _alone(tree: shapely.STRtree, points: Geometries) -> NDArray[np.bool_]:
    """Which points have one shape only within the margin: where two overlap, a point would have two
    answers.
    """
    near = np.bincount(
        tree.query(points, predicate="dwithin", distance=MARGIN)[0], minlength=len(points)
    )
    return near == 1


def _with_metres(
    codes: Texts,
    names: Texts,
    postcodes: Texts,
    commune: Integers,
    iris: Texts,
    places: Floats,
    weights: Floats,
    former: dict[str, Any],
) -> Ground:
    epsg = np.array([TERRITORIES.get(code[:3], METROPOLIS) for code in codes.tolist()])[commune]
    metres = np.empty_like(places)
    for system in np.unique(epsg).tolist():
        here = epsg == system
        into = pyproj.Transformer.from_crs(4326, system, always_xy=True)
        metres[here] = np.column_stack(into.transform(*places[here].T))
    return Ground(
        codes,
        names,
        postcodes,
        commune,
        iris,
        *places.T,
        *metres.T,
        epsg,
        np.cumsum(weights),
        former,
    )


def _former(codes: Texts, random: np.random.Generator) -> dict[str, tuple[str, str]]:
    """Codes that no commune has, each of the département of the commune it is said to have become
    part of.
    """
    kept = random.choice(codes, min(FORMER_COMMUNES, len(codes)), replace=False)
    former = {}
    for code in sorted(kept.tolist()):
        digits = 5 - len(_department(code))
        free = (
            f"{_department(code)}{number:0{digits}d}" for number in range(10**digits - 1, 0, -1)
        )
        gone = next(name for name in free if name not in codes and name not in former)
        former[gone] = (f"ANCIENNE COMMUNE {gone}", code)
    return former


def _department(code: str) -> str:
    return code[:3] if code.startswith("97") else code[:2]


def _postcode(code: str) -> str:
    """A made-up postcode that begins as those of the département do; 20 in Corsica."""
    return (
        code
        if code.startswith("97")
        else f"{'20' if code[1] in 'AB' else code[:2]}{int(code[2:]) // 10 * 10:03d}"
    )


def _as_insee_writes(name: str) -> str:
    """Capitals without accents, as in SIRENE."""
    return (
        unicodedata.normalize("NFD", name.upper().replace("Œ", "OE"))
        .encode("ascii", "ignore")
        .decode()
    )
