"""The places an archive is kept in: a folder of this machine, or anything fsspec reaches by URL (s3://, gs://, az://)."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tasks.core.errors import ConfigurationError
from tasks.core.settings import scratch_folder
from tasks.core.upstream.addresses import redact

OUTAGES = {  # what the drivers behind fsspec raise, beside OSError, when a place is down or refuses us
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "aiohttp": ("ClientError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "gcsfs.retry": ("HttpError",),
    "azure.core.exceptions": ("AzureError",),
}
PATIENCE = {"s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 2}}}}


class CorruptCopy(OSError):
    """The bytes of a copy no longer have the SHA-256 it is named after."""


class Occupied(Exception):
    """Another document has that name already; nothing in the archive is overwritten."""


class Location(Protocol):
    """One place; names are relative paths with slashes. Every method raises one of `outages()` when the place fails."""

    url: str

    def exists(self, name: str) -> bool:
        """Whether an object of that name is there."""

    def names(self, prefix: str) -> list[str]:
        """Names of all objects under a folder; none when it does not exist."""

    def read(self, name: str) -> bytes:
        """The bytes of a small object."""

    def add(self, path: Path, name: str, sha256: str) -> None:
        """Copy a file in and verify it by reading it back.

        An object of that name with those bytes is left alone; with other bytes it is replaced when the name is its
        hash (the copy is corrupt) and Occupied is raised when not.
        """

    def fetch(self, name: str, sha256: str) -> Path:
        """A path on this machine with those bytes, verified."""


class Folder:
    """A folder of this machine: objects are read in place, written under a part name and then linked."""

    def __init__(self, url: str, root: str) -> None:
        self.url, self.root = url, Path(root)

    def exists(self, name: str) -> bool:
        return (self.root / name).is_file()

    def names(self, prefix: str) -> list[str]:
        found = (path for path in (self.root / prefix).rglob("*") if path.is_file() and not path.name.endswith(".part"))
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def add(self, path: Path, name: str, sha256: str) -> None:
        target = self.root / name
        if target.is_file() and _settled(_digest(target), name, sha256, self.url):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            shutil.copyfile(path, part)
            _sync(part)
            _require(sha256, _digest(part), self.url, name)
            part.chmod(0o444)
            _place(part, target, name, sha256)
            _sync(target.parent)
        finally:
            part.unlink(missing_ok=True)

    def fetch(self, name: str, sha256: str) -> Path:
        path = self.root / name
        _verify_once(path, sha256, self.url, name)
        return path


class Bucket:
    """An object store, or any other file system of fsspec; an object appears only when it is complete."""

    def __init__(self, url: str, files: Any, root: str) -> None:
        self.url, self.files, self.root = url, files, root.rstrip("/")

    def exists(self, name: str) -> bool:
        return bool(self.files.exists(self._key(name)))

    def names(self, prefix: str) -> list[str]:
        with suppress(FileNotFoundError):
            return sorted(key[len(self.root) :].lstrip("/") for key in self.files.find(self._key(prefix)))
        return []

    def read(self, name: str) -> bytes:
        return bytes(self.files.cat_file(self._key(name)))

    def add(self, path: Path, name: str, sha256: str) -> None:
        key = self._key(name)
        if self.files.exists(key) and _settled(self._digest(key), name, sha256, self.url):
            return
        self.files.put_file(str(path), key)
        _require(sha256, self._digest(key), self.url, name)

    def fetch(self, name: str, sha256: str) -> Path:
        copy = scratch_folder() / "originals" / sha256
        if not copy.is_file():
            copy.parent.mkdir(exist_ok=True)
            part = copy.with_name(f"{sha256}-{uuid.uuid4().hex[:8]}.part")
            try:
                self.files.get_file(self._key(name), str(part))
                _require(sha256, _digest(part), self.url, name)
                os.replace(part, copy)
            finally:
                part.unlink(missing_ok=True)
        try:
            _verify_once(copy, sha256, str(copy.parent), sha256)
        except CorruptCopy:
            copy.unlink()
            return self.fetch(name, sha256)
        return copy

    def _key(self, name: str) -> str:
        return f"{self.root}/{name}"

    def _digest(self, key: str) -> str:
        digest = hashlib.sha256()
        with self.files.open(key, "rb", cache_type="none") as file:
            while block := file.read(8 << 20):
                digest.update(block)
        return digest.hexdigest()


def open_location(url: str) -> Location:
    """The place at an fsspec URL; nothing is asked of it yet."""
    options = PATIENCE.get(url.partition("://")[0], {})
    try:
        files, root = fsspec.url_to_fs(url, use_listings_cache=False, **options)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"The archive location {redact(url)} cannot be used: {error}. Give a folder, or a URL such as s3://bucket/folder "
            "(gs:// needs the package gcsfs, az:// needs adlfs), in GEODATA_ARCHIVE or GEODATA_ARCHIVE_REPLICAS."
        ) from None
    return Folder(redact(url), root) if isinstance(files, LocalFileSystem) else Bucket(redact(url), files, root)


def outages() -> tuple[type[BaseException], ...]:
    """The errors that mean a place is down, refuses us or holds a corrupt copy."""
    found: list[type[BaseException]] = [OSError]
    for module, names in OUTAGES.items():
        with suppress(ImportError):  # a driver that is not installed raises nothing
            found += [getattr(import_module(module), name) for name in names]
    return tuple(found)


_verified: dict[Path, tuple[int, int]] = {}


def _verify_once(path: Path, sha256: str, url: str, name: str) -> None:
    """Hash a file at its first use in this process, and again when its size or time of change differ."""
    facts = path.stat()
    if _verified.get(path) != (facts.st_size, facts.st_mtime_ns):
        _require(sha256, _digest(path), url, name)
        _verified[path] = facts.st_size, facts.st_mtime_ns


def _settled(found: str, name: str, sha256: str, url: str) -> bool:
    if found != sha256 and not name.endswith(sha256):
        raise Occupied(f"{name} in {url} holds other bytes")
    return found == sha256


def _place(part: Path, target: Path, name: str, sha256: str) -> None:
    """Give a finished part its name, unless another run was faster."""
    if name.endswith(sha256):
        os.replace(part, target)
        return
    try:
        os.link(part, target)
    except FileExistsError:
        _settled(_digest(target), name, sha256, str(target.parent))


def _require(expected: str, found: str, url: str, name: str) -> None:
    if found != expected:
        raise CorruptCopy(f"the copy {name} in {url} is corrupt: its bytes have the SHA-256 {found}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
