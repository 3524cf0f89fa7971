"""Threads: work on geometries shared out over the cores, since GEOS lets other threads run."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item")
Result = TypeVar("Result")
CORES = len(os.sched_getaffinity(0))
LOT = 200  # geometries a thread takes at a time


def shared_out(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return the results of work on each item, in their order; the first error is raised."""
    with ThreadPoolExecutor(CORES, "geometries") as threads:
        return list(threads.map(work, items))


def by_lots(function: Callable[..., Any], *arrays: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Apply a function that takes arrays of one length element by element, a lot at a time."""
    starts = range(0, max(1, len(arrays[0])), LOT)
    return np.concatenate(
        shared_out(lambda start: function(*(each[start : start + LOT] for each in arrays)), starts)
    )


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the results of work on a stream's items, in their order, no more ahead than cores."""
    with ThreadPoolExecutor(CORES, "geometries") as threads:
        begun = deque[Future[Result]]()
        for item in items:
            begun.append(threads.submit(work, item))
            if len(begun) > CORES:
                yield begun.popleft().result()
        yield from (each.result() for each in begun)
