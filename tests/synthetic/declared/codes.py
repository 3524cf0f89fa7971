"""What declarations tell of codes and names: which columns hold them, of which areas they are, and
how they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.core.model.declarations import Document, Features, Source, Table

Reads = Features | Table | Document

WORDS = (
    "Weiler|Übersee|Sankt Ägid|Straßfeld|Évreux-sur-Mer|L'Étang|Peñas|Ångby|Møn|Coração|Łódka"
    "|Őrség|Ober, Unter; Mitte"
).split("|")


def parts_of(source: Source) -> Mapping[str, Reads]:
    """What is read of a file, by part; a file of one table has one part without a name."""
    reads: Any = source.reads
    return reads if isinstance(reads, Mapping) else {"": reads}


def key_of(reads: Reads) -> tuple[str, ...]:
    """The key columns, which geometries name by a text and tables by several."""
    key = getattr(reads, "key", None) or ()
    return (key,) if isinstance(key, str) else tuple(key)


def spelled(pattern: str, number: int = 0, star: str = "") -> str:
    """The text of a number that matches a shell pattern: its question marks are the digits, a set
    of characters is its first, an asterisk is `star`, or the number where nothing else tells it.
    """
    digits = f"{number:0{pattern.count('?')}}"
    if "?" in pattern and len(digits) > pattern.count("?"):
        raise ValueError(f"The pattern {pattern!r} has no room for {number:,} codes: add a '?'.")
    star = star or ("" if "?" in pattern else f"{number:05}")
    left = iter(digits)
    pieces = re.findall(r"\[[^!\]]+\]|.", pattern)
    return "".join(
        next(left) if piece == "?" else star if piece == "*" else piece[1] if piece[1:] else piece
        for piece in pieces
    )


def levels_of(first: Features | None, reads: Iterable[Reads]) -> dict[str, int]:
    """The columns of codes of areas: the key of the first geometries, their other codes in order,
    and keys of one column elsewhere.
    """
    codes = [*key_of(first)] if first else []
    for name in first.columns if first else ():
        if name.endswith("_code") and name not in codes:
            codes.append(name)
    levels = {name: level for level, name in enumerate(codes)}
    for key in sorted(filter(None, map(key_of, reads)), key=len):
        if len(key) == 1 or not levels.keys() & set(key):
            levels.setdefault(key[0], 0)
    return levels


def patterns_of(reads: Reads) -> dict[str, str]:
    """What the declaration tells of codes: their width where they are in parts, and the rows to
    keep.
    """
    if isinstance(reads, Document):
        return {}
    where = getattr(reads, "where", {})
    found = {
        name: where[heading].removeprefix(column.prefix)
        for name, column in reads.columns.items()
        for heading in column.names
        if heading in where and column.type == "text"
    }
    found = {name: pattern for name, pattern in found.items() if pattern != "*"}
    return found | {
        name: "?" * sum(column.widths) for name, column in reads.columns.items() if column.widths
    }


def words_of(tables: Iterable[Table]) -> tuple[str, ...]:
    """Names that every one of the files can hold, in its encoding and its quotes."""
    kept = WORDS
    for table in tables:
        able = [
            word
            for word in kept
            if word == word.encode(table.encoding, "ignore").decode(table.encoding)
        ]
        kept = able if table.quote else [word for word in able if table.delimiter not in word]
    return tuple(kept)
