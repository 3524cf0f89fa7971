"""The site of a made-up land: every page whole, every link leads somewhere, figures are SQL's, and
what has not changed is not made again.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from made_up_land import made_up, published

from tasks.core.catalog import publications
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.pages import (
    building,
    charts,
    editions,
    gathering,
    graphs,
    searching,
    storing,
    words,
)
from tasks.core.pages.rendering import HERE
from tasks.core.postgres.database import Database

SPOKEN = re.compile(r"""\bt\("([^"]+)"\)""")


@pytest.fixture
def dataset(other_database: Database, request: pytest.FixtureRequest) -> Dataset:
    return made_up(other_database, request.node.name)


@pytest.fixture
def place(tmp_path: Path) -> storing.Place:
    return storing.Place(str(tmp_path / "site"))


def show(database: Database, place: storing.Place, tmp_path: Path) -> building.Site:
    """Build the site of a database and show it at a place."""
    folder = tmp_path / f"built {datetime.now(UTC).timestamp()}"
    scratch = folder.with_name(folder.name + " scratch")
    folder.mkdir()
    scratch.mkdir()
    before = place.record()
    site = building.build(database, folder, scratch, before, {})
    place.switch(folder, site.made, before)
    return site


class Links(HTMLParser):
    """The addresses and the identities of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "data-from") and value:
                self.links.append(value)
            if name == "id" and value:
                assert value not in self.names, f"two elements are {value}"
                self.names.add(value)


def broken(root: Path) -> Iterator[str]:
    """Name each link of each page that leads nowhere."""
    pages = {path: Links(path.read_text()) for path in root.rglob("*.html")}
    assert pages
    for path, page in pages.items():
        own = f"http://site/{path.relative_to(root).as_posix()}"
        for link in page.links:
            parts = urlsplit(urljoin(own, link))
            if parts.netloc != "site":
                assert parts.scheme in ("https", "data"), link
                continue
            target = root / unquote(parts.path).lstrip("/")
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (
                parts.fragment and parts.fragment not in pages[target].names
            ):
                yield f"{path.relative_to(root)}: {link}"


def test_every_page_is_there_in_two_languages_and_every_link_leads_somewhere(
    other_database: Database, dataset: Dataset, place: storing.Place, tmp_path: Path
) -> None:
    for vintage in (2023, 2024):
        published(other_database, dataset, 10, vintage)
    site = show(other_database, place, tmp_path)
    root = tmp_path / "site"
    assert site.pages == len([*root.rglob("index.html")]) == 8
    assert [*broken(root)] == []
    english = (root / dataset.slug / "2024/index.html").read_text()
    french = (root / "fr" / dataset.slug / "2024/index.html").read_text()
    assert '<html lang="en">' in english
    assert '<html lang="fr">' in french
    assert "Nothing was" not in english
    assert "Millésime 2024" in french


def test_the_status_page_says_how_a_dataset_stands(
    other_database: Database, dataset: Dataset
) -> None:
    (row,) = gathering.status(other_database, {})
    assert row["standing"] == "nothing shown"
    edition = published(other_database, dataset, 10)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    (row,) = gathering.status(other_database, {dataset.slug: tomorrow})
    assert (row["vintage"], row["number"]) == (2024, edition.number)
    assert row["row_count"] == other_database.value(f"SELECT count(*) FROM {dataset.schema}.areas")
    assert row["next_run"] == tomorrow.isoformat()
    assert row["last_checked"] is not None
    assert row["standing"] == "current"


def test_the_last_drill_is_told_also_when_it_failed_as_a_whole(
    other_database: Database, dataset: Dataset
) -> None:
    published(other_database, dataset, 10)
    begin = (
        "INSERT INTO catalog.rebuild (drill, scope, archive, code_revision, machine, started_at,"
        " ended_at, verdict) VALUES (true, 'current', '{}', '', '', now() - %s * interval '1 day',"
        " now(), %s) RETURNING id"
    )
    with other_database.session() as cursor:
        cursor.execute(begin, (2, "identical"))
        (number,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO catalog.rebuilt_edition (rebuild, dataset, number, vintage, verdict,"
            " seconds) VALUES (%s, %s, 1, 2024, 'identical', 1)",
            (number, dataset.slug),
        )
    (row,) = gathering.status(other_database, {})
    assert row["drill"]["verdict"] == "identical"
    with other_database.session() as cursor:
        cursor.execute(begin, (1, "failed"))
    (row,) = gathering.status(other_database, {})
    assert row["drill"]["verdict"] == "failed"


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"number": None}, "nothing shown"),
        ({"run": {"outcome": "failed"}}, "failing"),
        ({"run": {"outcome": "abandoned"}}, "failing"),
        ({"review": [3]}, "waits for review"),
        ({"next": {"overdue": True}}, "overdue"),
        ({"overdue": True}, "not asked"),
        ({}, "current"),
    ],
)
def test_the_gravest_word_is_told(facts: dict[str, Any], word: str) -> None:
    usual = {"number": 1, "run": {"outcome": "published"}, "review": None, "next": None}
    assert gathering.standing({**usual, "overdue": False, **facts}) == word


def test_what_has_not_changed_is_not_made_again(
    other_database: Database, dataset: Dataset, place: storing.Place, tmp_path: Path
) -> None:
    other = made_up(other_database, "another land")
    for each in (dataset, other):
        published(other_database, each, 10)
    first = show(other_database, place, tmp_path)
    assert len(first.drawn) == 3  # what all pages need, and two editions
    second = show(other_database, place, tmp_path)
    assert (second.drawn, len(second.reused)) == ((), 3)
    published(other_database, other, 11)
    third = show(other_database, place, tmp_path)
    assert third.drawn == (f"data/{other.slug}-2024",)
    assert [*broken(tmp_path / "site")] == []


def test_files_of_before_stay_for_a_day(
    other_database: Database,
    dataset: Dataset,
    place: storing.Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published(other_database, dataset, 10)
    show(other_database, place, tmp_path)
    before = {name for name in place.record()["files"] if name.startswith("data/")}
    published(other_database, dataset, 11)
    show(other_database, place, tmp_path)
    assert all((tmp_path / "site" / name).is_file() for name in before)
    gone = before - {*place.record()["files"]}
    assert gone
    monkeypatch.setattr(storing, "GRACE", timedelta(0))
    show(other_database, place, tmp_path)
    assert not any((tmp_path / "site" / name).exists() for name in gone)
    assert [*broken(tmp_path / "site")] == []


def test_nothing_is_shown_of_a_site_that_could_not_be_built(
    other_database: Database,
    dataset: Dataset,
    place: storing.Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published(other_database, dataset, 10)
    show(other_database, place, tmp_path)
    shown = storing.digests(tmp_path / "site")
    published(other_database, dataset, 11)
    monkeypatch.setattr(searching, "index", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        show(other_database, place, tmp_path)
    assert storing.digests(tmp_path / "site") == shown


def test_a_withdrawn_dataset_has_no_page_and_is_told(
    other_database: Database, dataset: Dataset, place: storing.Place, tmp_path: Path
) -> None:
    published(other_database, dataset, 10)
    publications.withdraw(other_database, dataset.slug, 2024)
    show(other_database, place, tmp_path)
    assert "nothing shown" in (tmp_path / "site/index.html").read_text()
    assert not (tmp_path / "site" / dataset.slug).exists()


def test_names_and_codes_are_found_by_their_first_letters(
    other_database: Database, dataset: Dataset, tmp_path: Path
) -> None:
    from tasks.core.pages.maps import layers

    extra = (
        "ALTER TABLE areas ADD area_name text; UPDATE areas SET area_name = 'Évreux-sur-Mer ' ||"
        " code; COMMENT ON COLUMN areas.area_name IS"
        " 'Name [unit: name; aggregate: none; from: computed]'"
    )
    published(other_database, dataset, 10, extra=extra)
    (layer,) = layers.shown(other_database, dataset.slug, 2024)
    names = searching.write_areas(other_database, layer, tmp_path)
    assert {"ev", "su", "me"} <= {*names}
    rows = json.loads(gzip.decompress((tmp_path / names["ev"]).read_bytes()))
    codes = {code for (code,) in other_database.rows(f"SELECT code FROM {dataset.schema}.areas")}
    assert {row[0] for row in rows} == codes


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("Évreux-sur-Mer", "evreux sur mer"),
        ("21001A00-", "21001a00"),
        ("  L’Aigle_2 ", "l aigle 2"),
    ],
)
def test_text_is_searched_without_accents_and_signs(text: str, searched: str) -> None:
    assert searching.plain(text) == searched


def test_every_word_of_the_templates_has_a_translation() -> None:
    spoken = {
        word
        for path in (HERE / "templates").glob("*.html")
        for word in SPOKEN.findall(path.read_text())
    }
    spoken |= {*gathering.STANDINGS, *gathering.STANDINGS.values()}
    assert spoken - {*words.FRENCH} == set()


def test_a_place_that_cannot_be_used_is_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"A folder or a URL .* correct GEODATA_SITE"):
        storing.Place("nowhere://site")


def test_a_site_lies_in_object_storage(
    other_database: Database, dataset: Dataset, tmp_path: Path, s3_api: Any
) -> None:
    s3_api.create_bucket(Bucket="site")
    published(other_database, dataset, 10)
    place = storing.Place("s3://site/pages")
    show(other_database, place, tmp_path)
    page = s3_api.get_object(Bucket="site", Key="pages/index.html")
    assert page["ContentType"] == "text/html"
    assert dataset.slug in page["Body"].read().decode()
    assert show(other_database, storing.Place("s3://site/pages"), tmp_path).drawn == ()


def test_a_graph_puts_what_is_made_after_what_it_is_made_from() -> None:
    nodes = [graphs.Node(name, "table") for name in ("c", "a", "b")]
    columns = graphs._columns([node.name for node in nodes], [("a", "b"), ("b", "c"), ("a", "c")])
    assert columns == [["a"], ["b"], ["c"]]
    assert str(graphs.draw(nodes, [("a", "b")], "A graph")).count("<rect") == 3


def test_a_graph_of_tables_that_read_one_another_ends() -> None:
    nodes = [graphs.Node(name, "table") for name in "ab"]
    assert "<svg" in graphs.draw(nodes, [("a", "b"), ("b", "a")], "A circle")


def test_a_graph_of_nothing_is_nothing_and_one_of_unknown_steps_has_the_layers() -> None:
    assert graphs.draw([], [], "Nothing") == ""
    nodes, arrows = graphs.of_steps([], ["areas"])
    assert ([node.name for node in nodes], arrows) == (["areas"], [])


def test_a_site_of_an_empty_catalog_is_built(
    other_database: Database, place: storing.Place, tmp_path: Path
) -> None:
    assert show(other_database, place, tmp_path).pages == 2
    assert [*broken(tmp_path / "site")] == []


def test_a_chart_has_no_bar_for_what_is_not_known() -> None:
    drawn = str(charts.bars([1.0, None, 2.0], ["one", "none", "<two>"], "Rows"))
    assert drawn.count("<rect") == 2
    assert "&lt;two&gt;" in drawn


@pytest.mark.parametrize(
    ("language", "value", "expected"),
    [
        ("en", 0.999999, "99.99%"),
        ("en", 1, "100.00%"),
        ("fr", 0.5, "50,00\u202f%"),
        ("en", None, ""),
    ],
)
def test_a_share_is_never_rounded_up_to_the_whole(
    language: str, value: float | None, expected: str
) -> None:
    from tasks.core.pages.rendering import _environment

    assert _environment(language).filters["share"](value) == expected


@pytest.mark.parametrize("message", ["", "Rows were expected, <none> found."])
def test_the_last_run_of_what_is_not_shown_is_told(
    other_database: Database,
    dataset: Dataset,
    place: storing.Place,
    tmp_path: Path,
    message: str,
) -> None:
    outcome = "failed" if message else "abandoned"
    with other_database.session() as cursor:
        cursor.execute(
            "INSERT INTO catalog.run (id, flow, dataset, parameters, code_revision, machine,"
            " outcome, message) VALUES ('r', 'land', %s, '{}', 'here', 'here', %s, %s)",
            (dataset.slug, outcome, message),
        )
    show(other_database, place, tmp_path)
    page = (tmp_path / "site/index.html").read_text()
    assert re.search(rf"<dt>{dataset.slug}: nothing shown</dt>\n.*\n<br>{outcome} <time", page)
    assert ("&lt;none&gt; found." in page, "None" in page) == (bool(message), False)
    french = (tmp_path / "site/fr/index.html").read_text()
    assert ("échoué <time" if message else "abandonné <time") in french


@pytest.mark.parametrize("ending", ["", ", November 2026"])
def test_a_description_does_not_repeat_the_edition(ending: str) -> None:
    said = f"Active ones. Edition 2 of sirene 2026{ending}."
    assert editions.AROUND.sub("", said) == "Active ones."


def test_an_edition_that_waits_is_told_also_where_nothing_is_shown(
    other_database: Database, dataset: Dataset, place: storing.Place, tmp_path: Path
) -> None:
    published(other_database, dataset, 10)
    publications.withdraw(other_database, dataset.slug, 2024)
    with other_database.session() as cursor:
        cursor.execute("UPDATE catalog.edition SET state = 'review'")
    show(other_database, place, tmp_path)
    page = (tmp_path / "site/index.html").read_text()
    assert f"<dt>{dataset.slug}: nothing shown</dt>" in page
    assert gathering.STANDINGS["waits for review"] in page
