"""Layers that are shown now and have geometry, as the catalog describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from tasks.core.pages.maps.statements import (
    SELECT_ATTRIBUTIONS,
    SELECT_SHOWN_COLUMNS,
    SELECT_SHOWN_LAYERS,
)
from tasks.core.postgres.database import Database

GEOMETRY = "geom"


@dataclass(frozen=True)
class ShownColumn:
    """A published column: its PostgreSQL type, meaning, unit and rule of aggregation."""

    name: str
    data_type: str
    description: str
    unit: str
    aggregation: str
    ordinal: int


@dataclass(frozen=True)
class ShownLayer:
    """A layer with geometry of the edition that is shown now.

    view: schema and name of the view of its vintage. key: columns of its primary key. extent: xmin,
    ymin, xmax, ymax in its own CRS, None where no row has a geometry.
    """

    dataset: str
    vintage: int
    number: int
    layer: str
    description: str
    view: tuple[str, str]
    key: tuple[str, ...]
    columns: tuple[ShownColumn, ...]
    geometry_type: str
    srid: int
    row_count: int
    extent: tuple[float, ...] | None
    content_hash: str

    @property
    def is_points(self) -> bool:
        """Whether its rows are points rather than areas."""
        return self.geometry_type.endswith("POINT")

    @property
    def relation(self) -> sql.Composable:
        """Name its view for a statement."""
        return sql.Identifier(*self.view)

    @property
    def code(self) -> sql.Composable:
        """Write its key as one text, the parts apart by a slash."""
        parts = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in self.key]
        return sql.SQL(" || '/' || ").join(parts)

    @property
    def name_columns(self) -> tuple[str, ...]:
        """The columns that name a row: of its key's own subject, else the first name there is."""
        names = [column.name for column in self.columns if column.unit == "name"]
        subject = self.key[-1].rpartition("_")[0]
        own = [name for name in names if subject and name.startswith(f"{subject}_name")]
        return tuple(own or [name for name in names if name == "name"] or names[:1])

    @property
    def label(self) -> sql.Composable:
        """Write its names as one text, each once, the languages apart by a slash."""
        if not self.name_columns:
            return sql.SQL("''")
        names = sql.SQL(", ").join(map(sql.Identifier, self.name_columns))
        return sql.SQL(
            "(SELECT coalesce(string_agg(said, ' / ' ORDER BY place), '') FROM (SELECT said,"
            " min(place) AS place FROM unnest(ARRAY[{}]) WITH ORDINALITY AS name (said, place)"
            " GROUP BY said) AS spelling)"
        ).format(names)


def shown(database: Database, dataset: str, vintage: int) -> list[ShownLayer]:
    """Read the layers with geometry that are shown of a vintage, those of fewest rows first."""
    asked = {"dataset": dataset, "vintage": vintage}
    columns: dict[str, list[ShownColumn]] = {}
    for row in database.records(SELECT_SHOWN_COLUMNS, **asked):
        meaning = (row.description, row.unit or "", row.aggregation or "none")
        column = ShownColumn(row.name, row.data_type, *meaning, row.ordinal)
        columns.setdefault(row.layer, []).append(column)
    layers = database.records(SELECT_SHOWN_LAYERS, **asked)
    return [_layer(each, tuple(columns.get(each.layer, ()))) for each in layers]


def _layer(record: Any, columns: tuple[ShownColumn, ...]) -> ShownLayer:
    return ShownLayer(
        dataset=record.dataset,
        vintage=record.vintage,
        number=record.number,
        layer=record.layer,
        description=record.description,
        view=(record.published_schema, f"{record.layer}_{record.vintage}"),
        key=tuple(record.key_columns),
        columns=columns,
        geometry_type=record.geometry_type,
        srid=record.srid,
        row_count=record.row_count,
        extent=tuple(record.extent) if record.extent else None,
        content_hash=record.content_hash,
    )


def attribution(database: Database, layer: ShownLayer) -> str:
    """Say in one line who published what a layer is made of, and by which licence it is used."""
    asked = {"dataset": layer.dataset, "vintage": layer.vintage}
    name = f"{layer.view[0]}.{layer.layer}"
    found = database.records(SELECT_ATTRIBUTIONS, **asked, layer=name)
    return "; ".join(dict.fromkeys(f"{each.publisher}, {each.title}" for each in found))
