"""The differential test: what the product loads of any file is what independent readers read.

The quick part is in `make test`; `make test-truth MINUTES=8` goes on for so long with each kind of
file. What it finds is kept in tests/truth/cases and tried by every run.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from truth import layer_files, parquet_files, text_files, workbook_files
from truth.cases import KEPT, Case, Refused, Row, Undecided, in_order, loaded
from truth.mutations import mutated

from tasks.core.model.errors import GeodataError
from tasks.core.postgres.database import Database

# GDAL also says aloud what it is told to bear
pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::hypothesis.errors.HypothesisWarning",
)

MINUTES = float(os.environ.get("GEODATA_TRUTH_MINUTES", 0))  # for each kind of file
EXAMPLES = 12 if not MINUTES else 400
READERS: dict[str, Callable[[Case], list[Row]]] = {
    "csv": text_files.read,
    "parquet": parquet_files.read,
    "xlsx": workbook_files.read_xlsx,
    "ods": workbook_files.read_ods,
    "geojson": layer_files.read_geojson,
    "gpkg": layer_files.read_fiona,
    "shp.zip": layer_files.read_fiona,
    "fgb": layer_files.read_fiona,
}


@st.composite
def broken(draw: Any, cases: st.SearchStrategy[Case]) -> Case:
    """Files with faults in their bytes."""
    case = draw(cases)
    content = draw(mutated(case.content))
    return Case(case.format, content, case.columns, case.names, case.options)


KINDS: dict[str, st.SearchStrategy[Case]] = {
    "text": text_files.cases(),
    "broken text": broken(text_files.cases()),
    "Parquet": parquet_files.cases(),
    "broken Parquet": broken(parquet_files.cases()),
    "XLSX": workbook_files.cases("xlsx"),
    "strange XLSX": workbook_files.strange(),
    "broken XLSX": broken(workbook_files.cases("xlsx")),
    "ODS": workbook_files.cases("ods"),
    "GeoJSON": layer_files.cases("geojson"),
    "broken GeoJSON": broken(layer_files.cases("geojson")),
    "GeoPackage": layer_files.cases("gpkg"),
    "broken GeoPackage": broken(layer_files.cases("gpkg")),
    "Shapefile": layer_files.cases("shp.zip"),
    "broken Shapefile": broken(layer_files.cases("shp.zip")),
    "FlatGeobuf": layer_files.cases("fgb"),
    "broken FlatGeobuf": broken(layer_files.cases("fgb")),
}


@pytest.fixture
def schema(database: Database) -> Iterator[Database]:
    """A database with an empty schema for what is loaded."""
    with database.session() as cursor:
        cursor.execute("CREATE SCHEMA truth")
    yield database
    with database.session() as cursor:
        cursor.execute("DROP SCHEMA truth CASCADE")


def compared(case: Case, database: Database, folder: Path) -> str:
    """Load a file and read it independently; fail where the two differ, and give how it ended."""
    found = loaded(case, database, folder)
    try:
        expected = READERS[case.format](case)
    except Undecided as why:
        return f"undecided: {why}"
    except Refused as refused:
        expected, why = None, f"{refused}"
    if expected is None:
        assert isinstance(found, GeodataError), f"loaded {found} of what is no such file: {why}"
        return "refused by both"
    if isinstance(found, GeodataError):
        assert not case.sound, f"refused a sound file: {found}"
        return "refused"
    assert in_order(found) == in_order(expected)
    return "the same"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_loaded_is_what_others_read(
    kind: str, schema: Database, tmp_path: Path, record_property: Callable[[str, Any], None]
) -> None:
    tally: Counter[str] = Counter()
    tried: list[Case] = []  # the last one, which is the smallest where two readers differ

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS[kind])
    def compare(case: Case) -> None:
        tried[:] = [case]
        tally[compared(case, schema, tmp_path)] += 1

    until, number = time.monotonic() + 60 * MINUTES, 0
    while number == 0 or time.monotonic() < until:
        try:
            seed(number if not MINUTES else time.time_ns())(compare)()
        except Exception:  # whatever a reader of ours or of others raises, its case is kept
            print(f"kept as {tried[0].keep(KEPT if MINUTES else tmp_path)}")
            raise
        number += 1
    said = f"{kind}: {tally.total():,} cases, {dict(tally.most_common())}"
    record_property("tally", said)
    print(said)
    assert tally["the same"] + tally["refused by both"] + tally["refused"], "nothing was compared"


@pytest.mark.parametrize("kept", sorted(KEPT.glob("*.json")), ids=lambda path: path.stem)
def test_what_once_differed_is_the_same(kept: Path, schema: Database, tmp_path: Path) -> None:
    compared(Case.of_json(kept.read_text(encoding="ascii")), schema, tmp_path)
