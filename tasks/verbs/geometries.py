"""The areas, lines and points of publishers' files, loaded into the staging schema of a run."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from tasks.core.making.geometry.geometry_tables import load
from tasks.core.model.declarations import Features
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import File, Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import recording


@verb("load geometries {table}", DATABASE)
def load_geometries(file: File, staging: Staging, table: str) -> int:
    """Every feature of a file, in one typed PostGIS column and one CRS, as a staging table; returns
    their number.

    GeoJSON, TopoJSON, Shapefile, GeoPackage, SpatiaLite, FlatGeobuf, GML, KML and GeoParquet,
    zipped or not, are read as the source's `Features` declare. The table has the declared columns
    and `geom`: MultiPolygon, MultiLineString, MultiPoint or Point in EPSG:`published_crs`, in
    metres or degrees as that CRS says; features without geometry stay, with a null. Raises
    SourceError when the file is not as declared and CheckFailed when the key is missing or
    repeated.
    """
    source = file.original.source
    if not isinstance(source.reads, Features):
        raise ConfigurationError(
            f"The source {source.slug} is declared as a table: load it with load_table, or declare"
            " how its geometries are read."
        )
    with recording(staging, "load_geometries", table) as step:
        reads = _of_member(source.reads, file.name)
        figures = load(site().database, staging.schema, table, file.path, reads, source.slug)
        without = (
            f", {figures.without_geometry:,} of them without geometry"
            if figures.without_geometry
            else ""
        )
        step.done(
            f"Loaded {figures.features:,} features{without}",
            rows=figures.features,
            without_geometry=figures.without_geometry,
            from_collections=figures.from_collections,
            change_of_crs=figures.change_of_crs,
        )
    return figures.features


def _of_member(reads: Features, name: str) -> Features:
    """How a file is read whose CRS depends on where it stands in its archive."""
    codes = [crs for pattern, crs in reads.crs_of.items() if fnmatchcase(name, pattern)]
    return (
        replace(reads, crs=codes[0], bounds=reads.bounds if codes[0] == reads.crs else None)
        if codes
        else reads
    )
