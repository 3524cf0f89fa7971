"""Members of a tar file, and single files compressed by gzip, bzip2 or xz, which often hold one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Mapping
from typing import BinaryIO, cast

from tasks.core.making.unpacking.containers import Kind, Member, reason_to_refuse, recognise
from tasks.core.making.unpacking.limits import HEAD, Sink


class Tar:
    """A tar file opened for reading; `file` may be a decompressing stream."""

    single = False

    def __init__(self, file: BinaryIO, most_members: int) -> None:
        self._archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
        self._entries: list[tarfile.TarInfo] = []
        for entry in self._archive:
            if not entry.isdir():
                self._entries.append(entry)
            if len(self._entries) > most_members:
                break  # the caller counts them and refuses
        self.members = tuple(_member(index, entry) for index, entry in enumerate(self._entries))

    def head(self, member: Member) -> bytes:
        """The first bytes of a member, none of a link or a device."""
        stream = None if member.refused else self._archive.extractfile(self._entries[member.index])
        return stream.read(HEAD) if stream else b""

    def write(self, wanted: Mapping[Member, Sink]) -> None:
        """Stream the wanted members in the order of the archive, so that a compressed one is read
        once.
        """
        for member in sorted(wanted, key=lambda member: member.index):
            stream = self._archive.extractfile(self._entries[member.index])
            if stream is not None:
                wanted[member].take(cast(BinaryIO, stream))
                if wanted[member].size != member.size:
                    raise tarfile.ReadError(f"{member.name} ends early")


class Stream:
    """One compressed file without a name of its own; `name` is the archive's without its ending."""

    single = True

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.members: tuple[Member, ...] = (Member(0, name, 0),)

    def head(self, member: Member) -> bytes:
        """The first unpacked bytes."""
        self._file.seek(0)
        return self._file.read(HEAD)

    def write(self, wanted: Mapping[Member, Sink]) -> None:
        """Unpack to the end, where the checksum is."""
        self._file.seek(0)
        for sink in wanted.values():
            sink.take(self._file)


def open_compressed(file: BinaryIO, kind: Kind, label: str, most_members: int) -> Tar | Stream:
    """A compressed tar, or the one file that is compressed."""
    unpacked: BinaryIO
    if kind == "gzip":
        unpacked = cast(BinaryIO, gzip.GzipFile(fileobj=file))
    elif kind == "bzip2":
        unpacked = cast(BinaryIO, bz2.BZ2File(file))
    else:
        unpacked = cast(BinaryIO, lzma.LZMAFile(file))  # noqa: SIM115
    head = unpacked.read(HEAD)
    unpacked.seek(0)
    if recognise(head) == "tar":
        return Tar(unpacked, most_members)
    stem, _, ending = label.rpartition(".")
    return Stream(unpacked, stem if ending.lower() in ("gz", "bz2", "xz", "gzip") else label)


def _member(index: int, entry: tarfile.TarInfo) -> Member:
    refused = reason_to_refuse(entry.name)
    if entry.issym() or entry.islnk():
        refused = "is a link"
    elif not entry.isreg():
        refused = "is a device, not a file"
    return Member(index, entry.name.removeprefix("./"), entry.size, refused)
