"""The figures of a layer, a file for each indicator: typed arrays in the order of the areas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg2 import sql

from tasks.core.pages.maps.classes import classify, histogram
from tasks.core.pages.maps.files import as_json, keep, packed
from tasks.core.pages.maps.indicators import Indicator
from tasks.core.pages.maps.missing import Reasons, reason_columns
from tasks.core.pages.maps.reading import Areas, Reader

Floats = npt.NDArray[np.float64]
NO_VALUE = np.iinfo(np.int32).min  # in whole numbers, where there is none; NaN in others
EXACT = 2**53
MOST_DECIMALS = 9
EXTREMES = 10
AT_ONCE = 24  # columns that are read together


@dataclass(frozen=True)
class Place:
    """What an area is called and where it is: west, south, east, north in degrees."""

    areas: Areas
    bounds: Floats

    def told(self, number: int, value: float) -> list[Any]:
        """Give an area as the lists of extremes have it."""
        code, label = self.areas.codes[number], self.areas.labels[number]
        bounds = self.bounds[number]
        where = None if np.isnan(bounds).any() else bounds.tolist()
        return [int(number), str(code), str(label), value, where]


def read(reader: Reader, shown: list[Indicator]) -> Iterator[tuple[Indicator, Floats]]:
    """Read the figures of all indicators, some columns at a time, with their exact decimals.

    Gives each with its values in the order of the areas, NaN where one is missing.
    """
    open_scale = [
        each.name
        for each in shown
        if each.decimals is None and each.column.data_type.startswith("numeric")
    ]
    found = reader.decimals(open_scale)
    for begin in range(0, len(shown), AT_ONCE):
        part = shown[begin : begin + AT_ONCE]
        names = [each.name for each in part]
        written = sql.SQL("{}::float8")
        table = reader.figures({name: written.format(sql.Identifier(name)) for name in names})
        for each in part:
            exact = Indicator(each.column, found.get(each.name, each.decimals))
            yield exact, table[each.name].to_numpy().astype(np.float64)


def read_reasons(reader: Reader) -> Reasons:
    """Read why figures are missing."""
    named = {name: sql.Identifier(name) for name in reason_columns(reader.layer)}
    return Reasons(reader.layer, reader.figures(named) if named else pa.table({}))


def keep_values(
    values: Floats, indicator: Indicator, reasons: Reasons, place: Place, folder: Path
) -> dict[str, Any]:
    """Write the file of an indicator; return its details.

    Details: name, type (int32 or float64, little-endian), decimals (None: as JavaScript writes
    them), file, missing ([reason, areas], the file's second part is the reason's place in it, one
    byte an area), classes, histogram, and the least and the most, each [number, code, name, value,
    bounds].
    """
    missing = np.isnan(values)
    texts, coded = reasons.of(indicator, missing)
    kind, places, content = _typed(values, indicator.decimals)
    if missing.any():
        content += coded.astype(np.uint8).tobytes()
    counts = np.bincount(coded[missing], minlength=len(texts))
    there = values[~missing]
    return {
        "name": indicator.name,
        "type": kind,
        "decimals": places,
        "file": keep(folder, indicator.name, "bin.gz", packed(content)),
        "missing": [[text, int(count)] for text, count in zip(texts, counts, strict=True)],
        "count": len(there),
        "lowest": float(there.min()) if len(there) else None,
        "median": float(np.median(there)) if len(there) else None,
        "classes": classify(there).as_json(),
        "histogram": histogram(there),
        **_extremes(values, place),
    }


def _typed(values: Floats, decimals: int | None) -> tuple[str, int | None, bytes]:
    """Write values as whole numbers of 32 bits with so many decimals where they fit."""
    if decimals is not None and decimals <= MOST_DECIMALS:
        scaled = np.rint(values * 10**decimals)
        there = np.isfinite(scaled)
        most = np.abs(scaled[there]).max(initial=0)
        if most < -float(NO_VALUE):
            whole = np.full(len(values), NO_VALUE, "<i4")
            whole[there] = scaled[there].astype(np.int32)
            return "int32", decimals, whole.tobytes()
        if most < EXACT:
            return "float64", decimals, values.astype("<f8").tobytes()
    return "float64", None, values.astype("<f8").tobytes()


def _extremes(values: Floats, place: Place) -> dict[str, Any]:
    """Find the ten least and the ten most; zeros are passed over where they would be all of it."""
    there = np.flatnonzero(~np.isnan(values))
    zeros = int((values[there] == 0).sum())
    rising = there[np.argsort(values[there], kind="stable")]
    falling = there[np.argsort(-values[there], kind="stable")]
    passed = zeros >= EXTREMES and len(rising) and values[rising[0]] == 0
    if passed:
        rising = rising[values[rising] != 0]
    return {
        "least": [place.told(each, float(values[each])) for each in rising[:EXTREMES]],
        "most": [place.told(each, float(values[each])) for each in falling[:EXTREMES]],
        "without_zeros": zeros if passed else 0,
    }


def keep_details(details: dict[str, Any], folder: Path) -> str:
    """Write the details of an indicator beside its values; return the file's name."""
    return keep(folder, details["name"], "json", as_json(details))
