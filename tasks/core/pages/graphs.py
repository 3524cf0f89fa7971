"""Graphs as SVG: nodes in columns by how far they are from their origins, arrows between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.core.making.joining.scripts import tables_read

BOX, LINE, GAP, ACROSS, EDGE = 152, 32, 10, 40, 4
LONGEST = 22  # letters of a name that a box holds


@dataclass(frozen=True)
class Node:
    """One box. kind: a class of site.css; link: page that it leads to; says: its whole text."""

    name: str
    kind: str
    link: str = ""
    says: str = ""


def draw(nodes: Sequence[Node], arrows: Iterable[tuple[str, str]], title: str) -> Markup:
    """Return the picture of a graph without cycles; arrows are pairs of names of nodes.

    Nothing where there is no node.
    """
    if not nodes:
        return Markup("")
    links = sorted({(a, b) for a, b in arrows if a != b})
    columns = _columns([node.name for node in nodes], links)
    places = {
        name: (left * (BOX + ACROSS), top * (LINE + GAP))
        for left, column in enumerate(columns)
        for top, name in enumerate(column)
    }
    width = len(columns) * (BOX + ACROSS) - ACROSS + 2
    height = max(map(len, columns), default=0) * (LINE + GAP) - GAP + 2
    curves = Markup("").join(_arrow(places[a], places[b]) for a, b in links)
    boxes = Markup("").join(_box(node, *places[node.name]) for node in nodes)
    return Markup(
        '<svg class="graph" viewBox="-1 -1 {width} {height}" width="{width}" role="group"'
        ' aria-label="{title}">{curves}{boxes}</svg>'
    ).format(width=width, height=height, title=title, curves=curves, boxes=boxes)


def _columns(names: Sequence[str], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Give each name the column after those of its origins, and order columns by their origins."""
    before: dict[str, list[str]] = {name: [a for a, b in links if b == name] for name in names}
    depth: dict[str, int] = {}

    def reach(name: str, path: frozenset[str] = frozenset()) -> int:
        if name not in depth:
            above = [each for each in before[name] if each not in path]
            depth[name] = 1 + max((reach(each, path | {name}) for each in above), default=-1)
        return depth[name]

    columns: list[list[str]] = [[] for _ in range(max(map(reach, names), default=-1) + 1)]
    for name in names:
        columns[depth[name]].append(name)
    height: dict[str, float] = {}
    for column in columns:
        means = {
            name: sum(height[each] for each in before[name]) / len(before[name])
            for name in column
            if before[name] and all(each in height for each in before[name])
        }
        column.sort(key=lambda name: means.get(name, 0.0))
        height |= {name: float(place) for place, name in enumerate(column)}
    return columns


def _box(node: Node, left: float, top: float) -> Markup:
    shown = node.name if len(node.name) <= LONGEST else node.name[: LONGEST - 1] + "…"
    box = Markup(
        '<g class="node {kind}"><rect x="{left}" y="{top}" width="{width}" height="{height}"'
        ' rx="5"/><text x="{middle}" y="{line}">{shown}</text><title>{says}</title></g>'
    ).format(
        kind=node.kind,
        left=left,
        top=top,
        width=BOX,
        height=LINE,
        middle=left + BOX / 2,
        line=top + LINE / 2 + EDGE,
        shown=shown,
        says=node.says or node.name,
    )
    return Markup('<a href="{}">{}</a>').format(node.link, box) if node.link else box


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> Markup:
    x, y, right, level = start[0] + BOX, start[1] + LINE / 2, end[0], end[1] + LINE / 2
    bend = max((right - x) / 2, ACROSS / 2)
    return Markup(
        f'<path class="arrow" d="M{x:.0f} {y:.0f}C{x + bend:.0f} {y:.0f} {right - bend:.0f}'
        f' {level:.0f} {right - EDGE:.0f} {level:.0f}"/>'
        f'<path class="head" d="M{right - 7:.0f} {level - 4:.0f}L{right:.0f} {level:.0f}'
        f'L{right - 7:.0f} {level + 4:.0f}Z"/>'
    )


PART = re.compile(r"_\d{1,3}$")  # tables of a country's parts, such as its states, are one box


def of_steps(
    steps: Sequence[Mapping[str, object]], layers: Iterable[str]
) -> tuple[list[Node], list[tuple[str, str]]]:
    """Return the tables of an edition from its files to its layers, as nodes and arrows.

    steps: rows of catalog.step in their order.
    """
    nodes: dict[str, Node] = {}
    arrows: list[tuple[str, str]] = []
    shown = set(layers)

    def table(name: str, says: str = "") -> str:
        name = PART.sub("_*", name)
        if says or name not in nodes:
            nodes[name] = Node(name, "layer" if name in shown else "table", says=says)
        return name

    for step in steps:
        subject, says = str(step["subject"]), str(step["sentence"])
        figures = step["figures"] if isinstance(step["figures"], dict) else {}
        if step["verb"] in ("load_table", "load_geometries"):
            if source := figures.get("source"):
                nodes[source] = Node(source, "file", says=source)
                arrows.append((source, table(subject, says)))
            else:
                table(subject, says)
        elif step["verb"] == "join":
            for made in figures:
                name = table(made, says)
                arrows += [(table(read), name) for read in tables_read(subject)]
        elif step["verb"] in ("aggregate", "locate"):
            name = table(subject, says)
            sources = filter(None, map(figures.get, ("of", "within")))
            arrows += [(table(source), name) for source in sources]
    for layer in sorted(shown):  # also one of which no step tells
        table(layer)
    used = {name for pair in arrows for name in pair} | shown
    kept = [node for node in nodes.values() if node.name in used]
    names = {node.name for node in kept}
    return kept, [(a, b) for a, b in arrows if a in names and b in names]
