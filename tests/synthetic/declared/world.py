"""A made-up country: areas on a grid of squares, their codes and names, and the larger areas that
they lie in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from pyproj import CRS, Transformer

from tasks.core.model.declarations import Document, Features, Source, Table

Reads = Features | Table | Document
Pattern = str | Callable[[int], str]

WORDS = (
    "Weiler|Übersee|Sankt Ägid|Straßfeld|Évreux-sur-Mer|L'Étang|Peñas|Ångby|Møn|Coração|Łódka"
    "|Őrség|Ober, Unter; Mitte"
).split("|")
ANY_CODE = "0????"
INSIDE = 4  # areas in the next larger one, always side by side


@dataclass(frozen=True)
class World:
    """Areas counted from 0, in the order of a Z over the grid, so that any four make a square.

    levels: by the columns that hold their codes, 0 for the areas and 1, 2, … for the larger ones.
    codes: the pattern of the codes of a column, see `spelled`. words: what names begin with. crs,
    origin, cell: the EPSG code of the grid, its lower left corner and the width of a square.
    """

    areas: int
    levels: Mapping[str, int]
    codes: Mapping[str, Pattern]
    words: tuple[str, ...]
    crs: int
    origin: tuple[float, float]
    cell: float

    def code(self, column: str, area: int) -> str:
        """The code of the area, or of the larger one it lies in, that a column holds."""
        number = self._within(column, area) + 1
        pattern = self.codes.get(column, ANY_CODE)
        return pattern(number) if callable(pattern) else spelled(pattern, number)

    def name(self, column: str, area: int) -> str:
        """The same for a column of names: duchy_name belongs to duchy_code."""
        stems = {code.removesuffix("code"): code for code in self.levels if code.endswith("_code")}
        code = next((stems[stem] for stem in stems if column.startswith(stem)), column)
        number = self._within(code, area)
        return f"{self.words[number % len(self.words)]} {number + 1}"

    def is_code(self, column: str) -> bool:
        """Whether a column of text holds codes rather than names."""
        return column in self.codes or column in self.levels or column.endswith("code")

    def shape(self, area: int, crs: int, territory: bool = False) -> shapely.Polygon:
        """The square of an area in a CRS; a territory has the same grid where its own CRS is in
        use.
        """
        origin = _centre(crs, None, _cell(crs)) if territory else self.origin
        cell = _cell(crs) if territory else self.cell
        column, row = (
            sum((area >> 2 * bit + odd & 1) << bit for bit in range(16)) for odd in (0, 1)
        )
        x, y = origin[0] + column * cell, origin[1] + row * cell
        square = shapely.box(x, y, x + cell, y + cell)
        if territory or crs == self.crs:
            return square
        return shapely.transform(square, _change(self.crs, crs).transform, interleaved=False)

    def _within(self, column: str, area: int) -> int:
        return area // INSIDE ** self.levels.get(column, 0)


def world_of(sources: Iterable[Source], areas: int, codes: Mapping[str, Pattern]) -> World:
    """The country that these sources describe: the first geometries say where it is, and which
    codes of larger areas come after that of its own areas.
    """
    reads = [each for source in sources for each in parts_of(source).values()]
    first = next((each for each in reads if isinstance(each, Features)), None)
    crs, bounds = (first.crs, first.bounds) if first else (4326, None)
    cell, side = _cell(crs), 1
    while side * side < areas:
        side *= 2
    while bounds and side * cell > 0.4 * min(bounds[2] - bounds[0], bounds[3] - bounds[1]):
        cell /= 2
    declared = {name: pattern for each in reads for name, pattern in _patterns(each).items()}
    return World(
        areas=areas,
        levels=_levels(first, reads),
        codes=declared | dict(codes),
        words=_words([each for each in reads if isinstance(each, Table)]),
        crs=crs,
        origin=_centre(crs, bounds, cell),
        cell=cell,
    )


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


def _levels(first: Features | None, reads: Iterable[Reads]) -> dict[str, int]:
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


def _patterns(reads: Reads) -> dict[str, str]:
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


def _words(tables: Iterable[Table]) -> tuple[str, ...]:
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


def _change(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _cell(crs: int) -> float:
    return 1 / 64 if CRS.from_epsg(crs).is_geographic else 1000.0


def _centre(
    crs: int, bounds: tuple[float, float, float, float] | None, cell: float
) -> tuple[float, float]:
    """The middle of where a CRS is in use, or of the bounds where that lies outside."""
    place = CRS.from_epsg(crs).area_of_use
    middle = (0.0, 0.0)
    if place:
        west = place.west - 360 if place.west > place.east else place.west
        middle = _change(4326, crs).transform(
            (west + place.east) / 2, (place.south + place.north) / 2
        )
    if bounds and not shapely.box(*bounds).contains(shapely.Point(middle)):
        middle = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    return round(middle[0] / cell) * cell, round(middle[1] / cell) * cell
