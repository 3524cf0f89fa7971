"""The site of all five countries, as their own flows publish them from synthetic files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import countries
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESKTOP, PHONE, chromium, opened, served
from conftest import database_of_its_own
from playwright.sync_api import Browser
from test_site import broken

from flows.site import site as publish_site
from tasks.core.postgres.database import Database

PLACE = """([east, north]) => {
  const map = DRAWN;
  map.scrollIntoView({ behavior: "instant" });
  map.canvas.map.jumpTo({ center: [east, north] });
  const point = map.canvas.map.project([east, north]);
  const box = map.querySelector(".canvas").getBoundingClientRect();
  return [box.x + point.x, box.y + point.y];
}"""  # where in the window a place of the earth is, after moving there
HEAVIEST = 250_000  # bytes of a page: with the map's program half a megabyte

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Built:
    """A site, and the database that it was built from."""

    root: Path
    database: Database


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: None, cluster_database: Database
) -> Iterator[Built]:
    """The site that the flow makes of all countries."""
    folder = tmp_path_factory.mktemp("countries")
    with database_of_its_own(cluster_database, folder / "archive") as database:
        countries.publish(folder)
        publish_site(to=str(folder / "site"))
        yield Built(folder / "site", database)


def test_every_link_of_every_page_leads_somewhere(built: Built) -> None:
    assert [*broken(built.root)] == []
    shown = built.database.value("SELECT count(*) FROM catalog.current_edition")
    datasets = built.database.value("SELECT count(*) FROM catalog.dataset")
    pages = [*built.root.rglob("index.html")]
    assert len(pages) == 2 * (1 + shown + datasets)
    assert max(page.stat().st_size for page in pages) < HEAVIEST


def test_every_layer_and_column_is_on_the_page_of_its_vintage(built: Built) -> None:
    found = built.database.rows(
        "SELECT c.dataset, c.vintage, l.layer, array_agg(l.name) FROM catalog.current_edition c"
        " JOIN catalog.layer_column l USING (dataset, number) GROUP BY 1, 2, 3"
    )
    assert len({dataset for dataset, *_ in found}) == 5
    for dataset, vintage, layer, columns in found:
        page = (built.root / dataset / str(vintage) / "index.html").read_text()
        assert f'id="layer-{layer}"' in page
        fragment = re.search(rf'data-from="([^"]+columns-{layer}[^"]+)"', page)
        if fragment:
            page = (built.root / dataset / str(vintage) / fragment[1]).read_text()
        assert all(f'id="column-{layer}-{name}"' in page for name in columns)


def test_the_run_is_told_without_its_machine_and_parameters(built: Built) -> None:
    told = json.loads((built.root / "belgium/2024/edition.json").read_text())
    expected = {"id", "flow", "code_revision", "started_at", "ended_at", "outcome"}
    assert {*told["run"]} == expected
    assert told["run"]["outcome"] == "published"


def test_attributions_are_those_of_the_layer(built: Built) -> None:
    communes = built.database.rows(
        "SELECT DISTINCT source FROM catalog.lineage WHERE dataset = 'france' AND shown_now AND"
        " layer = 'postal_codes'"
    )
    whole = built.database.rows("SELECT source FROM catalog.edition_input WHERE dataset = 'france'")
    assert 0 < len(communes) < len(whole)


def test_a_second_build_writes_only_what_tells_the_time(built: Built) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.root.rglob("*") if path.is_file()}
    publish_site(to=str(built.root))
    changed = {
        path.relative_to(built.root).as_posix()
        for path, at in before.items()
        if path.stat().st_mtime_ns != at
    }
    assert changed == {"index.html", "fr/index.html", "site.json"}


@pytest.fixture(scope="module")
def pages(built: Built) -> Iterator[str]:
    """The address of the site on a server of this machine."""
    with served(built.root) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with chromium() as (started,):
        yield started


def test_pages_load_without_problems_and_ask_nothing_of_others(
    built: Built, pages: str, browser: Browser
) -> None:
    for path in sorted(built.root.rglob("index.html")):
        place = path.relative_to(built.root).as_posix()
        with opened(browser, pages, f"/{place}") as watched:
            watched.page.wait_for_load_state("networkidle")
            assert (watched.problems, watched.outside) == ([], []), place


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["/", "/fr/", "/france/", "/fr/united_states/"])
def test_pages_can_be_used_by_everybody(
    pages: str, browser: Browser, place: str, scheme: str
) -> None:
    with opened(browser, pages, place, color_scheme=scheme) as watched:
        watched.page.wait_for_load_state("networkidle")
        found = Axe().run(watched.page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_page_is_no_wider_than_its_window(
    pages: str, browser: Browser, viewport: dict[str, int]
) -> None:
    for place in ("/", "/belgium/", "/united_states/", "/fr/sirene/"):
        with opened(browser, pages, place, viewport=viewport) as watched:
            wide = watched.page.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= viewport["width"], place


@pytest.mark.parametrize(
    ("typed", "label", "leads_to"),
    [
        ("belg", "belgium: Belgium", "/belgium/"),
        ("median_inc", "belgium.sectors.median_income:", "#column-sectors-median_income"),
        ("karnten", "Kärnten (austria.states)", "#layer=states&area=2"),
    ],
)
def test_search_finds_a_dataset_a_column_and_an_area_by_keys_alone(
    pages: str, browser: Browser, typed: str, label: str, leads_to: str
) -> None:
    with opened(browser, pages, "/") as watched:
        page = watched.page
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
        watched.until(f"document.getElementById('found').textContent.includes({label!r})")
        texts = page.locator("#found [role=option]").all_text_contents()
        for _ in range(1 + next(n for n, text in enumerate(texts) if label in text)):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: leads_to in url)
        assert watched.problems == []


SHOWN = {  # a layer of each country, and an indicator of it
    "belgium": ("municipalities", "density"),
    "austria": ("districts", "density"),
    "france": ("departements", "density"),
    "united_states": ("states", "population"),
}


@pytest.mark.parametrize("dataset", SHOWN)
def test_hover_gives_what_sql_has(built: Built, pages: str, browser: Browser, dataset: str) -> None:
    layer, indicator = SHOWN[dataset]
    (key,) = built.database.value(
        "SELECT key_columns FROM catalog.layer WHERE dataset = %s AND layer = %s LIMIT 1",
        dataset,
        layer,
    )
    known = built.database.rows(
        f"SELECT {key}, {indicator}::text, ST_X(place), ST_Y(place) FROM {dataset}.{layer},"
        " ST_Transform(ST_PointOnSurface(geom), 4326) AS place"
        f" WHERE {indicator} IS NOT NULL ORDER BY ST_Area(geom) DESC LIMIT 3"
    )
    assert len(known) == 3
    drawn = f"document.querySelector('#layer-{layer} area-map')"
    with opened(browser, pages, f"/{dataset}/#layer={layer}&indicator={indicator}") as watched:
        watched.until(f"{drawn}.dataset.painted", wanted=f"{layer}/{indicator}")
        for code, value, *degrees in known:
            place = watched.page.evaluate(PLACE.replace("DRAWN", drawn), degrees)
            watched.page.mouse.move(0, 0)
            watched.page.mouse.move(*place, steps=3)
            watched.until(f"{drawn}.querySelector('.card').dataset.code", wanted=code)
            figure = watched.page.locator(f"#layer-{layer} .figure").first
            assert figure.get_attribute("data-value") == value
        assert watched.problems == []
