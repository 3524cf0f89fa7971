"""Exports: a published layer taken away as a file, with all that its reader must know inside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prefect import runtime
from prefect.artifacts import create_markdown_artifact

from tasks.core.exporting.formats import FORMATS, ExportFormat
from tasks.core.model.errors import ConfigurationError, WorkLost
from tasks.core.postgres.outages import DATABASE_FAILURES, FAULTS
from tasks.running.announcements import telling
from tasks.running.frames import without_frames
from tasks.running.policies import Retry, verb
from tasks.running.site import site
from tasks.running.steps import say

if TYPE_CHECKING:
    from tasks.core.exporting.exports import Exported

EXPORT = Retry(errors=(OSError, WorkLost, *DATABASE_FAILURES), but=FAULTS, after=(10, 60))

IN_A_POD = "KUBERNETES_SERVICE_HOST"  # in the environment


@verb("export {layer} as {format}", EXPORT)
def export_layer(
    layer: str,
    format: ExportFormat,
    vintage: int | None = None,
    crs: str | None = None,
    to: str | None = None,
) -> Exported:
    """Export a published layer as one file, whole or not at all.

    Licence, attribution, provenance and the meaning of each column are inside, as far as the format
    allows. vintage: the newest shown without one. crs: EPSG code, the layer's own without one. to:
    folder, file or address; the folder exports of this machine's data without one. Raises
    ConfigurationError, with the choices, for a layer, vintage, format or CRS that there is not,
    CheckFailed for values that the format cannot hold, Refused for a place that takes no file.
    """
    _require_lasting(to)
    with without_frames():
        from tasks.core.exporting.exports import export

        made = export(site().database, layer, format, vintage, crs or "", to or "")
    changed = f", changed to EPSG:{made.crs} by {made.crs_change}" if made.crs_change else ""
    beside = f" (with {', '.join(made.beside)})" if made.beside else ""
    say(
        f"Exported the {made.rows:,} rows of {made.layer} {made.vintage}, edition {made.edition},"
        f" as {FORMATS[format].title}{changed}: {made.url}{beside}, {made.size_bytes:,} bytes."
    )
    return made


def _require_lasting(to: str | None) -> None:
    """Raise ConfigurationError where a file would go with the pod in which this runs."""
    if IN_A_POD in os.environ and "://" not in (to or ""):
        raise ConfigurationError(
            "An address such as s3://bucket/folder was expected in TO, as this runs in a pod whose"
            f" files go with it, found {to or 'none'}: give one, with its credentials in the"
            " environment of the pod."
        )


@verb("announce the export of {exported.layer} {exported.vintage}")
def announce_export(exported: Exported) -> None:
    """Show in the Prefect UI where a file is, and what must be printed beside every use of it."""
    if not runtime.flow_run.id:
        return
    name = exported.layer.replace(".", "-").replace("_", "-").lower()
    key = "".join(each for each in name if each.isascii() and (each.isalnum() or each == "-"))
    with telling(f"where the export of {exported.layer} is"):
        create_markdown_artifact(
            page(exported), key=f"export-{key}", description=f"Export of {exported.layer}"
        )


def page(exported: Exported) -> str:
    """Return what a person must know of an export, in Markdown."""
    facts = {
        "File": f"[{exported.url}]({exported.url})",
        "Beside it": ", ".join(exported.beside),
        "Size": f"{exported.size_bytes:,} bytes",
        "Layer": f"{exported.layer}, vintage {exported.vintage}, edition {exported.edition}",
        "Rows": f"{exported.rows:,}",
        "CRS": f"EPSG:{exported.crs}" if exported.crs else "",
        "Changed by": exported.crs_change,
        "Official": exported.official,
    }
    table = [f"| {name} | {_cell(told)} |" for name, told in facts.items() if told]
    printed = [f"- {_cell(each)}" for each in exported.attributions]
    head, told = [f"# {exported.title}", ""], ["", "## To print beside every use", ""]
    return "\n".join([*head, "| | |", "|---|---|", *table, *told, *printed])


def _cell(text: str) -> str:
    """Return a text that stays in its cell, or line, of Markdown."""
    return " ".join(text.replace("|", "\\|").split())
