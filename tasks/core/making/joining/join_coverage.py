"""How well areas and figures meet: counts, population and orphan codes, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

NAMED = 10  # orphan codes in a message; the catalog keeps up to 1,000
KEPT = 1000


@dataclass(frozen=True, kw_only=True)
class JoinReport:
    """Counts of both sides; population is None when the figures count no persons."""

    area_count: int
    areas_matched: int
    figure_count: int
    figures_matched: int
    figures_unlocated: int
    population: Decimal | None
    population_matched: Decimal | None
    population_unlocated: Decimal | None
    figures_named: int
    population_named: Decimal | None
    areas_orphaned: tuple[str, ...]
    figures_orphaned: tuple[str, ...]

    @property
    def share_of_areas(self) -> float:
        """Share of areas that have figures."""
        return self.areas_matched / self.area_count if self.area_count else 0.0

    @property
    def share_of_figures(self) -> float:
        """Share of figures, the unlocated left out, that have an area."""
        return self.figures_matched / self.figure_count if self.figure_count else 0.0

    @property
    def share_named(self) -> float:
        """Share of the figures, or of their population where that is more, that `recode` named
        because it could not carry their codes.
        """
        people = (
            float(self.population_named / self.population)
            if self.population and self.population_named
            else 0.0
        )
        return max(self.figures_named / self.figure_count if self.figure_count else 0.0, people)

    @property
    def share_of_population(self) -> float:
        """Share of the located population that has an area; 1 when no population was given."""
        return (
            float(self.population_matched / self.population)
            if self.population and self.population_matched is not None
            else 1.0
        )

    @property
    def sentence(self) -> str:
        """The report in one sentence without its full stop."""
        said = (
            f"{self.areas_matched:,} of {self.area_count:,} areas matched, {self.figures_matched:,}"
            f" of {self.figure_count:,} figures matched"
        )
        if self.population is not None:
            said += f", {self.share_of_population:.2%} of the population"
        if self.figures_unlocated:
            said += f"; {self.figures_unlocated:,} rows are not located by the publisher"
        if self.figures_named:
            said += (
                f"; {self.figures_named:,} figures have codes that the ledger names and could not"
                " carry"
            )
        return said

    @property
    def orphans(self) -> str:
        """The orphan codes in words."""
        sides = (
            ("areas without figures", self.areas_orphaned),
            ("figures without area", self.figures_orphaned),
        )
        return "; ".join(
            f"{name}: {', '.join(codes[:NAMED])}{' …' if len(codes) > NAMED else ''}"
            for name, codes in sides
            if codes
        )


def measure(
    database: Database,
    staging: Staging,
    areas: str,
    figures: str,
    key: str,
    population: str | None,
    unlocated: str | None,
    only: str | None = None,
) -> JoinReport:
    """Count both sides of a join in the staging schema and keep the report in the catalog."""
    with database.session(staging.schema) as cursor:
        _meet(cursor, staging, areas, figures, key, population, unlocated, only)
        report = _measured(cursor)
        cursor.execute(
            "INSERT INTO catalog.join_report VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " %s, %s, %s, %s)",
            (
                staging.dataset.slug,
                staging.edition,
                areas,
                figures,
                key,
                report.area_count,
                report.areas_matched,
                report.figure_count,
                report.figures_matched,
                report.figures_unlocated,
                report.population,
                report.population_matched,
                report.population_unlocated,
                list(report.areas_orphaned),
                list(report.figures_orphaned),
            ),
        )
    return report


def _meet(
    cursor: Cursor,
    staging: Staging,
    areas: str,
    figures: str,
    key: str,
    population: str | None,
    unlocated: str | None,
    only: str | None,
) -> None:
    """Make the temporary table met: a row for each key of either side, with what is there of it."""
    names = {
        "areas": sql.Identifier(areas),
        "figures": sql.Identifier(figures),
        "key": sql.Identifier(key),
    }
    persons = sql.Identifier(population) if population else sql.SQL("NULL::numeric")
    cursor.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE met ON COMMIT DROP AS SELECT coalesce(a.key::text, f.key::text,"
            " 'no code') AS key, a.key IS NOT NULL AS area, f.there IS NOT NULL AS figure,"
            " f.persons, coalesce(f.key LIKE %s AND a.key IS NULL, false) AS unlocated,"
            " coalesce(f.key = ANY (%s) AND a.key IS NULL, false) AS named FROM (SELECT DISTINCT"
            " {key} AS key FROM {areas}) AS a FULL JOIN (SELECT {key} AS key, true AS there,"
            " sum({persons})::numeric AS persons FROM {figures} {only} GROUP BY {key}) AS f ON"
            " a.key = f.key"
        ).format(
            persons=persons,
            only=sql.SQL("WHERE {} LIKE %s").format(names["key"]) if only else sql.SQL(""),
            **names,
        ),
        (unlocated or "", _named(cursor, staging, figures), *([only] if only else [])),
    )


def _measured(cursor: Cursor) -> JoinReport:
    """Count the rows of the temporary table met."""
    cursor.execute(
        "SELECT count(*) FILTER (WHERE area), count(*) FILTER (WHERE area AND figure), count(*)"
        " FILTER (WHERE figure AND NOT unlocated), count(*) FILTER (WHERE area AND figure),"
        " count(*) FILTER (WHERE unlocated), sum(persons) FILTER (WHERE NOT unlocated),"
        " coalesce(sum(persons) FILTER (WHERE area), 0), coalesce(sum(persons) FILTER (WHERE"
        " unlocated), 0), count(*) FILTER (WHERE named), coalesce(sum(persons) FILTER (WHERE"
        " named), 0) FROM met"
    )
    counts = cursor.fetchall()[0]
    orphaned = []
    for condition in ("area AND NOT figure", "figure AND NOT area AND NOT unlocated AND NOT named"):
        cursor.execute(f"SELECT key FROM met WHERE {condition} ORDER BY key LIMIT {KEPT}")
        orphaned.append(tuple(key for (key,) in cursor.fetchall()))
    has_population = counts[5] is not None
    return JoinReport(
        area_count=counts[0],
        areas_matched=counts[1],
        figure_count=counts[2],
        figures_matched=counts[3],
        figures_unlocated=counts[4],
        population=counts[5],
        population_matched=counts[6] if has_population else None,
        population_unlocated=counts[7] if has_population else None,
        figures_named=counts[8],
        population_named=counts[9] if has_population else None,
        areas_orphaned=orphaned[0],
        figures_orphaned=orphaned[1],
    )


def _named(cursor: Cursor, staging: Staging, figures: str) -> list[str]:
    """Codes of figures that `recode` could not carry and named."""
    cursor.execute(
        "SELECT unnest(before) FROM catalog.code_change WHERE dataset = %s AND number = %s AND"
        " table_name = %s AND verdict = 'named'",
        (staging.dataset.slug, staging.edition, figures),
    )
    return [code for (code,) in cursor.fetchall()]
