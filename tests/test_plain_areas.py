"""Areas held to headers and coordinates are what GEOS makes of them; batches and changes of CRS."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Transformer

from tasks.core.making.geometry.crs_changes import change_of_crs
from tasks.core.making.geometry.features import open_layer
from tasks.core.making.geometry.geometry_files import BATCH_BYTES
from tasks.core.making.geometry.plain_areas import plain_areas
from tasks.core.making.geometry.shapes import FeatureCounts, Shaping, geometry_kind
from tasks.core.model.columns import text
from tasks.core.model.declarations import Features
from tasks.core.model.errors import SourceError

Load = Callable[..., FeatureCounts]
READS = Features(columns={"code": text("CODE")}, crs=31370, published_crs=31370)


def box(size: float = 1000, x: float = 150_000, y: float = 170_000) -> Any:
    return shapely.box(x, y, x + size, y + size)


HOLED = box().difference(box(100, 150_400, 170_400)).difference(box(50, 150_700, 170_700))
SEVERAL = shapely.MultiPolygon([HOLED, box(10, 160_000), box(20, 161_000)])
AREAS = [box(), HOLED, SEVERAL, shapely.MultiPolygon([box()])]


def wkb(*geometries: Any, **options: Any) -> pa.Array:
    found = [
        each if isinstance(each, bytes | None) else _wkb(each, **options) for each in geometries
    ]
    return pa.array(found, pa.binary())


def _wkb(geometry: Any, **options: Any) -> bytes:
    return bytes(shapely.to_wkb(geometry, **options))


def polygon(*rings: list[tuple[float, float]], code: int = 3, order: int = 1) -> bytes:
    parts = [struct.pack(f"<I{2 * len(each)}d", len(each), *sum(each, ())) for each in rings]
    return struct.pack("<BII", order, code, len(rings)) + b"".join(parts)


CLOSED = [(150_000.0, 170_000.0), (151_000.0, 170_000.0), (151_000.0, 171_000.0)]
CLOSED += CLOSED[:1]


def test_points_and_rings_of_plain_areas_are_those_of_geos() -> None:
    for shapes in ([each] for each in AREAS):
        found = plain_areas(wkb(*shapes))
        assert found is not None
        assert (found.points == shapely.get_coordinates(shapes)).all()
        rings = shapely.get_rings(shapely.get_parts(shapes))
        sizes = [(end - first) // 16 for first, end in found.rings]
        assert sizes == shapely.get_num_coordinates(rings).tolist()
    sliced = wkb(*AREAS).slice(1, 2)
    found = plain_areas(sliced)
    assert found
    assert (found.points == shapely.get_coordinates(AREAS[1:3])).all()
    assert found.moved(found.points + 5) == wkb(*shapely.transform(AREAS[1:3], lambda xy: xy + 5))


@pytest.mark.parametrize(
    "other",
    [
        None,
        b"",
        polygon(),
        polygon(CLOSED)[:-1],
        polygon(CLOSED)[:7],
        polygon(CLOSED) + b"\0",
        polygon(CLOSED[:3]),
        polygon([*CLOSED[:3], (1.0, 2.0)]),
        polygon([*CLOSED[:3], (float("nan"), 170_000.0)]),
        polygon(CLOSED, CLOSED[:2]),
        polygon(CLOSED, code=6),
        polygon(CLOSED, code=1003),
        polygon(CLOSED, code=3 | 0x20000000),
        polygon(CLOSED, order=0),
        struct.pack("<BII", 1, 3, 2**32 - 1),
        struct.pack("<BIII", 1, 3, 1, 2**32 - 1),
        struct.pack("<BII", 1, 6, 1) * 5000,
        _wkb(box(), byte_order=0),
        _wkb(shapely.force_3d(box())),
        _wkb(shapely.Point(1, 2)),
        _wkb(shapely.LineString(CLOSED)),
        struct.pack("<BII", 1, 6, 2) + polygon(CLOSED) + polygon(),
        struct.pack("<BII", 1, 6, 1) + _wkb(shapely.MultiPolygon([box()])),
        _wkb(shapely.GeometryCollection([box()])),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_geos_looks_at_all_that_is_not_plain(other: bytes | None, place: int) -> None:
    areas = [_wkb(each) for each in AREAS]
    areas.insert(place, other)  # type: ignore[arg-type]
    assert plain_areas(wkb(*areas)) is None
    assert plain_areas(wkb(*AREAS)) is not None


def test_plain_areas_are_shaped_as_geos_shapes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for published in (31370, 3812):
        reads = Features(**{**vars(READS), "published_crs": published})
        for shapes in (AREAS, AREAS[:1]):
            ours = Shaping(reads, "MultiPolygon", "a")
            shaped = ours.shape(wkb(*shapes))
            by_geos = Shaping(reads, "MultiPolygon", "a")
            with monkeypatch.context() as changed:
                changed.setattr("tasks.core.making.geometry.shapes.plain_areas", lambda _: None)
                assert by_geos.shape(wkb(*shapes)) == shaped
                assert geometry_kind(wkb(*shapes), "a") == "MultiPolygon"
            assert geometry_kind(wkb(*shapes), "a") == "MultiPolygon"
            assert ours.figures == by_geos.figures


@pytest.mark.parametrize(
    ("area", "found"),
    [
        (polygon([*CLOSED[:2], (float("inf"), 1.0), CLOSED[0]]), "Finite coordinates"),
        (polygon([*CLOSED[:2], (float("nan"), 1.0), CLOSED[0]]), "Finite coordinates"),
        (_wkb(box(1e9)), "has 150,000 170,000"),
        (polygon(CLOSED[:3]), "feature 6 "),
        (polygon([*CLOSED[:3], (1.0, 2.0)]), "feature 6 "),
    ],
)
def test_what_is_wrong_with_an_area_is_said(area: bytes, found: str) -> None:
    reads = Features(**{**vars(READS), "bounds": (100_000, 100_000, 300_000, 300_000)})
    shaping = Shaping(reads, "MultiPolygon", "a")
    shaping.shape(wkb(*AREAS))
    with pytest.raises(SourceError, match=found):
        shaping.shape(wkb(box(), area))


@pytest.mark.parametrize("count", [0, 1, 7, 5000])
def test_points_are_changed_as_one_by_one(count: int) -> None:
    change, _ = change_of_crs(31370, 3812)
    places = np.random.default_rng(1).integers(100, 120, (count, 2)) * 1000.0
    expected = Transformer.from_crs(31370, 3812, always_xy=True).transform(*places.T)
    found = change(places)
    assert found.shape == (count, 2)
    if count:
        assert np.abs(found - np.column_stack(expected)).max() < 0.01
        each = np.concatenate([change(place[None]) for place in places[:50]])
        assert (found[:50] == each).all()


def test_batches_of_geoparquet_are_sized_by_their_unpacked_bytes(tmp_path: Path) -> None:
    shapes = pa.array([_wkb(shapely.segmentize(box(), 5))] * 2000, pa.binary())
    geo = {"columns": {"g": {"encoding": "WKB", "crs": "EPSG:31370"}}}
    table = pa.table({"CODE": ["a"] * 2000, "g": shapes})
    table = table.replace_schema_metadata({"geo": json.dumps(geo)})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < shapes.nbytes / 3
    with open_layer(str(path), READS) as layer:
        sizes = [batch["geom"].nbytes for batch in layer.batches]
    assert len(sizes) > 1
    assert max(sizes) < 1.1 * BATCH_BYTES
