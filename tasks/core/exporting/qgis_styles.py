"""Styles of layers in QGIS: areas coloured by an indicator in five equal groups, others plain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree as Xml

from psycopg2 import sql

from tasks.core.exporting.shown_layers import LayerColumn, ShownLayer
from tasks.core.exporting.snapshots import Snapshot
from tasks.core.exporting.statements import SELECT_GROUPS, SELECT_WORDS

COLOURS = ("255,255,204", "161,218,180", "65,182,196", "44,127,184", "37,52,148")
OUTLINE, PLAIN = "110,110,110", "65,182,196"
FIGURES = ("numeric", "double precision", "bigint", "integer")
MOST_ROWS = 1_000_000  # in which different words are looked for
MOST_WORDS = 12  # of a column that areas are coloured by


def renderer(state: Snapshot, layer: ShownLayer) -> Xml.Element:
    """Return how QGIS is to draw a layer.

    By the layer's indicator in quantiles, else by a column of a few words, else all alike.
    """
    if chosen := indicator(layer):
        groups = _groups(state, layer, chosen)
        if len(groups) > 1:
            return _graduated(layer, chosen, groups)
    if found := _few_words(state, layer):
        return _categorised(layer, *found)
    element = Xml.Element("renderer-v2", type="singleSymbol", symbollevels="0", forceraster="0")
    Xml.SubElement(element, "symbols").append(_symbol(layer, "0", PLAIN))
    return element


def indicator(layer: ShownLayer) -> LayerColumn | None:
    """Return the figure that areas are best coloured by: a ratio, a mean, a median, then a sum."""
    figures = [
        each
        for each in layer.columns
        if each.data_type.startswith(FIGURES)
        and not each.name.endswith("_covered")
        and each.name not in layer.key_columns
    ]
    ranked = sorted(figures, key=_rank)  # those of equal rank stay in the order of the layer
    return ranked[0] if ranked and "POINT" not in layer.geometry_type else None


def _rank(column: LayerColumn) -> int:
    kinds = ("ratio", "mean", "none", "sum")
    kind = column.aggregation.partition(" ")[0]
    return kinds.index(kind) if kind in kinds else len(kinds)


def _groups(state: Snapshot, layer: ShownLayer, column: LayerColumn) -> list[tuple[float, float]]:
    """Return the bounds of five groups with equally many areas; fewer where values repeat."""
    query = sql.SQL(SELECT_GROUPS).format(column=sql.Identifier(column.name), view=layer.view)
    (found,) = state.records(query)
    bounds = sorted(dict.fromkeys(float(each) for each in found.bounds or ()))
    return list(pairwise(bounds))


def _few_words(state: Snapshot, layer: ShownLayer) -> tuple[LayerColumn, list[str]] | None:
    """Return the first column of texts with a few different ones, and these; none of a register."""
    if layer.row_count > MOST_ROWS:
        return None
    for column in layer.columns:
        if column.data_type == "text" and column.name not in layer.key_columns:
            query = sql.SQL(SELECT_WORDS).format(
                column=sql.Identifier(column.name),
                view=layer.view,
                most=sql.Literal(MOST_WORDS + 1),
            )
            words = [each.word for each in state.records(query)]
            if 1 < len(words) <= MOST_WORDS:
                return column, words
    return None


def _graduated(
    layer: ShownLayer, column: LayerColumn, groups: Sequence[tuple[float, float]]
) -> Xml.Element:
    facts = {"type": "graduatedSymbol", "attr": column.name, "graduatedMethod": "GraduatedColor"}
    element = Xml.Element("renderer-v2", facts | {"symbollevels": "0", "forceraster": "0"})
    ranges, symbols = Xml.SubElement(element, "ranges"), Xml.SubElement(element, "symbols")
    for place, (low, high) in enumerate(groups):
        said = {"lower": f"{low:.15g}", "upper": f"{high:.15g}", "symbol": str(place)}
        label = f"{low:,.6g} – {high:,.6g} {column.unit}".strip()
        Xml.SubElement(ranges, "range", said | {"label": label, "render": "true"})
        symbols.append(_symbol(layer, str(place), _colour(place, len(groups))))
    Xml.SubElement(element, "classificationMethod", id="Quantile")
    return element


def _categorised(layer: ShownLayer, column: LayerColumn, words: Sequence[str]) -> Xml.Element:
    facts = {"type": "categorizedSymbol", "attr": column.name, "symbollevels": "0"}
    element = Xml.Element("renderer-v2", facts | {"forceraster": "0"})
    groups, symbols = Xml.SubElement(element, "categories"), Xml.SubElement(element, "symbols")
    for place, word in enumerate(words):
        said = {"value": word, "label": word, "symbol": str(place), "type": "string"}
        Xml.SubElement(groups, "category", said | {"render": "true"})
        symbols.append(_symbol(layer, str(place), _hue(place, len(words))))
    return element


def _colour(place: int, of: int) -> str:
    return COLOURS[round(place * (len(COLOURS) - 1) / max(of - 1, 1))]


def _hue(place: int, of: int) -> str:
    """Return one of so many colours that differ in their hue."""
    step = 6 * place / of
    ramp = [max(0.0, min(1.0, abs((step + shift) % 6 - 3) - 1)) for shift in (0, 4, 2)]
    return ",".join(str(round(70 + 160 * each)) for each in ramp)


def _symbol(layer: ShownLayer, name: str, colour: str) -> Xml.Element:
    """Return a symbol for the geometries of a layer, in a colour "red,green,blue"."""
    kind, part, options = _drawn(layer, colour)
    symbol = Xml.Element("symbol", type=kind, name=name, alpha="1", clip_to_extent="1")
    drawn = Xml.SubElement(
        symbol, "layer", {"class": part, "enabled": "1", "locked": "0", "pass": "0"}
    )
    listed = Xml.SubElement(drawn, "Option", type="Map")
    for option, value in options.items():
        Xml.SubElement(listed, "Option", name=option, value=value, type="QString")
    for option, value in options.items():  # as QGIS before 3.22 reads them
        Xml.SubElement(drawn, "prop", k=option, v=value)
    return symbol


def _drawn(layer: ShownLayer, colour: str) -> tuple[str, str, dict[str, str]]:
    thin = {"outline_color": f"{OUTLINE},255", "outline_width": "0.1", "outline_style": "solid"}
    if "POINT" in layer.geometry_type:
        return "marker", "SimpleMarker", {"name": "circle", "color": f"{colour},255", "size": "1.2"}
    if "LINE" in layer.geometry_type:
        return "line", "SimpleLine", {"line_color": f"{colour},255", "line_width": "0.3"}
    return "fill", "SimpleFill", {"color": f"{colour},255", "style": "solid"} | thin
