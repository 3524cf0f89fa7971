"""The cartographic boundary files of the Census Bureau: Shapefiles in zips, with the columns,
widths and projection text of the real ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from synthetic import formats
from synthetic.coverage import Geometries

PROJECTION = (
    'GEOGCS["GCS_North_American_1983",DATUM["D_North_American_1983",SPHEROID["GRS_1980",6378137,298.257222101]],'
    'PRIMEM["Greenwich",0],UNIT["Degree",0.017453292519943295]]'
)
FULL_ID_SINCE = 2023  # AFFGEOID was renamed GEOIDFQ
LONG_NAMES_SINCE = (
    2020  # before, no NAMELSAD, NAMELSADCO, STATE_NAME, and STUSPS only in the file of states
)
WIDTHS = {
    "STATEFP": 2,
    "COUNTYFP": 3,
    "TRACTCE": 6,
    "BLKGRPCE": 1,
    "STATENS": 8,
    "COUNTYNS": 8,
    "STUSPS": 2,
    "LSAD": 2,
    "ALAND": 14,
    "AWATER": 14,
}
COLUMNS = {
    "state": "STATEFP STATENS {full} GEOID STUSPS NAME LSAD ALAND AWATER",
    "county": (
        "STATEFP COUNTYFP COUNTYNS {full} GEOID NAME NAMELSAD STUSPS STATE_NAME LSAD ALAND AWATER"
    ),
    "tract": (
        "STATEFP COUNTYFP TRACTCE {full} GEOID NAME NAMELSAD STUSPS NAMELSADCO STATE_NAME LSAD"
        " ALAND AWATER"
    ),
    "bg": "STATEFP COUNTYFP TRACTCE BLKGRPCE {full} GEOID NAME NAMELSAD LSAD ALAND AWATER",
}
PREFIX = {"state": "0400000US", "county": "0500000US", "tract": "1400000US", "bg": "1500000US"}
Columns = dict[str, NDArray[Any]]


def columns_of(level: str, vintage: int) -> list[str]:
    """The columns of a level's file in their order."""
    names = (
        COLUMNS[level].format(full="GEOIDFQ" if vintage >= FULL_ID_SINCE else "AFFGEOID").split()
    )
    if vintage >= LONG_NAMES_SINCE:
        return names
    return [
        name
        for name in names
        if name not in ("NAMELSAD", "NAMELSADCO", "STATE_NAME")
        and (name != "STUSPS" or level == "state")
    ]


def write(
    folder: Path,
    area: str,
    level: str,
    vintage: int,
    columns: Mapping[str, NDArray[Any]],
    shapes: Geometries,
) -> dict[str, Any]:
    """cb_2023_36_tract_500k.zip for the area "36", or "us", and its entry in the mirror; the full
    identifier is added.
    """
    name = f"cb_{vintage}_{area}_{level}_500k"
    identifiers = np.strings.add(PREFIX[level], columns["GEOID"])
    every = {**columns, "AFFGEOID": identifiers, "GEOIDFQ": identifiers}
    day = date(vintage + 1, 4, 15)
    wanted = {column: every[column] for column in columns_of(level, vintage)}
    formats.write_zip(
        folder / f"{name}.zip", _members(name, attribute_file(wanted, day), shapes), day
    )
    return {"path": f"{name}.zip", "rows": len(shapes)}


def _members(name: str, attributes: bytes, shapes: Geometries) -> Iterator[tuple[str, list[bytes]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.shp"
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapes),
            [],
            [],
            geometry_type="Polygon",
            driver="ESRI Shapefile",
            crs="EPSG:4269",
        )
        yield f"{name}.cpg", [b"UTF-8"]
        yield f"{name}.dbf", [attributes]
        yield f"{name}.prj", [PROJECTION.encode()]
        yield f"{name}.shp", [path.read_bytes()]
        yield f"{name}.shx", [path.with_suffix(".shx").read_bytes()]


def attribute_file(columns: Mapping[str, NDArray[Any]], day: date) -> bytes:
    """A dBASE table: text padded on the right, whole numbers on the left, as wide as in the real
    files.
    """
    kinds = {name: "N" if values.dtype.kind == "i" else "C" for name, values in columns.items()}
    cells = {name: np.char.encode(values.astype(str), "utf-8") for name, values in columns.items()}
    widths = {
        name: (
            WIDTHS.get(name)
            or (100 if name.startswith(("NAME", "STATE_")) else values.dtype.itemsize)
        )
        for name, values in cells.items()
    }
    records = np.zeros(
        len(next(iter(cells.values()))),
        dtype=[("deleted", "S1"), *((name, f"S{width}") for name, width in widths.items())],
    )
    records["deleted"] = b" "
    for name, values in cells.items():
        records[name] = (np.char.rjust if kinds[name] == "N" else np.char.ljust)(
            values, widths[name]
        )
    described = b"".join(
        name.encode().ljust(11, b"\0")
        + kinds[name].encode()
        + bytes(4)
        + bytes((width, 0))
        + bytes(14)
        for name, width in widths.items()
    )
    header = bytes((3, day.year - 1900, day.month, day.day)) + len(records).to_bytes(4, "little")
    header += (
        (33 + len(described)).to_bytes(2, "little")
        + records.dtype.itemsize.to_bytes(2, "little")
        + bytes(20)
    )
    return header + described + b"\r" + records.tobytes() + b"\x1a"
