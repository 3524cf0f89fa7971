"""What is delivered, part by part: every pin of the lock is told, with its version and hashes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "deployments"))

import sbom  # noqa: E402

from tasks.core.model.errors import ConfigurationError  # noqa: E402

Told = dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    assert sbom.main([str(place)]) == 0
    return place.read_text()


def untold(document: Told) -> set[tuple[str, str, str]]:
    """Each name, version and hash that the lock holds, line by line, and the document does not."""
    pinned, name, version = set(), "", ""
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if "==" in line and not line.startswith(" "):
            name, version = re.split("==| ", line)[:2]
        pinned.add((name, version, line.partition("--hash=sha256:")[2].rstrip("\\ ")))
    told = {
        (part["name"], part["version"], each["content"])
        for part in document["components"]
        for each in [{"content": ""}, *part.get("hashes", [])]
    }
    return pinned - told


def test_every_pin_is_told_with_version_and_hashes(written: str) -> None:
    document = json.loads(written)
    assert len(document["components"]) > 200
    assert untold(document) == set()
    brought = {part["purl"].rpartition("@")[0] for part in document["components"]}
    assert {"pkg:npm/maplibre-gl", "pkg:npm/pmtiles"} <= brought


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda parts: parts.pop(), id="a library less"),
        pytest.param(lambda parts: parts[-1]["hashes"].pop(), id="a hash less"),
        pytest.param(lambda parts: parts[-1].update(version="0"), id="another version"),
    ],
)
def test_what_is_missing_is_seen(written: str, spoil: Callable[[list[Told]], Any]) -> None:
    document = json.loads(written)
    spoil(document["components"])
    assert untold(document)


def test_others_can_read_it(written: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


def test_what_the_image_holds_is_told_apart(written: str) -> None:
    document = json.loads(written)
    scopes = {(part["name"], part.get("scope")) for part in document["components"]}
    held = {"prefect", "prefect-kubernetes", "psycopg2-binary", "s3fs", "greenlet"}
    assert {(name, "required") for name in held} <= scopes
    assert {(name, "excluded") for name in ("pytest", "moto", "duckdb", "pywin32")} <= scopes
    of_numpy = [part["scope"] for part in document["components"] if part["name"] == "numpy"]
    assert sorted(of_numpy) == ["excluded", "required"]  # one for the image's Python
    (base,) = (part for part in document["components"] if part["type"] == "container")
    named = f"{base['name']}:{base['version']}@sha256:{base['hashes'][0]['content']}"
    assert f"ARG BASE_IMAGE={named}\n" in (ROOT / "Dockerfile").read_text()


def test_what_asks_for_a_library_is_told(written: str) -> None:
    asked = {each["ref"]: each.get("dependsOn", []) for each in json.loads(written)["dependencies"]}
    (s3fs,) = (ref for ref in asked if ref.startswith("pkg:pypi/s3fs@"))
    assert any(each.startswith("pkg:pypi/aiobotocore@") for each in asked[s3fs])


@pytest.mark.parametrize(
    "lock",
    [
        "",
        "# nothing\n",
        "fiona==1.10\n",
        "fiona>=1 --hash=sha256:" + 64 * "0",
        "fiona==1 --hash=md5:0",
    ],
    ids=["empty", "a comment alone", "without hashes", "without a version", "another hash"],
)
def test_a_lock_that_pins_nothing_is_refused(lock: str) -> None:
    with pytest.raises(ConfigurationError, match=r"found .*: run `make lock`"):
        sbom.pins_of(lock)
