"""SQL: rows of the catalog are written by name, and long statements stand in modules about them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg2 import sql

from tasks.core.catalog import rows
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database, records

ROOT = Path(__file__).parents[1]
LONGEST = 270  # characters of a statement beside the code that uses it
STATEMENT = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER TABLE)\b")
INSERT = re.compile(r"INSERT\s+INTO\s+catalog\.\w+(\s+AS\s+\w+)?\s*(?P<columns>\()?")


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The string constants of a module with their lines, f-strings whole, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in parts | told:
            continue
        if isinstance(node, ast.JoinedStr):
            pieces = (part.value for part in node.values if isinstance(part, ast.Constant))
            yield node.lineno, "{}".join(map(str, pieces))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def modules() -> list[Path]:
    return sorted((ROOT / "tasks").rglob("*.py"))


def by_position(text: str) -> list[str]:
    """The insertions into the catalog that name no columns, or whose values are bound by place."""
    found = [match for match in INSERT.finditer(text)]
    return [match[0] for match in found if not match["columns"] or "%s" in text[match.start() :]]


def test_rows_of_the_catalog_are_written_by_name() -> None:
    at_fault = [
        f"{path.relative_to(ROOT)}:{line} {each}"
        for path in modules()
        for line, text in texts(path)
        for each in by_position(text)
    ]
    scripts = sorted((ROOT / "sql").glob("*.sql")) + sorted((ROOT / "sql/functions").glob("*.sql"))
    at_fault += [path.name for path in scripts if by_position(path.read_text(encoding="utf-8"))]
    assert at_fault == []


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO catalog.step VALUES (%(dataset)s, %(number)s)",
        "INSERT INTO catalog.step AS known VALUES (1, 2)",
        "INSERT INTO catalog.step SELECT * FROM new",
        "INSERT INTO catalog.step (dataset, number) VALUES (%s, %s)",
    ],
)
def test_an_insertion_by_position_is_found(text: str) -> None:
    assert by_position(text)


def test_long_statements_stand_in_modules_of_statements() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{line} has a statement of {len(text)} characters"
        for path in modules()
        if path.name != "statements.py"
        for line, text in texts(path)
        if len(text) > LONGEST and STATEMENT.search(text)
    ]
    assert long == []


def test_statements_are_named_by_what_they_do() -> None:
    verbs = ("SELECT_", "INSERT_", "UPDATE_", "UPSERT_", "DELETE_", "CREATE_", "WHERE_")
    for path in (ROOT / "tasks").rglob("statements.py"):
        names = [
            target.id
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        assert names
        assert [name for name in names if not name.startswith(verbs)] == []


def test_a_row_is_inserted_kept_replaced_and_changed(other_database: Database) -> None:
    row = {"slug": "o", "name": "100 % ours", "url": "https://o.example"}
    with other_database.session() as cursor:
        rows.insert(cursor, "publisher", row)
        rows.insert_new(cursor, "publisher", row | {"name": "other"})
    assert other_database.rows("SELECT name FROM catalog.publisher") == [("100 % ours",)]
    with other_database.session() as cursor:
        rows.upsert(cursor, "publisher", row | {"name": "A", "url": "a"}, ("slug",), ("name",))
    assert other_database.rows("TABLE catalog.publisher") == [("o", "A", "https://o.example")]
    with other_database.session() as cursor:
        rows.upsert(cursor, "publisher", row | {"url": sql.SQL("upper('b')")}, ("slug",))
        rows.update(cursor, "publisher", {"name": "C"}, {"slug": "o", "url": "B"})
        rows.update(cursor, "publisher", {"name": "D"}, {"slug": "o", "url": None})
    assert other_database.rows("TABLE catalog.publisher") == [("o", "C", "B")]


def test_rows_of_documents_get_defaults_and_numbers_of_their_own(other_database: Database) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    record = {"drill": True, "scope": "kept", "archive": ("a",), "code_revision": "", "machine": ""}
    with other_database.session() as cursor:
        first = rows.insert_returning(cursor, "rebuild", record, "id")
        rows.insert_json(cursor, "rebuild", [record | {"id": first, "started_at": at}])
        rows.insert_json(cursor, "rebuild", [])
        found = records(cursor, "SELECT id, started_at, verdict, archive FROM catalog.rebuild")
    assert [(each.verdict, each.archive) for each in found] == [("running", ["a"])] * 2
    assert found[0].id == first != found[1].id
    assert found[1].started_at == at


def test_the_columns_of_a_table_are_told_in_order(database: Database) -> None:
    with database.session() as cursor:
        found = columns(cursor, "catalog", "publisher")
        assert columns(cursor, "catalog", "nothing") == []
    assert [(each.name, each.data_type) for each in found] == [
        ("slug", "text"),
        ("name", "text"),
        ("url", "text"),
    ]
    assert found[0].comment == "Stable short name."
