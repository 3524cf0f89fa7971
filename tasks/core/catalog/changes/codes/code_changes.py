"""Codes: those gone and new, explained by the ledger or by ground that one took from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes import bounds
from tasks.core.catalog.changes.codes.code_components import Component, Overlap, components, moved
from tasks.core.catalog.changes.codes.code_events import Event, events
from tasks.core.catalog.changes.codes.statements import (
    CREATE_GONE,
    CREATE_NEW,
    CREATE_REDRAWN,
    CREATE_RENAMED,
    DELETE_RENAMED,
    SELECT_CHANGED_KEYS,
    SELECT_CODES,
    SELECT_OVERLAPS,
)
from tasks.core.catalog.changes.compared_layers import TEXTS, Pair
from tasks.core.catalog.changes.differences import Change, Draft, named, plain


@dataclass
class Codes:
    """Codes of a layer that are gone and new, what explains them, and drafts for the ledger.

    moved: kept codes that stand where another stood, and no ledger says so. measured: whether their
    ground could be looked at; too many codes are not.
    """

    gone: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    gone_count: int = 0
    new_count: int = 0
    redrawn: set[str] = field(default_factory=set)
    redrawn_count: int = 0
    moved: set[str] = field(default_factory=set)
    by_ledger: set[str] = field(default_factory=set)
    new_by_ledger: set[str] = field(default_factory=set)
    by_ground: set[str] = field(default_factory=set)
    new_by_ground: set[str] = field(default_factory=set)
    drafts: list[Draft] = field(default_factory=list)
    measured: bool = True

    @property
    def explained(self) -> tuple[int, int]:
        """Numbers of codes gone and new that are explained."""
        return len(self.by_ledger | self.by_ground), len(self.new_by_ledger | self.new_by_ground)


def have_codes(pair: Pair) -> bool:
    """Tell whether the rows of two layers are areas under one code, which is a text."""
    return (
        pair.have_areas
        and pair.by_row
        and len(pair.key) == 1
        and all(
            each.columns[pair.key[0]].data_type.startswith(TEXTS)
            for each in (pair.before, pair.after)
        )
    )


def codes(cursor: Cursor, pair: Pair) -> Codes:
    """Find the codes gone and new, and what explains them; makes temporary tables of them."""
    counts = _make_tables(cursor, pair)
    found = Codes(gone_count=counts[0], new_count=counts[1], redrawn_count=counts[2])
    if sum(counts) > bounds.MOST_CODES:
        found.measured = False
        return found
    cursor.execute(SELECT_CODES)
    told = cursor.fetchall()
    found.gone = {key for kind, key in told if kind == "gone"}
    found.new = {key for kind, key in told if kind == "new"}
    found.redrawn = {key for kind, key in told if kind == "redrawn"}
    if told:
        of_ledger = events(cursor, pair)
        _explain_by_ledger(found, of_ledger)
        _explain_by_ground(cursor, pair, found, of_ledger)
    return found


def _make_tables(cursor: Cursor, pair: Pair) -> tuple[int, int, int]:
    for statement in (CREATE_GONE, CREATE_NEW, CREATE_REDRAWN):
        cursor.execute(_composed(pair, statement))
    for table in ("gone_areas", "new_areas", "redrawn_areas"):
        cursor.execute(f"ANALYZE pg_temp.{table}")
    cursor.execute("CREATE INDEX ON pg_temp.new_areas USING gist (geom)")
    cursor.execute("CREATE INDEX ON pg_temp.redrawn_areas USING gist (new)")
    cursor.execute(SELECT_CHANGED_KEYS)
    gone, new, redrawn = cursor.fetchall()[0]
    return gone, new, redrawn


def _composed(pair: Pair, statement: str) -> sql.Composed:
    same_crs = pair.before.srid == pair.after.srid
    in_old = "w.geom" if same_crs else "ST_Transform(w.geom, {})"
    return sql.SQL(statement).format(
        key=sql.Identifier(pair.key[0]),
        old=pair.before.table,
        new=pair.after.table,
        old_shape=pair.shape("o", old=True),
        new_in_old=sql.SQL(in_old).format(sql.Literal(pair.before.srid)),
        differing=pair.differing("geom") if same_crs else sql.SQL("true"),
        much=sql.Literal(bounds.MUCH_REDRAWN),
        covered=sql.Literal(bounds.COVERED),
        kept_overlap=sql.Literal(bounds.KEPT_OVERLAP),
    )


def _explain_by_ledger(found: Codes, of_ledger: Sequence[Event]) -> None:
    before = {code for event in of_ledger for code in event.before}
    after = {code for event in of_ledger for code in event.after}
    found.by_ledger, found.new_by_ledger = found.gone & before, found.new & after


def _explain_by_ground(
    cursor: Cursor, pair: Pair, found: Codes, of_ledger: Sequence[Event]
) -> None:
    cursor.execute(_composed(pair, CREATE_RENAMED))
    cursor.execute(DELETE_RENAMED)
    cursor.execute(_composed(pair, SELECT_OVERLAPS))
    overlaps = [Overlap(*each) for each in cursor.fetchall()]
    known = {code for event in of_ledger for code in (*event.before, *event.after)}
    found.moved = moved(overlaps, found.redrawn) - known
    for component in components(overlaps, found.gone, found.new):
        if not component.is_event or not component.explains(found.gone, found.new):
            continue
        found.by_ground |= component.before.keys() & found.gone
        found.new_by_ground |= component.after.keys() & found.new
        if not _is_known(component, found, of_ledger):
            found.drafts += _draft(pair, component, found)


def _is_known(component: Component, found: Codes, of_ledger: Sequence[Event]) -> bool:
    """Tell whether the ledger has what happened to the codes of a component."""
    lost, gained = component.before.keys() & found.gone, component.after.keys() & found.new
    if lost or gained:
        return lost <= found.by_ledger and gained <= found.new_by_ledger
    return any(component.before.keys() <= {*event.before} for event in of_ledger)


def _draft(pair: Pair, component: Component, found: Codes) -> list[Draft]:
    event = component.event(pair.after.edition.vintage)
    if event is None:
        return []
    covered = round(component.covered(found.gone, found.new), 6)
    return [Draft(layer=pair.after.name, event=event, kind=component.kind, covered=covered)]


def of_codes(pair: Pair, found: Codes) -> list[Change]:
    """Judge whether every code that is gone is explained; tell what is new, and what is drafted."""
    changes = []
    if found.gone_count:
        changes.append(_of_gone(pair, found))
    if found.new_count:
        changes.append(_of_new(pair, found))
    if found.moved:
        changes.append(_of_moved(pair, found.moved))
    if not found.measured and not found.gone_count:
        changes.append(_of_unmeasured(pair, found))
    return changes


def _of_moved(pair: Pair, codes: set[str]) -> Change:
    which = named(sorted(codes)[: bounds.NAMED], len(codes))
    return Change(
        layer=pair.after.name,
        measure="codes",
        subject="moved",
        before="0",
        after=plain(len(codes)),
        expected="0",
        within=False,
        sentence=(
            f"{len(codes):,} codes of {pair.after.name} stand on ground that had another code in"
            f" {pair.before.edition}: {which}; the ground of before, or an event in the ledger, was"
            " expected."
        ),
    )


def _of_unmeasured(pair: Pair, found: Codes) -> Change:
    return Change(
        layer=pair.after.name,
        measure="codes",
        subject="redrawn",
        after=plain(found.redrawn_count),
        expected=f"at most {bounds.MOST_CODES:,}",
        within=False,
        sentence=(
            f"{found.redrawn_count:,} areas of {pair.after.name} have quite other borders than in"
            f" {pair.before.edition}, and {found.new_count:,} codes are new; at most"
            f" {bounds.MOST_CODES:,} in all were expected, whose ground is looked at."
        ),
    )


def _of_gone(pair: Pair, found: Codes) -> Change:
    left = sorted(found.gone - found.by_ledger - found.by_ground)
    explained, count = found.explained[0], found.gone_count
    by_ground = len(found.by_ground - found.by_ledger)
    how = f"{len(found.by_ledger):,} by the ledger and {by_ground:,} by the ground that others took"
    if not found.measured:
        how = f"more than the {bounds.MOST_CODES:,} whose ground is looked at"
    rest = count - explained
    which = f": {named(left[: bounds.NAMED], rest)}" if left else ""
    return Change(
        layer=pair.after.name,
        measure="codes",
        subject="gone",
        before=plain(count),
        after=plain(explained),
        expected=f"{count:,} explained",
        within=not rest,
        sentence=(
            f"{count:,} codes of {pair.after.name} are gone since {pair.before.edition}, and"
            f" {explained:,} of them are explained ({how}); an explanation of each was expected,"
            f" and {rest:,} have none{which}."
        ),
    )


def _of_new(pair: Pair, found: Codes) -> Change:
    left = sorted(found.new - found.new_by_ledger - found.new_by_ground)
    rest = found.new_count - found.explained[1]
    which = f" ({named(left[: bounds.NAMED], rest)})" if left else ""
    drafted = f" {len(found.drafts):,} events are drafted for the ledger." if found.drafts else ""
    return Change(
        layer=pair.after.name,
        measure="codes",
        subject="new",
        before=plain(found.new_count),
        after=plain(found.explained[1]),
        sentence=(
            f"{found.new_count:,} codes of {pair.after.name} are new since {pair.before.edition};"
            f" {found.explained[1]:,} of them took ground or name of earlier ones, and {rest:,} did"
            f" not{which}.{drafted}"
        ),
    )
