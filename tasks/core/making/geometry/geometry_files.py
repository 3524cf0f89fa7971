"""Find the features in a file: the member of a zip, the layer of a dataset, and the batch size."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape, quoteattr

import pyogrio
from pyogrio.errors import DataSourceError, GeometryError

from tasks.core.making.unpacking.containers import recognise
from tasks.core.making.unpacking.searches import CHANGES
from tasks.core.model.errors import Damaged, SourceError

FORMATS = {
    *(".gpkg", ".shp", ".geojson", ".json", ".topojson", ".fgb", ".gml", ".kml"),
    *(".sqlite", ".db", ".parquet", ".geoparquet"),
}
HEAD = 2**16
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MARKS = {
    b"SQLite format 3\0": "sqlite",
    b"PAR1": "parquet",
    b"fgb": "flatgeobuf",
    b"\0\0\x27\x0a": "shapefile",
}
TYPES = re.compile(rb'"type"\s*:\s*"(Topology|FeatureCollection|Feature)"')
BATCH_BYTES = 4 * 2**20
BATCH_FEATURES = 1000  # where the number of features is not known before reading
BATCH_FEATURES_MOST = 65_536
GDAL_OPTIONS = {
    "GML_FIELDTYPES": "ALWAYS_STRING",  # or GDAL guesses, and 1.10 becomes the number 1.1
    # the driver's own Arrow stream breaks its offsets at a missing geometry
    "OGR_FLATGEOBUF_STREAM_BASE_IMPL": ("YES"),
}
VIRTUAL = (
    "<OGRVRTDataSource><OGRVRTLayer name={name}><SrcDataSource"
    " relativeToVRT='0'>{path}</SrcDataSource>"
    "<SrcLayer>{layer}</SrcLayer><GeometryType>wkbUnknown</GeometryType></OGRVRTLayer></OGRVRTDataSource>"
)


@dataclass(frozen=True)
class Place:
    """A dataset's path as GDAL writes it, unpacked size in bytes, archive and member if zipped."""

    path: str
    size: int
    archive: str = ""
    member: str = ""
    called: str = ""

    @cached_property
    def kind(self) -> str:
        """The format by its first bytes, whatever its name; "" where they do not tell."""
        return _kind_of(_in_utf_8(self.head))

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the file, none of a folder."""
        if self.member:
            with zipfile.ZipFile(self.archive) as archive, archive.open(self.member) as packed:
                return packed.read(HEAD)
        if self.archive or not Path(self.path).is_file():
            return b""
        with Path(self.path).open("rb") as file:
            return file.read(HEAD)

    @property
    def suffix(self) -> str:
        """The format's suffix, in lower case with its dot."""
        return PurePosixPath(self.member or self.path).suffix.lower()

    @property
    def name(self) -> str:
        """The file's name as a person knows it."""
        return self.called or PurePosixPath(self.member or self.path).name

    def batch_size(self, features: int | None, unpacked: int = 0) -> int:
        """Return how many features to hold at a time, from their average size in bytes.

        unpacked: bytes of all features where they are packed in the file.
        """
        size = max(unpacked, self.size)
        if not features or not size:
            return BATCH_FEATURES
        return min(max(BATCH_BYTES * features // size, 1), BATCH_FEATURES_MOST)


def _in_utf_8(head: bytes) -> bytes:
    """Return text of two bytes a letter in UTF-8, other bytes as they are."""
    marked = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    codec = (marked | {b"{\0": "utf-16-le", b"\0{": "utf-16-be"}).get(head[:2])
    return head.decode(codec, "ignore").encode() if codec else head


def _kind_of(head: bytes) -> str:
    """Name the format that begins so: geojson, features (one a line), json for any other JSON."""
    for mark, kind in MARKS.items():
        if head.startswith(mark):
            return kind
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip(b"\x1e \t\r\n")
    if not text.startswith(b"{"):
        return "xml" if text.startswith(b"<") else ""
    types = set(TYPES.findall(text))
    if b"Topology" in types or not types & {b"FeatureCollection", b"Feature"}:
        return "json"
    first = text.split(b"\n", 1)
    is_one = b"FeatureCollection" not in types and b'"features"' not in text
    is_line = len(first) > 1 and first[1].lstrip(b"\x1e \t\r\n").startswith(b"{")
    return "features" if is_one and is_line else "geojson"


def locate(path: str) -> Place:
    """Find the dataset of a file, folder or zip; raise SourceError unless a zip holds one."""
    if not Path(path).exists():
        raise Damaged(
            f"The geometry file {path} was expected and does not exist: unpack the original again."
        )
    if Path(path).is_dir() or not _begins_as_zip(Path(path)):
        _require_whole(Path(path))
        return Place(path, Path(path).stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except zipfile.BadZipFile as error:
        raise Damaged(
            f"The file {Path(path).name} begins as a zip and cannot be read as one ({error}):"
            " download it again."
        ) from None
    paths = {member: PurePosixPath(member.filename) for member in members}
    datasets = [member for member in members if paths[member].suffix.lower() in FORMATS]
    folders = {paths[member].parent for member in datasets}
    if len(datasets) == 1:
        (only,) = datasets
        _require_alone(only.filename, [member.filename for member in members])
        return Place(f"/vsizip/{{{path}}}/{only.filename}", only.file_size, path, only.filename)
    if len(folders) == 1 and all(paths[member].suffix.lower() == ".shp" for member in datasets):
        # several shapefiles are the layers of one dataset
        return Place(f"/vsizip/{{{path}}}/{folders.pop()}", 0, path)
    listed = ", ".join(member.filename for member in datasets or members)
    raise SourceError(
        f"One geometry file was expected in {Path(path).name} and it holds {listed or 'nothing'}:"
        " declare the member to unpack."
    )


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return recognise(file.read(HEAD)) == "zip"


def _require_alone(name: str, members: Sequence[str]) -> None:
    """Raise SourceError when newer rows of a database stand beside it, not read in the zip."""
    if beside := [name + ending for ending in CHANGES if name + ending in members]:
        raise SourceError(
            f"The database {name} has changes beside it in the zip, {', '.join(beside)}, and is not"
            " read without them: declare the member to unpack."
        )


def _require_whole(path: Path) -> None:
    """Raise Damaged on a cut shapefile or GML, which GDAL reads as if it ended there."""
    with path.open("rb") if path.is_file() else io.BytesIO() as file:
        head, size = file.read(2000), file.seek(0, io.SEEK_END)
        file.seek(max(size - 2000, 0))
        tail = file.read()
    # a shapefile states its length in words of 16 bits
    cut = path.suffix.lower() == ".shp" and 2 * int.from_bytes(head[24:28], "big") > size
    if path.suffix.lower() == ".gml" and (root := re.search(rb"<([A-Za-z_][\w:.-]*)", head)):
        cut = not tail.rstrip().endswith(b"</" + root[1] + b">")
    if cut:
        raise Damaged(
            f"A whole file was expected and {path.name} ends early, after {size:,} bytes: download"
            " it again."
        )


def choose_layer(place: Place, pattern: str | None) -> tuple[str, str]:
    """Return the path to open and the layer with geometry that a pattern means, or the only one.

    Raises SourceError listing the layers.
    """
    try:
        names = [str(name) for name, kind in pyogrio.list_layers(place.path) if kind is not None]
        return place.path, _only(names, place, pattern)
    # pyogrio refuses layers of any kind of geometry with heights; through a virtual layer it reads
    # them
    except GeometryError:
        import fiona

        name = _only(fiona.listlayers(place.path), place, pattern)
        quoted = {"name": quoteattr(name), "path": escape(place.path), "layer": escape(name)}
        return VIRTUAL.format(**quoted), name
    except (DataSourceError, UnicodeDecodeError):
        is_damaged = place.kind in MARKS.values() or not place.head
        raise (Damaged if is_damaged else SourceError)(
            f"Geometries were expected in {place.name} and no reader knows its bytes, which begin"
            f" with {place.head[:16]!r}: look at what was downloaded."
        ) from None


def _only(names: list[str], place: Place, pattern: str | None) -> str:
    meant = [name for name in names if pattern is None or fnmatchcase(name, pattern)]
    if len(meant) != 1:
        expected = "One layer" if pattern is None else f"One layer named {pattern}"
        found = ", ".join(names) or "none with geometry"
        raise SourceError(
            f"{expected} was expected in {place.name} and it holds {found}: declare the layer"
            " meant."
        )
    return meant[0]
