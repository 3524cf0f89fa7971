"""Mirrors: a folder or base URL that stands in for the publishers, described by its mirror.json.

    {"label": "synthetic-belgium", "about": "one sentence",
     "hosts": {"https://office.example": "office"},    beside it: files at the publishers' own paths
     "sources": {"<source slug>-<vintage>": {
        "path": "relative/file.zip",           beside mirror.json
        "container": "zip", "member": "*.csv", only where they differ from the declaration
        "rows": 3000,                          or [low, high]
        "totals": {"residents": 123.0},        or {"expected": 123.0, "tolerance": 0.01}
        "distinct": {"municipality_code": 12}, different values of a column
        "counts": {"type": {"H": 90}},         rows with a value of a column
        "codes_of": "2021-01-01",              the day of the file's area codes, where not declared
        "reads": {"delimiter": ";",
                  "columns": {"sector_code": {"names": ["statsec"]}, "income": null}}}}}

One of hosts and sources is enough. A source without an entry is asked for at its own addresses,
and those that its publisher's listing gives, below the folders of their hosts; its form is as
declared. Without rows, totals, distinct or counts no such number is expected. `reads` replaces
fields of the declared Features or Table by name; where a file gives several tables, of each by its
name. Within `columns` only the columns named change; null drops one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from tasks.core.model.addresses import local_path
from tasks.core.model.columns import Column
from tasks.core.model.declarations import (
    Container,
    Document,
    Features,
    Reading,
    Rows,
    Source,
    Table,
    Total,
)
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.upstream.stand_ins import NAME, Entry, StandIn, joined, read

ENTRY = ("path", "container", "member", "rows", "totals", "distinct", "counts", "codes_of", "reads")
COLUMN = tuple(field.name for field in fields(Column))


def apply(source: Source, mirror: StandIn | str) -> Source:
    """Give the source as the mirror has it: its address, its label and its numbers only.

    Raises SourceError when the mirror lacks the source, ConfigurationError when its entry is
    malformed.
    """
    mirror = read(mirror) if isinstance(mirror, str) else mirror
    name = f"{source.slug}-{source.vintage}"
    if name not in mirror.sources and (found := tuple(filter(None, map(mirror.at, source.urls)))):
        return _stood_in(source, mirror, found)
    if name not in mirror.sources and mirror.hosts and not source.urls:
        return source  # no address of a publisher that the mirror could stand in for
    if name not in mirror.sources:
        known = ", ".join(sorted(mirror.sources)) or "nothing"
        raise SourceError(
            f"No file for {name} was found in {mirror}: it has {known}. Add {name} to its {NAME},"
            " or ask for a vintage it has."
        )
    _require_known(mirror, name, mirror.sources[name], ENTRY)
    try:
        return _applied(source, mirror, name, mirror.sources[name])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The entry {name} of {mirror} is malformed: {_first_line(error)}. Correct its {NAME}."
        ) from None


def _applied(source: Source, mirror: StandIn, name: str, entry: Entry) -> Source:
    given = {field: entry.get(field) or {} for field in ("totals", "distinct", "counts", "reads")}
    counts = {
        column: {kind: _span(rows) for kind, rows in kinds.items()}
        for column, kinds in given["counts"].items()
    }
    codes_of = date.fromisoformat(entry["codes_of"]) if "codes_of" in entry else source.codes_of
    return replace(
        _stood_in(source, mirror, (_address(mirror, entry["path"]),)),
        container=_container(entry.get("container", source.container)),
        member=entry.get("member", source.member),
        rows=None if entry.get("rows") is None else _span(entry["rows"]),
        totals=_totals(mirror, given["totals"]),
        counts=counts,
        distinct={column: int(count) for column, count in given["distinct"].items()},
        reads=_reads(mirror, name, source, given["reads"]),
        codes_of=codes_of,
        current=False,  # it is the file of the vintage that it is named after
    )


def _stood_in(source: Source, mirror: StandIn, urls: tuple[str, ...]) -> Source:
    """Give the source at addresses of the mirror, of which no number is expected."""
    return replace(
        source,
        urls=urls,
        rows=None,
        totals={},
        counts={},
        distinct={},
        minimum_bytes=1,
        pages=None,
        listing=None,
        mirror=mirror.label,
    )


def _address(mirror: StandIn, path: str) -> str:
    folder = local_path(mirror.location)
    if folder is not None:
        return str((folder / path).absolute())
    if "://" in path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError(
            f"path {path!r} leads out of the mirror; a path beside {NAME} was expected"
        )
    return joined(mirror.location, path)


def _container(name: str) -> Container:
    if name not in get_args(Container):
        raise ValueError(f"container {name!r} is not one of {', '.join(get_args(Container))}")
    return name  # type: ignore[return-value]


def _span(value: int | list[int]) -> Rows:
    low, high = (value, value) if isinstance(value, int) else value
    return Rows(low=int(low), high=int(high))


def _totals(mirror: StandIn, values: Mapping[str, Any]) -> dict[str, Total]:
    given = {
        column: value if isinstance(value, dict) else {"expected": value}
        for column, value in values.items()
    }
    return {
        column: Total(
            expected=float(value["expected"]),
            tolerance=float(value.get("tolerance", 0.0)),
            stated_by=f"the mirror {mirror.label}",
        )
        for column, value in given.items()
    }


def _reads(mirror: StandIn, name: str, source: Source, changes: Entry) -> Any:
    declared = source.reads
    if not isinstance(declared, Mapping):
        return _reading(mirror, name, declared, changes)
    _require_known(mirror, name, changes, tuple(declared))
    return {
        part: _reading(mirror, f"{name}, {part}", reads, changes.get(part, {}))
        for part, reads in declared.items()
    }


def _reading(mirror: StandIn, name: str, declared: Reading, changes: Entry) -> Reading:
    _require_known(mirror, name, changes, tuple(field.name for field in fields(declared)))
    if isinstance(declared, Document):
        return replace(declared, **changes)
    kind: TypeAdapter[Any] = TypeAdapter(type(declared))
    plain = kind.dump_python(declared)
    columns = dict(plain["columns"])
    for column, change in changes.get("columns", {}).items():
        if change is None:
            columns.pop(column, None)
        else:
            _require_known(mirror, f"{name}, column {column}", change, COLUMN)
            columns[column] = {**columns.get(column, {}), **change}
    reads: Features | Table = kind.validate_python({**plain, **changes, "columns": columns})
    return reads


def _require_known(mirror: StandIn, name: str, found: Entry, known: tuple[str, ...]) -> None:
    if unknown := sorted(set(found) - set(known)):
        raise ConfigurationError(
            f"The entry {name} of {mirror} has the unknown field {unknown[0]!r}: use"
            f" {', '.join(known)}."
        )


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
