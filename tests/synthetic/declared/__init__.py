"""Small synthetic files of any country, made from its declarations alone, with the mirror.json that
lets its flow read them in place of the publishers.

    write(folder, {"shapes": CANTONS, "residents": RESIDENTS}, codes={"canton_code": "0?-??"})

Files are in exactly the declared container, format, encoding, dialect and CRS. Codes agree between
the sources of a country wherever their columns have one name, so that joins match; the codes of the
first geometries (`…_code`, in their order) are those of ever larger areas, four in each. A country
writes by hand only what is peculiar to it. The same arguments give the same bytes, but for
SpatiaLite, which keeps the hour.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthetic.declared.files import Change, Country, Entry, shares, write_original
from synthetic.declared.world import Pattern, world_of

from tasks.core.model.declarations import Source

Sources = Mapping[str, Source | Mapping[Any, Source]]


def write(
    folder: Path,
    sources: Sources,
    *,
    areas: int = 16,
    seed: int = 1,
    codes: Mapping[str, Pattern] | None = None,
    values: Mapping[str, Any] | None = None,
    changes: Mapping[str, Change] | None = None,
    label: str = "synthetic",
) -> dict[str, Entry]:
    """Every file of the sources and mirror.json in a folder; returns the mirror's entries.

    sources: as `backup` takes them; a mapping of sources shares the areas out among them. areas: a
    power of four makes whole squares. codes: shell patterns such as "0?-??" by the names of columns
    ("?" is a digit), or functions of the number of an area. values: what other columns may hold.
    changes: functions that take and return the rows of a source, by its keyword; in a figure's
    place, a text is a marker, and `geom` is the shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups = {
        name: each if isinstance(each, Mapping) else {"": each} for name, each in sources.items()
    }
    every = [source for group in groups.values() for source in group.values()]
    world = world_of(every, areas, codes or {})
    country = Country(world, seed, values or {}, changes or {})
    entries = {}
    for keyword, group in groups.items():
        for source, share in zip(group.values(), shares(range(areas), len(group)), strict=True):
            entries[f"{source.slug}-{source.vintage}"] = write_original(
                folder, country, keyword, source, share
            )
    mirror = {"label": label, "about": "Made up from declarations.", "sources": entries}
    (folder / "mirror.json").write_text(json.dumps(mirror, indent=2) + "\n", encoding="utf-8")
    return entries
