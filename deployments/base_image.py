"""The image that ours begins with, named by its digest: `make pin-base`, or
python deployments/base_image.py [IMAGE [DOCKERFILE]].

A tag may be another image tomorrow, a digest never. Docker asks the registry for what the tag is
today, by its own mirrors and credentials; the answer is written beside the tag in the Dockerfile.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tasks.core.model.errors import ConfigurationError, GeodataError

DOCKERFILE = Path(__file__).resolve().parents[1] / "Dockerfile"
LINE = re.compile(r"^ARG BASE_IMAGE=(?P<image>[^@\s]+)(?:@sha256:(?P<digest>[0-9a-f]{64}))?$", re.M)
IMAGE = re.compile(r"(?P<name>\S+?):(?P<tag>(?P<python>3\.\d+)\.\d+[^@\s]*)")
DIGEST = re.compile(r"^Digest: sha256:([0-9a-f]{64})$", re.M)


@dataclass(frozen=True)
class BaseImage:
    """An image of Python: its name, tag, Python's version as in 3.11, and its digest (SHA-256)."""

    name: str
    tag: str
    python: str
    digest: str

    @property
    def reference(self) -> str:
        """What a build asks the registry for."""
        return f"{self.name}:{self.tag}@sha256:{self.digest}"


def main(arguments: list[str]) -> int:
    """Pin the base and say to what; 1 with one sentence when it cannot be done."""
    dockerfile = Path(arguments[1]) if arguments[1:] else DOCKERFILE
    try:
        written = pin(dockerfile, arguments[0] if arguments else "")
    except GeodataError as error:
        print(f"pin-base: {error}", file=sys.stderr)
        return 1
    print(f"The image begins with {written.reference}.")
    return 0


def read(dockerfile: str) -> BaseImage:
    """Give the base that a Dockerfile names; ConfigurationError where it has no digest."""
    line = _line(dockerfile)
    image = _parts(line["image"])
    if line["digest"] is None:
        raise ConfigurationError(
            f"A base image with its digest was expected in the Dockerfile, found {line['image']}"
            " without one: run `make pin-base` where the registry answers."
        )
    return BaseImage(image["name"], image["tag"], image["python"], line["digest"])


def pin(dockerfile: Path, image: str = "") -> BaseImage:
    """Write into a Dockerfile which bytes an image is today, its own base unless one is named."""
    text = dockerfile.read_text()
    image = image or _line(text)["image"]
    _parts(image)
    text = LINE.sub(f"ARG BASE_IMAGE={image}@sha256:{digest_of(image)}", text)
    dockerfile.write_text(text)
    return read(text)


def digest_of(image: str) -> str:
    """Ask the registry for the digest of a tag (that of all platforms together, where it has more).

    Raises ConfigurationError where the engine or the registry gives none.
    """
    client = os.environ.get("CLIENT", "docker")
    try:
        done = subprocess.run([client, "pull", image], capture_output=True, text=True, check=False)
    except OSError as error:
        raise ConfigurationError(f"{client} was expected to pull {image}, found {error}") from error
    found = DIGEST.search(done.stdout)
    if done.returncode or found is None:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigurationError(
            f"The digest of {image} was expected from `{client} pull`, found"
            f" {said[-1] if said else 'nothing'}: run `make pin-base` with Docker where the"
            " registry answers."
        )
    return found[1]


def _line(dockerfile: str) -> re.Match[str]:
    found = LINE.search(dockerfile)
    if found is None:
        raise ConfigurationError(
            "ARG BASE_IMAGE=python:3.… was expected in the Dockerfile, found none: write it there."
        )
    return found


def _parts(image: str) -> re.Match[str]:
    found = IMAGE.fullmatch(image)
    if found is None:
        raise ConfigurationError(
            f"An image of Python with its whole version as tag was expected, found {image}: name"
            " one as python:3.11.14-slim-bookworm."
        )
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
