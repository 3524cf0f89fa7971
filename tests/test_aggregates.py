"""`aggregate`, on a synthetic coverage of 48 sectors in municipalities, arrondissements, provinces
and regions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import shapely
from fractal_coverage import crossed, grid, resized, store

from tasks.core.catalog.column_rules import column_comments, column_rules
from tasks.core.making.joining.summed_tables import read_summed
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database
from tasks.verbs.aggregates import aggregate

PARENTS = ("municipality_*", "arrondissement_*", "province_*", "region_*")

# Sector n is in municipality n / 4, arrondissement n / 8, province n / 16 (none for the last) and
# region n / 32.
SECTORS = """
CREATE TABLE sectors AS
SELECT code AS sector_code, 'Sector ' || n AS sector_name,
       'M' || n / 4 AS municipality_code,
       CASE WHEN n / 4 <> 3 THEN 'Commune ' || n / 4 END AS municipality_name,
       'A' || n / 8 AS arrondissement_code,
       CASE WHEN n / 16 < 2 THEN 'P' || n / 16 END AS province_code,
       'R' || n / 32 AS region_code,
       (n * 10)::bigint AS population, round((ST_Area(geom) / 1e6)::numeric, 6) AS area_km2,
       round(n * 10 / (ST_Area(geom) / 1e6)::numeric, 2) AS density,
       CASE WHEN n % 4 < 2 AND n / 4 <> 2 THEN (n * 1000.25)::numeric(18, 2) END AS income,
       CASE WHEN n % 4 >= 2 OR n / 4 = 2 THEN 'suppressed' END AS income_reason,
       CASE WHEN n % 3 > 0 THEN n + 0.5::double precision END AS age,
       20000 + n AS median_income, geom
  FROM (SELECT *, left(code, 5)::integer AS n FROM shapes) AS numbered;
CREATE TABLE unlocated (
    municipality_code text, population bigint, unlocated bigint, homeless bigint);
INSERT INTO unlocated VALUES ('M0', 7, 7, 2), ('M5', 1, 1, NULL);
COMMENT ON COLUMN sectors.sector_code IS 'Code [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN sectors.sector_name IS 'Name [unit: name; aggregate: same; from: made up]';
COMMENT ON COLUMN sectors.municipality_code IS
    'Municipality [unit: code; aggregate: same; from: made up]';
COMMENT ON COLUMN sectors.municipality_name IS
    'Its name [unit: name; aggregate: same; from: made up]';
COMMENT ON COLUMN sectors.arrondissement_code IS
    'Arrondissement [unit: code; aggregate: same; from: made up]';
COMMENT ON COLUMN sectors.province_code IS 'Province [unit: code; aggregate: same; from: made up]';
COMMENT ON COLUMN sectors.region_code IS 'Region [unit: code; aggregate: same; from: made up]';
COMMENT ON COLUMN sectors.population IS 'Residents [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN sectors.area_km2 IS 'Area [unit: km²; aggregate: sum; from: made up]';
COMMENT ON COLUMN sectors.density IS
    'Density [unit: persons/km²; aggregate: ratio population / area_km2; from: computed]';
COMMENT ON COLUMN sectors.income IS 'Income [unit: EUR; aggregate: sum; from: made up]';
COMMENT ON COLUMN sectors.income_reason IS 'Why not [unit: reason; aggregate: none; from: made up]';
COMMENT ON COLUMN sectors.age IS
    'Mean age [unit: years; aggregate: mean by population; from: made up]';
COMMENT ON COLUMN sectors.median_income IS 'Median [unit: EUR; aggregate: none; from: made up]';
COMMENT ON COLUMN sectors.geom IS 'Border [unit: m; aggregate: none; from: made up]';
COMMENT ON COLUMN unlocated.unlocated IS
    'Not located [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN unlocated.homeless IS 'Homeless [unit: persons; aggregate: sum; from: made up]';
"""


@pytest.fixture
def sectors(database: Database, staging: Staging) -> Staging:
    """A staging schema with the tables sectors (48 rows) and unlocated (2 rows)."""
    store(database, staging.schema, "shapes", grid(8, 6))
    run(database, staging, SECTORS)
    return staging


def run(database: Database, staging: Staging, statements: str) -> None:
    with database.session(staging.schema) as cursor:
        cursor.execute(statements)


def rows(database: Database, staging: Staging, query: str) -> list[tuple]:
    with database.session(staging.schema) as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def columns(database: Database, staging: Staging, table: str) -> list[str]:
    return list(column_rules(database, staging.schema, table))


def test_sums_ratios_and_means(database: Database, sectors: Staging) -> None:
    assert (
        aggregate.fn(
            sectors, "sectors", by="municipality_code", into="municipalities", carry=PARENTS
        )
        == sectors
    )
    assert rows(database, sectors, "SELECT count(*) FROM municipalities") == [(12,)]
    assert columns(database, sectors, "municipalities") == [
        "municipality_code",
        "municipality_name",
        "arrondissement_code",
        "province_code",
        "region_code",
        "population",
        "area_km2",
        "density",
        "density_covered",
        "income",
        "income_missing",
        "age",
        "age_covered",
        "geom",
    ]
    found = rows(
        database,
        sectors,
        "SELECT population, area_km2, density, age FROM municipalities WHERE municipality_code ="
        " 'M1'",
    )[0]
    assert found[0] == 40 + 50 + 60 + 70
    assert found[2] == round(found[0] / found[1], 2)
    assert found[3] == pytest.approx(
        (4.5 * 40 + 5.5 * 50 + 7.5 * 70) / (40 + 50 + 70)
    )  # sector 6 has no mean age
    expected = rows(database, sectors, "SELECT sum(area_km2) FROM sectors")
    assert rows(database, sectors, "SELECT sum(area_km2) FROM municipalities") == expected
    types = [
        f"pg_typeof({name})"
        for name in ("population", "density", "income", "income_missing", "age")
    ]
    found = rows(database, sectors, f"SELECT {', '.join(types)} FROM municipalities")
    assert found[0] == ("bigint", "numeric", "numeric", "integer", "double precision")


def test_a_sum_without_any_known_figure_is_null_and_the_unknown_are_counted(
    database: Database, sectors: Staging
) -> None:
    aggregate.fn(sectors, "sectors", by="municipality_code", into="municipalities", carry=PARENTS)
    found = dict(
        rows(
            database,
            sectors,
            "SELECT municipality_code, (income, income_missing)::text FROM municipalities",
        )
    )
    assert found["M1"] == "(9002.25,2)"
    assert found["M2"] == "(,4)"
    aggregate.fn(sectors, "municipalities", by="arrondissement_code", into="arrondissements")
    found = rows(
        database,
        sectors,
        "SELECT income, income_missing FROM arrondissements WHERE arrondissement_code = 'A1'",
    )
    assert found == [(Decimal("25006.25"), 6)]


def test_a_ratio_over_nothing_is_null(database: Database, sectors: Staging) -> None:
    run(database, sectors, "UPDATE sectors SET area_km2 = 0 WHERE municipality_code = 'M4'")
    aggregate.fn(sectors, "sectors", by="municipality_code", into="municipalities")
    assert rows(
        database, sectors, "SELECT municipality_code FROM municipalities WHERE density IS NULL"
    ) == [("M4",)]


def test_added_figures_count_before_the_ratios_and_further_columns_follow(
    database: Database, sectors: Staging
) -> None:
    aggregate.fn(
        sectors,
        "sectors",
        by="municipality_code",
        into="municipalities",
        carry=PARENTS,
        adding="unlocated",
    )
    assert columns(database, sectors, "municipalities")[-3:] == ["unlocated", "homeless", "geom"]
    dense = "density = round(population / area_km2, 2)"
    found = rows(
        database,
        sectors,
        f"SELECT population, unlocated, homeless, {dense} FROM municipalities ORDER BY"
        " municipality_code",
    )
    assert found[0] == (60 + 7, 7, 2, True)
    assert (220, 0, 0, True) in found  # M1 has no row in the addition
    assert (20 * 40 + 60 + 1, 1, None, True) in found  # M5: an unknown figure stays unknown
    assert rows(database, sectors, "SELECT sum(population) FROM municipalities") == [
        (sum(range(48)) * 10 + 8,)
    ]
    aggregate.fn(sectors, "municipalities", by="region_code", into="regions")
    assert rows(database, sectors, "SELECT sum(population), sum(unlocated) FROM regions") == [
        (sum(range(48)) * 10 + 8, 8)
    ]


def test_an_addition_that_does_not_fit_is_refused(database: Database, sectors: Staging) -> None:
    run(database, sectors, "INSERT INTO unlocated VALUES ('M77', 5, 5, 5)")
    with pytest.raises(CheckFailed, match="1 belong to no group: M77"):
        aggregate.fn(
            sectors, "sectors", by="municipality_code", into="municipalities", adding="unlocated"
        )
    run(database, sectors, "UPDATE unlocated SET municipality_code = 'M0'")
    with pytest.raises(CheckFailed, match="1 are there more than once: M0"):
        aggregate.fn(
            sectors, "sectors", by="municipality_code", into="municipalities", adding="unlocated"
        )
    run(database, sectors, "ALTER TABLE unlocated RENAME unlocated TO density")
    with pytest.raises(CheckFailed, match="two columns named density"):
        aggregate.fn(
            sectors, "sectors", by="municipality_code", into="municipalities", adding="unlocated"
        )
    with pytest.raises(CheckFailed, match="must have the column region_code"):
        aggregate.fn(sectors, "sectors", by="region_code", into="regions", adding="unlocated")


def test_four_levels_in_a_row_conserve_people_and_ground(
    database: Database, sectors: Staging
) -> None:
    levels = ("sectors", "municipalities", "arrondissements", "provinces")
    for level, (table, by, into) in enumerate(
        zip(
            levels,
            ("municipality_code", "arrondissement_code", "province_code"),
            levels[1:],
            strict=False,
        )
    ):
        aggregate.fn(sectors, table, by=by, into=into, carry=PARENTS[level:])
    aggregate.fn(sectors, "arrondissements", by="region_code", into="regions", carry=PARENTS[3:])
    counts = [
        rows(
            database, sectors, f"SELECT count(*), sum(population), sum(ST_Area(geom)) FROM {table}"
        )[0]
        for table in (*levels, "regions")
    ]
    assert [count for count, _, _ in counts] == [48, 12, 6, 2, 2]
    for number in (1, 2, 4):
        assert counts[number][1] == counts[0][1]
        assert counts[number][2] == pytest.approx(counts[0][2], rel=1e-12)
    steps = (
        "SELECT sentence, figures FROM catalog.step WHERE subject = 'provinces' AND number ="
        f" {sectors.edition}"
    )
    sentence, figures = rows(database, sectors, steps)[0]
    assert (
        sentence
        == "Aggregated 4 arrondissements into 2 provinces, without 2 that have no province_code"
    )
    assert figures == {
        "of": "arrondissements",
        "without_parent": 2,
        "overlaid": 0,
        "slivers_closed": 0,
    }
    assert column_rules(database, sectors.schema, "regions")["region_code"].kind == "key"


def test_areas_are_dissolved_along_shared_edges(database: Database, sectors: Staging) -> None:
    aggregate.fn(sectors, "sectors", by="region_code", into="regions")
    shapes = [
        shapely.from_wkb(bytes(shape))
        for (shape,) in rows(
            database, sectors, "SELECT ST_AsBinary(geom) FROM regions ORDER BY region_code"
        )
    ]
    parts = [
        shapely.from_wkb(bytes(shape))
        for (shape,) in rows(
            database, sectors, "SELECT ST_AsBinary(geom) FROM sectors WHERE region_code = 'R0'"
        )
    ]
    assert [shape.geom_type for shape in shapes] == ["MultiPolygon", "MultiPolygon"]
    assert shapely.get_num_interior_rings(shapely.get_parts(shapes)).sum() == 0
    assert shapes[0].equals(shapely.union_all(parts))
    assert shapely.coverage_is_valid(
        shapes
    )  # the two regions share their common border point by point
    kind = rows(
        database,
        sectors,
        "SELECT type, srid FROM geometry_columns WHERE f_table_name = 'regions' AND f_table_schema"
        " = current_schema()",
    )
    assert kind == [("MULTIPOLYGON", 31370)]


def test_large_areas_are_compressed_with_lz4(database: Database, sectors: Staging) -> None:
    straight = (  # irregular borders do not compress
        "ST_Multi(ST_Segmentize(ST_MakeEnvelope(n * 1024, 0, n * 1024 + 1024, 1024, 31370), 1))"
    )
    numbered = (
        "(SELECT sector_code AS code, left(sector_code, 5)::integer AS n FROM sectors) AS numbered"
    )
    run(
        database,
        sectors,
        f"UPDATE sectors SET geom = {straight} FROM {numbered} WHERE code = sector_code",
    )
    aggregate.fn(sectors, "sectors", by="municipality_code", into="municipalities")
    assert rows(
        database, sectors, "SELECT DISTINCT pg_column_compression(geom) FROM municipalities"
    ) == [("lz4",)]


def test_the_same_areas_in_another_order_dissolve_to_the_same_bytes(
    database: Database, sectors: Staging
) -> None:
    aggregate.fn(sectors, "sectors", by="region_code", into="regions")
    before = rows(
        database, sectors, "SELECT md5(ST_AsEWKB(geom)) FROM regions ORDER BY region_code"
    )
    run(
        database,
        sectors,
        "CREATE TABLE turned AS SELECT * FROM sectors ORDER BY sector_code DESC; DELETE FROM"
        " sectors",
    )
    run(database, sectors, "INSERT INTO sectors SELECT * FROM turned")
    aggregate.fn(sectors, "sectors", by="region_code", into="regions")
    assert (
        rows(database, sectors, "SELECT md5(ST_AsEWKB(geom)) FROM regions ORDER BY region_code")
        == before
    )


def test_areas_whose_edges_do_not_match_are_overlaid_and_counted(
    database: Database, staging: Staging
) -> None:
    shapes = grid(8, 6)
    shapes[1], shapes[40] = resized(shapes[1], 0.5), crossed(shapes[40])
    shapes[40] = shapely.MultiPolygon(
        list(shapely.get_parts(shapely.make_valid(shapes[40], method="structure")))
    )
    store(database, staging.schema, "shapes", shapes)
    run(database, staging, SECTORS)
    aggregate.fn(staging, "sectors", by="municipality_code", into="municipalities")
    figures = rows(
        database,
        staging,
        f"SELECT figures FROM catalog.step WHERE number = {staging.edition} AND verb = 'aggregate'",
    )[0][0]
    assert figures["overlaid"] >= 1
    assert rows(
        database, staging, "SELECT count(*) FROM municipalities WHERE NOT ST_IsValid(geom)"
    ) == [(0,)]
    union = rows(
        database,
        staging,
        "SELECT ST_Area(ST_Union(geom)) FROM sectors WHERE municipality_code = 'M0'",
    )[0][0]
    assert rows(
        database, staging, "SELECT ST_Area(geom) FROM municipalities WHERE municipality_code = 'M0'"
    )[0][0] == pytest.approx(union)


def test_a_group_without_any_area_has_none(database: Database, sectors: Staging) -> None:
    run(database, sectors, "UPDATE sectors SET geom = NULL WHERE municipality_code = 'M6'")
    assert (
        aggregate.fn(sectors, "sectors", by="municipality_code", into="municipalities") == sectors
    )
    assert rows(database, sectors, "SELECT count(*) FROM municipalities") == [(12,)]
    assert rows(
        database, sectors, "SELECT municipality_code FROM municipalities WHERE geom IS NULL"
    ) == [("M6",)]


def test_what_is_not_constant_or_not_allowed_cannot_be_carried(
    database: Database, sectors: Staging
) -> None:
    for pattern, message in (
        ("median_*", r"median_income \(none\)"),
        ("population", r"population \(sum\)"),
        ("sector_name", r"one value for each municipality_code.*sector_name in M0, M1, M10"),
        ("town_*", "No column of sectors is named like 'town_\\*'"),
    ):
        with pytest.raises(CheckFailed, match=message):
            aggregate.fn(
                sectors, "sectors", by="municipality_code", into="municipalities", carry=[pattern]
            )
    run(
        database,
        sectors,
        "UPDATE sectors SET municipality_name = NULL WHERE sector_code = '00004-'",
    )
    with pytest.raises(CheckFailed, match="municipality_name in M1:"):  # null counts as a value
        aggregate.fn(
            sectors,
            "sectors",
            by="municipality_code",
            into="municipalities",
            carry=["municipality_*"],
        )


def test_rules_that_cannot_be_met_are_refused(database: Database, sectors: Staging) -> None:
    for column, rule, message in (
        ("density", "ratio population / homes", "density of sectors needs homes"),
        ("density", "ratio population / median_income", "density of sectors needs median_income"),
        ("age", "mean by homes", "weighted by homes"),
        (
            "sector_name",
            "sum",
            "sector_name of sectors has the rule sum and must be a number, and is text",
        ),
    ):
        comment = column_comments(database, sectors.schema, "sectors")[column]
        run(
            database,
            sectors,
            f"COMMENT ON COLUMN sectors.{column} IS 'x [unit: x; aggregate: {rule}; from: x]'",
        )
        with pytest.raises(CheckFailed, match=message):
            aggregate.fn(sectors, "sectors", by="municipality_code", into="municipalities")
        run(database, sectors, f"COMMENT ON COLUMN sectors.{column} IS '{comment}'")
    with pytest.raises(CheckFailed, match="has no column town_code"):
        aggregate.fn(sectors, "sectors", by="town_code", into="towns")
    with pytest.raises(ConfigurationError, match="cannot be written into sectors"):
        aggregate.fn(sectors, "sectors", by="municipality_code", into="sectors")


def test_an_aggregate_is_made_anew_and_leaves_no_side_table(
    database: Database, sectors: Staging
) -> None:
    for _ in range(2):
        aggregate.fn(sectors, "sectors", by="municipality_code", into="municipalities")
    tables = rows(
        database,
        sectors,
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND"
        " relkind = 'r' AND relname <> 'staging_proof' ORDER BY 1",
    )
    assert [name for (name,) in tables] == ["municipalities", "sectors", "shapes", "unlocated"]


def test_figures_without_areas_are_aggregated_too(database: Database, sectors: Staging) -> None:
    run(database, sectors, "ALTER TABLE sectors DROP COLUMN geom")
    assert aggregate.fn(sectors, "sectors", by="region_code", into="regions") == sectors
    assert rows(database, sectors, "SELECT count(*) FROM regions") == [(2,)]
    assert "geom" not in columns(database, sectors, "regions")
    assert np.isclose(
        float(rows(database, sectors, "SELECT sum(population) FROM regions")[0][0]), 11_280
    )


def test_margins_of_error_are_aggregated_by_the_root_of_the_summed_squares(
    database: Database, staging: Staging
) -> None:
    run(
        database,
        staging,
        "CREATE TABLE tracts (tract text, county text, residents bigint, residents_moe bigint,"
        " income bigint);INSERT INTO tracts VALUES ('1', 'A', 100, 30, 9), ('2', 'A', 200, 40, 8),"
        " ('3', 'B', 5, NULL, 7), ('4', 'B', 6, 10, 6);COMMENT ON COLUMN tracts.tract IS 'Tract"
        " [unit: code; aggregate: key; from: made up]';COMMENT ON COLUMN tracts.county IS 'County"
        " [unit: code; aggregate: same; from: made up]';COMMENT ON COLUMN tracts.residents IS"
        " 'Residents [unit: persons; aggregate: sum; from: made up]';COMMENT ON COLUMN"
        " tracts.residents_moe IS 'Margin of error [unit: persons; aggregate: root of squares;"
        " from: made up]';COMMENT ON COLUMN tracts.income IS 'Median income [unit: USD; aggregate:"
        " none; from: made up]'",
    )
    aggregate.fn(staging, "tracts", by="county", into="counties")
    assert rows(database, staging, "SELECT * FROM counties ORDER BY 1") == [
        ("A", 300, 50),
        ("B", 11, None),
    ]
    rule = column_rules(database, staging.schema, "counties")["residents_moe"]
    assert (
        rule.description == "Margin of error; root of the sum of the squares of those of the tracts"
    )
    with pytest.raises(
        CheckFailed,
        match=r"income \(none\); a median or a figure of one area is not that of several",
    ):
        aggregate.fn(staging, "tracts", by="county", into="counties", carry=("income",))


LEVELS = (
    ("sectors", "municipality_code", "municipalities"),
    ("municipalities", "arrondissement_code", "arrondissements"),
    ("arrondissements", "region_code", "regions"),
)


@pytest.mark.parametrize(
    "holes",
    [
        "population = NULL WHERE right(sector_name, 1) IN ('1', '4', '7')",
        "area_km2 = NULL WHERE false",
        "population = NULL WHERE municipality_code IN ('M0', 'M1', 'M6')",
        "population = 0 WHERE right(sector_name, 1) = '2'",
        "area_km2 = 0 WHERE right(sector_name, 1) = '3'",
        "population = NULL, area_km2 = NULL WHERE right(sector_name, 1) = '5'",
        "population = NULL",
    ],
)
def test_a_ratio_divides_sums_over_the_same_areas_at_every_level(
    database: Database, sectors: Staging, holes: str
) -> None:
    run(database, sectors, f"UPDATE sectors SET {holes}")
    for level, (table, by, into) in enumerate(LEVELS):
        aggregate.fn(sectors, table, by=by, into=into, carry=PARENTS[level + level // 2 :])
        known = "FILTER (WHERE num_nulls(population, area_km2) = 0)"
        wanted = f"""
            SELECT {by}, round(sum(population) {known} / nullif(sum(area_km2) {known}, 0), 2),
                   round(coalesce(sum(area_km2) {known}, 0) / nullif(sum(area_km2), 0), 12)
              FROM sectors GROUP BY 1 ORDER BY 1"""
        found = f"SELECT {by}, density, round(density_covered, 12) FROM {into} ORDER BY 1"
        expected = rows(database, sectors, wanted)
        assert [
            (code, density, covered or 0)
            for code, density, covered in rows(database, sectors, found)
        ] == [(code, density, covered or 0) for code, density, covered in expected]


def test_a_numerator_without_its_denominator_is_left_out_and_goes_no_further(
    database: Database, sectors: Staging
) -> None:
    run(database, sectors, "UPDATE sectors SET area_km2 = NULL WHERE sector_name = 'Sector 5'")
    aggregate.fn(sectors, "sectors", by="municipality_code", into="municipalities", carry=PARENTS)
    wanted = rows(
        database,
        sectors,
        "SELECT round(sum(population) / sum(area_km2), 2) FROM sectors WHERE municipality_code ="
        " 'M1' AND area_km2 IS NOT NULL",
    )
    found = "SELECT density FROM municipalities WHERE municipality_code = 'M1'"
    assert rows(database, sectors, found) == wanted
    with pytest.raises(CheckFailed, match="aggregate the table that municipalities was made from"):
        aggregate.fn(sectors, "municipalities", by="arrondissement_code", into="arrondissements")


AREAS = """
CREATE TABLE areas (area text, district text, state text, persons {kind}, age {age}, dwellings int);
COMMENT ON COLUMN areas.area IS 'Area [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN areas.district IS 'District [unit: code; aggregate: same; from: made up]';
COMMENT ON COLUMN areas.state IS 'State [unit: code; aggregate: same; from: made up]';
COMMENT ON COLUMN areas.persons IS 'Residents [unit: persons; aggregate: sum; from: made up]';
COMMENT ON COLUMN areas.age IS 'Mean age [unit: years; aggregate: mean by persons; from: made up]';
COMMENT ON COLUMN areas.dwellings IS 'Dwellings [unit: dwellings; aggregate: sum; from: made up]';
"""
Area = tuple[str, str, str, Any, Any, Any]


def fill(
    database: Database, staging: Staging, areas: list[Area], kind: str, age: str = "numeric"
) -> None:
    """Make the table areas; a column follows each of the areas' values."""
    with database.session(staging.schema) as cursor:
        cursor.execute(AREAS.format(kind=kind, age=age))
        cursor.executemany("INSERT INTO areas VALUES (%s, %s, %s, %s, %s, %s)", areas)


def to_states(database: Database, staging: Staging, what: str) -> list[tuple]:
    aggregate.fn(staging, "areas", by="district", into="districts", carry=("state",))
    aggregate.fn(staging, "districts", by="state", into="states")
    return rows(database, staging, f"SELECT {what} FROM states ORDER BY state")


@pytest.mark.parametrize("kind", ["bigint", "numeric(9,2)", "double precision", "real"])
@pytest.mark.parametrize("age", ["numeric", "double precision", "integer"])
def test_a_mean_weighs_what_it_is_known_of_at_the_second_level_too(
    database: Database, staging: Staging, kind: str, age: str
) -> None:
    areas = [
        ("1", "A", "S", 40, 20, 1),
        ("2", "A", "S", 60, None, 1),
        ("3", "B", "S", 10, 50, 1),
        ("4", "C", "S", 90, None, 1),
        ("5", "D", "T", None, 70, 1),
        ("6", "E", "T", 30, 30, 1),
        ("7", "F", "U", 0, 80, 1),
        ("8", "G", "V", 5, None, 1),
    ]
    fill(database, staging, areas, kind, age)
    found = to_states(database, staging, "state, persons, age, age_covered")
    assert found == [
        ("S", 200, 26, Decimal("0.25")),  # (40 * 20 + 10 * 50) / 50, and 50 of 200
        ("T", 30, 30, 1),
        ("U", 0, None, None),
        ("V", 5, None, 0),
    ]
    of_districts = rows(
        database, staging, "SELECT age, age_covered FROM districts ORDER BY district"
    )
    assert of_districts == [
        (20, Decimal("0.4")),
        (50, 1),
        (None, 0),
        (None, None),
        (30, 1),
        (None, None),
        (None, 0),
    ]
    said = column_rules(database, staging.schema, "states")["age"].description
    rounded = (
        "" if age == "double precision" else "; weighted mean of rounded means of the districts"
    )
    assert said == f"Mean age; age of areas without persons is left out{rounded}"


def test_what_is_added_to_the_weights_has_no_mean(database: Database, staging: Staging) -> None:
    fill(database, staging, [("1", "A", "S", 40, 20, 1), ("2", "B", "S", 10, 50, 1)], "bigint")
    added = """
        CREATE TABLE unlocated AS
        SELECT 'A' AS district, 60::bigint AS persons, 1.5::numeric(9,2) AS rent;
        COMMENT ON COLUMN unlocated.rent IS 'Rent [unit: EUR; aggregate: sum; from: made up]'"""
    run(database, staging, added)
    aggregate.fn(staging, "areas", "district", "districts", ("state",), "unlocated")
    assert read_summed(database, staging.schema, "districts").types["rent"] == "numeric(9,2)"
    aggregate.fn(staging, "districts", by="state", into="states")
    found = rows(database, staging, "SELECT persons, age, round(age_covered, 6) FROM states")
    assert found == [(110, 26, Decimal("0.454545"))]


def test_a_column_that_only_sounds_like_a_share_is_none(
    database: Database, staging: Staging
) -> None:
    fill(database, staging, [("1", "A", "S", 40, 20, 1), ("2", "A", "S", 10, 50, 1)], "bigint")
    column = """
        ALTER TABLE areas ADD COLUMN age_covered integer DEFAULT 0;
        COMMENT ON COLUMN areas.age_covered IS
            'Persons asked for their age [unit: persons; aggregate: none; from: made up]'"""
    run(database, staging, column)
    aggregate.fn(staging, "areas", by="district", into="districts")
    assert rows(database, staging, "SELECT age, age_covered FROM districts") == [(26, 1)]


LAND = ("district", "province", "state")


def random_areas(seed: int) -> list[tuple]:
    """Areas of 12 states with 1 to 5 provinces, districts and areas each; many figures are holes.

    Where dwellings are unknown persons are too, or the ratio would leave out a part of persons.
    """
    rng = np.random.default_rng(seed)
    made = []
    for state in range(12):
        hole = rng.choice([0.0, 0.3, 0.8])
        for province in range(rng.integers(1, 6)):
            for district in range(rng.integers(1, 6)):
                for _ in range(rng.integers(1, 6)):
                    codes = [f"{state}", f"{state}.{province}", f"{state}.{province}.{district}"]
                    weight, asked, lived, aged = rng.random(4) >= hole
                    persons = int(rng.integers(0, 10_000)) if lived and weight else None
                    dwellings = int(rng.integers(0, 500)) if weight else None
                    age = int(rng.integers(0, 800)) if aged and asked else None
                    made.append((str(len(made)), *codes[::-1], persons, dwellings, age))
    return made


def direct(areas: list[tuple], place: int) -> dict[str, tuple]:
    """Each group's mean age, density, and the shares that these stand on, of the areas alone."""
    groups = defaultdict(list)
    for area in areas:
        groups[area[place]].append(area[4:])
    return {code: directly(group) for code, group in groups.items()}


def directly(group: list[tuple]) -> tuple:
    aged = [(age, persons) for persons, _, age in group if None not in (age, persons)]
    housed = [(persons, houses) for persons, houses, _ in group if None not in (persons, houses)]
    return (
        quotient(sum(age * persons for age, persons in aged), sum(each for _, each in aged)),
        quotient(sum(each for _, each in aged), sum(persons or 0 for persons, _, _ in group)),
        quotient(sum(each for each, _ in housed), sum(each for _, each in housed)),
        quotient(sum(each for _, each in housed), sum(houses or 0 for _, houses, _ in group)),
    )


def quotient(above: int, below: int) -> Fraction | None:
    return Fraction(above, below) if below else None


def numbers(figures: Iterable[Any]) -> list[float]:
    """Give figures as floats, -1 where there is none."""
    return [-1.0 if figure is None else float(figure) for figure in figures]


RULES = {
    "code": "key",
    **dict.fromkeys(LAND, "same"),
    **dict.fromkeys(("persons", "dwellings"), "sum"),
    "age": "mean by persons",
    "density": "ratio persons / dwellings",
}


@pytest.mark.parametrize("kind", ["bigint", "double precision"])
@pytest.mark.parametrize("seed", range(4))
def test_three_levels_of_random_trees_with_holes_are_what_the_areas_alone_give(
    database: Database, staging: Staging, seed: int, kind: str
) -> None:
    areas = random_areas(seed)
    made = f"""
        CREATE TABLE areas (code text, district text, province text, state text, persons {kind},
                            dwellings integer, age double precision, density double precision)"""
    comments = "; ".join(
        f"COMMENT ON COLUMN areas.{name} IS '{name} [unit: {name}; aggregate: {rule}; from: here]'"
        for name, rule in RULES.items()
    )
    with database.session(staging.schema) as cursor:
        cursor.execute(f"{made}; {comments}")
        cursor.executemany("INSERT INTO areas VALUES (%s, %s, %s, %s, %s, %s, %s)", areas)
    source = "areas"
    for place, level in enumerate(LAND):
        aggregate.fn(staging, source, by=level, into=f"{level}s", carry=LAND[place + 1 :])
        source, wanted = f"{level}s", direct(areas, place + 1)
        figures = "age, age_covered, density, density_covered"
        for code, *found in rows(database, staging, f"SELECT {level}, {figures} FROM {source}"):
            expected = numbers(wanted.pop(code))
            assert numbers(found) == pytest.approx(expected, rel=1e-12), f"{level} {code}"
        assert not wanted
