"""Dissolving areas in a stream: groups that span batches, slivers of holes, areas that do not
fit.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from fractal_coverage import grid

from tasks.core.making.topology import dissolution
from tasks.core.making.topology.dissolution import (
    Group,
    _dissolved,
    _groups,
    _lots,
    _without_slivers,
)
from tasks.core.making.topology.polygons import Geometries


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


def test_groups_are_joined_by_lots_as_they_are_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dissolution, "LOT_POINTS", 500)
    shapes = grid(12, 12)
    lake = shapely.box(*shapely.bounds(shapes[70])).buffer(2).difference(shapes[70])
    apart = np.array([shapely.MultiPolygon([lake])], dtype=object)
    groups = [(f"{n:03}", shapes[n : n + 1]) for n in range(100)]
    wider = shapely.multipolygons([[each] for each in shapely.buffer(shapes[100:103], 1)])
    holes = [[(2, 2), (8, 2), (8, 2.004)], [(2, 5), (8, 5), (8, 9), (2, 9)]]
    narrow = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], holes)
    sliver = np.array([shapely.MultiPolygon([narrow])], dtype=object)
    groups += [("100", shapes[100:120]), ("101", wider), ("102", sliver), ("103", shapes[120:])]
    groups += [("104", apart), ("105", sliver), ("106", wider)]
    lots = list(_lots(iter(groups)))
    assert 1 < len(lots) < len(groups)
    assert [key for lot in lots for key, _ in lot] == [key for key, _ in groups]
    points = [sum(shapely.get_num_coordinates(group).sum() for _, group in lot) for lot in lots]
    assert min(points[:-1]) >= 500
    together = [_dissolved(lot, 0.01) for lot in lots]
    alone = [_dissolved([group], 0.01) for group in groups]
    assert shapely.to_wkb(np.concatenate([each.areas for each in together])).tolist() == [
        shapely.to_wkb(each.areas[0]) for each in alone
    ]
    assert [key for each in together for key in each.keys] == [key for key, _ in groups]
    assert sum(each.overlaid for each in together) == sum(each.overlaid for each in alone) == 2
    closed = [sum(each.slivers_closed for each in made) for made in (together, alone)]
    assert closed == [2, 2]


def test_areas_that_fit_are_joined_along_edges_and_others_are_overlaid() -> None:
    shapes = grid(3, 3)
    fitting = grid(3, 1)
    (area, other), overlaid = _areas([("a", shapes.copy()), ("b", fitting)])
    assert shapely.area(area) == pytest.approx(shapely.area(shapes).sum(), rel=1e-12)
    assert overlaid == 0
    shapes[4] = shapely.MultiPolygon([shapely.box(*shapely.bounds(shapes[4]))])
    (area, same), overlaid = _areas([("a", shapes), ("b", fitting)])
    assert (overlaid, area.geom_type, area.is_valid) == (1, "MultiPolygon", True)
    assert shapely.area(area) == pytest.approx(shapely.area(shapely.union_all(shapes)))
    assert shapely.equals_exact(same, other, 0)


def _areas(lot: list[Group]) -> tuple[Geometries, int]:
    joined = _dissolved(lot, 0.01)
    return joined.areas, joined.overlaid
