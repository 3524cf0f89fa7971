"""Movements: an office's own table of what became of its areas, read as a ledger of code events."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from psycopg2 import sql

from tasks.core.making.codes.ledger import CodeEvent, Ledger
from tasks.core.postgres.database import Database

AREA = "COM"  # communes; delegated and associated communes and arrondissements are parts of them


def read(database: Database, schema: str, table: str) -> Ledger:
    """Read a table of movements: on each day, the communes that share a movement are one event."""
    rows = database.rows(
        sql.SQL(
            "SELECT DISTINCT day, code_before, code_after FROM {} WHERE type_before = {area} AND"
            " type_after = {area} AND code_before IS NOT NULL AND code_after IS NOT NULL ORDER BY"
            " 1, 2, 3"
        ).format(sql.Identifier(schema, table), area=sql.Literal(AREA))
    )
    by_day: dict[date, list[tuple[str, str]]] = defaultdict(list)
    for day, before, after in rows:
        by_day[day].append((before, after))
    return Ledger(tuple(event for day, pairs in by_day.items() for event in _events(day, pairs)))


def _events(day: date, pairs: list[tuple[str, str]]) -> list[CodeEvent]:
    """Group the pairs that share a commune into one event; one code kept alone is none."""
    groups: list[tuple[set[str], set[str]]] = []
    for before, after in pairs:
        met = [group for group in groups if before in group[0] or after in group[1]]
        groups = [group for group in groups if group not in met]
        befores, afters = {before}.union(*(b for b, _ in met)), {after}.union(*(a for _, a in met))
        groups.append((befores, afters))
    return [
        CodeEvent(day, tuple(sorted(before)), tuple(sorted(after)))
        for before, after in groups
        if before != after
    ]
