"""Aggregation: one row for each parent, figures by the columns' rules, areas dissolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import ColumnRule, write_comments
from tasks.core.making.joining.figures import (
    Figure,
    Source,
    carried_columns,
    carried_rule,
    figures_of,
    key_rule,
    read_addition,
    read_source,
)
from tasks.core.making.joining.scripts import compress
from tasks.core.making.topology.dissolution import Dissolution, dissolve
from tasks.core.making.topology.polygons import GEOMETRY, polygon_column, side_table
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
    source = read_source(database, schema, table)
    if by not in source.types:
        raise CheckFailed(
            f"The table {schema}.{table} has no column {by} to be aggregated by: the columns are"
            f" {', '.join(source.types)}."
        )
    addition = read_addition(database, source, adding, by) if adding else None
    carried, figures = carried_columns(source, by, carry), figures_of(source, addition, by)
    rules = _rules(source, by, carried, figures)
    _require_constant(database, source, by, carried)
    if addition:
        _require_groups(database, source, addition, by)
    column = polygon_column(database, schema, table) if GEOMETRY in source.types else None
    if column and column.dimensions != 2:
        raise ConfigurationError(
            f"The areas of {schema}.{table} have heights and are dissolved in two dimensions only:"
            " load them with dimension=2."
        )
    side = f"{into[:50]}_shapes"
    with side_table(database, schema, side) if column else nullcontext() as shapes:
        dissolution = (
            dissolve(database, schema, table, by, column.srid, side) if column else Dissolution()
        )
        with database.session(schema) as cursor:
            compress(cursor)
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, into)))
            cursor.execute(
                _creation(
                    source,
                    addition,
                    by,
                    into,
                    carried,
                    figures,
                    shapes,
                    column.srid if column else 0,
                )
            )
            made = cursor.rowcount
            description = (
                about
                or f"{into.replace('_', ' ').capitalize()}: {table} added up and dissolved by {by}"
            )
            _comment(cursor, source.schema, into, description, rules)
    rows, present = database.rows(
        sql.SQL("SELECT count(*), count({}) FROM {}").format(sql.Identifier(by), source.name)
    )[0]
    return Aggregation(rows, rows - present, made, dissolution)


def _rules(
    source: Source, by: str, carried: Sequence[str], figures: Sequence[Figure]
) -> dict[str, ColumnRule]:
    """Return the rule of each column, in order; raise CheckFailed when two would share a name."""
    named = [(by, key_rule(source.rules[by]))]
    named += [(name, carried_rule(source.rules[name])) for name in carried]
    named += [(figure.name, figure.rule) for figure in figures]
    named += [(GEOMETRY, source.rules[GEOMETRY])] if GEOMETRY in source.rules else []
    names = [name for name, _ in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CheckFailed(
            f"The aggregate of {source.table} by {by} would have two columns named"
            f" {', '.join(twice)}: rename those of the addition."
        )
    return dict(named)


def _creation(
    source: Source,
    addition: Source | None,
    by: str,
    into: str,
    carried: Sequence[str],
    figures: Sequence[Figure],
    shapes: sql.Composable | None,
    srid: int,
) -> sql.Composable:
    """Write the statement that makes the table: groups, the addition, then ratios and areas."""
    key = sql.Identifier(by)
    kept = [sql.Identifier(name) for name in (by, *carried)]
    ratios = {figure.name for figure in figures if figure.rule.kind == "ratio"}
    first = [sql.SQL("(array_agg({0}))[1] AS {0}").format(name) for name in kept[1:]]
    grouped = [
        sql.SQL("{} AS {}").format(figure.grouped, sql.Identifier(figure.name))
        for figure in figures
        if figure.grouped
    ]
    totals = [
        sql.SQL("{} AS {}").format(figure.final, sql.Identifier(figure.name))
        for figure in figures
        if figure.name not in ratios
    ]
    last = [
        (
            figure.final
            if figure.name in ratios
            else sql.SQL("f.{}").format(sql.Identifier(figure.name))
        )
        for figure in figures
    ]
    last = [
        sql.SQL("{} AS {}").format(value, sql.Identifier(figure.name))
        for value, figure in zip(last, figures, strict=True)
    ]
    area = (
        [sql.SQL("g.geom::geometry(MultiPolygon, {}) AS geom").format(sql.Literal(srid))]
        if shapes
        else []
    )
    comma = sql.SQL(", ")
    return sql.SQL(CREATE).format(
        into=sql.Identifier(source.schema, into),
        table=source.name,
        by=key,
        grouped=comma.join([key, *first, *grouped]),
        totals=comma.join([*(sql.SQL("s.{}").format(name) for name in kept), *totals]),
        addition=(
            sql.SQL("LEFT JOIN {0} AS a ON a.{1}::text = s.{1}::text").format(addition.name, key)
            if addition
            else sql.SQL("")
        ),
        columns=comma.join([*(sql.SQL("f.{}").format(name) for name in kept), *last, *area]),
        shapes=(
            sql.SQL("LEFT JOIN {} AS g ON g.key = f.{}::text").format(shapes, key)
            if shapes
            else sql.SQL("")
        ),
    )


def _comment(
    cursor: Cursor, schema: str, into: str, description: str, rules: Mapping[str, ColumnRule]
) -> None:
    table = sql.Identifier(schema, into)
    cursor.execute(sql.SQL("COMMENT ON TABLE {} IS %s").format(table), (description,))
    write_comments(cursor, table, {name: str(rule) for name, rule in rules.items()})
    cursor.execute(sql.SQL("ANALYZE {}").format(table))


def _require_constant(database: Database, source: Source, by: str, carried: Sequence[str]) -> None:
    """Raise CheckFailed naming groups where a carried column has several values, null included."""
    faults = []
    for name in carried:
        query = sql.SQL(
            "SELECT {0}::text FROM {1} WHERE {0} IS NOT NULL GROUP BY {0} HAVING count(DISTINCT"
            ' {2}) + bool_or({2} IS NULL)::integer > 1 ORDER BY {0}::text COLLATE "C"'
        ).format(sql.Identifier(by), source.name, sql.Identifier(name))
        if groups := [str(group) for (group,) in database.rows(query)]:
            faults.append(
                f"{name} in {', '.join(groups[:NAMED])}{', …' if len(groups) > NAMED else ''}"
            )
    if faults:
        raise CheckFailed(
            f"A column carried from {source.table} must have one value for each {by}, and several"
            f" were found: {'; '.join(faults)}: carry fewer columns or correct the source."
        )


def _require_groups(database: Database, source: Source, addition: Source, by: str) -> None:
    """Raise CheckFailed when rows of an addition belong to no group, or several to one."""
    column = sql.Identifier(by)
    orphans = database.rows(
        sql.SQL(
            "SELECT coalesce(a.{0}::text, 'null') FROM {1} a WHERE NOT EXISTS (SELECT FROM {2} t"
            " WHERE t.{0}::text = a.{0}::text) ORDER BY 1"
        ).format(column, addition.name, source.name)
    )
    repeated = database.rows(
        sql.SQL("SELECT {0}::text FROM {1} GROUP BY {0} HAVING count(*) > 1 ORDER BY 1").format(
            column, addition.name
        )
    )
    for found, fault in ((orphans, "belong to no group"), (repeated, "are there more than once")):
        if found:
            named = ", ".join(str(code) for (code,) in found[:NAMED])
            raise CheckFailed(
                f"Each row of {addition.table} must belong to one {by} of {source.table}, and"
                f" {len(found):,} {fault}: {named}; use files of the same vintage, or sum the"
                " addition by its key."
            )
