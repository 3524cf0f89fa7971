"""The life of an edition in the database: begun in a staging schema, sealed, shown, removed."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.fingerprints import fingerprint
from tasks.core.catalog.foundations import lend
from tasks.core.catalog.publications import (
    LOCK_WAIT,
    giving_way,
    last_publication,
    switch,
    take_turn,
)
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Edition, Foundation, Original, Staging
from tasks.core.model.revision import code_revision
from tasks.core.postgres.database import Database

# The edition shown before all others of the same fingerprint, then the newest; those whose tables
# are gone count for what persons switched.
MADE = """
SELECT e.number, e.state, e.manifest IS NOT NULL,
       (SELECT p.action FROM catalog.publication p WHERE p.dataset = e.dataset AND p.number = e.number ORDER BY p.at DESC, p.id DESC LIMIT 1)
  FROM catalog.edition e
 WHERE e.dataset = %s AND e.vintage = %s AND e.fingerprint = %s AND e.state IN ('published', 'removed')
 ORDER BY e.number = %s DESC, e.number DESC LIMIT 1
"""


class NothingNew(Exception):
    """The publishers' files and our code are those of an edition that is shown, or that a person
    rolled back or withdrew: there is nothing to do.
    """


def begin(
    database: Database,
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    run: str | None,
    *,
    rebuild: bool,
    after: Sequence[Foundation] = (),
    floor: int = 0,
) -> Staging:
    """Make the staging schema of a new edition and its row in the catalog; floor: the highest
    number the archive knows.

    Raises NothingNew when a published edition with the same fingerprint is shown, was rolled back
    or withdrawn, unless `rebuild`.
    """
    mark = fingerprint(dataset, vintage, originals, after)
    with database.session() as cursor:
        if mirror := mirror_of(originals, after):
            _protect_official_data(cursor, dataset, vintage, mirror)
        if not rebuild:
            _stop_if_made(cursor, dataset, vintage, mark)
        return open_edition(cursor, dataset, vintage, originals, run, after, mark, floor)


def open_edition(
    cursor: Cursor,
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    run: str | None,
    after: Sequence[Foundation],
    mark: str,
    floor: int = 0,
) -> Staging:
    """Give the next edition its number, its row in the catalog and its staging schema with what
    it stands on.

    mark: its fingerprint. floor: the highest number the archive knows, which a database that is
    newer than the archive must not give again.
    """
    mirror = mirror_of(originals, after)
    cursor.execute(
        "SELECT FROM catalog.dataset WHERE slug = %s FOR UPDATE", (dataset.slug,)
    )  # one number is given at a time
    cursor.execute(
        "SELECT greatest(coalesce(max(number), 0), %s) + 1 FROM catalog.edition WHERE dataset = %s",
        (floor, dataset.slug),
    )
    number = cursor.fetchall()[0][0]
    schema = f"{dataset.slug}_staging_{number}"
    cursor.execute(
        "INSERT INTO catalog.edition (dataset, number, vintage, mirror, run, code_revision,"
        " fingerprint, schema_name) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (dataset.slug, number, vintage, mirror, run, code_revision(), mark, schema),
    )
    for original in originals:
        cursor.execute(
            "INSERT INTO catalog.edition_input VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                dataset.slug,
                number,
                original.source.slug,
                original.source.vintage,
                original.sha256,
                original.url,
                original.retrieved_at,
            ),
        )
    cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    staging = Staging(
        dataset=dataset, vintage=vintage, schema=schema, edition=number, mirror=mirror
    )
    for foundation in after:
        lend(cursor, staging, foundation)
    return staging


def mirror_of(originals: tuple[Original, ...], after: Sequence[Foundation]) -> str:
    """The label of the mirror that an edition is made from, directly or by what it stands on; empty
    for official data.
    """
    return next(
        (
            label
            for label in (
                *(original.source.mirror for original in originals),
                *(each.mirror for each in after),
            )
            if label
        ),
        "",
    )


def _protect_official_data(cursor: Cursor, dataset: Dataset, vintage: int, mirror: str) -> None:
    """Stop a mirror where the last edition shown of the vintage is official, also when that was
    withdrawn.
    """
    number, _ = last_publication(cursor, dataset.slug, vintage)
    cursor.execute(
        "SELECT number FROM catalog.edition WHERE dataset = %s AND number = %s AND mirror = ''",
        (dataset.slug, number),
    )
    if cursor.fetchall():
        raise ConfigurationError(
            f"Edition {number} of {dataset.slug} {vintage} was made from the publisher's own files;"
            f" the mirror {mirror} must not take its place: publish in another database"
            " (GEODATA_DATABASE_URL), or without the mirror."
        )


def _stop_if_made(cursor: Cursor, dataset: Dataset, vintage: int, mark: str) -> None:
    """Stop at the edition shown, and at what persons switched; an older edition whose files or
    foundations only changed back is made again.
    """
    last, action = last_publication(cursor, dataset.slug, vintage)
    cursor.execute(MADE, (dataset.slug, vintage, mark, last))
    for made, state, cataloged, own in cursor.fetchall():
        if "withdraw" in (action, own):
            place = "was withdrawn and stays so"
        elif made == last and state == "published" and cataloged:
            place = "is shown"
        elif made != last and action == "rollback":
            place = f"was rolled back to edition {last} and stays so"
        else:
            return
        raise NothingNew(
            f"Nothing new for {dataset.slug} {vintage}: edition {made} was made from these files by"
            f" this code and {place}."
        )


def abandon(database: Database, dataset: Dataset) -> list[str]:
    """Clear what killed or failed runs of a dataset left behind; returns the staging schemas
    dropped.
    """
    with database.session() as cursor:
        cursor.execute(
            "UPDATE catalog.run SET outcome = 'abandoned', ended_at = now() WHERE dataset = %s AND"
            " outcome = 'running'",
            (dataset.slug,),
        )
        cursor.execute(
            "UPDATE catalog.edition SET state = 'abandoned' WHERE dataset = %s AND state ="
            " 'building'",
            (dataset.slug,),
        )
        cursor.execute(
            r"SELECT nspname FROM pg_namespace WHERE nspname ~ ('^' || %s || '_staging_\d+$')",
            (dataset.slug,),
        )
        leftovers = [name for (name,) in cursor.fetchall()]
        for name in leftovers:
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    return leftovers


def publish(database: Database, staging: Staging) -> Edition:
    """Move the sealed layers to the edition's own schema and show them, with their provenance, in
    one transaction.
    """
    dataset = staging.dataset
    schema = f"{dataset.slug}_edition_{staging.edition}"
    for attempt in giving_way():
        with attempt, database.session() as cursor:
            take_turn(cursor, dataset.slug)
            move_layers(cursor, staging, schema)
            mark_published(cursor, staging, schema)
            switch(cursor, dataset.slug, staging.vintage, staging.edition, "publish")
    with database.session() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(staging.schema)))
    return Edition(dataset=dataset, vintage=staging.vintage, number=staging.edition, schema=schema)


def move_layers(cursor: Cursor, staging: Staging, schema: str) -> None:
    """Give the sealed layers a schema of their own, for good."""
    cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for table in _tables_of(cursor, staging):
        cursor.execute(
            sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
                sql.Identifier(staging.schema, table), sql.Identifier(schema)
            )
        )


def mark_published(cursor: Cursor, staging: Staging, schema: str) -> None:
    """Say in the catalog that an edition is published, and where its tables are."""
    cursor.execute(
        "UPDATE catalog.edition SET state = 'published', published_at = clock_timestamp(),"
        " schema_name = %s WHERE dataset = %s AND number = %s",
        (schema, staging.dataset.slug, staging.edition),
    )


def _tables_of(cursor: Cursor, staging: Staging) -> list[str]:
    """The tables of the layers, and the partitions of those that have them."""
    tables = list(staging.dataset.layers)
    cursor.execute(
        "SELECT c.relname FROM unnest(%s::text[]) AS layer, pg_partition_tree(to_regclass(layer))"
        " AS part JOIN pg_class c ON c.oid = part.relid WHERE part.level > 0",
        ([f'"{staging.schema}"."{table}"' for table in tables],),
    )
    return [*tables, *(name for (name,) in cursor.fetchall())]


def remove_old(database: Database, dataset: Dataset, vintage: int) -> tuple[list[int], list[int]]:
    """Drop the tables of editions beyond the number kept; returns the editions removed, and those
    kept because others' views need them.

    The edition shown is one of those kept; of a vintage that was withdrawn, the newest are.
    """
    with database.session() as cursor:
        cursor.execute(
            "SELECT e.number FROM catalog.edition e LEFT JOIN catalog.current_edition c USING"
            " (dataset, vintage, number) WHERE e.dataset = %s AND e.vintage = %s AND e.state ="
            " 'published' AND c.number IS NULL ORDER BY e.number DESC OFFSET %s - (SELECT count(*)"
            " FROM catalog.current_edition WHERE dataset = %s AND vintage = %s)",
            (dataset.slug, vintage, dataset.keep, dataset.slug, vintage),
        )
        old = cursor.fetchall()
    removed: list[int] = []
    needed: list[int] = []
    for (number,) in old:
        (removed if remove(database, dataset.slug, number) else needed).append(number)
    return removed, needed


def remove(database: Database, dataset: str, number: int) -> bool:
    """Drop the tables of an edition; false, and nothing is dropped, where others' views stand on
    them.
    """
    schema = f"{dataset}_edition_{number}"
    try:
        with database.session() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
            cursor.execute(
                "SELECT layer FROM catalog.layer WHERE dataset = %s AND number = %s",
                (dataset, number),
            )
            for (layer,) in cursor.fetchall():
                cursor.execute(
                    sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, layer))
                )
            cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))
            cursor.execute(
                "UPDATE catalog.edition SET state = 'removed' WHERE dataset = %s AND number = %s",
                (dataset, number),
            )
    except (errors.DependentObjectsStillExist, errors.LockNotAvailable):
        return False
    return True
