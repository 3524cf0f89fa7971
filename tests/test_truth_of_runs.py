"""Whole runs over damaged originals: published totals are the true ones, or nothing is published.

The quick part is in `make test`; `make test-truth` goes on.
"""

from __future__ import annotations

import os
import random
import shutil
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import database_of_its_own
from psycopg2 import sql
from synthetic import austria as synthetic_austria
from synthetic import belgium as synthetic_belgium

from flows.austria import austria
from flows.belgium import belgium
from tasks.core.postgres.database import Database

pytestmark = pytest.mark.prefect

MINUTES = float(os.environ.get("GEODATA_TRUTH_MINUTES", 0))
RUNS = 2  # of the quick part
# A digit, a sign or a point in its place is a figure that the publisher wrote: nobody can tell.
FIGURES = b"0123456789.,-+eE"
STRANGE = (
    b'"',
    b"'",
    b";",
    b"|",
    b"\t",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b" ",
    b"*",
    b"{",
)
COUNTRIES: dict[str, tuple[Any, int, Callable[[Path], Any]]] = {
    "belgium": (
        belgium,
        2024,
        lambda folder: synthetic_belgium.write(
            folder, municipalities=6, sectors=30, vintages=(2024,)
        ),
    ),
    "austria": (
        austria,
        2025,
        lambda folder: synthetic_austria.write(folder, municipalities=45, vintages=(2025,)),
    ),
}


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The same bytes with one fault in the form, none in a figure."""
    place = next(
        place
        for place in iter(lambda: chance.randrange(len(content)), -1)
        if content[place] not in FIGURES
    )
    before, after = content[:place], content[place + 1 :]
    lines = content.splitlines(keepends=True)
    line = chance.randrange(len(lines))
    faults = (
        before + after,
        before + chance.choice(STRANGE) + content[place:],
        before + chance.choice(STRANGE) + after,
        before + content[place : place + 1] * 2 + after,
        content[: max(place, 1)],
        b"".join(lines[:line] + lines[line + 1 :]),
        b"".join(lines[: line + 1] + lines[line:]),
        content.decode("latin-1").encode(),
    )
    return chance.choice(faults)


def damage(folder: Path, chance: random.Random) -> str:
    """Damage one original of a mirror, as it is packed or in what is packed; tell which."""
    files = (each for each in folder.rglob("*") if each.is_file() and each.name != "mirror.json")
    path = chance.choice(sorted(files))
    if not zipfile.is_zipfile(path) or chance.random() < 0.2:
        path.write_bytes(damaged(path.read_bytes(), chance))
        return path.name
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    name = chance.choice([name for name, content in members.items() if content])
    members[name] = damaged(members[name], chance)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for each, content in members.items():
            packed.writestr(each, content)
    return f"{name} in {path.name}"


def totals(database: Database, schema: str) -> dict[str, Any]:
    """Rows of every published layer, and the sums of its figures but those of the ground."""
    found = {}
    columns = database.rows(
        "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM"
        " information_schema.columns WHERE table_schema = %s AND data_type IN ('bigint', 'numeric')"
        " AND column_name !~ '(area|density)' GROUP BY 1",
        schema,
    )
    for table, names in columns:
        sums = [sql.SQL("sum({})").format(sql.Identifier(name)) for name in names]
        query = sql.SQL("SELECT count(*), {} FROM {}").format(
            sql.SQL(", ").join(sums), sql.Identifier(schema, table)
        )
        with database.session() as cursor:
            cursor.execute(query)
            found[table] = cursor.fetchall()[0]
    return found


@pytest.mark.parametrize("country", COUNTRIES)
def test_totals_are_true_or_nothing_is_published(
    country: str, prefect_server: None, cluster_database: Database, tmp_path: Path
) -> None:
    flow, vintage, write = COUNTRIES[country]
    write(tmp_path / "sound")
    with database_of_its_own(cluster_database, tmp_path / "archive") as database:
        flow(vintage=vintage, mirror=str(tmp_path / "sound"))
        true = totals(database, country)
    assert true
    tally: Counter[str] = Counter()
    until, number = time.monotonic() + 60 * MINUTES, 0
    first = time.time_ns() if MINUTES else 0
    while number < RUNS or time.monotonic() < until:
        chance = random.Random(first + number)
        mirror = tmp_path / f"damaged-{number}"
        shutil.copytree(tmp_path / "sound", mirror)
        what = damage(mirror, chance)
        with database_of_its_own(cluster_database, tmp_path / f"archive-{number}") as database:
            state = flow(vintage=vintage, mirror=str(mirror), return_state=True)
            found = totals(database, country)
        assert found in ({}, true), f"seed {first + number}: {what}: {state.message}"
        assert bool(found) == state.is_completed()
        tally["published the same" if found else f"{state.message}".split(":")[0][:60]] += 1
        shutil.rmtree(mirror)
        number += 1
    print(f"{country}: {number} runs, {dict(tally)}")
