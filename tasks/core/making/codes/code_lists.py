"""Code lists of publishers: kept in the catalog, and held against the codes that are used."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from psycopg2 import sql

from tasks.core.catalog import rows
from tasks.core.catalog.column_rules import NOT_IN, column_comments, parse
from tasks.core.making.codes.statements import (
    INSERT_CODE_LABELS,
    SELECT_LAST_SHARES,
    SELECT_UNKNOWN,
)
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

NAMED = 10


@dataclass(frozen=True)
class OneOf:
    """The code lists of a column whose codes mean what a nomenclature in another column says.

    lists: the table of the list of each nomenclature; otherwise: that of all others.
    """

    column: str
    lists: Mapping[str, str]
    otherwise: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of all lists."""
        return (*self.lists.values(), self.otherwise)


Codes = str | OneOf  # the table of one code list, or several


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """The share of unknown codes that a column bears: what no list has, codes that say so, nulls.

    codes: those that say so ("other"). counted: the column whose sum the share is of, without it
    rows are counted. share: the most, of 1. jump: the most that it may grow since the last edition.
    """

    share: float
    codes: tuple[str, ...] = ()
    counted: str = ""
    jump: float = 0.01


def keep(database: Database, staging: Staging, table: str) -> int:
    """Copy a code list of the staging schema to catalog.code_label; return its number of codes."""
    with database.session(staging.schema) as cursor:
        statement = sql.SQL(INSERT_CODE_LABELS).format(table=sql.Identifier(table))
        cursor.execute(statement, rows.of_edition(staging) | {"code_list": table})
        return cursor.rowcount


def without_codes(
    database: Database, schema: str, table: str, columns: Collection[str]
) -> list[str]:
    """Return the columns that a file has and in which there is no code, so that none is held."""
    comments = column_comments(database, schema, table)
    rules = {name: parse(comments.get(name)) for name in columns}
    origins = {name: rule.origin if rule else comments.get(name) for name, rule in rules.items()}
    held = [name for name, origin in origins.items() if not (origin or "").startswith(NOT_IN)]
    counts = [sql.SQL("count({})").format(sql.Identifier(name)) for name in held]
    asked = sql.SQL(", ").join([sql.SQL("count(*)"), *counts])
    _, *found = database.rows(
        sql.SQL("SELECT {} FROM {}").format(asked, sql.Identifier(schema, table))
    )[0]
    return [name for name, count in zip(held, found, strict=True) if not count]


def unknown(database: Database, schema: str, table: str, column: str, codes: Codes) -> list[str]:
    """Return the codes of a column that its list lacks, at most ten."""
    query = sql.SQL(
        "SELECT DISTINCT {column} FROM {table} t WHERE {column} IS NOT NULL AND NOT ({listed})"
        " ORDER BY 1 LIMIT {named}"
    ).format(
        column=sql.Identifier(column),
        table=sql.Identifier(schema, table),
        listed=_listed(schema, column, codes),
        named=sql.Literal(NAMED),
    )
    return [str(code) for (code,) in database.rows(query)]


def share_unknown(
    database: Database, schema: str, table: str, column: str, codes: Codes, bears: Unknown
) -> float | None:
    """Return the share of what is counted whose code is unknown, None when nothing is."""
    counted = sql.Identifier(bears.counted) if bears.counted else sql.Literal(1)
    query = sql.SQL(SELECT_UNKNOWN).format(
        column=sql.Identifier(column),
        table=sql.Identifier(schema, table),
        counted=counted,
        listed=_listed(schema, column, codes),
        codes=sql.Literal(list(bears.codes)),
    )
    ((share,),) = database.rows(query)
    return None if share is None else float(share)


def last_shares(database: Database, staging: Staging, table: str) -> Mapping[str, float]:
    """Return the shares of unknown codes of the newest edition published before this one."""
    found = database.rows(SELECT_LAST_SHARES, staging.dataset.slug, staging.edition, table)
    return found[0][0] if found else {}


def tables(lists: Mapping[str, Codes]) -> Iterator[str]:
    """Yield the tables of these code lists, each once."""
    named = ((codes,) if isinstance(codes, str) else codes.tables for codes in lists.values())
    yield from dict.fromkeys(table for each in named for table in each)


def _listed(schema: str, column: str, codes: Codes) -> sql.Composable:
    """Return the condition that a row's code is in its list."""
    has = sql.SQL("EXISTS (SELECT FROM {list} l WHERE l.code = t.{column})").format
    name = sql.Identifier(column)
    if isinstance(codes, str):
        return has(list=sql.Identifier(schema, codes), column=name)
    cases = [
        sql.SQL("WHEN {} THEN {}").format(
            sql.Literal(value), has(list=sql.Identifier(schema, table), column=name)
        )
        for value, table in codes.lists.items()
    ]
    return sql.SQL("CASE t.{} {} ELSE {} END").format(
        sql.Identifier(codes.column),
        sql.SQL(" ").join(cases),
        has(list=sql.Identifier(schema, codes.otherwise), column=name),
    )


def unlisted_headings(database: Database, schema: str, table: str, code_list: str) -> list[str]:
    """Return the publisher's names, from the columns' comments, that the list of headings lacks."""
    rules = {
        comment: parse(comment) for comment in column_comments(database, schema, table).values()
    }
    origins = {rule.origin if rule else comment or "" for comment, rule in rules.items()}
    headings = {origin.partition(".")[2] for origin in origins} - {""}
    listed = database.rows(sql.SQL("SELECT code FROM {}").format(sql.Identifier(schema, code_list)))
    return sorted(headings - {str(code) for (code,) in listed})
