"""Which columns of a layer a map shows, and which of them first."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.core.pages.maps.layers import ShownColumn, ShownLayer

NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
NO_FIGURES = {"code", "name", "degree", "m", "date", "truth", "word", "reason", "years"}
OF_OTHERS = ("_covered", "_missing")  # what an aggregate says of another figure
DENSITY = "persons/km²"


@dataclass(frozen=True)
class Indicator:
    """A column that a map shows; decimals: fixed by its type, None where they are as they come."""

    column: ShownColumn
    decimals: int | None

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.column.name

    @property
    def operands(self) -> tuple[str, ...]:
        """The columns that a ratio is made of."""
        rule = self.column.aggregation
        return tuple(rule.removeprefix("ratio ").split(" / ")) if rule.startswith("ratio") else ()


def indicators(layer: ShownLayer) -> list[Indicator]:
    """Choose the numeric columns that say something of an area, margins of error left out."""
    return [
        Indicator(column, decimals(column.data_type))
        for column in layer.columns
        if column.data_type.startswith(NUMBERS)
        and column.unit not in NO_FIGURES
        and column.name not in layer.key
        and not column.name.endswith(OF_OTHERS)
        and not column.aggregation.startswith("root")
    ]


def decimals(data_type: str) -> int | None:
    """Read from a PostgreSQL type how many decimals its values have."""
    if not data_type.startswith("numeric"):
        return None if data_type in ("real", "double precision") else 0
    scale = data_type.rpartition(",")[2].rstrip(")")
    return int(scale) if scale.isdigit() else None


def default(shown: list[Indicator]) -> str | None:
    """Choose what is shown first: a density, a ratio, the population, else the first of all."""
    tests = (
        lambda column: column.unit == DENSITY,
        lambda column: column.aggregation.startswith("ratio"),
        lambda column: column.name == "population",
        lambda column: True,
    )
    found = (each.name for test in tests for each in shown if test(each.column))
    return next(found, None)
