"""A table of the staging schema, made anew and filled from a publisher's table of figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from psycopg2 import sql
from psycopg2.errors import ProgramLimitExceeded, UniqueViolation
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import write_comments
from tasks.core.making import descriptions
from tasks.core.making.fields import sql_type
from tasks.core.making.tables.tabular import Figures, Tally
from tasks.core.model.declarations import Table
from tasks.core.model.errors import CheckFailed, SourceError
from tasks.core.postgres.copying import copy_batches
from tasks.core.postgres.database import Database

DUPLICATES_NAMED = 5
# Bytes of a file whose rows are sent over two connections, which a short one does not repay.
LONG = 16 << 20


def load(
    database: Database,
    schema: str,
    table: str,
    path: Path,
    reads: Table,
    name: str | None = None,
    member: str = "",
    source: str = "",
) -> Tally:
    """Fill `schema.table` with a file's rows, replacing it; return what became of the rows.

    Columns have the declared types and, as comment, their rule with the publisher's name for them;
    the declared key becomes a unique index. name: what the publisher calls the file; member: the
    part of a zip to read as it is packed; source: slug of the source, said in the comments in place
    of the file's name. The rows of a long file stand in no order: a join sums floats in that of a
    column, content hashes and digests add up whole numbers, and `feature` numbers are of layers
    with geometry. Raises SourceError when the file is not as declared, CheckFailed on duplicate
    keys.
    """
    figures = Figures(path, reads, name or path.name, member)
    target = sql.Identifier(schema, table)
    with database.session() as cursor:
        _create(cursor, target, figures)
        write_comments(cursor, target, _comments(figures, source or Path(figures.label).stem))
    streams = 2 if path.stat().st_size > LONG else 1
    copy_batches(database, schema, table, _reader(figures), streams)
    with database.session() as cursor:
        _require_unique(cursor, target, figures)
        cursor.execute(sql.SQL("ANALYZE {}").format(target))
    return figures.tally


def _create(cursor: Cursor, target: sql.Identifier, figures: Figures) -> None:
    """Create an empty table; unlogged, because it can be read again from the archive."""
    declared = {name: sql_type(column) for name, column in figures.reads.columns.items()}
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(part.name), sql.SQL(declared.get(part.name, "text")))
        for part in figures.schema
    ]
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(target))
    joined = sql.SQL(", ").join(columns)
    cursor.execute(sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(target, joined))


def _comments(figures: Figures, source: str) -> dict[str, str]:
    """Return the comment of each column, those of the reasons of missing figures included."""
    reads = figures.reads
    comments = descriptions.of_columns(reads.columns, figures.origins, source)
    if reads.reasons_in:
        return comments | {reads.reasons_in: descriptions.of_reasons(source)}
    return comments | descriptions.of_reason_columns(reads, figures.origins, source)


def _reader(figures: Figures) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(figures.schema, _batches(figures))


def _batches(figures: Figures) -> Iterator[pa.RecordBatch]:
    try:
        yield from figures.batches()
    except (pa.ArrowException, ValueError) as error:
        raise SourceError(
            f"The file {figures.label} was expected to hold what is declared; it cannot be read"
            f" ({error}): correct the declaration."
        ) from None


def _require_unique(cursor: Cursor, target: sql.Identifier, figures: Figures) -> None:
    if not figures.reads.key:
        return
    columns = sql.SQL(", ").join(map(sql.Identifier, figures.reads.key))
    cursor.execute("SAVEPOINT keys")
    try:
        cursor.execute(sql.SQL("CREATE UNIQUE INDEX ON {} ({})").format(target, columns))
    except UniqueViolation:
        cursor.execute("ROLLBACK TO SAVEPOINT keys")
        raise _duplicates(cursor, target, columns, figures) from None
    except ProgramLimitExceeded:
        raise SourceError(
            f"The key {', '.join(figures.reads.key)} of {figures.label} was expected to be short;"
            f" {_longest(cursor, target, columns)} bytes are more than PostgreSQL holds apart:"
            " declare the column of the codes as the key."
        ) from None


def _longest(cursor: Cursor, target: sql.Identifier, columns: sql.Composed) -> str:
    cursor.execute("ROLLBACK TO SAVEPOINT keys")
    cursor.execute(sql.SQL("SELECT max(octet_length(concat({}))) FROM {}").format(columns, target))
    return f"{cursor.fetchall()[0][0]:,}"


def _duplicates(
    cursor: Cursor, target: sql.Identifier, columns: sql.Composed, figures: Figures
) -> CheckFailed:
    cursor.execute(
        sql.SQL(
            "SELECT {0}, count(*), count(*) OVER () FROM {1} GROUP BY {0} HAVING count(*) > 1 ORDER"
            " BY count(*) DESC, {0} LIMIT {2}"
        ).format(columns, target, sql.Literal(DUPLICATES_NAMED))
    )
    found = cursor.fetchall()
    named = "; ".join(f"{', '.join(map(str, row[:-2]))} ({row[-2]} times)" for row in found)
    return CheckFailed(
        f"The key {', '.join(figures.reads.key)} was expected to be unique in {figures.label};"
        f" {found[0][-1]:,} are not: {named}: declare the columns that tell the rows apart, or"
        " leave some out with `where`."
    )
