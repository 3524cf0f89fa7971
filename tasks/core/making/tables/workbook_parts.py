"""The parts of a workbook that is a zip file: the one that holds a sheet, and how large each is."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import PurePosixPath
from typing import IO, BinaryIO
from xml.etree import ElementTree
from zlib import error as ZlibError

from tasks.core.model.errors import SourceError
from tasks.core.model.scratch import workplace

MAX_PART = 4 << 30  # bytes of a part; a sheet of 1,048,576 rows and 50 columns has about 3 GB
MAX_LISTING = 64 << 20  # bytes of the list of sheets
MAX_RATIO = 1_000  # a sheet's XML shrinks 5 to 100 times
RATIO_FROM = 256 << 20
CONTENT = "content.xml"
DIMENSION = re.compile(rb"<((?:\w+:)?dimension)\b[^>]*>")
SOUND = re.compile(rb"""ref\s*=\s*["'][A-Za-z]{1,3}[1-9]\d*(:[A-Za-z]{1,3}[1-9]\d*)?["']""")
HEAD = 1 << 16
DAMAGED = (zipfile.BadZipFile, ZlibError, EOFError, NotImplementedError, ElementTree.ParseError)


class Parts:
    """A workbook's zip file, looked at before a library reads it into memory.

    Raises SourceError when a part is larger than memory should hold, or is of a format not read.
    """

    def __init__(self, file: BinaryIO, label: str) -> None:
        self.zip, self.label = zipfile.ZipFile(file), label
        self.names = set(self.zip.namelist())
        if "xl/workbook.bin" in self.names:
            raise SourceError(
                f"The workbook {label} was expected to be XLSX, XLS or ODS; it is XLSB, which is"
                " not read here: save it as XLSX and hand that in by the inbox."
            )
        for part in self.zip.infolist():
            shrunk = part.file_size > max(RATIO_FROM, MAX_RATIO * part.compress_size)
            if part.file_size > MAX_PART or shrunk:
                raise SourceError(
                    f"The workbook {label} was expected to fit in memory; its part {part.filename}"
                    f" unpacks from {part.compress_size:,} to {part.file_size:,} bytes: look at"
                    " what the publisher sent."
                )

    @property
    def is_ods(self) -> bool:
        """Tell whether it is an OpenDocument spreadsheet."""
        return CONTENT in self.names

    def sheet(self, name: str) -> str | None:
        """Return the part that holds a sheet; None if the workbook does not say it as usual."""
        workbook = next((n for n in self.names if n.lower() == "xl/workbook.xml"), None)
        if workbook is None:
            return None
        keys = {
            sheet.get("name"): value
            for sheet in self._listed(workbook, "sheet")
            for attribute, value in sheet.items()
            if attribute.endswith("}id")
        }
        relations = "xl/_rels/workbook.xml.rels"
        if relations not in self.names:
            return None
        for relation in self._listed(relations, "Relationship"):
            if relation.get("Id") == keys.get(name):
                target = relation.get("Target", "")
                part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                return part if part in self.names else self._loosely(part)
        return None

    def open(self, part: str) -> IO[bytes]:
        """Open a part as a stream of its unpacked bytes."""
        return self.zip.open(part)

    def _loosely(self, part: str) -> str | None:
        wanted = str(PurePosixPath(part.replace("\\", "/"))).lower()
        return next((n for n in self.names if n.replace("\\", "/").lower() == wanted), None)

    def _listed(self, part: str, element: str) -> list[ElementTree.Element]:
        with self.zip.open(part) as file:
            tree = ElementTree.fromstring(file.read(MAX_LISTING))
        return [each for each in tree.iter() if each.tag.rpartition("}")[2] == element]


def with_sound_dimension(parts: Parts, part: str, file: BinaryIO) -> BinaryIO:
    """Return the workbook, copied without a sheet's stated extent where that is no range.

    The extent is a hint that some writers get wrong ("A0:AZ48943"); office programs ignore it.
    """
    with parts.open(part) as stream:
        head = stream.read(HEAD)
    stated = DIMENSION.search(head)
    if stated is None or SOUND.search(stated[0]):
        file.seek(0)
        return file
    end = b"/>" if stated[0].endswith(b"/>") else b">"
    sound = b"<" + stated[1] + b' ref="A1"' + end
    copy = tempfile.TemporaryFile(dir=workplace())  # noqa: SIM115
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name in parts.zip.namelist():
            with parts.open(name) as source, target.open(name, "w", force_zip64=True) as sink:
                if name == part:
                    sink.write(source.read(HEAD).replace(stated[0], sound, 1))
                shutil.copyfileobj(source, sink, 1 << 20)
    copy.seek(0)
    return copy


def cell_name(row: int, column: int) -> str:
    """Name a cell, counted from 0, as spreadsheets do: B4."""
    letters, column = "", column + 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row + 1}"


def column_number(letters: str) -> int:
    """Return the position, from 0, of a column named A, B … XFD."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1
