"""United tables: the parts of a country, loaded file by file, read as one table without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import parse, write_comments
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database


def unite(database: Database, schema: str, into: str, parts: Sequence[str], label: str = "") -> int:
    """Make schema.into the parent of the parts, selected as one table; return the rows of all.

    label: a column to add to the parts, with what follows <into>_ in their names. Raises
    CheckFailed when the parts have not the same columns.
    """
    parent = sql.Identifier(into)
    with database.session(schema) as cursor:
        _part(cursor, into)
        for part in parts if label else ():
            _label(cursor, part, label, part.removeprefix(f"{into}_"))
        _require_alike(cursor, into, parts)
        like = sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING COMMENTS INCLUDING STORAGE)")
        cursor.execute(like.format(parent, sql.Identifier(parts[0])))
        write_comments(cursor, parent, _comments(cursor, parts))
        inherit = sql.SQL("ALTER TABLE {} INHERIT {}")
        for part in parts:
            cursor.execute(inherit.format(sql.Identifier(part), parent))
        cursor.execute(sql.SQL("ANALYZE {}").format(parent))
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(parent))
        return int(cursor.fetchall()[0][0])


def _comments(cursor: Cursor, parts: Sequence[str]) -> dict[str, str]:
    """Comment shared columns with the first part's rule, from all files ("us-tracts-*.GEOID")."""
    cursor.execute(
        "SELECT attname, array_agg(DISTINCT col_description(attrelid, attnum)) FROM pg_attribute"
        " WHERE attrelid = ANY (%s::regclass[]) AND attnum > 0 AND NOT attisdropped GROUP BY 1",
        ([f'"{part}"' for part in parts],),
    )
    said = {name: [rule for rule in map(parse, found) if rule] for name, found in cursor.fetchall()}
    return {
        name: str(replace(rules[0], origin=_pattern([rule.origin for rule in rules])))
        for name, rules in said.items()
        if len(rules) > 1
    }


def _pattern(origins: Sequence[str]) -> str:
    """Join the origins' common ends by an asterisk, without those not in a file."""
    there = [origin for origin in origins if not origin.startswith("not in ")] or origins
    start = _beginning(there)
    end = _beginning([origin[len(start) :][::-1] for origin in there])[::-1]
    return f"{start}*{end}" if len(there) > 1 else start


def _beginning(texts: Sequence[str]) -> str:
    alike = takewhile(lambda letters: len({*letters}) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in alike)


def _label(cursor: Cursor, part: str, label: str, name: str) -> None:
    """Name a part in a column of its own; a default that is constant rewrites no row."""
    added = sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} text NOT NULL DEFAULT {}")
    cursor.execute(added.format(sql.Identifier(part), sql.Identifier(label), sql.Literal(name)))


def _require_alike(cursor: Cursor, into: str, parts: Sequence[str]) -> None:
    kinds = {
        part: {f"{column.name} {column.data_type}" for column in columns(cursor, part)}
        for part in parts
    }
    for part, found in kinds.items():
        if different := sorted(found ^ kinds[parts[0]]):
            raise CheckFailed(
                f"The parts of {into} were expected to have the same columns, and {part} differs"
                f" from {parts[0]} by {', '.join(different)}: declare the columns so that all files"
                " fit."
            )


def _part(cursor: Cursor, into: str) -> None:
    """Undo an earlier union: dropping the parent as it is would take the parts along."""
    cursor.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)",
        (f'"{into}"',),
    )
    for (part,) in cursor.fetchall():
        alone = sql.SQL("ALTER TABLE {} NO INHERIT {}")
        cursor.execute(alone.format(sql.SQL(part), sql.Identifier(into)))
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(into)))
