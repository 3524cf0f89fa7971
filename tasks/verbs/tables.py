"""Staging tables: publishers' figures and their areas, lines and points, loaded as declared."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.futures import PrefectFuture

from tasks.core.making.unpacking.fixity import unchanged
from tasks.core.model.declarations import Document, Features, Table
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import File, Files, Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.proving import proving
from tasks.running.runs import together
from tasks.running.site import site
from tasks.running.steps import recording, warn

if TYPE_CHECKING:
    from tasks.core.making.geometry.shapes import FeatureCounts
    from tasks.core.making.tables.tabular import Tally


def load(staging: Staging, files: Files) -> tuple[PrefectFuture[int], ...]:
    """Load every file as a staging table of its name, all at the same time.

    Features have geometries, a Table has figures, and a Document is no table. Returns the tasks
    once all have ended well, for `wait_for` of the verb that follows.
    """
    loaded: list[PrefectFuture[int]] = []
    for table, file in files:
        verb = load_table if isinstance(file.reads, Table) else load_geometries
        if not isinstance(file.reads, Document):
            loaded.append(verb.submit(staging, file, table))
    return together(*loaded)


@verb("load table {table}", DATABASE)
def load_table(staging: Staging, file: File, table: str) -> int:
    """Load a publisher's table of figures, as declared, into staging; return its number of rows.

    CSV and other text, XLSX, XLS, ODS and Parquet. Only the declared columns are read: codes as
    text, figures in their declared types. A declared marker ("*", "(X)") becomes null and its
    reason stands in `<column>_reason`. Raises SourceError when the file is not as declared, naming
    the column, the value and the line, and CheckFailed when the declared key is not unique.
    """
    from tasks.core.making.tables import staging_tables

    reads = file.reads
    if not isinstance(reads, Table):
        raise ConfigurationError(
            f"The source {file.original.source.slug} was declared as geometries: load it with"
            " load_geometries."
        )
    record = recording(staging, "load_table", table)
    with record as step, proving(file.original), unchanged(file):
        tally = staging_tables.load(
            site().database,
            staging.schema,
            table,
            Path(file.path),
            reads,
            file.name,
            file.member,
            file.original.source.slug,
        )
        figures = {"suppressed": tally.reasons.suppressed, "reasons": dict(tally.reasons)}
        figures |= {"left_out": tally.left_out, "blank": tally.blank, "notes": tally.notes}
        figures |= {"first_notes": tally.named, "absent": list(tally.absent)}
        figures |= {"source": file.original.source.slug}
        step.done(_loaded(tally), rows=tally.rows, **figures)
        _warn(tally, reads, table)
    return tally.rows


@verb("load geometries {table}", DATABASE)
def load_geometries(staging: Staging, file: File, table: str) -> int:
    """Load every feature of a file into staging, in one CRS; return their number.

    GeoJSON, TopoJSON, Shapefile, GeoPackage, SpatiaLite, FlatGeobuf, GML, KML and GeoParquet,
    zipped or not, are read as the source's `Features` declare. The table has the declared columns
    and `geom`: MultiPolygon, MultiLineString, MultiPoint or Point in EPSG:`published_crs`, in
    metres or degrees as that CRS says; features without geometry stay, with a null. A declared
    marker ("*", -99997) becomes null and its reason stands in `<column>_reason`. Raises SourceError
    when the file is not as declared and CheckFailed when the key is missing or repeated.
    """
    from tasks.core.making.geometry import geometry_tables

    reads = file.reads
    if not isinstance(reads, Features):
        raise ConfigurationError(
            f"The source {file.original.source.slug} is declared as a table: load it with"
            " load_table, or declare how its geometries are read."
        )
    with (
        recording(staging, "load_geometries", table) as step,
        proving(file.original),
        unchanged(file),
    ):
        figures = geometry_tables.load(
            site().database,
            staging.schema,
            table,
            file.path,
            _of_member(reads, file.name),
            file.original.source.slug,
        )
        step.done(_loaded_features(figures), source=file.original.source.slug, **_counts(figures))
    for sentence in figures.remarks.sentences:
        warn(f"{sentence}.")
    return figures.features


def _loaded_features(figures: FeatureCounts) -> str:
    """Say how many features were loaded, and how many of them have no geometry."""
    missing = figures.without_geometry
    without = f", {missing:,} of them without geometry" if missing else ""
    return f"Loaded {figures.features:,} features{without}"


def _counts(figures: FeatureCounts) -> dict[str, Any]:
    """Return what the step keeps of the features, by name."""
    return {
        "rows": figures.features,
        "without_geometry": figures.without_geometry,
        "from_collections": figures.from_collections,
        "change_of_crs": figures.change_of_crs,
        "suppressed": figures.reasons.suppressed,
        "reasons": dict(figures.reasons),
        **figures.remarks.figures,
    }


def _loaded(tally: Tally) -> str:
    """Say how many rows were loaded, and which were not."""
    left = {"by a filter": tally.left_out, "blank": tally.blank, "as notes": tally.notes}
    said = ", ".join(f"{count:,} {why}" for why, count in left.items() if count)
    named = f" ({'; '.join(tally.named)})" if tally.named else ""
    return f"Loaded {tally.rows:,} rows" + (f", left out {said}{named}" if said else "")


def _warn(tally: Tally, reads: Table, table: str) -> None:
    """Warn of rows taken for notes without a declaration, and of columns that are not there."""
    if tally.notes and reads.notes is None:
        warn(
            f"The last {tally.notes:,} rows of {table} were taken for notes, as they have no key"
            f" ({'; '.join(tally.named)}): declare `notes`."
        )
    for name, names in tally.absent.items():
        warn(
            f"The optional column {name} of {table} is empty, as the file has none of"
            f" {', '.join(map(repr, names))}: look whether it has a new name."
        )


def _of_member(reads: Features, name: str) -> Features:
    """Return how a file is read whose CRS depends on its place in its archive."""
    codes = [crs for pattern, crs in reads.crs_of.items() if fnmatchcase(name, pattern)]
    if not codes:
        return reads
    return replace(reads, crs=codes[0], bounds=reads.bounds if codes[0] == reads.crs else None)
