"""Sealing: a staged table becomes a layer once it has a key, a declared geometry, described columns
and a content hash.
"""

from __future__ import annotations

from psycopg2 import errors, sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog.column_rules import ColumnRule, column_rules
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database


def seal_all(database: Database, staging: Staging) -> dict[str, int]:
    """Seal every declared layer of a staging; returns the rows of each."""
    declared = staging.dataset.layers
    return {layer: seal(database, staging, layer, key) for layer, key in declared.items()}


def seal(database: Database, staging: Staging, layer: str, key: tuple[str, ...]) -> int:
    """Give a staged table its primary key, spatial index and comments, and describe it in the
    catalog; returns its rows.

    Raises CheckFailed for a table that is missing, has a key that is null or repeated, an
    undeclared geometry, or an undescribed column.
    """
    rules = column_rules(database, staging.schema, layer)
    with database.session(staging.schema) as cursor:
        description = _description(cursor, staging, layer)
        _set_key(cursor, layer, key)
        geometry_type, srid = _geometry(cursor, staging, layer)
        if geometry_type:
            cursor.execute(
                sql.SQL("CREATE INDEX ON {} USING gist (geom)").format(sql.Identifier(layer))
            )
        cursor.execute(
            sql.SQL("COMMENT ON TABLE {} IS %s").format(sql.Identifier(layer)), (description,)
        )
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(layer)))
        rows = _record_layer(cursor, staging, layer, key, description, geometry_type, srid)
        _record_columns(cursor, staging, layer, rules)
    return rows


def _description(cursor: Cursor, staging: Staging, layer: str) -> str:
    """The table's own comment, then what a reader must know about the edition."""
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
        f" {staging.vintage}."
    )
    return f"NOT OFFICIAL DATA (mirror {staging.mirror}). {text}" if staging.mirror else text


def _set_key(cursor: Cursor, layer: str, key: tuple[str, ...]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, key))
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


def _record_layer(
    cursor: Cursor,
    staging: Staging,
    layer: str,
    key: tuple[str, ...],
    description: str,
    geometry_type: str | None,
    srid: int | None,
) -> int:
    extent = (
        sql.SQL("ARRAY[ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)]")
        if geometry_type
        else sql.SQL("NULL")
    )
    box = sql.SQL("ST_Extent(geom)") if geometry_type else sql.SQL("NULL")
    cursor.execute(
        sql.SQL(
            "INSERT INTO catalog.layer (dataset, number, layer, description, key_columns,"
            " row_count, geometry_type, srid, extent, size_bytes, content_hash) SELECT %s, %s, %s,"
            " %s, %s, n, %s, %s, {}, pg_total_relation_size(%s::regclass) + (SELECT"
            " coalesce(sum(pg_total_relation_size(relid)), 0) FROM"
            " pg_partition_tree(%s::regclass)), geodata.content_hash(%s::regclass) FROM (SELECT"
            " count(*) AS n, {} AS e FROM {}) AS counted RETURNING row_count"
        ).format(extent, box, sql.Identifier(layer)),
        (
            staging.dataset.slug,
            staging.edition,
            layer,
            description,
            list(key),
            geometry_type,
            srid,
            *[f'"{layer}"'] * 3,
        ),
    )
    return int(cursor.fetchall()[0][0])


def _record_columns(
    cursor: Cursor, staging: Staging, layer: str, rules: dict[str, ColumnRule]
) -> None:
    cursor.execute(
        "SELECT attname, attnum, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (f'"{layer}"',),
    )
    for ordinal, (name, _, data_type) in enumerate(cursor.fetchall(), start=1):
        rule = rules[name]
        cursor.execute(
            "INSERT INTO catalog.layer_column VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                staging.dataset.slug,
                staging.edition,
                layer,
                name,
                ordinal,
                data_type,
                rule.description,
                rule.unit,
                rule.aggregate,
                rule.origin,
            ),
        )
