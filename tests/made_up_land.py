"""A made-up land of three areas: its office's files, and its editions staged and published in a
real PostGIS.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

from tasks.core.catalog import editions, layers
from tasks.core.catalog.provenance import record_dataset, record_retrieval
from tasks.core.model.declarations import Dataset, Licence, Publisher, Source, Table
from tasks.core.model.handles import Edition, Original, Retrieval, Staging
from tasks.core.postgres.database import Database

OFFICE = Publisher(slug="office", name="Office", url="https://office.example")
OPEN = Licence(
    slug="open", title="Open", url="https://office.example/open", attribution="Source: Office"
)


def made_up(database: Database, name: str) -> Dataset:
    """A dataset of its own for a test, in the catalog."""
    slug = "land_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    made = Dataset(
        slug=slug, title="Land", country="ZZ", schema=slug, layers={"areas": ("code",)}, keep=2
    )
    with database.session() as cursor:
        record_dataset(cursor, made)
    return made


def original(
    database: Database, dataset: Dataset, content: str, vintage: int = 2024, mirror: str = ""
) -> Original:
    """A file of the office, in the catalog; one content is one original."""
    source = Source(
        slug=f"{dataset.slug}-areas",
        vintage=vintage,
        title="Areas",
        publisher=OFFICE,
        licence=OPEN,
        landing_page="",
        urls=("https://office.example/a",),
        container="text",
        reads=Table(columns={}),
        reference_date=date(vintage, 1, 1),
        released="yearly",
        confidence="high",
        mirror=mirror,
    )
    digest = hashlib.sha256(content.encode()).hexdigest()
    now = datetime.now(UTC)
    found = Original(
        source=source,
        sha256=digest,
        size=len(content),
        url=source.urls[0],
        retrieved_at=now,
        state="new",
    )
    record_retrieval(
        database,
        Retrieval(
            source=source,
            state="new",
            url=source.urls[0],
            asked_at=now,
            sha256=digest,
            size=len(content),
        ),
        found,
    )
    return found


WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
AREAS = """
CREATE TABLE areas AS
SELECT 'A' || n AS code, {people} * n AS people,
       ST_MakeEnvelope(n, 0, n + 1, 1, 31370)::geometry(Polygon, 31370) AS geom
  FROM generate_series(1, 3) AS n;
COMMENT ON TABLE areas IS 'Areas of a made-up land';
COMMENT ON COLUMN areas.code IS 'Code [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN areas.people IS 'People [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN areas.geom IS 'Border [unit: m; aggregate: none; from: made up]';
"""


def staged(
    database: Database,
    dataset: Dataset,
    people: int,
    vintage: int = 2024,
    mirror: str = "",
    extra: str = "",
    rebuild: bool = False,
) -> Staging:
    """A new edition with its table, not yet sealed; extra: SQL that runs after it is made."""
    found = original(database, dataset, f"{people} {vintage}", vintage, mirror)
    staging = editions.begin(database, dataset, vintage, (found,), None, rebuild=rebuild)
    with database.session(staging.schema) as cursor:
        cursor.execute(AREAS.format(people=people) + extra)
    return staging


def published(
    database: Database,
    dataset: Dataset,
    people: int,
    vintage: int = 2024,
    mirror: str = "",
    extra: str = "",
    rebuild: bool = False,
) -> Edition:
    """A new edition that is shown, and whose manifest was written."""
    staging = staged(database, dataset, people, vintage, mirror, extra, rebuild)
    layers.seal(database, staging, "areas", ("code",))
    edition = editions.publish(database, staging)
    with database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.edition SET manifest = 'written' WHERE dataset = %s AND number = %s",
            (dataset.slug, edition.number),
        )
    return edition


def people(database: Database, dataset: Dataset, view: str = "areas") -> int:
    """What a reader sees: six times the people of the edition shown."""
    return int(database.value(f'SELECT sum(people) FROM "{dataset.schema}"."{view}"'))
