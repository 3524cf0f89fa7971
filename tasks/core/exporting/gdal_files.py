"""Files that GDAL writes from a stream: GeoPackage, FlatGeobuf and tiles."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyogrio.raw import write_arrow

from tasks.core.exporting.inscriptions import Inscription
from tasks.core.model.errors import ConfigurationError

FAILURES = (
    *(DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError),
    *(RuntimeError, pa.ArrowException),
)
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
    rows = pa.RecordBatchReader.from_batches(
        _commented(batches.schema, told), _watched(batches, look, kept)
    )
    geometry = told.layer.geometry
    placed: dict[str, Any] = {}
    if geometry and geometry.name in batches.schema.names:
        kind = told.layer.geometry_kind
        placed = {"geometry_name": geometry.name, "geometry_type": kind, "crs": f"EPSG:{told.crs}"}
    try:
        with _dated(told), warnings.catch_warnings():
            warnings.simplefilter("error")
            write_arrow(
                rows,
                str(path),
                layer=told.layer.layer,
                driver=driver,
                layer_metadata=told.facts,
                dataset_options=dict(dataset or {}),
                layer_options=dict(layer or {}),
                **placed,
            )
    except (*FAILURES, Warning) as error:
        if kept:
            raise kept[0] from None
        raise ConfigurationError(
            f"GDAL was expected to write {told.layer.name} as {driver}, and says"
            f" {' '.join(str(error).split())!r}: look whether the disk of {path.parent} has space,"
            " or take another format."
        ) from None


def _watched(
    batches: pa.RecordBatchReader, look: Look, kept: list[Exception]
) -> Iterator[pa.RecordBatch]:
    """Pass batches on; keep what is raised, of which GDAL would only say that a stream failed."""
    try:
        for batch in batches:
            look(batch)
            yield batch
    except Exception as error:
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
