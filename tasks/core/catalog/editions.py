"""The life of an edition in the database: begun in a staging schema, sealed, shown, removed."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.archive.archived_editions import NO_FLOOR, Floor
from tasks.core.catalog import rows
from tasks.core.catalog.fingerprints import fingerprint
from tasks.core.catalog.foundations import build_on
from tasks.core.catalog.precedents import made_already, made_by, protect_official_data, waiting
from tasks.core.catalog.publications import show
from tasks.core.catalog.statements import (
    SELECT_NEXT_NUMBER,
    SELECT_PARTITIONS,
)
from tasks.core.catalog.wholeness import begin_proof, require_whole
from tasks.core.model.declarations import Dataset
from tasks.core.model.handles import Edition, Foundation, Original, Staging
from tasks.core.model.revision import code_revision
from tasks.core.postgres.database import Database, records


class NothingNew(Exception):
    """These files and this code made an edition that is shown, or that a person switched away."""


class InReview(Exception):
    """These files and this code made an edition that waits for a person to accept it."""

    def __init__(self, staging: Staging) -> None:
        super().__init__(staging)
        self.staging = staging


class Sealed(Exception):
    """These files and this code made an edition that could not be shown then."""

    def __init__(self, staging: Staging) -> None:
        super().__init__(staging)
        self.staging = staging


def begin(
    database: Database,
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    run: str | None,
    *,
    rebuild: bool,
    after: Sequence[Foundation] = (),
    floor: Floor = NO_FLOOR,
) -> Staging:
    """Make the staging schema of a new edition and its row in the catalog.

    floor: the last number and moment that the archive knows. Raises, unless `rebuild`, where there
    is an edition with the same fingerprint: NothingNew when it is shown, was rolled back or
    withdrawn, Sealed when it waits to be shown, InReview when it waits to be accepted. A rebuild
    that was started again, as after an eviction, does not make its own edition twice.
    """
    mark = fingerprint(dataset, vintage, originals, after)
    with database.session() as cursor:
        if mirror := mirror_of(originals, after):
            protect_official_data(cursor, dataset, vintage, mirror)
        anew = rebuild and not made_by(cursor, run, dataset, vintage, mark)
        if not anew and (kept := waiting(cursor, dataset, vintage, mark, mirror)):
            raise (InReview if kept[0] == "review" else Sealed)(kept[1])
        if not anew and (made := made_already(cursor, dataset, vintage, mark)):
            number, why = made
            raise NothingNew(
                f"Nothing new for {dataset.slug} {vintage}: edition {number} was made from these"
                f" files by this code and {why}."
            )
        return open_edition(cursor, dataset, vintage, originals, run, after, mark, floor)


def open_edition(
    cursor: Cursor,
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    run: str | None,
    after: Sequence[Foundation],
    mark: str,
    floor: Floor = NO_FLOOR,
) -> Staging:
    """Give the next edition its number, its row in the catalog and its staging schema.

    The schema has views of its foundations. mark: its fingerprint. floor: the last number and
    moment that the archive knows, which a database newer than the archive must not give again.
    """
    number = _next_number(cursor, dataset, floor.number)
    staging = _staging(dataset, vintage, number, originals, after)
    row = {
        "vintage": vintage,
        "mirror": staging.mirror,
        "run": run,
        "code_revision": code_revision(),
        "fingerprint": mark,
        "schema_name": staging.schema,
        "derived": staging.is_derived,
        "started_at": sql.SQL("greatest(clock_timestamp(), {})").format(sql.Literal(floor.moment)),
    }
    rows.insert(cursor, "edition", rows.of_edition(staging) | row)
    for original in originals:
        _record_input(cursor, staging, original)
    cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(staging.schema)))
    begin_proof(cursor, staging)
    for foundation in after:
        build_on(cursor, staging, foundation)
    return staging


def _staging(
    dataset: Dataset,
    vintage: int,
    number: int,
    originals: tuple[Original, ...],
    after: Sequence[Foundation],
) -> Staging:
    return Staging(
        dataset=dataset,
        vintage=vintage,
        schema=f"{dataset.slug}_staging_{number}",
        edition=number,
        mirror=mirror_of(originals, after),
        stated=any(original.source.states_numbers for original in originals),
    )


def _next_number(cursor: Cursor, dataset: Dataset, floor: int) -> int:
    """Return the number of the next edition; the lock lets one be given at a time."""
    cursor.execute("SELECT FROM catalog.dataset WHERE slug = %s FOR UPDATE", (dataset.slug,))
    cursor.execute(SELECT_NEXT_NUMBER, {"dataset": dataset.slug, "floor": floor})
    return int(cursor.fetchall()[0][0])


def _record_input(cursor: Cursor, staging: Staging, original: Original) -> None:
    row = rows.same(original, "sha256 url retrieved_at")
    row |= rows.same(original.source, "title reference_date")
    row |= {"source": original.source.slug, "source_vintage": original.source.vintage}
    rows.insert(cursor, "edition_input", rows.of_edition(staging) | row)


def mirror_of(originals: tuple[Original, ...], after: Sequence[Foundation]) -> str:
    """Return the mirror an edition is made from, also by its foundations; "" for official data."""
    labels = [original.source.mirror for original in originals] + [each.mirror for each in after]
    return next(filter(None, labels), "")


def publish(database: Database, staging: Staging) -> Edition:
    """Show a staging whose layers are sealed, or what an attempt before this one left of it.

    Raises ConfigurationError that names the readers in the way, when there are any; the edition is
    kept sealed then.
    """
    dataset = staging.dataset
    edition = _edition(dataset, staging.vintage, staging.edition)
    before = state(database, staging)
    if before not in ("sealed", "published"):
        put_away(database, staging, "sealed")
    if before != "published":
        show(database, dataset.slug, staging.vintage, staging.edition)
    return edition


def put_away(database: Database, staging: Staging, state: str) -> None:
    """Keep the sealed layers in the edition's own schema, not shown yet, and clear the staging.

    state: sealed, or review where a person has to accept it first.
    """
    schema = _edition(staging.dataset, staging.vintage, staging.edition).schema
    with database.session() as cursor:
        keep(cursor, staging, schema, state)
        dropped = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
        cursor.execute(dropped.format(sql.Identifier(staging.schema)))


def state(database: Database, staging: Staging) -> str:
    """Return the state of the edition that a staging becomes, such as building or sealed."""
    query = "SELECT state FROM catalog.edition WHERE dataset = %s AND number = %s"
    return str(database.value(query, staging.dataset.slug, staging.edition))


def _edition(dataset: Dataset, vintage: int, number: int) -> Edition:
    schema = f"{dataset.slug}_edition_{number}"
    return Edition(dataset=dataset, vintage=vintage, number=number, schema=schema)


def keep(cursor: Cursor, staging: Staging, schema: str, state: str = "sealed") -> None:
    """Move the sealed layers to the edition's own schema, from which they can be shown."""
    move_layers(cursor, staging, schema)
    changes = {"state": state, "schema_name": schema}
    rows.update(cursor, "edition", changes, rows.of_edition(staging))


def move_layers(cursor: Cursor, staging: Staging, schema: str) -> None:
    """Give the sealed layers of a staging that is whole a schema of their own, for good."""
    require_whole(cursor, staging)
    cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for name in _tables_of(cursor, staging):
        table = sql.Identifier(staging.schema, name)
        moved = sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(table, sql.Identifier(schema))
        cursor.execute(moved)


def _tables_of(cursor: Cursor, staging: Staging) -> list[str]:
    """Return the tables of the layers, and the partitions of those that have them."""
    tables = list(staging.dataset.layers)
    quoted = [f'"{staging.schema}"."{table}"' for table in tables]
    return [*tables, *(name for (name,) in records(cursor, SELECT_PARTITIONS, tables=quoted))]


def unclosed(database: Database, dataset: Dataset) -> list[Edition]:
    """Return the editions that were published by runs killed before their manifest was named."""
    left = database.records(
        "SELECT vintage, number, schema_name FROM catalog.edition WHERE dataset = %(dataset)s"
        " AND state = 'published' AND manifest IS NULL ORDER BY number",
        dataset=dataset.slug,
    )
    return [
        Edition(dataset=dataset, vintage=each.vintage, number=each.number, schema=each.schema_name)
        for each in left
    ]
