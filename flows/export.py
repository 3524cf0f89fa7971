"""Export: a published layer taken away as one file, whole or not at all.

Licence, attribution, sources with their hashes and the meaning of each column are inside it, as
far as its format allows. The file is of the edition that is shown; two exports of one edition are
equal. A QGIS project (qgs) opens all layers of the dataset in the database itself.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import ExportFormat, ExportPlace, described
from tasks.vocabulary import announce_export, export_layer, run


@flow(name="export", description=__doc__, flow_run_name="export {layer} {format}")
def export(
    layer: Annotated[str, described("Published layer, such as belgium.sectors.")],
    format: Annotated[
        ExportFormat,
        described(
            "gpkg (GeoPackage), fgb (FlatGeobuf), geoparquet, csv, pmtiles (vector tiles) or qgs"
            " (a QGIS project over the published views)."
        ),
    ],
    vintage: Annotated[int | None, described("Vintage; without it, the newest shown.")] = None,
    crs: Annotated[
        str | None, described("EPSG code, such as EPSG:3035; without it, that of the layer.")
    ] = None,
    to: ExportPlace = None,
) -> None:
    """Take a published layer away as a file."""
    exported = export_layer(layer, format, vintage, crs, to)
    announce_export(exported)


if __name__ == "__main__":
    run(export)
