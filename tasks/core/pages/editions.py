"""What the page of an edition shows, put in order from its rows of the catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.core.pages import charts, graphs
from tasks.core.pages.gathering import Row

# what a description says of the edition, which the page says already
AROUND = re.compile(r"^NOT OFFICIAL DATA \(.*?\)\. | Edition \d+ of [\w-]+ \d+(, \w+ \d+)?\.$")
DEFECTS = ("invalid", "bad_edges", "overlaps", "gaps")
MOST = 60  # differences on the page; edition.json has all
MANY = 5  # parts of a table, from which on they are one row
# of editions over time: a column of the history and the filter by which its last value is read
MEASURES = {
    "Duration": ("seconds", "seconds"),
    "Rows": ("row_count", "number"),
    "Size": ("size_bytes", "size"),
    "Coverage": ("coverage", "share"),
}


def edition_values(document: Row) -> dict[str, Any]:
    """Return the values of the template of an edition's page, by gathering.edition()."""
    slug, number = document["edition"]["dataset"], document["edition"]["number"]
    vintage = document["edition"]["vintage"]
    layers = [_layer(each, document) for each in document["layers"]]
    history: Sequence[Row] = document["history"]
    nodes, arrows = graphs.of_steps(document["steps"], [each["layer"] for each in layers])
    dependencies, steps = document["dependencies"], _condensed(document["steps"])
    return {
        "document": document,
        "edition": document["edition"],
        "dataset": document["dataset"],
        "layers": sorted(layers, key=lambda each: each["row_count"]),
        "publishers": _by_publisher(document["inputs"]),
        "stands_on": [
            each for each in dependencies if (each["dataset"], each["number"]) == (slug, number)
        ],
        "carries": [each for each in dependencies if each["on_dataset"] == slug != each["dataset"]],
        "steps": [step | {"parts": step.get("parts", 1)} for step in steps],
        "longest": max((each["seconds"] for each in steps), default=0) or 1,
        "graph": graphs.draw(nodes, arrows, "From files to layers"),
        "checks": sorted(
            document["checks"], key=lambda each: (each["passed"], not each["required"])
        ),
        "joins": document["joins"],
        "topology": [each for each in document["topology"] if _had_defects(each["report"])],
        "sound": [
            each["layer"] for each in document["topology"] if not _had_defects(each["report"])
        ],
        "code_changes": document["code_changes"],
        "editions": [_compared(each, document) for each in history if each["vintage"] == vintage][
            ::-1
        ],
        "charts": [_chart(title, *named, history) for title, named in MEASURES.items()],
    }


def _layer(layer: Row, document: Row) -> Row:
    """Add to a layer its columns, its files and its attributions; say of it only what it is."""
    parts = {"columns": "columns", "lineage": "lineage", "attributions": "attributions"}
    about = AROUND.sub("", layer["description"])
    return layer | {
        "description": about,
        **{
            name: [each for each in document[part] if each["layer"] == layer["layer"]]
            for name, part in parts.items()
        },
    }


def _by_publisher(inputs: Sequence[Row]) -> list[list[Row]]:
    """Put files of one publisher and one licence together."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for each in inputs:
        groups.setdefault((each["publisher"], each["licence"]), []).append(each)
    return list(groups.values())


def _condensed(steps: Sequence[Row]) -> list[Row]:
    """Tell the same step on many parts of a country, such as its states, as one."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for step in steps:
        groups.setdefault((step["verb"], graphs.PART.sub("_*", step["subject"])), []).append(step)
    return [row for (_, subject), group in groups.items() for row in _rows(subject, group)]


def _rows(subject: str, group: Sequence[Row]) -> Sequence[Row]:
    """Return the rows of steps on parts of one table: one where these are many."""
    if len(group) < MANY:
        return group
    counts = [step["row_count"] for step in group if step["row_count"] is not None]
    whole = {
        "subject": subject,
        "parts": len(group),
        "row_count": sum(counts) if counts else None,
        "seconds": sum(step["seconds"] for step in group),
    }
    return [group[0] | whole]


def _had_defects(report: Row) -> bool:
    """Tell whether the cleaning of a coverage found anything, or cannot tell."""
    return any(report.get(f"{defect}_before", True) for defect in DEFECTS)


def _compared(edition: Row, document: Row) -> Row:
    """Add to an edition what changed with it, what is out of its bounds first."""
    told = [each for each in document["differences"] if each["number"] == edition["number"]]
    told.sort(key=lambda each: each["within"] is not False)
    return edition | {"differences": told[:MOST], "differing": len(told)}


def _chart(title: str, column: str, form: str, history: Sequence[Mapping[str, Any]]) -> Row:
    values = [each[column] for each in history]
    labels = [f"{each['vintage']}, edition {each['number']}: {each[column]}" for each in history]
    known = [value for value in values if value is not None]
    return {
        "title": title,
        "form": form,
        "last": known[-1] if known else None,
        "values": values,
        "labels": labels,
        "drawn": charts.bars(values, labels, title),
    }
