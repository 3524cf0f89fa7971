"""Transfers over HTTP against a real server with real faults: conditional questions, resuming,
retries, redaction.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import processes
import pytest
from faulty_server import FaultyServer, cut, ranged, running, slow, status, trickle, whole

from tasks.core.model.addresses import redact, redact_all
from tasks.core.upstream import downloads, http
from tasks.core.upstream.answers import Answer
from tasks.core.upstream.transfers import ask

BODY = bytes(range(256)) * 4000  # about a megabyte
DIGEST = hashlib.sha256(BODY).hexdigest()
DATED = "Wed, 01 Jan 2025 00:00:00 GMT"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FaultyServer]:
    """A faulty server, a scratch folder of the test's own, and short waits between tries."""
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path))
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    with running() as faulty:
        yield faulty


def received(url: str, **validators: str | None) -> Answer:
    """Ask without looking at the progress."""
    return ask(url, lambda *_: None, **validators)


def test_bytes_are_streamed_hashed_and_reported(server: FaultyServer) -> None:
    seen: list[tuple[int, int | None]] = []
    answer = ask(
        server.script("/a", whole(BODY, etag='"1"', last_modified=DATED)),
        lambda *figures: seen.append(figures),
    )
    assert (answer.kind, answer.sha256, answer.size, answer.etag, answer.last_modified) == (
        "received",
        DIGEST,
        len(BODY),
        '"1"',
        DATED,
    )
    assert answer.path is not None
    assert answer.path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert answer.headers["content-type"] == "application/zip"
    assert server.asked[0].headers["user-agent"] == "geodata-flows"
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(("etag", "dated"), [('"1"', None), (None, DATED), ('"1"', DATED)])
def test_unchanged_costs_one_conditional_request(
    server: FaultyServer, etag: str | None, dated: str | None
) -> None:
    url = server.script("/a", whole(BODY, etag=etag, last_modified=dated))
    assert received(url, etag=etag, last_modified=dated).kind == "unchanged"
    assert [asked.sent for asked in server.asked] == [0]


def test_content_encoding_does_not_alter_the_bytes_stored(server: FaultyServer) -> None:
    def compressed_anyway(handler: object) -> int:
        handler.begin(200, Content_Encoding="gzip", Content_Length=len(BODY))  # type: ignore[attr-defined]
        handler.wfile.write(BODY)  # type: ignore[attr-defined]
        return len(BODY)

    assert received(server.script("/a", compressed_anyway)).sha256 == DIGEST


def test_permanent_moves_are_noted_and_temporary_ones_are_not(server: FaultyServer) -> None:
    server.script("/new", whole(BODY))
    assert (
        received(server.script("/old", status(301, Location="/new"))).moved_to
        == f"{server.base}/new"
    )
    assert (
        received(server.script("/older", status(308, Location="/old"))).moved_to
        == f"{server.base}/new"
    )
    temporary = received(server.script("/today", status(302, Location="/new")))
    assert (temporary.kind, temporary.moved_to) == ("received", "")


@pytest.mark.parametrize(
    ("code", "kind"),
    [(404, "gone"), (410, "gone"), (403, "refused"), (401, "refused"), (400, "refused")],
)
def test_permanent_errors_are_asked_once(server: FaultyServer, code: int, kind: str) -> None:
    assert received(server.script("/a", status(code))).kind == kind
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
def test_busy_servers_are_asked_again_when_they_say(server: FaultyServer, code: int) -> None:
    started = time.monotonic()
    assert received(server.script("/a", status(code, Retry_After=1), whole(BODY))).sha256 == DIGEST
    assert len(server.asked) == 2
    assert time.monotonic() - started >= 1.0


def test_retry_after_is_capped_and_read_as_a_date(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LONGEST_RETRY_AFTER_SECONDS", 0.2)
    in_an_hour = formatdate(time.time() + 3600, usegmt=True)
    url = server.script(
        "/a", status(503, Retry_After=3600), status(503, Retry_After=in_an_hour), whole(BODY)
    )
    started = time.monotonic()
    assert received(url).kind == "received"
    assert 0.4 <= time.monotonic() - started < 300


def test_three_tries_and_no_more(server: FaultyServer) -> None:
    answer = received(server.script("/a", status(503)))
    assert (answer.kind, answer.detail, len(server.asked)) == ("unreachable", "status 503", 3)


def test_slow_servers_run_into_the_read_timeout(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    assert received(server.script("/a", slow(0.6, whole(BODY)), whole(BODY))).sha256 == DIGEST
    answer = received(server.script("/b", slow(0.6, whole(BODY))))
    assert (answer.kind, answer.detail) == ("unreachable", "timed out")


def test_refused_connections_are_unreachable(server: FaultyServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = received(f"http://user:hidden@127.0.0.1:{port}/a?key=hidden")
    assert answer.kind == "unreachable"
    assert "refused" in answer.detail
    assert "hidden" not in repr(answer)


def test_a_redirect_loop_and_an_unknown_scheme_are_refused(server: FaultyServer) -> None:
    assert received(server.script("/a", status(302, Location="/a"))).kind == "refused"
    assert received("gopher://127.0.0.1/a").kind == "refused"


def test_a_cut_line_is_resumed_by_range(server: FaultyServer) -> None:
    answer = received(server.script("/a", cut(BODY, 300_000, etag='"1"'), whole(BODY, etag='"1"')))
    assert (answer.kind, answer.sha256) == ("received", DIGEST)
    resumed = server.asked[1]
    assert resumed.headers["range"] == f"bytes={len(BODY) - resumed.sent}-"
    assert resumed.headers["if-range"] == '"1"'
    assert 0 < resumed.sent <= len(BODY) - 200_000


def test_a_file_that_changed_in_between_is_not_mixed(server: FaultyServer) -> None:
    changed = BODY[::-1]
    answer = received(
        server.script("/a", cut(BODY, 300_000, etag='"1"'), whole(changed, etag='"2"'))
    )
    assert (answer.sha256, answer.etag) == (hashlib.sha256(changed).hexdigest(), '"2"')


def test_a_server_that_ignores_ranges_starts_again(server: FaultyServer) -> None:
    answer = received(
        server.script("/a", cut(BODY, 300_000, etag='"1"'), whole(BODY, etag='"1"', ranges=False))
    )
    assert answer.sha256 == DIGEST
    assert server.asked[1].sent == len(BODY)


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_nothing_is_resumed_without_a_strong_validator(
    server: FaultyServer, etag: str | None
) -> None:
    assert (
        received(server.script("/a", cut(BODY, 300_000, etag=etag), whole(BODY, etag=etag))).sha256
        == DIGEST
    )
    assert "range" not in server.asked[1].headers


def test_a_range_answered_in_pieces_or_from_elsewhere_still_gives_the_whole(
    server: FaultyServer,
) -> None:
    def piece(first: int, last: int) -> object:
        def answer(handler: object) -> int:
            handler.begin(
                206,
                ETag='"1"',
                Content_Range=f"bytes {first}-{last - 1}/{len(BODY)}",
                Content_Length=last - first,
            )  # type: ignore[attr-defined]
            handler.wfile.write(BODY[first:last])  # type: ignore[attr-defined]
            return last - first

        return answer

    pieces = server.script(
        "/a", cut(BODY, 65_536, etag='"1"'), piece(65_536, 200_000), whole(BODY, etag='"1"')
    )  # type: ignore[arg-type]
    assert received(pieces).sha256 == DIGEST
    elsewhere = server.script(
        "/b", cut(BODY, 65_536, etag='"1"'), piece(0, 200_000), whole(BODY, etag='"1"')
    )  # type: ignore[arg-type]
    assert received(elsewhere).sha256 == DIGEST


def test_a_body_that_always_ends_early_is_truncated(server: FaultyServer) -> None:
    answer = received(server.script("/a", cut(BODY, 300_000)))
    assert (answer.kind, answer.size) == ("truncated", 300_000)
    assert "300,000 bytes, 3 times" in answer.detail


def test_a_line_that_breaks_elsewhere_each_time_is_unreachable_and_keeps_its_bytes(
    server: FaultyServer,
) -> None:
    url = server.script(
        "/a",
        cut(BODY, 100_000),
        cut(BODY, 200_000),
        cut(BODY, 300_000, etag='"1"'),
        whole(BODY, etag='"1"'),
    )
    assert received(url).kind == "unreachable"
    assert received(url).sha256 == DIGEST
    assert server.asked[3].sent == len(BODY) - 300_000


@pytest.mark.slow
def test_a_killed_download_resumes(server: FaultyServer, tmp_path: Path) -> None:
    url = server.script("/a", trickle(BODY * 8, 200, 0.02, etag='"1"'), whole(BODY * 8, etag='"1"'))
    program = f"from tasks.core.upstream.transfers import ask; ask({url!r}, lambda *_: None)"
    command, environment = (sys.executable, "-c", program), {"GEODATA_DATA": str(tmp_path)}
    with processes.started(
        *command, env=os.environ | environment, cwd=Path(__file__).parents[1]
    ) as child:
        while not any(path.stat().st_size for path in tmp_path.glob("scratch/downloads/*.part")):
            assert child.poll() is None, "the download ended before it could be killed"
            time.sleep(0.01)
        child.kill()
    answer = received(url)
    assert answer.sha256 == hashlib.sha256(BODY * 8).hexdigest()
    assert 0 < server.asked[1].sent < len(BODY) * 8


def test_a_complete_part_left_behind_is_taken_again_without_error(server: FaultyServer) -> None:
    url = server.script("/a", whole(BODY, etag='"1"'))
    with downloads.download_of(url) as download:
        download.restart('"1"', None)
        download.write(BODY)
    assert received(url).sha256 == DIGEST


def test_two_downloads_of_one_address_do_not_meet(server: FaultyServer) -> None:
    url = server.script("/a", whole(BODY, etag='"1"'))
    with downloads.download_of(url) as first:
        first.restart('"1"', None)
        first.write(b"half")
        assert received(url).sha256 == DIGEST
        assert first.length == 4


def test_a_local_file_gives_the_same_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    file = tmp_path / "file.zip"
    file.write_bytes(BODY)
    answer = received(str(file))
    assert (answer.kind, answer.sha256, answer.size) == ("received", DIGEST, len(BODY))
    assert received(file.as_uri(), etag=answer.etag).kind == "unchanged"
    os.utime(file, (1, 1))
    assert received(str(file), etag=answer.etag).kind == "received"
    assert received(str(tmp_path / "missing.zip")).kind == "gone"
    assert file.read_bytes() == BODY


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("https://me:pa%20ss@host/x?year=2020", "https://***@host/x?year=2020"),
        ("https://host/x?key=abc&year=2020", "https://host/x?key=***&year=2020"),
        ("https://host/x?a=1&access_token=abc#t", "https://host/x?a=1&access_token=***#t"),
        (
            "failed: 'https://host/?api_key=abc' was refused",
            "failed: 'https://host/?api_key=***' was refused",
        ),
        (
            "https://host/?X-Amz-Signature=abc&X-Amz-Credential=def",
            "https://host/?X-Amz-Signature=***&X-Amz-Credential=***",
        ),
        ("https://host/monkey=1?turkey=2&keyword=3", "https://host/monkey=1?turkey=2&keyword=3"),
    ],
)
def test_credentials_are_redacted(text: str, safe: str) -> None:
    assert redact(text) == safe
    plain = {"key": [text, {"mirror": text}], "vintage": 2024, "none": None}
    assert redact_all(plain) == {"key": [safe, {"mirror": safe}], "vintage": 2024, "none": None}


def test_the_http_library_logs_no_credentials(
    server: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = server.script("/a", whole(BODY)).replace("http://", "http://me:hidden@")
    with caplog.at_level(logging.INFO, logger="httpx"):
        received(f"{url}?token=hidden")
    assert "/a?token=***" in caplog.text
    assert "hidden" not in caplog.text


@pytest.mark.parametrize("after", [None, "0", "Wed, 01 Jan 2025 00:00:00 GMT"])
def test_a_file_that_is_still_being_made_is_asked_for_again(
    server: FaultyServer, after: str | None
) -> None:
    waiting = status(202, Retry_After=after)
    answer = received(server.script("/a", waiting, waiting, whole(BODY)))
    assert (answer.kind, answer.sha256, len(server.asked)) == ("received", DIGEST, 3)
    answer = received(server.script("/b", waiting))
    assert (answer.kind, answer.path) == ("unreachable", None)
    assert answer.detail == "status 202 (the publisher is still making the file)"


@pytest.mark.parametrize("code", [204, 205, 206, 300, 305, 203])
def test_what_looks_like_success_and_is_no_whole_file_is_refused(
    server: FaultyServer, code: int
) -> None:
    answer = received(server.script("/a", status(code)))
    assert (answer.kind, answer.path, len(server.asked)) == ("refused", None, 1)
    assert answer.detail.startswith(f"status {code}")


@pytest.mark.parametrize(
    "told",
    [
        "bytes 999-{last}/{size}",
        "bytes 1000-{last}/*",
        "bytes 1000-{size}/{size}",
        "bytes 1000-900/{size}",
        "bytes */{size}",
        "1000-{last}/{size}",
        "",
    ],
)
def test_a_range_that_lies_is_asked_for_as_a_whole(server: FaultyServer, told: str) -> None:
    said = told.format(last=len(BODY) - 1, size=len(BODY))
    url = server.script("/a", cut(BODY, 1000, etag='"1"'), ranged(BODY[1000:], said), whole(BODY))
    answer = received(url)
    assert (answer.kind, answer.sha256) == ("received", DIGEST)
    assert "range" not in server.asked[-1].headers
