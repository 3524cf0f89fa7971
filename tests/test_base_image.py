"""The image that ours begins with is named by its digest, which a registry is really asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tenacity
from image.engine import ROOT, Engine

sys.path.append(str(ROOT / "deployments"))

import base_image

from tasks.core.model.errors import ConfigurationError

DIGEST = 64 * "a"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
TAG = "3.11.14-slim-bookworm"


def test_the_base_is_pinned() -> None:
    found = base_image.read((ROOT / "Dockerfile").read_text())
    assert (found.name, found.python) == ("python", "3.11")
    assert len(set(found.digest)) > 8  # nothing made up


@pytest.mark.parametrize(
    "name", ["python", "localhost:5000/python", "mirror.example/library/python"]
)
def test_a_base_of_any_registry_is_read(name: str) -> None:
    written = f"# a comment\nARG BASE_IMAGE={name}:{TAG}@sha256:{DIGEST}\n\nFROM x\n"
    found = base_image.read(written)
    assert found == base_image.BaseImage(name, TAG, "3.11", DIGEST)
    assert f"ARG BASE_IMAGE={found.reference}\n" in written


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("FROM python:3.11.14\n", "found none", id="no base"),
        pytest.param(f"ARG BASE_IMAGE=python:{TAG}\n", "run `make pin-base`", id="no digest"),
        pytest.param(
            f"ARG BASE_IMAGE=python:3@sha256:{DIGEST}\n", "whole version", id="a moving tag"
        ),
        pytest.param(
            f"ARG BASE_IMAGE=python:{TAG}@sha256:{DIGEST[:-1]}\n", "found none", id="short"
        ),
    ],
)
def test_what_does_not_name_the_same_bytes_is_refused(written: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        base_image.read(written)


def test_no_digest_is_written_without_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"ARG BASE_IMAGE=python:{TAG}\n")
    monkeypatch.setenv("CLIENT", str(tmp_path / "no-docker"))
    assert base_image.main(["", str(dockerfile)]) == 1
    assert "was expected to pull" in capsys.readouterr().err
    assert dockerfile.read_text() == f"ARG BASE_IMAGE=python:{TAG}\n"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of images of its own (Debian's docker-registry); gives its host and port."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not on this machine (Debian's package of this name)")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "config.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([program, "serve", str(folder / "config.yml")], stderr=log)
    try:
        _await(address)
        yield address
    finally:
        server.kill()
        server.wait()


@tenacity.retry(stop=tenacity.stop_after_delay(60), wait=tenacity.wait_fixed(0.1), reraise=True)
def _await(address: str) -> None:
    httpx.get(f"http://{address}/v2/", timeout=60).raise_for_status()


@pytest.fixture
def published(engine: Engine, registry: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """An image for several platforms in the registry: what it is called, and its digest there."""
    image = f"{registry}/python:{TAG}"
    (tmp_path / "content").write_text("a base")
    subprocess.run(["tar", "-cf", tmp_path / "root.tar", "-C", tmp_path, "content"], check=True)
    engine.ask("import", str(tmp_path / "root.tar"), image)
    engine.ask("push", image)
    engine.ask("image", "rm", image)
    yield image, _indexed(registry)
    engine.ask("image", "rm", "--force", image, check=False)


def _indexed(registry: str) -> str:
    """Put a list of platforms in the place of the one image, as registries hold bases."""
    place = f"http://{registry}/v2/python/manifests/{TAG}"
    one = httpx.get(place, headers={"Accept": MANIFEST}, timeout=60)
    platform = {"architecture": "amd64", "os": "linux"}
    entry = {
        "mediaType": MANIFEST,
        "size": len(one.content),
        "digest": one.headers["Docker-Content-Digest"],
        "platform": platform,
    }
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    httpx.put(place, content=index, headers={"Content-Type": INDEX}).raise_for_status()
    return hashlib.sha256(index).hexdigest()


@pytest.mark.image
def test_the_digest_of_all_platforms_is_pinned(
    engine: Engine,
    published: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    image, digest = published
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"ARG BASE_IMAGE=python:{TAG}\nFROM ${{BASE_IMAGE}}\nLABEL x=y\n")
    monkeypatch.setenv("CLIENT", engine.client)
    assert base_image.main([image, str(dockerfile)]) == 0
    assert f"begins with {image}@sha256:{digest}." in capsys.readouterr().out
    assert base_image.read(dockerfile.read_text()).digest == digest
    assert base_image.main(["", str(dockerfile)]) == 0  # a second time: the same
    assert base_image.read(dockerfile.read_text()).digest == digest
    engine.ask("build", "--quiet", "--network", "host", str(tmp_path))


@pytest.mark.image
def test_a_tag_that_the_registry_has_not_is_refused(
    engine: Engine,
    registry: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"ARG BASE_IMAGE={registry}/python:3.11.99-slim@sha256:{DIGEST}\n")
    monkeypatch.setenv("CLIENT", engine.client)
    assert base_image.main(["", str(dockerfile)]) == 1
    assert "was expected from" in capsys.readouterr().err
    assert f"@sha256:{DIGEST}\n" in dockerfile.read_text()
