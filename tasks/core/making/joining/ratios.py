"""Ratios of an aggregate: both sums over the same areas, and the share of the second they cover.

`ratio A / B` counts B only where A is known, and A only where B is. The column <ratio>_covered says
what share of the group's known B that is: 1 where no figure is missing. It carries the areas that
count to the next level: there B counts with its share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg2 import sql

from tasks.core.catalog.column_rules import ColumnRule
from tasks.core.making.joining.summed_tables import Figure, SummedTable, is_float, typed
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.database import Database

COVERED = "_covered"
HALF = "; {0} of areas without {1} is left out"  # in the description of such a ratio
COVERED_BELOW = (  # rounded as the sums are: that is the very sum which the share was taken of
    "CASE WHEN {0} = 0 OR {1} = 1 THEN {0} ELSE round({0}::numeric * {1},"
    " (SELECT coalesce(max(scale({0}::numeric)), 0) FROM {2})) END"
)


def ratio(
    source: SummedTable, name: str, rule: ColumnRule, addition: SummedTable | None
) -> list[Figure]:
    """Return the sums of a ratio over the same areas, the ratio, and the share covered."""
    above, below = rule.operands
    if not all(_is_summed(source, operand) for operand in (above, below)):
        return [plain_ratio(source, name, rule)]
    place = list(source.types).index(name)
    sums = (f"above {place}", f"below {place}")
    sides = (
        (above, below, sql.Identifier(above)),
        (below, above, _known_part(source, name, below)),
    )
    known = sql.SQL("num_nulls({}, {}) = 0").format(*map(sql.Identifier, (above, below)))
    parts = [
        Figure(
            total,
            source.rules[operand],
            _sum(source, operand, value, known),
            _with_addition(addition, total, operand, other),
            kept=False,
        )
        for total, (operand, other, value) in zip(sums, sides, strict=True)
    ]
    share = sql.SQL("trim_scale(f.{}::numeric / nullif(f.{}, 0)::numeric)").format(
        sql.Identifier(sums[1]), sql.Identifier(below)
    )
    about = f"Share of {below} on which {name} stands: that of the areas where {above} is known"
    told = ColumnRule(about, "share", "none", "computed")
    covered = Figure(name + COVERED, told, None, share, last=True)
    return [*parts, _divided(source, name, rule, *sums), covered]


def plain_ratio(source: SummedTable, name: str, rule: ColumnRule) -> Figure:
    """Return a ratio of two finished columns."""
    above, below = rule.operands
    return _divided(source, name, rule, above, below)


def with_halves_described(
    database: Database, source: SummedTable, figures: Sequence[Figure]
) -> Sequence[Figure]:
    """Return the figures; a ratio whose A is known of areas without B says so in its description.

    Raises CheckFailed when it says so already: what was left out below cannot be told any more.
    """
    return [_with_half_described(database, source, each) for each in figures]


def _with_half_described(database: Database, source: SummedTable, figure: Figure) -> Figure:
    operands = figure.rule.operands
    if figure.rule.kind != "ratio" or not all(_is_summed(source, each) for each in operands):
        return figure
    said, names = HALF.format(*operands), (*map(sql.Identifier, operands), source.name)
    if said in figure.rule.description:
        raise CheckFailed(
            f"The ratio {figure.name} of {source.table} cannot be aggregated further, because"
            f" {operands[0]} is known there of areas without {operands[1]}, which the ratio leaves"
            f" out: aggregate the table that {source.table} was made from."
        )
    half = sql.SQL("SELECT EXISTS (SELECT FROM {2} WHERE {0} IS NOT NULL AND {1} IS NULL)")
    if not database.rows(half.format(*names))[0][0]:
        return figure
    described = replace(figure.rule, description=figure.rule.description + said)
    return replace(figure, rule=described)


def _is_summed(source: SummedTable, name: str) -> bool:
    return name in source.rules and source.rules[name].kind == "sum"


def _added(addition: SummedTable | None, operand: str, other: str) -> sql.Composable | None:
    """Return what an added row has for one side of the ratio, null where its other side is null.

    None where the addition has no such column.
    """
    if addition is None or operand not in addition.types:
        return None
    added = sql.SQL("a.{}").format(sql.Identifier(operand))
    if other not in addition.types:
        return added
    return sql.SQL("CASE WHEN a.{} IS NOT NULL THEN {} END").format(sql.Identifier(other), added)


def _known_part(source: SummedTable, name: str, below: str) -> sql.Composable:
    """Return B of a row as far as the ratio's areas go: its share, where the row has one."""
    column = sql.Identifier(below)
    if name + COVERED not in source.types:
        return column
    return sql.SQL(COVERED_BELOW).format(column, sql.Identifier(name + COVERED), source.name)


def _sum(
    source: SummedTable, operand: str, value: sql.Composable, known: sql.Composable
) -> sql.Composable:
    kind = source.types[operand]
    # a sum of floats depends on the rows' order
    ordered = sql.SQL("ORDER BY {}" if is_float(kind) else "").format(sql.Identifier(operand))
    summed = sql.SQL("(sum({} {}) FILTER (WHERE {}))::{}")
    return summed.format(value, ordered, known, sql.SQL(kind))


def _with_addition(
    addition: SummedTable | None, total: str, operand: str, other: str
) -> sql.Composable:
    """Return a side of the ratio with what is added to it; one side alone counts for nothing."""
    side, added = sql.SQL("s.{}").format(sql.Identifier(total)), _added(addition, operand, other)
    if added is None:
        return side
    alone = added if addition and other in addition.types else sql.SQL("NULL").format()
    return sql.SQL("CASE WHEN {0} IS NULL THEN {2} ELSE {0} + coalesce({1}, 0) END").format(
        side, added, alone
    )


def _divided(source: SummedTable, name: str, rule: ColumnRule, above: str, below: str) -> Figure:
    """Return a ratio of two totals, null when the second is 0."""
    kind = sql.SQL("double precision" if is_float(source.types[name]) else "numeric")
    divided = sql.SQL("f.{0}::{2} / nullif(f.{1}, 0)::{2} * {3}").format(
        sql.Identifier(above), sql.Identifier(below), kind, sql.SQL(rule.factor)
    )
    return Figure(name, rule, None, typed(source, name, divided), last=True)
