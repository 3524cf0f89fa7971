"""Files of a folder on this machine, asked for as if a web server had them."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

from tasks.core.upstream.answers import Answer, Report
from tasks.core.upstream.downloads import CHUNK, Download


def copy(path: Path, download: Download, report: Report, etag: str | None) -> Answer:
    """Copy a file of a mirror folder; its size and time of change serve as its ETag."""
    try:
        facts = path.stat()
        version = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        if version == etag:
            return Answer(kind="unchanged")
        download.restart(version, formatdate(facts.st_mtime, usegmt=True))
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                download.write(block)
                report(download.length, facts.st_size)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        return Answer(kind="gone", detail=f"{error.strerror}: {path}")
    except PermissionError as error:
        return Answer(kind="refused", detail=f"{error.strerror}: {path}")
    modified, complete = download.last_modified, download.length == facts.st_size
    received, sha256, size = download.finish()
    detail = (
        ""
        if complete
        else f"the file of {facts.st_size:,} bytes gave {size:,}: it was being written"
    )
    return Answer(
        kind="received" if complete else "truncated",
        path=received,
        sha256=sha256,
        size=size,
        etag=version,
        last_modified=modified,
        detail=detail,
    )
