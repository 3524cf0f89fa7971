"""Data frames, which no run of ours has: pandas and geopandas are not loaded for nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = ("pandas", "geopandas")


class _Hidden:
    """Finder of modules that gives no data frames."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Find none of the libraries; leave other names to the finders behind this one."""
        if name in LIBRARIES:
            raise ModuleNotFoundError(
                f"A run hides {name} from libraries that only ask whether it is there: who uses it"
                " in a verb imports it at the top of a module.",
                name=name,
            )


@contextmanager
def without_frames() -> Iterator[None]:
    """Let libraries find no data frames meanwhile, unless these are loaded already.

    pyarrow loads pandas with its first array, and pyogrio both libraries, only to know whether
    they are there; that takes a second, and no verb gives them a frame.
    """
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        yield
    finally:
        sys.meta_path.remove(hidden)
