"""Areas: the ground that a layer covers, its extent, borders that changed, and areas left alone."""

from __future__ import annotations

import math

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.changes import bounds
from tasks.core.catalog.changes.compared_layers import Layer, Pair
from tasks.core.catalog.changes.differences import Change, figure, per_cent, plain
from tasks.core.catalog.changes.statements import (
    SELECT_AREA,
    SELECT_EXTENT,
    SELECT_LONELY,
    SELECT_REDRAWN,
)

SELECT_DEGREES = "SELECT srtext LIKE 'GEOGCS%%' OR srtext LIKE 'GEOGCRS%%' FROM spatial_ref_sys"


def of_areas(cursor: Cursor, pair: Pair) -> list[Change]:
    """Tell and judge all that the geometry of two layers says, apart from their codes."""
    changes = []
    if pair.before.geometry_type and pair.after.geometry_type:
        changes += of_extent(cursor, pair)
    if pair.have_areas:
        changes += [of_area(cursor, pair), *of_neighbours(cursor, pair)]
        if pair.by_row:
            changes += of_redrawn(cursor, pair)
    return changes


def of_area(cursor: Cursor, pair: Pair) -> Change:
    """Judge the area of all, both in the CRS of the later layer: on the spheroid for degrees."""
    geographic = _in_degrees(cursor, pair.after.srid)
    before = _area(cursor, pair, pair.before, geographic)
    after = _area(cursor, pair, pair.after, geographic)
    expected = bounds.expected(before, bounds.GROUND, 0.0, 1)
    unit = "m²" if geographic else f"square units of EPSG:{pair.after.srid}"
    return Change(
        layer=pair.after.name,
        measure="area",
        before=plain(round(before, 3)),
        after=plain(round(after, 3)),
        expected=str(expected),
        within=expected.has(after) if before else None,
        sentence=(
            f"The areas of {pair.after.name} cover {figure(after)} {unit}, and {figure(before)} in"
            f" {pair.before.edition}{per_cent(before, after)}; {expected} were expected."
        ),
    )


def _in_degrees(cursor: Cursor, srid: int | None) -> bool:
    cursor.execute(f"{SELECT_DEGREES} WHERE srid = %s", (srid,))
    return any(found for (found,) in cursor.fetchall())


def _area(cursor: Cursor, pair: Pair, layer: Layer, geographic: bool) -> float:
    shape = pair.shape("t", old=layer is pair.before)
    measured = sql.SQL("{}::geography" if geographic else "{}").format(shape)
    query = sql.SQL(SELECT_AREA).format(measured=measured, table=layer.table)
    cursor.execute(query)
    return float(cursor.fetchall()[0][0] or 0)


def of_extent(cursor: Cursor, pair: Pair) -> list[Change]:
    """Judge the extent: no side may move by more than a share of the diagonal before."""
    before = pair.before.extent
    if pair.before.srid != pair.after.srid:
        before = _extent(cursor, pair)
    after = pair.after.extent
    if len(before) != 4 or None in before or len(after) != 4 or None in after:
        return []
    diagonal = math.dist(before[:2], before[2:])
    moved = max(abs(old - new) for old, new in zip(before, after, strict=True))
    most = bounds.EXTENT_SHIFT * diagonal
    old, new = (" ".join(f"{side:.10g}" for side in extent) for extent in (before, after))
    return [
        Change(
            layer=pair.after.name,
            measure="area",
            subject="extent",
            before=old,
            after=new,
            expected=f"each side within {most:.4g}",
            within=moved <= most,
            sentence=(
                f"{pair.after.name} reaches over {new} (EPSG:{pair.after.srid}), and over {old} in"
                f" {pair.before.edition}: a side moved by {moved:.4g}; at most {most:.4g} was"
                " expected."
            ),
        )
    ]


def _extent(cursor: Cursor, pair: Pair) -> tuple[float, ...]:
    shape = pair.shape("t", old=True)
    cursor.execute(sql.SQL(SELECT_EXTENT).format(shape=shape, table=pair.before.table))
    return tuple(cursor.fetchall()[0])


def of_neighbours(cursor: Cursor, pair: Pair) -> list[Change]:
    """Judge how many areas touch no other: more than before are borders that do not fit."""
    query = sql.SQL(SELECT_LONELY)
    after = _count(cursor, query.format(table=pair.after.table))
    if not after:
        return []
    before = _count(cursor, query.format(table=pair.before.table))
    most = before + math.floor(bounds.LONELY * pair.after.row_count)
    return [
        Change(
            layer=pair.after.name,
            measure="area",
            subject="neighbours",
            before=plain(before),
            after=plain(after),
            expected=f"at most {most:,}",
            within=after <= most,
            sentence=(
                f"Areas of {pair.after.name} that touch no other: {after:,}, and {before:,} in"
                f" {pair.before.edition}; at most {most:,} were expected."
            ),
        )
    ]


def _count(cursor: Cursor, query: sql.Composed) -> int:
    cursor.execute(query)
    return int(cursor.fetchall()[0][0])


def of_redrawn(cursor: Cursor, pair: Pair) -> list[Change]:
    """Tell how many common areas have other borders, and how much of their area that is.

    Outside is only that most are shifted to one side, as by a datum that is not the one stated.
    """
    redrawn, measured, substantial, share, shift = _redrawn(cursor, pair)
    if not redrawn:
        return []
    shifted = shift > bounds.SHIFT and 2 * redrawn > pair.after.row_count
    sample = "" if measured == redrawn else f" (a sample of {measured:,} of them was measured)"
    other = "other borders"
    if pair.before.srid != pair.after.srid:
        other = f"other coordinates, in EPSG:{pair.after.srid} after EPSG:{pair.before.srid}"
    return [
        Change(
            layer=pair.after.name,
            measure="redrawn",
            after=plain(redrawn),
            expected=f"shifted by at most {bounds.SHIFT:.0%}" if shifted else "",
            within=False if shifted else None,
            sentence=(
                f"{redrawn:,} areas of {pair.after.name} have {other} than in"
                f" {pair.before.edition}: {share:.2%} of their area changed hands, and"
                f" {substantial:,} of {measured:,} changed by more than"
                f" {bounds.SUBSTANTIAL:.1%} of their own{sample}."
                + (_shifted(shift) if shifted else "")
            ),
        )
    ]


def _shifted(shift: float) -> str:
    return (
        f" They are shifted to one side by {shift:.1%} of the length of an area, and at most"
        f" {bounds.SHIFT:.0%} was expected: look whether the CRS is the one that is stated."
    )


def _redrawn(cursor: Cursor, pair: Pair) -> tuple[int, int, int, float, float]:
    differing = pair.differing("geom")
    if pair.before.srid != pair.after.srid:
        differing = sql.Composed([sql.SQL("true")])
    cursor.execute(
        sql.SQL(SELECT_REDRAWN).format(
            key=pair.key_text("n"),
            old_shape=pair.shape("o", old=True),
            old=pair.before.table,
            new=pair.after.table,
            joined=pair.joined(),
            differing=differing,
            sample=sql.Literal(bounds.SAMPLE),
            least=sql.Literal(bounds.SUBSTANTIAL),
        )
    )
    redrawn, measured, substantial, share, shift = cursor.fetchall()[0]
    return int(redrawn), int(measured), int(substantial), float(share), float(shift)
