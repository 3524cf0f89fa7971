"""Names: the keywords of a flow, each the name of the staging table of a source."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.core.model.declarations import Source
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Inputs, joined

TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


Sources = Mapping[str, Mapping[str, Source]]  # by keyword and part


def sources_by_name(
    sources: Mapping[str, Source | Mapping[str, Source]],
) -> dict[str, dict[str, Source]]:
    """Give sources by keyword and part, the part "" where a keyword stands for one source.

    Raises ConfigurationError for a name that no table can have, a table named twice and a source
    given twice.
    """
    found = {
        keyword: dict(each) if isinstance(each, Mapping) else {"": each}
        for keyword, each in sources.items()
    }
    tables: dict[str, str] = {}
    names: dict[tuple[str, int], str] = {}
    for keyword, parts in found.items():
        _require_known(keyword, parts)
        for part, source in parts.items():
            name = joined(keyword, part)
            _require_new_source(source, name, names)
            for table in (joined(name, each) for each in source.parts):
                _require_new_table(table, source, tables)
    return found


def _require_known(keyword: str, parts: Mapping[str, Source]) -> None:
    if not parts:
        raise ConfigurationError(
            f"The keyword {keyword!r} of a backup was expected to give a source, or a mapping of"
            " sources, and its mapping is empty: give a source, or leave the keyword out."
        )
    if hasattr(Inputs, keyword) or keyword == "by_keyword":
        raise ConfigurationError(
            f"The keyword {keyword!r} of a backup is a word of the inputs themselves: take another"
            " name."
        )


def _require_new_source(source: Source, name: str, names: dict[tuple[str, int], str]) -> None:
    identity = (source.slug, source.vintage)
    before = names.get(identity)
    names[identity] = name
    if before is not None:
        raise ConfigurationError(
            f"The source {source.slug} {source.vintage} is given to one backup twice, as {before!r}"
            f" and as {name!r}: give it once, and declare how each of its tables is read."
        )


def _require_new_table(table: str, source: Source, tables: dict[str, str]) -> None:
    if not TABLE.fullmatch(table):
        raise ConfigurationError(
            f"The name {table!r} for {source.slug} was expected to be that of a table, of at most"
            " 63 small letters, digits and underscores, beginning with a letter: take another"
            " keyword or part."
        )
    before, described = tables.get(table), f"{source.slug} {source.vintage}"
    tables[table] = described
    if before is not None:
        raise ConfigurationError(
            f"The table {table!r} is named twice in one backup, for {before} and for"
            f" {described}: take another keyword or part for one of them."
        )
