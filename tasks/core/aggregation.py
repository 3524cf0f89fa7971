"""Aggregation by a parent code, as the rules of the columns allow: summed, recomputed, kept when the same, or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.column_rules import ColumnRule, column_comments, column_rules, parse_rules
from tasks.core.database import Database
from tasks.core.dissolving import dissolve
from tasks.core.errors import CheckFailed
from tasks.core.scripts import compress

NAMED = 5  # groups or keys in a message


@dataclass(frozen=True)
class Output:
    """A column of the aggregated table: its value over a group (`g`) and the rows added to it (`a`), and its rule."""

    name: str
    value: sql.Composable
    rule: ColumnRule


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Rows read and left out for want of a parent, groups made, and groups whose areas were not a coverage."""

    rows: int
    left_out: int
    groups: int
    slow_unions: int


class Plan:
    """What becomes of each column of a table when its rows are aggregated."""

    def __init__(self, database: Database, schema: str, table: str, by: str, carry: Sequence[str], adding: str | None) -> None:
        self.schema, self.table, self.by, self.adding = schema, table, by, adding
        self.rules = column_rules(database, schema, table)
        self.types = _types(database, schema, table)
        comments = column_comments(database, schema, adding) if adding else {}
        self.added_columns = set(comments)
        self.added = parse_rules(f"{schema}.{adding}", {name: comment for name, comment in comments.items() if name not in self.rules})
        if by not in self.rules:
            raise CheckFailed(f"The table {table!r} cannot be aggregated by {by!r}, which it lacks: choose one of {', '.join(self.rules)}.")
        self.carried = [name for name in self.rules if name != by and any(fnmatchcase(name, pattern) for pattern in carry)]
        if refused := [name for name in self.carried if self.rules[name].kind not in ("same", "key")]:
            raise CheckFailed(
                f"The columns {', '.join(refused)} of {table!r} may not be carried to a parent: their rules are "
                f"{', '.join(self.rules[name].aggregate for name in refused)}; only columns with the rule same or key may."
            )

    @property
    def keys(self) -> list[str]:
        """The columns that tell the rows apart."""
        return [name for name, rule in self.rules.items() if rule.kind == "key"]

    def grouped(self) -> sql.Composed:
        """One row a group: carried columns, sums, counts of rows without a figure, and what weighted means need."""
        parts = [sql.SQL("{}").format(sql.Identifier(self.by))]
        parts += [sql.SQL("min({0}) AS {0}").format(sql.Identifier(name)) for name in self.carried]
        for name, rule in self.rules.items():
            column = sql.Identifier(name)
            if rule.kind == "sum":
                parts.append(sql.SQL("sum({0}) AS {0}").format(column))
                if f"{name}_reason" in self.rules:
                    parts.append(sql.SQL("count(*) FILTER (WHERE {} IS NULL) AS {}").format(column, sql.Identifier(f"{name}_missing")))
            elif rule.kind == "mean":
                weight = sql.Identifier(rule.operands[0])
                parts.append(sql.SQL("sum({0} * {1}) / nullif(sum({1}) FILTER (WHERE {0} IS NOT NULL), 0) AS {0}").format(column, weight))
        return sql.SQL("SELECT {} FROM {} WHERE {by} IS NOT NULL GROUP BY {by}").format(
            sql.SQL(", ").join(parts), sql.Identifier(self.table), by=sql.Identifier(self.by)
        )

    def outputs(self) -> list[Output]:
        """The columns of the result in order: key, carried, figures; each with its rule, so that it can be aggregated again."""
        outputs = [Output(self.by, _of("g", self.by), replace(self.rules[self.by], aggregate="key"))]
        outputs += [Output(name, _of("g", name), replace(self.rules[name], aggregate="same")) for name in self.carried]
        for name, rule in self.rules.items():
            if rule.kind == "sum":
                outputs.append(Output(name, self._typed(self._summed(name), name), rule))
                if f"{name}_reason" in self.rules:
                    outputs.append(Output(f"{name}_missing", _of("g", f"{name}_missing"), _missing_rule(name, rule)))
            elif rule.kind == "mean":
                outputs.append(Output(name, self._typed(_of("g", name), name), rule))
            elif rule.kind == "ratio":
                outputs.append(Output(name, self._typed(self._ratio(rule), name), rule))
        for name, rule in self.added.items():
            value = sql.SQL("coalesce({}, 0)").format(_of("a", name)) if rule.kind == "sum" else _of("a", name)
            outputs.append(Output(name, value, rule))
        return outputs

    def _summed(self, name: str) -> sql.Composable:
        if name not in self.added_columns:
            return _of("g", name)
        both = (_of("g", name), _of("a", name))
        return sql.SQL("CASE WHEN num_nonnulls({0}, {1}) > 0 THEN coalesce({0}, 0) + coalesce({1}, 0) END").format(*both)

    def _ratio(self, rule: ColumnRule) -> sql.Composable:
        above, below = (self._operand(name) for name in rule.operands)
        return sql.SQL("{} * {} / nullif({}, 0)").format(above, sql.SQL(rule.factor), below)

    def _operand(self, name: str) -> sql.Composable:
        return sql.SQL("({})::numeric").format(self._summed(name) if name in self.rules else _of("a", name))

    def _typed(self, value: sql.Composable, name: str) -> sql.Composable:
        return sql.SQL("({})::{}").format(value, sql.SQL(self.types[name]))


def aggregate(database: Database, schema: str, table: str, by: str, into: str, carry: Sequence[str], adding: str | None) -> Tally:
    """Make schema.into out of schema.table, one row for each value of `by`; see tasks.aggregates for what the rules do."""
    plan = Plan(database, schema, table, by, carry, adding)
    outputs, dissolved = plan.outputs(), f"{into}_dissolved"
    with database.session(schema) as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}, {}").format(sql.Identifier(into), sql.Identifier(dissolved)))  # of a try before
        srid = _srid(cursor, schema, table)
        _check_carried(cursor, plan)
        if adding:
            _check_added(cursor, plan, adding)
    unions = dissolve(database, schema, table, by, plan.keys, dissolved, srid) if srid else None
    with database.session(schema) as cursor:
        compress(cursor)
        columns: list[sql.Composable] = [sql.SQL("{} AS {}").format(output.value, sql.Identifier(output.name)) for output in outputs]
        joins: sql.Composable = sql.SQL("")
        if adding:
            joins += sql.SQL(" LEFT JOIN {} a ON a.{by} = g.{by}").format(sql.Identifier(adding), by=sql.Identifier(by))
        if srid:
            columns.append(sql.SQL("d.geom"))
            joins += sql.SQL(" LEFT JOIN {} d ON d.key = g.{}").format(sql.Identifier(dissolved), sql.Identifier(by))
        cursor.execute(
            sql.SQL("CREATE TABLE {} AS WITH g AS ({}) SELECT {} FROM g{} ORDER BY g.{}").format(
                sql.Identifier(into), plan.grouped(), sql.SQL(", ").join(columns), joins, sql.Identifier(by)
            )
        )
        groups = cursor.rowcount
        _describe(cursor, plan, outputs, into, has_geometry=bool(srid))
        if srid:
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(dissolved)))
        cursor.execute(sql.SQL("SELECT count(*), count(*) - count({}) FROM {}").format(sql.Identifier(by), sql.Identifier(table)))
        rows, left_out = cursor.fetchall()[0]
    return Tally(rows=rows, left_out=left_out, groups=groups, slow_unions=unions.slow if unions else 0)


def _of(alias: str, name: str) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(name))


def _missing_rule(name: str, rule: ColumnRule) -> ColumnRule:
    return ColumnRule(f"Areas whose {name} is not known and not in the sum", "areas", "sum", rule.origin)


def _types(database: Database, schema: str, table: str) -> dict[str, str]:
    """Column types; a sum of whole numbers is kept in 64 bits."""
    found = database.rows(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        f'"{schema}"."{table}"',
    )
    return {name: "bigint" if declared in ("integer", "smallint") else declared for name, declared in found}


def _srid(cursor: Cursor, schema: str, table: str) -> int | None:
    cursor.execute("SELECT srid FROM geometry_columns WHERE f_table_schema = %s AND f_table_name = %s AND f_geometry_column = 'geom'", (schema, table))
    found = cursor.fetchall()
    return int(found[0][0]) if found else None


def _check_carried(cursor: Cursor, plan: Plan) -> None:
    for name in plan.carried:
        cursor.execute(
            sql.SQL(
                "SELECT {by} FROM {table} WHERE {by} IS NOT NULL GROUP BY {by} "
                "HAVING count(DISTINCT {column}) > 1 OR count({column}) NOT IN (0, count(*)) ORDER BY {by} LIMIT {limit}"
            ).format(by=sql.Identifier(plan.by), table=sql.Identifier(plan.table), column=sql.Identifier(name), limit=sql.Literal(NAMED))
        )
        if groups := [group for (group,) in cursor.fetchall()]:
            raise CheckFailed(
                f"The column {name!r} of {plan.table!r} must be the same within each {plan.by} to be carried, but differs within "
                f"{', '.join(map(str, groups))}: correct the data's parents or do not carry it."
            )


def _check_added(cursor: Cursor, plan: Plan, adding: str) -> None:
    cursor.execute(
        sql.SQL("SELECT a.{by} FROM {adding} a WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.{by} = a.{by}) ORDER BY 1 LIMIT {limit}").format(
            by=sql.Identifier(plan.by), adding=sql.Identifier(adding), table=sql.Identifier(plan.table), limit=sql.Literal(NAMED)
        )
    )
    if orphans := [str(key) for (key,) in cursor.fetchall()]:
        raise CheckFailed(
            f"The table {adding!r} has figures for {plan.by} {', '.join(orphans)}, which no row of {plan.table!r} belongs to: they would be lost; "
            "use files of the same vintage."
        )


def _describe(cursor: Cursor, plan: Plan, outputs: list[Output], into: str, *, has_geometry: bool) -> None:
    comments = {output.name: str(output.rule) for output in outputs}
    if has_geometry:
        comments["geom"] = str(plan.rules["geom"])
    for name, comment in comments.items():
        cursor.execute(sql.SQL("COMMENT ON COLUMN {}.{} IS %s").format(sql.Identifier(into), sql.Identifier(name)), (comment,))
    cursor.execute(
        sql.SQL("COMMENT ON TABLE {} IS %s").format(sql.Identifier(into)),
        (f"{into.replace('_', ' ').capitalize()}: {plan.table.replace('_', ' ')} put together by {plan.by}",),
    )
