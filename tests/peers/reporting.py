"""The report of a comparison: a table for each work, whether its target is met, and a chart."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
import psutil
from peers.turns import Taken
from peers.works import FLOOR, OURS, Work

Results = Sequence[tuple[Work, Mapping[str, Taken]]]
HEAD = (
    "| way | seconds | least to most | × floor | × ours | client CPU s | server CPU s | MiB |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|"
)
COLOURS = {FLOOR: "#9aa5b1", OURS: "#0b6e4f"}
OTHERS = "#d98e04"


def write(folder: Path, results: Results, seconds: float) -> Path:
    """Write report.md, figures.json and chart.png into a folder; return the report."""
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder / "chart.png", results)
    report = folder / "report.md"
    report.write_text(text(results, seconds))
    (folder / "figures.json").write_text(json.dumps(figures(results), indent=1))
    return report


def text(results: Results, seconds: float) -> str:
    """Give the report in Markdown."""
    machine = (
        f"{psutil.cpu_count()} processors, {psutil.virtual_memory().total / 2**30:.0f} GiB,"
        f" Python {platform.python_version()}, load {psutil.getloadavg()[0]:.1f} at the end"
    )
    parts = [
        "# Measured beside others",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {seconds / 60:.0f} minutes; {machine}."
        " Ways of one work had turns one after another, on the same input and the same database;"
        " figures are medians of the rounds after the first, or those of one turn, which nothing"
        " warmed, where the work is long or the way slow beside ours. Memory is what the way's"
        " own processes held at most beyond what they held before.",
        "![chart](chart.png)",
        "\n".join(["| work | target | met |", "|---|---|---|", *map(verdict, results)]),
    ]
    parts += [section(work, taken) for work, taken in results]
    return "\n\n".join(parts) + "\n"


def verdict(result: tuple[Work, Mapping[str, Taken]]) -> str:
    """Give the row of a work in the table of targets."""
    work, taken = result
    met = work.target.met(taken) if work.target else None
    words = {True: "yes", False: "**no**", None: "nothing to compare with"}
    return f"| {work.title} | {work.target or '–'} | {words[met] if work.target else '–'} |"


def section(work: Work, taken: Mapping[str, Taken]) -> str:
    """Give the table of one work."""
    lines = [f"## {work.title}", "", *([work.notes, ""] if work.notes else []), HEAD]
    failed: dict[str, str] = dict(work.away)
    for way in work.ways:
        took = taken[way.name]
        name = f"{way.name} {way.version}".strip()
        if took.failure or not took.seconds:
            failed[name] = took.failure or "it was not asked"
            continue
        lines.append(
            f"| {name} | {took.median:.2f} | {min(took.seconds):.2f} – {max(took.seconds):.2f} |"
            f" {times(took, taken.get(FLOOR))} | {times(took, taken.get(OURS))} |"
            f" {middle(took.client):.2f} | {middle(took.server):.2f} | {took.peak_mib:,.0f} |"
        )
    lines += [f"\nNot measured: **{name}**: {reason}." for name, reason in failed.items()]
    lines += [f"\n{way.name}: {said}." for way in work.ways if (said := taken[way.name].said)]
    return "\n".join(lines)


def times(took: Taken, other: Taken | None) -> str:
    """Give the ratio of two ways."""
    return f"{took.median / other.median:.2f}" if other and other.seconds else "–"


def middle(values: Sequence[float]) -> float:
    """Give the middle of some values."""
    return sorted(values)[len(values) // 2]


def figures(results: Results) -> list[dict[str, object]]:
    """Give all that was measured, for programs."""
    return [
        {
            "work": work.title,
            "target": str(work.target) if work.target else None,
            "met": work.target.met(taken) if work.target else None,
            "ways": {
                way.name: {"version": way.version, **vars(taken[way.name])} for way in work.ways
            },
            "away": dict(work.away),
        }
        for work, taken in results
    ]


def draw(path: Path, results: Results) -> None:
    """Draw the seconds of every way, a panel for each work."""
    mpl.use("Agg")
    from matplotlib import pyplot

    columns = 3
    rows = -(-len(results) // columns)
    figure, panels = pyplot.subplots(rows, columns, figsize=(15, 2.4 * rows), squeeze=False)
    for panel in panels.flat[len(results) :]:
        panel.axis("off")
    for panel, (work, taken) in zip(panels.flat, results, strict=False):
        names = [way.name for way in work.ways if taken[way.name].seconds]
        values = [taken[name].median for name in names]
        bars = panel.barh(names, values, color=[COLOURS.get(name, OTHERS) for name in names])
        panel.bar_label(bars, fmt="%.2f s", padding=3, fontsize=8)
        panel.set_title(work.title, fontsize=9, loc="left")
        panel.set_xlim(0, 1.25 * max(values, default=1.0))
        panel.invert_yaxis()
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
