"""What an image holds: `make image-sbom`, or python deployments/image_sbom.py IMAGE [FILE].

Writes a CycloneDX document of Debian's packages, of Python, of the libraries and of the image's
labels, as syft finds them in its files. The libraries must be those that requirements.lock pins for
the image, in these versions: else the document is refused, and not written.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from sbom import LOCK, in_image, pins_of

from tasks.core.model.errors import ConfigurationError, GeodataError

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = "/opt/geodata/"  # the environment of the image; the base has a Python of its own
PROJECT = "geodata-flows"
SETTINGS = {  # packages alone, not the thousands of files they consist of
    "SYFT_CHECK_FOR_APP_UPDATE": "false",
    "SYFT_FILE_METADATA_SELECTION": "none",
}


def main(arguments: list[str]) -> int:
    """Write the document, and say what is in it; 1 with one sentence when it cannot be done."""
    if not arguments:
        print("image-sbom: the name of an image was expected, found none.", file=sys.stderr)
        return 1
    place = Path(arguments[1]) if arguments[1:] else ROOT / "data" / "image.cdx.json"
    try:
        document = list_image(arguments[0])
        hold_to_lock(document)
    except GeodataError as error:
        print(f"image-sbom: {error}", file=sys.stderr)
        return 1
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(document, indent=2))
    packages = sum(part.get("purl", "").startswith("pkg:deb/") for part in document["components"])
    found = f"{packages} packages of Debian and {len(libraries(document))} libraries"
    print(f"Wrote {found} of {arguments[0]} into {place}.")
    return 0


def list_image(image: str) -> dict[str, Any]:
    """Give the CycloneDX document of an image that Docker holds; ConfigurationError without one."""
    syft = _run(str(ROOT / "deployments/tools"), "syft").strip()
    with tempfile.TemporaryDirectory() as folder:
        archive = f"{folder}/image.tar"
        _run(os.environ.get("CLIENT", "docker"), "save", "--output", archive, image)
        said = _run(
            syft,
            "scan",
            "--quiet",
            "--source-name",
            image,
            "--output",
            "cyclonedx-json@1.6",
            f"docker-archive:{archive}",
        )
    return dict(json.loads(said))


def hold_to_lock(document: dict[str, Any]) -> None:
    """Raise ConfigurationError where an image and the lock differ by a library or a version."""
    held = in_image(pins_of(LOCK.read_text()), python_of(document))
    pinned, found = {(pin.name, pin.version) for pin in held}, libraries(document)
    if pinned != found:
        fewer = ", ".join(" ".join(each) for each in sorted(pinned - found)) or "none"
        more = ", ".join(" ".join(each) for each in sorted(found - pinned)) or "none"
        raise ConfigurationError(
            f"The libraries of requirements.lock were expected in the image, found {fewer} missing"
            f" and {more} that it does not pin: build the image again from this checkout."
        )


def python_of(document: dict[str, Any]) -> str:
    """Give the whole version of the image's Python: one built from source, else Debian's."""
    parts = document["components"]
    built = [each for each in parts if each["name"] == "python" and each["type"] == "application"]
    packed = [each for each in parts if re.fullmatch(r"python3\.\d+-minimal", each["name"])]
    found = [re.match(r"3\.\d+\.\d+", each["version"]) for each in built or packed]
    if len(found) != 1 or found[0] is None:
        raise ConfigurationError(
            f"One Python was expected in the image, found {len(found)}: build it on an image of"
            " Python 3."
        )
    return found[0][0]


def libraries(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Give name and version of each library in the image's environment, but for ours."""
    return {
        (str(canonicalize_name(part["name"])), part["version"])
        for part in document["components"]
        if part.get("purl", "").startswith("pkg:pypi/")
        and any(place.startswith(LIBRARIES) for place in _places(part))
        and part["name"] != PROJECT
    }


def _places(part: dict[str, Any]) -> list[str]:
    """Give the files that a part was found by."""
    told = part.get("properties", [])
    return [each["value"] for each in told if each["name"].endswith(":path")]


def _run(*words: str) -> str:
    """Give what a program prints; ConfigurationError with its last words where it fails."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, env=os.environ | SETTINGS, check=False
        )
    except OSError as error:
        raise ConfigurationError(f"{words[0]} was expected to run, found {error}") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ConfigurationError(
            f"`{' '.join(words[:2])}` was expected to succeed, found: {said[-1] if said else '-'}"
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
