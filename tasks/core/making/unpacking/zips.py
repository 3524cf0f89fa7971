"""Members of a zip file, zip64 included."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from tasks.core.making.unpacking.containers import Member, reason_to_refuse
from tasks.core.making.unpacking.limits import HEAD, Sink
from tasks.core.making.unpacking.methods import OWN, Unpacked

IN_UTF8, ENCRYPTED = 0x800, 0x1  # bits of an entry's flags


class Zip:
    """A zip file opened for reading."""

    single = False

    def __init__(self, file: BinaryIO) -> None:
        _require_one_volume(file)
        self._archive = zipfile.ZipFile(file)
        self._entries = self._archive.infolist()
        named = [(index, entry, _name(entry)) for index, entry in enumerate(self._entries)]
        self.members = tuple(
            _member(index, entry, name)
            for index, entry, name in named
            if not name.endswith("/") or entry.file_size
        )

    def head(self, member: Member) -> bytes:
        """Return the first bytes of a member, none of an encrypted one."""
        if member.refused:
            return b""
        with self.open(member) as stream:
            return stream.read(HEAD)

    def write(self, wanted: Mapping[Member, Sink]) -> None:
        """Stream the wanted members; each checksum and size is compared at its end."""
        for member, sink in wanted.items():
            with self.open(member) as stream:
                sink.take(stream)
            if sink.size != member.size:
                raise zipfile.BadZipFile(
                    f"{member.name} states {member.size:,} bytes and has {sink.size:,}"
                )

    def open(self, member: Member) -> BinaryIO:
        """Open a member as a stream of its bytes, unpacked as they are read."""
        entry = self._entries[member.index]
        if entry.compress_type in OWN:
            return cast(BinaryIO, io.BufferedReader(Unpacked(self._archive, entry)))
        return cast(BinaryIO, self._archive.open(entry))


def open_packed(path: Path | str, name: str) -> BinaryIO:
    """Open a member of a zip by the name that `find_packed` gave, to be read as it is packed."""
    archive = Zip(Path(path).open("rb"))  # noqa: SIM115 (closed with the stream)
    member = next((each for each in archive.members if each.name == name), None)
    if member is None:
        raise zipfile.BadZipFile(f"it holds no {name}")
    return archive.open(member)


def _require_one_volume(file: BinaryIO) -> None:
    """Raise NotImplementedError for a part of a zip that was split over several files."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - 66_000, 0))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    number = tail[end + 4 : end + 6] if end >= 0 else b""
    file.seek(0)
    if number not in (b"", b"\x00\x00", b"\xff\xff"):
        parts = int.from_bytes(number, "little") + 1
        raise NotImplementedError(f"a zip split over {parts} files")


def _name(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    if not entry.flag_bits & IN_UTF8 and not name.isascii():
        with suppress(UnicodeError):  # some programs write UTF-8 and do not say so
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")  # some Windows programs write their own separator


def _member(index: int, entry: zipfile.ZipInfo, name: str) -> Member:
    refused = reason_to_refuse(name)
    if stat.S_ISLNK(entry.external_attr >> 16):
        refused = "is a symbolic link"
    if entry.flag_bits & ENCRYPTED:
        refused = "is encrypted, while open data have no password"
    return Member(index, name, entry.file_size, refused)
