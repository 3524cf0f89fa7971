"""The fixity of unpacked files: hashed when they are written, and held to that before each use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tasks.core.archive.copies import CorruptCopy, digest_of_new, verify_once
from tasks.core.making.unpacking.archives import SHAPEFILE_PARTS
from tasks.core.making.unpacking.searches import CHANGES
from tasks.core.model.errors import WorkLost
from tasks.core.model.handles import File


def digests(path: Path) -> Mapping[str, str]:
    """Return the SHA-256 of a file and of those beside it that are read with it, by name."""
    endings = {path.suffix.lower()}
    if path.suffix.lower() == ".shp":
        endings |= {*SHAPEFILE_PARTS}
    elif path.suffix.lower() == ".gml":
        endings.add(".xsd")
    changes = {path.name + ending for ending in CHANGES}
    read = (
        each
        for each in path.parent.iterdir()
        if each.is_file()
        and (each.name in changes or (each.stem == path.stem and each.suffix.lower() in endings))
    )
    return {each.name: digest_of_new(each) for each in sorted(read)}


def require_unchanged(file: File) -> None:
    """Raise WorkLost unless a file, and what is read with it, has the bytes that were unpacked.

    Bytes are hashed once in a process, and again when anything touched them.
    """
    folder = Path(file.path).parent
    for name, sha256 in ({Path(file.path).name: ""} | {**file.digests}).items():
        try:
            verify_once(folder / name, sha256, str(folder), name)
        except (CorruptCopy, FileNotFoundError) as error:
            raise WorkLost(
                f"The file {name} of {file.original.source.slug} {file.original.source.vintage} was"
                f" expected in {folder} with the SHA-256 {sha256}, as it was unpacked, and it was"
                f" changed there since ({error}): run again, which unpacks it anew, and look who"
                " writes into that folder."
            ) from None


@contextmanager
def unchanged(file: File) -> Iterator[None]:
    """Let a file be read that has the bytes that were unpacked, and has them still at the end.

    Raises WorkLost where it has not, whatever else its reader found: that would be blamed on its
    publisher, or part of the rows be taken for all.
    """
    require_unchanged(file)
    try:
        yield
    finally:
        require_unchanged(file)


def is_unchanged(file: File) -> bool:
    """Tell whether a file has the bytes that were unpacked."""
    try:
        require_unchanged(file)
    except WorkLost:
        return False
    return True
