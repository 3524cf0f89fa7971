"""Kinds of files that are no tables here, told by their first bytes."""

from __future__ import annotations

import re
import struct

from tasks.core.model.errors import SourceError

HEAD = 1_024
KINDS = (
    (rb"SQLite format 3\0", "an SQLite or GeoPackage database", "a layer of it with Features"),
    (rb"%PDF-", "a PDF document", "another file of the publisher"),
    (rb"\x1f\x8b", "packed by gzip", 'its container as "gzip"'),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", 'its container as "7z"'),
    (rb"Rar!", "a RAR archive", "another file of the publisher"),
    (rb"BZh|\xfd7zXZ\0|\x28\xb5\x2f\xfd", "a packed stream", "another file of the publisher"),
    (rb"PARE", "an encrypted Parquet file", "another file of the publisher"),
    (rb"ARROW1|FEA1", "an Arrow file", "the Parquet or CSV file of the publisher"),
    (rb"(?i)\s*(<!doctype html|<html)", "a web page", "the address of the file itself"),
    (rb"\s*<(\?xml|[A-Za-z!])", "XML", "another file of the publisher"),
    (rb"\s*(\{\s*[\"}]|\[\s*[\[{])", "JSON", "a layer with Features, or another file"),
    (rb"\x89PNG|GIF8|\xff\xd8\xff|II\*\0|MM\0\*", "a picture", "another file of the publisher"),
    (rb"\0\0\x27\x0a", "the .shp of a Shapefile", "a layer with Features"),
)
DBF_VERSIONS = b"\x02\x03\x04\x05\x30\x31\x32\x43\x63\x83\x8b\x8e\xcb\xf5\xfb"


def require_table(head: bytes, label: str) -> None:
    """Raise SourceError when a file's first bytes are those of another kind than delimited text."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    found = [(kind, door) for begin, kind, door in KINDS if re.match(begin, text)]
    if _is_dbf(head):
        found = [("a DBF file (dBASE)", "the CSV or workbook of the publisher")]
    if found:
        raise SourceError(
            f"The file {label} was expected to be delimited text, a workbook or Parquet; it is"
            f" {found[0][0]}, which is no table here: declare {found[0][1]}."
        )


def _is_dbf(head: bytes) -> bool:
    """Tell a DBF by its version, date of change and lengths of header and record."""
    if len(head) < 32 or head[0] not in DBF_VERSIONS:
        return False
    month, day = head[2], head[3]
    header, record = struct.unpack("<HH", head[8:12])
    is_day = 1 <= month <= 12 and 1 <= day <= 31  # UTF-16, too, may begin so, but for the day
    return is_day and header >= 33 and record >= 1
