"""The files of a layer's map: edges, values, reasons, classes and names, held against SQL."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mapland
import numpy as np
import pyogrio
import pytest
import shapely
from conftest import database_of_its_own
from fractal_coverage import grid
from PIL import Image
from vector_tiles import header, read_tiles

from tasks.core.model.errors import WorkLost
from tasks.core.pages import maps
from tasks.core.pages.maps.classes import classify
from tasks.core.pages.maps.layers import ShownLayer
from tasks.core.pages.maps.pictures import ABOVE, BELOW, RAMP
from tasks.core.pages.maps.squares import SQUARES
from tasks.core.pages.maps.tiles import tile
from tasks.core.postgres.database import Database

EXTENT = 4096


@pytest.fixture(scope="module")
def land(cluster_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Mapland, published and drawn: database, folder and descriptions by layer."""
    folder = tmp_path_factory.mktemp("map")
    with database_of_its_own(cluster_database, folder / "archive") as database:
        mapland.publish(database)
        yield database, folder, drawn(database, folder)


def drawn(database: Database, folder: Path) -> dict[str, dict[str, Any]]:
    layers = maps.shown(database, "mapland", mapland.VINTAGE)
    return maps.draw_all(database, layers, folder, folder)


def details(folder: Path, description: dict[str, Any], name: str) -> dict[str, Any]:
    (listed,) = [each for each in description["indicators"] if each["name"] == name]
    found: dict[str, Any] = json.loads((folder / listed["details"]).read_text())
    return found


def figures(
    folder: Path, description: dict[str, Any], name: str
) -> list[tuple[float | None, str | None]]:
    """The values of an indicator in the order of areas, and why they are missing."""
    told = details(folder, description, name)
    count = description["areas"]
    content = gzip.decompress((folder / told["file"]).read_bytes())
    values = np.frombuffer(content, "<i4" if told["type"] == "int32" else "<f8", count)
    missing = values == np.iinfo(np.int32).min if told["type"] == "int32" else np.isnan(values)
    reasons = np.frombuffer(content, np.uint8, offset=values.nbytes)
    assert len(reasons) == (count if missing.any() else 0)
    scale = 10 ** told["decimals"] if told["type"] == "int32" else 1
    return [
        (None, told["missing"][reasons[place]][0])
        if missing[place]
        else (float(values[place]) / scale, None)
        for place in range(count)
    ]


def names(folder: Path, description: dict[str, Any]) -> dict[str, list[Any]]:
    (file,) = description["names"]["files"]
    found: dict[str, list[Any]] = json.loads(gzip.decompress((folder / file).read_bytes()))
    return found


def test_every_value_is_that_of_sql_and_what_is_missing_has_its_reason(land: Any) -> None:
    database, folder, maps_of = land
    codes = names(folder, maps_of["sectors"])["codes"]
    reasons = {
        "population": "population_reason",
        "density": "population_reason",
        "income": "CASE WHEN sector_code LIKE '%%-009' THEN 'not computable' END",
        "change": "CASE WHEN sector_code LIKE '%%-009' THEN 'absent' END",
        "area_km2": "NULL",
    }
    for name, why in reasons.items():
        rows = database.rows(
            f"SELECT sector_code, {name}::float8, {why.replace('%%', '%')} FROM mapland.sectors"
            ' ORDER BY sector_code COLLATE "C"'
        )
        found = figures(folder, maps_of["sectors"], name)
        assert codes == [code for code, _, _ in rows]
        assert found == [(value, reason) for _, value, reason in rows], name


def test_decimals_are_exact_in_whole_numbers_where_they_fit(land: Any) -> None:
    _, folder, maps_of = land
    kinds = {
        name: (told["type"], told["decimals"])
        for name in ("population", "density", "income", "change", "area_km2")
        for told in [details(folder, maps_of["sectors"], name)]
    }
    assert kinds == {
        "population": ("int32", 0),
        "density": ("int32", 2),
        "income": ("float64", 2),
        "change": ("float64", None),
        "area_km2": ("int32", 6),
    }


def test_extremes_counts_and_missing_are_those_of_the_table(land: Any) -> None:
    database, folder, maps_of = land
    told = details(folder, maps_of["sectors"], "density")
    most = database.rows(
        "SELECT sector_code, density::float8 FROM mapland.sectors WHERE density IS NOT NULL"
        " ORDER BY density DESC, sector_code LIMIT 10"
    )
    assert [(code, value) for _, code, _, value, _ in told["most"]] == most
    assert sum(told["classes"]["counts"]) + told["classes"]["zeros"] == told["count"]
    assert sum(told["histogram"]["counts"]) == told["count"]
    counted = database.rows(
        "SELECT population_reason, count(*) FROM mapland.sectors WHERE density IS NULL"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    assert sorted(map(tuple, told["missing"])) == sorted(counted)


def test_a_ratio_is_shown_first_and_names_join_their_languages(land: Any) -> None:
    _, folder, maps_of = land
    sectors = maps_of["sectors"]
    assert sectors["default"] == sectors["details"]["name"] == "density"
    known = names(folder, sectors)
    labels = dict(zip(known["codes"], known["labels"], strict=True))
    assert labels["R0-007"] == "L’Éternité / De Eeuwigheid"
    assert labels["R0-008"] == "Sector 8"
    assert sectors["coarser"] == []  # few enough areas to be shown at every zoom


def test_bounds_are_where_the_area_is(land: Any) -> None:
    database, folder, maps_of = land
    known = names(folder, maps_of["sectors"])
    place = known["codes"].index("R0-007")
    (wanted,) = database.rows(
        "SELECT ST_XMin(g), ST_YMin(g), ST_XMax(g), ST_YMax(g) FROM (SELECT ST_Extent("
        "ST_Transform(geom, 4326)) AS g FROM mapland.sectors WHERE sector_code = 'R0-007') AS s"
    )
    found = np.array(known["bounds"][4 * place : 4 * place + 4]) / 10_000
    assert found == pytest.approx(np.array(wanted), abs=2e-4)


def test_neighbours_share_their_edges_in_every_tile(land: Any) -> None:
    _, folder, maps_of = land
    low, high = maps_of["sectors"]["zooms"]
    path = folder / maps_of["sectors"]["tiles"]
    inner = shapely.box(0, 0, EXTENT, EXTENT)
    seen: set[int] = set()
    for zoom in range(low, high + 1):
        for features in read_tiles(path, zoom).values():
            shapes = np.array([each["shape"] for each in features])
            seen |= {each["id"] for each in features}
            within = shapely.intersection(shapely.make_valid(shapes), inner)
            together = shapely.union_all(within)
            assert shapely.area(within).sum() == pytest.approx(shapely.area(together))  # no overlap
            assert len(holes(together)) == 0, zoom
    codes = names(folder, maps_of["sectors"])["codes"]
    assert [codes[each] for each in {*range(len(codes))} - seen] == ["R0-005"]  # has no geometry
    assert maps_of["sectors"]["without_geometry"] == 1


def holes(shape: shapely.Geometry) -> list[shapely.Geometry]:
    return [hole for part in shapely.get_parts(shape) for hole in getattr(part, "interiors", ())]


def test_gdal_reads_the_tiles_where_the_areas_are(land: Any) -> None:
    database, folder, maps_of = land
    sectors = maps_of["sectors"]
    path = folder / sectors["tiles"]
    zoom = sectors["zooms"][1]
    assert (header(path)["min_zoom"], header(path)["max_zoom"]) == tuple(sectors["zooms"])
    read = pyogrio.read_dataframe(path, layer="areas", ZOOM_LEVEL=zoom)
    known = names(folder, sectors)
    place = known["codes"].index("R1-044")
    found = read[read["mvt_id"] == place].union_all()
    wkb = database.value(
        "SELECT ST_AsBinary(ST_Transform(geom, 3857)) FROM mapland.sectors"
        " WHERE sector_code = 'R1-044'"
    )
    wanted = shapely.from_wkb(bytes(wkb))
    unit = 40_075_016 / 2**zoom / EXTENT  # metres
    assert shapely.hausdorff_distance(found, wanted) < 1.5 * unit


def test_points_are_counted_by_squares(land: Any) -> None:
    database, folder, maps_of = land
    shops = maps_of["shops"]
    (there, without) = database.rows(
        "SELECT count(geom), count(*) - count(geom) FROM mapland.shops"
    )[0]
    assert (shops["kind"], shops["without_geometry"]) == ("squares", without)
    for level in shops["levels"]:
        tiles = read_tiles(folder / shops["tiles"], level["zoom"])
        counts = [each["properties"]["count"] for features in tiles.values() for each in features]
        assert (sum(counts), len(counts)) == (there, level["squares"])
        shapes = [each["shape"] for features in tiles.values() for each in features]
        assert set(shapely.area(shapes)) == {(EXTENT / SQUARES) ** 2}


def test_equal_contents_give_equal_files_and_a_picture_is_small(land: Any, tmp_path: Path) -> None:
    database, _, maps_of = land
    assert drawn(database, tmp_path) == maps_of
    picture = tmp_path / maps_of["sectors"]["picture"]["file"]
    assert picture.stat().st_size < 150_000
    assert Image.open(picture).size == (900, 640)


def test_an_edition_that_is_no_longer_shown_is_not_drawn(land: Any, tmp_path: Path) -> None:
    database, _, _ = land
    (layer, *_) = maps.shown(database, "mapland", mapland.VINTAGE)
    gone = ShownLayer(**{**vars(layer), "number": layer.number + 1})
    with pytest.raises(WorkLost, match=r"was to be of edition 2, and edition 1 is shown by now"):
        maps.draw(database, gone, tmp_path, tmp_path)


def test_a_coarser_layer_stands_in_for_the_indicators_that_both_have(
    land: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.core.pages.maps.zooms.FULLEST", 30)
    sectors = drawn(land[0], tmp_path)["sectors"]
    (regions,) = sectors["coarser"]
    assert regions["layer"] == "regions"
    assert regions["zooms"][0] < sectors["zooms"][0]
    assert set(regions["details"]) == {"population", "density"}


def test_many_areas_leave_the_first_zooms_to_a_coarser_layer(tmp_path: Path) -> None:
    shapes = shapely.transform(grid(120, 120, segments=1), lambda points: points / 40_075_016 + 0.5)
    alone = tile(shapes, tmp_path, tmp_path, "alone", has_coarser=False)
    helped = tile(shapes, tmp_path, tmp_path, "helped", has_coarser=True)
    assert alone.zooms[0] < helped.zooms[0]
    counts = [len(each) for each in read_tiles(tmp_path / helped.file, helped.zooms[0]).values()]
    assert max(counts) < 11_000  # 10,000, and those in the margin


@pytest.mark.parametrize(
    ("values", "breaks", "zero", "diverging"),
    [
        ([0.0, 0.0, *range(1, 61)], [11.0, 21.0, 30.0, 40.0, 50.0], True, -1),
        ([5.0, 5.0], [], False, -1),
        ([], [], False, -1),
        ([0.0], [], True, -1),
        ([-2.0, -1.0, 1.0, 2.0], [-1.7, -1.3, 0.0, 1.3, 1.7], False, 3),
    ],
)
def test_classes_stand_at_round_figures(
    values: list[float], breaks: list[float], zero: bool, diverging: int
) -> None:
    found = classify(np.array(values, float))
    assert (found.breaks, found.zero, found.diverging) == (breaks, zero, diverging)
    assert sum(found.counts) == sum(value != 0 for value in values)


def test_picture_and_browser_use_the_same_colours() -> None:
    text = (maps.assets.OURS / "map-colours.js").read_text()
    for ramp in (RAMP, BELOW, ABOVE):
        assert ", ".join(f'"{colour}"' for colour in ramp) in text


def test_assets_name_one_another_by_their_content(tmp_path: Path) -> None:
    kept = maps.keep_assets(tmp_path)
    for script in tmp_path.glob("*.js"):
        for name in maps.assets.BESIDE.findall(script.read_text()):
            assert (tmp_path / name).exists()
    assert kept["script"].startswith("map.")
    assert (tmp_path / kept["style"]).exists()
