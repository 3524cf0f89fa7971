"""What a service says in its own answer is heard: errors, and that there is more than it sent."""

from __future__ import annotations

import codecs
import json
import re
import sqlite3
import time
import tracemalloc
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tasks.core.model.columns import text
from tasks.core.model.declarations import (
    Container,
    Document,
    Features,
    Licence,
    Publisher,
    Source,
    Table,
)
from tasks.core.upstream import magic

SOURCE = Source(
    slug="xx-areas",
    vintage=2025,
    title="Areas (synthetic)",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(slug="open", title="Open", url="", attribution="Source: an office"),
    landing_page="https://office.example/areas",
    urls=(),
    container="json",
    reads=Features(columns={"code": text("CODE")}, crs=4326, published_crs=4326),
    reference_date=date(2025, 1, 1),
    released="2025-02-01",
    confidence="high",
)
FEATURES = [
    {"type": "Feature", "properties": {"CODE": str(n), "error": "x"}, "geometry": None}
    for n in range(10)
]


def refusal(folder: Path, content: bytes | str, **changes: Any) -> str | None:
    path = folder / "file"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return magic.refusal(path, replace(SOURCE, **changes))


def collection(before: dict[str, Any], after: dict[str, Any]) -> str:
    """A collection with members on both sides of its features."""
    return json.dumps({**before, "type": "FeatureCollection", "features": FEATURES, **after})


SOUND: list[dict[str, Any]] = [
    {"errors": []},
    {"error": None},
    {"error": "", "exceptions": []},
    {"success": True},
    {"exceededTransferLimit": False},
    {"properties": {"exceededTransferLimit": False}},
    {"properties": None},
    {"numberMatched": 10, "numberReturned": 10},
    {"numberMatched": "unknown", "totalFeatures": 10},
    {"totalFeatures": "unknown", "numberReturned": 10},
    {"links": [{"rel": "self", "href": "x"}, {"rel": "prev", "href": "y"}]},
    {"links": {"next": None}, "next": None},
    {"next": ""},
]
NEXT = r"the service names a next page \(.*x.*\): declare `pages`"
EXCEEDED = "says exceededTransferLimit, that it has more than it sent: declare `pages`"
MORE = "the service says that 2,501 features match and sent 10: declare `pages`"
INCOMPLETE: list[tuple[dict[str, Any], str]] = [
    ({"numberMatched": 2501, "numberReturned": 10}, MORE),
    ({"numberMatched": "2501"}, MORE),
    ({"totalFeatures": 2501}, MORE),
    ({"numberMatched": "unknown", "totalFeatures": 2501}, MORE),
    ({"numberReturned": 12}, "says that it sent 12 features and 10 are there"),
    ({"exceededTransferLimit": True}, EXCEEDED),
    ({"properties": {"exceededTransferLimit": True}}, EXCEEDED),
    ({"links": [{"rel": "next", "href": "https://x"}]}, NEXT),
    ({"links": {"next": "https://x"}}, NEXT),
    ({"next": "https://x"}, NEXT),
    ({"@odata.nextLink": "https://x"}, NEXT),
    ({"error": {"code": 500}}, "error message in JSON and not the data: .*500"),
    ({"errors": ["partial"]}, "error message in JSON"),
    ({"exception": "closed"}, "error message in JSON and not the data: 'closed'"),
    ({"exceptions": [{"code": "NoApplicableCode"}]}, "error message in JSON"),
    ({"success": False}, "error message in JSON"),
]


@pytest.mark.parametrize("said", SOUND, ids=str)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["", "BOM"])
def test_a_sound_collection_passes(tmp_path: Path, said: dict[str, Any], mark: bytes) -> None:
    for before, after in ((said, {}), ({}, said)):
        assert refusal(tmp_path, mark + collection(before, after).encode()) is None


@pytest.mark.parametrize(("said", "reason"), INCOMPLETE, ids=str)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["", "BOM"])
def test_an_incomplete_answer_is_refused(
    tmp_path: Path, said: dict[str, Any], reason: str, mark: bytes
) -> None:
    for before, after in ((said, {}), ({}, said)):
        found = refusal(tmp_path, mark + collection(before, after).encode())
        assert re.search(reason, found or "")


@pytest.mark.parametrize("body", ['{"error":{"code":400,"message":"No"}}', '{"errors":["x"]}'])
@pytest.mark.parametrize("container", ["json", "text"])
def test_an_error_alone_is_refused_in_every_text(
    tmp_path: Path, body: str, container: Container
) -> None:
    assert "an error message in JSON" in (refusal(tmp_path, body, container=container) or "")


def test_a_document_may_name_its_pages_and_members_of_features_are_not_the_services(
    tmp_path: Path,
) -> None:
    document = json.dumps({"links": {"next": "x"}, "data": [], "numberMatched": 3})
    reads = Document(standard="OGD Austria Metadata")
    assert refusal(tmp_path, document, reads=reads) is None
    inner = json.dumps({"features": [{"exceededTransferLimit": True, "error": "x"}]})
    assert refusal(tmp_path, inner) is None


GML = """<?xml version="1.0"?><!-- of a service -->
<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" {}>
<wfs:member/></wfs:FeatureCollection>"""


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('numberMatched="2501" numberReturned="10"', MORE),
        ("numberReturned='10' numberMatched='2501'", MORE),
        ('numberMatched="unknown" numberReturned="10" next="https://x"', NEXT),
        ('numberMatched="10" numberReturned="10"', None),
        ('numberMatched="unknown" numberReturned="10"', None),
        ('numberOfFeatures="10" previous="https://x"', None),
    ],
)
def test_a_collection_in_gml_is_held_to_its_counts(
    tmp_path: Path, said: str, reason: str | None
) -> None:
    far = " ".join(f'xmlns:n{n}="http://office.example/{n}"' for n in range(300))
    for attributes in (said, f"{far} {said}"):
        found = refusal(tmp_path, GML.format(attributes), container="xml")
        assert re.search(reason, found or "") if reason else found is None


@pytest.mark.parametrize("cut", ["<wfs:truncatedResponse/>", "<ows:ExceptionReport>No memory"])
def test_a_collection_that_ends_in_an_error_is_refused(tmp_path: Path, cut: str) -> None:
    body = GML.format("").replace("<wfs:member/>", "<wfs:member/>" * 2_000 + cut)
    assert "so that features are missing" in (refusal(tmp_path, body, container="xml") or "")


@pytest.mark.parametrize("encoding", ["utf-16-le", "UTF-16BE", "utf_16", "utf-32-le", "UTF-32"])
def test_declared_encodings_of_wide_letters_are_text(tmp_path: Path, encoding: str) -> None:
    reads, body = Table(columns={"code": text("CODE")}, encoding=encoding), "CODE\nÉ\n" * 9_000
    assert refusal(tmp_path, body.encode(encoding), container="text", reads=reads) is None
    named = {"a": reads, "b": Table(columns={"code": text("CODE")})}
    assert refusal(tmp_path, body.encode(encoding), container="text", reads=named) is None


@pytest.mark.parametrize("spelling", ["UTF16LE", "utf 16 le", "UCS-2LE", "utf16-le"])
def test_any_spelling_of_wide_letters_is_known(tmp_path: Path, spelling: str) -> None:
    reads, body = Table(columns={"code": text("CODE")}, encoding=spelling), "CODE\nÉ\n"
    assert refusal(tmp_path, body.encode("utf-16-le"), container="text", reads=reads) is None


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "no-such"])
def test_nul_bytes_of_any_other_encoding_are_no_text(tmp_path: Path, encoding: str) -> None:
    reads = Table(columns={"code": text("CODE")}, encoding=encoding)
    body = "CODE\n1\n".encode("utf-16-le")
    found = refusal(tmp_path, body, container="text", reads=reads)
    assert found == "it holds NUL bytes and is not text"


@pytest.mark.parametrize("page", ["<div class='login'>Sign in</div>", "<?php ?><h1>Down</h1>"])
def test_pieces_of_a_web_page_are_no_data(tmp_path: Path, page: str) -> None:
    assert "HTML page" in (refusal(tmp_path, page, container="text") or "")
    assert "HTML page" in (refusal(tmp_path, page, container="zip") or "")


@pytest.mark.parametrize("row", ["<18 years;5\n", "<5\n", "<a;b\n1;2\n"])
def test_text_may_begin_with_less_than(tmp_path: Path, row: str) -> None:
    assert refusal(tmp_path, row, container="text") is None


def test_a_cut_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "whole") as database:
        database.execute("CREATE TABLE a AS SELECT randomblob(100000) AS b")
    database.close()
    whole = (tmp_path / "whole").read_bytes()
    assert refusal(tmp_path, whole, container="sqlite") is None
    assert "it was cut" in (refusal(tmp_path, whole[:-4096], container="sqlite") or "")


@pytest.mark.slow
def test_a_large_answer_is_passed_over_in_bounded_time_and_memory(tmp_path: Path) -> None:
    path, feature = tmp_path / "large", json.dumps(FEATURES[0]) + ",\n"
    with path.open("w") as file:
        file.write('{"features": [' + json.dumps(FEATURES[0]))
        for _ in range(200):
            file.write("," + (feature * 10_000).rstrip(",\n"))
        file.write('], "exceededTransferLimit": true}')
    tracemalloc.start()
    started = time.perf_counter()
    assert "exceededTransferLimit" in (magic.refusal(path, SOURCE) or "")
    assert time.perf_counter() - started < 30
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()
