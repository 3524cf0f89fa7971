"""A made-up country: areas with their codes, names and shapes, and the larger areas that they lie
in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from synthetic.declared.codes import levels_of, parts_of, patterns_of, spelled, words_of
from synthetic.declared.ground import Ground, ground_of

from tasks.core.model.declarations import Features, Source, Table

Pattern = str | Callable[[int], str]
ANY_CODE = "0????"
INSIDE = 4  # areas in the next larger one, always side by side


@dataclass(frozen=True)
class World:
    """Areas counted from 0.

    levels: by the columns that hold their codes, 0 for the areas and 1, 2, … for the larger ones.
    codes: the pattern of the codes of a column, see `spelled`. words: what names begin with.
    """

    ground: Ground
    levels: Mapping[str, int]
    codes: Mapping[str, Pattern]
    words: tuple[str, ...]

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

    def _within(self, column: str, area: int) -> int:
        return area // INSIDE ** self.levels.get(column, 0)


def world_of(sources: Iterable[Source], areas: int, codes: Mapping[str, Pattern]) -> World:
    """The country that these sources describe: the first geometries say where it is, and which
    codes of larger areas come after that of its own areas.
    """
    reads = [each for source in sources for each in parts_of(source).values()]
    first = next((each for each in reads if isinstance(each, Features)), None)
    declared = {name: pattern for each in reads for name, pattern in patterns_of(each).items()}
    return World(
        ground=ground_of(first, areas),
        levels=levels_of(first, reads),
        codes=declared | dict(codes),
        words=words_of([each for each in reads if isinstance(each, Table)]),
    )
