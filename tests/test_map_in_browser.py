"""The map of a layer in a real browser: values, keys, touch, addresses, and none of WebGL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mapland
import pytest
from browser import NO_WEBGL, PHONE, Watched, chromium, opened, served
from conftest import database_of_its_own
from playwright.sync_api import Browser

from tasks.core.pages import maps
from tasks.core.postgres.database import Database

pytestmark = pytest.mark.slow
READY = "document.querySelector('area-map').dataset.ready"
PAINTED = "document.querySelector('area-map').dataset.painted"
CODE = "document.querySelector('area-map .card').dataset.code"
HEAVIEST = 500_000  # bytes before the first tile
PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8">
<link rel="icon" href="data:,"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width">
<title>Map</title><link rel="stylesheet" href="{style}"><h1>Map</h1>
<area-map src="{description}" lang="{language}"><img src="{picture}" alt="Map"></area-map>
<script type="module" src="{script}"></script></html>"""


@pytest.fixture(scope="module")
def land(cluster_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Mapland's maps, a page each: database and address."""
    folder = tmp_path_factory.mktemp("map")
    with database_of_its_own(cluster_database, folder / "archive") as database:
        mapland.publish(database)
        write_pages(database, folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tasks.core.pages.maps.zooms.FULLEST", 30)
            write_pages(database, folder / "few")  # in a tile, so that regions stand in
        with served(folder) as site:
            yield database, site


def write_pages(database: Database, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    kept = maps.keep_assets(folder)
    layers = maps.shown(database, "mapland", mapland.VINTAGE)
    for name, description in maps.draw_all(database, layers, folder, folder).items():
        (folder / f"{name}.json").write_text(json.dumps(description))
        picture = (description["picture"] or {"file": "data:,"})["file"]
        for language in ("en", "fr"):
            filled = {"language": language, "picture": picture, "description": f"{name}.json"}
            (folder / f"{name}.{language}.html").write_text(PAGE.format(**kept, **filled))


@pytest.fixture(scope="module")
def browsers() -> Iterator[list[Browser]]:
    with chromium(NO_WEBGL) as started:
        yield started


@pytest.fixture
def browser(browsers: list[Browser]) -> Browser:
    return browsers[0]


def hover(watched: Watched, code: str) -> None:
    """Put the pointer on an area, by where MapLibre has it."""
    watched.page.mouse.move(*place_of(watched, code))
    watched.until(CODE, wanted=code)


def place_of(watched: Watched, code: str) -> tuple[float, float]:
    """Where in the window an area is."""
    x, y = watched.page.evaluate(
        """async (code) => {
          const map = document.querySelector("area-map");
          const area = (await map.names.search(code, 1)).first[0];
          const [west, south, east, north] = area.bounds;
          const point = map.canvas.map.project([(west + east) / 2, (south + north) / 2]);
          const box = map.querySelector(".canvas").getBoundingClientRect();
          return [box.x + point.x, box.y + point.y];
        }""",
        code,
    )
    return x, y


def value_on_card(watched: Watched) -> str:
    return str(watched.page.locator("area-map .figure").get_attribute("data-value"))


def test_hover_gives_the_value_that_sql_has_and_the_reason_where_it_has_none(
    land: Any, browser: Browser
) -> None:
    database, site = land
    with opened(browser, site, "/sectors.en.html") as watched:
        watched.until(READY, wanted="map")
        watched.until(PAINTED, wanted="sectors/density")
        for code in ("R0-007", "R2-065", "R1-050"):
            hover(watched, code)
            query = "SELECT density::text FROM mapland.sectors WHERE sector_code = %s"
            assert value_on_card(watched) == database.value(query, code)
        hover(watched, "R1-047")
        assert "Missing: suppressed" in watched.page.locator("area-map .card").inner_text()
        watched.page.get_by_label("Indicator").select_option("income")
        watched.until(PAINTED, wanted="sectors/income")
        hover(watched, "R1-050")
        query = "SELECT income::text FROM mapland.sectors WHERE sector_code = 'R1-050'"
        assert value_on_card(watched) == database.value(query)
        watched.page.mouse.click(*place_of(watched, "R1-050"))
        watched.page.get_by_label("Indicator").select_option("change")
        watched.until(PAINTED, wanted="sectors/change")
        query = "SELECT change::text FROM mapland.sectors WHERE sector_code = 'R1-050'"
        exact = "document.querySelector('area-map .figure').dataset.value"
        watched.until(exact, wanted=database.value(query))
        hover(watched, "R0-009")
        assert "Missing: absent" in watched.page.locator("area-map .card").inner_text()
        assert (watched.problems, watched.outside) == ([], [])


def test_regions_stand_in_for_sectors_until_the_map_is_near(land: Any, browser: Browser) -> None:
    database, site = land
    with opened(browser, site, "/few/sectors.en.html", reduced_motion="reduce") as watched:
        watched.until(READY, wanted="map")
        watched.until(PAINTED, wanted="regions/density")
        assert "the map shows regions (4 areas)" in watched.page.locator(".stand").inner_text()
        watched.page.mouse.move(*place_of(watched, "R2-075"))
        watched.until(CODE, wanted="R2")
        query = "SELECT density::text FROM mapland.regions WHERE region_code = 'R2'"
        assert value_on_card(watched) == database.value(query)
        watched.page.locator("area-map .most button").first.click()
        watched.until(PAINTED, wanted="sectors/density")
        assert watched.page.locator(".stand").inner_text() == ""
        assert watched.problems == []


def test_what_comes_before_the_first_tile_is_light(land: Any, browser: Browser) -> None:
    _, site = land
    with opened(browser, site, "/sectors.en.html") as watched:
        watched.until(READY, wanted="map")
        before = {
            path: size for path, size in watched.received.items() if not path.endswith(".pmtiles")
        }
    assert 0 < sum(before.values()) < HEAVIEST, before


def test_keys_alone_find_an_area_and_move_the_map(land: Any, browser: Browser) -> None:
    _, site = land
    with opened(browser, site, "/sectors.en.html", reduced_motion="reduce") as watched:
        watched.until(READY, wanted="map")
        keys = watched.page.keyboard
        watched.page.get_by_role("combobox", name="Find an area").focus()
        keys.type("eternite")
        watched.until("document.querySelectorAll('area-map [role=option]').length", wanted=1)
        keys.press("ArrowDown")
        keys.press("Enter")
        watched.until(CODE, wanted="R0-007")
        watched.until("window.location.hash.includes('area=R0-007')")
        reached = {"select": 0, "canvas": 0, "button": 0}
        for _ in range(60):
            keys.press("Tab")
            tag = watched.page.evaluate("() => document.activeElement.tagName.toLowerCase()")
            if tag in reached:
                reached[tag] += 1
            if tag == "canvas":
                keys.press("+")
        assert reached["canvas"]
        assert reached["button"] >= 20  # the extremes


def test_a_link_shows_the_same(land: Any, browser: Browser) -> None:
    _, site = land
    link = "/sectors.fr.html#layer=sectors&indicator=income&at=11.50/50.25000/4.45000&area=R2-065"
    with opened(browser, site, link) as watched:
        watched.until(READY, wanted="map")
        watched.until(PAINTED, wanted="sectors/income")
        watched.until(CODE, wanted="R2-065")
        zoom = watched.page.evaluate(
            "() => document.querySelector('area-map').canvas.map.getZoom()"
        )
        assert zoom == 11.5
        assert watched.page.get_by_label("Indicateur").input_value() == "income"


def test_a_tap_on_a_phone_shows_the_card_in_the_dark(land: Any, browser: Browser) -> None:
    database, site = land
    phone = {"viewport": PHONE, "has_touch": True, "color_scheme": "dark", "is_mobile": True}
    with opened(browser, site, "/sectors.fr.html", **phone) as watched:
        watched.until(READY, wanted="map")
        watched.page.locator("area-map .stage").scroll_into_view_if_needed()
        watched.page.touchscreen.tap(*place_of(watched, "R2-065"))
        watched.until(CODE, wanted="R2-065")
        query = "SELECT density::text FROM mapland.sectors WHERE sector_code = 'R2-065'"
        assert value_on_card(watched) == database.value(query)
        wide = watched.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= PHONE["width"]
        assert watched.problems == []


def test_squares_tell_how_many_points_they_hold(land: Any, browser: Browser) -> None:
    _, site = land
    with opened(browser, site, "/shops.en.html") as watched:
        watched.until(READY, wanted="map")
        box = watched.page.locator("area-map .canvas").bounding_box()
        assert box is not None
        watched.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        watched.until("Number(document.querySelector('area-map .figure')?.dataset.value) > 0")
        assert watched.problems == []


def test_without_webgl_the_picture_and_the_figures_stay(land: Any, browsers: list[Browser]) -> None:
    _, site = land
    with opened(browsers[1], site, "/sectors.en.html") as watched:
        watched.until(READY, wanted="picture")
        assert watched.page.locator("area-map .stage img").is_visible()
        assert "WebGL is missing" in watched.page.locator("area-map .stand").inner_text()
        watched.page.locator("area-map .most button").first.click()
        watched.until(f"Boolean({CODE})")
        assert watched.problems == []
        assert not any("maplibre" in path for path in watched.received)
