"""Rows: how many a layer has, and which keys are new, gone, changed or the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes import bounds
from tasks.core.catalog.changes.compared_layers import Layer, Pair
from tasks.core.catalog.changes.differences import Change, named, per_cent, plain
from tasks.core.catalog.changes.statements import SELECT_GROUPS, SELECT_KEYS

KINDS = ("new", "gone", "changed")


@dataclass(frozen=True)
class Keys:
    """How many keys are of each kind (new, gone, changed, same), and the first of them."""

    counts: Mapping[str, int]
    first: Mapping[str, list[str]]

    @property
    def common(self) -> int:
        """Keys that both editions have."""
        return self.counts.get("changed", 0) + self.counts.get("same", 0)


def of_rows(pair: Pair, trend: float, explained: tuple[int, int] = (0, 0)) -> Change:
    """Tell how many rows a layer has, and judge it.

    trend: growth a year; explained: how many codes that are gone and new are explained.
    """
    before, after = pair.before.row_count, pair.after.row_count
    band = bounds.AREAS if pair.after.has_areas else bounds.ROWS
    expected = bounds.expected(before - explained[0] + explained[1], band, trend, pair.years)
    if any(explained):  # what is explained may have happened or not: the files say when they count
        plainly = bounds.expected(before, band, trend, pair.years)
        expected = bounds.Range(min(expected.low, plainly.low), max(expected.high, plainly.high))
    return Change(
        layer=pair.after.name,
        measure="rows",
        before=plain(before),
        after=plain(after),
        expected=(str(expected) if after else "rows") if before else "",
        within=bool(after) and expected.has(after) if before else None,
        sentence=_rows_told(pair, expected),
    )


def _rows_told(pair: Pair, expected: bounds.Range) -> str:
    before, after = pair.before.row_count, pair.after.row_count
    name, edition = pair.after.name, pair.before.edition
    if not before:
        return f"{name} has {after:,} rows, and {edition} has none."
    if not after:
        return f"{name} has no rows, and {edition} has {before:,}; rows were expected."
    said = f"{name} has {after:,} rows, and {edition} has {before:,}{per_cent(before, after)}"
    return f"{said}; {expected} were expected."


def of_layer_alone(layer: Layer, *, gone: bool) -> Change:
    """Tell that a layer is new, or gone, which nobody expects."""
    other = "in the edition before" if gone else "in this edition"
    rows = plain(layer.row_count)
    return Change(
        layer=layer.name,
        measure="rows",
        before=rows if gone else "",
        after="" if gone else rows,
        expected="the layer" if gone else "",
        within=False if gone else None,
        sentence=(
            f"The layer {layer.name} is gone: it has {layer.row_count:,} rows {other}"
            f" ({layer.edition}), and was expected again."
            if gone
            else f"The layer {layer.name} is new: it has {layer.row_count:,} rows {other}."
        ),
    )


def keys(cursor: Cursor, pair: Pair) -> Keys:
    """Compare the keys of two layers, or of groups of rows by their number, in the database."""
    cursor.execute(_query(pair))
    found = cursor.fetchall()
    counts = {kind: int(total) for kind, total, _ in found}
    return Keys(counts, {kind: list(first) for kind, _, first in found})


def _query(pair: Pair) -> sql.Composed:
    first = pair.key[0]
    differing = [pair.differing(name) for name in pair.common if name not in pair.key]
    old, new = (_source(each, pair) for each in (pair.before, pair.after))
    if not pair.by_row:
        differing = [sql.SQL("o.rows_of_key IS DISTINCT FROM n.rows_of_key").format()]
    return sql.SQL(SELECT_KEYS).format(
        old_missing=sql.SQL("{} IS NULL").format(sql.Identifier("o", first)),
        new_missing=sql.SQL("{} IS NULL").format(sql.Identifier("n", first)),
        differing=sql.SQL(" OR ").join(differing) if differing else sql.SQL("false"),
        old_key=pair.key_text("o"),
        new_key=pair.key_text("n"),
        old=old,
        new=new,
        joined=pair.joined(),
        named=sql.Literal(bounds.NAMED),
    )


def _source(layer: Layer, pair: Pair) -> sql.Composable:
    if pair.by_row:
        return layer.table
    key = sql.SQL(", ").join(map(sql.Identifier, pair.key))
    return sql.SQL(SELECT_GROUPS).format(key=key, table=layer.table)


def of_keys(pair: Pair, found: Keys) -> list[Change]:
    """Tell how many keys are new, gone and changed, and which: nothing of it is judged here."""
    by = ", ".join(pair.key)
    whole = "" if pair.by_row else " (rows are only counted by this part of the key)"
    changes = []
    for kind in KINDS:
        count = found.counts.get(kind, 0)
        which = f": {named(found.first[kind], count)}" if count else ""
        changes.append(
            Change(
                layer=pair.after.name,
                measure="keys",
                subject=kind,
                before=plain(found.common + found.counts.get("gone", 0)),
                after=plain(count),
                sentence=f"{pair.after.name}: {count:,} {kind} by {by}{whole}{which}.",
            )
        )
    return changes


def of_key_that_changed(pair: Pair) -> Change:
    """Tell that no row can be told to be the same, since the key is of other columns."""
    before, after = ", ".join(pair.before.key), ", ".join(pair.after.key)
    if pair.before.key == pair.after.key:
        return Change(
            layer=pair.after.name,
            measure="keys",
            sentence=(
                f"The keys of {pair.after.name} are not compared: each names a single row of a file"
                " that a law gives an end, and is not to be kept."
            ),
        )
    return Change(
        layer=pair.after.name,
        measure="keys",
        subject="key",
        before=before,
        after=after,
        expected=before,
        within=False,
        sentence=(
            f"The key of {pair.after.name} is {after}, and was {before} in {pair.before.edition},"
            " which was expected again: no row can be told to be the same."
        ),
    )
