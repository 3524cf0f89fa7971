"""Aggregation: one row for each parent, figures by the columns' rules, areas dissolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import ColumnRule, write_comments
from tasks.core.making.joining.figures import carried_columns, figures_of
from tasks.core.making.joining.ratios import with_halves_described
from tasks.core.making.joining.scripts import compress
from tasks.core.making.joining.summed_tables import (
    Figure,
    SummedTable,
    read_addition,
    read_summed,
)
from tasks.core.making.topology.dissolution import Dissolution, dissolve
from tasks.core.making.topology.polygons import GEOMETRY, PolygonColumn, polygon_column, side_table
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.postgres.database import Database

NAMED = 10
CREATE = """
CREATE TABLE {into} AS
WITH s AS (SELECT {grouped} FROM {table} WHERE {by} IS NOT NULL GROUP BY {by}),
     f AS (SELECT {totals} FROM s {addition})
SELECT {columns} FROM f {shapes} ORDER BY f.{by}::text COLLATE "C"
"""


@dataclass(frozen=True)
class Aggregation:
    """Rows read, rows without a parent (left out), rows made, and how areas were dissolved."""

    rows: int
    without_parent: int
    made: int
    dissolution: Dissolution


@dataclass(frozen=True)
class _Plan:
    """What an aggregate is made of: checked tables, key, carried columns, figures and areas."""

    source: SummedTable
    addition: SummedTable | None
    by: str
    into: str
    carried: Sequence[str]
    figures: Sequence[Figure]
    areas: PolygonColumn | None


def aggregate(
    database: Database,
    schema: str,
    table: str,
    by: str,
    into: str,
    carry: Sequence[str] = (),
    adding: str | None = None,
    about: str | None = None,
) -> Aggregation:
    """Make schema.into with one row for each value of `by`, as the verb of the same name says."""
    if into in (table, adding):
        raise ConfigurationError(
            f"The aggregate of {table} cannot be written into {into}, which it is made from: give"
            " it a name of its own."
        )
    plan, rules = _plan(database, read_summed(database, schema, table), by, into, carry, adding)
    side, dissolution = f"{into[:50]}_shapes", Dissolution()
    with side_table(database, schema, side) if plan.areas else nullcontext() as shapes:
        if plan.areas:
            dissolution = dissolve(database, schema, table, by, plan.areas.srid, side)
        with database.session(schema) as cursor:
            compress(cursor)
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, into)))
            cursor.execute(_creation(plan, shapes))
            made = cursor.rowcount
            title = into.replace("_", " ").capitalize()
            said = about or f"{title}: {table} added up and dissolved by {by}"
            _comment(cursor, sql.Identifier(schema, into), said, rules)
    counts = sql.SQL("SELECT count(*), count({}) FROM {}")
    rows, present = database.rows(counts.format(sql.Identifier(by), plan.source.name))[0]
    return Aggregation(rows, rows - present, made, dissolution)


def _plan(
    database: Database,
    source: SummedTable,
    by: str,
    into: str,
    carry: Sequence[str],
    adding: str | None,
) -> tuple[_Plan, dict[str, ColumnRule]]:
    """Return what the aggregate is made of and its columns' rules; raise when they do not fit."""
    if by not in source.types:
        raise CheckFailed(
            f"The table {source.schema}.{source.table} has no column {by} to be aggregated by: the"
            f" columns are {', '.join(source.types)}."
        )
    addition = read_addition(database, source, adding, by) if adding else None
    carried, added_up = carried_columns(source, by, carry), figures_of(source, addition, by)
    figures = with_halves_described(database, source, added_up)
    rules = _rules(source, by, carried, figures)
    _require_constant(database, source, by, carried)
    if addition:
        _require_groups(database, source, addition, by)
    has_areas = GEOMETRY in source.types
    areas = polygon_column(database, source.schema, source.table) if has_areas else None
    if areas and areas.dimensions != 2:
        raise ConfigurationError(
            f"The areas of {source.schema}.{source.table} have heights and are dissolved in two"
            " dimensions only: load them with dimension=2."
        )
    return _Plan(source, addition, by, into, carried, figures, areas), rules


def _rules(
    source: SummedTable, by: str, carried: Sequence[str], figures: Sequence[Figure]
) -> dict[str, ColumnRule]:
    """Return the rule of each column, in order; raise CheckFailed when two would share a name."""
    named = [(by, replace(source.rules[by], aggregate="key"))]
    named += [(name, replace(source.rules[name], aggregate="same")) for name in carried]
    named += [(figure.name, figure.rule) for figure in figures if figure.kept]
    named += [(GEOMETRY, source.rules[GEOMETRY])] if GEOMETRY in source.rules else []
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CheckFailed(
            f"The aggregate of {source.table} by {by} would have two columns named"
            f" {', '.join(twice)}: rename those of the addition."
        )
    return dict(named)


def _creation(plan: _Plan, shapes: sql.Composable | None) -> sql.Composable:
    """Write the statement that makes the table: groups, the addition, then ratios and areas."""
    key, comma = sql.Identifier(plan.by), sql.SQL(", ")
    kept = [sql.Identifier(name) for name in (plan.by, *plan.carried)]
    first = [sql.SQL("(array_agg({0}))[1] AS {0}").format(name) for name in kept[1:]]
    grouped = [_named(each.grouped, each) for each in plan.figures if each.grouped]
    totals = [_named(each.final, each) for each in plan.figures if not each.last]
    last = [_named(_finished(each), each) for each in plan.figures if each.kept]
    added, joined, area = sql.SQL("").format(), sql.SQL("").format(), []
    if plan.addition:
        join = sql.SQL("LEFT JOIN {0} AS a ON a.{1}::text = s.{1}::text")
        added = join.format(plan.addition.name, key)
    if plan.areas and shapes:
        srid = sql.Literal(plan.areas.srid)
        area = [sql.SQL("g.geom::geometry(MultiPolygon, {}) AS geom").format(srid)]
        joined = sql.SQL("LEFT JOIN {} AS g ON g.key = f.{}::text").format(shapes, key)
    return sql.SQL(CREATE).format(
        into=sql.Identifier(plan.source.schema, plan.into),
        table=plan.source.name,
        by=key,
        grouped=comma.join([key, *first, *grouped]),
        totals=comma.join([*(sql.SQL("s.{}").format(name) for name in kept), *totals]),
        addition=added,
        columns=comma.join([*(sql.SQL("f.{}").format(name) for name in kept), *last, *area]),
        shapes=joined,
    )


def _named(value: sql.Composable, figure: Figure) -> sql.Composable:
    return sql.SQL("{} AS {}").format(value, sql.Identifier(figure.name))


def _finished(figure: Figure) -> sql.Composable:
    """Return a figure as it reads after the addition; ratios are computed from the totals."""
    return figure.final if figure.last else sql.SQL("f.{}").format(sql.Identifier(figure.name))


def _comment(
    cursor: Cursor, table: sql.Identifier, description: str, rules: Mapping[str, ColumnRule]
) -> None:
    cursor.execute(sql.SQL("COMMENT ON TABLE {} IS %s").format(table), (description,))
    write_comments(cursor, table, {name: str(rule) for name, rule in rules.items()})
    cursor.execute(sql.SQL("ANALYZE {}").format(table))


def _require_constant(
    database: Database, source: SummedTable, by: str, carried: Sequence[str]
) -> None:
    """Raise CheckFailed naming groups where a carried column has several values, null included."""
    faults = []
    for name in carried:
        query = sql.SQL(
            "SELECT {0}::text FROM {1} WHERE {0} IS NOT NULL GROUP BY {0} HAVING count(DISTINCT"
            ' {2}) + bool_or({2} IS NULL)::integer > 1 ORDER BY {0}::text COLLATE "C"'
        ).format(sql.Identifier(by), source.name, sql.Identifier(name))
        if groups := [str(group) for (group,) in database.rows(query)]:
            more = ", …" if len(groups) > NAMED else ""
            faults.append(f"{name} in {', '.join(groups[:NAMED])}{more}")
    if faults:
        raise CheckFailed(
            f"A column carried from {source.table} must have one value for each {by}, and several"
            f" were found: {'; '.join(faults)}: carry fewer columns or correct the source."
        )


def _require_groups(
    database: Database, source: SummedTable, addition: SummedTable, by: str
) -> None:
    """Raise CheckFailed when rows of an addition belong to no group, or several to one."""
    column = sql.Identifier(by)
    orphans = database.rows(
        sql.SQL(
            "SELECT coalesce(a.{0}::text, 'null') FROM {1} a WHERE NOT EXISTS (SELECT FROM {2} t"
            " WHERE t.{0}::text = a.{0}::text) ORDER BY 1"
        ).format(column, addition.name, source.name)
    )
    twice = sql.SQL("SELECT {0}::text FROM {1} GROUP BY {0} HAVING count(*) > 1 ORDER BY 1")
    repeated = database.rows(twice.format(column, addition.name))
    for found, fault in ((orphans, "belong to no group"), (repeated, "are there more than once")):
        if found:
            named = ", ".join(str(code) for (code,) in found[:NAMED])
            raise CheckFailed(
                f"Each row of {addition.table} must belong to one {by} of {source.table}, and"
                f" {len(found):,} {fault}: {named}; use files of the same vintage, or sum the"
                " addition by its key."
            )
