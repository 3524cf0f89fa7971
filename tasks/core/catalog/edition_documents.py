"""The manifest of an edition: all the catalog holds about it, as a document and as a page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tasks.core.catalog import rows
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
    "changes": "change",
    "ledger_drafts": "ledger_draft",
    "acceptances": "acceptance",
    "publications": "publication",
}
ROWS = "jsonb_agg(to_jsonb(t) - 'dataset' - 'number' ORDER BY to_jsonb(t))"
TABLES = {  # of the page for a person, by title: a part and its columns
    "Layers": ("layers", "layer row_count geometry_type srid content_hash"),
    "Joins": ("joins", "areas area_count areas_matched figures figure_count figures_matched"),
    "Checks": ("checks", "title expected found passed"),
    "Steps": ("steps", "ordinal sentence seconds peak_mib"),
    "Files": ("inputs", "source source_vintage sha256 url retrieved_at"),
}

LEFT_OUT = ("left_out", "skipped", "notes")  # figures of steps, as in catalog.rows_left_out


def edition_document(database: Database, dataset: str, number: int) -> dict[str, Any]:
    """Return everything known about one edition; keys are the tables' own column names."""
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
    query, run = "SELECT to_jsonb(r) FROM catalog.run r WHERE id = %s", found[0][0]["run"]
    document["run"] = next((row for (row,) in database.rows(query, run)), None)
    for part, table in PARTS.items():
        query = f"SELECT coalesce({ROWS}, '[]') FROM catalog.{table} t"
        query += " WHERE dataset = %s AND number = %s"
        document[part] = database.value(query, dataset, number)
    document["steps"].sort(key=lambda step: step["ordinal"])
    document["changes"].sort(key=lambda change: change["ordinal"])
    document["columns"].sort(key=lambda column: (column["layer"], column["ordinal"]))
    return document


def manifest_name(document: dict[str, Any]) -> str:
    """Return the name in the archive of the manifest of an edition, by its document."""
    edition, slug = document["edition"], document["dataset"]["slug"]
    moment = datetime.fromisoformat(edition["published_at"]).astimezone(UTC)
    name = f"{edition['number']:04d}-{moment:%Y%m%dT%H%M%S}"
    return f"editions/{slug}/{edition['vintage']}/{name}.json"


def name_manifest(database: Database, edition: Edition, path: str) -> None:
    """Keep in the catalog which document of the archive is the manifest of an edition."""
    with database.session() as cursor:
        of_edition = {"dataset": edition.dataset.slug, "number": edition.number}
        rows.update(cursor, "edition", {"manifest": path}, of_edition)


def summary(document: dict[str, Any]) -> str:
    """Return a page in Markdown: the layers, joins, checks, steps and files of an edition."""
    edition = document["edition"]
    title = f"# {document['dataset']['title']}, {edition['vintage']}, edition {edition['number']}"
    if edition["as_of"]:
        title += f", {date.fromisoformat(edition['as_of']):%B %Y}"
    if edition["mirror"]:
        title += f"\n\n**Not official data: made from the mirror {edition['mirror']}.**"
    tables = [
        _table(heading, document[part], columns.split())
        for heading, (part, columns) in TABLES.items()
    ]
    return "\n\n".join([title, *tables, *_absences(document["steps"])])


def _absences(steps: list[dict[str, Any]]) -> list[str]:
    """Return tables of the columns and rows that the files did not give, where there are any."""
    absent = [
        {"table": step["subject"], "column": name}
        for step in steps
        for name in step["figures"].get("absent", ())
    ]
    left_out = [
        {"table": step["subject"], "reason": reason, "rows": told}
        for step in steps
        for figure in LEFT_OUT
        for reason, told in _reasons(figure, step["figures"].get(figure))
    ]
    found = {"Absent columns": absent, "Rows left out": left_out}
    return [_table(title, facts, [*facts[0]]) for title, facts in found.items() if facts]


def _reasons(figure: str, told: Any) -> list[tuple[str, Any]]:
    """Return why rows were left out and how many: the figure of a step is a number by reason,
    one number, or the rows themselves.
    """
    if isinstance(told, dict):
        return [pair for reason, value in told.items() for pair in _reasons(reason, value)]
    return [(figure, len(told) if isinstance(told, list) else told)] if told else []


def _table(title: str, facts: list[dict[str, Any]], columns: list[str]) -> str:
    lines = [" | ".join(_cell(row[column]) for column in columns) for row in facts]
    return "\n".join(
        (f"## {title}", "", " | ".join(columns), " | ".join("---" for _ in columns), *lines)
    )


def _cell(value: Any) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value).replace("|", "\\|")
