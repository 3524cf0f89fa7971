"""An archive in an object store, or anything else fsspec reaches by URL (s3://, gs://, az://)."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from tasks.core.archive import copies
from tasks.core.archive.parts import ABANDONED_SECONDS
from tasks.core.model.scratch import use, workplace


class Bucket:
    """A file system of fsspec, such as an object store; an object appears only when complete."""

    def __init__(self, url: str, files: Any, root: str) -> None:
        self.url, self.files, self.root = url, files, root.rstrip("/")

    def exists(self, name: str) -> bool:
        """Tell whether the store has an object of that name."""
        return bool(self.files.exists(self._key(name)))

    def names(self, prefix: str) -> list[str]:
        """Give the names of all objects under a prefix, sorted, relative to the root."""
        with suppress(FileNotFoundError):
            found = self.files.find(self._key(prefix))
            return sorted(key[len(self.root) :].lstrip("/") for key in found)
        return []

    def read(self, name: str) -> bytes:
        """Give all bytes of an object at once; only small documents are read so."""
        return bytes(self.files.cat_file(self._key(name)))

    def digest(self, name: str) -> str:
        """Give the SHA-256 of what the store sends now, in blocks of 8 MiB, past any cache."""
        digest = hashlib.sha256()
        with self.files.open(self._key(name), "rb", cache_type="none") as file:
            while block := file.read(8 << 20):
                digest.update(block)
        return digest.hexdigest()

    def save(self, name: str, path: Path) -> None:
        """Copy what the store sends now into a file of this machine, unverified."""
        self.files.get_file(self._key(name), str(path))

    def add(self, path: Path, name: str, sha256: str) -> None:
        """Put a file, then read it back whole; raise CorruptCopy where other bytes come."""
        key = self._key(name)
        if self.files.exists(key) and copies.settled(self.digest(name), name, sha256, self.url):
            return
        self.replace(path, name, sha256)

    def replace(self, path: Path, name: str, sha256: str) -> None:
        """Put a file over whatever has its name; a bucket that forbids deletion takes that too."""
        self.files.put_file(str(path), self._key(name))
        copies.require(sha256, self.digest(name), self.url, name)

    def fetch(self, name: str, sha256: str) -> Path:
        """Give the path of a verified copy on this machine, fetched only where none is there."""
        copy = copies.scratch_copy(sha256)
        if not copy.is_file():
            copy.parent.mkdir(exist_ok=True)
            part = workplace() / f"{sha256}-{uuid.uuid4().hex[:8]}.part"
            try:
                self.files.get_file(self._key(name), str(part))
                copies.require(sha256, copies.digest(part), self.url, name)
                copies.sync(part)
                os.replace(part, copy)
                copies.sync(copy.parent)
            finally:
                part.unlink(missing_ok=True)
        use(copy)
        try:
            copies.verify_once(copy, sha256, str(copy.parent), sha256)
        except copies.CorruptCopy:
            copy.unlink()
            return self.fetch(name, sha256)
        return copy

    def remove(self, name: str) -> bool:
        """Delete an object with all versions a bucket of S3 keeps; OSError when any is left."""
        key = self._key(name)
        there = bool(self.files.exists(key))
        if there:
            self.files.rm_file(key)
        bucket, _, path = key.partition("/")
        for version in (kept := self._versions(key)):
            self.files.call_s3("delete_object", Bucket=bucket, Key=path, VersionId=version)
        if self.files.exists(key) or self._versions(key):
            raise OSError(f"{name} is still there after its removal")
        return there or bool(kept)

    def clear(self) -> list[str]:
        """Abort uploads in parts that nobody went on with for a day; give their names.

        Other stores than those with the API of S3 let such parts expire by themselves.
        """
        if not hasattr(self.files, "call_s3"):
            return []
        bucket, _, prefix = self._key("").partition("/")
        answer = self._asked("list_multipart_uploads", Bucket=bucket, Prefix=prefix)
        oldest = _said_at(answer) - timedelta(seconds=ABANDONED_SECONDS)
        left = [each for each in answer.get("Uploads", []) if each["Initiated"] < oldest]
        for each in left:
            upload = {"Key": each["Key"], "UploadId": each["UploadId"]}
            with suppress(FileNotFoundError):  # another audit was faster
                self.files.call_s3("abort_multipart_upload", Bucket=bucket, **upload)
        return sorted(each["Key"].removeprefix(prefix) for each in left)

    def _versions(self, key: str) -> list[str]:
        """Give the versions of a removed object that an S3 bucket keeps.

        Other stores must have versions and soft deletion off, or let them expire.
        """
        if not hasattr(self.files, "call_s3"):
            return []
        bucket, _, path = key.partition("/")
        answer = self._asked("list_object_versions", Bucket=bucket, Prefix=path)
        versions = answer.get("Versions", [])
        return [version["VersionId"] for version in versions if version["Key"] == path]

    def _asked(self, question: str, **facts: str) -> dict[str, Any]:
        """Ask what not every store with the API of S3 can tell: nothing then."""
        try:
            answer: dict[str, Any] = self.files.call_s3(question, **facts)
        except OSError as error:
            if error.errno != errno.ENOSYS and "NotImplemented" not in str(error):
                raise
            return {}
        return answer

    def _key(self, name: str) -> str:
        return f"{self.root}/{name}"


def _said_at(answer: Any) -> datetime:
    """Give the moment of an answer by the store's own clock, or else by that of this machine."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    with suppress(ValueError):
        return parsedate_to_datetime(date).astimezone(UTC)
    return datetime.now(UTC)
