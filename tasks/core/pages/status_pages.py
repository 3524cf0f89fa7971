"""The page that says how all datasets stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tasks.core.model.revision import code_revision
from tasks.core.pages import gathering, graphs, twins
from tasks.core.pages.builds import Build
from tasks.core.pages.gathering import STANDINGS, Row


def write_status(
    build: Build, next_runs: Mapping[str, datetime], common: Mapping[str, Any], base: str
) -> int:
    """Write the page that says how all datasets stand, and the catalog for machines."""
    rows = gathering.status(build.database, next_runs)
    for name, content in twins.of_catalog(build.database, base).items():
        build.add(name, content)
    values = {
        "rows": rows,
        "standings": STANDINGS,
        "tally": {word: sum(row["standing"] == word for row in rows) for word in STANDINGS},
        "graph": _graph(build, rows),
        "built": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": code_revision(),
    }
    return build.write("status.html", "", values | dict(common))


def _graph(build: Build, rows: Sequence[Row]) -> str:
    """Draw publishers, the datasets from their files, and those that stand on others."""
    publishers, foundations = gathering.origins(build.database)
    nodes = {
        row["from"]: graphs.Node(row["from"], "publisher", says=row["name"]) for row in publishers
    }
    for row in rows:
        kind, link = row["standing"].replace(" ", "-"), f"{row['slug']}/" if row["number"] else ""
        nodes[row["slug"]] = graphs.Node(
            row["slug"], kind, link, f"{row['title']}: {row['standing']}"
        )
    arrows = [(row["from"], row["dataset"]) for row in (*publishers, *foundations)]
    return graphs.draw([*nodes.values()], arrows, "Publishers and datasets")
