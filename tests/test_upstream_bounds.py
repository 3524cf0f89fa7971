"""No answer of a server breaks the next question: hostile headers, files without an end, drips and
redirects into networks that are not the publisher's.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import faulty_server
import pytest
import test_arrivals
import test_pages
from faulty_server import FaultyServer, raw, running, slow, status, trickle, whole
from test_arrivals import TEXT, Office

from tasks.core.archive import todays_files
from tasks.core.model.errors import ConfigurationError
from tasks.core.upstream import bounds, http, lines, pages, stand_ins
from tasks.core.upstream.answers import Answer
from tasks.core.upstream.transfers import ask

pytestmark = pytest.mark.faults
LONG = "9" * 5000  # digits that Python does not read as a number
STRANGE = [
    "²",
    "é ü",
    "\u0661",
    LONG,
    "-1",
    "1e9",
    '"',
    "(" * 2000,
    "\x01\x7f",
    "a\tb",
    "\xa0",
    "😀",
]
HEADERS = {
    "ETag": [*(f'"{each}"' for each in STRANGE), 'W/"é"', "W/", '"' + "e" * 60_000 + '"', "*", ""],
    "Last-Modified": [*STRANGE, "Wed Jan  1 000:00 277777777777777777777777702", "0", "é" * 9000],
    "Content-Disposition": [*STRANGE, "attachment; filename*=UTF-8''%00%2e%2e%2f", "é" * 9000],
    "Content-Type": [
        *STRANGE,
        "text/csv; charset=hex",
        "text/csv; charset=undefined",
        "x" * 30_000,
    ],
    "Content-Encoding": [*STRANGE, "gzip, br", "identity", "hex", "compress"],
    "Accept-Ranges": [*STRANGE, "bytes", "none"],
    "Content-Range": [*STRANGE, "bytes 0-1/2", f"bytes 0-1/{LONG}"],
    "Set-Cookie": [*STRANGE, "a=b; Max-Age=²; Domain=example; Expires=Wed, 99 Jan 99999"],
}
SPOILT = {
    "Content-Length": [*STRANGE, "0x10", "5, 6", "9" * 18],
    "Location": [
        *(each for each in STRANGE if each),
        *(
            "http://[::1",
            "http://a:99999/",
            "http://127.0.0.1:99999/",
            "http://a..b/",
            "http://\xa0/",
            "//",
            "http://",
        ),
        *("file:///etc/passwd", "ftp://127.0.0.1/", "javascript:1", "http://" + "a" * 300, "?"),
    ],
    "Retry-After": [*STRANGE, "Wed Jan  1 000:00 277777777777777777777777702", "nan", "inf"],
}


office = test_arrivals.office


def together() -> Iterator[bytes]:
    """Lines of all headers, each time with another strange value of each."""
    for told in zip(*(values[:8] for values in HEADERS.values()), strict=False):
        lines = (f"{name}: {value}\r\n" for name, value in zip(HEADERS, told, strict=True))
        yield "".join(lines).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FaultyServer]:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path))
    monkeypatch.setattr(http, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(http, "LONGEST_RETRY_AFTER_SECONDS", 0.01)
    with running() as faulty:
        yield faulty


def asked(url: str, **conditions: str | None) -> Answer:
    return ask(url, lambda *_: None, **conditions)


def head(line: bytes, code: int = 200, size: int = len(TEXT)) -> bytes:
    return b"HTTP/1.1 %d Fine\r\n%bContent-Length: %d\r\n\r\n" % (code, line, size)


def test_no_header_breaks_a_source(office: Office) -> None:
    for told in together():
        office.answers(raw(head(told), TEXT))
        assert [office.fetched()[0].state for _ in range(2)][1] == "unchanged", told
    assert office.content() == TEXT


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_breaks_the_next_question(server: FaultyServer, name: str) -> None:
    for number, value in enumerate(HEADERS[name]):
        url = server.script(f"/{number}", raw(head(f"{name}: {value}\r\n".encode()), TEXT))
        first = asked(url)
        again = asked(url, etag=first.etag, last_modified=first.last_modified)
        assert (first.kind, again.kind) == ("received", "received"), value


def test_a_last_change_that_is_no_date_is_taken_for_the_day_of_the_question() -> None:
    now = datetime.now(UTC)
    for value in HEADERS["Last-Modified"]:
        assert todays_files.day(value, now) in (now.date(), date(1999, 9, 9)), value


def test_no_header_breaks_what_is_resumed(server: FaultyServer) -> None:
    for number, told in enumerate(together()):
        url = server.script(f"/{number}", raw(head(told), TEXT[:999]), whole(TEXT, etag='"1"'))
        assert asked(url).kind == "received", told
        part = raw(head(told, 206, size=9), TEXT[999:1008])
        url = server.script(f"/part/{number}", raw(head(b'ETag: "1"\r\n'), TEXT[:999]), part)
        assert asked(url).kind in ("received", "refused", "unreachable"), told
        server.script(f"/part/{number}", whole(TEXT, etag='"1"'))
        assert asked(url).kind == "received", told


@pytest.mark.parametrize("name", SPOILT)
def test_no_answer_breaks_the_next_question(server: FaultyServer, name: str) -> None:
    code = {"Location": 302, "Retry-After": 503}.get(name, 200)
    for number, value in enumerate(SPOILT[name]):
        line = f"HTTP/1.1 {code} Fine\r\n{name}: {value}\r\nConnection: close\r\n\r\n".encode()
        url = server.script(f"/{number}", raw(line, b""))
        assert asked(url).kind != "unchanged", value
        server.script(f"/{number}", whole(TEXT))
        assert asked(url).kind == "received", value


def test_validators_kept_before_are_not_sent_when_they_cannot_be(server: FaultyServer) -> None:
    url = server.script("/a", whole(TEXT, etag='"1"'))
    for value in ["é", "\x00", "a\r\nb", "😀", "e" * 60_000]:
        assert asked(url, etag=value, last_modified=value).kind == "received"
        assert not {"if-none-match", "if-modified-since"} & set(server.asked[-1].headers)


@pytest.mark.parametrize("code", [400, 412, 416, 431])
def test_a_condition_that_a_server_cannot_bear_is_left_out(server: FaultyServer, code: int) -> None:
    def strict(handler: faulty_server.Handler) -> int:
        asks = handler.headers.get("If-None-Match") or handler.headers.get("Range")
        return (status(code) if asks else whole(TEXT))(handler)

    assert asked(server.script("/a", strict), etag='"1"').kind == "received"
    server.script("/b", raw(head(b'ETag: "1"\r\n'), TEXT[:999]), strict)
    assert asked(f"{server.base}/b", etag='"1"').kind == "received"


def test_a_304_to_a_range_alone_is_asked_again_without_it(server: FaultyServer) -> None:
    url = server.script("/a", raw(head(b'ETag: "1"\r\n'), TEXT[:999]), status(304), whole(TEXT))
    assert asked(url).kind == "received"


def endless_body(chunked: bool, most: int = 64 << 20) -> faulty_server.Step:
    """A body that goes on until the client hangs up."""

    def answer(handler: faulty_server.Handler) -> int:
        handler.begin(200, Transfer_Encoding="chunked" if chunked else None, ETag='"1"')
        handler.close_connection = True
        block = b"10000\r\n" + bytes(1 << 16) + b"\r\n" if chunked else bytes(1 << 16)
        for _ in range(most >> 16):
            handler.wfile.write(block)
        return most

    return answer


@pytest.mark.parametrize("chunked", [True, False])
def test_a_download_without_an_end_is_refused_at_its_bound(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chunked: bool
) -> None:
    monkeypatch.setenv("GEODATA_LARGEST_DOWNLOAD", "1MiB")
    url = server.script("/a", endless_body(chunked), whole(TEXT))
    answer = asked(url)
    assert (answer.kind, answer.path, len(server.asked)) == ("refused", None, 1)
    assert "at most 1,048,576 bytes are taken (GEODATA_LARGEST_DOWNLOAD)" in answer.detail
    assert answer.detail.endswith("set GEODATA_LARGEST_DOWNLOAD to more")
    assert not [*tmp_path.glob("scratch/downloads/*.part")]
    assert asked(url).kind == "received"


def test_a_length_beyond_the_bound_is_refused_before_the_body(server: FaultyServer) -> None:
    answer = asked(server.script("/a", raw(head(b"", size=17 << 30), b"")))
    assert (answer.kind, len(server.asked)) == ("refused", 1)
    assert "at most 17,179,869,184 bytes are taken" in answer.detail


def test_a_file_many_times_its_last_original_is_refused_until_a_person_says_so(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "GROWTH_FROM", 1000)
    office.answers(whole(TEXT), whole(TEXT * 9))
    office.fetched()
    retrieval, original = office.fetched()
    assert (retrieval.state, original.size) == ("unreachable", len(TEXT))
    assert f"the last original has {len(TEXT):,}" in office.loud[-1]
    monkeypatch.setenv("GEODATA_LARGEST_DOWNLOAD", "20 GiB")
    assert office.content() == TEXT * 9


def test_pages_without_an_end_keep_within_the_bounds_together(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(handler: faulty_server.Handler) -> int:
        start = int(handler.path.rpartition("=")[2])
        found = [{"type": "Feature", "id": f"a.{start + each}"} for each in range(100)]
        body = json.dumps({"type": "FeatureCollection", "features": found}).encode()
        return whole(body, kind="application/json")(handler)

    monkeypatch.setenv("GEODATA_LARGEST_DOWNLOAD", "20000")
    source = replace(test_pages.SOURCE, minimum_bytes=1)
    answer = pages.ask(source, server.script("/wfs", page) + "?sortBy=id", lambda *_: None)
    assert (answer.kind, answer.path) == ("refused", None)
    assert 4 < len(server.asked) < 10
    assert "at most 20,000 bytes are taken" in answer.detail


def test_what_a_coding_unpacks_to_keeps_within_the_bounds(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GEODATA_LARGEST_DOWNLOAD", "40000")
    office.answers(faulty_server.coded(gzip.compress(TEXT), "gzip"))
    with pytest.raises(Exception, match=r"unpacked, at most 40,000 bytes are taken"):
        office.fetched()


def drip(pause: float, part: bytes = b"") -> faulty_server.Step:
    """Bytes one by one: of the body, or of heads of answers that are not the last."""

    def answer(handler: faulty_server.Handler) -> int:
        if not part:
            handler.begin(200, Content_Length=1 << 20)
        for _ in range(10_000):
            handler.wfile.write(part or b"x")
            time.sleep(pause)
        return 10_000

    return answer


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_drip_is_given_up(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, part: bytes
) -> None:
    monkeypatch.setattr(bounds, "WINDOW_SECONDS", 0.2)
    answer = asked(server.script("/a", drip(0.02, part)))
    assert (answer.kind, len(server.asked)) == ("unreachable", 3)
    assert "where 262,144 are the least" in answer.detail


def test_a_slow_office_is_waited_for_but_not_for_ever(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "WINDOW_SECONDS", 1.0)
    monkeypatch.setattr(bounds, "LEAST", 10)
    url = server.script("/a", trickle(TEXT, 40, 0.04))
    assert asked(url).kind == "received"
    monkeypatch.setenv("GEODATA_LONGEST_DOWNLOAD_HOURS", str(0.2 / 3600))
    answer = asked(server.script("/b", slow(0.3, whole(TEXT))))
    assert answer.kind == "unreachable"
    answer = asked(server.script("/c", trickle(TEXT, 200, 0.05)))
    assert answer.kind == "unreachable"
    assert "GEODATA_LONGEST_DOWNLOAD_HOURS" in answer.detail


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        *((each, "public") for each in ("8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8")),
        *((each, "loopback") for each in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1")),
        *((each, "loopback") for each in ("0.0.0.0", "::", "64:ff9b::7f00:1", "2002:7f00:1::")),
        *((each, "link-local") for each in ("169.254.169.254", "fe80::1%eth0", "fd00:ec2::254")),
        *((each, "link-local") for each in ("100.100.100.200", "::ffff:169.254.169.254")),
        *((each, "private") for each in ("10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12::1")),
        *((each, "private") for each in ("100.64.0.1", "224.0.0.1", "255.255.255.255", "ff02::1")),
    ],
)
def test_an_address_is_known_by_where_it_is_reached(address: str, kind: str) -> None:
    assert lines.kind_of(address) == kind


@pytest.fixture
def internet(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A second server, whose address of this machine counts as one of the internet."""
    real = lines.kind_of
    monkeypatch.setattr(lines, "kind_of", lambda ip: "public" if ip == "127.0.0.2" else real(ip))
    with running("127.0.0.2") as faulty:
        yield faulty


@pytest.mark.parametrize(
    "target", ["{here}/a", "http://localhost:{port}/a", "http://0.0.0.0:{port}/a", "{there}/again"]
)
def test_no_redirect_leads_from_the_internet_into_this_machine(
    server: FaultyServer, internet: FaultyServer, target: str
) -> None:
    port = server.base.rpartition(":")[2]
    here, there = server.script("/a", whole(TEXT)), internet.base
    internet.script("/again", status(302, Location=here))
    to = target.format(here=server.base, there=there, port=port)
    answer = asked(internet.script("/b", status(302, Location=to)))
    assert (answer.kind, server.asked) == ("refused", [])
    assert "a redirect leads from http://127.0.0.2" in answer.detail
    assert "to this machine itself" in answer.detail
    assert "declare that address" in answer.detail


def test_what_is_declared_may_be_private_and_go_on_to_the_internet_but_not_back(
    server: FaultyServer, internet: FaultyServer
) -> None:
    public = internet.script("/a", whole(TEXT))
    assert asked(server.script("/a", whole(TEXT))).kind == "received"
    assert asked(server.script("/b", status(302, Location="/a"))).kind == "received"
    assert asked(server.script("/c", status(302, Location=public))).kind == "received"
    back = internet.script("/d", status(302, Location=f"{server.base}/a"))
    assert asked(server.script("/e", status(302, Location=back))).kind == "refused"


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "[fd00:ec2::254]", "10.255.255.1", "[::ffff:169.254.169.254]"]
)
def test_no_redirect_leads_to_another_kind_of_private_address(
    server: FaultyServer, address: str
) -> None:
    answer = asked(server.script("/a", status(307, Location=f"http://{address}/latest/")))
    assert (answer.kind, len(server.asked)) == ("refused", 1)


def test_a_name_that_leads_elsewhere_the_second_time_is_found_out(
    server: FaultyServer, internet: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is looked up before a connection, and again by it: another address then."""
    server.script("/a", whole(TEXT))
    real, asked_for = socket.getaddrinfo, list[str]()

    def rebinding(host: object, *others: object, **named: object) -> object:
        if host != "rebinding.test":
            return real(host, *others, **named)  # type: ignore[arg-type]
        asked_for.append(str(host))
        return real("127.0.0.2" if len(asked_for) == 1 else "127.0.0.1", *others, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    to = server.base.replace("127.0.0.1", "rebinding.test") + "/a"
    answer = asked(internet.script("/b", status(302, Location=to)))
    assert (answer.kind, server.asked, len(asked_for)) == ("refused", [], 2)


def test_behind_a_proxy_the_name_has_to_do(
    server: FaultyServer, internet: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forward proxy is asked for whole addresses: the server here takes any."""
    monkeypatch.setenv("HTTP_PROXY", server.base)
    monkeypatch.setenv("NO_PROXY", "")
    server.script("http://127.0.0.2/b", status(302, Location="http://169.254.169.254/"))
    assert asked("http://127.0.0.2/b").kind == "refused"
    server.script("http://127.0.0.2/c", whole(TEXT))
    assert asked("http://127.0.0.2/c").kind == "received"
    assert [each.path for each in server.asked] == ["http://127.0.0.2/b", "http://127.0.0.2/c"]


@pytest.mark.parametrize("content", [b"[" * 200_000, b"\xff\xfe", b"{" + b" " * (2 << 20)])
def test_a_hostile_mirror_is_refused_in_a_sentence(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(stand_ins, "LARGEST", 1 << 20)
    server.script("/mirror.json", whole(content, kind="text/json; charset=hex"))
    with pytest.raises(ConfigurationError, match=r"cannot be used"):
        stand_ins.read(server.base)


def test_a_folder_of_devices_is_no_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        answer = asked(str(path))
        assert (answer.kind, answer.path) == ("refused", None)


def test_credentials_of_this_machine_are_sent_and_never_shown(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = server.base.removeprefix("http://")
    known = f"http://me:hid%40den@{place}/closed http://{place}/closed/deeper?code=planted"
    monkeypatch.setenv("GEODATA_CREDENTIALS", known)
    url = server.script("/closed/a", whole(TEXT))
    assert asked(url).kind == "received"
    assert server.asked[-1].headers["authorization"].startswith("Basic ")
    moved = server.script("/closed/deeper/a", status(301, Location="/open?code=planted"))
    server.script("/open", whole(TEXT, kind="text/planted"))
    answer = asked(moved)
    assert server.asked[-2].path == "/closed/deeper/a?code=planted"
    assert "planted" not in repr(replace(answer, path=None))
    asked(server.script("/open", whole(TEXT)))
    assert "authorization" not in server.asked[-1].headers
    monkeypatch.setenv("GEODATA_CREDENTIALS", "http://me:hidden:x@y:z/")
    with pytest.raises(ConfigurationError, match=r"GEODATA_CREDENTIALS") as caught:
        asked(url)
    assert "hidden" not in str(caught.value)
