"""The change of coordinates from one CRS to another: one operation for all, on every core."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.network import set_network_enabled  # type: ignore[attr-defined]
from pyproj.transformer import TransformerGroup

from tasks.core.making.geometry.coordinates import size_of
from tasks.core.model.errors import ConfigurationError

Points = npt.NDArray[np.float64]
CORES = min(len(os.sched_getaffinity(0)), 4)  # PROJ lets other threads of Python work

# the grid pyproj regrets is not lost from sight: the accuracy reached without it is recorded with
# the step
warnings.filterwarnings(
    "ignore", message="Best transformation is not available", category=UserWarning
)


def change_of_crs(source: int, target: int) -> tuple[Callable[[Points], Points], str]:
    """Return the change of (n, 2) coordinates between EPSG codes, and describe its accuracy.

    One operation for every point, the best that needs no download, so that neighbours never part
    and a rebuild gives the same coordinates. Raises ConfigurationError when no operation better
    than a guess is installed.
    """
    set_network_enabled(False)  # a grid fetched on one machine only would change the result
    places = [box for code in (source, target) if (box := CRS.from_epsg(code).area_of_use)]
    place = min(places, key=size_of, default=None)
    interest = AreaOfInterest(*place.bounds) if place else None
    group = TransformerGroup(
        source,
        target,
        always_xy=True,
        allow_ballpark=False,
        area_of_interest=interest,  # type: ignore[arg-type]
    )
    if not group.transformers:
        raise ConfigurationError(
            f"No change from EPSG:{source} to EPSG:{target} is installed: publish in EPSG:{source}"
            " or install the grid for it."
        )
    best = group.transformers[0]
    # made again from its text: a transformer taken from a group belongs to this thread and crashes
    # in another
    transformer = Transformer.from_pipeline(best.definition)

    def change_some(points: Points) -> Points:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    def change(points: Points) -> Points:
        distinct, places = _distinct(points)
        return np.concatenate([*threads.map(change_some, np.array_split(distinct, CORES))])[places]

    # what is said to PROJ holds for one thread
    threads = ThreadPoolExecutor(CORES, "change of CRS", set_network_enabled, (False,))
    return change, f"{best.description}, accurate to {best.accuracy:g} m"


def _distinct(points: Points) -> tuple[Points, npt.NDArray[np.int32]]:
    """Return the points once each, and the place of each among them: neighbours share most."""
    coordinates = pa.py_buffer(np.ascontiguousarray(points))
    coded = pa.Array.from_buffers(pa.binary(16), len(points), [None, coordinates])
    coded = coded.dictionary_encode()
    distinct = np.frombuffer(coded.dictionary.buffers()[1], np.float64)
    return distinct.reshape(-1, 2)[: len(coded.dictionary)], coded.indices.to_numpy()
