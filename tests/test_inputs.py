"""Sources by name: what a flow gives, takes out and loads by its keywords."""

from __future__ import annotations

import copy
import hashlib
import pickle
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from prefect import flow
from pydantic import TypeAdapter
from workbooks import write_xlsx

from tasks.core.catalog.wholeness import PROOF
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import File, Files, Input, Inputs, Original, Staging
from tasks.core.model.names import sources_by_name
from tasks.core.postgres.database import Database
from tasks.core.upstream import mirrors, stand_ins
from tasks.nouns import Document, Features, Licence, Publisher, Source, Table, integer, text
from tasks.running.site import site
from tasks.verbs.files import unpack, unpack_original
from tasks.verbs.originals import backup
from tasks.verbs.tables import load

CODES = Table(columns={"code": text("code")}, key=("code",))
SOURCE = Source(
    slug="zz-codes",
    vintage=2024,
    title="Codes",
    publisher=Publisher(slug="office", name="Office", url="https://office.example"),
    licence=Licence(slug="open", title="Open", url="", attribution="Office"),
    landing_page="https://office.example",
    urls=("https://office.example/codes",),
    container="zip",
    reads=CODES,
    reference_date=date(2024, 1, 1),
    released="yearly",
    confidence="high",
)


def source(slug: str, **facts: Any) -> Source:
    return replace(SOURCE, slug=slug, **facts)


def given(**sources: Any) -> Inputs:
    """Inputs as backup gives them, of files that need not be there."""
    return Inputs(
        {
            keyword: {
                part: Input(name=f"{keyword}_{part}".rstrip("_"), original=original(each))
                for part, each in parts.items()
            }
            for keyword, parts in sources_by_name(sources).items()
        }
    )


def original(of: Source, path: Path | None = None) -> Original:
    sha256 = hashlib.sha256(path.read_bytes() if path else b"").hexdigest()
    if path:
        site().archive.originals.put(path, sha256)
    return Original(
        source=of,
        sha256=sha256,
        size=1,
        url=f"https://office.example/{path.name if path else 'none'}",
        retrieved_at=datetime(2024, 1, 1, tzinfo=UTC),
        state="new",
    )


def test_inputs_are_asked_for_by_their_keywords() -> None:
    states = {"01": source("zz-01"), "02": source("zz-02")}
    files = given(population=source("zz-people"), tracts=states)
    assert (files.population.table, files.population.source.slug) == ("population", "zz-people")
    assert [each.name for each in files.parts("tracts")] == ["tracts_01", "tracts_02"]
    assert files.tables("tracts") == ("tracts_01", "tracts_02")
    assert [name for name, _ in files] == ["population", "tracts_01", "tracts_02"]
    assert [each.source.slug for each in files.originals] == ["zz-people", "zz-01", "zz-02"]
    with pytest.raises(
        ConfigurationError, match=r"'people' and has given none.*population, tracts"
    ):
        assert files.people
    with pytest.raises(ConfigurationError, match=r"'tracts' is several, of the parts 01, 02"):
        assert files.tracts


def test_a_source_may_give_several_tables() -> None:
    files = given(book=source("zz-book", reads={"a": CODES, "b": CODES}))
    assert files.tables("book") == files.book.tables == ("book_a", "book_b")
    with pytest.raises(ConfigurationError, match="zz-book gives the tables book_a, book_b"):
        assert files.book.table


def test_inputs_are_copied_and_serialised_as_they_are() -> None:
    files = given(population=source("zz-people"), book=source("zz-book", reads={"a": CODES}))
    assert pickle.loads(pickle.dumps(files)) == copy.deepcopy(files) == files
    assert not hasattr(files, "submit")
    manifest = TypeAdapter(Original)
    for each in files.originals:
        assert manifest.validate_json(manifest.dump_json(each)).source == each.source


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({"Shapes": SOURCE}, "name 'Shapes' for zz-codes was expected to be that of a table"),
        ({"shapes": {"A-1": SOURCE}}, "name 'shapes_A-1' for zz-codes"),
        ({"shapes": {}}, "'shapes' of a backup was expected to give a source"),
        ({"tables": SOURCE}, "'tables' of a backup is a word of the inputs themselves"),
        (
            {"a": SOURCE, "b": SOURCE},
            "zz-codes 2024 is given to one backup twice, as 'a' and as 'b'",
        ),
        (
            {"a": {"b": source("zz-1")}, "a_b": source("zz-2")},
            "table 'a_b' is named twice in one backup, for zz-1 2024 and for zz-2 2024",
        ),
        (
            {"a": {"b": SOURCE}, "a_b": SOURCE},
            "zz-codes 2024 is given to one backup twice, as 'a_b' and as 'a_b'",
        ),
        (
            {"a": {"b": SOURCE}, "a_b": replace(SOURCE, vintage=2025)},
            "table 'a_b' is named twice in one backup, for zz-codes 2024 and for zz-codes 2025",
        ),
    ],
    ids=[
        *("capital", "part", "empty", "reserved"),
        *("source twice", "table twice", "part twice", "vintages"),
    ],
)
def test_a_wrong_keyword_is_told_in_a_sentence(sources: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as error:
        backup(**sources)
    assert str(error.value).endswith(".")


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"data/{name}.csv", content)
    return path


def unpacked(name: str, of: Source, path: Path) -> Files:
    files = {file.part: file for file in unpack_original.fn(original(of, path))}
    return Files({name: files})


def test_members_of_an_archive_are_parts(tmp_path: Path) -> None:
    path = zipped(tmp_path / "codes.zip", communes="code\nA\n", regions="code\nR\n")
    reads = {name: replace(CODES, member=f"{name}.csv") for name in ("communes", "regions")}
    files = unpacked("codes", source("zz-codes", reads=reads), path)
    assert files.tables("codes") == ("codes_communes", "codes_regions")
    assert [Path(file.path).name for file in files.parts("codes")] == [
        "communes.csv",
        "regions.csv",
    ]
    assert files.parts("codes")[0].reads == reads["communes"]


def test_territories_are_parts_by_number(tmp_path: Path) -> None:
    path = zipped(tmp_path / "codes.zip", north="code\nA\n", south="code\nB\n")
    files = unpacked("codes", source("zz-codes", member="*.csv", territories=True), path)
    assert files.tables("codes") == ("codes_0", "codes_1")
    assert [file.reads for file in files.parts("codes")] == [CODES, CODES]


@pytest.mark.prefect
def test_sheets_and_layers_are_loaded_as_tables_of_one_original(
    prefect_server: None, tmp_path: Path, database: Database, staging: Staging
) -> None:
    rows = {"North": [["code"], ["A"]], "South": [["code"], ["B"], ["C"]]}
    book = write_xlsx(tmp_path / "book.xlsx", rows)
    shapes = tmp_path / "shapes.gpkg"
    for layer in ("land", "sea"):
        frame = geopandas.GeoDataFrame(
            {"code": [layer]}, geometry=[shapely.box(0, 0, 1, 1)], crs=3035
        )
        frame.to_file(shapes, layer=layer)
    sheets = {name: replace(CODES, sheet=name.title()) for name in ("north", "south")}
    features = Features(columns={"code": text("code")}, crs=3035, published_crs=3035)
    layers = {name: replace(features, layer=name) for name in ("land", "sea")}
    terms = source("zz-terms", reads=Document(standard="OGD Austria Metadata"))
    inputs = {
        "book": original(source("zz-book", reads=sheets, container="xlsx"), book),
        "map": original(source("zz-map", reads=layers, container="sqlite"), shapes),
        "terms": original(terms, zipped(tmp_path / "terms.zip", terms="{}")),
    }

    @flow
    def loads() -> None:
        files = unpack(
            Inputs({name: {"": Input(name=name, original=each)} for name, each in inputs.items()})
        )
        assert isinstance(files.terms, File)
        load(staging, files)

    loads()
    with database.session(staging.schema) as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND"
            " table_name <> %s ORDER BY 1",
            (staging.schema, PROOF),
        )
        assert [name for (name,) in cursor.fetchall()] == [
            "book_north",
            "book_south",
            "map_land",
            "map_sea",
        ]
        cursor.execute("SELECT code FROM book_south UNION ALL SELECT code FROM map_sea ORDER BY 1")
        assert cursor.fetchall() == [("B",), ("C",), ("sea",)]


def test_a_mirror_changes_how_one_of_several_tables_is_read(tmp_path: Path) -> None:
    reads = {"a": CODES, "b": replace(CODES, columns={"people": integer("people")})}
    declared = source("zz-book", reads=reads)
    entry = {"path": "book.csv", "reads": {"b": {"delimiter": ";"}}}
    mirror = stand_ins.StandIn(
        location=str(tmp_path), label="made-up", about="", hosts={}, sources={"zz-book-2024": entry}
    )
    assert mirrors.apply(declared, mirror).reads == reads | {
        "b": replace(reads["b"], delimiter=";")
    }
    entry["reads"] = {"c": {}}
    with pytest.raises(ConfigurationError, match="has the unknown field 'c': use a, b"):
        mirrors.apply(declared, mirror)
