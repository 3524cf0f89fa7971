"""The manifest of an edition: all the catalog holds about it, as one self-describing document,
and as a page for a person.
"""

from __future__ import annotations

from typing import Any

from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Edition
from tasks.core.postgres.database import Database

PARTS = {
    "inputs": "edition_input",
    "dependencies": "edition_dependency",
    "layers": "layer",
    "columns": "layer_column",
    "steps": "step",
    "checks": "check_result",
    "joins": "join_report",
    "topology": "topology_report",
    "code_changes": "code_change",
    "code_labels": "code_label",
    "publications": "publication",
}
NAME_MANIFEST = """
UPDATE catalog.edition SET manifest = %s WHERE dataset = %s AND number = %s
"""


def edition_document(database: Database, dataset: str, number: int) -> dict[str, Any]:
    """Everything known about one edition, read from the catalog; keys are the table's own column
    names.
    """
    found = database.rows(
        "SELECT to_jsonb(e) - 'manifest' FROM catalog.edition e WHERE dataset = %s AND number = %s",
        dataset,
        number,
    )
    if not found:
        raise ConfigurationError(
            f"The catalog has no edition {number} of {dataset!r}: list those it has in"
            " catalog.edition."
        )
    document: dict[str, Any] = {
        "document": "edition of geodata-flows",
        "version": 1,
        "edition": found[0][0],
    }
    document["dataset"] = database.value(
        "SELECT to_jsonb(d) FROM catalog.dataset d WHERE slug = %s", dataset
    )
    document["run"] = (
        database.rows("SELECT to_jsonb(r) FROM catalog.run r WHERE id = %s", found[0][0]["run"])
        or [(None,)]
    )[0][0]
    for part, table in PARTS.items():
        gathered = (
            "SELECT coalesce(jsonb_agg(to_jsonb(t) - 'dataset' - 'number' ORDER BY to_jsonb(t)),"
            " '[]')"
        )
        document[part] = database.value(
            f"{gathered} FROM catalog.{table} t WHERE dataset = %s AND number = %s", dataset, number
        )
    document["steps"].sort(key=lambda step: step["ordinal"])
    document["columns"].sort(key=lambda column: (column["layer"], column["ordinal"]))
    return document


def name_manifest(database: Database, edition: Edition, path: str) -> None:
    """Keep in the catalog which document of the archive is the manifest of an edition."""
    with database.session() as cursor:
        cursor.execute(NAME_MANIFEST, (path, edition.dataset.slug, edition.number))


def summary(document: dict[str, Any]) -> str:
    """A page in Markdown for a person: layers, joins, checks, steps and files of an edition."""
    edition = document["edition"]
    official = (
        f"\n\n**Not official data: made from the mirror {edition['mirror']}.**"
        if edition["mirror"]
        else ""
    )
    return "\n\n".join(
        (
            (
                f"# {document['dataset']['title']}, {edition['vintage']}, edition"
                f" {edition['number']}{official}"
            ),
            _rows(
                "Layers",
                document["layers"],
                ("layer", "row_count", "geometry_type", "srid", "content_hash"),
            ),
            _rows(
                "Joins",
                document["joins"],
                (
                    "areas",
                    "area_count",
                    "areas_matched",
                    "figures",
                    "figure_count",
                    "figures_matched",
                ),
            ),
            _rows("Checks", document["checks"], ("title", "expected", "found", "passed")),
            _rows("Steps", document["steps"], ("ordinal", "sentence", "seconds", "peak_mib")),
            _rows(
                "Files",
                document["inputs"],
                ("source", "source_vintage", "sha256", "url", "retrieved_at"),
            ),
        )
    )


def _rows(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    lines = [" | ".join(_cell(row[column]) for column in columns) for row in rows]
    return "\n".join(
        (f"## {title}", "", " | ".join(columns), " | ".join("---" for _ in columns), *lines)
    )


def _cell(value: Any) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value).replace("|", "\\|")
