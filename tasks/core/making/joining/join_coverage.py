"""How well areas and figures meet: counts, population and orphan codes, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.making.joining.join_keys import is_in_file, require_comparable
from tasks.core.making.joining.statements import CREATE_MET, SELECT_ALIKE, SELECT_RECODED
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database, records

ALIKE = 3  # pairs of codes in a message that are written differently
NAMED = 10  # orphan codes in a message; the catalog keeps up to 1,000
ORPHANS = "ARRAY(SELECT key FROM met WHERE {} ORDER BY key LIMIT 1000)"  # sorted, not collected
COUNTS = {  # how each figure of a report is counted in the temporary table met
    "area_count": "count(*) FILTER (WHERE area)",
    "areas_matched": "count(*) FILTER (WHERE area AND figure)",
    "figure_count": "count(*) FILTER (WHERE figure AND NOT unlocated)",
    "figures_matched": "count(*) FILTER (WHERE area AND figure)",
    "figures_unlocated": "count(*) FILTER (WHERE unlocated)",
    "figures_named": "count(*) FILTER (WHERE named)",
    "population": "sum(persons) FILTER (WHERE NOT unlocated)",
    "population_matched": "sum(persons * area::integer)",
    "population_unlocated": "sum(persons * unlocated::integer)",
    "population_named": "sum(persons * named::integer)",
    "areas_repeated": "count(*) FILTER (WHERE areas_repeated)",
    "figures_repeated": "count(*) FILTER (WHERE figures_repeated)",
    "areas_orphaned": ORPHANS.format("area AND NOT figure"),
    "figures_orphaned": ORPHANS.format("figure AND NOT area AND NOT unlocated AND NOT named"),
}
NOT_KEPT = ("areas_repeated", "figures_repeated", "alike", "recoded", "counts_people")


@dataclass(frozen=True, kw_only=True)
class JoinReport:
    """Counts of both sides, as in COUNTS; population is None when figures count no persons."""

    area_count: int
    areas_matched: int
    figure_count: int
    figures_matched: int
    figures_unlocated: int
    figures_named: int
    population: Decimal | None
    population_matched: Decimal | None
    population_unlocated: Decimal | None
    population_named: Decimal | None
    areas_repeated: int
    figures_repeated: int
    areas_orphaned: Sequence[str]
    figures_orphaned: Sequence[str]
    alike: Sequence[tuple[str, str]]
    recoded: bool
    counts_people: bool

    @property
    def saw_nothing(self) -> str:
        """What the join should have been held to and was not there; "" when all was."""
        if not self.area_count:
            return "no area was there"
        if not self.figure_count:
            return "no figure was there"
        if self.counts_people and not (self.population and self.population.is_finite()):
            found = "none" if self.population is None else self.population
            return f"the persons of the figures sum to {found}"
        return ""

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
        """Share of figures, or of population if more, whose codes `recode` could not carry."""
        figures = self.figures_named / self.figure_count if self.figure_count else 0.0
        if not self.population or not self.population.is_finite():
            return figures
        return max(figures, float((self.population_named or 0) / self.population))

    @property
    def share_of_population(self) -> float:
        """Share of the located population that has an area; 1 when no population was given."""
        if not self.population or self.population_matched is None:
            return 1.0
        return float(self.population_matched / self.population)

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
            could_not = "figures have codes that the ledger names and could not carry"
            said += f"; {self.figures_named:,} {could_not}"
        for side, count in {"areas": self.areas_repeated, "figures": self.figures_repeated}.items():
            said += f"; {count:,} codes have several rows of {side}" if count else ""
        return said + (f"; {self.saw_nothing}" if self.saw_nothing else "")

    @property
    def orphans(self) -> str:
        """The orphan codes in words."""
        areas, figures = self.areas_orphaned, self.figures_orphaned
        sides = {"areas without figures": areas, "figures without area": figures}
        return "; ".join(
            f"{name}: {', '.join(codes[:NAMED])}{' …' if len(codes) > NAMED else ''}"
            for name, codes in sides.items()
            if codes
        )

    @property
    def remedy(self) -> str:
        """What to do about a join that failed, by what was found and done before."""
        if self.alike:
            pairs = ", ".join(f"{area!r} and {figure!r}" for area, figure in self.alike)
            return (
                f"codes are compared letter for letter, and {pairs} would meet if both files wrote"
                " them alike: declare the column whose codes are written as in the other"
            )
        if self.saw_nothing:
            return "look at both tables, and at the columns declared for them"
        if self.recoded:
            return (
                "use files of the same vintage, correct the days between which codes were recoded,"
                " or add the missing events to the ledger"
            )
        return "use files of the same vintage, or recode the codes that changed"


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
        counts = ", ".join(f"{count} AS {figure}" for figure, count in COUNTS.items())
        report = records(cursor, f"SELECT {counts} FROM met")[0]._asdict()
        report["alike"] = records(cursor, SELECT_ALIKE, most=ALIKE)
        report["recoded"] = _recoded(cursor, staging, [areas, figures])
        report["counts_people"] = population is not None and is_in_file(cursor, figures, population)
        row = {"areas": areas, "figures": figures, "key": key, **report}
        kept = {column: value for column, value in row.items() if column not in NOT_KEPT}
        edition = rows.of_edition(staging)
        rows.upsert(cursor, "join_report", edition | kept, [*edition, "areas", "figures"])
    return JoinReport(**report)


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
    require_comparable(cursor, areas, figures, key, population)
    names = {
        "areas": sql.Identifier(areas),
        "figures": sql.Identifier(figures),
        "key": sql.Identifier(key),
        "persons": sql.Identifier(population) if population else sql.SQL("NULL::numeric"),
        "only": sql.SQL("WHERE {}::text LIKE %(only)s" if only else "").format(sql.Identifier(key)),
    }
    patterns = {"unlocated": unlocated or "", "only": only}
    named = {"named": _named(cursor, staging, figures)}
    cursor.execute(sql.SQL(CREATE_MET).format(**names), patterns | named)


def _recoded(cursor: Cursor, staging: Staging, tables: list[str]) -> bool:
    edition = rows.of_edition(staging) | {"tables": tables}
    return bool(records(cursor, SELECT_RECODED, **edition)[0][0])


def _named(cursor: Cursor, staging: Staging, figures: str) -> list[str]:
    """Return the codes of figures that `recode` named because it could not carry them."""
    cursor.execute(
        "SELECT unnest(before) FROM catalog.code_change"
        " WHERE dataset = %s AND number = %s AND table_name = %s AND verdict = 'named'",
        (staging.dataset.slug, staging.edition, figures),
    )
    return [code for (code,) in cursor.fetchall()]
