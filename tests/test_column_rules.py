"""Column rules, as they are read from the comments of columns."""

from __future__ import annotations

import pytest

from tasks.core.catalog.column_rules import ColumnRule, column_rules, parse
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

AREAS = """
CREATE TABLE areas (code text, population bigint, km2 numeric, density numeric, age numeric);
COMMENT ON COLUMN areas.code IS 'Code [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN areas.population IS
    'Residents on 1 January [unit: persons; aggregate: sum; from: OPENDATA_SECTOREN.TOTAL]';
COMMENT ON COLUMN areas.km2 IS 'Area [unit: km²; aggregate: sum; from: geometry]';
COMMENT ON COLUMN areas.density IS
    'Density [unit: persons/km²; aggregate: ratio population / km2 * 1.5; from: computed]';
COMMENT ON COLUMN areas.age IS
    'Mean age [unit: years; aggregate: mean by population; from: made up]';
"""


@pytest.fixture
def areas(database: Database, staging: Staging) -> str:
    """The schema of a table areas whose five columns all have rules."""
    with database.session(staging.schema) as cursor:
        cursor.execute(AREAS)
    return staging.schema


def test_rules_are_read_from_the_comments_of_columns(database: Database, areas: str) -> None:
    rules = column_rules(database, areas, "areas")
    assert list(rules) == ["code", "population", "km2", "density", "age"]
    assert rules["population"] == ColumnRule(
        "Residents on 1 January", "persons", "sum", "OPENDATA_SECTOREN.TOTAL"
    )
    assert (rules["density"].kind, rules["density"].operands, rules["density"].factor) == (
        "ratio",
        ("population", "km2"),
        "1.5",
    )
    assert (rules["age"].kind, rules["age"].operands, rules["age"].factor) == (
        "mean",
        ("population",),
        "1",
    )
    assert (rules["code"].kind, rules["code"].operands) == ("key", ())


@pytest.mark.parametrize(
    ("comment", "aggregate"),
    [
        (
            (
                "Deaths; by residence [unit: ‰; aggregate: ratio deaths / residents * 1000; from:"
                " a; b [sic]]"
            ),
            "ratio deaths / residents * 1000",
        ),
        ("Rent  [unit: EUR/m²;aggregate:mean  by dwellings;from: x]", "mean by dwellings"),
        ("Margin of error [unit: persons; aggregate: root of squares; from: x]", "root of squares"),
        ("Rent [unit: EUR; aggregate: average; from: x]", None),
        ("Rent [unit: EUR; aggregate: ratio rent per home; from: x]", None),
        ("Rent [unit: EUR; aggregate: sum]", None),
        ("Rent", None),
        (None, None),
    ],
    ids=[
        "ratio",
        "mean",
        "root",
        "unknown word",
        "ratio without a slash",
        "no origin",
        "no rule",
        "no comment",
    ],
)
def test_a_rule_has_one_of_seven_forms(comment: str | None, aggregate: str | None) -> None:
    rule = parse(comment)
    assert (rule.aggregate if rule else None) == aggregate
    assert rule is None or parse(str(rule)) == rule


def test_columns_without_a_rule_are_listed_with_the_forms_allowed(
    database: Database, areas: str
) -> None:
    with database.session(areas) as cursor:
        cursor.execute(
            "COMMENT ON COLUMN areas.population IS 'Residents'; COMMENT ON COLUMN areas.age IS NULL"
        )
    with pytest.raises(
        CheckFailed,
        match=r"2 do not: population \(Residents\); age \(no comment\); write .*'ratio A / B'",
    ):
        column_rules(database, areas, "areas")
    with pytest.raises(CheckFailed, match=r"The table .*\.towns was expected"):
        column_rules(database, areas, "towns")
