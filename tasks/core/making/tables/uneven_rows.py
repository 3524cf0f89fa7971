"""Rows that differ from the others by nothing but delimiters at their end, put in their places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa


class UnevenRows:
    """Rows that the reader passed over, until the rows around them have been read.

    place_of: the place of a record, counted from 1, among all rows, counted from 0.
    """

    def __init__(self, place_of: Callable[[int], int]) -> None:
        self._place_of = place_of
        self._held: list[tuple[int, list[str]]] = []

    def hold(self, record: int, cells: list[str]) -> None:
        """Keep a row; records ascend."""
        self._held.append((record, cells))

    def weave(
        self, columns: Sequence[pa.Array], places: Sequence[int], first: int, rows: int
    ) -> list[pa.Array]:
        """Put the rows held into a block of `rows` rows, the first of which is row `first` of all.

        places: those of the columns in the file. A row further on stays held.
        """
        before: list[int] = []  # the rows of the block that stand before each row that was held
        for taken, (record, _) in enumerate(self._held):
            place = self._place_of(record) - first - taken
            if place > rows:
                break
            before.append(place)
        if not before:
            return list(columns)
        found, self._held = self._held[: len(before)], self._held[len(before) :]
        order = np.insert(np.arange(rows), before, rows + np.arange(len(before)))
        woven = []
        for place, column in zip(places, columns, strict=True):
            texts = [(cells[place] if place < len(cells) else "") or None for _, cells in found]
            woven.append(pa.concat_arrays([column, pa.array(texts, pa.string())]).take(order))
        return woven
