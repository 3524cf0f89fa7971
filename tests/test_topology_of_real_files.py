"""clean_topology on the publishers' real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import shapely
from fractal_coverage import cleaned
from py7zr import SevenZipFile

from tasks.core.making.topology.polygons import multipolygons
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database


@pytest.mark.real
def test_brussels_and_the_municipalities_of_2011_have_no_defects(
    database: Database, staging: Staging, real_files: Path
) -> None:
    sectors = shapely.from_wkb(
        pyogrio.raw.read(
            real_files / "belgium/sh_statbel_statistical_sectors_31370_20220101_brussels.gpkg",
            columns=[],
        )[2]
    )
    report, _ = cleaned(database, staging, multipolygons(sectors))
    assert (report.features, report.method, report.wider_holes) == (724, "none", 0)
    assert report.total_area_after == pytest.approx(16_242.22e4, rel=1e-6)
    degrees = shapely.from_wkb(
        pyogrio.raw.read(real_files / "belgium/be_admin_munty_2011_wgs84.gpkg.zip", columns=[])[2]
    )
    lambert = pyproj.Transformer.from_crs(4326, 31370, always_xy=True)
    shapes = shapely.transform(
        degrees, lambda points: np.column_stack(lambert.transform(points[:, 0], points[:, 1]))
    )
    report, _ = cleaned(database, staging, multipolygons(shapes))
    assert (report.features, report.method) == (589, "none")
    assert (
        report.wider_holes == 9
    )  # the Dutch parts of Baarle inside Baarle-Hertog, and their likes: kept


@pytest.mark.real
def test_the_invalid_iris_are_repaired_and_a_true_overlap_needs_a_decision(
    database: Database, staging: Staging, real_files: Path, tmp_path: Path
) -> None:
    with SevenZipFile(real_files / "france/contours-iris_2016_59_departements.7z") as archive:
        members = [
            name
            for name in archive.getnames()
            if name.endswith(("_34.geojson", "_45.geojson", "_82.geojson"))
        ]
        archive.extract(tmp_path, members)
    shapes = np.concatenate(
        [
            shapely.from_wkb(pyogrio.raw.read(tmp_path / name, columns=[])[2])
            for name in sorted(members)
        ]
    )
    with pytest.raises(
        CheckFailed, match=r"would change 1 by more: \d+- \(1\.67%\)"
    ):  # 26 hectares claimed by two IRIS
        cleaned(database, staging, multipolygons(shapes), srid=4326)
    report, after = cleaned(database, staging, multipolygons(shapes), srid=4326, tolerance=0.02)
    assert (report.features, report.invalid_before, report.bad_edges_after) == (1261, 3, 0)
    assert report.overlap_area_before == pytest.approx(262_020, rel=0.001)
    assert report.features_changed < 20
    assert shapely.is_valid(after).all()
    assert shapely.coverage_is_valid(after)
