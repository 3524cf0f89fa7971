"""Members of a 7z file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import BinaryIO

import py7zr

from tasks.core.making.unpacking.containers import Member, reason_to_refuse
from tasks.core.making.unpacking.damage import damaged, encrypted
from tasks.core.making.unpacking.limits import HEAD, Budget, Sink


class SevenZip:
    """A 7z file opened for reading. Its members are packed together: they are read in one pass."""

    single = False

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._budget, self._heads = budget, dict[str, bytes]()
        with _reading(budget.label):
            self._archive = py7zr.SevenZipFile(file)
        if self._archive.needs_password():
            raise encrypted(budget.label)
        self.members = tuple(
            _member(index, entry)
            for index, entry in enumerate(self._archive.list())
            if not entry.is_directory
        )

    def head(self, member: Member) -> bytes:
        """Return a member's first bytes; the first call reads those of all members at once."""
        if not self._heads:
            own = self._budget  # nothing is written yet
            budget = Budget(own.limits, own.archive_bytes, own.label)
            sinks = {each: Sink(budget) for each in self.members if not each.refused}
            with suppress(_Enough):
                self._extract(sinks, until=max(sinks, key=lambda each: each.index, default=member))
            self._heads = {each.name: sink.head for each, sink in sinks.items()}
        return self._heads.get(member.name, b"")

    def write(self, wanted: Mapping[Member, Sink]) -> None:
        """Stream the wanted members; py7zr compares each checksum."""
        self._extract(wanted)

    def _extract(self, wanted: Mapping[Member, Sink], until: Member | None = None) -> None:
        names, sinks = [member.name for member in wanted], _Sinks(wanted, self._budget, until)
        with _reading(self._budget.label):
            self._archive.reset()
            self._archive.extract(targets=names, factory=sinks)


@contextmanager
def _reading(label: str) -> Iterator[None]:
    """Turn what py7zr alone says into what `damage.reading` understands."""
    try:
        yield
    except py7zr.exceptions.PasswordRequired:
        raise encrypted(label) from None
    except py7zr.UnsupportedCompressionMethodError as error:
        raise NotImplementedError(str(error)) from None
    except py7zr.exceptions.ArchiveError as error:
        raise damaged(label, error) from None


class _Enough(Exception):
    """The first bytes of the last member have been seen."""


class _Sink(py7zr.Py7zIO):
    """A sink as py7zr wants it: it only ever writes forward."""

    def __init__(self, sink: Sink, is_last: bool) -> None:
        self._sink, self._is_last = sink, is_last

    def write(self, s: bytes | bytearray) -> int:
        """Pass bytes on; raise _Enough once the first bytes of the last member are seen."""
        count = self._sink.write(s)
        if self._is_last and len(self._sink.head) >= HEAD:
            raise _Enough
        return count

    def read(self, size: int | None = None) -> bytes:
        """Give nothing: no byte is kept here."""
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Stay where it is: bytes only ever come in order."""
        return offset

    def flush(self) -> None:
        """Do nothing: what was written has been passed on already."""
        return None

    def size(self) -> int:
        """Give how many bytes have come."""
        return self._sink.size


class _Sinks(py7zr.WriterFactory):
    """Gives py7zr the sink of each member it comes to."""

    def __init__(self, wanted: Mapping[Member, Sink], budget: Budget, until: Member | None) -> None:
        self._sinks = {str(PurePosixPath(member.name)): sink for member, sink in wanted.items()}
        self._budget = budget
        self._last = next((sink for member, sink in wanted.items() if member == until), None)

    def create(self, filename: str) -> py7zr.Py7zIO:
        """Give the sink of a member, or one that only counts where it is not wanted."""
        # py7zr renames a second member of the same name
        sink = self._sinks.get(filename) or Sink(self._budget)
        return _Sink(sink, sink is self._last)


def _member(index: int, entry: py7zr.FileInfo) -> Member:
    refused = reason_to_refuse(entry.filename)
    if entry.is_symlink:
        refused = "is a symbolic link"
    return Member(index, entry.filename, entry.uncompressed, refused)
