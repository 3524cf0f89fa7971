"""Why values are missing, as the columns of reasons of a layer tell it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.core.pages.maps.indicators import Indicator
from tasks.core.pages.maps.layers import ShownLayer

Numbers = npt.NDArray[np.int64]
MOST = 250  # different reasons of a column: more are counted as one
OTHERS = "another reason"
PAIR = re.compile(r"(?P<column>[a-z_][a-z0-9_]*): (?P<reason>.*?)(?=; [a-z_][a-z0-9_]*: |$)")


def reason_columns(layer: ShownLayer) -> list[str]:
    """Name the columns that say why figures are missing."""
    return [column.name for column in layer.columns if column.unit == "reason"]


class Reasons:
    """The reasons of all rows: of a column by its own name, of several as "income: absent; …"."""

    def __init__(self, layer: ShownLayer, table: pa.Table) -> None:
        self.names = {column.name for column in layer.columns}
        self.about = {column.name: column.description for column in layer.columns}
        self.texts: dict[str, tuple[list[str], Numbers]] = {}
        for name in reason_columns(layer):
            coded = table[name].combine_chunks().dictionary_encode()
            places = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            self.texts[name] = (coded.dictionary.to_pylist(), places.astype(np.int64))

    def of(self, indicator: Indicator, missing: npt.NDArray[np.bool_]) -> tuple[list[str], Numbers]:
        """Tell the reasons of a figure: the different ones, the commonest first, and which a row
        has; "" where the tables give none. Rows that are not missing have 0.
        """
        rows = np.flatnonzero(missing)
        said: npt.NDArray[Any] = np.full(len(rows), "", dtype=object)
        for told in self._told(indicator):
            open_rows = said == ""
            if not open_rows.any():
                break
            texts, places = told
            known = np.array([*texts, ""], dtype=object)  # the last, at -1, is of no text
            said[open_rows] = known[places[rows[open_rows]]]
        return self._coded(said, rows, len(missing))

    def _told(self, indicator: Indicator) -> list[tuple[list[str], Numbers]]:
        """Give what each column says of a figure, its own first, what is of others last."""
        asked = (indicator.name, *indicator.operands)
        own = [self.texts[f"{name}_reason"] for name in asked if f"{name}_reason" in self.texts]
        pairs, rest = [], []
        for column, (texts, places) in self.texts.items():
            found = [dict(PAIR.findall(text)) for text in texts]
            pairs += [([each.get(name, "") for each in found], places) for name in asked]
            subject = column.removesuffix("_reason")
            is_of_it_only = f"Why {subject} is empty" in self.about[column]
            if not is_of_it_only and not any(self.names & set(each) for each in found):
                rest.append((texts, places))
        return [*own, *pairs, *rest]

    @staticmethod
    def _coded(said: npt.NDArray[Any], rows: Numbers, count: int) -> tuple[list[str], Numbers]:
        texts, places, counts = np.unique(said.astype(str), return_inverse=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        kept = [str(text) for text in texts[order][:MOST]]
        coded = np.zeros(count, np.int64)
        coded[rows] = np.minimum(rank[places], MOST)
        return kept + [OTHERS] * (len(order) > MOST), coded
