"""Members of a zip file, zip64 included."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

from tasks.core.making.unpacking.containers import Member, reason_to_refuse
from tasks.core.making.unpacking.limits import HEAD, Sink


class Zip:
    """A zip file opened for reading."""

    single = False

    def __init__(self, file: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(file)
        self._entries = self._archive.infolist()
        self.members = tuple(
            _member(index, entry) for index, entry in enumerate(self._entries) if not entry.is_dir()
        )

    def head(self, member: Member) -> bytes:
        """Return the first bytes of a member, none of an encrypted one."""
        if member.refused:
            return b""
        with self._archive.open(self._entries[member.index]) as stream:
            return stream.read(HEAD)

    def write(self, wanted: Mapping[Member, Sink]) -> None:
        """Stream the wanted members; zipfile compares each checksum at its end."""
        for member, sink in wanted.items():
            with self._archive.open(self._entries[member.index]) as stream:
                sink.take(stream)  # type: ignore[arg-type]


def _member(index: int, entry: zipfile.ZipInfo) -> Member:
    name = entry.filename.replace("\\", "/")  # some Windows programs write their own separator
    refused = reason_to_refuse(name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        refused = "is a symbolic link"
    if entry.flag_bits & 0x1:
        refused = "is encrypted, while open data have no password"
    return Member(index, name, entry.file_size, refused)
