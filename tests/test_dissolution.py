"""Dissolving areas in a stream: groups that span batches, slivers of holes, areas that do not
fit.
"""

from __future__ import annotations

import pyarrow as pa
import pytest
import shapely
from fractal_coverage import grid

from tasks.core.making.topology.dissolution import (
    _dissolved,
    _groups,
    _without_slivers,
)


def test_a_group_may_span_several_batches() -> None:
    shapes = shapely.to_wkb(grid(5, 1))
    batches = [
        pa.record_batch(
            [pa.array(keys), pa.array(shapes[first:last], pa.binary())], names=["key", "geom"]
        )
        for keys, first, last in ((["a", "b"], 0, 2), (["b"], 2, 3), (["b", "c"], 3, 5))
    ]
    assert [(key, len(group)) for key, group in _groups(iter(batches))] == [
        ("a", 1),
        ("b", 3),
        ("c", 1),
    ]
    assert list(_groups(iter([]))) == []


def test_slivers_of_holes_are_closed_and_lakes_stay() -> None:
    holes = [[(2, 2), (8, 2), (8, 2.004)], [(2, 5), (8, 5), (8, 9), (2, 9)]]
    closed, count = _without_slivers(
        shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], holes), 0.01
    )
    assert (count, shapely.area(closed)) == (1, pytest.approx(100 - 24))


def test_areas_that_fit_are_joined_along_edges_and_others_are_overlaid() -> None:
    shapes = grid(3, 3)
    joined = _dissolved("a", shapes, 0.01)
    assert shapely.area(joined.area) == pytest.approx(shapely.area(shapes).sum(), rel=1e-12)
    assert not joined.overlaid
    shapes[4] = shapely.MultiPolygon([shapely.box(*shapely.bounds(shapes[4]))])
    overlaid = _dissolved("a", shapes, 0.01)
    assert (overlaid.overlaid, overlaid.area.geom_type) == (True, "MultiPolygon")
    assert overlaid.area.is_valid
    assert shapely.area(overlaid.area) == pytest.approx(shapely.area(shapely.union_all(shapes)))
