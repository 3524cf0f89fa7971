"""Files named by what they hold, so that an unchanged one keeps its address."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

DIGITS = 16  # of the SHA-256 in a name
UNSAFE = re.compile(r"[^\w-]", re.ASCII)  # in a name of a file and its address
FASTEST = 4  # level of compression: half the time of the default, 3 per cent more bytes


def keep(folder: Path, name: str, ending: str, content: bytes) -> str:
    """Write a file as name.<hash>.ending; returns its name."""
    digest = hashlib.sha256(content).hexdigest()[:DIGITS]
    path = folder / f"{UNSAFE.sub('_', name)}.{digest}.{ending}"
    if not path.exists():
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_bytes(content)
        unfinished.replace(path)
    return path.name


def keep_file(folder: Path, name: str, ending: str, made: Path) -> str:
    """Move a file that was made elsewhere into place; returns its name."""
    with open(made, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:DIGITS]
    path = folder / f"{name}.{digest}.{ending}"
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.move(made, unfinished)  # another disk is copied from
    unfinished.replace(path)
    return path.name


def as_json(content: Any) -> bytes:
    """Write a document in the shortest form, the same for the same content."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def packed(content: bytes) -> bytes:
    """Compress by gzip without a date, so that equal contents give equal bytes."""
    return gzip.compress(content, FASTEST, mtime=0)
