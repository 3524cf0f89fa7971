"""The record of a rebuild: begun, held against the manifests, ended with a verdict; that of a drill
is kept in the catalog it was held for.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.provenance import as_json
from tasks.core.model.revision import code_revision
from tasks.core.postgres.database import Database
from tasks.core.rebuilding import replays
from tasks.core.rebuilding.plans import Scope

FOUND = """
INSERT INTO catalog.rebuilt_edition (rebuild, dataset, number, vintage, verdict, row_count, seconds, message)
SELECT %s, dataset, number, vintage, CASE state WHEN 'published' THEN 'identical' ELSE 'missing' END, sum(row_count), 0,
       CASE state WHEN 'published' THEN 'its tables were there already' ELSE 'it was not made' END
  FROM catalog.edition JOIN catalog.layer USING (dataset, number) WHERE dataset = %s AND number = %s GROUP BY dataset, number
ON CONFLICT DO NOTHING
"""
CHANGED = """
SELECT l.layer FROM catalog.layer l JOIN catalog.edition e USING (dataset, number), to_regclass(format('%%I.%%I', e.schema_name, l.layer)) AS t
 WHERE dataset = %s AND number = %s AND (t IS NULL OR geodata.content_hash(t) <> l.content_hash)
 ORDER BY 1
"""
VIEWS_AMISS = """
WITH shown AS (SELECT c.*, c.vintage = max(c.vintage) OVER () AS newest FROM catalog.current_edition c WHERE c.dataset = %s)
SELECT d.published_schema || '.' || v.name
  FROM shown s
  JOIN catalog.dataset d ON d.slug = s.dataset
  JOIN catalog.layer l ON l.dataset = s.dataset AND l.number = s.number
 CROSS JOIN LATERAL (SELECT l.layer || '_' || s.vintage AS name UNION ALL SELECT l.layer WHERE s.newest) AS v
 WHERE s.number = %s
   AND NOT EXISTS (SELECT FROM information_schema.view_table_usage u
                    WHERE (u.view_schema, u.view_name, u.table_schema, u.table_name) = (d.published_schema, v.name, s.schema_name, l.layer))
 ORDER BY 1
"""
SUMMARY = """
SELECT count(*) AS editions, count(DISTINCT dataset) AS datasets, coalesce(sum(row_count), 0) AS rows,
       count(*) FILTER (WHERE r.verdict = 'identical') AS identical, count(*) FILTER (WHERE r.verdict = 'differing') AS differing,
       count(*) FILTER (WHERE r.verdict = 'missing') AS missing,
       extract(epoch FROM clock_timestamp() - b.started_at) AS seconds
  FROM catalog.rebuild b LEFT JOIN catalog.rebuilt_edition r ON r.rebuild = b.id
 WHERE b.id = %s GROUP BY b.id
"""
OTHERS = """
SELECT format('edition %%s of %%s %%s', number, dataset, vintage), verdict, coalesce('edition ' || published_as, ''), message,
       verdict = 'missing' OR same_code IS NOT FALSE
  FROM catalog.rebuilt_edition WHERE rebuild = %s AND verdict <> 'identical' ORDER BY dataset, number
"""
COPIED = "drill, scope, archive, code_revision, machine, started_at, ended_at, verdict, message"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a rebuild came to: its verdict, the sentence that says it, and a row on each edition
    that is not as it was.

    unexplained: whether one is missing, differs although the same code made it, or may be unknown
    because the history is not whole.
    """

    verdict: str
    message: str
    others: tuple[dict[str, str], ...]
    unexplained: bool


def begin(database: Database, scope: Scope, archive: Sequence[str], *, drill: bool) -> int:
    """Open the record of a rebuild; what an interrupted one was making is dropped first."""
    replays.clear(database)
    facts = drill, scope, list(archive), code_revision(), platform.node()
    with database.session() as cursor:
        cursor.execute(
            "INSERT INTO catalog.rebuild (drill, scope, archive, code_revision, machine) VALUES"
            " (%s, %s, %s, %s, %s) RETURNING id",
            facts,
        )
        return int(cursor.fetchall()[0][0])


def check(database: Database, rebuild: int, dataset: str, number: int) -> str:
    """Hold the tables of an edition, as they stand, against its manifest, and the views that show
    it; returns the verdict, which is kept.

    An edition that was there before this rebuild gets its row here; what a replay said of the
    others stays unless it is not true.
    """
    place = rebuild, dataset, number
    with database.session() as cursor:
        cursor.execute(FOUND, place)
        cursor.execute(
            "SELECT verdict FROM catalog.rebuilt_edition WHERE (rebuild, dataset, number) = (%s,"
            " %s, %s)",
            place,
        )
        if (verdict := str(cursor.fetchall()[0][0])) != "identical":
            return verdict
        amiss = [
            f"the content of {layer} is not that of the manifest"
            for layer in _names(cursor, CHANGED, dataset, number)
        ]
        amiss += [
            f"the view {view} does not show it"
            for view in _names(cursor, VIEWS_AMISS, dataset, number)
        ]
        if amiss:
            change = (
                "UPDATE catalog.rebuilt_edition SET verdict = 'differing', message = %s WHERE"
                " (rebuild, dataset, number) = (%s, %s, %s)"
            )
            cursor.execute(change, ("; ".join(amiss), *place))
    return "differing" if amiss else "identical"


def end(database: Database, rebuild: int, unrestored: Sequence[str]) -> Result:
    """Close the record of a rebuild with its verdict over all its editions, and over what of the
    history could not be put back.
    """
    editions, datasets, row_count, identical, differing, missing, seconds = database.rows(
        SUMMARY, rebuild
    )[0]
    message = (
        f"Rebuilt {identical + differing:,} of {editions:,} editions of {datasets:,} datasets with"
        f" {row_count:,} rows in {seconds:,.0f} s: {identical:,} identical to their manifests,"
        f" {differing:,} differing, {missing:,} missing"
    )
    if unrestored:
        message += f"; the history is not whole: {'; '.join(unrestored)}"
    verdict = "incomplete" if missing or unrestored else "differing" if differing else "identical"
    close(database, rebuild, verdict, message)
    rows = database.rows(OTHERS, rebuild)
    others = [
        dict(zip(("edition", "verdict", "published as", "message"), row[:4], strict=True))
        for row in rows
    ]
    return Result(
        verdict=verdict,
        message=message,
        others=tuple(others),
        unexplained=bool(unrestored) or any(row[4] for row in rows),
    )


def close(database: Database, rebuild: int, verdict: str, message: str) -> None:
    """Give the record of a rebuild its end, unless it has one."""
    closed = (
        "UPDATE catalog.rebuild SET verdict = %s, message = %s, ended_at = clock_timestamp() WHERE"
        " id = %s AND ended_at IS NULL"
    )
    with database.session() as cursor:
        cursor.execute(closed, (verdict, message, rebuild))


def copy(source: Database, target: Database, rebuild: int) -> int:
    """Keep the record of a rebuild in another catalog too; returns its row number there."""
    records = source.rows("SELECT to_jsonb(b) FROM catalog.rebuild b WHERE id = %s", rebuild)
    editions = source.value(
        "SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM catalog.rebuilt_edition r WHERE rebuild"
        " = %s",
        rebuild,
    )
    with target.session() as cursor:
        into = (
            f"INSERT INTO catalog.rebuild ({COPIED}) SELECT {COPIED} FROM"
            " jsonb_populate_record(NULL::catalog.rebuild, %s) RETURNING id"
        )
        cursor.execute(into, (as_json(records[0][0]),))
        number = int(cursor.fetchall()[0][0])
        rows = as_json([row | {"rebuild": number} for row in editions])
        cursor.execute(
            "INSERT INTO catalog.rebuilt_edition SELECT * FROM"
            " jsonb_populate_recordset(NULL::catalog.rebuilt_edition, %s)",
            (rows,),
        )
    return number


def _names(cursor: Cursor, query: str, dataset: str, number: int) -> list[str]:
    cursor.execute(query, (dataset, number))
    return [name for (name,) in cursor.fetchall()]
