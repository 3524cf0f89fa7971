"""Small charts as SVG: what editions took and held, one bar an edition."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT, LEAST = 320, 64, 1.5


def bars(values: Sequence[float | None], labels: Sequence[str], title: str) -> Markup:
    """Return a bar chart from zero, the oldest first; a value that is not known has no bar.

    labels: what is said of each bar where a pointer rests on it. title: what the chart shows.
    """
    known = [value for value in values if value is not None]
    top = max(known, default=0) or 1
    step = WIDTH / max(len(values), 1)
    drawn = Markup("").join(
        _bar(place * step, step, LEAST + (HEIGHT - LEAST) * max(value, 0) / top, label)
        for place, (value, label) in enumerate(zip(values, labels, strict=True))
        if value is not None
    )
    return Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
        '{drawn}<line class="axis" x1="0" x2="{width}" y1="{height}" y2="{height}"/></svg>'
    ).format(width=WIDTH, height=HEIGHT, title=title, drawn=drawn)


def _bar(left: float, step: float, height: float, label: str) -> Markup:
    width = max(min(step * 0.8, 24), 1)
    return Markup(
        f'<rect x="{left:.1f}" y="{HEIGHT - height:.1f}" width="{width:.1f}"'
        f' height="{height:.1f}"><title>{escape(label)}</title></rect>'
    )
