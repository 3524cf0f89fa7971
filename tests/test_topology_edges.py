"""Unmatched edges: what of a coverage has to be looked at, and that nothing else has."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
import shapely
from fractal_coverage import cleaned, grid, resized, shaken, spoil

from tasks.core.making.topology import edges
from tasks.core.making.topology.coverage import invalid_edges
from tasks.core.making.topology.edges import unmatched_edges
from tasks.core.making.topology.gaps import find_gaps
from tasks.core.making.topology.repairs import make_valid
from tasks.core.making.topology.threads import ahead, by_lots
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database


def valid(shapes: np.ndarray) -> np.ndarray:
    made = shapes.copy()
    wrong = np.flatnonzero(~shapely.is_valid(made))
    made[wrong] = make_valid(made[wrong])[0]
    return made


def counted(shapes: np.ndarray) -> Counter[tuple[int, complex, complex]]:
    """Unmatched edges by plain counting, with polygons' sides as GEOS orients them."""
    found = []
    for number, shape in enumerate(shapely.orient_polygons(shapes)):
        for ring in shapely.get_rings(shapely.get_parts(shape)):
            points = [complex(*point) + 0.0 for point in shapely.get_coordinates(ring)]
            found += [(number, *pair) for pair in itertools.pairwise(points) if len(set(pair)) > 1]
    places = Counter(frozenset(edge[1:]) for edge in found)
    there = Counter(edge[1:] for edge in found)
    return Counter(
        edge
        for edge in found
        if not (places[frozenset(edge[1:])] == 2 and there[edge[1:]] == there[edge[:0:-1]] == 1)
    )


def awkward() -> np.ndarray:
    """Defects of every kind, an enclave, a duplicate, rings of either direction, points given
    twice, and zeros of either sign.
    """
    shapes = list(valid(spoil(grid(8, 7), 12)))
    hole = shapely.box(40, 40, 60, 60)
    shapes += [shapely.Polygon(shapely.box(0, 0, 100, 100).exterior, [hole.exterior]), hole, hole]
    shapes += [shapely.Polygon([(0, -0.0), (100, -0.0), (100, -50), (100, -50), (0, -50)])]
    made = shapely.multipolygons([shapely.get_parts(shape) for shape in shapes])
    made[::3] = shapely.reverse(made[::3])
    return np.asarray(made, dtype=object)


@pytest.mark.parametrize("hashes", ["as they are", "all alike", "of two values"])
def test_unmatched_edges_are_exact_whatever_the_hashes(
    hashes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = edges._hashes
    if hashes != "as they are":
        last = np.uint64(hashes == "of two values")
        monkeypatch.setattr(
            edges, "_hashes", lambda points: (whole(points) & last) << np.uint64(60)
        )
    monkeypatch.setattr(edges, "STRIP", 400)
    monkeypatch.setattr(edges, "COMPARED", 5)
    shapes = awkward()
    assert len(edges._strips(shapes, shapely.get_num_coordinates(shapes))) > 3
    found = unmatched_edges(shapes)
    assert Counter(
        zip(
            found.owner.tolist(),
            (found.start + 0.0).tolist(),
            (found.end + 0.0).tolist(),
            strict=True,
        )
    ) == counted(shapes)


@pytest.mark.parametrize("width", [0, 500, 1e6])
def test_strips_change_nothing(width: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where an area is as wide as some of them, or as all."""
    shapes = np.append(awkward(), shapely.multipolygons([[shapely.box(0, -9, width + 1, -8)]]))
    whole = unmatched_edges(shapes)
    monkeypatch.setattr(edges, "STRIP", 200)
    found = unmatched_edges(shapes)
    for name, values in vars(whole).items():
        assert np.array_equal(getattr(found, name), values), name


def test_areas_as_wide_as_the_country_are_not_copied_for_each_strip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bars = shapely.box(0, np.arange(90), 1000, np.arange(90) + 1.0)
    shapes = np.concatenate([shapely.multipolygons(bars, indices=np.arange(90)), grid(8, 7)])
    sizes = shapely.get_num_coordinates(shapes)
    monkeypatch.setattr(edges, "STRIP", 50)
    assert (
        sum(sizes[strip.areas].sum() for strip in edges._strips(shapes, sizes)) <= 2 * sizes.sum()
    )


def test_no_edges_at_all_are_none() -> None:
    assert len(unmatched_edges(np.zeros(0, object)).start) == 0
    assert len(unmatched_edges(np.zeros(0, object)).faces()) == 0


def test_a_look_at_suspects_finds_what_a_look_at_everything_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tasks.core.making.topology.coverage.LOOKED_AT", 20)
    for shapes in (valid(spoil(grid(14, 12), 30)), awkward()):
        everything = shapely.coverage_invalid_edges(shapes)
        suspects = np.unique(unmatched_edges(shapes).owner)
        assert shapely.is_empty(np.delete(everything, suspects)).all()
        assert 0 < len(suspects) < len(shapes)
        local = invalid_edges(shapes, unmatched_edges(shapes), suspects)
        bad = shapely.is_empty(local)
        assert (bad == shapely.is_empty(everything[suspects])).all()
        assert 0 < bad.sum() < len(bad)


def test_a_border_between_two_under_a_third_is_not_bad() -> None:
    """Below both lies a layer that is matched in itself: seen without it, an edge looks invalid."""
    upper = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)]
    lower = [shapely.box(-30, 2, 5, 8), shapely.box(5, 2, 15, 8), shapely.box(15, 2, 50, 8)]
    shapes = np.array([shapely.MultiPolygon([shape]) for shape in upper + lower], dtype=object)
    everything = shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    unmatched = unmatched_edges(shapes)
    suspects = np.unique(unmatched.owner)
    local = shapely.is_empty(invalid_edges(shapes, unmatched, suspects))
    assert (local == everything[suspects]).all()


def test_a_gap_goes_to_the_neighbour_with_the_longest_border() -> None:
    shapes = grid(3, 3)
    shapes[4] = resized(shapes[4], -0.3)
    gaps = find_gaps(shapes, unmatched_edges(shapes), np.zeros(0, np.int64), np.ones(9, bool))
    ring = shapely.difference(grid(3, 3)[4], shapes[4])
    assert gaps.heirs.tolist() == [4]
    assert shapely.area(gaps.grounds[0]) == pytest.approx(ring.area)
    assert gaps.narrower(1.0).all()
    assert not gaps.narrower(0.2).any()
    assert not gaps.narrower(0.0).any()
    far = np.arange(9) == 100
    assert not len(find_gaps(shapes, unmatched_edges(shapes), np.zeros(0, np.int64), far))


def test_gaps_that_meet_where_vertices_count_as_one_are_closed_apart(
    database: Database, staging: Staging
) -> None:
    truth = grid(4, 4, segments=32)
    shapes = truth.copy()
    shapes[5], shapes[10] = resized(truth[5], -0.3), resized(truth[10], -0.3)
    # between the two, off by millimetres: the gaps around them are one through the crack
    for seed in range(1, 4):
        shapes[6] = shaken(truth[6], 0.002, seed)
        _, after = cleaned(database, staging, shapes)
        apart = shapely.area(shapely.symmetric_difference(after, truth))
        assert shapely.coverage_is_valid(after)
        assert apart.max() < 10.0  # the ring around one is 1,300 square metres


def test_work_is_shared_out_in_order() -> None:
    shapes = grid(40, 30)
    assert (by_lots(shapely.area, shapes) == shapely.area(shapes)).all()
    assert by_lots(shapely.area, shapes[:0]).tolist() == []
    assert list(ahead(abs, iter(range(-9, 9)))) == [abs(number) for number in range(-9, 9)]
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda number: 1 / number, [1, 0, 2]))
