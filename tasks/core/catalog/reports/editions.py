"""The part of a report that is about one edition: rows, changes, checks, joins and durations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from tasks.core.catalog.changes.report import report as changes_report
from tasks.core.catalog.reports.facts import EditionMade
from tasks.core.catalog.reports.markdown import bar, listed, plain, sentence, share, table

PICTURE = "map.png"  # of a vintage, beside its page
MOST_STEPS = 30  # told one by one; more are added up by verb
NAMED = 5  # codes without a counterpart


def section(made: EditionMade, site: str = "") -> str:
    """Return what is told of an edition; site: the address of the pages, if there are any."""
    edition = made.edition
    month = f", {edition.as_of:%B %Y}" if edition.as_of else ""
    heading = f"## Edition {edition.number} of {edition.vintage}{month}: {edition.state}"
    warning = f"**Not official data: made from the mirror {plain(edition.mirror)}.**"
    parts = [heading, warning if edition.mirror else "", _links(edition, site), _failed(made.steps)]
    writers: tuple[Callable[[EditionMade], str], ...] = (
        *(_layers, _checks, _joins, _steps, _left_out, _absent),
        _changes,  # the longest
    )
    return "\n\n".join(filter(None, [*parts, *(write(made) for write in writers)]))


def _links(edition: Any, site: str) -> str:
    """Return the link to the page of a vintage that is shown, and its picture."""
    if not site or edition.state != "published":
        return ""
    page = f"{site}/{quote(edition.dataset)}/{edition.vintage}/"
    return f"[Its page]({page})\n\n![Map of {edition.dataset} {edition.vintage}]({page}{PICTURE})"


def _failed(steps: Sequence[Any]) -> str:
    """Say which step failed."""
    found = [each for each in steps if each.failed]
    return "\n\n".join(
        f"Where: {plain(each.verb)} {plain(each.subject)}, {sentence(each.sentence)}"
        for each in found
    )


def _layers(made: EditionMade) -> str:
    rows = [
        (each.layer, _count(each.now), _count(each.before), _growth(each)) for each in made.layers
    ]
    if not rows:
        return ""
    edition = made.edition
    before = f"edition {edition.before_number}" if edition.before_number else "before"
    return "### Rows\n\n" + table(("layer", "rows", before, "change"), rows, "catalog.layer")


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"


def _growth(layer: Any) -> str:
    if layer.before is None or layer.now is None:
        return "" if layer.now is not None else "gone"
    return f"{layer.now - layer.before:+,}" if layer.now != layer.before else "as before"


def _checks(made: EditionMade) -> str:
    """Return the checks, those that failed first; none made is said, as it is no pass."""
    checks = made.checks
    if not checks:
        return "### Checks: none was made"
    lines = [
        f"{_verdict(each)}: {plain(each.title)}, expected {plain(each.expected)}, found"
        f" {plain(each.found)}"
        for each in checks
    ]
    return f"### Checks: {_count_of(checks)}\n\n" + listed(lines, "catalog.check_result")


def _count_of(checks: Sequence[Any]) -> str:
    """Say how many checks failed, and how many of them stop nothing."""
    failed = sum(not each.passed and each.required for each in checks)
    told = sum(not each.passed and not each.required for each in checks)
    if not failed + told:
        return f"all {len(checks):,} passed"
    lesser = f", {told:,} of them only told" if told else ""
    return f"{failed + told:,} of {len(checks):,} failed{lesser}"


def _verdict(check: Any) -> str:
    if check.passed:
        return "passed"
    return "**FAILED**" if check.required else "**failed, only told**"


def _joins(made: EditionMade) -> str:
    """Return how well figures and areas met, and the first codes that did not."""
    lines = [_join(each) for each in made.joins]
    return "### Joins\n\n" + listed(lines, "catalog.join_report") if lines else ""


def _join(join: Any) -> str:
    persons = ""
    if join.population:
        persons = f", with {share(join.population_matched, join.population)} of the persons"
    told = (
        f"{plain(join.figures)} and {plain(join.areas)}:"
        f" {share(join.areas_matched, join.area_count)} of {join.area_count:,} areas and"
        f" {share(join.figures_matched, join.figure_count)} of {join.figure_count:,} rows of"
        f" figures met{persons}."
    )
    areas, figures = _named(join.areas_orphaned), _named(join.figures_orphaned)
    told += f" Areas without figures: {plain(areas)}." if areas else ""
    return told + (f" Figures without areas: {plain(figures)}." if figures else "")


def _named(codes: Sequence[str]) -> str:
    more = f" and {len(codes) - NAMED:,} more" if len(codes) > NAMED else ""
    return ", ".join(codes[:NAMED]) + more


def _changes(made: EditionMade) -> str:
    edition = made.edition
    if not made.changes:
        return ""
    since = f"edition {edition.before_number} of {edition.before_vintage}"
    return changes_report(since if edition.before_number else "", made.changes, made.drafts)


def _steps(made: EditionMade) -> str:
    """Return how long the steps took, as bars; of many, all of a verb together."""
    steps = [(f"{each.verb} {each.subject}", each.seconds) for each in made.steps]
    if len(steps) > MOST_STEPS:
        steps = _by_verb(made.steps)
    if not steps:
        return ""
    most = max(seconds for _, seconds in steps)
    rows = [(name, f"{seconds:,.1f}", bar(seconds, most)) for name, seconds in steps]
    total = sum(each.seconds for each in made.steps)
    heading = f"### Durations: {total:,.1f} seconds in {len(made.steps):,} steps"
    return f"{heading}\n\n" + table(("step", "seconds", ""), rows, "catalog.step")


def _by_verb(steps: Sequence[Any]) -> list[tuple[str, float]]:
    """Return the seconds of each verb together, in the order in which they first ended."""
    found: dict[str, list[float]] = {}
    for each in steps:
        found.setdefault(each.verb, []).append(each.seconds)
    return [(f"{verb} × {len(seconds):,}", sum(seconds)) for verb, seconds in found.items()]


def _left_out(made: EditionMade) -> str:
    rows = [(each.table_name, each.reason, _count(each.row_count)) for each in made.left_out]
    headings = ("table", "reason", "rows")
    return "### Rows left out\n\n" + table(headings, rows, "catalog.rows_left_out") if rows else ""


def _absent(made: EditionMade) -> str:
    rows = [(each.table_name, each.column_name) for each in made.absent]
    headings = ("table", "column")
    return "### Absent columns\n\n" + table(headings, rows, "catalog.absent_column") if rows else ""
