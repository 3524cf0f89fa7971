"""Sealing: a staged table becomes a layer with a key, described columns and a content hash."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.column_rules import ColumnRule, column_rules, write_comments
from tasks.core.catalog.layer_figures import require_figures
from tasks.core.catalog.statements import SELECT_LAYER_FACTS
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.columns import columns
from tasks.core.postgres.database import Database, records

HASH_VERSION = 2  # by which rows are hashed today, see sql/functions/row_hash.sql
EXTENT = "ARRAY[ST_XMin({0}), ST_YMin({0}), ST_XMax({0}), ST_YMax({0})]".format("ST_Extent(geom)")


def seal_all(database: Database, staging: Staging) -> dict[str, int]:
    """Seal every declared layer of a staging; return the rows of each."""
    declared = staging.dataset.layers
    if not staging.is_derived:  # whose failed checks are for a person to judge
        _require_passed(database, staging)
    return {layer: seal(database, staging, layer, key) for layer, key in declared.items()}


def sealed_rows(database: Database, staging: Staging) -> dict[str, int]:
    """Return the rows of each layer that is sealed, in the order of their names."""
    query = (
        "SELECT layer, row_count FROM catalog.layer WHERE (dataset, number) = (%s, %s) ORDER BY 1"
    )
    return dict(database.rows(query, staging.dataset.slug, staging.edition))


def seal(database: Database, staging: Staging, layer: str, key: tuple[str, ...]) -> int:
    """Give a staged table key, index and comments, describe it in the catalog, return its rows.

    Raises CheckFailed for a table that is missing, has no row and is not declared to may have none,
    has a key that is null or repeated, an undeclared geometry, an undescribed column, or figures
    that cannot be.
    """
    stated = column_rules(database, staging.schema, layer)
    rules = {name: _as_part_of(key, name, rule) for name, rule in stated.items()}
    corrected = {name: str(rule) for name, rule in rules.items() if rule != stated[name]}
    table = sql.Identifier(layer)
    with database.session(staging.schema) as cursor:
        description = _description(cursor, staging, layer)
        _require_own_rows(cursor, layer)
        if layer not in staging.dataset.may_be_empty:
            _require_rows(cursor, staging, layer)
        require_figures(cursor, layer, rules)
        _set_key(cursor, layer, key)
        write_comments(cursor, table, corrected)
        geometry_type, srid = _geometry(cursor, staging, layer)
        if geometry_type:
            cursor.execute(sql.SQL("CREATE INDEX ON {} USING gist (geom)").format(table))
        cursor.execute(sql.SQL("COMMENT ON TABLE {} IS %s").format(table), (description,))
        cursor.execute(sql.SQL("ANALYZE {}").format(table))
        row = {
            "layer": layer,
            "description": description,
            "key_columns": key,
            "geometry_type": geometry_type,
            "srid": srid,
            **_facts(cursor, layer, located=geometry_type is not None),
        }
        rows.insert(cursor, "layer", rows.of_edition(staging) | row)
        _record_columns(cursor, staging, layer, rules)
    return int(row["row_count"])


def _as_part_of(key: tuple[str, ...], column: str, rule: ColumnRule) -> ColumnRule:
    """Return the rule of a column in a layer: a code is the key of one and the same in another."""
    if column in key:
        return replace(rule, aggregate="key")
    return replace(rule, aggregate="same") if rule.kind == "key" else rule


def _description(cursor: Cursor, staging: Staging, layer: str) -> str:
    """Return the table's own comment, then what a reader must know about the edition."""
    cursor.execute(
        "SELECT obj_description(to_regclass(%s)), to_regclass(%s) IS NOT NULL",
        (f'"{layer}"', f'"{layer}"'),
    )
    comment, exists = cursor.fetchall()[0]
    if not exists:
        raise CheckFailed(
            f"The layer {layer!r} declared by {staging.dataset.slug} is not in {staging.schema}: "
            f"let sql/{staging.dataset.slug}.sql or aggregate make it."
        )
    if not comment:
        raise CheckFailed(
            f"The layer {layer!r} has no description: say what one row is with COMMENT ON TABLE in"
            f" sql/{staging.dataset.slug}.sql."
        )
    text = (
        f"{str(comment).rstrip('.')}. Edition {staging.edition} of {staging.dataset.slug}"
        f" {staging.vintage}{_month(cursor, staging)}."
    )
    return f"NOT OFFICIAL DATA (mirror {staging.mirror}). {text}" if staging.mirror else text


def _month(cursor: Cursor, staging: Staging) -> str:
    """Return the month of an edition of which each month is one, as ", November 2026"."""
    cursor.execute(
        "SELECT as_of FROM catalog.edition WHERE dataset = %s AND number = %s",
        (staging.dataset.slug, staging.edition),
    )
    return "".join(f", {as_of:%B %Y}" for (as_of,) in cursor.fetchall() if as_of)


def _require_passed(database: Database, staging: Staging) -> None:
    """Raise CheckFailed when a required check of this edition failed and the flow went on."""
    failed = database.rows(
        "SELECT title, expected, found FROM catalog.check_result WHERE dataset = %s AND number ="
        " %s AND required AND NOT passed ORDER BY title",
        staging.dataset.slug,
        staging.edition,
    )
    if failed:
        said = "; ".join(
            f"{title}: expected {wanted}, found {found}" for title, wanted, found in failed
        )
        raise CheckFailed(
            f"Edition {staging.edition} of {staging.dataset.slug} {staging.vintage} cannot be"
            f" published, because checks of it failed ({said}): let the flow wait for its checks."
        )


def _require_own_rows(cursor: Cursor, layer: str) -> None:
    """Make a loaded table lasting; raise ConfigurationError for one that only reads others."""
    cursor.execute(
        "SELECT relkind, relpersistence, EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)"
        " FROM pg_class c WHERE oid = to_regclass(%s)",
        (f'"{layer}"',),
    )
    kind, persistence, has_parts = cursor.fetchall()[0]
    if kind not in "rp" or (kind == "r" and has_parts):
        raise ConfigurationError(
            f"The layer {layer!r} must be a table with rows of its own, and it only reads those of"
            f" other tables: make it with CREATE TABLE {layer} AS SELECT … in the join."
        )
    if persistence == "u" and kind == "r":
        cursor.execute(sql.SQL("ALTER TABLE {} SET LOGGED").format(sql.Identifier(layer)))


def _require_rows(cursor: Cursor, staging: Staging, layer: str) -> None:
    cursor.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(layer)))
    if not cursor.rowcount:
        raise CheckFailed(
            f"The layer {layer} of {staging.dataset.slug} {staging.vintage} was expected to have"
            f" rows and has none, in {staging.schema}: look at the tables that it is made of, or"
            " name it in may_be_empty of the dataset; nothing was published."
        )


def _drop_loaded_key(cursor: Cursor, layer: str) -> None:
    """Drop the primary key that a loaded table has, for that which the layer declares."""
    cursor.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'",
        (f'"{layer}"',),
    )
    for (name,) in cursor.fetchall():
        dropped = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        cursor.execute(dropped.format(sql.Identifier(layer), sql.Identifier(name)))


def _set_key(cursor: Cursor, layer: str, key: tuple[str, ...]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
    _drop_loaded_key(cursor, layer)
    try:
        cursor.execute(
            sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(sql.Identifier(layer), columns)
        )
    except (errors.UniqueViolation, errors.NotNullViolation, errors.UndefinedColumn) as error:
        detail = error.diag.message_detail or error.diag.message_primary
        raise CheckFailed(
            f"The layer {layer!r} cannot have the key {', '.join(key)}: {detail} Correct the join"
            " or the declared key."
        ) from None


def _geometry(cursor: Cursor, staging: Staging, layer: str) -> tuple[str | None, int | None]:
    cursor.execute(
        "SELECT f_geometry_column, type, srid FROM geometry_columns WHERE f_table_schema = %s AND"
        " f_table_name = %s",
        (staging.schema, layer),
    )
    found = cursor.fetchall()
    if not found:
        return None, None
    if len(found) > 1 or found[0][0] != "geom" or found[0][1] == "GEOMETRY" or not found[0][2]:
        raise CheckFailed(
            f"The layer {layer!r} must have one geometry column geom with a declared type and SRID,"
            f" found {found}: cast it in the join."
        )
    return found[0][1], found[0][2]


def _facts(cursor: Cursor, layer: str, *, located: bool) -> dict[str, Any]:
    """Return what the catalog keeps of the rows: row_count, extent, size_bytes and content_hash."""
    name = sql.Identifier(layer)
    query = sql.SQL(SELECT_LAYER_FACTS).format(
        version=sql.Literal(HASH_VERSION),
        extent=sql.SQL(EXTENT if located else "NULL"),
        name=sql.Literal(name.as_string(cursor)),
        layer=name,
    )
    return dict(records(cursor, query)[0]._asdict())


def _record_columns(
    cursor: Cursor, staging: Staging, layer: str, rules: dict[str, ColumnRule]
) -> None:
    for ordinal, column in enumerate(columns(cursor, layer), start=1):
        rule = rules[column.name]
        row = {"layer": layer, "ordinal": ordinal, "aggregation": rule.aggregate}
        row |= rows.same(column, "name data_type") | rows.same(rule, "description unit origin")
        rows.insert(cursor, "layer_column", rows.of_edition(staging) | row)
