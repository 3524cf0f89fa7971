"""Web feature services asked page by page: whole or nothing, the same data the same bytes, from the
questions to the loaded table.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tracemalloc
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from wfs_server import serve_wfs

from tasks.core.making.geometry.geometry_tables import load
from tasks.core.model.columns import text
from tasks.core.model.declarations import Features, Licence, Publisher, Source
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Original, Retrieval, Staging
from tasks.core.postgres.database import Database
from tasks.core.upstream import downloads, http, mirrors, pages
from tasks.core.upstream.answers import Answer
from tasks.core.upstream.feature_collections import take_apart
from tasks.running import steps
from tasks.running.site import site
from tasks.verbs import originals
from tasks.verbs.files import unpack_original

LAYER = "GEODATA:AREAS_20250101"
QUESTION = (
    f"service=WFS&version=2.0.0&request=GetFeature&typeNames={LAYER}"
    "&outputFormat=application/json&srsName=EPSG:31287&sortBy=g_id"
)
CRS = '{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::31287"}}'
SOURCE = Source(
    slug="xx-areas",
    vintage=2025,
    title="Areas (synthetic)",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(
        slug="open",
        title="Open",
        url="https://office.example/licence",
        attribution="Source: an office",
    ),
    landing_page="https://office.example/areas",
    urls=(),
    container="json",
    pages=10,
    minimum_bytes=4000,
    reads=Features(
        columns={"code": text("g_id"), "name": text("g_name")},
        key="code",
        crs=31287,
        published_crs=31287,
    ),
    reference_date=date(2025, 1, 1),
    released="2025-02-01",
    confidence="high",
)


def area(number: int) -> dict[str, Any]:
    """A square of a kilometre, named with what a careless copy of its text would alter."""
    x, y = 400_000 + 1000.25 * (number % 5), 400_000 + 1000.1 * (number // 5)
    ring = [[x, y], [x + 1000.25, y], [x + 1000.25, y + 1000.1], [x, y + 1000.1], [x, y]]
    properties = {"g_id": f"{30100 + number:05}", "g_name": f'Großgöttfritz "{number}", \\]}}'}
    return {
        "type": "Feature",
        "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]},
        "properties": properties,
    }


class Office:
    """The publisher's layer of 25 areas, and our side of the conversation."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "areas.geojson"
        self.source = SOURCE
        self.loud: list[str] = []
        self.asked: list[str] = []
        self.publishes(25)

    def publishes(self, count: int) -> None:
        """Put other data in the place of the layer; its order in the file is not that of the
        codes.
        """
        features = [area(number) for number in reversed(range(count))]
        self.file.write_text(
            json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8"
        )

    def answer(
        self, source: Source = SOURCE, report: Any = lambda *_: None, **faults: Any
    ) -> Answer:
        """Ask once, for all pages."""
        self.asked.clear()
        with serve_wfs({LAYER: self.file}, asked=self.asked, **faults) as base:
            return pages.ask(source, f"{base}gs-open/GEODATA/ows?{QUESTION}", report)

    def fetched(self, **faults: Any) -> tuple[Retrieval, Original]:
        """Download and archive once."""
        with serve_wfs({LAYER: self.file}, asked=self.asked, **faults) as base:
            return self.fetched_from(base)

    def fetched_from(self, base: str) -> tuple[Retrieval, Original]:
        """Download from a service that runs already, and archive."""
        retrieval = originals.download.fn(
            replace(self.source, urls=(f"{base}gs-open/GEODATA/ows?{QUESTION}",))
        )
        return retrieval, originals.archive.fn(retrieval)

    def starts(self) -> list[int]:
        """The first feature of each page that was asked for."""
        return [int(re.findall(r"count=\d+&startIndex=(\d+)$", path)[0]) for path in self.asked]

    def scratch(self) -> list[str]:
        """Files of downloads left in scratch."""
        return [
            path.name
            for folder in ("downloads", "work/*")
            for path in self.folder.glob(f"data/scratch/{folder}/*")
            if path.suffix != ".lock"
        ]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A publisher with a data folder of our own, and short waits between tries."""
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    found = Office(tmp_path)
    monkeypatch.setattr(
        steps,
        "log",
        lambda level, sentence: found.loud.append(sentence) if level >= logging.WARNING else None,
    )
    return found


def content(answer: Answer) -> str:
    """What an answer holds, which must be what it says of itself."""
    assert answer.path is not None
    assert (hashlib.sha256(answer.path.read_bytes()).hexdigest(), answer.path.stat().st_size) == (
        answer.sha256,
        answer.size,
    )
    return answer.path.read_text(encoding="utf-8")


def codes(answer: Answer) -> list[str]:
    """The codes of the areas in an answer, in their order."""
    return [feature["properties"]["g_id"] for feature in json.loads(content(answer))["features"]]


EXPECTED = [f"{30100 + number:05}" for number in range(25)]


def test_pages_become_one_file(office: Office) -> None:
    seen: list[tuple[int, int | None]] = []
    answer = office.answer(report=lambda *figures: seen.append(figures))
    assert (answer.kind, codes(answer), office.starts()) == ("received", EXPECTED, [0, 10, 20])
    assert [name for name in json.loads(content(answer))] == ["type", "crs", "features"]
    assert f'"crs":{CRS}' in content(answer)
    assert (answer.etag, answer.last_modified, answer.headers["content-type"]) == (
        None,
        None,
        "application/json;charset=UTF-8",
    )
    assert "content-length" not in answer.headers
    assert [received for received, _ in seen] == sorted({received for received, _ in seen})
    assert {expected for _, expected in seen} == {None}
    assert seen[-1][0] > (answer.size or 0)  # with what the service says beside the features
    assert office.scratch() == [answer.path.name if answer.path else ""]


def test_features_are_kept_in_the_bytes_they_were_sent_in(office: Office) -> None:
    odd = (
        b'{ "type" : "Feature", "id":1,'
        b' "geometry":{"type":"Point","coordinates":[1.10,2e5]},\r\n'
        b'"properties":{"n":"\\u00e9\xc3\xa9\\/'
        b' \\"]}"}\t}'
    )
    other = odd.replace(b'"id":1', b'"id":2')
    page = (
        b'\xef\xbb\xbf{ "numberMatched" : 2,"crs":{ "a":1} ,\n"type":"FeatureCollection","features"'
        b" :[ %b , %b\n] }\n" % (odd, other)
    )
    path = office.answer(answers={1: page}).path
    assert path is not None
    assert (
        path.read_bytes()
        == b'{"type":"FeatureCollection","crs":{ "a":1},"features":[\n%b,\n%b\n]}\n' % (odd, other)
    )


def test_the_same_data_is_the_same_file_whatever_its_pages(office: Office) -> None:
    whole = office.answer().sha256
    assert office.answer().sha256 == whole
    for size, asked in ((25, [0]), (24, [0, 24]), (1000, [0])):
        assert (office.answer(replace(SOURCE, pages=size)).sha256, office.starts()) == (
            whole,
            asked,
        )
    assert (office.answer(counts=False).sha256, office.starts()) == (whole, [0, 10, 20, 25])
    assert (office.answer(most=7).sha256, office.starts()) == (whole, [0, 7, 14, 21])
    assert (office.answer(dropped_members=("numberMatched",)).sha256, office.starts()) == (
        whole,
        [0, 10, 20],
    )


def test_a_first_page_that_is_not_full_is_the_whole(office: Office) -> None:
    office.publishes(3)
    for counts in (True, False):
        assert (codes(office.answer(counts=counts)), office.starts()) == (
            EXPECTED[:3],
            [0] if counts else [0, 3],
        )


def test_uncounted_features_end_with_an_empty_page_also_where_the_service_caps_its_pages(
    office: Office,
) -> None:
    office.publishes(20)
    assert (codes(office.answer(counts=False)), office.starts()) == (EXPECTED[:20], [0, 10, 20])
    assert (codes(office.answer(counts=False, most=8)), office.starts()) == (
        EXPECTED[:20],
        [0, 8, 16, 20],
    )


def test_features_without_an_id_are_known_by_their_text(office: Office) -> None:
    page = json.dumps(
        {"type": "FeatureCollection", "numberMatched": 2, "features": [area(1), area(2)]}
    )
    assert office.answer(answers={1: page.encode()}).kind == "received"
    page = json.dumps(
        {"type": "FeatureCollection", "numberMatched": 2, "features": [area(1), area(1)]}
    )
    assert "it repeats the feature" in office.answer(answers={1: page.encode()}).detail


@pytest.mark.parametrize("fault", ["busy_page", "cut_page"])
def test_only_the_page_that_failed_is_asked_again(office: Office, fault: str) -> None:
    answer = office.answer(**{fault: 2, "times": 2})
    assert (answer.kind, codes(answer), office.starts()) == (
        "received",
        EXPECTED,
        [0, 10, 10, 10, 20],
    )


def test_a_page_that_stays_busy_makes_the_whole_unreachable(office: Office) -> None:
    answer = office.answer(busy_page=3, times=99)
    assert (answer.kind, answer.path, answer.detail) == (
        "unreachable",
        None,
        "page 3 (after 20 of 25 features): status 503",
    )
    assert office.starts() == [0, 10, 20, 20, 20]
    assert office.scratch() == []


def test_a_page_that_is_always_cut_is_truncated(office: Office) -> None:
    answer = office.answer(cut_page=2, times=99)
    assert answer.kind == "truncated"
    assert re.match(
        r"page 2 \(after 10 of 25 features\): the body ended after [\d,]+ bytes, 3 times",
        answer.detail,
    )
    assert content(answer).startswith(
        '{"type":"FeatureCollection","features":[{"type":"Feature","id":"AREAS_20250101.15"'
    )


@pytest.mark.parametrize(
    ("page", "code", "kind", "place"),
    [
        (1, 404, "gone", "page 1"),
        (1, 403, "refused", "page 1"),
        (2, 404, "refused", "page 2 (after 10 of 25 features)"),
        (2, 401, "refused", "page 2 (after 10 of 25 features)"),
    ],
)
def test_permanent_errors_are_asked_once(
    office: Office, page: int, code: int, kind: str, place: str
) -> None:
    answer = office.answer(status_page=(page, code))
    assert (answer.kind, answer.path, answer.detail, len(office.asked)) == (
        kind,
        None,
        f"{place}: status {code}",
        page,
    )


def test_a_layer_that_is_not_there_is_an_exception_with_status_200(office: Office) -> None:
    with serve_wfs({}) as base:
        answer = pages.ask(SOURCE, f"{base}ows?{QUESTION}", lambda *_: None)
    assert answer.kind == "invalid"
    assert answer.detail.startswith(
        "page 1: it is an XML exception of a web service and not json: "
    )
    assert f"Feature type {LAYER} unknown" in answer.detail
    assert "ServiceExceptionReport" in content(answer)


POINT = (
    b'{"type":"FeatureCollection","numberMatched":25,"features":'
    b'[{"type":"Feature","id":"a","geometry":null,"properties":{}}],"crs":null}'
)
BAD = [
    (b"<!DOCTYPE html><title>Closed</title>", "it is an HTML page titled 'Closed' and not json"),
    (b"", "it is empty"),
    (b'{"error":"closed"}', "it is an error message in JSON"),
    (POINT[:-20], "it begins as json but ends with .*: it was cut"),
    (
        b'{"version":"2.0.0","exceptions":[{"code":"x"}]}',
        "it is an error message in JSON and not the data: .*code",
    ),
    (b'{"features":[]}', "its type is not FeatureCollection"),
    (b"[1]", "Expected `object`, got `array`"),
    (b"{}", "it has no features"),
    (POINT.replace(b"}]", b"}}"), r"expected ',' or '\]' \(byte"),
    (POINT + b"<ServiceExceptionReport>}", "trailing characters"),
    (POINT.replace(b"FeatureCollection", b"Topology"), "its type is not FeatureCollection"),
    (b"{" * 100_000 + b"}", "is not a GeoJSON"),
    (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "is not a GeoJSON"),
    (POINT.replace(b'"a"', b'"\xe4"'), "utf-8"),
    (POINT.replace(b"[{", b"[7,{"), "Expected `object`, got `int`"),
    (POINT.replace(b"null", b"nul", 1), "invalid character"),
    (POINT, r"its crs is null where that of page 1 is \{"),
    (
        POINT.replace(b"25", b"25.0"),
        "an unknown number of features match where page 1 said 25: the data changed",
    ),
    (
        POINT.replace(b"null}", CRS.encode() + b"}").replace(b'"a"', b'"AREAS_20250101.25"'),
        r"it repeats the feature AREAS_20250101\.25",
    ),
]


@pytest.mark.parametrize(("body", "reason"), BAD)
def test_a_page_that_is_no_part_of_the_whole_is_invalid(
    office: Office, body: bytes, reason: str
) -> None:
    answer = office.answer(answers={3: body})
    assert answer.kind == "invalid"
    assert re.search(rf"^page 3 \(after 20 of 25 features\): .*{reason}", answer.detail, re.DOTALL)
    assert answer.path is not None
    assert answer.path.read_bytes() == body
    assert office.scratch() == [answer.path.name]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b'"exceededTransferLimit":true', "exceededTransferLimit"),
        (b'"properties":{"exceededTransferLimit":true}', "exceededTransferLimit"),
        (b'"links":[{"rel":"next","href":"x"}]', "names a next page"),
    ],
)
def test_a_last_page_that_says_that_there_is_more_is_invalid(
    office: Office, said: bytes, reason: str
) -> None:
    body = POINT.replace(b"25", b"1").replace(b'"crs"', said + b',"crs"')
    answer = office.answer(answers={1: body})
    assert answer.kind == "invalid"
    assert re.search(rf"the last of the features that match, and the .*{reason}", answer.detail)


def test_a_service_that_ignores_the_start_is_caught(office: Office) -> None:
    answer = office.answer(ignores_start_index=True)
    assert answer.kind == "invalid"
    assert (
        "page 2 (after 10 of 25 features): it repeats the feature AREAS_20250101.25: the service"
        " ignores startIndex" in answer.detail
    )
    assert office.answer(ignores_start_index=True, counts=False).kind == "invalid"


def test_data_that_changes_between_pages_is_not_mixed(office: Office) -> None:
    answer = office.answer(changed_page=3)
    assert (answer.kind, office.starts()) == ("invalid", [0, 10, 20])
    assert (
        "it says that 26 features match where page 1 said 25: the data changed meanwhile"
        in answer.detail
    )
    assert "its crs is" in office.answer(other_crs_page=2).detail


def test_more_or_fewer_features_than_match_are_not_taken(office: Office) -> None:
    def page(*numbers: int) -> bytes:
        features = [{**area(number), "id": number} for number in numbers]
        return json.dumps(
            {"type": "FeatureCollection", "numberMatched": 3, "features": features}
        ).encode()

    assert (
        "it makes 4 features where 3 are said to match"
        in office.answer(replace(SOURCE, pages=2), answers={1: page(1, 2), 2: page(3, 4)}).detail
    )
    assert (
        "page 2 (after 2 of 3 features): it has no features"
        in office.answer(replace(SOURCE, pages=2), answers={1: page(1, 2), 2: page()}).detail
    )
    office.publishes(0)
    for counts in (True, False):
        assert office.answer(counts=counts).detail == "page 1: it has no features"


def test_what_a_killed_run_left_behind_is_not_used(office: Office) -> None:
    with serve_wfs({LAYER: office.file}) as base:
        url = f"{base}ows?{QUESTION}"
        with downloads.download_of(url) as download:
            download.restart('"1"', None)
            download.write(b'{"type":"FeatureCollection","features":[\n')
        assert codes(pages.ask(SOURCE, url, lambda *_: None)) == EXPECTED


def test_an_address_without_a_question_gets_one(office: Office) -> None:
    with serve_wfs({LAYER: office.file}, asked=office.asked) as base:
        assert pages.ask(SOURCE, f"{base}ows", lambda *_: None).kind == "invalid"
    assert office.asked == ["/ows?count=10&startIndex=0"]


UNSORTED = QUESTION.replace("&sortBy=g_id", "")


@pytest.mark.parametrize(
    ("faults", "starts"),
    [
        ({"keyless": True}, []),
        ({"counts": False}, []),
        ({"keyless": True, "most": 8}, [0, 8, 16, 24]),  # the whole is capped
        ({"keyless": True, "cut_page": 1, "times": 3}, [0, 10, 20]),
        ({"keyless": True, "busy_page": 1, "times": 2}, []),  # asked again, still as a whole
    ],
)
def test_a_layer_without_an_order_is_asked_whole_and_in_sorted_pages_only_where_that_fails(
    office: Office, faults: dict[str, Any], starts: list[int]
) -> None:
    with serve_wfs({LAYER: office.file}, asked=office.asked, **faults) as base:
        answer = pages.ask(SOURCE, f"{base}ows?{UNSORTED}", lambda *_: None)
    assert (answer.kind, sorted(codes(answer))) == ("received", EXPECTED), answer.detail
    assert "startIndex" not in office.asked[0]
    paged = [path for path in office.asked if "startIndex" in path]
    assert all("sortBy=g_id&" in path for path in paged)
    assert [int(path.rpartition("=")[2]) for path in paged] == starts


@pytest.mark.parametrize(
    ("count", "most", "asked"), [(700, 500, 4), (500, None, 3), (701, None, 0)]
)
def test_an_uncounted_whole_of_a_usual_limit_is_asked_for_in_pages(
    office: Office, count: int, most: int | None, asked: int
) -> None:
    office.publishes(count)
    source = replace(SOURCE, pages=250)
    with serve_wfs({LAYER: office.file}, counts=False, most=most, asked=office.asked) as base:
        question = QUESTION.removesuffix("&sortBy=g_id")
        answer = pages.ask(source, f"{base}gs-open/GEODATA/ows?{question}", lambda *_: None)
    assert len(codes(answer)) == count
    assert len([path for path in office.asked if "startIndex" in path]) == asked


@pytest.mark.parametrize(
    "said", [b'"exceededTransferLimit":true', b'"links":[{"rel":"next","href":"x"}]']
)
def test_a_whole_that_says_that_there_is_more_is_not_taken(office: Office, said: bytes) -> None:
    body = POINT.replace(b'"numberMatched":25,', b"").replace(b'"crs"', said + b',"crs"')
    assert b"numberMatched" not in body
    with serve_wfs({LAYER: office.file}, answers={1: body}, asked=office.asked) as base:
        question = QUESTION.removesuffix("&sortBy=g_id")
        pages.ask(SOURCE, f"{base}gs-open/GEODATA/ows?{question}", lambda *_: None)
    assert len(office.asked) > 1  # in pages, which this body is the first of again


def test_an_answer_beyond_what_is_listed_at_once_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LARGEST", 1000)
    answer = office.answer()
    assert answer.kind == "invalid"
    assert re.search(r"has [\d,]+ bytes where one answer may have 1,000: declare", answer.detail)


def test_a_busy_service_is_not_asked_in_pages(office: Office) -> None:
    with serve_wfs({LAYER: office.file}, asked=office.asked, busy_page=1, times=99) as base:
        answer = pages.ask(SOURCE, f"{base}ows?{UNSORTED}", lambda *_: None)
    assert (answer.kind, answer.detail) == ("unreachable", "the whole: status 503")
    assert not any("startIndex" in path for path in office.asked)


def test_never_more_than_a_page_is_in_memory(office: Office) -> None:
    features = [
        {**area(number), "id": number, "properties": {"text": f"{number:05}" * 10_000}}
        for number in range(200)
    ]
    bodies = {
        page + 1: (
            json.dumps(
                {
                    "type": "FeatureCollection",
                    "numberMatched": 200,
                    "features": features[page * 10 : page * 10 + 10],
                }
            ).encode()
        )
        for page in range(20)
    }
    tracemalloc.start()
    answer = office.answer(answers=bodies)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.kind == "received"
    assert peak < (answer.size or 0) / 2


# --- from the service to the archive and the database
# ----------------------------------------------------------------


def test_a_new_layer_is_archived_and_the_second_question_finds_it_unchanged(
    office: Office, database: Database
) -> None:
    with serve_wfs({LAYER: office.file}, asked=office.asked) as base:
        retrieval, original = office.fetched_from(base)
        assert (retrieval.state, original.state, office.starts()) == ("new", "new", [0, 10, 20])
        assert site().archive.originals.latest(retrieval.source) == original
        retrieval, again = office.fetched_from(base)
        assert (retrieval.state, retrieval.path, again) == (
            "unchanged",
            None,
            replace(original, state="unchanged"),
        )
        assert (office.starts(), office.scratch(), office.loud) == ([0, 10, 20, 0, 10, 20], [], [])
        office.publishes(26)
        retrieval, changed = office.fetched_from(base)
        assert (retrieval.state, changed.state) == ("changed", "changed")
    assert [kept.sha256 for kept in site().archive.manifests.of(office.source)] == [
        changed.sha256,
        original.sha256,
    ]


def test_the_archived_manifest_declares_the_pages(office: Office, database: Database) -> None:
    office.fetched()
    (document,) = [document for _, document in site().archive.documents.read_all("manifests")]
    assert (document["source"]["pages"], document["size"] > 4000) == (10, True)
    assert not any(name in document["headers"] for name in ("content-length", "etag"))


def test_a_page_refused_goes_to_quarantine_and_the_archive_stands_in(
    office: Office, database: Database
) -> None:
    _, first = office.fetched()
    retrieval, original = office.fetched(html_page=2)
    assert (retrieval.state, original) == (
        "invalid",
        replace(first, source=retrieval.source, state="invalid"),
    )
    (refused,) = [document for _, document in site().archive.documents.read_all("quarantine")]
    assert (
        refused["reason"]
        == "page 2 (after 10 of 25 features): it is an HTML page titled 'Wartungsarbeiten' and not"
        " json"
    )
    assert b"Wartungsarbeiten" in (office.folder / "data/archive" / refused["bytes"]).read_bytes()
    assert "Wartungsarbeiten" in office.loud[0]
    assert office.fetched(busy_page=2, times=9)[0].state == "unreachable"
    assert office.fetched(status_page=(2, 404))[0].state == "unreachable"
    assert office.fetched(status_page=(1, 404))[0].state == "gone"
    assert office.fetched(cut_page=2, times=9)[0].state == "invalid"
    assert (
        "it is truncated: page 2 (after 10 of 25 features): the body ended after" in office.loud[-1]
    )
    assert office.scratch() == []


def test_without_an_archive_the_page_to_blame_is_named(office: Office, database: Database) -> None:
    with pytest.raises(
        SourceError,
        match=(
            r"xx-areas 2025 of An office is invalid: .* page 2 \(after 10 of 25 features\): it"
            r" repeats the feature"
        ),
    ):
        office.fetched(ignores_start_index=True)
    office.source = replace(SOURCE, minimum_bytes=1_000_000)
    with pytest.raises(SourceError, match="where at least 1,000,000 are declared"):
        office.fetched()


def test_a_service_that_moved_for_good_is_named_without_its_page(
    office: Office, database: Database
) -> None:
    retrieval, _ = office.fetched(moved=True)
    assert retrieval.state == "moved"
    assert retrieval.detail.endswith(f"/moved/gs-open/GEODATA/ows?{QUESTION}")


def test_a_mirror_gives_the_whole_file_and_is_not_asked_in_pages(office: Office) -> None:
    mirror = {
        "label": "synthetic",
        "about": "Made up.",
        "sources": {"xx-areas-2025": {"path": "areas.geojson"}},
    }
    (office.folder / "mirror.json").write_text(json.dumps(mirror), encoding="utf-8")
    assert mirrors.apply(SOURCE, str(office.folder)).pages is None


def test_the_file_is_read_as_any_geometry_file(
    office: Office, database: Database, staging: Staging
) -> None:
    _, original = office.fetched()
    (file,) = unpack_original.fn(original)
    assert isinstance(original.source.reads, Features)
    figures = load(database, staging.schema, "areas", file.path, original.source.reads)
    assert (figures.features, figures.without_geometry) == (25, 0)
    rows = database.rows(
        f"SELECT code, name, st_srid(geom), st_area(geom) FROM {staging.schema}.areas ORDER BY code"
    )
    assert [row[0] for row in rows] == EXPECTED
    assert rows[0][1:3] == ('Großgöttfritz "0", \\]}', 31287)
    assert sum(row[3] for row in rows) == pytest.approx(25 * 1000.25 * 1000.1)


@pytest.mark.real
def test_a_real_layer_comes_through_whole(office: Office, real_files: Path) -> None:
    file = real_files / "austria" / "STATISTIK_AUSTRIA_GEM_20210101_simplified995.geojson"
    question = QUESTION.replace("&srsName=EPSG:31287", "").replace("g_id", "iso")
    with serve_wfs({LAYER: file}) as base:
        answer = pages.ask(replace(SOURCE, pages=500), f"{base}ows?{question}", lambda *_: None)
    expected = {
        feature["properties"]["iso"]: feature["geometry"]
        for feature in json.loads(file.read_bytes())["features"]
    }
    assert {
        feature["properties"]["iso"]: feature["geometry"]
        for feature in json.loads(content(answer))["features"]
    } == expected
    assert len(expected) > 2000


def test_a_collection_is_taken_apart_in_the_texts_it_is_made_of() -> None:
    found = take_apart(
        b'{"features":[{"id":null,"a":1},'
        b' {"id":0}],"type":"FeatureCollection","totalFeatures":2,"numberMatched":"unknown"}'
    )
    assert [bytes(feature.content) for feature in found.features] == [
        b'{"id":null,"a":1}',
        b'{"id":0}',
    ]
    assert [len(feature.identity) for feature in found.features] == [64, 1]
    assert (found.matched, found.crs) == (2, None)
    assert (
        take_apart(b'{"type":"FeatureCollection","features":[],"numberMatched":true}').matched
        is None
    )
