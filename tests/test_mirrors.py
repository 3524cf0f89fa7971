"""Mirrors: a folder or base URL that stands in for the publishers, with expectations of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from faulty_server import running, status, whole

from tasks.core.model.columns import integer, text
from tasks.core.model.declarations import Features, Licence, Publisher, Rows, Source, Table, Total
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.upstream import http, mirrors, stand_ins

SOURCE = Source(
    slug="be-figures",
    vintage=2025,
    title="Figures",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(
        slug="open",
        title="Open",
        url="https://office.example/licence",
        attribution="Source: an office",
    ),
    landing_page="https://office.example/figures",
    urls=("https://office.example/figures.zip", "https://office.example/old.zip"),
    container="zip",
    reads=Table(
        columns={"code": text("CODE"), "residents": integer("POP"), "income": integer("INCOME")},
        key=("code",),
        delimiter="|",
    ),
    reference_date=date(2025, 1, 1),
    released="2025-02-01",
    confidence="high",
    member="*.txt",
    rows=Rows.exactly(20000),
    totals={"residents": Total(expected=11_000_000)},
    distinct={"code": 19_000},
    minimum_bytes=1_000_000,
)
AREAS = replace(
    SOURCE,
    slug="be-areas",
    reads=Features(
        columns={"code": text("CODE")}, crs=31370, published_crs=4326, bounds=(0, 0, 1, 1)
    ),
)

Write = Callable[..., str]


@pytest.fixture
def mirror(tmp_path: Path) -> Write:
    """Writes a mirror.json with one entry; returns its folder."""

    def write(name: str = "be-figures-2025", **entry: Any) -> str:
        content = {
            "label": "synthetic-belgium",
            "about": "Made up.",
            "sources": {name: {"path": "made/figures.zip", **entry}},
        }
        (tmp_path / "mirror.json").write_text(json.dumps(content), encoding="utf-8")
        return str(tmp_path)

    return write


def test_nothing_of_the_official_numbers_is_kept(mirror: Write, tmp_path: Path) -> None:
    found = mirrors.apply(SOURCE, mirror())
    assert found.urls == (str(tmp_path / "made/figures.zip"),)
    assert (found.mirror, found.rows, found.totals, found.distinct, found.minimum_bytes) == (
        "synthetic-belgium",
        None,
        {},
        {},
        1,
    )
    back = replace(
        found,
        urls=SOURCE.urls,
        mirror="",
        rows=SOURCE.rows,
        totals=SOURCE.totals,
        distinct=SOURCE.distinct,
        minimum_bytes=1_000_000,
    )
    assert back == SOURCE


def test_a_mirror_states_its_own_numbers(mirror: Write) -> None:
    found = mirrors.apply(
        SOURCE,
        mirror(
            rows=[10, 20], totals={"residents": 5, "income": {"expected": 7.5, "tolerance": 0.1}}
        ),
    )
    assert found.rows == Rows(low=10, high=20)
    stated_by = "the mirror synthetic-belgium"
    assert found.totals == {
        "residents": Total(expected=5.0, stated_by=stated_by),
        "income": Total(expected=7.5, tolerance=0.1, stated_by=stated_by),
    }
    assert mirrors.apply(SOURCE, mirror(rows=3000)).rows == Rows.exactly(3000)
    assert mirrors.apply(SOURCE, mirror(distinct={"code": 12})).distinct == {"code": 12}


def test_a_mirror_changes_how_a_file_is_read(mirror: Write) -> None:
    changes = {
        "delimiter": ";",
        "header_rows": [1, 2],
        "columns": {"code": {"names": ["statsec"]}, "income": None},
    }
    found = mirrors.apply(SOURCE, mirror(container="text", member=None, reads=changes))
    assert (found.container, found.member) == ("text", None)
    assert isinstance(found.reads, Table)
    assert (found.reads.delimiter, found.reads.header_rows, found.reads.key) == (
        ";",
        (1, 2),
        ("code",),
    )
    assert found.reads.columns == {
        "code": text("statsec"),
        "residents": integer("POP"),
    }
    areas = mirrors.apply(AREAS, mirror("be-areas-2025", reads={"crs": 3812, "bounds": None}))
    assert isinstance(areas.reads, Features)
    assert (areas.reads.crs, areas.reads.bounds, areas.reads.published_crs) == (3812, None, 4326)


def test_an_unknown_source_names_what_there_is(mirror: Write) -> None:
    with pytest.raises(SourceError, match=r"No file for be-figures-2025 .* it has be-areas-2024"):
        mirrors.apply(SOURCE, mirror("be-areas-2024"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"row": 3},
            (
                "unknown field 'row': use path, container, member, rows, totals, distinct, counts,"
                " codes_of, reads"
            ),
        ),
        ({"reads": {"separator": ";"}}, "unknown field 'separator': use .*columns, key, delimiter"),
        (
            {"reads": {"columns": {"code": {"name": "x"}}}},
            "column code .* unknown field 'name': use names, type, optional",
        ),
        ({"reads": {"header_rows": "first"}}, "header_rows"),
        ({"container": "rar"}, "container 'rar' is not one of zip, 7z"),
        ({"rows": "many"}, "malformed"),
    ],
)
def test_mistakes_are_named(mirror: Write, entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        mirrors.apply(SOURCE, mirror(**entry))


@pytest.mark.parametrize(
    "text", ["", "[]", '{"label": "../up", "sources": {}}', '{"label": "good", "sources": []}']
)
def test_a_mirror_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mirror.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"mirror\.json"):
        stand_ins.read(str(tmp_path))
    with pytest.raises(ConfigurationError, match="could not be read"):
        stand_ins.read(str(tmp_path / "nowhere"))


def test_a_base_url_is_a_mirror_too(
    mirror: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    mirror(path="made up/figures.zip")
    with running() as server:
        server.script("/m/mirror.json", status(503), whole((tmp_path / "mirror.json").read_bytes()))
        monkeypatch.setenv("GEODATA_CREDENTIALS", f"{server.base}/m?token=hidden")
        found = mirrors.apply(SOURCE, f"{server.base}/m/")
        assert found.urls == (f"{server.base}/m/made%20up/figures.zip",)
        assert {each.path for each in server.asked} == {"/m/mirror.json?token=hidden"}
        with pytest.raises(ConfigurationError, match="GEODATA_CREDENTIALS") as caught:
            stand_ins.read(f"{server.base}/m/?token=hidden")
        assert "hidden" not in str(caught.value)
        with pytest.raises(ConfigurationError, match="404"):
            stand_ins.read(f"{server.base}/other")
        server.script(
            "/m/mirror.json",
            whole((tmp_path / "mirror.json").read_bytes().replace(b"made up", b"../made")),
        )
        with pytest.raises(ConfigurationError, match="leads out of the mirror"):
            mirrors.apply(SOURCE, f"{server.base}/m")
