"""Descriptions: the comments of a loaded table's columns, made from what is declared of them."""

from __future__ import annotations

from collections.abc import Mapping

from pyproj import CRS

from tasks.core.catalog.column_rules import NOT_IN, ColumnRule
from tasks.core.making.markers import ABSENT, REASON
from tasks.core.model.columns import Column
from tasks.core.model.declarations import Features, Table

OUTLINES = {"MultiPolygon": "Border", "MultiLineString": "Line"}  # of a geometry; else a point
UNITS = {"metre": "m"}  # of a CRS, where its name is not used here


def of_columns(
    columns: Mapping[str, Column], headings: Mapping[str, str | None], source: str
) -> dict[str, str]:
    """Give each declared column its comment: its rule, or its origin when it is not described.

    headings: the publisher's names of the columns that the file has. source: slug of the source.
    """
    origins = {name: _origin(headings.get(name), source) for name in columns}
    return {
        name: (
            str(ColumnRule(column.about, column.unit, column.rule, origins[name]))
            if column.about
            else origins[name]
        )
        for name, column in columns.items()
    }


def of_reason_columns(
    reads: Features | Table, headings: Mapping[str, str | None], source: str
) -> dict[str, str]:
    """Give each column of reasons (`<column>_reason`) its comment: why the column is empty."""
    if not reads.missing:
        return {}
    reasons = " or ".join(dict.fromkeys([*reads.missing.values(), ABSENT]))
    figures = [name for name in headings if reads.columns[name].type != "text"]
    return {
        name + REASON: str(
            ColumnRule(
                f"Why {name} is empty: {reasons}", "reason", "none", _origin(headings[name], source)
            )
        )
        for name in figures
    }


def of_reasons(source: str) -> str:
    """Return the comment of the column that says why figures of its row are missing."""
    why = "Why figures of this row are missing, in the publisher's terms, by column"
    return str(ColumnRule(why, "reason", "none", source))


def of_geometry(reads: Features, kind: str, source: str) -> str:
    """Return the comment of the geometries of a kind ("MultiPolygon"), in the unit of their CRS."""
    crs = CRS.from_epsg(reads.published_crs)
    unit = crs.axis_info[0].unit_name
    about = f"{OUTLINES.get(kind, 'Point')} in {crs.name} (EPSG:{reads.published_crs})"
    about += f", {reads.about}" if reads.about else ""
    return str(ColumnRule(about, UNITS.get(unit, unit), "none", f"{source} geometry"))


def _origin(heading: str | None, source: str) -> str:
    return f"{source}.{heading}" if heading else NOT_IN + source
