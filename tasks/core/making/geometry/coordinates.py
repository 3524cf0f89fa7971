"""CRS and bounds of files held to the declared ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import ProjError

from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError

Bounds = tuple[float, float, float, float]
MARGIN = 0.01
DEGREES = (-180.0, -90.0, 180.0, 90.0)
CONFIDENCE = 70  # the same CRS under another name
STANDARD_PARALLELS = {"8823", "8824"}
CRS_NAMED = 4


def horizontal(crs: CRS) -> CRS:
    """Return the two-dimensional part of a CRS, without height or shift to WGS 84."""
    if crs.is_bound and crs.source_crs:
        return horizontal(crs.source_crs)
    if crs.is_compound:
        return horizontal(crs.sub_crs_list[0])
    return crs.to_2d()


def agree(found: CRS, declared: CRS) -> bool:
    """Tell whether a file's CRS is the declared one, whatever its name, code or order of axes."""
    found = horizontal(found)
    if found.equals(declared, ignore_axis_order=True):
        return True
    code = found.to_epsg(min_confidence=CONFIDENCE)
    return code == declared.to_epsg() if code else _same_parameters(found, declared)


def _same_parameters(found: CRS, declared: CRS) -> bool:
    """Compare projections to a millimetre or two, for a text without a code (Esri's, IGN's)."""
    first, second = _parameters(found), _parameters(declared)
    if first.keys() != second.keys() or not math.isclose(
        first["flattening"], second["flattening"], rel_tol=1e-9
    ):
        # the ellipsoids of WGS 84 and ETRS89 differ by less than their other parameters may
        return False
    return all(
        math.isclose(first[name], second[name], rel_tol=1e-8, abs_tol=1e-9) for name in first
    )


def _parameters(crs: CRS) -> dict[str, float]:
    operation, ellipsoid, meridian = crs.coordinate_operation, crs.ellipsoid, crs.prime_meridian
    parameters = operation.params if operation else []
    values = {
        f"{parameter.code}": float(parameter.value) * parameter.unit_conversion_factor
        for parameter in parameters
    }
    if values.keys() >= STANDARD_PARALLELS:  # two parallels mean the same in either order
        parallels = sorted(values[code] for code in STANDARD_PARALLELS)
        values |= zip(sorted(STANDARD_PARALLELS), parallels, strict=True)
    for index, axis in enumerate(crs.axis_info):
        values[f"axis unit {index}"] = axis.unit_conversion_factor
    values["flattening"] = ellipsoid.inverse_flattening if ellipsoid else math.nan
    if ellipsoid:
        values["ellipsoid"] = ellipsoid.semi_major_metre
    return values | {"meridian": meridian.longitude if meridian else math.nan}


def require_crs(found: CRS | None, reads: Features, where: str, *, assumed: bool = False) -> None:
    """Hold a file's CRS to the declared one; `assumed`: its format means WGS 84 when silent.

    Raises SourceError when they differ, or when the file has none and `crs_missing` does not allow
    it.
    """
    if found is None or found.type_name == "Engineering CRS":
        if not reads.crs_missing:
            raise SourceError(
                f"The CRS EPSG:{reads.crs} was declared and {where} states none: when the"
                " publisher's page confirms it, declare crs_missing=True."
            )
        return
    if not agree(found, CRS.from_epsg(reads.crs)) and not (assumed and reads.crs_missing):
        code = found.to_epsg(min_confidence=CONFIDENCE)
        stated = f"EPSG:{code} ({found.name})" if code else found.name
        remedy = "correct the declared crs or the file's address"
        remedy = "declare crs_missing=True if the file has no crs member" if assumed else remedy
        raise SourceError(
            f"The CRS EPSG:{reads.crs} ({CRS.from_epsg(reads.crs).name}) was declared and {where}"
            f" states {stated}: {remedy}."
        )


def area_of_use(crs: int) -> Bounds | None:
    """Return where a CRS is meant to be used, in its own coordinates; None where nobody says."""
    declared = CRS.from_epsg(crs)
    place = declared.area_of_use
    if place is None or declared.geodetic_crs is None or place.west > place.east:
        return None
    try:
        moved = Transformer.from_crs(declared.geodetic_crs, declared, always_xy=True)
        area = moved.transform_bounds(*place.bounds)
    except ProjError:
        return None
    return area if all(map(math.isfinite, area)) else None


def require_area_of_use(found: Bounds, reads: Features, where: str) -> None:
    """Hold coordinates of a file without CRS to the declared one's area, widened by one percent.

    Degrees are no metres, even where the area of a projection holds its own origin.
    """
    area = area_of_use(reads.crs)
    are_degrees = inside(found, DEGREES) and not CRS.from_epsg(reads.crs).is_geographic
    if area and (are_degrees or not inside(found, area)):
        expected, actual = _written(area), _written(found)
        raise SourceError(
            f"{where} states no CRS, EPSG:{reads.crs} was declared, which is used within"
            f" {expected}, and the coordinates are {actual}: {_diagnosis(found, reads, area)}."
        )


def _written(box: Bounds) -> str:
    return " ".join(f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.0f}" for value in box)


def require_bounds(found: Bounds, reads: Features, where: str) -> None:
    """Hold coordinates to the declared bounds, widened by one percent, or raise SourceError."""
    if reads.bounds and not inside(found, reads.bounds):
        expected, actual = _written(reads.bounds), _written(found)
        raise SourceError(
            f"Coordinates within {expected} were declared for EPSG:{reads.crs} and {where} has"
            f" {actual}: {_diagnosis(found, reads, reads.bounds)}."
        )


def inside(box: Bounds, area: Bounds) -> bool:
    """Tell whether a box lies in an area widened by one percent of its width and height."""
    across, along = (area[2] - area[0]) * MARGIN, (area[3] - area[1]) * MARGIN
    return (
        area[0] - across <= box[0] <= box[2] <= area[2] + across
        and area[1] - along <= box[1] <= box[3] <= area[3] + along
    )


def _diagnosis(found: Bounds, reads: Features, area: Bounds) -> str:
    if inside((found[1], found[0], found[3], found[2]), area):
        return "the two axes look swapped, so ask the publisher or correct the declaration"
    near = _neighbouring_crs(reads.crs)
    fitting = (f"EPSG:{code}" for code in near if _fits(found, code, reads.crs, area))
    if codes := list(islice(fitting, CRS_NAMED)):
        return (
            f"coordinates look like {' or '.join(codes)} but EPSG:{reads.crs} was declared, so"
            " correct the declared crs"
        )
    return "correct the declared bounds, or look whether the file is of another country"


def _fits(found: Bounds, code: int, declared: int, area: Bounds) -> bool:
    try:
        moved = Transformer.from_crs(code, declared, always_xy=True).transform_bounds(*found)
    except ProjError:
        return False
    return all(map(math.isfinite, moved)) and inside(moved, area)


def _neighbouring_crs(declared: int) -> Iterator[int]:
    """Yield the CRS in use nearby, those for the smallest areas first, then worldwide ones."""
    place = CRS.from_epsg(declared).area_of_use
    if place:
        interest = AreaOfInterest(*place.bounds)
        known = query_crs_info("EPSG", PJType.PROJECTED_CRS, area_of_interest=interest)
        areas = sorted(
            (size_of(crs.area_of_use), int(crs.code)) for crs in known if crs.area_of_use
        )
        yield 4326
        yield from (code for _, code in areas if code != declared)
    yield 3857


def size_of(area: Any) -> float:
    """Return the size of an area of use in square degrees."""
    return float((area.north - area.south) * abs(area.east - area.west))
