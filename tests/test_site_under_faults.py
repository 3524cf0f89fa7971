"""The site under faults: builds that are killed, two at once, places that refuse, records that lie,
and editions that come and go meanwhile.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import faulty_bucket
import pytest
from faulty_bucket import FORBIDDEN
from made_up_land import made_up, published
from s3fs import S3FileSystem
from test_site import broken, show

from tasks.core.catalog import publications
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import Refused, WorkLost
from tasks.core.pages import gathering, storing
from tasks.core.postgres.database import Database
from tasks.running.locks import Taken, holding
from tasks.verbs.pages import publish_site, turn


@pytest.fixture
def dataset(other_database: Database, request: pytest.FixtureRequest) -> Dataset:
    return made_up(other_database, request.node.name)


@pytest.fixture
def place(tmp_path: Path) -> storing.Place:
    return storing.Place(str(tmp_path / "site"))


def test_pages_of_a_build_that_was_killed_are_not_taken_for_those_of_before(
    other_database: Database,
    dataset: Dataset,
    place: storing.Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published(other_database, dataset, 10)
    show(other_database, place, tmp_path)
    page = tmp_path / "site" / dataset.slug / "index.html"
    first = page.read_text()
    published(other_database, dataset, 11)
    with monkeypatch.context() as killed:
        killed.setattr(storing.Place, "_removed", lambda *_: 1 / 0)  # all pages are written
        with pytest.raises(ZeroDivisionError):
            show(other_database, place, tmp_path)
    assert page.read_text() != first
    publications.roll_back(other_database, dataset.slug, 1)
    show(other_database, place, tmp_path)
    assert ", edition 1, " in page.read_text()
    assert [*broken(tmp_path / "site")] == []


def test_files_that_are_gone_from_the_place_are_made_again(
    other_database: Database, dataset: Dataset, place: storing.Place, tmp_path: Path
) -> None:
    published(other_database, dataset, 10)
    show(other_database, place, tmp_path)
    root = tmp_path / "site"
    map_ = next((root / "data").glob("*/map.*.json"))
    for path in (map_, root / dataset.slug / "index.html"):
        path.unlink()
    assert show(other_database, place, tmp_path).drawn == (f"data/{dataset.slug}-2024",)
    assert map_.is_file()
    assert [*broken(root)] == []


RECORDS = [
    "",
    "[]",
    "{",
    '{"files": []}',
    '{"files": {}, "made": {"a": null}}',
    '{"files": {}, "made": {"a": {}}}',
    '{"files": {"../../mine": "0"}}',
    '{"left": {"/mine": "2020-01-01T00:00:00+00:00"}}',
    '{"left": {"a": "long ago"}}',
    '{"left": {"a": "2020-01-01"}}',
    '{"left": {"a": 7}}',
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_that_is_none_of_ours_tells_nothing(record: str, place: storing.Place) -> None:
    folder = Path(place.url)
    folder.mkdir()
    (folder / storing.RECORD).write_text(record)
    assert place.record() == {}


def test_a_page_of_what_was_withdrawn_goes_at_once(
    other_database: Database, dataset: Dataset, place: storing.Place, tmp_path: Path
) -> None:
    for vintage in (2023, 2024):
        published(other_database, dataset, 10, vintage)
    show(other_database, place, tmp_path)
    publications.withdraw(other_database, dataset.slug, 2023)
    show(other_database, place, tmp_path)
    root = tmp_path / "site"
    assert [path for path in root.rglob("2023/*") if path.is_file()] == []
    assert (root / dataset.slug / "2024" / "index.html").is_file()
    assert [*broken(root)] == []


def test_a_place_that_takes_no_files_is_named(
    other_database: Database, dataset: Dataset, tmp_path: Path, s3_api: Any
) -> None:
    (tmp_path / "file").write_text("mine")
    for url in (str(tmp_path / "file"), str(tmp_path / "file/site"), "s3://nobody-made-it/site"):
        with pytest.raises(Refused, match=r"A place that takes pages was expected .* GEODATA_SITE"):
            show(other_database, storing.Place(url), tmp_path)
    assert (tmp_path / "file").read_text() == "mine"


def test_two_builds_do_not_write_to_one_place(other_database: Database, tmp_path: Path) -> None:
    to = str(tmp_path / "site")
    with (
        holding(turn(other_database, to)),
        pytest.raises(Taken, match=f"Another build of the site at {to} is under way"),
    ):
        publish_site.fn(to)
    assert not Path(to).exists()
    turn(other_database, to).release()


@pytest.mark.parametrize("event", ["published", "withdrawn"])
def test_a_site_of_two_states_of_the_catalog_is_not_shown(
    other_database: Database,
    dataset: Dataset,
    place: storing.Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    event: str,
) -> None:
    published(other_database, dataset, 10)
    usual = gathering.columns

    def meanwhile(*asked: Any) -> Any:
        if event == "published":
            published(other_database, dataset, 11)
        else:
            publications.withdraw(other_database, dataset.slug, 2024)
        return usual(*asked)

    with monkeypatch.context() as patch:
        patch.setattr(gathering, "columns", meanwhile)
        with pytest.raises(WorkLost, match=f"of {dataset.slug} 2024 another, or none, is by now"):
            show(other_database, place, tmp_path)
    assert not (tmp_path / "site").exists()
    show(other_database, place, tmp_path)
    assert json.loads((tmp_path / "site" / storing.RECORD).read_text())["files"]


@pytest.mark.parametrize("fault", ["pages", "everything"])
def test_an_object_store_that_refuses_halfway_is_named_and_completed_later(
    other_database: Database,
    dataset: Dataset,
    tmp_path: Path,
    s3_api: Any,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    s3_api.create_bucket(Bucket=f"refusing-{fault}")
    port = urlsplit(os.environ["AWS_ENDPOINT_URL"]).port
    assert port
    with faulty_bucket.before(port) as bucket, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", bucket.url)
        S3FileSystem.clear_instance_cache()
        published(other_database, dataset, 10)
        place = storing.Place(f"s3://refusing-{fault}/site")
        ending = ".html" if fault == "pages" else ""
        bucket.fail(FORBIDDEN, lambda asked: asked.writes and asked.key.endswith(ending))
        with pytest.raises(Refused, match=r"it denies us this, check our credentials"):
            show(other_database, place, tmp_path)
        bucket.heal()
        show(other_database, place, tmp_path)
    S3FileSystem.clear_instance_cache()
    there = {each["Key"] for each in s3_api.list_objects_v2(Bucket=f"refusing-{fault}")["Contents"]}
    record = json.loads(
        s3_api.get_object(Bucket=f"refusing-{fault}", Key="site/site.json")["Body"].read()
    )
    assert there == {f"site/{name}" for name in (*record["files"], storing.RECORD)}
    assert record["left"] == {}


def test_a_disk_that_fills_is_named_and_holds_no_parts_of_files(
    other_database: Database,
    dataset: Dataset,
    place: storing.Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published(other_database, dataset, 10)
    usual = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        usual(source, target)
        if source.name == "index.html":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(Refused, match=r"does not \(No space left on device\): mend that"):
            show(other_database, place, tmp_path)
    root = tmp_path / "site"
    assert [*root.rglob(".*")] == []
    (root / f".index.html.1{storing.PART}").write_text("of a build that was killed")
    show(other_database, place, tmp_path)
    assert [*root.rglob(".*")] == []
    assert [*broken(root)] == []
