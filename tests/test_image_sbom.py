"""What the image holds, as syft finds it in its files: the same libraries as the lock pins for it,
and the packages that Debian's own database has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import built_tools
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from image.engine import ROOT, Engine

sys.path.append(str(ROOT / "deployments"))

import image_sbom
import sbom

from tasks.core.model.errors import ConfigurationError

Part = dict[str, Any]


def part(name: str, version: str, place: str = "/opt/geodata/lib/python3.11/x/METADATA") -> Part:
    """A library as syft tells it."""
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "properties": [{"name": "syft:location:0:path", "value": place}],
    }


@pytest.fixture
def parts() -> list[Part]:
    """The parts of an image that holds what the lock pins."""
    pins = sbom.in_image(sbom.pins_of(sbom.LOCK.read_text()))
    held = [part(pin.name.replace("-", "_"), pin.version) for pin in pins]
    base = part("setuptools", "79.0.1", "/usr/local/lib/python3.11/x/METADATA")
    python = {"type": "application", "name": "python", "version": "3.11.14"}
    return [*held, base, part("geodata-flows", "0.1.0"), python]


def test_an_image_of_what_the_lock_pins_is_right(parts: list[Part]) -> None:
    image_sbom.hold_to_lock({"components": parts})


def test_a_library_less_more_or_other_is_refused(parts: list[Part]) -> None:
    lost, moved = parts[0], parts[1]
    name, version = moved["name"].replace("_", "-"), moved["version"]
    changed = [part(moved["name"], "0.0"), part("left-pad", "1.3"), *parts[2:]]
    with pytest.raises(ConfigurationError) as told:
        image_sbom.hold_to_lock({"components": changed})
    said = str(told.value)
    assert f"{lost['name'].replace('_', '-')} {lost['version']}" in said
    assert f"{name} {version}" in said
    assert f"{name} 0.0" in said
    assert "left-pad 1.3" in said
    with pytest.raises(ConfigurationError, match="missing and none"):
        image_sbom.hold_to_lock({"components": parts[-1:]})


def test_an_older_python_has_what_the_lock_pins_for_it(parts: list[Part]) -> None:
    parts[-1]["version"] = "3.11.2"
    with pytest.raises(ConfigurationError, match=r"found async-timeout \S+ missing and none"):
        image_sbom.hold_to_lock({"components": parts})


def test_an_image_without_python_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="One Python was expected in the image, found 0"):
        image_sbom.hold_to_lock({"components": []})


def test_a_scan_that_could_look_nothing_up_is_no_pass(parts: list[Part], tmp_path: Path) -> None:
    built_tools.find("grype")
    named = {"component": {"name": "geodata-flows:1f2e", "type": "container"}}
    listed = {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": named}
    listed["components"] = parts
    (tmp_path / "image.cdx.json").write_text(json.dumps(listed))
    nowhere = {
        "GRYPE_DB_UPDATE_URL": "http://127.0.0.1:9/databases",
        "GRYPE_DB_CACHE_DIR": str(tmp_path / "db"),
    }
    done = subprocess.run(
        [ROOT / "deployments/scan", tmp_path / "image.cdx.json"],
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "nothing is known about geodata-flows:1f2e;" in done.stderr.splitlines()[-1]
    assert "nothing high or critical" not in done.stdout


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image named in GEODATA_TEST_IMAGE, or the one built from this checkout."""
    return os.environ.get("GEODATA_TEST_IMAGE") or engine.build(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def written(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The document of the image."""
    built_tools.find("syft")
    place = tmp_path_factory.mktemp("sbom") / "image.cdx.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENT", engine.client)
        assert image_sbom.main([image, str(place)]) == 0  # the lock and the image agree
    return place.read_text()


@pytest.mark.image
def test_others_can_read_it(written: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


@pytest.mark.image
def test_every_package_of_debian_is_told(written: str, engine: Engine, image: str) -> None:
    asked = "dpkg-query --show --showformat '${Package} ${Version}\\n'"
    held = engine.ask("run", "--rm", "--network", "none", image, "sh", "-c", asked).stdout
    packages = [
        each for each in json.loads(written)["components"] if each.get("purl", "")[:8] == "pkg:deb/"
    ]
    assert {f"{each['name']} {each['version']}" for each in packages} == set(held.splitlines())


@pytest.mark.image
def test_python_and_debian_are_told_with_their_versions(written: str) -> None:
    parts = {(each["name"], each["type"]) for each in json.loads(written)["components"]}
    assert ("debian", "operating-system") in parts
    assert any(name in ("python", "python3.11") for name, _ in parts)


@pytest.mark.image
def test_labels_and_base_are_told(written: str, engine: Engine, image: str) -> None:
    told = {
        each["name"].removeprefix("syft:image:labels:"): each["value"]
        for each in json.loads(written)["metadata"]["properties"]
    }
    labels = engine.inspect(image)["Config"]["Labels"]
    assert labels.items() <= told.items()
    assert labels["org.opencontainers.image.base.name"]
    assert labels["org.opencontainers.image.revision"]


@pytest.mark.image
def test_libraries_have_licences(written: str) -> None:
    libraries = [
        each
        for each in json.loads(written)["components"]
        if each.get("purl", "").startswith("pkg:pypi/")
    ]
    licensed = [each for each in libraries if each.get("licenses")]
    assert len(licensed) > 0.9 * len(libraries)
