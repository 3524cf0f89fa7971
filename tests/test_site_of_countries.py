"""The site of all five countries, as their own flows publish them from synthetic files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import countries
import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import browser, opened, serving
from conftest import database_of_its_own
from test_site import broken

from flows.site import site as publish_site
from tasks.core.postgres.database import Database

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
    with serving(built.root) as address:
        yield address


def test_pages_load_without_errors_and_ask_nothing_of_others(built: Built, pages: str) -> None:
    with browser() as chromium:
        for path in sorted(built.root.rglob("index.html")):
            place = path.relative_to(built.root).parent.as_posix()
            page, said = opened(chromium, f"{pages}/{place}/")
            page.wait_for_selector("h1")
            assert said.errors == [], place
            assert said.elsewhere(pages) == [], place
            page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["/", "/fr/", "/france/", "/fr/united_states/"])
def test_pages_can_be_used_by_everybody(pages: str, place: str, scheme: str) -> None:
    with browser() as chromium:
        page, _ = opened(chromium, pages + place, color_scheme=scheme)
        page.wait_for_load_state("networkidle")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(
    ("typed", "label", "leads_to"),
    [
        ("belg", "belgium: Belgium", "/belgium/"),
        ("median_inc", "belgium.sectors.median_income:", "#column-sectors-median_income"),
        ("wien", "(austria.", "layer=states&area="),
    ],
)
def test_search_finds_a_dataset_a_column_and_an_area(
    pages: str, typed: str, label: str, leads_to: str
) -> None:
    with browser() as chromium:
        page, said = opened(chromium, f"{pages}/")
        page.fill("#search", typed)
        found = page.wait_for_selector(f"#found [role=option]:has-text({label!r})")
        assert found is not None
        page.keyboard.press("ArrowDown")
        assert page.get_attribute("#search", "aria-activedescendant") == "found-0"
        found.click()
        page.wait_for_url(lambda url: leads_to in url)
        assert said.errors == []
