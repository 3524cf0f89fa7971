"""Files that GDAL writes from a stream: GeoPackage, FlatGeobuf and tiles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import adbc_driver_manager
import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyogrio.raw import write_arrow
from shapely.errors import ShapelyError

from tasks.core.exporting.inscriptions import Inscription
from tasks.core.model.errors import ConfigurationError, GeodataError

FAILURES = (
    *(DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError),
    *(RuntimeError, pa.ArrowException),
)
STREAM_FAILURES = (GeodataError, adbc_driver_manager.Error, pa.ArrowException, ShapelyError)
Look = Callable[[pa.RecordBatch], None]
_one_at_a_time = threading.Lock()  # GDAL's options are those of the process


def write(
    path: Path,
    driver: str,
    batches: pa.RecordBatchReader,
    told: Inscription,
    *,
    dataset: Mapping[str, str] | None = None,
    layer: Mapping[str, str] | None = None,
    look: Look = lambda batch: None,
) -> None:
    """Write a stream by a driver of GDAL, with what each column means as its comment.

    dataset, layer: options of the driver. look: sees each batch before, and may raise. What the
    stream raises comes out as it is; ConfigurationError where GDAL cannot write.
    """
    kept: list[Exception] = []
    rows = _watched(batches, look, kept)
    try:
        with _dated(told):
            write_arrow(
                pa.RecordBatchReader.from_batches(_commented(batches.schema, told), rows),
                str(path),
                layer=told.layer.layer,
                driver=driver,
                layer_metadata=told.facts,
                dataset_options=dict(dataset or {}),
                layer_options=dict(layer or {}),
                **_placed(batches.schema, told),
            )
    except FAILURES as error:
        if kept:
            raise kept[0] from None
        raise ConfigurationError(
            f"GDAL was expected to write {told.layer.name} as {driver}, and says"
            f" {' '.join(str(error).split())!r}: look whether the disk of {path.parent} has space,"
            " or take another format."
        ) from None


def _placed(schema: pa.Schema, told: Inscription) -> dict[str, Any]:
    """Return what GDAL must know of the geometries; nothing where there are none."""
    geometry = told.layer.geometry
    if not geometry or geometry.name not in schema.names:
        return {}
    kind = told.layer.geometry_kind
    return {"geometry_name": geometry.name, "geometry_type": kind, "crs": f"EPSG:{told.crs}"}


def _watched(
    batches: pa.RecordBatchReader, look: Look, kept: list[Exception]
) -> Iterator[pa.RecordBatch]:
    """Pass batches on; keep what is raised, of which GDAL would only say that a stream failed."""
    try:
        for batch in batches:
            look(batch)
            yield batch
    except STREAM_FAILURES as error:
        kept.append(error)
        raise


def _commented(schema: pa.Schema, told: Inscription) -> pa.Schema:
    """Return a schema whose fields have their titles and descriptions where GDAL looks for them."""
    said = {column.name: column.told for column in told.layer.columns}
    return pa.schema(
        [field.with_metadata({"GDAL:OGR:comment": said[field.name]}) for field in schema]
    )


@contextmanager
def _dated(told: Inscription) -> Iterator[None]:
    """Let GDAL write the day of the edition where it would write that of today."""
    day = f"{told.layer.published_at:%Y-%m-%dT%H:%M:%S.000Z}"
    with _one_at_a_time:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": day})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
