"""clean_topology on synthetic coverages with known defects."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from fractal_coverage import (
    cleaned,
    crossed,
    grid,
    moved,
    read,
    repeated,
    resized,
    shaken,
    spoil,
    store,
    stored,
)

from tasks.core.making.topology.cleaning import clean
from tasks.core.making.topology.coverage import Patch, find_defects
from tasks.core.making.topology.ground import ground
from tasks.core.making.topology.repairs import make_valid
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.verbs.coverages import clean_topology


def box(*bounds: float) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.box(*bounds)])


def test_a_clean_coverage_keeps_every_byte(database: Database, staging: Staging) -> None:
    store(database, staging.schema, "areas", grid(6, 5))
    before = stored(database, staging.schema, "areas")
    clean_topology.fn(staging, "areas", "code")
    assert stored(database, staging.schema, "areas") == before
    sentence, figures = database.rows(
        "SELECT sentence, figures FROM catalog.step WHERE dataset = 'testland' AND number = %s",
        staging.edition,
    )[0]
    assert sentence == "Found no defect among 30 features and changed nothing"
    assert figures["method"] == "none"


@pytest.mark.parametrize("shape", ["no row", "no geometry"])
def test_what_is_nothing_is_not_clean(database: Database, staging: Staging, shape: str) -> None:
    store(database, staging.schema, "areas", grid(2, 2))
    with database.session(staging.schema) as cursor:
        emptied = "DELETE FROM areas" if shape == "no row" else "UPDATE areas SET geom = NULL"
        cursor.execute(emptied)
    with pytest.raises(CheckFailed, match="was expected to have areas, and none of its"):
        clean_topology.fn(staging, "areas", "code")


def test_every_kind_of_defect_is_repaired_and_nothing_else_is_touched(
    database: Database, staging: Staging
) -> None:
    perfect = grid(16, 12)
    spoilt = spoil(perfect, 10)
    store(database, staging.schema, "areas", spoilt)
    before = stored(database, staging.schema, "areas")
    clean_topology.fn(staging, "areas", "code")
    after = stored(database, staging.schema, "areas")
    shapes = read(database, staging)
    report = database.value(
        "SELECT report FROM catalog.topology_report WHERE layer = 'areas' AND number = %s",
        staging.edition,
    )

    assert list(after) == list(before)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    defective = [number for number in range(len(perfect)) if spoilt[number] is not perfect[number]]
    near = np.unique(shapely.STRtree(perfect).query(perfect[defective], predicate="intersects")[1])
    further = np.unique(shapely.STRtree(perfect).query(perfect[near], predicate="intersects")[1])
    touched = {number for number, key in enumerate(after) if after[key] != before[key]}
    assert touched <= set(
        further.tolist()
    )  # a spoilt feature makes its neighbours defective, and theirs may share a new vertex
    assert len(touched) == report["features_changed"] < len(perfect) / 2
    rewritten = (
        shapely.equals_identical(*shapely.normalize([spoilt[number], shapes[number]]))
        for number in touched
    )
    assert not any(rewritten)  # the same shape in other bytes is no repair
    assert report["invalid_before"] == 2
    assert (
        report["bad_edges_after"],
        report["overlap_area_after"],
        report["gaps_after"],
        report["gap_area_after"],
    ) == (0, 0, 0, 0)
    assert min(report["bad_edges_before"], report["overlaps_before"], report["gaps_before"]) > 10
    assert report["total_area_after"] == pytest.approx(shapely.area(shapes).sum(), rel=1e-12)
    growth = report["gap_area_before"] - report["overlap_area_before"]
    assert report["total_area_after"] - report["total_area_before"] == pytest.approx(
        growth, abs=1.0
    )
    assert 0 < report["greatest_change"] < 0.01
    assert report["method"] == "clusters"


def test_overlap_and_gap_are_measured_in_square_metres(
    database: Database, staging: Staging
) -> None:
    above = shapely.MultiPolygon(
        [
            shapely.Polygon(
                [(0, 100), (0, 200), (300, 200), (300, 100), (200.8, 100), (200, 100), (100, 100)]
            )
        ]
    )
    row = [box(0, 0, 100, 100), box(99.5, 0, 200, 100), box(200.8, 0, 300, 100)]
    shapes = np.array([*row, above, box(0, -100, 300, 0)], dtype=object)
    report, after = cleaned(database, staging, shapes, tolerance=0.05)
    assert (report.overlaps_before, report.gaps_before) == (1, 1)
    assert report.overlap_area_before == pytest.approx(50.0)
    assert report.gap_area_before == pytest.approx(80.0)
    assert shapely.area(after).sum() == pytest.approx(300 * 300)


def test_a_gap_with_edges_shorter_than_its_width_is_closed(
    database: Database, staging: Staging
) -> None:
    height = np.linspace(0, 100, 201)
    wave = 0.4 * np.sin(height / 100 * np.pi)
    wave[-1] = 0.0
    left = shapely.MultiPolygon([shapely.Polygon([(0, 0), *np.c_[100 - wave, height], (0, 100)])])
    right = shapely.MultiPolygon(
        [shapely.Polygon([(200, 0), (200, 100), *np.c_[100 + wave, height][::-1]])]
    )
    assert shapely.coverage_is_valid(
        [left, right], gap_width=1.0
    )  # GEOS overlooks it, so a count of its edges is not enough
    upper = shapely.Polygon([(0, 100), (100, 100), (200, 100), (200, 150), (0, 150)])
    lower = shapely.Polygon([(0, -50), (0, 0), (100, 0), (200, 0), (200, -50)])
    ends = [shapely.MultiPolygon([upper]), shapely.MultiPolygon([lower])]
    report, after = cleaned(database, staging, np.array([left, right, *ends], dtype=object))
    assert (report.gaps_before, report.gaps_after) == (1, 0)
    assert shapely.area(after).sum() == pytest.approx(200 * 200)


def test_lakes_and_enclaves_stay_and_a_gap_around_an_enclave_is_closed(
    database: Database, staging: Staging
) -> None:
    hole = [shapely.box(*bounds).exterior for bounds in ((10, 10, 20, 20), (40, 40, 60, 60))]
    around = shapely.MultiPolygon([shapely.Polygon(shapely.box(0, 0, 100, 100).exterior, hole)])
    shapes = np.array([around, box(40.3, 40.3, 59.7, 59.7)], dtype=object)
    report, after = cleaned(database, staging, shapes)
    assert (report.gaps_before, report.gaps_after, report.wider_holes, report.wider_holes_area) == (
        1,
        0,
        1,
        pytest.approx(100.0),
    )
    assert shapely.area(after).sum() == pytest.approx(100 * 100 - 100)


def test_bow_ties_and_spikes_become_valid_and_repeated_points_are_no_defect(
    database: Database, staging: Staging
) -> None:
    shapes = grid(5, 5)
    shapes[6], shapes[18] = crossed(shapes[6]), repeated(shapes[18])
    bow_tie = shapely.Polygon([(10, 10), (20, 20), (20, 10), (10, 20)])
    shapes[0] = shapely.MultiPolygon([shapes[0].geoms[0], bow_tie])
    store(database, staging.schema, "areas", shapes)
    before = stored(database, staging.schema, "areas")
    report, after = cleaned(database, staging, shapes)
    assert report.invalid_before == 2
    assert shapely.is_valid(after).all()
    assert after[0].area == pytest.approx(shapes[0].geoms[0].area + 50.0)
    assert stored(database, staging.schema, "areas")["00018-"] == before["00018-"]


def test_a_repair_that_geos_leaves_invalid_is_repaired_again() -> None:
    shapes = grid(160, 25, segments=32, seed=3)
    rings = [shapely.get_coordinates(shape)[:-1] for shape in shapes]
    spiked = [
        np.insert(
            ring,
            6,
            [ring[5] + (ring[30] - ring[5]) * 1e-3, ring[7] + (ring[8] - ring[7]) / 2],
            axis=0,
        )
        for ring in rings
    ]
    wrong = np.array(
        [shapely.MultiPolygon([shapely.Polygon(ring)]) for ring in spiked], dtype=object
    )
    wrong = wrong[~shapely.is_valid(wrong)]
    once = shapely.make_valid(wrong, method="structure", keep_collapsed=False)
    assert not shapely.is_valid(once).all()
    assert all(shapely.is_valid(shapes).all() for shapes in make_valid(wrong))


def test_a_change_beyond_the_tolerance_is_refused_and_nothing_is_written(
    database: Database, staging: Staging
) -> None:
    shapes = np.array(
        [box(0, 0, 100, 100), box(90, 0, 110, 100), box(110, 0, 200, 100)], dtype=object
    )
    store(database, staging.schema, "areas", shapes)
    before = stored(database, staging.schema, "areas")
    with pytest.raises(CheckFailed, match=r"would change 2 by more|would change 1 by more"):
        clean_topology.fn(staging, "areas", "code")
    assert stored(database, staging.schema, "areas") == before
    assert not database.rows(
        "SELECT FROM catalog.topology_report WHERE dataset = 'testland' AND number = %s",
        staging.edition,
    )


def test_a_feature_that_would_vanish_is_named(database: Database, staging: Staging) -> None:
    with pytest.raises(CheckFailed, match=r"1 would vanish.*0000[01]-"):
        cleaned(
            database,
            staging,
            np.array([box(0, 0, 10, 10), box(0, 0, 10, 10)], dtype=object),
            tolerance=1.0,
        )
    flat = shapely.MultiPolygon([shapely.Polygon([(0, 0), (5, 5), (10, 10), (0, 0)])])
    with pytest.raises(CheckFailed, match=r"enclose none: 00000-"):
        cleaned(database, staging, np.array([flat], dtype=object))


def test_rows_without_geometry_stay(database: Database, staging: Staging) -> None:
    shapes = grid(4, 4)
    shapes[5], shapes[10] = None, moved(shapes[10], 0.4)
    report, after = cleaned(database, staging, shapes)
    assert (report.features, report.without_geometry, len(after), after[5]) == (15, 1, 16, None)
    assert report.features_changed > 0


def test_cleaning_parent_by_parent_finds_and_makes_the_same(
    database: Database, staging: Staging
) -> None:
    shapes = spoil(grid(12, 10), 8)
    together, whole = cleaned(database, staging, shapes)
    apart, tiled = cleaned(database, staging, shapes, parent="parent")
    for name in ("invalid_before", "bad_edges_before", "overlaps_before", "gaps_before"):
        assert getattr(apart, name) == getattr(together, name) > 0
    assert apart.overlap_area_before == pytest.approx(together.overlap_area_before)
    assert shapely.coverage_is_valid(tiled)
    assert shapely.area(tiled).sum() == pytest.approx(shapely.area(whole).sum(), abs=1.0)


def test_the_whole_coverage_is_cleaned_where_clusters_leave_bad_edges(
    database: Database, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tasks.core.making.topology.sweeps.SWEEPS", 0
    )  # one round is too few here: a second is needed, which the cheap way is then denied
    report, after = cleaned(database, staging, spoil(grid(8, 8), 5))
    assert report.method == "whole coverage"
    assert shapely.coverage_is_valid(after)
    assert len(after) == 64


def test_widths_in_degrees_are_never_wider_than_asked(database: Database, staging: Staging) -> None:
    degree = 111_320.0
    ring = [
        shapely.box(*bounds)
        for bounds in ((0, 48, 1, 48.1), (0, 48.4, 1, 48.5), (0, 48.1, 0.4, 48.4))
    ]
    narrow, wide = (
        shapely.box(0.4 + metres / (degree * np.cos(np.radians(48.25))), 48.1, 1, 48.4)
        for metres in (0.6, 1.6)
    )
    for last, gaps, holes in ((narrow, 1, 0), (wide, 0, 1)):
        shapes = np.array(
            [shapely.MultiPolygon([shape]) for shape in _noded([*ring, last])], dtype=object
        )
        report, _ = cleaned(database, staging, shapes, srid=4326)
        assert (report.gaps_before, report.wider_holes) == (gaps, holes)
        assert report.total_area_after == pytest.approx(
            degree**2 * np.cos(np.radians(48.25)) * 0.5, rel=0.01
        )


def _noded(shapes: list[shapely.Polygon]) -> np.ndarray:
    """The shapes with the vertices of their neighbours, so that only gaps are wrong."""
    points = shapely.union_all(
        [shapely.multipoints(shapely.get_coordinates(shape)) for shape in shapes]
    )
    return np.array([shapely.snap(shape, points, 1e-12) for shape in shapes], dtype=object)


def test_what_cannot_be_cleaned_is_refused_clearly(database: Database, staging: Staging) -> None:
    store(database, staging.schema, "areas", grid(3, 3))
    with pytest.raises(CheckFailed, match=r"The key parent of .* must be unique and present"):
        clean(database, staging.schema, "areas", "parent", 1.0, 0.01, 0.01)
    with pytest.raises(ConfigurationError, match="snap_metres more than 0"):
        clean(database, staging.schema, "areas", "code", 1.0, 0.0, 0.01)
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE points (code text, geom geometry(Point, 31370)); CREATE TABLE figures"
            " (code text)"
        )
    with pytest.raises(ConfigurationError, match="must be MultiPolygon with an SRID and is POINT"):
        clean(database, staging.schema, "points", "code", 1.0, 0.01, 0.01)
    with pytest.raises(ConfigurationError, match="has no geometry column geom"):
        clean(database, staging.schema, "figures", "code", 1.0, 0.01, 0.01)


def test_ground_that_a_defective_feature_covers_is_no_gap() -> None:
    slot = [(0, 0), (0, 59), (0, 60), (0, 100), (0.5, 100), (0.5, 60), (0.5, 59), (0.5, 0)]
    around = shapely.Polygon(shapely.box(-50, -50, 50, 150).exterior, [slot])
    lower = shapely.Polygon([(0, 0), (0, 59), (0, 60), (0.5, 60), (0.5, 59), (0.5, 0)])
    upper = shapely.Polygon([(0, 59), (0, 60), (0, 100), (0.5, 100), (0.5, 60), (0.5, 59)])
    defects = find_defects(
        Patch(
            np.array(["a", "b", "c"]),
            np.array([around, lower, upper], dtype=object),
            np.ones(3, bool),
        ),
        1.0,
    )
    assert (defects.bad.tolist(), len(defects.gaps), len(defects.holes)) == ([1, 2], 0, 0)


def test_defects_of_neighbours_are_not_counted_as_own() -> None:
    shapes = np.array([resized(shape, 0.0) for shape in grid(3, 1)], dtype=object)
    shapes[2] = shaken(resized(shapes[2], 0.5), 0.001)
    own = np.array([True, False, False])
    assert find_defects(Patch(np.array(["a", "b", "c"]), shapes, own), 1.0).bad.tolist() == []
    assert find_defects(Patch(np.array(["a", "b", "c"]), shapes, ~own), 1.0).bad.tolist() == [1, 2]


def test_a_feature_narrower_than_a_gap_is_not_filled(database: Database, staging: Staging) -> None:
    left = shapely.Polygon(
        [(0, -100), (0, 50), (40, 50), (60, 50), (100, 50), (100, 0), (100, -100)]
    )
    over = shapely.Polygon(
        [(0, 50), (40, 50), (50, 49.5), (60, 50), (100, 50), (100, 100), (100, 200), (0, 200)]
    )
    beside = shapely.Polygon([(100, 0), (100, 50), (100, 100), (200, 100), (200, 0)])
    path = shapely.Polygon([(200, 0), (200, 100), (200.5, 100), (200.5, 0)])
    around = shapely.Polygon(
        [
            (100, 100),
            (100, 200),
            (300, 200),
            (300, -100),
            (100, -100),
            (100, 0),
            (200, 0),
            (200.5, 0),
            (200.5, 100),
            (200, 100),
        ]
    )
    shapes = np.array(
        [shapely.MultiPolygon([shape]) for shape in (left, over, beside, path, around)],
        dtype=object,
    )
    report, after = cleaned(database, staging, shapes)
    assert (report.overlaps_before, report.overlap_area_before, report.gaps_before) == (
        1,
        pytest.approx(5.0),
        0,
    )
    assert after[3].equals(shapes[3])
    assert report.greatest_change < 0.001


def test_heights_are_kept_when_clean_and_refused_when_not(
    database: Database, staging: Staging
) -> None:
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "CREATE TABLE high AS SELECT n::text AS code, ST_Multi(ST_Force3D(ST_MakeEnvelope(n *"
            " 10, 0, n * 10 + 10, 10, 31370)))::geometry(MultiPolygonZ, 31370) AS geom FROM"
            " generate_series(1, 3) AS n"
        )
    assert clean(database, staging.schema, "high", "code", 1.0, 0.01, 0.01).method == "none"
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "UPDATE high SET geom = ST_Multi(ST_Force3D(ST_MakeEnvelope(20, 0, 30.05, 10, 31370)))"
            " WHERE code = '2'"
        )
    with pytest.raises(CheckFailed, match="load it with dimension=2"):
        clean(database, staging.schema, "high", "code", 1.0, 0.01, 0.01)


def test_widths_need_a_crs_with_a_unit() -> None:
    assert ground(2263).width(0.3048006096) == pytest.approx(1.0)  # New York in feet
    assert ground(4326).width(111_320.0) == pytest.approx(1.0)
    with pytest.raises(ConfigurationError, match="SRID 999999 is not one"):
        ground(999999)
    with pytest.raises(ConfigurationError, match="EPSG:4978 is Geocentric"):
        ground(4978)


def test_a_few_square_metres_of_a_small_feature_refuse_no_country(
    database: Database, staging: Staging
) -> None:
    shapes = np.array(
        [box(0, 0, 100, 100), box(99.5, 0, 104, 4), box(104, 0, 200, 100)], dtype=object
    )
    store(database, staging.schema, "areas", shapes)
    with pytest.raises(
        CheckFailed, match=r"may change a feature by 1\.00% of its area or 1\.0 m² at most"
    ) as refused:
        clean_topology.fn(staging, "areas", "code", tolerance_area=1.0)
    assert "00001- (11.11%), 2.0 m² (2.0 m² shared with 00000-)" in str(refused.value)
    clean_topology.fn(staging, "areas", "code")
    assert shapely.coverage_is_valid(read(database, staging))


def test_a_feature_that_changes_by_more_than_half_is_refused_however_small(
    database: Database, staging: Staging
) -> None:
    shapes = np.array([box(0, 0, 100, 100), box(98, 0, 101, 2)], dtype=object)
    with pytest.raises(CheckFailed, match=r"1 by more: 00001- \(66\.67%\), 4\.0 m²"):
        cleaned(database, staging, shapes, tolerance_area=10.0)


def test_a_refusal_tells_of_gaps(database: Database, staging: Staging) -> None:
    hole = shapely.box(40, 40, 60, 60)
    around = shapely.Polygon(shapely.box(0, 0, 100, 100).exterior, [hole.exterior])
    shapes = np.array([shapely.MultiPolygon([around]), box(40.4, 40.4, 59.6, 59.6)], dtype=object)
    with pytest.raises(
        CheckFailed, match=r"0000[01]- \(.*%\), 31\.4 m² \(gaps of 31\.4 m² closed\)"
    ):
        cleaned(database, staging, shapes, tolerance=0.001)
