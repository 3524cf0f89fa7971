"""Editions told from the archive alone: read from its documents, shown, kept, and with what they
stand on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.core.archive import archived_editions as editions
from tasks.core.archive import documents
from tasks.core.archive.archive import Archive
from tasks.core.archive.edition_records import ArchivedEdition, Dependency, UsedOriginal
from tasks.core.model.errors import CheckFailed, ConfigurationError

START = datetime(2026, 1, 1, 12, 0, 0, 120000, tzinfo=UTC)
SHA = "ab" * 32


class Written:
    """An archive in a folder, into which editions and publications are written as the flows write
    them.
    """

    def __init__(self, folder: Path) -> None:
        self.archive = Archive([str(folder / "archive"), str(folder / "replica")])

    def edition(
        self,
        number: int,
        day: int,
        *,
        dataset: str = "land",
        vintage: int = 2025,
        keep: int = 2,
        mirror: str = "",
        on: Mapping[str, int] | None = None,
    ) -> str:
        """Name of the document of an edition that was published on a day."""
        at = (START + timedelta(days=day)).isoformat()
        stamp = at[:19].replace("-", "").replace(":", "")
        name = f"editions/{dataset}/{vintage}/{number:04d}-{stamp}.json"
        self.archive.documents.put(
            name,
            {
                "document": "edition of geodata-flows",
                "version": 1,
                "dataset": {"slug": dataset, "keep": keep, "title": "Land"},
                "edition": {
                    "number": number,
                    "vintage": vintage,
                    "mirror": mirror,
                    "published_at": at,
                    "dataset": dataset,
                },
                "inputs": [
                    {
                        "source": f"{dataset}-areas",
                        "source_vintage": vintage,
                        "sha256": SHA,
                        "url": "https://office.example",
                        "retrieved_at": at,
                    }
                ],
                "dependencies": [
                    {"on_dataset": other, "on_number": of, "layers": ["areas"]}
                    for other, of in (on or {}).items()
                ],
                "publications": [
                    {
                        "id": day,
                        "vintage": vintage,
                        "action": "publish",
                        "at": at,
                        "by_role": "writer",
                    }
                ],
            },
        )
        return name

    def publication(self, action: str, number: int, day: int, **facts: Any) -> None:
        """A rollback or a withdrawal of a day."""
        at = (START + timedelta(days=day)).isoformat()
        publication = {
            "dataset": "land",
            "vintage": 2025,
            "number": number,
            "action": action,
            "at": at,
            **facts,
        }
        document = {
            "document": "publication of geodata-flows",
            "version": 1,
            "publication": publication,
        }
        self.archive.documents.put(f"publications/land/2025/{day:04}-{action}.json", document)

    def read(self) -> list[ArchivedEdition]:
        """All editions."""
        return self.archive.editions.all()

    def all_shown(self) -> list[ArchivedEdition]:
        """Those shown."""
        return editions.shown(self.read(), self.archive.editions.publications())

    def shown(self) -> list[int]:
        """Numbers of those shown."""
        return [edition.number for edition in self.all_shown()]

    def kept(self) -> list[tuple[int, str]]:
        """Numbers and mirrors of those kept."""
        return [
            (edition.number, edition.mirror)
            for edition in editions.kept(self.read(), self.archive.editions.publications())
        ]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """An empty archive in two places."""
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    return Written(tmp_path)


def official(*numbers: int) -> list[tuple[int, str]]:
    return [(number, "") for number in numbers]


def test_an_archive_without_editions_has_none(written: Written) -> None:
    assert (written.read(), written.shown(), written.kept()) == ([], [], [])


def test_an_edition_is_read_from_its_document(written: Written) -> None:
    name = written.edition(3, 0, on={"ground": 7}, mirror="synthetic")
    (edition,) = written.read()
    assert edition == ArchivedEdition(
        document=name,
        dataset="land",
        vintage=2025,
        number=3,
        mirror="synthetic",
        published_at=START,
        keep=2,
        inputs=(UsedOriginal(source="land-areas", vintage=2025, sha256=SHA),),
        dependencies=(Dependency(dataset="ground", number=7, layers=("areas",)),),
        publications=edition.publications,
    )
    assert [(each.number, each.action, each.at) for each in edition.publications] == [
        (3, "publish", START)
    ]
    assert dict(written.archive.documents.read_all("editions"))[name]["dataset"]["title"] == "Land"


def test_the_edition_shown_and_the_newest_others_are_kept_for_each_vintage(
    written: Written,
) -> None:
    for number in (1, 2, 3):
        written.edition(number, number)
    written.edition(4, 4, vintage=2026)
    assert (written.shown(), written.kept()) == ([3, 4], official(2, 3, 4))


def test_the_newest_edition_says_how_many_stay(written: Written) -> None:
    for number in (1, 2, 3):
        written.edition(number, number, keep=5 if number == 1 else 3)
    written.edition(4, 4, keep=1)
    assert written.kept() == official(4)


def test_a_rollback_shows_an_older_edition_until_the_next_publication(written: Written) -> None:
    for number in (1, 2, 3):
        written.edition(number, number)
    written.publication("rollback", 1, 5)
    assert (written.shown(), written.kept()) == ([1], official(1, 3))
    written.edition(4, 6)
    assert (written.shown(), written.kept()) == ([4], official(3, 4))


def test_a_withdrawn_vintage_shows_none_and_keeps_its_newest(written: Written) -> None:
    for number in (1, 2, 3):
        written.edition(number, number)
    written.publication("rollback", 1, 5)
    written.publication("withdraw", 1, 6)
    assert (written.shown(), written.kept()) == ([], official(2, 3))
    written.publication("rollback", 2, 7)
    assert (written.shown(), written.kept()) == ([2], official(2, 3))


def test_a_publication_of_an_edition_that_has_no_document_changes_nothing(written: Written) -> None:
    written.edition(1, 1)
    written.publication("rollback", 9, 5)
    assert written.shown() == [1]


def test_a_mirror_gives_way_to_official_data_and_never_takes_its_place(written: Written) -> None:
    written.edition(1, 1, mirror="sample")
    assert (written.shown(), written.kept()) == ([1], [(1, "sample")])
    written.edition(2, 2)
    assert written.shown() == [2]
    written.edition(1, 3, mirror="sample")  # another database, on the same archive
    written.edition(2, 4, mirror="sample")
    assert (written.shown(), written.kept()) == ([2], [(2, ""), (1, "sample"), (2, "sample")])
    written.publication("withdraw", 2, 5, mirror="")
    assert (written.shown(), written.kept()) == ([], [(2, ""), (1, "sample"), (2, "sample")])


def test_a_database_that_counts_from_one_again_is_told_by_time(written: Written) -> None:
    for number in (7, 8, 9):
        written.edition(number, number)
    first, second = written.edition(1, 20), written.edition(7, 21, on={"ground": 1})
    written.edition(1, 2, dataset="ground")
    newer = written.edition(1, 19, dataset="ground")
    written.edition(1, 30, dataset="ground")
    everything = written.read()
    assert [
        edition.document for edition in editions.kept(everything, []) if edition.dataset == "land"
    ] == [first, second]
    written.publication("rollback", 7, 22)
    assert written.all_shown()[0].document == second
    assert [
        edition.document for edition in editions.with_dependencies(everything[-2:-1], everything)
    ] == [newer, second]


def test_what_an_edition_stands_on_comes_before_it_and_once(written: Written) -> None:
    written.edition(1, 1, dataset="ground")
    written.edition(2, 2, dataset="ground", mirror="sample")
    written.edition(1, 3, dataset="middle", on={"ground": 1})
    written.edition(1, 4, on={"middle": 1, "ground": 1, "lost": 5})
    everything = written.read()
    top = [edition for edition in everything if edition.dataset == "land"]
    assert [
        (each.dataset, each.number) for each in editions.with_dependencies(top, everything)
    ] == [("ground", 1), ("middle", 1), ("land", 1)]
    assert editions.with_dependencies([], everything) == []


def test_official_data_stands_on_official_data_only(written: Written) -> None:
    written.edition(1, 1, dataset="ground")
    written.edition(1, 2, dataset="ground", mirror="sample")
    written.edition(1, 3, on={"ground": 1})
    written.edition(2, 4, on={"ground": 1}, mirror="sample")
    everything = written.read()
    for number, mirror in ((1, ""), (2, "sample")):
        chosen = [
            edition
            for edition in everything
            if (edition.dataset, edition.number) == ("land", number)
        ]
        assert editions.with_dependencies(chosen, everything)[0].mirror == mirror


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "found 'edition of geodata-flows', version 2"),
        ({"document": "something"}, "found 'something', version 1"),
        ({"edition": {}}, "found KeyError: 'number'"),
        ({"inputs": None}, "found TypeError"),
    ],
)
def test_a_document_that_is_no_edition_is_named(
    written: Written, change: Mapping[str, Any], told: str
) -> None:
    name = written.edition(1, 1)
    document = dict(written.archive.documents.read_all("editions"))[name]
    written.archive.documents.put("editions/land/2025/0002-other.json", {**document, **change})
    with pytest.raises(
        CheckFailed, match=rf"The document editions/land/2025/0002-other.json .*{told}"
    ):
        written.read()


def test_a_document_that_is_no_publication_is_named(written: Written) -> None:
    written.archive.documents.put(
        "publications/land/2025/other.json",
        {"document": "publication of geodata-flows", "version": 1, "publication": {}},
    )
    with pytest.raises(
        CheckFailed, match=r"publications/land/2025/other.json .*found KeyError: 'dataset'"
    ):
        written.archive.editions.publications()


def test_documents_are_read_some_at_a_time_and_come_in_order(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 21):
        written.edition(number, number)
    together = threading.Barrier(documents.READERS, timeout=300)
    read = written.archive.documents.read

    def slow(name: str) -> dict[str, Any]:
        if int(name[-25:-21]) <= documents.READERS:
            together.wait()
        return read(name)

    monkeypatch.setattr(written.archive.documents, "read", slow)
    assert [name for name, _ in written.archive.documents.read_all("editions")] == sorted(
        name for name, _ in written.archive.documents.read_all("editions")
    )
    assert [edition.number for edition in written.read()] == list(range(1, 21))


def test_a_document_that_cannot_be_read_is_an_error_after_those_before_it(
    written: Written, tmp_path: Path
) -> None:
    names = [written.edition(number, number) for number in (1, 2, 3)]
    for folder in ("archive", "replica"):
        path = tmp_path / folder / names[1]
        path.chmod(0o644)
        path.write_text("{")
    found = written.archive.documents.read_all("editions")
    assert next(found)[0] == names[0]
    with pytest.raises(
        ConfigurationError, match=f"The document {names[1]} cannot be read from any location"
    ):
        next(found)
