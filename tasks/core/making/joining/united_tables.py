"""United tables: the parts of a country, loaded file by file, read as one table without a copy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import NOT_IN, ColumnRule, parse, write_comments
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
        _require_loaded(cursor, into, parts)
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
    _require_one_rule(parts, said)
    return {
        name: str(replace(rules[0], origin=_pattern([rule.origin for rule in rules])))
        for name, rules in said.items()
        if len(rules) > 1
    }


def _require_one_rule(parts: Sequence[str], said: Mapping[str, Sequence[ColumnRule]]) -> None:
    """Raise CheckFailed where parts say different things of a column, beside its origin."""
    for name, rules in said.items():
        meanings = sorted({str(replace(rule, origin="…")) for rule in rules})
        if len(meanings) > 1:
            raise CheckFailed(
                f"The column {name} was expected to mean the same in {', '.join(parts)}, and it is"
                f" described as {' and as '.join(meanings)}: declare it alike for all parts."
            )


def _pattern(origins: Sequence[str]) -> str:
    """Join the common ends of the origins' files by an asterisk, without those not in a file."""
    absent = "" if any(not origin.startswith(NOT_IN) for origin in origins) else NOT_IN
    there = [each.removeprefix(absent) for each in origins if absent or not each.startswith(NOT_IN)]
    cut = [re.split(r"(?=[. ])", origin, maxsplit=1) for origin in there]
    files = list(dict.fromkeys(file for file, *_ in cut))
    headings = list(dict.fromkeys("".join(rest) for _, *rest in cut))
    start = _beginning(files)
    end = _beginning([file[len(start) :][::-1] for file in files])[::-1]
    file = f"{absent}{start}*{end}" if len(files) > 1 else absent + start
    return file + " or ".join([headings[0], *(heading[1:] for heading in headings[1:])])


def _beginning(texts: Sequence[str]) -> str:
    alike = takewhile(lambda letters: len({*letters}) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in alike)


def _label(cursor: Cursor, part: str, label: str, name: str) -> None:
    """Name a part in a column of its own; a default that is constant rewrites no row."""
    added = sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} text NOT NULL DEFAULT {}")
    cursor.execute(added.format(sql.Identifier(part), sql.Identifier(label), sql.Literal(name)))


def _require_loaded(cursor: Cursor, into: str, parts: Sequence[str]) -> None:
    missing = [part for part in parts if not columns(cursor, part)]
    if missing or not parts:
        raise CheckFailed(
            f"The parts of {into} were expected to be loaded tables, and"
            f" {', '.join(missing) or 'none is given'}{' are not there' if missing else ''}: load"
            " them before they are united."
        )


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
