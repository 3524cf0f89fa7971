"""What is delivered, part by part: `make sbom`, or python deployments/sbom.py [FILE].

Writes a CycloneDX document of every pin of requirements.lock, with its version, the SHA-256 of each
of its files and what it asks for, and of what pages bring to a browser. The scope of each is
required where the image holds it, excluded where only developers do. The base of the image is
named; what is in that is in no lock: image_sbom.py.
"""

from __future__ import annotations

import re
import sys
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from base_image import DOCKERFILE, BaseImage, read
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from web_assets import PACKAGES

from tasks.core.model.errors import ConfigurationError, GeodataError

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?!\S)")


@dataclass(frozen=True)
class Pin:
    """One version of a library in the lock, and the SHA-256 of each file that it comes in."""

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str

    @property
    def url(self) -> str:
        """Its package URL, by which advisories name it."""
        return str(PackageURL(type="pypi", name=self.name, version=self.version))

    def component(self, scope: ComponentScope) -> Component:
        """Describe it as CycloneDX does."""
        return Component(
            name=self.name,
            version=self.version,
            type=ComponentType.LIBRARY,
            purl=PackageURL.from_string(self.url),
            bom_ref=self.url,
            scope=scope,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in self.hashes],
        )


def main(arguments: list[str]) -> int:
    """Write the document, and say what is in it; 1 with one sentence when it cannot be done."""
    place = Path(arguments[0]) if arguments else ROOT / "data" / "sbom.cdx.json"
    try:
        pins = pins_of(LOCK.read_text())
        held = in_image(pins)
    except GeodataError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    place.parent.mkdir(parents=True, exist_ok=True)
    JsonV1Dot6(document(pins, held)).output_to_file(str(place), allow_overwrite=True, indent=2)
    print(f"Wrote {len(pins)} libraries, {len(held)} of them in the image, into {place}.")
    return 0


def document(pins: list[Pin], held: set[Pin]) -> Bom:
    """Give the document of all pins, of those that the image holds and of its base."""
    project = _project()
    whole = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
    )
    below = _below(_base())
    scopes = {True: ComponentScope.REQUIRED, False: ComponentScope.EXCLUDED}
    parts = {pin: pin.component(scopes[pin in held]) for pin in pins}
    delivered = [below, *parts.values(), *_in_browsers()]
    bom = Bom(components=delivered)
    bom.metadata.component = whole
    bom.register_dependency(whole, delivered)
    for pin, part in parts.items():
        asked = {each.name for each in _asked(pin.name, "")}
        bom.register_dependency(part, [parts[each] for each in pins if each.name in asked])
    return bom


def _below(base: BaseImage) -> Component:
    """Describe the image that ours begins with."""
    return Component(
        name=base.name,
        version=base.tag,
        type=ComponentType.CONTAINER,
        bom_ref="base",
        purl=PackageURL(type="docker", name=base.name, version=base.tag),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=base.digest)],
    )


def _in_browsers() -> Iterator[Component]:
    """Describe what the pages of the catalog bring to a browser."""
    for (name, version), (integrity, _) in PACKAGES.items():
        url = PackageURL(type="npm", name=name, version=version)
        digest = b64decode(integrity).hex()
        yield Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            bom_ref=str(url),
            purl=url,
            scope=ComponentScope.REQUIRED,
            hashes=[HashType(alg=HashAlgorithm.SHA_512, content=digest)],
        )


def pins_of(lock: str) -> list[Pin]:
    """Read every pin of a lock file; raises ConfigurationError for a line without its hashes."""
    lines = (line.partition("#")[0].strip() for line in lock.replace("\\\n", " ").splitlines())
    pins = [_pin(line) for line in lines if line]
    if not pins:
        raise ConfigurationError(
            "Pins were expected in the lock file, found none: run `make lock`."
        )
    return pins


def _pin(line: str) -> Pin:
    found = re.fullmatch(r"([\w.-]+)==([^\s;]+)(?: ; (.*?))?((?:\s+--hash=\S+)+)", line)
    hashes = HASH.findall(found[4]) if found else []
    if found is None or len(hashes) != len(found[4].split()):
        raise ConfigurationError(
            "A pin with the SHA-256 of its files was expected in the lock file, found"
            f" {line[:80]!r}: run `make lock`."
        )
    return Pin(canonicalize_name(found[1]), found[2], tuple(hashes), found[3] or "")


def in_image(pins: list[Pin], python: str = "") -> set[Pin]:
    """Give the pins that the image holds: what pyproject.toml asks for there, and what that asks.

    What a library asks for is read from the one that is installed here, as the lock pins it. python
    is the image's whole version, that of the Dockerfile's base unless another is given.
    """
    project, seen = _project(), set[tuple[str, str]]()
    needed = project["dependencies"] + project["optional-dependencies"]["worker"]
    waiting = [each for each in map(_requirement, needed) if _holds(each, python=python)]
    while waiting:
        requirement = waiting.pop()
        for extra in {"", *requirement.extras}:
            if (requirement.name, extra) not in seen:
                seen.add((requirement.name, extra))
                waiting += _asked(requirement.name, extra, python)
    names = {name for name, _ in seen}
    return {
        pin for pin in pins if pin.name in names and _holds(_requirement_of(pin), python=python)
    }


def _asked(name: str, extra: str, python: str = "") -> Iterator[Requirement]:
    """Give what an installed library asks for in the image, also for one of its extras."""
    try:
        needed = map(_requirement, requires(name) or ())
    except PackageNotFoundError:  # of another Python or system: nothing of it is known here
        return
    yield from (each for each in needed if _holds(each, extra, python))


def _requirement(text: str) -> Requirement:
    requirement = Requirement(text)
    requirement.name = canonicalize_name(requirement.name)
    return requirement


def _requirement_of(pin: Pin) -> Requirement:
    return Requirement(f"{pin.name} ; {pin.marker}" if pin.marker else pin.name)


def _holds(requirement: Requirement, extra: str = "", python: str = "") -> bool:
    """Say whether a requirement is one in the image: its Python, on Linux."""
    version = python or _base().tag.partition("-")[0]
    image = {
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "implementation_version": version,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "extra": extra,
    }
    return requirement.marker is None or requirement.marker.evaluate(image)


def _project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


@lru_cache(maxsize=1)
def _base() -> BaseImage:
    """Read the image that ours begins with, and its Python."""
    return read(DOCKERFILE.read_text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
