"""Tables of figures, loaded into the staging schema."""

from __future__ import annotations

from pathlib import Path

from tasks.core.making.tables.staging_tables import load
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import File, Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import recording


@verb("load table {table}", DATABASE)
def load_table(file: File, staging: Staging, table: str) -> int:
    """The rows of a publisher's table of figures, as declared, in a table of the staging schema;
    returns their number.

    CSV and other text, XLSX, XLS, ODS and Parquet. Only the declared columns are read: codes as
    text, figures in their declared types. A declared marker ("*", "(X)") becomes null and its
    reason stands in `<column>_reason`. Raises SourceError when the file is not as declared, naming
    the column, the value and the line, and CheckFailed when the declared key is not unique.
    """
    reads = file.original.source.reads
    if not isinstance(reads, Table):
        raise ConfigurationError(
            f"The source {file.original.source.slug} was declared as geometries: load it with"
            " load_geometries."
        )
    with recording(staging, "load_table", table) as step:
        tally = load(
            site().database,
            staging.schema,
            table,
            Path(file.path),
            reads,
            file.name,
            file.member,
            file.original.source.slug,
        )
        step.done(
            f"Loaded {tally.rows:,} rows",
            rows=tally.rows,
            suppressed=tally.suppressed,
            reasons=dict(tally.reasons),
            skipped=tally.skipped,
            left_out=tally.left_out,
        )
    return tally.rows
