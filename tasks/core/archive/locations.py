"""The places of an archive: a folder of this machine, or a URL of fsspec (s3://, gs://, az://)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Protocol

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import get_protocol

from tasks.core.archive import parts
from tasks.core.archive.buckets import Bucket
from tasks.core.archive.copies import digest, place, require, settled, sync, verify_once
from tasks.core.model.addresses import has_credentials
from tasks.core.model.errors import ConfigurationError

# what the drivers behind fsspec raise, beside OSError, when a place is down or refuses us
OUTAGES = {
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "aiohttp": ("ClientError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "gcsfs.retry": ("HttpError",),
    "azure.core.exceptions": ("AzureError",),
}
# sftp://user@host, or the container of an abfs:// address; a bucket has no user
HARMLESS_USER = re.compile(r"^(?!s3|gs|gcs|http)(?P<scheme>[a-z0-9+]+://)[^/?#:@]*@")
S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 2}}
# Parts of a file on their way at the same time: each is held in memory, 50 MiB, and s3fs sends ten.
S3_PARTS = 2


class Location(Protocol):
    """One place; names are relative paths with slashes.

    Every method raises one of `outages()` when the place fails.
    """

    url: str

    def exists(self, name: str) -> bool:
        """Tell whether an object of that name is there."""

    def names(self, prefix: str) -> list[str]:
        """Give the names of all objects under a folder; none when it does not exist."""

    def read(self, name: str) -> bytes:
        """Give the bytes of a small object."""

    def digest(self, name: str) -> str:
        """Give the SHA-256 of the bytes an object has now, read from the first to the last."""

    def save(self, name: str, path: Path) -> None:
        """Copy the bytes an object has now, whole or not, into a file of this machine."""

    def add(self, path: Path, name: str, sha256: str) -> None:
        """Copy a file in and verify it by reading it back.

        An object of that name with those bytes is left alone; with other bytes it is replaced when
        the name is its hash (the copy is corrupt) and Occupied is raised when not.
        """

    def replace(self, path: Path, name: str, sha256: str) -> None:
        """Copy a file in over whatever has its name, and verify it by reading it back."""

    def fetch(self, name: str, sha256: str) -> Path:
        """Give a path on this machine with those bytes, verified."""

    def remove(self, name: str) -> bool:
        """Remove an object for good and verify that it is gone; False when it was not there."""

    def clear(self) -> list[str]:
        """Remove what killed runs were writing and did not finish; give its names."""


class Folder:
    """A folder of this machine; objects are written under a part name and then linked."""

    def __init__(self, url: str, root: str) -> None:
        self.url, self.root = url, Path(root)

    def exists(self, name: str) -> bool:
        """Tell whether there is a file of that name; a folder is none."""
        return (self.root / name).is_file()

    def names(self, prefix: str) -> list[str]:
        """Give the relative paths of all files under a folder, sorted, but for unfinished parts."""
        found = (path for path in (self.root / prefix).rglob("*") if path.is_file())
        names = (path.relative_to(self.root).as_posix() for path in found)
        return sorted(name for name in names if not name.endswith(parts.ENDING))

    def read(self, name: str) -> bytes:
        """Give all bytes of a file at once; only small documents are read so."""
        return (self.root / name).read_bytes()

    def digest(self, name: str) -> str:
        """Give the SHA-256 of the bytes on the disk now."""
        return digest(self.root / name)

    def save(self, name: str, path: Path) -> None:
        """Copy the bytes on the disk now into another file, unverified."""
        shutil.copyfile(self.root / name, path)

    def add(self, path: Path, name: str, sha256: str) -> None:
        """Write a part, read it back, make it read-only, and only then give it the name."""
        target = self.root / name
        if target.is_file() and settled(digest(target), name, sha256, self.url):
            return
        with self._part(path, name, sha256) as part:
            place(part, target, name, sha256)

    def replace(self, path: Path, name: str, sha256: str) -> None:
        """Write a part, read it back, and put it over whatever has its name."""
        with self._part(path, name, sha256) as part:
            os.replace(part, self.root / name)

    @contextmanager
    def _part(self, path: Path, name: str, sha256: str) -> Iterator[Path]:
        """Give a read-only copy that is on the disk; what becomes of its name is brought there."""
        target = self.root / name
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)  # no other account's business
        target.parent.mkdir(parents=True, exist_ok=True)
        with parts.part_beside(target) as part:
            shutil.copyfile(path, part)
            sync(part)
            require(sha256, digest(part), self.url, name)
            part.chmod(0o444)
            yield part
            sync(target.parent)

    def fetch(self, name: str, sha256: str) -> Path:
        """Give the path of the file itself, verified once for each state it is found in."""
        path = self.root / name
        verify_once(path, sha256, self.url, name)
        return path

    def remove(self, name: str) -> bool:
        """Remove a file, and parts of it that killed runs left; False when it was not there."""
        path = self.root / name
        parts.clear(path.parent.glob(f".*{parts.ENDING}"))
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        sync(path.parent)
        return True

    def clear(self) -> list[str]:
        """Remove parts that killed runs left, anywhere in the folder; give their names."""
        gone = parts.clear(self.root.rglob(f".*{parts.ENDING}"))
        return sorted(part.relative_to(self.root).as_posix() for part in gone)


def open_location(url: str) -> Location:
    """Give the place at an fsspec URL; nothing is asked of it yet.

    Raises ConfigurationError for one with credentials: they would be shown with it.
    """
    _require_public(url)
    is_s3 = url.startswith("s3://")
    options = {"config_kwargs": S3_PATIENCE, "max_concurrency": S3_PARTS} if is_s3 else {}
    try:
        files, root = fsspec.url_to_fs(url, use_listings_cache=False, **options)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"The archive location {_described(url, error)}. Give a folder, or a URL such as"
            " s3://bucket/folder (gs:// needs the package gcsfs, az:// needs adlfs), in"
            " GEODATA_ARCHIVE or GEODATA_ARCHIVE_REPLICAS."
        ) from None
    if isinstance(files, LocalFileSystem):
        return Folder(url, root)
    return Bucket(url, files, root)


def _require_public(url: str) -> None:
    parts = [HARMLESS_USER.sub(r"\g<scheme>", part) for part in url.split("::")]
    if any(map(has_credentials, parts)):
        raise ConfigurationError(
            "An archive location without user, password and question was expected in"
            " GEODATA_ARCHIVE or GEODATA_ARCHIVE_REPLICAS, found one with some: give it alone, and"
            " its credentials in the environment, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for"
            " s3://, FSSPEC_SFTP_PASSWORD or the like elsewhere."
        )


def _described(url: str, error: Exception) -> str:
    """Say why a URL cannot be used; nothing of one that begins as none does."""
    known = get_protocol(url) in fsspec.available_protocols()
    return f"{url} cannot be used: {error}" if known else "cannot be used: it begins as none does"


def outages() -> tuple[type[BaseException], ...]:
    """Give the errors that mean a place is down, refuses us or holds a corrupt copy."""
    found: list[type[BaseException]] = [OSError]
    for module, names in OUTAGES.items():
        with suppress(ImportError):  # a driver that is not installed raises nothing
            found += [getattr(import_module(module), name) for name in names]
    return tuple(found)
