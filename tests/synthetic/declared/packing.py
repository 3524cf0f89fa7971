"""Names of files and of the members of archives that fit a declaration, and the archives."""

from __future__ import annotations

import gzip
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from synthetic.declared.codes import Reads, spelled
from synthetic.declared.layers import DRIVERS, PARQUET
from synthetic.formats import write_zip
from synthetic.france_formats import seven_zip

from tasks.core.model.declarations import Document, Features, Source

ARCHIVES = {"zip": ".zip", "7z": ".7z", "gzip": ".gz"}
ENDINGS = {  # of a file that is not packed; an address that ends in another of these is believed
    "xlsx": (".xlsx",),
    "ods": (".ods",),
    "xls": (".xlsx",),  # nothing here writes XLS: its mirror has XLSX, and says so
    "json": (".geojson", ".json"),
    "xml": (".gml", ".kml"),
    "parquet": (".parquet", ".geoparquet"),
    "sqlite": (".gpkg", ".sqlite", ".db"),
    "text": (".csv", ".txt", ".dat", ".geojson"),
}
WORKBOOKS = (".xlsx", ".ods")
LAYERS = (*DRIVERS, *PARQUET)


def ending(source: Source, reads: Reads) -> str:
    """The ending of the file that is read, which tells its format."""
    if isinstance(reads, Document):
        return ".json"
    address = PurePosixPath(urlsplit(source.urls[0]).path if source.urls else "")
    if source.container in ARCHIVES:
        suffix = PurePosixPath(_member(source, reads) or address.stem).suffix
        if isinstance(reads, Features):
            return suffix if suffix.lower() in LAYERS else ".shp"
        return suffix if suffix and suffix.lower() not in DRIVERS else ".csv"
    if source.container not in ENDINGS:
        raise ValueError(
            f"No {source.container} can be made for {source.slug}: declare one of"
            f" {', '.join((*ARCHIVES, *ENDINGS))}, for the mirror at least."
        )
    offered = ENDINGS[source.container]
    return address.suffix.lower() if address.suffix.lower() in offered else offered[0]


def member_name(source: Source, reads: Reads, territory: str) -> str:
    """The path of the file in its archive, which matches the declared pattern and, where the CRS
    depends on the path, the pattern of a territory.
    """
    pattern = _member(source, reads) if source.container in ARCHIVES else None
    word = spelled(territory, star=source.slug) if territory else source.slug
    name = spelled(pattern, star=word) if pattern else f"{word}{ending(source, reads)}"
    if PurePosixPath(name).suffix == "":
        name += ending(source, reads)
    if territory and not fnmatchcase(name, territory):
        name = f"{word}/{name}"
    return name


def pack(source: Source, inside: Path, path: Path) -> None:
    """The files of a folder in the declared container, dated by the source's reference date."""
    files = sorted(each for each in inside.rglob("*") if each.is_file())
    day: date = source.reference_date
    if source.container == "zip":
        members = [(each.relative_to(inside).as_posix(), [each.read_bytes()]) for each in files]
        write_zip(path, members, day)
    elif source.container == "7z":
        path.unlink(missing_ok=True)
        seven_zip(path, inside, day)
    elif len(files) > 1:
        raise ValueError(
            f"{source.slug} is declared as {source.container}, which holds one file; its format"
            f" needs {len(files)}: declare it as zip."
        )
    else:
        content = files[0].read_bytes()
        path.write_bytes(gzip.compress(content, mtime=0) if source.container == "gzip" else content)


def _member(source: Source, reads: Reads) -> str | None:
    return getattr(reads, "member", None) or source.member
