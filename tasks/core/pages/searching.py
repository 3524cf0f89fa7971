"""What the search box asks: datasets and columns in one file, codes and names of areas in shards
that hold those whose first letters are alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from psycopg2 import sql

from tasks.core.pages.maps.files import as_json, keep, packed
from tasks.core.pages.maps.layers import ShownLayer
from tasks.core.postgres.database import Database

LETTERS = 2  # of a word that choose its shard
SHARD = 2_000  # rows of a file, at least
COMMON = 0.1  # share of the rows in which a word says nothing ("Block Group")
WORDS = re.compile(r"[^\w]+|_")
Names = tuple[str, ...]


def plain(text: str) -> str:
    """Return a text as it is searched: small letters without accents, words apart by a blank."""
    letters = unicodedata.normalize("NFD", text)
    bare = "".join(each for each in letters if not unicodedata.combining(each))
    return WORDS.sub(" ", bare.lower()).strip()


def write_areas(database: Database, layer: ShownLayer, folder: Path) -> dict[str, str]:
    """Write codes and names of the areas of a layer in shards; return their names by first letters.

    A row stands under the beginning of its code and of each word of its names.
    """
    rows = list(_rows(database, layer))
    common = _common(rows)
    shards: dict[str, list[Names]] = {}
    for row in rows:
        for key in {word[:LETTERS] for word in _words(row) if word not in common}:
            shards.setdefault(key, []).append(row)
    files: dict[str, str] = {}
    for keys in _bins(shards):
        held = sorted({row for key in keys for row in shards[key]})
        files |= dict.fromkeys(keys, keep(folder, "areas", "json.gz", packed(as_json(held))))
    return files


def _rows(database: Database, layer: ShownLayer) -> Iterator[Names]:
    columns = map(sql.Identifier, layer.name_columns)
    names = sql.SQL("").join(sql.SQL(", {}").format(column) for column in columns)
    query = sql.SQL("SELECT {}{} FROM {}").format(layer.code, names, layer.relation)
    with database.session() as cursor:
        cursor.execute(query)
        for code, *said in cursor:
            yield (code, *dict.fromkeys(name for name in said if name))


def _words(row: Names) -> set[str]:
    return {plain(row[0]), *(word for name in row[1:] for word in plain(name).split())}


def _common(rows: Sequence[Names]) -> set[str]:
    counts = Counter(word for row in rows for word in _words(row))
    most = max(COMMON * len(rows), SHARD)
    return {word for word, count in counts.items() if count > most}


def _bins(shards: Mapping[str, Sequence[Names]]) -> Iterator[list[str]]:
    """Put shards together, in the order of their letters, until a file has enough rows."""
    keys: list[str] = []
    for key in sorted(shards):
        keys.append(key)
        if sum(len(shards[each]) for each in keys) >= SHARD:
            yield keys
            keys = []
    if keys:
        yield keys


def index(datasets: Iterable[Mapping[str, Any]], layers: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the file that the search box reads first.

    datasets: slug, title, place and layers with their columns, as on the pages. layers: name,
    place, folder and the shards of write_areas().
    """
    found = list(datasets)
    columns = [
        {
            "layer": f"{each['slug']}.{layer['layer']}",
            "name": column["name"],
            "description": column["description"],
            "place": each["place"],
            "hash": f"#column-{layer['layer']}-{quote(column['name'])}",
        }
        for each in found
        for layer in each["layers"]
        for column in layer["columns"]
    ]
    named = [{name: each[name] for name in ("slug", "title", "place")} for each in found]
    shards = [{**layer, "keys": sorted(layer["names"], key=len, reverse=True)} for layer in layers]
    return as_json({"datasets": named, "columns": columns, "layers": shards})
