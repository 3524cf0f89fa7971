"""Figures of a layer before it is sealed: some are known, all are numbers, no count is below 0."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import NOT_IN, ColumnRule
from tasks.core.model.errors import CheckFailed
from tasks.core.postgres.columns import columns

NUMBERS = ("smallint", "integer", "bigint", "real", "double precision", "numeric")
COUNTS = frozenset(  # units of what is counted or measured from nothing up
    {"persons", "births", "deaths", "dwellings", "households", "families", "declarations"}
    | {"establishments", "enterprises", "workplaces", "municipalities", "communes", "areas"}
    | {"postal codes", "m²", "km²"}
)
FACTS = (
    "count({0}), count(*) FILTER (WHERE {0}::text IN ('NaN', 'Infinity', '-Infinity')), min({0})"
)


@dataclass(frozen=True)
class _Figure:
    name: str
    rule: ColumnRule
    known: int
    odd: int
    least: object

    @property
    def source(self) -> str:
        """The source it is from, also where its file has no such column; "" where computed."""
        file, dot, _ = self.rule.origin.removeprefix(NOT_IN).partition(".")
        return file if dot or self.rule.origin.startswith(NOT_IN) else ""


def require_figures(cursor: Cursor, layer: str, rules: Mapping[str, ColumnRule]) -> None:
    """Raise CheckFailed when the figures of a layer's rows cannot be what they are said to be.

    That is: a source none of whose figures is known, NaN or infinity, less than none of what is
    counted.
    """
    rows, figures = _read(cursor, layer, rules)
    if not rows:
        return
    _require_known(layer, figures)
    for figure in figures:
        if figure.odd:
            raise CheckFailed(
                f"Every {figure.name} of the layer {layer!r} must be a number or null, and"
                f" {figure.odd:,} of {rows:,} are NaN or infinite: load or compute them as null."
            )
        if figure.rule.unit in COUNTS and figure.known and float(str(figure.least)) < 0:
            raise CheckFailed(
                f"The column {figure.name} of the layer {layer!r} counts {figure.rule.unit} and"
                f" has {figure.least:,}, less than none: declare the marker in `missing`, or, for"
                f" a balance, another unit such as 'balance of {figure.rule.unit}'."
            )


def _read(cursor: Cursor, layer: str, rules: Mapping[str, ColumnRule]) -> tuple[int, list[_Figure]]:
    """Return the number of rows, and of each column of numbers what is known in one pass."""
    names = [
        each.name
        for each in columns(cursor, layer)
        if each.data_type.partition("(")[0] in NUMBERS
        and rules[each.name].kind not in ("key", "same")
    ]
    facts = [sql.SQL(FACTS).format(sql.Identifier(name)) for name in names]
    asked = sql.SQL(", ").join([sql.SQL("count(*)"), *facts])
    cursor.execute(sql.SQL("SELECT {} FROM {}").format(asked, sql.Identifier(layer)))
    rows, *found = cursor.fetchall()[0]
    each = zip(names, found[::3], found[1::3], found[2::3], strict=True)
    return rows, [_Figure(name, rules[name], *facts) for name, *facts in each]


def _require_known(layer: str, figures: list[_Figure]) -> None:
    """Raise CheckFailed when a source gives a layer columns to aggregate, and not one figure.

    Columns that are not (coordinates, medians) may be absent: their publishers leave them out.
    """
    sources: dict[str, list[_Figure]] = defaultdict(list)
    for figure in (each for each in figures if each.rule.kind != "none"):
        sources[figure.source].append(figure)
    for source, given in sources.items():
        if source and not any(figure.known for figure in given):
            raise CheckFailed(
                f"Figures of {source} were expected in the layer {layer!r}, and every one is"
                f" absent ({', '.join(figure.name for figure in given[:10])}): declare what these"
                " columns are called in this file, or look whether its codes are those of the"
                " areas; nothing was published."
            )
