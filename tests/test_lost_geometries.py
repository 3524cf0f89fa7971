"""Geometries a reader makes nothing of, and texts that it cuts: refused, or told as they are."""

from __future__ import annotations

import sqlite3
import struct
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely

sys.path.insert(0, str(Path(__file__).parent))

import layer_formats as formats

from tasks.core.making.geometry.shapes import FeatureCounts
from tasks.core.model.declarations import Features, text
from tasks.core.model.errors import Damaged, SourceError

Load = Callable[..., FeatureCounts]
Rows = Callable[[str], list[tuple[Any, ...]]]
SQUARES = [shapely.box(150_000 + each, 170_000, 151_000 + each, 171_000) for each in range(3)]
READS = Features(columns={"code": text("CODE")}, crs=31370, published_crs=31370)
RING = [[150_000, 170_000], [151_000, 170_000], [151_000, 171_000], [150_000, 170_000]]


# databases


def database(
    folder: Path, statement: str, *values: Any, driver: str = "GPKG", **options: Any
) -> Path:
    """Three areas in a database, changed by a statement past its triggers."""
    path = folder / {"GPKG": "a.gpkg", "SQLite": "a.sqlite"}[driver]
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(np.array(SQUARES)),
        [np.array(["a", "b", "c"], object)],
        ["CODE"],
        geometry_type="Polygon",
        crs="EPSG:31370",
        driver=driver,
        layer="areas",
        **options,
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'areas'"
        for (name,) in connection.execute(named).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(statement, values)
    return path


@pytest.mark.parametrize("driver", ["GPKG", "SQLite"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("value", ["a\0b", "b\0", "\0", "é\0é", "\0\0"])
def test_text_with_a_nul_in_a_database_is_refused(
    value: str, packed: bool, driver: str, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, "UPDATE areas SET CODE = ? WHERE CODE = 'b'", value, driver=driver)
    with pytest.raises(SourceError, match="without a NUL character"):
        into(formats.zipped(path) if packed else path, READS)


def header(srs: int = 31370, flags: int = 1) -> bytes:
    return b"GP\0" + bytes([flags]) + struct.pack("<i", srs)


WHOLE = header() + shapely.to_wkb(SQUARES[1])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "value",
    [b"", b"\0", bytes(range(10)), "text", 5, 2.5, b"GP", WHOLE[8:], b"XX" + WHOLE[2:]],
    ids=["empty", "zero", "garbage", "text", "number", "real", "mark", "wkb", "magic"],
)
def test_a_geometry_of_a_geopackage_that_is_none_is_refused(
    value: Any, packed: bool, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, "UPDATE areas SET geom = ? WHERE CODE = 'b'", value)
    with pytest.raises(SourceError, match=r"layer areas of a.gpkg for feature 2 \(fid 2\)"):
        into(formats.zipped(path) if packed else path, READS)


@pytest.mark.parametrize(
    "value",
    [
        WHOLE[:-5],
        WHOLE[:20],
        header() + struct.pack("<BI", 1, 99),
        header() + WHOLE[8:20] + b"\xff" * 40,
    ],
    ids=["short", "cut", "kind", "count"],
)
def test_a_geometry_of_a_geopackage_that_breaks_off_is_refused(
    value: bytes, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, "UPDATE areas SET geom = ? WHERE CODE = 'b'", value)
    with pytest.raises(SourceError, match="feature 2"):
        into(path, READS)


@pytest.mark.parametrize("where", ["CODE = 'b'", "CODE <> 'a'"])
@pytest.mark.parametrize(
    "value",
    [None, header(flags=0x11) + shapely.to_wkb(shapely.from_wkt("POLYGON EMPTY"))],
    ids=["null", "empty"],
)
def test_a_geometry_of_a_geopackage_that_is_stated_to_be_none_is_read(
    value: bytes | None, where: str, tmp_path: Path, into: Load
) -> None:
    path = database(tmp_path, f"UPDATE areas SET geom = ? WHERE {where}", value)
    assert (
        into(path, READS).without_geometry
        == geopandas.read_file(path, engine="fiona")
        .geometry.map(lambda each: each is None or each.is_empty)
        .sum()
    )


@pytest.mark.parametrize("value", [b"", bytes(range(10)), b"\0\1" + bytes(60)])
def test_a_geometry_of_an_sqlite_file_that_is_none_is_refused(
    value: bytes, tmp_path: Path, into: Load
) -> None:
    path = database(
        tmp_path, "UPDATE areas SET GEOMETRY = ? WHERE CODE = 'b'", value, driver="SQLite"
    )
    with pytest.raises(SourceError, match=r"feature 2"):
        into(path, READS)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gpkg_ogr_contents SET feature_count = 7",
        "UPDATE gpkg_ogr_contents SET feature_count = 1",
        *[f"DELETE FROM areas WHERE CODE = '{code}'" for code in "abc"],  # GDAL gave rows twice
    ],
)
def test_a_count_of_a_geopackage_that_its_table_has_not_is_no_damage(
    statement: str, tmp_path: Path, into: Load
) -> None:
    with pytest.raises(SourceError, match=r"its gpkg_ogr_contents states.*inbox") as raised:
        into(database(tmp_path, statement), READS)
    assert not isinstance(raised.value, Damaged)


def test_a_geopackage_that_states_no_count_is_read(tmp_path: Path, into: Load) -> None:
    for place, statement in enumerate(
        ["UPDATE gpkg_ogr_contents SET feature_count = NULL", "DROP TABLE gpkg_ogr_contents"]
    ):
        (tmp_path / str(place)).mkdir()
        assert into(database(tmp_path / str(place), statement), READS).features == 3
