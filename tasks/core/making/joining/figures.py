"""Figures: the columns of an aggregated table, and how PostgreSQL computes each in its group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from psycopg2 import sql

from tasks.core.catalog.column_rules import ColumnRule
from tasks.core.making.joining.ratios import mean, plain_ratio, ratio
from tasks.core.making.joining.summed_tables import (
    NUMBER,
    Figure,
    SummedTable,
    is_float,
    typed,
)
from tasks.core.making.topology.polygons import GEOMETRY
from tasks.core.model.errors import CheckFailed

ROOT = "root of the sum of the squares"


def carried_columns(source: SummedTable, by: str, patterns: Sequence[str]) -> list[str]:
    """Return the columns that patterns name, in order; raise CheckFailed if one is not carried."""
    candidates = [name for name in source.rules if name not in (by, GEOMETRY)]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in (by, *candidates)):
            raise CheckFailed(
                f"No column of {source.table} is named like {pattern!r} to be carried: the columns"
                f" are {', '.join(candidates)}."
            )
    carried = [name for name in candidates if any(fnmatchcase(name, each) for each in patterns)]
    other = [name for name in carried if source.rules[name].kind not in ("same", "key")]
    if refused := [f"{name} ({source.rules[name].aggregate})" for name in other]:
        raise CheckFailed(
            "Only columns with the rule same or key can be carried to the aggregate of"
            f" {source.table}, and these have another: {', '.join(refused)}; a median or a figure"
            " of one area is not that of several: narrow the pattern."
        )
    return carried


def figures_of(source: SummedTable, addition: SummedTable | None, by: str) -> list[Figure]:
    """Return the source's figures, then the addition's; raise CheckFailed on an unmet rule."""
    figures: list[Figure] = []
    for name, rule in source.rules.items():
        if name in (by, GEOMETRY) or rule.kind in ("key", "same", "none"):
            continue
        _require_number(source, name)
        if rule.kind == "sum":
            figures += _summed(source, name, rule, addition)
        elif rule.kind == "root":
            figures.append(_root(source, name, rule))
        elif rule.kind == "mean":
            figures += mean(source, name, rule)
        else:
            figures += ratio(source, name, rule, addition)
    if addition:
        figures += [_further(addition, name, rule) for name, rule in addition.rules.items()]
    _require_operands(source, figures)
    return figures


def _summed(
    source: SummedTable, name: str, rule: ColumnRule, addition: SummedTable | None
) -> list[Figure]:
    """Sum the known figures, null when none is; count rows without one if reasons are given."""
    column, kind = sql.Identifier(name), sql.SQL(source.types[name])
    # a sum of floats depends on the rows' order
    ordered = sql.SQL("ORDER BY {}" if is_float(source.types[name]) else "").format(column)
    grouped = sql.SQL("sum({} {})::{}").format(column, ordered, kind)
    final = _total(name)
    if addition and name in addition.types:
        final = sql.SQL(
            "(CASE WHEN num_nulls(s.{0}, a.{0}) < 2 THEN coalesce(s.{0}, 0) + coalesce(a.{0}, 0)"
            " END)::{1}"
        ).format(column, kind)
    figures = [Figure(name, rule, grouped, final)]
    companion, missing = f"{name}_reason", f"{name}_missing"
    if companion in source.types and missing not in source.types:
        about = f"Number of {source.table} without a figure for {name}, which its sum leaves out"
        count = sql.SQL("(count(*) FILTER (WHERE {} IS NULL))::integer").format(column)
        counted = ColumnRule(about, "areas", "sum", companion)
        figures.append(Figure(missing, counted, count, _total(missing)))
    return figures


def _total(name: str) -> sql.Composable:
    return sql.SQL("s.{}").format(sql.Identifier(name))


def _root(source: SummedTable, name: str, rule: ColumnRule) -> Figure:
    """Return a sum's margin of error, its estimates independent; null if a margin is unknown."""
    squares = sql.SQL(
        "CASE WHEN count({0}) = count(*) THEN sqrt(sum({0}::numeric * {0}::numeric)) END"
    ).format(sql.Identifier(name))
    if ROOT not in rule.description:
        said = f"{rule.description}; {ROOT} of those of the {source.table}"
        rule = replace(rule, description=said)
    return Figure(name, rule, typed(source, name, squares), _total(name))


def _further(addition: SummedTable, name: str, rule: ColumnRule) -> Figure:
    """Return a column that only the addition has, in its type; a sum is 0 where it has no row."""
    if rule.kind == "ratio":
        return plain_ratio(addition, name, rule)
    form = "(CASE WHEN a IS NULL THEN 0 ELSE a.{} END)::{}" if rule.kind == "sum" else "a.{}"
    kind = sql.SQL(addition.types[name])
    return Figure(name, rule, None, sql.SQL(form).format(sql.Identifier(name), kind))


def _require_number(source: SummedTable, name: str) -> None:
    if NUMBER.fullmatch(source.types[name]) is None:
        raise CheckFailed(
            f"The column {name} of {source.table} has the rule {source.rules[name].aggregate} and"
            f" must be a number, and is {source.types[name]}: give it a number type in the join, or"
            " the rule none."
        )


def _require_operands(source: SummedTable, figures: Sequence[Figure]) -> None:
    sums = [figure.name for figure in figures if figure.rule.kind == "sum"]
    for figure in (figure for figure in figures if figure.rule.kind == "ratio"):
        if absent := [name for name in figure.rule.operands if name not in sums]:
            raise CheckFailed(
                f"The ratio {figure.name} of {source.table} needs {', '.join(absent)}, which is not"
                f" among the columns with the rule sum: {', '.join(sums)}; correct its comment."
            )
