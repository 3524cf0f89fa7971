"""Where the site lies: a folder of this machine or a place of object storage, by fsspec.

Files named by their hash never change; pages do, each by one switch of its own. All that pages
lead to is there before they are. site.json, which tells what the site is made of, is written twice:
first without what is about to change, so that after a build that was killed nothing is taken for
what it is not, and last with it. What no page leads to any more stays for a day, for readers who
opened theirs before; pages that are no more go at once: what was withdrawn must not be seen.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tasks.core.archive.locations import S3_PATIENCE, outages
from tasks.core.archive.reasons import lasts, reason
from tasks.core.model.addresses import redact
from tasks.core.model.errors import ConfigurationError, Refused

RECORD = "site.json"
TYPES = {
    ".jsonld": "application/ld+json",
    ".pmtiles": "application/vnd.pmtiles",
    ".js": "text/javascript",
    ".gz": "application/gzip",
}
GRACE = timedelta(days=1)  # for readers of a page that was shown before
LASTING = (NotADirectoryError, IsADirectoryError, FileExistsError)  # a file is in the way
PART = ".part"  # a file of this machine that is not whole yet
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
        """Return what site.json tells of the files that are there; empty where it tells nothing.

        Raises Refused where the place lets nobody read it.
        """
        with self._explained():
            try:
                found = sound(json.loads(self._files.cat_file(self._name(RECORD))))
            except (FileNotFoundError, NotADirectoryError, ValueError):
                return {}
            begin = len(self._root.rstrip("/")) + 1
            there = {path[begin:] for path in self._files.find(self._root)}
        held = {name: sha256 for name, sha256 in found["files"].items() if name in there}
        return found | {"files": held}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in a sentence that a place refuses; an outage stays one, which may heal."""
        try:
            yield
        except outages() as error:
            if lasts(error) or isinstance(error, LASTING):
                is_local = isinstance(self._files, LocalFileSystem)
                why = getattr(error, "strerror", "") if is_local else reason(error)
                raise Refused(
                    f"A place that takes pages was expected for the site, and {redact(self.url)}"
                    f" does not ({why}): mend that, or correct GEODATA_SITE or the"
                    " parameter; pages that are there stay, and the next build completes them."
                ) from None
            raise

    def switch(self, folder: Path, made: dict[str, Any], before: dict[str, Any]) -> list[str]:
        """Show the site that a folder holds; return the names of the files that were written.

        made: what the next site needs to know of this one, with "files", the SHA-256 of each by its
        name, also of those that are at the place already. before: record() of the site there.
        """
        files, held, now = made["files"], before.get("files", {}), datetime.now(UTC)
        new = [name for name, sha256 in files.items() if held.get(name) != sha256]
        left = before.get("left", {})
        stays = {name: sha256 for name, sha256 in held.items() if name not in new}
        under_way = {"files": stays, "left": dict.fromkeys(new, now.isoformat()) | left}
        with self._explained():
            self._clear()
            self._tell(folder, {**before, **under_way})
            for names in _in_order(new):
                self._put(folder, names)
            left = dict.fromkeys({*held} - {*files}, now.isoformat()) | left
            gone = self._removed({name: at for name, at in left.items() if name not in files}, now)
            kept = {name: at for name, at in left.items() if name not in {*files, *gone}}
            self._tell(folder, made | {"left": kept})
        return new

    def _tell(self, folder: Path, told: dict[str, Any]) -> None:
        (folder / RECORD).write_text(json.dumps(told), encoding="utf-8")
        self._put(folder, [RECORD])

    def _clear(self) -> None:
        """Remove what builds that were killed had begun to write; only one writes at a time."""
        if isinstance(self._files, LocalFileSystem):
            for part in Path(self._root).rglob(f".*{PART}"):
                part.unlink(missing_ok=True)

    def _removed(self, left: dict[str, str], now: datetime) -> set[str]:
        """Remove pages that are no more, and data that no page leads to for a day; name them."""
        since = now - GRACE
        old = [
            n for n, at in left.items() if not is_hashed(n) or datetime.fromisoformat(at) < since
        ]
        return {name for name in old if self._remove(name)}

    def _put(self, folder: Path, names: list[str]) -> None:
        with ThreadPoolExecutor(PUTTING) as pool:
            for _ in pool.map(lambda name: self._put_one(folder / name, name), names):
                pass

    def _put_one(self, path: Path, name: str) -> None:
        if isinstance(self._files, LocalFileSystem):
            target = Path(self._name(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.{os.getpid()}{PART}")
            try:
                shutil.copyfile(path, part)
                part.chmod(0o644)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
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
        except OSError:
            return False
        return True

    def _name(self, name: str) -> str:
        return f"{self._root}/{name}"


def is_hashed(name: str) -> bool:
    """Tell whether a file has the hash of its bytes in its name, so that it never changes."""
    return name.startswith(("assets/", "data/"))


def sound(found: Any) -> dict[str, Any]:
    """Return what a site.json tells; raises ValueError where it is none of ours."""
    told = found if isinstance(found, dict) else {}
    files, left, made = (told.get(part, {}) for part in ("files", "left", "made"))
    if not all(isinstance(each, dict) for each in (found, files, left, made, *made.values())):
        raise ValueError(RECORD)
    if any(
        "value" not in each or not isinstance(each.get("files"), list) for each in made.values()
    ):
        raise ValueError(RECORD)
    if any(".." in name.split("/") or name.startswith("/") for name in (*files, *left)):
        raise ValueError(RECORD)
    if not all(datetime.fromisoformat(str(at)).tzinfo for at in left.values()):
        raise ValueError(RECORD)
    return {"files": files, "left": left, "made": made}


def _in_order(names: list[str]) -> list[list[str]]:
    """Put what others lead to before them: data by their hash, what programs read, pages, home."""
    steps: list[list[str]] = [[], [], [], []]
    for name in names:
        is_page = name.endswith("index.html")
        steps[0 if is_hashed(name) else 1 if not is_page else 2 if "/" in name else 3].append(name)
    return steps


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by its relative name."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): digest(path) for path in paths}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
