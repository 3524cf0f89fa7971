"""Ctrl-Z, which ends a file of DOS and elsewhere stands for a letter that was lost."""

from __future__ import annotations

import io
from typing import BinaryIO

MARK = b"\x1a"
FILLING = MARK + b"\0 \t\r\n"  # DOS fills up what it stores


class Ended(io.RawIOBase):
    """A file without the mark at its end, nor what fills it up; has_marks: others were read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._ready, self._kept = file, b"", b""
        self.has_marks = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes."""
        while not self._ready and (read := self._file.read(size)):
            text = self._kept + read
            cut = text.find(MARK, len(text.rstrip(FILLING))) if MARK in text else -1
            cut = len(text) if cut < 0 else cut
            self._ready, self._kept = text[:cut], text[cut:]
            self.has_marks |= MARK in self._ready
        part, self._ready = self._ready[:size], self._ready[size:]
        return part
