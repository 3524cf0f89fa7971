"""Where and when data are: extents in degrees, and days, as DCAT-AP says them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tasks.core.pages.twins.vocabularies import typed

FINEST = 1000  # parts of a degree to which extents are widened


def period(originals: Sequence[Any]) -> dict[str, Any] | None:
    """Return the days that originals refer to, from the first to the last."""
    days = sorted(each.day for each in originals)
    if not days:
        return None
    ends = {"dcat:startDate": days[0], "dcat:endDate": days[-1]}
    return {
        "@type": "dct:PeriodOfTime",
        **{name: typed(day.isoformat(), "xsd:date") for name, day in ends.items()},
    }


def extent(layer: Any) -> list[dict[str, Any]]:
    if layer.west is None:
        return []
    west, south, east, north = outward(layer.west, layer.south, layer.east, layer.north)
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    ring = ", ".join(f"{x:g} {y:g}" for x, y in corners)
    bbox = typed(f"POLYGON(({ring}))", "geosparql:wktLiteral")
    return [{"@type": "dct:Location", "dcat:bbox": bbox}]


def outward(
    west: float, south: float, east: float, north: float
) -> tuple[float, float, float, float]:
    """Round a rectangle in degrees so that nothing of it is outside, nor of the Earth inside."""
    return (
        max(-180.0, math.floor(west * FINEST) / FINEST),
        max(-90.0, math.floor(south * FINEST) / FINEST),
        min(180.0, math.ceil(east * FINEST) / FINEST),
        min(90.0, math.ceil(north * FINEST) / FINEST),
    )
