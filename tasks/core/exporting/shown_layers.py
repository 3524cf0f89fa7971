"""What is shown of a layer, and what a reader of its rows must know, as the catalog has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2 import sql

from tasks.core.exporting.snapshots import Snapshot
from tasks.core.exporting.statements import (
    SELECT_COLUMNS_OF_LAYER,
    SELECT_LAYER,
    SELECT_LAYERS_SHOWN,
    SELECT_LICENCES_OF_LAYER,
    SELECT_SOURCES_OF_LAYER,
)
from tasks.core.model.errors import ConfigurationError

GEOMETRY = re.compile(r"geometry\((\w+),(\d+)\)")


@dataclass(frozen=True)
class LayerColumn:
    """A published column: its PostgreSQL type, meaning, unit, aggregation and origin."""

    name: str
    data_type: str
    description: str
    unit: str
    aggregation: str
    origin: str

    @property
    def is_geometry(self) -> bool:
        """Whether it holds geometries."""
        return self.data_type.startswith("geometry")

    @property
    def told(self) -> str:
        """The description with unit and aggregation, in one sentence: for people."""
        facts = [f"unit: {self.unit}" if self.unit else ""]
        facts += [f"aggregate: {self.aggregation}" if self.aggregation else ""]
        said = "; ".join(filter(None, facts))
        return f"{self.description} [{said}]" if said else self.description


@dataclass(frozen=True)
class LayerLicence:
    """Terms of reuse of a layer, with the sentence to print beside it."""

    slug: str
    title: str
    url: str
    publisher: str
    attribution: str


@dataclass(frozen=True)
class LayerSource:
    """An original that a layer was made from: whose, from where, of which day, and its SHA-256."""

    source: str
    vintage: int
    title: str
    publisher: str
    landing_page: str
    url: str
    sha256: str
    retrieved_at: datetime
    reference_date: date
    licence: str
    of_dataset: str


@dataclass(frozen=True)
class ShownLayer:
    """A layer of the edition that is shown of a vintage; extent: xmin, ymin, xmax, ymax in srid."""

    dataset: str
    title: str
    country: str
    schema: str
    layer: str
    vintage: int
    edition: int
    mirror: str
    published_at: datetime
    code_revision: str
    description: str
    key_columns: tuple[str, ...]
    row_count: int
    geometry_type: str
    srid: int
    extent: tuple[float, ...]
    content_hash: str
    columns: tuple[LayerColumn, ...]
    licences: tuple[LayerLicence, ...]
    sources: tuple[LayerSource, ...]

    @property
    def name(self) -> str:
        """The layer as readers name it, such as belgium.sectors."""
        return f"{self.schema}.{self.layer}"

    @property
    def view(self) -> sql.Identifier:
        """The view that shows this vintage of it."""
        return sql.Identifier(self.schema, f"{self.layer}_{self.vintage}")

    @property
    def geometry(self) -> LayerColumn | None:
        """Its column of geometries, where it has one."""
        return next((column for column in self.columns if column.is_geometry), None)

    @property
    def geometry_kind(self) -> str:
        """The type of its geometries as GDAL and WKT readers spell it, such as MultiPolygon."""
        match = GEOMETRY.fullmatch(self.geometry.data_type) if self.geometry else None
        return match[1] if match else ""


def shown_layer(snapshot: Snapshot, name: str, vintage: int | None = None) -> ShownLayer:
    """Return what is shown of a layer such as belgium.sectors, its newest vintage without a year.

    Raises ConfigurationError, listing what is shown, for another name or vintage.
    """
    shown: dict[str, list[int]] = {}
    for each in snapshot.records(SELECT_LAYERS_SHOWN):
        shown.setdefault(each.name, []).append(each.vintage)
    if name not in shown:
        raise ConfigurationError(
            f"A layer that is shown was expected, found {name!r}: choose one of"
            f" {', '.join(shown) or 'none (nothing is published here yet: run a flow first)'}."
        )
    if vintage is not None and vintage not in shown[name]:
        raise ConfigurationError(
            f"A vintage of {name} that is shown was expected, found {vintage}: choose one of"
            f" {', '.join(map(str, shown[name]))}, or none for the newest."
        )
    return _read(snapshot, name, shown[name][0] if vintage is None else vintage)


def _read(snapshot: Snapshot, name: str, vintage: int) -> ShownLayer:
    (found,) = snapshot.records(SELECT_LAYER, name=name, vintage=vintage)
    facts = found._asdict()
    asked = {key: facts[key] for key in ("dataset", "edition", "layer", "vintage")} | {"name": name}

    def told(query: str) -> list[dict[str, object]]:
        return [each._asdict() for each in snapshot.records(query, **asked)]

    facts |= {"geometry_type": found.geometry_type or "", "srid": found.srid or 0}
    return ShownLayer(
        **facts | {name: tuple(facts[name] or ()) for name in ("key_columns", "extent")},
        columns=tuple(LayerColumn(**each) for each in told(SELECT_COLUMNS_OF_LAYER)),  # type: ignore[arg-type]
        licences=tuple(LayerLicence(**each) for each in told(SELECT_LICENCES_OF_LAYER)),  # type: ignore[arg-type]
        sources=tuple(LayerSource(**each) for each in told(SELECT_SOURCES_OF_LAYER)),  # type: ignore[arg-type]
    )


def layers_beside(snapshot: Snapshot, layer: ShownLayer) -> list[ShownLayer]:
    """Return all layers shown of the same dataset and vintage, in the order of their names."""
    return [
        shown_layer(snapshot, each.name, each.vintage)
        for each in snapshot.records(SELECT_LAYERS_SHOWN)
        if each.schema == layer.schema and each.vintage == layer.vintage
    ]
