"""Codes with prefixes or in several columns, and the reasons of many figures in one column, as
national tables of codes have them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.core.catalog.column_rules import column_comments
from tasks.core.making.tables.staging_tables import load
from tasks.core.model.columns import Column, code, decimal, integer, number, text
from tasks.core.model.declarations import Table
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

SENTINELS = {"-666666666": "not computable", "-555555555": "controlled"}


def loaded(
    database: Database, staging: Staging, folder: Path, content: str, reads: Table
) -> list[tuple[Any, ...]]:
    path = folder / "file.csv"
    path.write_text(content)
    load(database, staging.schema, "loaded", path, reads)
    with database.session(staging.schema) as cursor:
        cursor.execute("SELECT * FROM loaded")
        return cursor.fetchall()


def test_a_prefix_that_all_codes_have_is_left_out(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    reads = Table(
        columns={"municipality": text("C-GEM", prefix="GEM-"), "persons": integer("F-1")},
        delimiter=";",
    )
    assert loaded(database, staging, tmp_path, "C-GEM;F-1\nGEM-10101;5\nGEM-90001;6\n", reads) == [
        ("10101", 5),
        ("90001", 6),
    ]
    with pytest.raises(
        SourceError, match=r"line 3 has 'BEZ-101' \(every code was declared to begin with 'GEM-'\)"
    ):
        loaded(database, staging, tmp_path, "C-GEM;F-1\nGEM-10101;5\nBEZ-101;6\n", reads)


def test_a_code_in_several_columns_is_put_together_with_its_zeros(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    reads = Table(
        columns={"geoid": code(("STATE", 2), ("COUNTY", 3)), "persons": integer("POP")},
        key=("geoid",),
        where={"SUMLEV": "*50"},
    )
    content = "SUMLEV,STATE,COUNTY,POP\n40,1,0,9\n50,1,1,5\n050,48,301,4\n"
    assert loaded(database, staging, tmp_path, content, reads) == [("01001", 5), ("48301", 4)]
    commented = database.value(
        "SELECT col_description(%s::regclass, 1)", f'"{staging.schema}".loaded'
    )
    assert commented == "file.STATE + COUNTY"
    with pytest.raises(
        SourceError, match=r"lacks the declared column that is part of a code \(tried 'COUNTY'\)"
    ):
        loaded(database, staging, tmp_path, "SUMLEV,STATE,POP\n50,1,5\n", reads)
    with pytest.raises(
        SourceError,
        match=r"perhaps \"geoid\": code\(\(\"STATE\", 2\), \(\"COUNTYFP\", 3\)\)\.$",
    ):
        loaded(database, staging, tmp_path, "SUMLEV,STATE,COUNTYFP,POP\n50,1,1,5\n", reads)


def test_the_reasons_of_all_figures_of_a_row_stand_in_one_column(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    described = Column(("E1",), "integer", about="Median income", unit="USD", rule="none")
    reads = Table(
        columns={"id": text("ID"), "income": described, "income_moe": integer("M1")},
        delimiter="|",
        quote="",
        missing=SENTINELS,
        reasons_in="reasons",
        zero=("-555555555",),
    )
    content = "ID|E1|M1\nA|5|1\nB|-666666666|-555555555\nC||2\nD|7|1\n"
    assert loaded(database, staging, tmp_path, content, reads) == [
        ("A", 5, 1, None),
        ("B", None, 0, "income: not computable; income_moe: controlled"),
        ("C", None, 2, "income: absent"),
        ("D", 7, 1, None),
    ]
    assert loaded(database, staging, tmp_path, "ID|E1|M1\nA|5|1\n", reads) == [("A", 5, 1, None)]
    comment = database.value(
        "SELECT col_description(%s::regclass, 2)", f'"{staging.schema}".loaded'
    )
    assert comment == "Median income [unit: USD; aggregate: none; from: file.E1]"


def test_reasons_without_a_marker_or_in_a_column_of_the_file_are_refused(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    for reads in (
        Table(columns={"id": text("ID")}, reasons_in="reasons"),
        Table(
            columns={"id": text("ID"), "reasons": integer("E1")},
            missing=SENTINELS,
            reasons_in="reasons",
        ),
    ):
        with pytest.raises(ConfigurationError, match="cannot be kept in reasons"):
            loaded(database, staging, tmp_path, "ID,E1\nA,5\n", reads)


def test_described_columns_carry_their_rules_into_the_database(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    columns = {
        "id": text("ID", about="Tract"),
        "persons": integer("E0", "E1", about="Residents", unit="persons", rule="sum"),
        "rooms": integer("E2", optional=True, about="Rooms", unit="rooms", rule="sum"),
        "income": decimal("E3", about="Mean income", unit="USD", rule="mean by persons"),
        "geoid": code(("A", 1), ("B", 2), about="Code in two parts"),
        "height": number("H", about="Height", unit="m"),
        "opened": Column(("D",), "date"),
    }
    path = tmp_path / "file.csv"
    path.write_text("ID,E1,E3,A,B,H,D\nA,5,2.5,1,2,3.5,2020-01-01\n")
    load(database, staging.schema, "loaded", path, Table(columns=columns), source="us-acs")
    assert column_comments(database, staging.schema, "loaded") == {
        "id": "Tract [unit: code; aggregate: same; from: us-acs.ID]",
        "persons": "Residents [unit: persons; aggregate: sum; from: us-acs.E1]",
        "rooms": "Rooms [unit: rooms; aggregate: sum; from: not in us-acs]",
        "income": "Mean income [unit: USD; aggregate: mean by persons; from: us-acs.E3]",
        "geoid": "Code in two parts [unit: code; aggregate: same; from: us-acs.A + B]",
        "height": "Height [unit: m; aggregate: none; from: us-acs.H]",
        "opened": "us-acs.D",
    }


def test_columns_of_reasons_say_which_there_are(
    database: Database, staging: Staging, tmp_path: Path
) -> None:
    columns = {"id": text("ID"), "income": integer("E1", about="Income", unit="USD", rule="sum")}
    reads = Table(columns=columns, missing={"*": "suppressed", "C": "suppressed", "x": "unknown"})
    loaded(database, staging, tmp_path, "ID,E1\nA,5\n", reads)
    comments = column_comments(database, staging.schema, "loaded")
    assert comments["income_reason"] == (
        "Why income is empty: suppressed or unknown or absent"
        " [unit: reason; aggregate: none; from: file.E1]"
    )
    reads = Table(columns=columns, missing={"*": "suppressed"}, reasons_in="reasons")
    loaded(database, staging, tmp_path, "ID,E1\nA,5\n", reads)
    comments = column_comments(database, staging.schema, "loaded")
    assert comments["reasons"] == (
        "Why figures of this row are missing, in the publisher's terms, by column"
        " [unit: reason; aggregate: none; from: file]"
    )
