"""The folder server answers as a publisher's server does: validators, conditional requests,
ranges.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import processes
import pytest
from file_server import serve

BODY = bytes(range(256)) * 40


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a file.zip").write_bytes(BODY)
    (tmp_path / "secret.txt").write_text("outside")
    with serve(folder) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def test_whole_file_comes_with_its_validators(client: httpx.Client) -> None:
    answer = client.get("a%20file.zip")
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Last-Modified"].endswith("GMT")
    head = client.head("a%20file.zip")
    assert (head.headers["Content-Length"], head.content) == (str(len(BODY)), b"")


def test_unchanged_file_costs_no_body(client: httpx.Client, tmp_path: Path) -> None:
    first = client.get("a%20file.zip")
    for condition in (
        {"If-None-Match": first.headers["ETag"]},
        {"If-Modified-Since": first.headers["Last-Modified"]},
    ):
        answer = client.get("a%20file.zip", headers=condition)
        assert (answer.status_code, answer.content) == (304, b"")
    (tmp_path / "served" / "a file.zip").write_bytes(BODY + b"more")
    assert (
        client.get("a%20file.zip", headers={"If-None-Match": first.headers["ETag"]}).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10000, len(BODY)),
        ("bytes=-7", len(BODY) - 7, len(BODY)),
    ],
)
def test_a_range_is_sent_alone(client: httpx.Client, asked: str, first: int, end: int) -> None:
    answer = client.get("a%20file.zip", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, BODY[first:end])
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(BODY)}"


def test_a_range_of_another_version_is_refused(client: httpx.Client) -> None:
    known = client.head("a%20file.zip").headers["ETag"]
    resumed = client.get("a%20file.zip", headers={"Range": "bytes=5-", "If-Range": known})
    restarted = client.get("a%20file.zip", headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert (resumed.status_code, resumed.content) == (206, BODY[5:])
    assert (restarted.status_code, restarted.content) == (200, BODY)


def test_what_is_not_there(client: httpx.Client) -> None:
    assert client.get("a%20file.zip", headers={"Range": f"bytes={len(BODY)}-"}).status_code == 416
    assert client.get("nothing.zip").status_code == 404
    assert client.get("%2e%2e/secret.txt").status_code == 404


def test_runs_as_a_program(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("here")
    program = Path(__file__).with_name("file_server.py")
    command = (sys.executable, str(program), str(tmp_path), "--port", "0")
    with processes.started(*command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        assert httpx.get(url + "a.txt", timeout=60).text == "here"
