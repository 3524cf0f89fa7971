"""Copies: bytes of a location checked against their SHA-256, and what scratch keeps of them."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from tasks.core.model.settings import scratch_folder


class CorruptCopy(OSError):
    """The bytes of a copy no longer have the SHA-256 it is named after."""


class Occupied(Exception):
    """Another document has that name already; nothing in the archive is overwritten."""


_verified: dict[tuple[Path, str], tuple[int, ...]] = {}


def verify_once(path: Path, sha256: str, url: str, name: str) -> None:
    """Hash a file at its first use in this process, and again when anything touched it.

    A change of its bytes changes its times; that of its last change nobody can set back.
    """
    if _verified.get((path.resolve(), sha256)) != _marks(path):
        require(sha256, digest_of_new(path), url, name)


def digest_of_new(path: Path) -> str:
    """Give the SHA-256 of a file as it is now, so that its first use does not hash it again."""
    marks, sha256 = _marks(path), digest(path)
    _verified[path.resolve(), sha256] = marks
    return sha256


def _marks(path: Path) -> tuple[int, ...]:
    facts = path.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def settled(found: str, name: str, sha256: str, url: str) -> bool:
    """Tell whether a name has its bytes; raise Occupied when a name that is no hash has others."""
    if found != sha256 and not name.endswith(sha256):
        raise Occupied(f"{name} in {url} holds other bytes")
    return found == sha256


def place(part: Path, target: Path, name: str, sha256: str) -> None:
    """Give a finished part its name, unless another run was faster."""
    if name.endswith(sha256):
        os.replace(part, target)
        return
    try:
        os.link(part, target)
    except FileExistsError:
        settled(digest(target), name, sha256, str(target.parent))


def require(expected: str, found: str, url: str, name: str) -> None:
    """Raise CorruptCopy when the bytes found are not those expected."""
    if found != expected:
        raise CorruptCopy(
            f"the copy {name} in {url} is corrupt: its bytes have the SHA-256 {found}"
        )


def digest(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def scratch_copy(sha256: str) -> Path:
    """Give the path where this machine keeps a copy of an original of an object store."""
    return scratch_folder() / "originals" / sha256


def forget(sha256: str) -> None:
    """Remove what scratch has of an original: its copy, and what was unpacked from it."""
    for copy in (scratch_folder() / "originals").glob(f"{sha256}*"):
        copy.unlink(missing_ok=True)
    unpacked = scratch_folder() / "unpacked" / sha256
    if unpacked.exists():
        shutil.rmtree(unpacked)
