"""The synthetic shapes are a clean coverage, or have exactly the defects asked for."""

from __future__ import annotations

import pytest
import shapely
from synthetic import country
from synthetic.defects import Defects

DEFECTS = Defects(overlaps=4, gaps=5, crossings=3, lakes=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_defects_every_shared_edge_is_exact(seed: int) -> None:
    made = country.build(40, 1000, Defects(), seed)
    assert shapely.is_valid(made.shapes).all()
    assert shapely.coverage_is_valid(made.shapes)
    assert 60 <= shapely.get_num_coordinates(made.shapes).mean() <= 100
    xmin, ymin, xmax, ymax = shapely.total_bounds(made.shapes)
    assert (xmin >= 22_000, ymin >= 21_200, xmax <= 295_000, ymax <= 244_000) == (True,) * 4
    assert shapely.union_all(made.shapes).geom_type == "Polygon"


def test_defects_are_there_in_the_stated_numbers() -> None:
    made = country.build(12, 120, DEFECTS, 1)
    invalid = ~shapely.is_valid(made.shapes)
    assert invalid.sum() == DEFECTS.crossings
    mended = shapely.make_valid(made.shapes, method="structure")
    whole = shapely.union_all(mended)
    assert isinstance(whole, shapely.Polygon)
    holes = shapely.area([shapely.Polygon(ring) for ring in whole.interiors])
    slivers, lakes = holes[holes < 50_000], holes[holes >= 50_000]
    assert (len(slivers), len(lakes)) == (DEFECTS.gaps, DEFECTS.lakes)
    assert shapely.union_all(made.clean_shapes).area - whole.area == pytest.approx(
        holes.sum(), rel=0.01
    )
    pairs = shapely.STRtree(mended).query(mended, predicate="overlaps").T
    valid_pairs = {tuple(sorted(pair)) for pair in pairs.tolist() if not invalid[pair].any()}
    assert len(valid_pairs) == DEFECTS.overlaps
    for first, second in valid_pairs:
        overlap = shapely.intersection(mended[first], mended[second])
        assert shapely.area(shapely.buffer(overlap, -0.5)) == 0  # nowhere as wide as a metre


def test_no_room_for_so_many_defects_is_said() -> None:
    with pytest.raises(ValueError, match="has room for"):
        country.build(12, 120, Defects(gaps=200), 1)
