"""Geometries made fit for one typed PostGIS column: one family, one dimension, one CRS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from tasks.core.making.geometry.coordinates import require_area_of_use, require_bounds
from tasks.core.making.geometry.crs_changes import Points, change_of_crs
from tasks.core.making.geometry.ewkb import ewkb, is_plain
from tasks.core.making.geometry.json_coordinates import count_lists
from tasks.core.making.geometry.plain_areas import plain_areas
from tasks.core.making.geometry.remarks import Remarks
from tasks.core.making.geometry.rings import without_flat_rings
from tasks.core.making.markers import Reasons
from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError

Geometries = npt.NDArray[np.object_]
Change = Callable[[Points], Points]
SINGLE = ("Point", "LineString", "LinearRing", "Polygon")
NAMES = (*SINGLE, "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
LINE = "LineString"
FAMILIES = dict(enumerate(("Point", LINE, LINE, "Polygon", "Point", LINE, "Polygon")))
MULTI: dict[str, Callable[..., Any]] = {
    "Point": shapely.multipoints,
    "LineString": shapely.multilinestrings,
    "Polygon": shapely.multipolygons,
}
COLLECTION = 7


@dataclass
class FeatureCounts:
    """Counts of features and of what is missing or was changed in them; the change of CRS.

    lists_in_json: those that GeoJSON writes the geometries with, counted for it only.
    """

    features: int = 0
    without_geometry: int = 0
    from_collections: int = 0
    without_ground: int = 0
    lists_in_json: int = 0
    change_of_crs: str = ""
    remarks: Remarks = field(default_factory=Remarks)
    reasons: Reasons = field(default_factory=Reasons)


def geometry_kind(wkb: pa.Array, where: str) -> str | None:
    """Return the column type these geometries need (Point or a Multi); None without geometries.

    Raises SourceError when areas, lines and points are mixed.
    """
    if plain_areas(wkb):
        return "MultiPolygon"
    geometries = parse(wkb, where, 0)
    present = geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))]
    parts = shapely.get_parts(present)
    while (shapely.get_type_id(parts) == COLLECTION).any():
        parts = shapely.get_parts(parts)
    families = sorted({FAMILIES[kind] for kind in shapely.get_type_id(parts)})
    if len(families) > 1:
        mixture = " and ".join(families)
        raise SourceError(
            f"Geometries of one kind were expected in {where} and it mixes {mixture}: declare"
            " another layer or split it."
        )
    if not families:
        return None
    several = families != ["Point"] or (shapely.get_num_geometries(present) > 1).any()
    return f"Multi{families[0]}" if several else families[0]


def parse(wkb: pa.Array, where: str, before: int) -> Geometries:
    """Parse a batch of WKB; `before` is the number of features before it, to name a broken one."""
    texts = wkb.to_numpy(zero_copy_only=False)
    try:
        return np.asarray(shapely.from_wkb(texts), dtype=object)
    except (shapely.errors.GEOSException, NotImplementedError):
        for number, text in enumerate(texts, before + 1):
            try:
                shapely.from_wkb(text)
            except (shapely.errors.GEOSException, NotImplementedError) as error:
                raise SourceError(
                    f"The geometry of feature {number:,} of {where} cannot be read ({error}): tell"
                    " the publisher."
                ) from None
        raise


@dataclass
class Shaping:
    """Makes batches of WKB into EWKB of `kind` in the published CRS, and counts."""

    reads: Features
    kind: str
    where: str
    states_crs: bool = True
    is_json: bool = False
    figures: FeatureCounts = field(default_factory=FeatureCounts)
    change: Change | None = None

    def __post_init__(self) -> None:
        if self.reads.crs != self.reads.published_crs:
            found = change_of_crs(self.reads.crs, self.reads.published_crs)
            self.change, self.figures.change_of_crs = found

    def shape(self, wkb: pa.Array) -> pa.Array:
        """Shape one batch of geometries; null and empty ones become null and are counted."""
        may_be_plain = self.kind == "MultiPolygon" and self.reads.dimension == 2
        if may_be_plain and not self.is_json and (areas := plain_areas(wkb)):
            points = self._moved(areas.points)
            shaped = areas.moved(points) if self.change else wkb
            self.figures.features += len(wkb)
        else:
            shaped = self._shaped_by_geos(wkb)
        return ewkb(shaped, self.reads.published_crs, promoted=self.kind.startswith("Multi"))

    def _shaped_by_geos(self, wkb: pa.Array) -> pa.Array:
        geometries = parse(wkb, self.where, self.figures.features)
        self.figures.lists_in_json += count_lists(geometries) if self.is_json else 0
        absent = shapely.is_missing(geometries) | shapely.is_empty(geometries)
        geometries[absent] = None
        dimension = self.reads.dimension
        kept = is_plain(wkb, dimension)
        geometries = self._of_one_family(geometries)
        geometries, flat = without_flat_rings(geometries, self.where, self.figures.features)
        self.figures.without_ground += flat
        kept = kept and not flat
        self._require_dimension(geometries, absent)
        points = shapely.get_coordinates(geometries, include_z=dimension == 3)
        moved = self._moved(points)
        if self.change:
            geometries = shapely.set_coordinates(geometries, moved)
        if not kept or self.change:
            anew = shapely.to_wkb(
                geometries, output_dimension=dimension, byte_order=1, flavor="iso"
            )
            wkb = pa.array(anew, pa.binary())
        elif absent.any():
            wkb = pc.if_else(pa.array(absent), pa.scalar(None, pa.binary()), wkb)
        self.figures.features += len(wkb)
        self.figures.without_geometry += int(absent.sum())
        return wkb

    def _of_one_family(self, geometries: Geometries) -> Geometries:
        """Open collections; raise SourceError for a geometry of another family."""
        family = self.kind.removeprefix("Multi")
        for index in np.flatnonzero(shapely.get_type_id(geometries) == COLLECTION):
            parts = _leaves(geometries[index])
            if all(FAMILIES[shapely.get_type_id(part)] == family for part in parts):
                geometries[index] = MULTI[family](parts)
                self.figures.from_collections += 1
        kinds = shapely.get_type_id(geometries)
        fitting = [kind for kind, name in FAMILIES.items() if name == family]
        allowed = [kind for kind in fitting if kind < 4 or self.kind != "Point"]
        if (strange := np.flatnonzero((kinds >= 0) & ~np.isin(kinds, allowed))).size:
            number, name = self.figures.features + int(strange[0]) + 1, NAMES[kinds[strange[0]]]
            raise SourceError(
                f"Only {self.kind} was expected in {self.where} and feature {number:,} is a {name}:"
                " declare another layer or split it."
            )
        return geometries

    def _require_dimension(self, geometries: Geometries, absent: npt.NDArray[np.bool_]) -> None:
        flat = np.flatnonzero(~shapely.has_z(geometries) & ~absent)
        if self.reads.dimension == 3 and flat.size:
            number = self.figures.features + int(flat[0]) + 1
            raise SourceError(
                f"Heights (dimension=3) were declared for {self.where} and feature {number:,} has"
                " none: declare dimension=2."
            )

    def _moved(self, points: Points) -> Points:
        """Move points to the published CRS; raise SourceError beyond the bounds before."""
        if not len(points):
            return points
        if not np.isfinite(points.sum()):
            raise SourceError(
                f"Finite coordinates were expected in {self.where} and some are infinite or not a"
                " number: report it to the publisher."
            )
        (west, east), (south, north) = ((float(c.min()), float(c.max())) for c in points.T[:2])
        require_bounds((west, south, east, north), self.reads, self.where)
        if not (self.states_crs or self.reads.bounds):
            require_area_of_use((west, south, east, north), self.reads, self.where)
        if self.change is None:
            return points
        points[:, :2] = self.change(points[:, :2])
        if not np.isfinite(points.sum()):
            codes = f"EPSG:{self.reads.crs} to EPSG:{self.reads.published_crs}"
            raise SourceError(
                f"Some coordinates of {self.where} cannot be changed from {codes}: correct the"
                " declared crs or bounds."
            )
        return points


def _leaves(geometry: Any) -> list[Any]:
    """Return the single parts of a collection and of those in it; empty ones are left out."""
    leaves: list[Any] = []
    for part in shapely.get_parts(geometry):
        if not part.is_empty:
            leaves += [part] if part.geom_type in SINGLE else _leaves(part)
    return leaves
