"""The life of an edition in the database: begun in a staging schema, sealed, shown, shown again, removed."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from tasks.core.catalogue.foundations import lend
from tasks.core.catalogue.revision import code_revision, fingerprint
from tasks.core.catalogue.views import hide_layer, show_layer
from tasks.core.database import Database
from tasks.core.declarations import Dataset
from tasks.core.errors import CheckFailed, ConfigurationError
from tasks.core.handles import Edition, Foundation, Original, Staging

LOCK_WAIT = "500ms"  # a waiting switch holds new readers back: give way often instead
PATIENCE = 600  # seconds of trying before a long reader is named


class NothingNew(Exception):
    """The publishers' files and our code are those of an edition that is shown, or that a person rolled back: there is nothing to do."""


def begin(
    database: Database, dataset: Dataset, vintage: int, originals: tuple[Original, ...], run: str | None, *, rebuild: bool,
    after: Sequence[Foundation] = (),
) -> Staging:  # fmt: skip
    """Make the staging schema of a new edition and its row in the catalogue.

    Raises NothingNew when a published edition with the same fingerprint is shown or was rolled back, unless `rebuild`.
    """
    mark = fingerprint(dataset, vintage, originals, after)
    mirror = next((mirror for mirror in (*(original.source.mirror for original in originals), *(each.mirror for each in after)) if mirror), "")
    with database.session() as cursor:
        if mirror:
            _protect_official_data(cursor, dataset, vintage, mirror)
        if not rebuild:
            _stop_if_made(cursor, dataset, vintage, mark)
        cursor.execute("SELECT coalesce(max(number), 0) + 1 FROM catalog.edition WHERE dataset = %s", (dataset.slug,))
        number = cursor.fetchall()[0][0]
        schema = f"{dataset.slug}_staging_{number}"
        cursor.execute(
            "INSERT INTO catalog.edition (dataset, number, vintage, mirror, run, code_revision, fingerprint, schema_name) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (dataset.slug, number, vintage, mirror, run, code_revision(), mark, schema),
        )
        for original in originals:
            cursor.execute(
                "INSERT INTO catalog.edition_input VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (dataset.slug, number, original.source.slug, original.source.vintage, original.sha256, original.url, original.retrieved_at),
            )
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        staging = Staging(dataset=dataset, vintage=vintage, schema=schema, edition=number, mirror=mirror)
        for foundation in after:
            lend(cursor, staging, foundation)
    return staging


def _protect_official_data(cursor: Cursor, dataset: Dataset, vintage: int, mirror: str) -> None:
    cursor.execute("SELECT number FROM catalog.current_edition WHERE dataset = %s AND vintage = %s AND mirror = ''", (dataset.slug, vintage))
    for (number,) in cursor.fetchall():
        raise ConfigurationError(
            f"Edition {number} of {dataset.slug} {vintage} was made from the publisher's own files; the mirror {mirror} must not take its place: "
            "publish in another database (GEODATA_DATABASE_URL), or without the mirror."
        )


def _stop_if_made(cursor: Cursor, dataset: Dataset, vintage: int, mark: str) -> None:
    """Stop at the edition shown and at a rollback; an older edition whose files or foundations only changed back is made again."""
    cursor.execute(
        "SELECT e.number, c.number FROM catalog.edition e JOIN catalog.current_edition c USING (dataset, vintage) "
        "WHERE e.dataset = %s AND e.vintage = %s AND e.fingerprint = %s AND e.state = 'published' AND e.manifest IS NOT NULL "
        "AND (e.number = c.number OR c.action = 'rollback') ORDER BY e.number = c.number DESC, e.number DESC LIMIT 1",
        (dataset.slug, vintage, mark),
    )
    for made, shown in cursor.fetchall():
        place = "is shown" if made == shown else f"was rolled back to edition {shown} and stays so"
        raise NothingNew(f"Nothing new for {dataset.slug} {vintage}: edition {made} was made from these files by this code and {place}.")


def abandon(database: Database, dataset: Dataset) -> list[str]:
    """Clear what killed or failed runs of a dataset left behind; returns the staging schemas dropped."""
    with database.session() as cursor:
        cursor.execute("UPDATE catalog.run SET outcome = 'abandoned', ended_at = now() WHERE dataset = %s AND outcome = 'running'", (dataset.slug,))
        cursor.execute("UPDATE catalog.edition SET state = 'abandoned' WHERE dataset = %s AND state = 'building'", (dataset.slug,))
        cursor.execute(r"SELECT nspname FROM pg_namespace WHERE nspname ~ ('^' || %s || '_staging_\d+$')", (dataset.slug,))
        leftovers = [name for (name,) in cursor.fetchall()]
        for name in leftovers:
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    return leftovers


def publish(database: Database, staging: Staging) -> Edition:
    """Move the sealed layers to the edition's own schema and show them, with their provenance, in one transaction."""
    dataset = staging.dataset
    schema = f"{dataset.slug}_edition_{staging.edition}"
    for attempt in _giving_way():
        with attempt, database.session() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            for table in _tables_of(cursor, staging):
                cursor.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(sql.Identifier(staging.schema, table), sql.Identifier(schema)))
            cursor.execute(
                "UPDATE catalog.edition SET state = 'published', published_at = clock_timestamp(), schema_name = %s "
                "WHERE dataset = %s AND number = %s",
                (schema, dataset.slug, staging.edition),
            )
            _switch(cursor, dataset.slug, staging.vintage, staging.edition, "publish")
    with database.session() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(staging.schema)))
    return Edition(dataset=dataset, vintage=staging.vintage, number=staging.edition, schema=schema)


def _tables_of(cursor: Cursor, staging: Staging) -> list[str]:
    """The tables of the layers, and the partitions of those that have them."""
    tables = list(staging.dataset.layers)
    cursor.execute(
        "SELECT c.relname FROM unnest(%s::text[]) AS layer, pg_partition_tree(to_regclass(layer)) AS part JOIN pg_class c ON c.oid = part.relid "
        "WHERE part.level > 0",
        ([f'"{staging.schema}"."{table}"' for table in tables],),
    )
    return [*tables, *(name for (name,) in cursor.fetchall())]


def roll_back(database: Database, dataset: str, number: int | None) -> tuple[int, int, int]:
    """Show another kept edition of the same vintage: (vintage, edition shown before, edition shown now).

    Without a number, the newest edition older than the one shown, of the newest vintage.
    """
    for attempt in _giving_way():
        with attempt, database.session() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
            vintage, before, target = _rollback_target(cursor, dataset, number)
            _switch(cursor, dataset, vintage, target, "rollback")
    return vintage, before, target


def remove_old(database: Database, dataset: Dataset, vintage: int) -> tuple[list[int], list[int]]:
    """Drop the tables of editions beyond the number kept; returns the editions removed, and those kept because others' views need them."""
    with database.session() as cursor:
        cursor.execute(
            "SELECT e.number, e.schema_name FROM catalog.edition e LEFT JOIN catalog.current_edition c USING (dataset, vintage, number) "
            "WHERE e.dataset = %s AND e.vintage = %s AND e.state = 'published' AND c.number IS NULL ORDER BY e.number DESC OFFSET %s",
            (dataset.slug, vintage, dataset.keep - 1),
        )
        old = cursor.fetchall()
    removed: list[int] = []
    needed: list[int] = []
    for number, schema in old:
        (removed if _remove(database, dataset.slug, number, schema) else needed).append(number)
    return removed, needed


def _remove(database: Database, dataset: str, number: int, schema: str) -> bool:
    try:
        with database.session() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
            cursor.execute("SELECT layer FROM catalog.layer WHERE dataset = %s AND number = %s", (dataset, number))
            for (layer,) in cursor.fetchall():
                cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(schema, layer)))
            cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(schema)))
            cursor.execute("UPDATE catalog.edition SET state = 'removed' WHERE dataset = %s AND number = %s", (dataset, number))
    except (errors.DependentObjectsStillExist, errors.LockNotAvailable):
        return False
    return True


def _rollback_target(cursor: Cursor, dataset: str, number: int | None) -> tuple[int, int, int]:
    cursor.execute(
        "SELECT e.vintage, c.number, e.number FROM catalog.edition e JOIN catalog.current_edition c USING (dataset, vintage) "
        "WHERE e.dataset = %s AND e.state = 'published' ORDER BY e.vintage DESC, e.number DESC",
        (dataset,),
    )
    kept: list[tuple[int, int, int]] = cursor.fetchall()
    wanted = [row for row in kept if (row[2] == number if number else row[2] < row[1])]
    if number is None:
        wanted = [row for row in wanted if row[0] == kept[0][0]]
    if not wanted:
        offered = "; ".join(f"edition {n} of {v}{' (shown)' if n == shown else ''}" for v, shown, n in kept) or "none"
        raise ConfigurationError(f"No kept edition of {dataset!r} answers to {number or 'the one before'}: choose one of these: {offered}.")
    return wanted[0]


def _switch(cursor: Cursor, dataset: str, vintage: int, number: int, action: str) -> None:
    """Repoint the stable views to an edition and keep the publication; newest vintage also gets the views without a year."""
    cursor.execute("INSERT INTO catalog.publication (dataset, vintage, number, action) VALUES (%s, %s, %s, %s)", (dataset, vintage, number, action))
    cursor.execute(
        "SELECT d.published_schema, e.schema_name, l.layer, "
        "e.vintage >= (SELECT max(vintage) FROM catalog.current_edition c WHERE c.dataset = d.slug) "
        "FROM catalog.dataset d JOIN catalog.edition e ON e.dataset = d.slug JOIN catalog.layer l ON l.dataset = d.slug AND l.number = e.number "
        "WHERE d.slug = %s AND e.number = %s ORDER BY l.layer",
        (dataset, number),
    )
    rows = cursor.fetchall()
    if not rows:
        raise CheckFailed(f"Edition {number} of {dataset} has no layer in the catalogue, so nothing can be shown: seal its layers first.")
    _hide_dropped_layers(cursor, dataset, vintage, number, rows[0][0], newest=rows[0][3])
    for published_schema, schema, layer, newest in rows:
        show_layer(cursor, schema, layer, published_schema, f"{layer}_{vintage}")
        if newest:
            show_layer(cursor, schema, layer, published_schema, layer)


def _hide_dropped_layers(cursor: Cursor, dataset: str, vintage: int, number: int, view_schema: str, *, newest: bool) -> None:
    """Take away the views of layers that earlier editions of the vintage had and this one has not."""
    cursor.execute(
        "SELECT layer FROM catalog.layer JOIN catalog.publication USING (dataset, number) WHERE dataset = %s AND vintage = %s "
        "EXCEPT SELECT layer FROM catalog.layer WHERE dataset = %s AND number = %s ORDER BY layer",
        (dataset, vintage, dataset, number),
    )
    for (layer,) in cursor.fetchall():
        for view in (f"{layer}_{vintage}", layer)[: 1 + newest]:
            hide_layer(cursor, view_schema, view)


def _giving_way() -> Retrying:
    return Retrying(retry=retry_if_exception_type(errors.LockNotAvailable), wait=wait_random(0.2, 2.0), stop=stop_after_delay(PATIENCE), reraise=True)
