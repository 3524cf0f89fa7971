"""Downloads in progress: bytes and their validators on disk, so that killed runs can resume."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal, TextIO

from tasks.core.model.scratch import workplace
from tasks.core.model.settings import scratch_folder
from tasks.core.upstream.answers import Answer
from tasks.core.upstream.http import sendable

CHUNK = 1 << 20
KEPT_DAYS = 7


class Download:
    """The bytes of one address received so far; the file and its running SHA-256 always agree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_suffix(".json")
        self._digest = hashlib.sha256()
        self._file: BinaryIO | None = None
        self.length = 0
        self.etag: str | None = None
        self.last_modified: str | None = None
        self._recall()

    def conditions(self) -> dict[str, str]:
        """Give request headers for the rest only; none when there is nothing to resume."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        if self.length and (validator := sendable(strong or self.last_modified)):
            return {"Range": f"bytes={self.length}-", "If-Range": validator}
        return {}

    def restart(self, etag: str | None, last_modified: str | None) -> None:
        """Forget the bytes and note the validators of those to come."""
        self.discard()
        self.etag, self.last_modified = etag, last_modified
        note = {"etag": etag, "last_modified": last_modified}
        self._note.write_text(json.dumps(note), encoding="utf-8")

    def write(self, block: bytes) -> None:
        """Append a block to the file and to the hash."""
        if self._file is None:
            self._file = self.path.open("ab", buffering=CHUNK)
        self._file.write(block)
        self._digest.update(block)
        self.length += len(block)

    def close(self) -> None:
        """Bring the bytes received so far to the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Forget everything received."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._digest, self.length, self.etag, self.last_modified = hashlib.sha256(), 0, None, None

    def finish(self) -> tuple[Path, str, int]:
        """Move the finished file to this process; return path, SHA-256 in hexadecimal and bytes."""
        self.close()
        self.path.touch()
        sha256 = self._digest.hexdigest()
        received = workplace() / f"{sha256}-{uuid.uuid4().hex[:8]}.received"
        os.replace(self.path, received)
        self._note.unlink(missing_ok=True)
        return received, sha256, self.length

    def answer(self, kind: Literal["received", "truncated"], detail: str = "") -> Answer:
        """Finish the file and give it as an answer, with the validators that came with it."""
        path, sha256, size = self.finish()
        found = Answer(kind=kind, path=path, sha256=sha256, size=size, detail=detail)
        return replace(found, etag=self.etag, last_modified=self.last_modified)

    def _recall(self) -> None:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            with self.path.open("rb") as file:
                self._digest = hashlib.file_digest(file, "sha256")
                self.length = file.tell()
        except (FileNotFoundError, json.JSONDecodeError):
            self.discard()  # killed before the first byte or while noting: nothing to resume
        else:
            self.etag, self.last_modified = note["etag"], note["last_modified"]


@contextmanager
def download_of(url: str) -> Iterator[Download]:
    """Give the download from an address to this process; a second one meanwhile gets its own."""
    folder = scratch_folder() / "downloads"
    folder.mkdir(exist_ok=True)
    _sweep(folder)
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    with (folder / f"{name}.lock").open("w") as lock:
        alone = _locked(lock)
        kept = f"{name}.part" if alone else f"{name}-{uuid.uuid4().hex[:8]}.part"
        download = Download(folder / kept)
        try:
            yield download
        finally:
            download.close() if alone else download.discard()


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(folder: Path) -> None:
    """Remove what killed runs left and nobody came back for."""
    oldest = time.time() - KEPT_DAYS * 86400
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
