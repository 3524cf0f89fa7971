"""The topology of areas: valid geometries that cover the ground without overlaps or gaps."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tasks.core.catalog.provenance import record_topology
from tasks.core.model.handles import Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import recording, warn

if TYPE_CHECKING:
    from tasks.core.making.topology.coverage import TopologyReport


@verb("clean topology {table}", DATABASE)
def clean_topology(
    staging: Staging,
    table: str,
    key: str,
    gap_metres: float = 1.0,
    snap_metres: float = 0.01,
    tolerance: float = 0.01,
    tolerance_area: float = 10.0,
    parent: str | None = None,
) -> Staging:
    """Make areas valid, without overlaps or narrow gaps, with shared edges the same on both sides.

    The table has a unique `key` and MultiPolygons in `geom`. Only features that were defective or
    neighbour a defective one change, none is lost or renamed, rows without geometry stay, and holes
    wider than gap_metres (lakes, enclaves) are kept and reported. snap_metres: how near vertices
    must be to count as one. tolerance and tolerance_area: the most a feature may change, as a share
    of its own area or in square metres. One that changes by more than both is refused, or by more
    than half: a few square metres of a small feature refuse no country. In a geographic CRS widths
    are taken along the meridian (1 degree = 111,320 m), never wider than asked. parent: a column
    (such as the municipality) by which a coverage too large for memory is read, one value at a
    time.

    Counts, areas in square metres and changes go to the catalog as a TopologyReport. Returns the
    staging. Raises CheckFailed, and writes nothing, when a feature would vanish or change beyond
    both tolerances, or when bad edges are left.
    """
    from tasks.core.making.topology.cleaning import clean

    with recording(staging, "clean_topology", table) as step:
        widths, tolerances = (gap_metres, snap_metres), (tolerance, tolerance_area)
        report = clean(site().database, staging.schema, table, key, *widths, *tolerances, parent)
        record_topology(site().database, staging, table, report)
        step.done(_sentence(report), rows=report.features, **asdict(report))
    if report.gaps_after:
        warn(
            f"{report.gaps_after:,} gaps of {table} ({report.gap_area_after:,.1f} m²) could not be"
            " closed."
        )
    return staging


def _sentence(report: TopologyReport) -> str:
    if report.method == "none":
        return f"Found no defect among {report.features:,} features and changed nothing"
    gaps = report.gaps_before - report.gaps_after
    gap_area = report.gap_area_before - report.gap_area_after
    return (
        f"Cleaned {report.features_changed:,} of {report.features:,} features:"
        f" {report.invalid_before:,} invalid, {report.overlaps_before:,} overlaps"
        f" ({report.overlap_area_before:,.1f} m²), {gaps:,} gaps ({gap_area:,.1f} m²); the greatest"
        f" change is {report.greatest_change:.2%} of {report.most_changed}"
    )
