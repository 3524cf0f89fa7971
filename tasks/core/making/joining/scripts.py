"""Run a country's SQL file, as psql would, held to its first lines; comments are carried over."""

from __future__ import annotations

import re
from collections.abc import Mapping

from psycopg2 import Error, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import parse
from tasks.core.catalog.wholeness import PROOF
from tasks.core.making.joining.computed_columns import is_computed
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.model.settings import SQL
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database
from tasks.core.postgres.outages import is_outage

LINE = r".+(?:\n--  +.+)*"  # may go on in lines that are indented after the two hyphens
HEADER = re.compile(
    rf"\A-- reads: (?P<reads>{LINE})\n-- makes: (?P<makes>{LINE})\n-- settings: .+\n"
)


def run(
    database: Database,
    staging: Staging,
    script: str,
    settings: Mapping[str, object] | None = None,
    *,
    again: bool = False,
) -> dict[str, int]:
    """Run sql/<script> in the staging schema, in one transaction; return the rows of each table.

    A column of these that the script does not describe takes the comment of the column of its name
    in the tables that the script reads, in the order of its first line, then in those it makes; not
    one that it computes, which is no longer what it was.
    settings: what the script reads as geodata.<name>, besides geodata.vintage. again: after a try
    that lost its connection, whose tables, if it came to make them, are dropped.
    """
    text, header = _read(script)
    reads, makes = _names(header["reads"]), _names(header["makes"])
    with database.session(staging.schema) as cursor:
        _require(cursor, staging, script, reads, "reads", "load it before the join")
        for name, value in {"vintage": staging.vintage, **(settings or {})}.items():
            cursor.execute("SELECT set_config(%s, %s, true)", (f"geodata.{name}", str(value)))
        compress(cursor)
        for table in {*makes} - {*reads} if again else ():
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table)))
        _execute(cursor, staging, script, text)
        remedy = "create it in the file or correct the line"
        _require(cursor, staging, script, makes, "makes", remedy)
        _carry_comments(cursor, script, reads, makes, text)
        return {table: _count(cursor, table) for table in makes}


def tables_read(script: str) -> list[str]:
    """Return the tables that sql/<script> reads, by its first line; none where it is no more."""
    return _names(_read(script)[1]["reads"]) if (SQL / script).exists() else []


def _read(script: str) -> tuple[str, re.Match[str]]:
    """Return the text of a script and its header; raises ConfigurationError when it has none."""
    text = (SQL / script).read_text(encoding="utf-8")
    header = HEADER.match(text)
    if header is None:
        raise ConfigurationError(
            f"sql/{script} must begin with three comment lines, '-- reads: …', '-- makes: …' and"
            " '-- settings: …': add them."
        )
    return text, header


def _execute(cursor: Cursor, staging: Staging, script: str, text: str) -> None:
    try:
        cursor.execute(text)
    except Error as error:
        if is_outage(error):
            raise
        said = (error.diag.message_primary, error.diag.message_detail or error.diag.context)
        raise CheckFailed(
            f"sql/{script} failed in {staging.schema}: {' '.join(filter(None, said))}."
        ) from error


def _carry_comments(
    cursor: Cursor, script: str, reads: list[str], makes: list[str], text: str
) -> None:
    _require_one_rule(cursor, script, reads, makes)
    for made in makes:
        silent = [each.name for each in columns(cursor, made) if not each.comment]
        computed = [name for name in silent if is_computed(text, name)]
        for source in reads:
            _copy_comments(cursor, source, made)
        for name in computed:
            unsaid = sql.SQL("COMMENT ON COLUMN {}.{} IS NULL")
            cursor.execute(unsaid.format(sql.Identifier(made), sql.Identifier(name)))
        for source in makes:
            _copy_comments(cursor, source, made)


def _copy_comments(cursor: Cursor, source: str, made: str) -> None:
    cursor.execute("SELECT geodata.copy_comments(%s, %s)", (f'"{source}"', f'"{made}"'))


def _require_one_rule(cursor: Cursor, script: str, reads: list[str], makes: list[str]) -> None:
    """Raise CheckFailed where a figure's name stands for different things in the tables read."""
    given: dict[str, dict[tuple[str, str], str]] = {}
    for table in reads:
        for column in columns(cursor, table):
            if (rule := parse(column.comment)) and rule.kind not in ("key", "same", "none"):
                given.setdefault(column.name, {}).setdefault((rule.unit, rule.aggregate), table)
    for made in makes:
        silent = [each.name for each in columns(cursor, made) if not each.comment]
        for name in (name for name in silent if len(given.get(name, ())) > 1):
            said = "; ".join(
                f"{unit}, {aggregate} in {table}"
                for (unit, aggregate), table in given[name].items()
            )
            raise CheckFailed(
                f"The column {name} of {made} was expected to mean one thing in the tables that"
                f" sql/{script} reads, and it means several ({said}): describe it with COMMENT ON"
                f" COLUMN {made}.{name}."
            )


def compress(cursor: Cursor) -> None:
    """Let new tables compress large values with lz4 if possible: twice as fast as the default."""
    cursor.execute(
        "SELECT set_config('default_toast_compression', 'lz4', true) FROM pg_settings "
        "WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
    )


def _names(line: str) -> list[str]:
    return [] if line == "none" else [name.strip("\n- ") for name in line.split(",")]


def _require(
    cursor: Cursor, staging: Staging, script: str, tables: list[str], verb: str, remedy: str
) -> None:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r',"
        " 'p', 'v')",
        (f'"{staging.schema}"',),
    )
    there = {name for (name,) in cursor.fetchall()} - {PROOF}
    if missing := [table for table in tables if table not in there]:
        raise CheckFailed(
            f"sql/{script} {verb} {', '.join(missing)}, but {staging.schema} holds only"
            f" {', '.join(sorted(there)) or 'nothing'}: {remedy}."
        )


def _count(cursor: Cursor, table: str) -> int:
    cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
    return int(cursor.fetchall()[0][0])
