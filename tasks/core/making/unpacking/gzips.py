"""A single file compressed by gzip."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import BinaryIO, cast

from tasks.core.making.unpacking.containers import Member
from tasks.core.making.unpacking.limits import HEAD, Sink


class Gzip:
    """One compressed file without a name of its own; `name` is that of the archive."""

    single = True

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = cast(BinaryIO, gzip.GzipFile(fileobj=file))
        stem, _, ending = name.rpartition(".")
        is_named_so = ending.lower() in ("gz", "gzip")
        self.members: tuple[Member, ...] = (Member(0, stem if is_named_so else name, 0),)

    def head(self, member: Member) -> bytes:
        """Return the first unpacked bytes."""
        self._file.seek(0)
        return self._file.read(HEAD)

    def write(self, wanted: Mapping[Member, Sink]) -> None:
        """Unpack to the end, where the checksum is."""
        self._file.seek(0)
        for sink in wanted.values():
            sink.take(self._file)
