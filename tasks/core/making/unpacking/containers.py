"""The kind of a container of files, told by its first bytes and never its name; its contents."""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from tasks.core.making.unpacking.limits import Sink

ArchiveFormat = Literal["zip", "7z", "gzip", "plain"]

MARKS: dict[bytes, ArchiveFormat] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gzip",
}
UNREAD = {"bzip2": (4, b"1AY&SY"), "xz": (0, b"\xfd7zXZ\x00"), "tar": (257, b"ustar")}
LONGEST_NAME = 255  # bytes of a file's name, as file systems have it
UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # controls, halves of letters, ends of lines and paragraphs


@dataclass(frozen=True)
class Member:
    """A file inside a container; `refused` says, after its name, why it is never written."""

    index: int
    name: str
    size: int
    refused: str = ""


class PackedFile(Protocol):
    """An opened container; `single`: one compressed stream whose only member has no name."""

    members: tuple[Member, ...]
    single: bool

    def head(self, member: Member) -> bytes:
        """Return the first bytes of a member, enough to recognise its kind."""

    def write(self, wanted: Mapping[Member, Sink]) -> None:
        """Stream the wanted members into their sinks, checking their checksums."""


def recognise(head: bytes) -> ArchiveFormat:
    """Return the kind of container that begins with these bytes."""
    return next((kind for mark, kind in MARKS.items() if head.startswith(mark)), "plain")


def recognise_file(file: BinaryIO) -> ArchiveFormat:
    """Return a file's kind of container; spreadsheets, zip files by their bytes, are plain.

    Raises NotImplementedError for a kind that is not read here.
    """
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    for kind_unread, (start, mark) in UNREAD.items():
        if head.startswith(mark, start):
            raise NotImplementedError(kind_unread)
    kind = recognise(head)
    return "plain" if kind == "zip" and _is_document(file) else kind


def reason_to_refuse(name: str) -> str:
    """Say why a member of this name cannot be written, or would be elsewhere, or nothing."""
    parts = name.split("/")
    if name.startswith("/") or (len(parts[0]) == 2 and parts[0].endswith(":")):
        return "has an absolute path"
    if ".." in parts:
        return "has a path that leaves its folder"
    if any(unicodedata.category(letter) in UNWRITABLE for letter in name):
        return "has control characters in its name"
    if len(parts[-1].encode()) > LONGEST_NAME:
        return f"has a name of more than {LONGEST_NAME} bytes"
    return ""


def shown(name: str) -> str:
    """Give a name for a message: short, on one line, and with no letters that move others."""
    plain = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in name)
    return plain if len(plain) <= LONGEST_NAME else f"{plain[:60]}…{plain[-60:]}"


def _is_document(file: BinaryIO) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.NameToInfo
    except (zipfile.BadZipFile, UnicodeError):
        return False
    finally:
        file.seek(0)
    return "[Content_Types].xml" in names or "mimetype" in names
