"""Ratios and means of an aggregate: both sums over the same areas, and the share these have.

`ratio A / B` counts B only where A is known, and A only where B is; `mean by W` counts the mean and
W where both are known. The columns <ratio>_covered and <mean>_covered say what share of the group's
known B or W that is: 1 where no figure is missing. They carry the areas that count to the next
level: there B and W count with their share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from psycopg2 import sql

from tasks.core.catalog.column_rules import ColumnRule
from tasks.core.making.joining.summed_tables import Figure, SummedTable, is_float, typed
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.database import Database

COVERED, SHARE = "_covered", "share"
HALF = "; {0} of areas without {1} is left out"  # in the description of such a figure
ROUNDED = "; weighted mean of rounded means of the "
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
    sums = (
        (sql.Identifier(above), source.types[above]),
        (_known_part(source, name, below), source.types[below]),
    )
    return _quotient(source, name, rule, (above, below), sums, addition)


def mean(source: SummedTable, name: str, rule: ColumnRule) -> list[Figure]:
    """Return the weighted sum of a mean, its weights, the mean, and the share covered."""
    (weight,) = rule.operands
    if not _is_summed(source, weight):
        raise CheckFailed(
            f"The mean {name} of {source.table} is weighted by {weight}, which must have the rule"
            " sum: correct its comment."
        )
    in_floats = is_float(source.types[name]) or is_float(source.types[weight])
    kind = "double precision" if in_floats else "numeric"
    weights = sql.SQL("({})::{}").format(_known_part(source, name, weight), sql.SQL(kind))
    weighted = sql.SQL("{}::{} * {}").format(sql.Identifier(name), sql.SQL(kind), weights)
    told = _told_of_rounding(source, name, rule)
    return _quotient(source, name, told, (name, weight), ((weighted, kind), (weights, kind)), None)


def _quotient(
    source: SummedTable,
    name: str,
    rule: ColumnRule,
    sides: tuple[str, str],
    sums: Sequence[tuple[sql.Composable, str]],
    addition: SummedTable | None,
) -> list[Figure]:
    """Return the two sums, unpublished, of the rows that have both sides; their quotient; and the
    share that the second has of its column, 0 where no row has both.
    """
    (above, below), place = sides, list(source.types).index(name)
    totals = (f"above {place}", f"below {place}")
    known = sql.SQL("num_nulls({}, {}) = 0").format(*map(sql.Identifier, sides))
    parts = [
        Figure(
            total,
            source.rules[below],
            _sum(value, known, kind),
            _with_addition(addition, total, operand, other),
            kept=False,
        )
        for total, operand, other, (value, kind) in zip(
            totals, sides, sides[::-1], sums, strict=True
        )
    ]
    share = sql.SQL("trim_scale(coalesce(f.{}, 0)::numeric / nullif(f.{}, 0)::numeric)").format(
        sql.Identifier(totals[1]), sql.Identifier(below)
    )
    about = f"Share of {below} on which {name} stands: that of the areas where {above} is known"
    told = ColumnRule(about, SHARE, "none", "computed")
    covered = Figure(name + COVERED, told, None, share, last=True)
    return [*parts, _divided(source, name, rule, *totals), covered]


def plain_ratio(source: SummedTable, name: str, rule: ColumnRule) -> Figure:
    """Return a ratio of two finished columns."""
    above, below = rule.operands
    return _divided(source, name, rule, above, below)


def with_halves_described(
    database: Database, source: SummedTable, figures: Sequence[Figure]
) -> Sequence[Figure]:
    """Return the figures, the description of each ratio or mean telling of areas without B or W.

    Raises CheckFailed when a ratio says so already: what it left out cannot be told any more.
    """
    return [_with_half_described(database, source, each) for each in figures]


def _with_half_described(database: Database, source: SummedTable, figure: Figure) -> Figure:
    own = (figure.name,) if figure.rule.kind == "mean" and figure.name in source.rules else ()
    sides = own + figure.rule.operands
    if len(sides) != 2 or not all(_is_summed(source, side) for side in figure.rule.operands):
        return figure
    said, names = HALF.format(*sides), (*map(sql.Identifier, sides), source.name)
    if said in figure.rule.description:
        _require_whole(source, figure)
        return figure
    half = sql.SQL("SELECT EXISTS (SELECT FROM {2} WHERE {0} IS NOT NULL AND {1} IS NULL)")
    if not database.rows(half.format(*names))[0][0]:
        return figure
    described = replace(figure.rule, description=figure.rule.description + said)
    return replace(figure, rule=described)


def _require_whole(source: SummedTable, figure: Figure) -> None:
    """Raise CheckFailed for a ratio that left out a part of A; a mean has no such sum."""
    if figure.rule.kind == "ratio":
        above, below = figure.rule.operands
        raise CheckFailed(
            f"The ratio {figure.name} of {source.table} cannot be aggregated further, because"
            f" {above} is known there of areas without {below}, which the ratio leaves out:"
            f" aggregate the table that {source.table} was made from."
        )


def _told_of_rounding(source: SummedTable, name: str, rule: ColumnRule) -> ColumnRule:
    """Return the rule of a mean, saying where it is made of means that were rounded themselves."""
    exact = is_float(source.types[name]) or not _has_share(source, name)
    if exact or ROUNDED in rule.description:
        return rule
    return replace(rule, description=f"{rule.description}{ROUNDED}{source.table}")


def _has_share(source: SummedTable, name: str) -> bool:
    rule = source.rules.get(name + COVERED)
    return rule is not None and (rule.unit, rule.aggregate) == (SHARE, "none")


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
    """Return B of a row as far as the figure's areas go: its share, where the row has one."""
    column = sql.Identifier(below)
    if not _has_share(source, name):
        return column
    return sql.SQL(COVERED_BELOW).format(column, sql.Identifier(name + COVERED), source.name)


def _sum(value: sql.Composable, known: sql.Composable, kind: str) -> sql.Composable:
    # a sum of floats depends on the rows' order
    ordered = sql.SQL("ORDER BY {}" if is_float(kind) else "").format(value)
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
