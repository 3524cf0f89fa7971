"""Declared columns that a file does not have: kept to be told, refused when nothing is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.core.making.tables.headings import describe
from tasks.core.model.columns import Column
from tasks.core.model.errors import SourceError

Names = tuple[str, ...]


def absent_columns(
    columns: Mapping[str, Column],
    key: Sequence[str],
    places: Mapping[str, int | None],
    headings: Sequence[str],
    label: str,
) -> dict[str, Names]:
    """Return the names tried for each optional column that is not there.

    Raises SourceError when no column but the key is, or no figure of those declared.
    """
    absent = {name: columns[name].names for name, place in places.items() if place is None}
    others = [name for name in columns if name not in key] or list(columns)
    figures = [name for name in columns if columns[name].type != "text"]
    for what, wanted in (("columns", others), ("figures", figures)):
        if wanted and absent.keys() >= set(wanted):
            tried = ", ".join(repr(name) for each in wanted for name in columns[each].names)
            raise SourceError(
                f"None of the declared {what}, all optional, is in {label} (tried {tried});"
                f" {describe(headings)}: add the names it has now to the declaration."
            )
    return absent
