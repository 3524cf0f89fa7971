"""Row digests: the same bytes for the same rows, differences by key, and what a published edition
leaves of them in the archive.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.core.archive.hashed_files import digests_name
from tasks.core.catalog import editions, layers, row_digests
from tasks.core.catalog.provenance import record_dataset, record_retrieval
from tasks.core.catalog.row_digests import compare, key_columns, write
from tasks.core.model.declarations import Dataset, Licence, Publisher, Retention, Source, Table
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Edition, Original, Retrieval
from tasks.core.postgres.database import Database
from tasks.running import steps
from tasks.running.site import site
from tasks.verbs.catalog import publish_catalog

PLACES = (
    "(VALUES ('É1', 'Ö', 1, 0.1), ('z1', 'a', 2, 1e-7), ('A2', 'z', 3, NULL), ('A10', 'ä', 4, 2.5))"
    " AS v (code, name, people, share)"
)
MODULUS = 2**63 - 1


@pytest.fixture
def schema(database: Database) -> Iterator[str]:
    """A schema of its own, with a name that must be quoted."""
    name = f"Digests {uuid.uuid4().hex[:8]}"
    with database.session() as cursor:
        cursor.execute(f'CREATE SCHEMA "{name}"')
    yield name
    with database.session() as cursor:
        cursor.execute(f'DROP SCHEMA "{name}" CASCADE')


def table(database: Database, schema: str, name: str, query: str, key: str = "") -> str:
    with database.session(schema) as cursor:
        cursor.execute(f'CREATE TABLE "{name}" AS {query}')
        if key:
            cursor.execute(f'ALTER TABLE "{name}" ADD PRIMARY KEY ({key})')
    return name


def people(change: str = "") -> str:
    """Forty areas with three ages each; a change edits the number of people or leaves rows out."""
    numbers = (
        "SELECT lpad(n::text, 2, '0') AS area, age, n * age AS people FROM generate_series(1, 40)"
        " AS n, generate_series(1, 3) AS age"
    )
    return f"SELECT area, age, {change or 'people'} AS people FROM ({numbers}) AS numbers"


def test_a_file_has_the_key_in_byte_order_the_digest_and_the_number_of_rows(
    database: Database, schema: str, tmp_path: Path
) -> None:
    table(
        database,
        schema,
        "places",
        f'SELECT code COLLATE "en-x-icu" AS code, name, people, share FROM {PLACES}',
        key="code",
    )
    write(database, schema, "places", ["code"], tmp_path / "places")
    found = pq.read_table(tmp_path / "places")
    assert found.schema.equals(
        pa.schema([("code", pa.string()), ("digest", pa.int64()), ("row_count", pa.int64())])
    )
    assert found["code"].to_pylist() == [
        "A10",
        "A2",
        "z1",
        "É1",
    ]  # by the rules of a language, É is before z
    text = "(A10,ä,4,2.5)"
    digest = int.from_bytes(hashlib.md5(text.encode()).digest()[:8], signed=True)
    assert found["digest"][0].as_py() % MODULUS == digest % MODULUS
    assert found["row_count"].to_pylist() == [1] * 4


@pytest.mark.parametrize("columns", [["area", "age"], ["area"], ["age"]])
@pytest.mark.parametrize("key", ["", "area, age"])
def test_digests_add_up_to_the_content_hash(
    database: Database, schema: str, tmp_path: Path, columns: list[str], key: str
) -> None:
    table(database, schema, "people", people(), key)
    write(database, schema, "people", columns, tmp_path / "people")
    found = pq.read_table(tmp_path / "people")
    content = database.value("SELECT geodata.content_hash(%s::regclass, 2)", f'"{schema}"."people"')
    assert (sum(found["digest"].to_pylist()) - int(content[:16], 16)) % MODULUS in (
        0,
        -(2**64) % MODULUS,
    )
    assert (sum(found["row_count"].to_pylist()), found.num_rows) == (
        120,
        {"area, age": 120, "area": 40, "age": 3}[", ".join(columns)],
    )


def test_equal_rows_are_equal_bytes_whatever_their_order_and_the_settings_of_the_session(
    database: Database, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_digests, "GROUP_ROWS", 1000)
    rows = (
        "SELECT n AS id, n * 0.1::double precision AS share, '2024-01-01 00:00Z'::timestamptz +"
        " make_interval(hours => n) AS at, sha256(n::text::bytea) AS bytes FROM generate_series(1,"
        " 2500) AS n"
    )
    table(database, schema, "one", rows)
    table(database, schema, "other", f"{rows} ORDER BY md5(n::text)", key="id")
    for name, options in {
        "one": "",
        "other": (
            "-c DateStyle=German -c TimeZone=Asia/Tokyo -c extra_float_digits=-5 -c"
            " bytea_output=escape"
        ),
    }.items():
        monkeypatch.setenv("PGOPTIONS", options)
        for columns in (["id"], ["at"], ["share", "bytes"]):
            write(database, schema, name, columns, tmp_path / f"{name} {columns}")
    for columns in (["id"], ["at"], ["share", "bytes"]):
        assert (tmp_path / f"one {columns}").read_bytes() == (
            tmp_path / f"other {columns}"
        ).read_bytes()
    assert [
        pq.ParquetFile(tmp_path / "one ['id']").metadata.row_group(group).num_rows
        for group in range(3)
    ] == [1000, 1000, 500]


def test_row_groups_do_not_depend_on_how_rows_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_digests, "GROUP_ROWS", 100)
    whole = pa.record_batch({"code": [f"{n:04}" for n in range(350)]})
    arrivals = (
        [whole],
        [whole.slice(start, 7) for start in range(0, 350, 7)],
        [whole.slice(0, 300), whole.slice(300, 0), whole.slice(300)],
    )
    for batches in arrivals:
        groups = list(row_digests._groups(batches))
        assert [len(group) for group in groups] == [100, 100, 100, 50]
        assert {group["code"].num_chunks for group in groups} == {1}
        assert pa.concat_tables(groups)["code"].to_pylist() == whole["code"].to_pylist()


def test_an_empty_table_has_a_file_too(database: Database, schema: str, tmp_path: Path) -> None:
    table(database, schema, "people", people())
    table(database, schema, "nobody", f"{people()} LIMIT 0")
    write(database, schema, "nobody", ["area"], tmp_path / "nobody")
    found = compare(database, schema, "people", tmp_path / "nobody")
    assert (found.added, found.removed, found.changed) == (40, 0, 0)
    assert not any(
        vars(compare(database, schema, "nobody", tmp_path / "nobody"))[kind]
        for kind in ("added", "removed", "changed")
    )


def test_a_file_of_an_earlier_version_is_compared_by_that(
    database: Database, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    located = "SELECT code, ST_Point(people, 1)::geometry(Point) AS geom"
    table(database, schema, "before", f"{located} FROM {PLACES}", key="code")
    table(database, schema, "now", f"{located} FROM {PLACES}", key="code")
    write(database, schema, "before", ["code"], tmp_path / "today")
    with monkeypatch.context() as patch:
        patch.setattr(row_digests, "HASH_VERSION", 1)
        write(database, schema, "before", ["code"], tmp_path / "first")
    silent = pq.read_table(tmp_path / "first").replace_schema_metadata()
    pq.write_table(silent, tmp_path / "silent", store_schema=False)
    content = "SELECT left(geodata.content_hash('{}.now'::regclass, {}), 16)"
    for name, version in {"today": 2, "first": 1, "silent": 1}.items():
        path = tmp_path / name
        total = sum(pq.read_table(path)["digest"].to_pylist())
        stated = database.value(content.format(f'"{schema}"', version))
        assert (total - int(stated, 16)) % MODULUS in (0, -(2**64) % MODULUS)
        assert compare(database, schema, "now", path).changed == 0
    with database.session(schema) as cursor:
        cursor.execute("UPDATE now SET geom = ST_Point(9, 9) WHERE code = 'z1'")
    for name in ("today", "first", "silent"):
        assert compare(database, schema, "now", tmp_path / name).examples == {"changed": (("z1",),)}


def test_a_difference_by_the_whole_key_names_its_rows(
    database: Database, schema: str, tmp_path: Path
) -> None:
    table(database, schema, "before", people(), key="area, age")
    changed = people("CASE WHEN area < '03' THEN people + 1 ELSE people END")
    table(
        database,
        schema,
        "now",
        f"{changed} WHERE area <> '40' UNION ALL VALUES ('É1', 1, 5)",
        key="area, age",
    )
    write(database, schema, "before", ["area", "age"], tmp_path / "before")
    found = compare(database, schema, "now", tmp_path / "before")
    assert (found.key_columns, found.added, found.removed, found.changed) == (
        ("area", "age"),
        1,
        3,
        6,
    )
    assert found.examples == {
        "added": (("É1", "1"),),
        "removed": (("40", "1"), ("40", "2"), ("40", "3")),
        "changed": tuple((area, age) for area in ("01", "02") for age in "123"),
    }
    assert (
        str(found)
        == "By area, age, keys differ: 1 added (É1/1), 3 removed (40/1, 40/2, 40/3), 6 changed"
        " (01/1, 01/2, 01/3, 02/1, 02/2, 02/3)."
    )
    assert (
        str(compare(database, schema, "before", tmp_path / "before"))
        == "By area, age, no key differs."
    )


def test_a_difference_by_the_first_column_names_groups_of_rows(
    database: Database, schema: str, tmp_path: Path
) -> None:
    table(database, schema, "before", people(), key="area, age")
    kept = (  # a row less is a change of its group; a group less is a removal
        "area <> '39' AND (area, age) <> ('40', 2)"
    )
    changed = people("CASE WHEN area < '30' THEN people + 1 ELSE people END")
    table(
        database,
        schema,
        "now",
        f"{changed} WHERE {kept} UNION ALL VALUES ('41', 1, 5)",
        key="area, age",
    )
    write(database, schema, "before", ["area"], tmp_path / "before")
    found = compare(database, schema, "now", tmp_path / "before")
    assert (found.added, found.removed, found.changed) == (1, 1, 30)
    assert found.examples["changed"] == tuple((f"{number:02}",) for number in range(1, 21))
    assert str(found).startswith(
        "By area, keys differ: 1 added (41), 1 removed (39), 30 changed (01, 02,"
    )
    assert str(found).endswith(", 20 and 10 more).")


def test_a_table_without_the_key_of_before_is_not_compared(
    database: Database, schema: str, tmp_path: Path
) -> None:
    table(database, schema, "before", people())
    write(database, schema, "before", ["area", "age"], tmp_path / "before")
    table(database, schema, "now", "SELECT '1' AS region, 1 AS age")
    for name, there in {"now": "region, age", "nothing": "no table"}.items():
        with pytest.raises(
            CheckFailed,
            match=(
                rf"compared by area, age, and area.* was expected among its columns, found {there}:"
                r" the key has"
            ),
        ):
            compare(database, schema, name, tmp_path / "before")


OFFICE = Publisher(slug="office", name="Office", url="https://office.example")
OPEN = Licence(
    slug="open", title="Open", url="https://office.example/open", attribution="Source: Office"
)
KEYS = {"areas": ("area",), "people": ("area", "age")}
LAYERS = """
CREATE TABLE people AS {people};
CREATE TABLE areas AS SELECT area, sum(people) AS people FROM people GROUP BY area;
COMMENT ON TABLE people IS 'People'; COMMENT ON TABLE areas IS 'Areas';
COMMENT ON COLUMN people.area IS 'Area [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN people.age IS 'Age [unit: years; aggregate: key; from: made up]';
COMMENT ON COLUMN people.people IS 'People [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN areas.area IS 'Area [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN areas.people IS 'People [unit: persons; aggregate: sum; from: made up]';
"""
Publish = Callable[..., Edition]


@pytest.fixture
def publish(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Publishes an edition of two layers of a dataset of its own; the archive is empty, in a folder
    and a replica.
    """
    monkeypatch.setenv("GEODATA_ARCHIVE", str(tmp_path / "archive"))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(tmp_path / "replica"))
    slug = "digests_" + uuid.uuid4().hex[:8]

    def published(retention: Retention = "permanent", slug: str = slug) -> Edition:
        dataset = Dataset(slug=slug, title="Land", country="ZZ", schema=slug, layers=KEYS)
        with database.session() as cursor:
            record_dataset(cursor, dataset)
        found = original(database, f"{slug}-{retention.replace('_', '-')}", retention)
        staging = editions.begin(database, dataset, 2024, (found,), None, rebuild=True)
        with database.session(staging.schema) as cursor:
            cursor.execute(LAYERS.format(people=people()))
        for layer, key in KEYS.items():
            layers.seal(database, staging, layer, key)
        return editions.publish(database, staging)

    return published


def original(database: Database, slug: str, retention: Retention) -> Original:
    source = Source(
        slug=slug,
        vintage=2024,
        title="People",
        publisher=OFFICE,
        licence=OPEN,
        landing_page="",
        urls=("https://office.example/a",),
        container="text",
        reads=Table(columns={}),
        reference_date=date(2024, 1, 1),
        released="yearly",
        confidence="high",
        retention=retention,
        keep_days=60 if retention == "legal_maximum" else None,
    )
    digest, now = hashlib.sha256(slug.encode()).hexdigest(), datetime.now(UTC)
    found = Original(
        source=source, sha256=digest, size=9, url=source.urls[0], retrieved_at=now, state="new"
    )
    record_retrieval(
        database,
        Retrieval(
            source=source, state="new", url=source.urls[0], asked_at=now, sha256=digest, size=9
        ),
        found,
    )
    return found


def test_the_manifest_of_an_edition_names_digests_that_every_location_has(
    database: Database, publish: Publish, tmp_path: Path
) -> None:
    edition = publish()
    publish_catalog.fn(edition)
    ((_, document),) = site().archive.documents.read_all("editions")
    assert {layer: named["key"] for layer, named in document["digests"].items()} == {
        "areas": ["area"],
        "people": ["area", "age"],
    }
    for layer, named in document["digests"].items():
        for location in ("archive", "replica"):
            content = (tmp_path / location / digests_name(named["sha256"])).read_bytes()
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (
                named["sha256"],
                named["size"],
            )
        found = compare(
            database, edition.schema, layer, site().archive.digests.fetch(named["sha256"])
        )
        assert str(found) == f"By {', '.join(named['key'])}, no key differs."
    with database.session() as cursor:
        cursor.execute(
            f"UPDATE \"{edition.schema}\".people SET people = 0 WHERE (area, age) = ('07', 2)"
        )
    found = compare(
        database,
        edition.schema,
        "people",
        site().archive.digests.fetch(document["digests"]["people"]["sha256"]),
    )
    assert str(found) == "By area, age, keys differ: 1 changed (07/2)."


def test_closing_the_record_again_changes_nothing(publish: Publish, tmp_path: Path) -> None:
    edition = publish()
    publish_catalog.fn(edition)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    publish_catalog.fn(edition)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_location_that_is_down_is_named_for_digests_and_manifest(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud: list[str] = []
    monkeypatch.setattr(
        steps,
        "log",
        lambda level, sentence: loud.append(sentence) if level >= logging.WARNING else None,
    )
    (tmp_path / "replica").write_text("a file where a folder should be")
    publish_catalog.fn(publish())
    lacks = [
        sentence.partition(") ")[2].partition(" ")[2]
        for sentence in loud
        if f"location {tmp_path / 'replica'} (" in sentence
    ]
    ((name, document),) = site().archive.documents.read_all("editions")
    digests = document["digests"]
    assert lacks == [
        *(f"the row digests {digests[layer]['sha256']} of {layer}." for layer in KEYS),
        f"the manifest {name}.",
    ]
    assert json.loads((tmp_path / "archive" / name).read_text()) == document


def test_a_great_layer_is_told_apart_by_its_first_column_only(
    database: Database, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition = publish()
    monkeypatch.setattr(row_digests, "WHOLE_KEY_ROWS", 119)
    assert key_columns(database, edition.dataset.slug, edition.number) == {
        "areas": ("area",),
        "people": ("area",),
    }
    monkeypatch.setattr(row_digests, "WHOLE_KEY_ROWS", 39)
    assert key_columns(database, edition.dataset.slug, edition.number) == {
        "areas": ("area",),
        "people": ("area",),
    }


def test_no_whole_key_of_what_a_law_gives_an_end_stays(
    database: Database, publish: Publish
) -> None:
    limited = publish("legal_maximum")
    assert key_columns(database, limited.dataset.slug, limited.number) == {"people": ("area",)}
    above = publish(slug=f"{limited.dataset.slug}_above")
    assert key_columns(database, above.dataset.slug, above.number) == {
        "areas": ("area",),
        "people": ("area", "age"),
    }
    with database.session() as cursor:
        dependency = (above.dataset.slug, above.number, limited.dataset.slug, limited.number)
        cursor.execute(
            "INSERT INTO catalog.edition_dependency VALUES (%s, %s, %s, %s, '{people}')", dependency
        )
    assert key_columns(database, above.dataset.slug, above.number) == {"people": ("area",)}
    publish_catalog.fn(above)
    ((_, document),) = site().archive.documents.read_all("editions")
    assert set(document["digests"]) == {"people"}
