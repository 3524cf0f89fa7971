"""The formats in which a layer leaves, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ExportFormat = Literal["gpkg", "fgb", "geoparquet", "csv", "pmtiles", "qgs"]
Form = Literal["exact", "double", "text"]


@dataclass(frozen=True)
class Format:
    """A format: the ending of its files, the form of figures, if every row has a place in it.

    crs: EPSG code of all its files; 0 where it takes any.
    """

    title: str
    ending: str
    form: Form
    needs_geometry: bool = False
    crs: int = 0


FORMATS: dict[ExportFormat, Format] = {
    "gpkg": Format("GeoPackage", ".gpkg", "double"),
    "fgb": Format("FlatGeobuf", ".fgb", "double", needs_geometry=True),
    "geoparquet": Format("GeoParquet", ".parquet", "exact"),
    "csv": Format("CSV", ".csv", "text"),
    "pmtiles": Format("PMTiles", ".pmtiles", "double", needs_geometry=True, crs=3857),
    "qgs": Format("QGIS project", ".qgs", "exact", needs_geometry=True),
}
