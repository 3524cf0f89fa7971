"""What the areas of a map are called and where they are, in files of a few thousand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.core.pages.maps.files import as_json, keep, packed
from tasks.core.pages.maps.ground import Floats
from tasks.core.pages.maps.reading import Areas

AT_ONCE = 4096
PARTS_OF_DEGREE = 10_000  # 11 m


def keep_names(areas: Areas, bounds: Floats, folder: Path) -> list[str]:
    """Write codes, names and bounds by number; bounds: (n, 4) in degrees, NaN where none.

    Returns the names of the files, each with 4,096 areas: codes, labels, and bounds as west, south,
    east, north in 1/10,000 degree, one after another, zeros where an area has no geometry.
    """
    whole = np.rint(np.nan_to_num(bounds) * PARTS_OF_DEGREE).astype(int)
    files = []
    for begin in range(0, len(areas.codes), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        content = {
            "codes": areas.codes[part].tolist(),
            "labels": areas.labels[part].tolist(),
            "bounds": whole[part].ravel().tolist(),
        }
        files.append(keep(folder, "names", "json.gz", packed(as_json(content))))
    return files
