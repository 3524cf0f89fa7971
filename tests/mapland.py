"""Mapland, a made-up land of sectors in regions, with points, figures of every kind and holes in
them, published in a real PostGIS for the tests of maps.
"""

from __future__ import annotations

import shapely
from fractal_coverage import grid
from made_up_land import original

from tasks.core.catalog import editions, layers
from tasks.core.catalog.provenance import record_dataset
from tasks.core.model.declarations import Dataset
from tasks.core.postgres.database import Database

COLUMNS, ROWS = 12, 10
VINTAGE = 2024
MAPLAND = Dataset(
    slug="mapland",
    title="Mapland",
    country="ZZ",
    schema="mapland",
    layers={"regions": ("region_code",), "sectors": ("sector_code",), "shops": ("shop_code",)},
    keep=2,
)
TABLES = """
CREATE TABLE sectors AS
SELECT 'R' || place / 30 || '-' || lpad(place::text, 3, '0') AS sector_code,
       CASE WHEN place = 7 THEN 'L’Éternité' ELSE 'Sector ' || place END AS sector_name_fr,
       CASE WHEN place = 7 THEN 'De Eeuwigheid' ELSE 'Sector ' || place END AS sector_name_nl,
       'R' || place / 30 AS region_code,
       CASE WHEN place % 11 <> 3 THEN place * place * 10 END::bigint AS population,
       CASE WHEN place % 11 = 3 THEN CASE WHEN place < 60 THEN 'suppressed' ELSE 'absent' END END
       AS population_reason,
       round((ST_Area(geom) / 1e6)::numeric, 6) AS area_km2,
       CASE WHEN place % 11 <> 3 THEN place * place * 1e7 / ST_Area(geom) END::numeric(12, 2)
       AS density,
       CASE WHEN place <> 9 THEN place * 123456789.01 END::numeric(18, 2) AS income,
       CASE WHEN place <> 9 THEN place / 7.0 - 8 END::float8 AS change,
       CASE WHEN place = 9 THEN 'income: not computable; change: absent' END AS missing,
       (CASE WHEN place <> 5 THEN geom END)::geometry(MultiPolygon, 31370) AS geom
  FROM shapes WHERE place > 0;
CREATE TABLE regions AS
SELECT region_code, 'Region ' || region_code AS region_name, sum(population)::bigint AS population,
       (sum(population) / sum(area_km2))::numeric(12, 2) AS density,
       ST_Multi(ST_Union(geom))::geometry(MultiPolygon, 31370) AS geom
  FROM sectors GROUP BY region_code;
CREATE TABLE shops AS
SELECT 'S' || n AS shop_code,
       CASE WHEN n % 50 > 0 THEN ST_Transform(ST_SetSRID(ST_MakePoint(
            151000 + n * 7919 % 10000, 101000 + n * 104729 % 8000), 31370), 4326)
       END::geometry(Point, 4326) AS geom
  FROM generate_series(1, 2000) AS n;
"""
MEANING = {  # unit and aggregation
    "sector_code": ("code", "key"),
    "region_code": ("code", "key"),
    "shop_code": ("code", "key"),
    "sector_name_fr": ("name", "same"),
    "sector_name_nl": ("name", "same"),
    "region_name": ("name", "same"),
    "population": ("persons", "sum"),
    "population_reason": ("reason", "none"),
    "area_km2": ("km²", "sum"),
    "density": ("persons/km²", "ratio population / area_km2"),
    "income": ("EUR", "sum"),
    "change": ("%", "none"),
    "missing": ("reason", "none"),
    "geom": ("m", "none"),
}
DESCRIPTION = {
    "density": "Residents for each km²",
    "population_reason": "Why population is empty: suppressed or absent",
    "missing": "Why figures of this row are missing",
}


def publish(database: Database) -> int:
    """Publish an edition of Mapland; returns its number."""
    dataset = MAPLAND
    with database.session() as cursor:
        record_dataset(cursor, dataset)
    found = original(database, dataset, dataset.slug, VINTAGE)
    staging = editions.begin(database, dataset, VINTAGE, (found,), None, rebuild=False)
    with database.session(staging.schema) as cursor:
        cursor.execute("CREATE TABLE shapes (place int, geom geometry(MultiPolygon, 31370))")
        shapes = grid(COLUMNS, ROWS, segments=8)
        for place, shape in enumerate(shapely.to_wkb(shapes)):
            cursor.execute(
                "INSERT INTO shapes VALUES (%s, ST_SetSRID(ST_GeomFromWKB(%s), 31370))",
                (place, shape),
            )
        cursor.execute(TABLES + _comments())
    layers.seal_all(database, staging)
    return editions.publish(database, staging).number


def _comments() -> str:
    tables = {
        "sectors": [name for name in MEANING if name not in ("shop_code", "region_name")],
        "regions": ["region_code", "region_name", "population", "density", "geom"],
        "shops": ["shop_code", "geom"],
    }
    said = ""
    for table, names in tables.items():
        said += f"COMMENT ON TABLE {table} IS '{table.title()} of Mapland';"
        for name in names:
            unit, rule = MEANING[name]
            if table == "regions" and name == "density":
                rule = "none"
            about = DESCRIPTION.get(name, name.replace("_", " ").capitalize())
            said += (
                f"COMMENT ON COLUMN {table}.{name} IS"
                f" '{about} [unit: {unit}; aggregate: {rule}; from: made up]';"
            )
    return said
