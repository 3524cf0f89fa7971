"""Pages in a real browser: search, odd addresses, a telephone, and layers without figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser import PHONE, Watched, chromium, opened, served
from conftest import database_of_its_own
from made_up_land import made_up, published
from playwright.sync_api import Browser
from test_site import show

from tasks.core.model.declarations import Dataset
from tasks.core.pages import searching, storing
from tasks.core.postgres.database import Database

pytestmark = pytest.mark.slow
NAMED = """
ALTER TABLE areas ADD area_name text, ADD "a%41 b" text; ALTER TABLE areas DROP people;
UPDATE areas SET code = code || '/1.*', area_name = 'Saint-' || CASE code WHEN 'A1' THEN 'Denis'
    WHEN 'A2' THEN 'Malo (Ille)' ELSE 'Omer' END;
COMMENT ON COLUMN areas.area_name IS 'Name [unit: name; aggregate: none; from: here]';
COMMENT ON COLUMN areas."a%41 b" IS 'Odd one [unit: word; aggregate: none; from: here]';
"""
FOUND = "[...document.querySelectorAll('#found li')].map((each) => each.textContent).join('; ')"
READY = "document.querySelector('area-map').dataset.ready"


@pytest.fixture(scope="module")
def land(
    cluster_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Dataset]]:
    """A site with one layer of three areas, of no figures; a word of two names is common."""
    folder = tmp_path_factory.mktemp("site")
    with (
        database_of_its_own(cluster_database, folder / "archive") as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(searching, "SHARD", 1)
        dataset = made_up(database, "browsed")
        published(database, dataset, 10, extra=NAMED)
        show(database, storing.Place(str(folder / "site")), folder)
        with served(folder / "site") as address:
            yield address, dataset


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started[0]


def typed(watched: Watched, text: str, found: str) -> None:
    """Type into the search box and wait for what is found."""
    watched.page.fill("#search", text)
    watched.until(FOUND, wanted=found)


def test_search_finds_what_is_typed_as_it_is_typed(browser: Browser, land: Any) -> None:
    site, dataset = land
    with opened(browser, site, "/") as watched:
        name = f"{dataset.slug}.areas"
        typed(watched, "saint-malo", f"A2/1.* Saint-Malo (Ille) ({name})")
        typed(watched, "Malo (", f"A2/1.* Saint-Malo (Ille) ({name})")
        typed(watched, "A3/1.*", f"A3/1.* Saint-Omer ({name})")
        typed(watched, "omer saint", f"A3/1.* Saint-Omer ({name})")
        typed(watched, "[a-z]+(?:", "Nothing found")
        typed(watched, "odd one", f"{name}.a%41 b: Odd one")
        watched.page.press("#search", "ArrowDown")
        watched.page.press("#search", "Enter")
        watched.page.wait_for_url("**/#column-areas-**")
        watched.until("document.querySelector('details.columns').open")
        assert watched.problems == []


@pytest.mark.parametrize("address", ["#%", "#layer=none&area=%25%", "#layer=areas&area=nobody"])
def test_an_address_that_leads_nowhere_breaks_nothing(
    browser: Browser, land: Any, address: str
) -> None:
    site, dataset = land
    with opened(browser, site, f"/{dataset.slug}/{address}") as watched:
        watched.page.locator("area-map").scroll_into_view_if_needed()
        watched.until(READY, wanted="map")
        assert watched.problems == []


def test_a_map_of_borders_alone_goes_dark(browser: Browser, land: Any) -> None:
    site, dataset = land
    with opened(browser, site, f"/{dataset.slug}/", color_scheme="light") as watched:
        watched.page.locator("area-map").scroll_into_view_if_needed()
        watched.until(READY, wanted="map")
        watched.page.emulate_media(color_scheme="dark")
        watched.until("document.querySelector('area-map').canvas.shade", wanted="dark")
        assert watched.problems == []


def test_nothing_is_wider_than_a_telephone(browser: Browser, land: Any) -> None:
    site, dataset = land
    for path in ("/", f"/{dataset.slug}/", f"/fr/{dataset.slug}/2024/"):
        with opened(browser, site, path, viewport=PHONE) as watched:
            assert watched.page.evaluate("() => document.documentElement.scrollWidth") == 360


def test_one_area_is_no_areas(browser: Browser, land: Any) -> None:
    site, dataset = land
    with opened(browser, site, f"/{dataset.slug}/") as watched:
        watched.until(f"{READY} !== undefined")
        said = watched.page.evaluate(
            """async () => {
              const scripts = performance.getEntriesByType("resource").map(({ name }) => name);
              const { Words } = await import(scripts.find((name) => name.includes("map-words")));
              return ["en", "fr"].map((each) => [1, 1000].map((n) => new Words(each).counted(n)));
            }"""
        )
        assert said == [["1 area", "1,000 areas"], ["1 zone", "1\u202f000 zones"]]
