"""Larger areas made of smaller ones: figures added by their columns' rules, areas dissolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.core.model.handles import Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import recording

if TYPE_CHECKING:
    from tasks.core.making.joining.aggregation import Aggregation


@verb("aggregate {table} by {by}", DATABASE)
def aggregate(
    staging: Staging,
    table: str,
    by: str,
    into: str,
    carry: Sequence[str] = (),
    adding: str | None = None,
    about: str | None = None,
) -> Staging:
    """Make one row for each parent area, its figures added up and its area dissolved.

    The rule in each column's comment decides (see `tasks.core.catalog.column_rules`): sums are
    added, ratios and weighted means are computed anew, what cannot be aggregated (a median) is
    dropped. A ratio A / B counts B where A is known only, and the other way round, and a mean its
    weight W; the column <ratio>_covered or <mean>_covered says what share of B or W that is, also
    to a further aggregation. Means that are no floats are rounded at each level: exact ones come
    from the first areas. A sum counts the figures that are known and is null when none is; where
    the source has a column <figure>_reason, <figure>_missing counts the areas without one. The new
    table has `by` as its key, the carried columns (shell patterns such as "municipality_*", one
    value for each group), the figures, and `geom`, a valid MultiPolygon in the CRS of the source;
    its columns have rules too, so that it can be aggregated further. Rows whose `by` is null are
    left out and counted. adding: a table with a row for some values of `by` whose figures are added
    to the sums of the same name and whose other columns follow, 0 where it has no row. about: the
    description of the new table.

    Returns the staging. Raises CheckFailed when a comment has no rule, a carried column is not
    constant or not allowed, or an added row has no group.
    """
    from tasks.core.making.joining import aggregation

    with recording(staging, "aggregate", into) as step:
        done = aggregation.aggregate(
            site().database, staging.schema, table, by, into, carry, adding, about
        )
        step.done(_made(done, table, by, into), rows=done.made, **_figures(done, table))
    return staging


def _figures(done: Aggregation, table: str) -> dict[str, Any]:
    """Return what the step keeps beside its rows, by name."""
    return {
        "of": table,
        "without_parent": done.without_parent,
        "overlaid": done.dissolution.overlaid,
        "slivers_closed": done.dissolution.slivers_closed,
    }


def _made(done: Aggregation, table: str, by: str, into: str) -> str:
    """Say how many areas became how many, and which did not simply."""
    left, overlaid = done.without_parent, done.dissolution.overlaid
    sentence = f"Aggregated {done.rows - left:,} {table} into {done.made:,} {into}"
    sentence += f", without {left:,} that have no {by}" if left else ""
    if overlaid:
        sentence += f"; {overlaid:,} areas whose edges do not match were overlaid"
    return sentence
