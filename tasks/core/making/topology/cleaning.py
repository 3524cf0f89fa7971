"""Cleaning: a coverage in a staging table cleaned, measured, and written only when all is well."""

from __future__ import annotations

from typing import Any

import shapely

from tasks.core.making.topology.coverage import LEAST_GROUND, TopologyReport
from tasks.core.making.topology.coverage_tables import CoverageTable
from tasks.core.making.topology.differences import Difference, measure, require_small
from tasks.core.making.topology.ground import ground
from tasks.core.making.topology.polygons import PolygonColumn, polygon_column
from tasks.core.making.topology.sweeps import Findings, Sweeper, Widths
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.postgres.database import Database


def clean(
    database: Database,
    schema: str,
    table: str,
    key: str,
    gap_metres: float,
    snap_metres: float,
    tolerance: float,
    tolerance_area: float = 0.0,
    parent: str | None = None,
) -> TopologyReport:
    """Clean the coverage in schema.table and write what changed, as `clean_topology` promises."""
    column = _require_polygons(database, schema, table, gap_metres, snap_metres)
    unit = ground(column.srid)
    widths = Widths(unit.width(gap_metres), unit.width(snap_metres))
    source = CoverageTable(database, schema, table, key, column.srid, widths.gap)
    features, without_geometry = source.require_keys()
    sweeper = Sweeper(source, parent, widths, unit)
    try:
        first, last, method = sweeper.repair()
        difference = measure(sweeper.changes, unit)
    except shapely.GEOSException as error:
        raise CheckFailed(
            f"The coverage {schema}.{table} could not be cleaned, GEOS says: {error}; give a larger"
            " snap_metres."
        ) from None
    require_small(difference, first.overlaps, tolerance, tolerance_area, f"{schema}.{table}")
    if sweeper.changes.after:
        _require_flat(column, schema, table)
        source.write(sweeper.changes)
    return TopologyReport(
        features=features,
        without_geometry=without_geometry,
        method=method,
        gap_metres=gap_metres,
        snap_metres=snap_metres,
        tolerance=tolerance,
        tolerance_area=tolerance_area,
        **_figures(first, last, difference),
    )


def _figures(first: Findings, last: Findings, difference: Difference) -> dict[str, Any]:
    """Return the report's measured fields, from first and last findings and differences."""
    shares = difference.shares
    return {
        "invalid_before": first.invalid,
        "bad_edges_before": first.bad,
        "bad_edges_after": last.bad,
        "overlaps_before": sum(area > LEAST_GROUND for area in first.overlaps.values()),
        "overlap_area_before": sum(first.overlaps.values()),
        "overlap_area_after": sum(last.overlaps.values()),
        "gaps_before": difference.gaps_closed + len(last.gaps),
        "gaps_after": len(last.gaps),
        "gap_area_before": difference.gap_area_closed + sum(last.gaps.values()),
        "gap_area_after": sum(last.gaps.values()),
        "wider_holes": len(last.holes),
        "wider_holes_area": sum(last.holes.values()),
        "total_area_before": last.area - difference.area_gained,
        "total_area_after": last.area,
        "features_changed": len(shares),
        "greatest_change": max(shares.values(), default=0.0),
        "most_changed": max(shares, key=lambda key: shares[key], default=""),
    }


def _require_polygons(
    database: Database, schema: str, table: str, gap_metres: float, snap_metres: float
) -> PolygonColumn:
    if not (gap_metres >= 0 and snap_metres > 0):
        raise ConfigurationError(
            f"gap_metres must be 0 or more and snap_metres more than 0, and they are {gap_metres}"
            f" and {snap_metres}: without snapping GEOS cannot node lines that nearly touch."
        )
    column = polygon_column(database, schema, table)
    if column is None:
        raise ConfigurationError(
            f"The table {schema}.{table} has no geometry column geom: load it with load_geometries"
            " before it is cleaned."
        )
    return column


def _require_flat(column: PolygonColumn, schema: str, table: str) -> None:
    if column.dimensions != 2:
        raise CheckFailed(
            f"The coverage {schema}.{table} has defects and heights, and is cleaned in two"
            " dimensions only: load it with dimension=2."
        )
