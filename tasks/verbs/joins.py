"""Joins: a country's SQL file run in staging, points located in areas, parts united, and areas
matched with figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prefect import runtime

from tasks.core.making.joining import join_coverage, scripts, united_tables
from tasks.core.making.joining.join_coverage import JoinReport
from tasks.core.model.handles import Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import recording
from tasks.running.verdicts import hold

ROUNDING = 1e-9  # of shares that are sums of others


@verb("join {script}", DATABASE)
def join(staging: Staging, script: str, settings: Mapping[str, object] | None = None) -> Staging:
    """Run a country's SQL file, which makes the finished tables out of the loaded ones.

    The file is plain SQL: its first three comment lines name the tables it reads, the tables it
    makes and the settings it uses: geodata.vintage is always set, others by their names without
    geodata. Returns the staging. Raises CheckFailed when one of these tables is missing.
    """
    with recording(staging, "join", script) as step:
        again = (runtime.task_run.run_count or 0) > 1
        made = scripts.run(site().database, staging, script, settings, again=again)
        tables = ", ".join(f"{table} ({rows:,})" for table, rows in made.items())
        step.done(f"Joined {script} into {tables}", sum(made.values()), **made)
    return staging


@verb("locate {points} in {areas}", DATABASE)
def locate(staging: Staging, points: str, areas: str, *, into: str, key: str, code: str) -> Staging:
    """Make a table of the area that each point lies in: the points' key and the area's code.

    A point on a border, or where areas overlap, is in each of them: it gets the lowest code, in
    every run, as ST_Intersects and min say. Points in no area, and those without a geometry, are
    not in the table. points: a table of Point in any order, whose `key` names one row; areas: a
    table of MultiPolygon in the same CRS. Returns the staging. Raises ConfigurationError when these
    columns are others.
    """
    from tasks.core.making.joining import locations

    with recording(staging, "locate", into) as step:
        done = locations.locate(
            site().database, staging.schema, points, areas, into, key=key, code=code
        )
        sentence = f"Located {done.found:,} of {done.points:,} {points} in {done.areas:,} {areas}"
        if done.near:
            sentence += f"; the database decided on {done.near:,} near a border"
        step.done(sentence, done.found, of=points, within=areas, near=done.near)
    return staging


@verb("unite {into}", DATABASE)
def unite(staging: Staging, into: str, parts: Sequence[str], label: str = "") -> Staging:
    """Read the tables of a country's parts, such as its states, as one; nothing is copied.

    The parts have the same columns and stay as they are. label: a column to add, which names the
    part that each row is of: "01" of tract_shapes_01. Returns the staging. Raises CheckFailed when
    the parts differ.
    """
    with recording(staging, "unite", into) as step:
        rows = united_tables.unite(site().database, staging.schema, into, parts, label)
        step.done(f"United {len(parts):,} parts into {into} ({rows:,} rows)", rows=rows)
    return staging


@verb("check join of {areas} and {figures}", DATABASE)
def check_join(
    staging: Staging,
    areas: str,
    figures: str,
    *,
    key: str,
    population: str | None = None,
    unlocated: str | None = None,
    only: str | None = None,
    areas_matched: float = 0.9,
    figures_matched: float = 1.0,
    named_at_most: float = 0.0,
    required: bool = True,
) -> None:
    """Report the areas with figures, figures with an area, and the population matched.

    unlocated: SQL LIKE pattern of codes the publisher itself does not locate ("%ZZZZ").
    named_at_most: the share of figures, and of their population, that `recode` may have named
    because no sum can carry them; what it named is missing from every total. only: SQL LIKE pattern
    of the codes of these areas, where the figures are of several kinds of area ("0500000US%").
    areas_matched and figures_matched: least shares (0 to 1); the share of the population must reach
    figures_matched too. Raises CheckFailed naming orphan codes when a required share is not
    reached, or nothing was there to be held; ConfigurationError when the keys cannot be compared.
    """
    with recording(staging, "check_join", f"{areas} × {figures}") as step:
        database = site().database
        report = join_coverage.measure(
            database, staging, areas, figures, key, population, unlocated, only
        )
        passed = _reaches(report, areas_matched, figures_matched, named_at_most)
        expected = f"at least {areas_matched:.1%} of areas and {figures_matched:.1%} of figures"
        expected += f", {named_at_most:.1%} of which the ledger may name" if named_at_most else ""
        title, found = f"{figures} join {areas}", report.sentence
        step.done(found, report.areas_matched, named=report.figures_named)
    refusal = _refusal(areas, figures, expected, report)
    hold(staging, title, expected, found, passed=passed, refusal=refusal, required=required)


def _reaches(report: JoinReport, areas: float, figures: float, named: float) -> bool:
    """Tell whether a join saw something, and reached the least shares of areas and of figures.

    named: the share of figures, and of their population, that may have been named instead.
    """
    share = min(report.share_of_figures, report.share_of_population) + ROUNDING
    least = figures - min(report.share_named, named)
    return not report.saw_nothing and report.share_of_areas >= areas and share >= least


def _refusal(areas: str, figures: str, expected: str, report: JoinReport) -> str:
    orphans = f"; {report.orphans}" if report.orphans else ""
    return (
        f"The figures of {figures!r} and the areas of {areas!r} do not belong together:"
        f" expected {expected}, found {report.sentence}{orphans}: {report.remedy}."
    )
