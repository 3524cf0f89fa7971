"""Files of a folder on this machine, asked for as if a web server had them."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path
from stat import S_ISREG

from tasks.core.upstream.answers import Answer, Report
from tasks.core.upstream.downloads import CHUNK, Download


def copy(path: Path, download: Download, report: Report, etag: str | None) -> Answer:
    """Copy a file of a mirror folder; its size and time of change serve as its ETag."""
    try:
        facts = path.stat()
        if not S_ISREG(facts.st_mode) and not path.is_dir():  # a device or pipe never ends
            return Answer(kind="refused", detail=f"it is no file: {path}")
        version = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        if version == etag:
            return Answer(kind="unchanged")
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        return Answer(kind="gone", detail=f"{error.strerror}: {path}")
    except PermissionError as error:
        return Answer(kind="refused", detail=f"{error.strerror}: {path}")
    with file:  # what goes wrong from here on is no fault of the mirror's
        download.restart(version, formatdate(facts.st_mtime, usegmt=True))
        while download.length <= facts.st_size and (block := file.read(CHUNK)):
            download.write(block)
            report(download.length, facts.st_size)
    if download.length == facts.st_size:
        return download.answer("received")
    found = f"the file of {facts.st_size:,} bytes gave {download.length:,}: it was being written"
    return download.answer("truncated", found)
