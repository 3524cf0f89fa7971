"""The static picture of a map: for print, for reports, and where a browser draws none."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import shapely
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from tasks.core.pages.maps.files import keep
from tasks.core.pages.maps.ground import HALF, Floats, Geometries

Places = npt.NDArray[np.int64]

RAMP = ("#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84")  # YlGnBu
BELOW = ("#7f3b08", "#b35806", "#e08214", "#fdb863", "#fee0b6")  # PuOr around zero
ABOVE = ("#d8daeb", "#b2abd2", "#8073ac", "#542788", "#2d004b")
ZERO, PAPER, LINE, INK, HATCH = "#d5d9de", "#ffffff", "#4a5560", "#1c2229", "#6b7580"
WIDTH, HEIGHT, DOTS = 900, 640, 100  # pixels, and of them in an inch
MARGIN = 0.04  # of the map's width, around what is shown
MANY = 3000  # areas, beyond which lines between them would hide them
COLOURS = 48  # in the file
LEGEND_WIDTH = 0.27  # of the picture
LINE_LETTERS, TITLE_LETTERS = 160, 100  # of a line of its source, of its title
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "hatch.linewidth": 0.7,
    "hatch.color": HATCH,
    "text.parse_math": False,  # a "$" is money
}


@dataclass(frozen=True)
class Plate:
    """What a picture shows.

    shapes: in the unit square, None where there is none. values: NaN where missing. seen: xmin,
    ymin, xmax, ymax in the unit square. title, source: lines above and below.
    """

    shapes: Geometries
    values: Floats
    classes: dict[str, Any]
    seen: Floats
    title: str
    source: str


def keep_picture(plate: Plate, folder: Path, name: str) -> dict[str, Any]:
    """Draw a picture as PNG; return its file, width and height in pixels."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / DOTS, HEIGHT / DOTS), dpi=DOTS, facecolor=PAPER)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.01, 0.07, 1 - LEGEND_WIDTH - 0.01, 0.86))
        _draw_areas(axes, plate)
        _draw_scale(axes, plate.seen)
        _draw_legend(figure, plate)
        title = textwrap.shorten(plate.title, TITLE_LETTERS, placeholder=" …")
        figure.text(0.012, 0.955, title, fontsize=12, weight="bold", color=INK)
        source = "\n".join(textwrap.wrap(plate.source, LINE_LETTERS))  # all of it is to be printed
        figure.text(0.012, 0.012, source, fontsize=7, color=LINE, va="bottom")
        content = _png(figure)
    return {"file": keep(folder, name, "png", content), "width": WIDTH, "height": HEIGHT}


def colours(classes: dict[str, Any]) -> list[str]:
    """Choose the colour of each class, as the map in the browser does."""
    count, middle = len(classes["breaks"]) + 1, classes["diverging"]
    if middle < 0:
        return _spaced(RAMP, count)
    return _spaced(BELOW, middle) + _spaced(ABOVE, count - middle)


def _spaced(ramp: tuple[str, ...], count: int) -> list[str]:
    if count <= 1:
        return [ramp[len(ramp) // 2]]
    return [ramp[int(place * (len(ramp) - 1) / (count - 1) + 0.5)] for place in range(count)]


def _draw_areas(axes: Axes, plate: Plate) -> None:
    there = ~shapely.is_missing(plate.shapes)
    upright = shapely.transform(plate.shapes[there], lambda points: points * [1, -1])
    left, low, right, high = _window(plate.seen)
    near = shapely.intersects(upright, shapely.box(left, low, right, high))
    used = [*colours(plate.classes), ZERO, PAPER]
    frame = geopandas.GeoDataFrame(
        {"place": _places(plate.values[there][near], plate.classes)}, geometry=upright[near]
    )
    lines = {"edgecolor": LINE, "linewidth": 0.25}
    if len(frame) > MANY:
        frame = frame.dissolve("place", as_index=False, method="coverage")
        lines = {"edgecolor": "face", "linewidth": 0.1}
    missing = frame["place"] == len(used) - 1
    if missing.any():
        frame[missing].plot(ax=axes, color=PAPER, hatch="/////", edgecolor=HATCH, linewidth=0.2)
    if not missing.all():
        shown = frame[~missing]
        shown.plot(ax=axes, color=[used[place] for place in shown["place"]], **lines)
    axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
    axes.set_axis_off()


def _places(values: Floats, classes: dict[str, Any]) -> Places:
    """Return the place of each value's colour: classes, then zero, then missing."""
    last = len(classes["breaks"]) + 1
    place = np.searchsorted(classes["breaks"], values, "right")
    if classes["zero"]:
        place = np.where(values == 0, last, place)
    return np.where(np.isnan(values), last + 1, place)


def _window(seen: Floats) -> tuple[float, float, float, float]:
    """Give what is seen, with a margin and north up."""
    margin = MARGIN * max(seen[2] - seen[0], seen[3] - seen[1])
    return seen[0] - margin, -seen[3] - margin, seen[2] + margin, -seen[1] + margin


def _draw_scale(axes: Axes, seen: Floats) -> None:
    """Draw a bar of a round length, true in the middle of the map."""
    left, low, right, _ = _window(seen)
    latitude = np.arctan(np.sinh((0.5 - (seen[1] + seen[3]) / 2) * 2 * np.pi))
    unit = 2 * HALF * np.cos(latitude)  # metres of the unit square's side there
    wanted = 0.22 * (right - left) * unit
    power = 10.0 ** np.floor(np.log10(wanted))
    metres = float(max(step * power for step in (1, 2, 5) if step * power <= wanted))
    length = metres / unit
    said = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    axes.plot([left, left + length], [low, low], color=INK, linewidth=2, clip_on=False)
    axes.text(left, low + 0.012 * (right - left), said, fontsize=8, color=INK)


def _draw_legend(figure: Figure, plate: Plate) -> None:
    breaks, counts = plate.classes["breaks"], plate.classes["counts"]
    low, high = ["", *map(_short, breaks)], [*map(_short, breaks), ""]
    texts = [
        f"{before} to < {after}" if before and after else f"≥ {before}" if before else f"< {after}"
        for before, after in zip(low, high, strict=True)
    ]
    rows = zip(colours(plate.classes), texts if breaks else ["all"], counts, strict=True)
    patches = [
        Patch(facecolor=colour, edgecolor=LINE, linewidth=0.4, label=f"{text}  ({count:,})")
        for colour, text, count in rows
        if count
    ]
    if plate.classes["zero"]:
        label = f"zero  ({plate.classes['zeros']:,})"
        patches.insert(0, Patch(facecolor=ZERO, edgecolor=LINE, linewidth=0.4, label=label))
    if missing := int(np.isnan(plate.values).sum()):
        label = f"missing  ({missing:,})"
        patches.append(Patch(facecolor=PAPER, edgecolor=HATCH, hatch="/////", label=label))
    corner = (1 - LEGEND_WIDTH, 0.92)
    ink = {"frameon": False, "labelcolor": INK}
    figure.legend(handles=patches, loc="upper left", bbox_to_anchor=corner, **ink)


def _short(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _png(figure: Figure) -> bytes:
    """Write the picture in few colours: a third of the bytes, and none to be seen."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    picture = Image.open(drawn).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()
