"""Where the site lies: a folder of this machine or a place of object storage, by fsspec.

Files named by their hash never change; pages do, each by one switch of its own. All that pages lead
to is there before they are, and site.json, which tells what the site is made of, comes last. What
no page leads to any more stays for a day, for readers who opened theirs before.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tasks.core.archive.locations import S3_PATIENCE
from tasks.core.model.errors import ConfigurationError

RECORD = "site.json"
TYPES = {
    ".jsonld": "application/ld+json",
    ".pmtiles": "application/vnd.pmtiles",
    ".js": "text/javascript",
    ".gz": "application/gzip",
}
GRACE = timedelta(days=1)  # for readers of a page that was shown before
PUTTING = 8  # files on their way to object storage at the same time


class Place:
    """One place of a site. url: a folder or an fsspec URL such as s3://bucket/folder."""

    def __init__(self, url: str) -> None:
        self.url = url
        options = {"config_kwargs": S3_PATIENCE} if url.startswith("s3://") else {}
        try:
            self._files, self._root = fsspec.url_to_fs(url, use_listings_cache=False, **options)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(
                f"A folder or a URL such as s3://bucket/folder was expected for the site, found"
                f" one that cannot be used ({error}): correct GEODATA_SITE or the parameter."
            ) from None

    def record(self) -> dict[str, Any]:
        """Return what site.json tells of the site that is there; empty where there is none."""
        try:
            found = json.loads(self._files.cat_file(self._name(RECORD)))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def switch(self, folder: Path, made: dict[str, Any], before: dict[str, Any]) -> list[str]:
        """Show the site that a folder holds; return the names of the files that were written.

        made: what the next site needs to know of this one, with "files", the SHA-256 of each by its
        name, also of those that are at the place already. before: record() of the site there.
        """
        files, held, now = made["files"], before.get("files", {}), datetime.now(UTC)
        new = [name for name, sha256 in files.items() if held.get(name) != sha256]
        for names in _in_order(new):
            self._put(folder, names)
        left = dict.fromkeys({*held} - {*files}, now.isoformat())
        left |= {name: at for name, at in before.get("left", {}).items() if name not in files}
        old = [name for name, at in left.items() if datetime.fromisoformat(at) < now - GRACE]
        gone = {name for name in old if self._remove(name)}
        kept = {name: at for name, at in left.items() if name not in gone}
        path = folder / RECORD
        path.write_text(json.dumps(made | {"left": kept}), encoding="utf-8")
        self._put(folder, [RECORD])
        return new

    def _put(self, folder: Path, names: list[str]) -> None:
        with ThreadPoolExecutor(PUTTING) as pool:
            for _ in pool.map(lambda name: self._put_one(folder / name, name), names):
                pass

    def _put_one(self, path: Path, name: str) -> None:
        if isinstance(self._files, LocalFileSystem):
            target = Path(self._name(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.{os.getpid()}")
            shutil.copyfile(path, part)
            part.chmod(0o644)
            part.replace(target)
        else:
            kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0]
            told = {"ContentType": kind} if self.url.startswith("s3://") and kind else {}
            self._files.put_file(str(path), self._name(name), **told)

    def _remove(self, name: str) -> bool:
        """Tell whether a file is gone; one that we may not remove is tried again another time."""
        try:
            self._files.rm_file(self._name(name))
        except FileNotFoundError:
            return True
        except PermissionError:
            return False
        return True

    def _name(self, name: str) -> str:
        return f"{self._root}/{name}"


def _in_order(names: list[str]) -> list[list[str]]:
    """Put what others lead to before them: data by their hash, what programs read, pages, home."""
    steps: list[list[str]] = [[], [], [], []]
    for name in names:
        is_page = name.endswith("index.html")
        hashed = name.startswith(("assets/", "data/"))
        steps[0 if hashed else 1 if not is_page else 2 if "/" in name else 3].append(name)
    return steps


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its relative name."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): digest(path) for path in paths}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
