"""A folder of this machine as a location of an archive."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path

from tasks.core.archive.copies import digest, place, require, settled, sync, verify_once

ABANDONED_SECONDS = 86400


class Folder:
    """A folder of this machine: objects are read in place, written under a part name and then
    linked.
    """

    def __init__(self, url: str, root: str) -> None:
        self.url, self.root = url, Path(root)

    def exists(self, name: str) -> bool:
        return (self.root / name).is_file()

    def names(self, prefix: str) -> list[str]:
        found = (
            path
            for path in (self.root / prefix).rglob("*")
            if path.is_file() and not path.name.endswith(".part")
        )
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def digest(self, name: str) -> str:
        return digest(self.root / name)

    def save(self, name: str, path: Path) -> None:
        shutil.copyfile(self.root / name, path)

    def add(self, path: Path, name: str, sha256: str) -> None:
        target = self.root / name
        if target.is_file() and settled(digest(target), name, sha256, self.url):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            shutil.copyfile(path, part)
            sync(part)
            require(sha256, digest(part), self.url, name)
            part.chmod(0o444)
            place(part, target, name, sha256)
            sync(target.parent)
        finally:
            part.unlink(missing_ok=True)

    def fetch(self, name: str, sha256: str) -> Path:
        path = self.root / name
        verify_once(path, sha256, self.url, name)
        return path

    def remove(self, name: str) -> bool:
        path = self.root / name
        for part in path.parent.glob(".*.part"):  # a killed run leaves the bytes it was writing
            if part.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                part.unlink(missing_ok=True)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        sync(path.parent)
        return True
