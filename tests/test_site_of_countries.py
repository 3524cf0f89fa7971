"""The site of all five countries, as their own flows publish them from synthetic files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import countries
import pytest
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
