"""Row digests: hashes of a table's rows, by key, against which a table made again is compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg2 import sql

from tasks.core.catalog.layers import HASH_VERSION
from tasks.core.catalog.statements import (
    SELECT_KEYS_THAT_DIFFER,
    SELECT_ROW_DIGESTS,
    SELECT_WHETHER_LIMITED_BY_LAW,
)
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.arrow import arrow_connection
from tasks.core.postgres.columns import columns as columns_of
from tasks.core.postgres.database import Database

STATED = "geodata:row_hash"  # where a file tells its version; one that does not is of the first
FIGURES = ("digest", "row_count")  # the columns of a file after those of the key
GROUP_ROWS = 131_072  # in memory at a time; fixed, so that equal rows are equal bytes
WHOLE_KEY_ROWS = 1_000_000
NAMED = 20  # keys of each kind that a difference names
KINDS = ("added", "removed", "changed")


@dataclass(frozen=True, kw_only=True)
class KeyDifference:
    """How a table differs from an earlier one: counts of keys, and the first of each kind.

    A key is the text of `key_columns`; where these are only the first part of the layer's key, it
    is changed when any of its rows is.
    """

    key_columns: tuple[str, ...]
    added: int
    removed: int
    changed: int
    examples: Mapping[str, tuple[tuple[str, ...], ...]]

    def __str__(self) -> str:
        by = ", ".join(self.key_columns)
        parts = [
            f"{count:,} {kind} ({self._named(kind, count)})"
            for kind in KINDS
            if (count := getattr(self, kind))
        ]
        found = f"keys differ: {', '.join(parts)}" if parts else "no key differs"
        return f"By {by}, {found}."

    def _named(self, kind: str, count: int) -> str:
        named = ["/".join(key) for key in self.examples[kind]]
        more = f" and {count - len(named):,} more" if count > len(named) else ""
        return ", ".join(named) + more


def key_columns(database: Database, dataset: str, number: int) -> dict[str, tuple[str, ...]]:
    """Return the columns by which the archive tells apart the rows of each layer it may have."""
    # The archive keeps digests for ever. By the whole key they name every row, which is worth its
    # bytes in a table of areas; a register of companies would take as much again as it is large.
    # And a key such as the SIRET is personal: it must not outlive originals that a law gives an
    # end, so of what is made from them, directly or by way of another edition, only groups of rows
    # are told apart.
    edition = {"dataset": dataset, "number": number}
    [limited] = database.records(SELECT_WHETHER_LIMITED_BY_LAW, **edition)[0]
    layers = database.records(
        "SELECT layer, key_columns, row_count FROM catalog.layer"
        " WHERE dataset = %(dataset)s AND number = %(number)s",
        **edition,
    )
    told: dict[str, tuple[str, ...]] = {}
    for each in layers:
        if each.row_count <= WHOLE_KEY_ROWS and not limited:
            told[each.layer] = tuple(each.key_columns)
        elif not (limited and len(each.key_columns) == 1):
            told[each.layer] = tuple(each.key_columns[:1])
    return dict(sorted(told.items()))


def write(database: Database, schema: str, table: str, columns: Sequence[str], path: Path) -> None:
    """Write the digests of a table's rows to a sorted Parquet file; equal rows give equal bytes.

    Columns: those given, as text, digest (int64: the sum, modulo 2^63 - 1, of 64 bits of the hash
    of each row) and row_count (int64); its metadata tells the version of that hash.
    """
    query = _composed(database, SELECT_ROW_DIGESTS, schema, table, columns, HASH_VERSION)
    layout = pa.schema([(name, pa.string()) for name in columns])
    for figure in FIGURES:
        layout = layout.append(pa.field(figure, pa.int64()))
    with arrow_connection(database) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        with pq.ParquetWriter(
            path, layout, compression="zstd", use_dictionary=False, store_schema=False
        ) as file:
            for group in _groups(cursor.fetch_record_batch()):
                file.write_table(group, row_group_size=GROUP_ROWS)
            file.add_key_value_metadata({STATED: str(HASH_VERSION)})


def compare(database: Database, schema: str, table: str, path: Path) -> KeyDifference:
    """Return how a table's rows differ from those whose digests a file holds, by its columns.

    Raises CheckFailed when the table does not have all of these columns.
    """
    with (
        pq.ParquetFile(path) as file,
        arrow_connection(database) as connection,
        connection.cursor() as cursor,
    ):
        columns = tuple(name for name in file.schema_arrow.names if name not in FIGURES)
        _require_columns(database, schema, table, columns)
        version = int((file.metadata.metadata or {}).get(STATED.encode(), 1))
        if version > HASH_VERSION:
            raise CheckFailed(
                f"Row digests of version {HASH_VERSION} or before were expected, found {version}:"
                " newer code has written them, so compare by that."
            )
        earlier = pa.RecordBatchReader.from_batches(
            file.schema_arrow, file.iter_batches(GROUP_ROWS)
        )
        cursor.adbc_ingest("earlier_digests", earlier, mode="create", temporary=True)
        names = (schema, table, columns)
        cursor.execute(_composed(database, SELECT_KEYS_THAT_DIFFER, *names, version))
        found = cursor.fetchall()
    counts = {kind: total for kind, total, _ in found}
    examples = {kind: tuple(tuple(key) for of, _, key in found if of == kind) for kind in counts}
    return KeyDifference(
        key_columns=columns, examples=examples, **{kind: counts.get(kind, 0) for kind in KINDS}
    )


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Return batches as whole row groups and a rest, which decide the bytes of a file."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        while sum(map(len, waiting)) >= GROUP_ROWS:
            rows = pa.Table.from_batches(waiting)
            yield rows.slice(0, GROUP_ROWS).combine_chunks()
            waiting = rows.slice(GROUP_ROWS).to_batches()
    if any(map(len, waiting)):
        yield pa.Table.from_batches(waiting).combine_chunks()


def _composed(
    database: Database, query: str, schema: str, table: str, columns: Sequence[str], version: int
) -> str:
    """Return a query with its names and literals: ADBC streams what has no parameters."""
    keys = [
        sql.SQL("key[{}] AS {}").format(sql.Literal(place), sql.Identifier(column))
        for place, column in enumerate(columns, start=1)
    ]
    with database.session() as cursor:
        name = sql.Identifier(schema, table).as_string(cursor)
        composed = sql.SQL(query).format(
            keys=sql.SQL(", ").join(keys),
            names=sql.SQL(", ").join(map(sql.Identifier, columns)),
            table=sql.Literal(name),
            columns=sql.Literal(list(columns)),
            version=sql.Literal(version),
            named=sql.Literal(NAMED),
        )
        return composed.as_string(cursor)


def _require_columns(database: Database, schema: str, table: str, names: Sequence[str]) -> None:
    with database.session() as cursor:
        there = [column.name for column in columns_of(cursor, schema, table)]
    if missing := [name for name in names if name not in there]:
        raise CheckFailed(
            f"The rows of {schema}.{table} were to be compared by {', '.join(names)}, and"
            f" {', '.join(missing)} was expected among its columns, found"
            f" {', '.join(there) or 'no table'}: the key has changed, so no row can be told to be"
            " the same."
        )
