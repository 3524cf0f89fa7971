"""Comparison of editions: all that is counted and measured of two, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import row_digests, rows
from tasks.core.catalog.changes import (
    area_changes,
    column_changes,
    leaps,
    row_changes,
    same_figures,
)
from tasks.core.catalog.changes.codes import code_changes
from tasks.core.catalog.changes.compared_layers import (
    Compared,
    Layer,
    Pair,
    Precedent,
    kept,
    layers,
    of_staging,
)
from tasks.core.catalog.changes.differences import Change, Draft
from tasks.core.catalog.changes.statements import (
    SELECT_FAILED_CHECKS,
    SELECT_INPUT_DAYS,
    SELECT_OLD_FILES,
)
from tasks.core.catalog.changes.trends import Trends, trends
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database

Found = tuple[list[Change], list[Draft]]


def compare(
    database: Database, staging: Staging, precedent: Precedent | None, *, judged: bool | None = None
) -> Found:
    """Return how a sealed staging differs from an edition, and drafts of code events.

    judged: whether to judge it, by default where it is of another vintage. A required check that
    failed is always outside; without a precedent, nothing else is said.
    """
    after = of_staging(staging)
    checks = failed_checks(database, after)
    if precedent is None:
        return checks, []
    judge_it = precedent.vintage != after.vintage if judged is None else judged
    changes, drafts = _compared(database, precedent, after)
    return [*checks, *(changes if judge_it else _unjudged(changes))], drafts


def between(database: Database, dataset: str, number: int, other: int) -> Found:
    """Return how edition `other` differs from edition `number`, for people: nothing is judged.

    Raises ConfigurationError that lists the editions whose tables are there, unless both are.
    """
    before, after = kept(database, dataset, number), kept(database, dataset, other)
    changes, drafts = _compared(database, before, after)
    return _unjudged(changes), drafts


def judge(changes: Iterable[Change]) -> list[Change]:
    """Return the changes that are outside their bounds."""
    return [change for change in changes if change.within is False]


def record(
    cursor: Cursor,
    staging: Staging,
    precedent: Precedent | None,
    changes: Iterable[Change],
    drafts: Iterable[Draft],
) -> None:
    """Keep in the catalog what an edition was compared with and how it differs, in place of what
    an attempt before this one kept.
    """
    edition = rows.of_edition(staging)
    number = precedent.number if precedent else None
    rows.update(cursor, "edition", {"compared_with": number}, edition)
    for table in ("change", "ledger_draft"):
        rows.delete(cursor, table, edition)
    told = "layer measure subject before after expected within sentence"
    for ordinal, change in enumerate(changes, start=1):
        row = {"ordinal": ordinal} | rows.same(change, told)
        rows.insert(cursor, "change", edition | row)
    for draft in drafts:
        row = rows.same(draft, "layer event kind covered")
        rows.insert(cursor, "ledger_draft", edition | row)


def failed_checks(database: Database, edition: Compared) -> list[Change]:
    """Return the required checks of an edition that failed: each is outside its bounds."""
    failed = database.rows(SELECT_FAILED_CHECKS, edition.dataset, edition.number)
    return [
        Change(
            layer="",
            measure="check",
            subject=title,
            after=found,
            expected=expected,
            within=False,
            sentence=f"A required check failed, {title}: expected {expected}, found {found}.",
        )
        for title, expected, found in failed
    ]


def old_files(database: Database, edition: Compared) -> list[Change]:
    """Return the files of an edition that are, byte for byte, those of another vintage."""
    found = database.rows(SELECT_OLD_FILES, edition.dataset, edition.number)
    return [
        Change(
            layer="",
            measure="check",
            subject=f"{source} {vintage}",
            before=str(other),
            after=str(vintage),
            expected="a file of its own",
            within=False,
            sentence=(
                f"The file {source} {vintage} ({url}) is, byte for byte, that of {other}; a file of"
                " its own was expected."
            ),
        )
        for source, vintage, other, url in found
    ]


def _unjudged(changes: Iterable[Change]) -> list[Change]:
    return [replace(change, within=None) for change in changes]


def _compared(database: Database, before: Compared, after: Compared) -> Found:
    known = trends(database, before)
    renewed = _renewed_sources(database, before, after)
    told = [
        row_digests.key_columns(database, each.dataset, each.number) for each in (before, after)
    ]
    with database.session() as cursor:
        old, new = layers(cursor, before), layers(cursor, after)
    changes = old_files(database, after)
    drafts: list[Draft] = []
    changes += [row_changes.of_layer_alone(old[name], gone=True) for name in old if name not in new]
    for name, layer in new.items():
        if name not in old:
            changes.append(row_changes.of_layer_alone(layer, gone=False))
            continue
        pair = _pair(old[name], layer, *(columns.get(name, ()) for columns in told))
        found, drafted = _compare_layer(database, pair, known, renewed)
        changes, drafts = [*changes, *found], [*drafts, *drafted]
    return changes, drafts


def _pair(old: Layer, new: Layer, *told: tuple[str, ...]) -> Pair:
    """Put two layers side by side, with the longest key by which both may be compared."""
    key = min(told, key=len) if old.key == new.key else ()
    return Pair(old, new, key)


def _compare_layer(database: Database, pair: Pair, known: Trends, renewed: set[str]) -> Found:
    with database.session(pair.after.edition.schema) as cursor:
        areas = area_changes.of_areas(cursor, pair)
        drafts: list[Draft] = []
        explained = (0, 0)
        if code_changes.have_codes(pair):
            codes = code_changes.codes(cursor, pair)
            areas += code_changes.of_codes(pair, codes)
            drafts, explained = codes.drafts, codes.explained
        columns = _compare_columns(cursor, pair, known, renewed, explained[1])
    name, vintage, count = pair.after.name, pair.before.edition.vintage, pair.before.row_count
    rows_ = row_changes.of_rows(pair, known.of_rows(name, vintage, count), explained)
    return [rows_, *columns, *areas], drafts


def _compare_columns(
    cursor: Cursor, pair: Pair, known: Trends, renewed: set[str], new_codes: int
) -> list[Change]:
    before = column_changes.figures(cursor, pair.before)
    after = column_changes.figures(cursor, pair.after)
    changes = [
        *column_changes.of_columns(pair),
        *column_changes.of_totals(pair, before, after, known),
        *column_changes.of_missing(pair, before, after, new_codes),
        *leaps.of_leaps(cursor, pair, before, after),
    ]
    if not pair.key:
        return [*changes, row_changes.of_key_that_changed(pair)]
    keys = row_changes.keys(cursor, pair)
    same = same_figures.of_same_figures(cursor, pair, before, after, renewed)
    return [*changes, *row_changes.of_keys(pair, keys), *same]


def _renewed_sources(database: Database, before: Compared, after: Compared) -> set[str]:
    """Return the sources that both editions have, of different days."""
    told: list[Mapping[str, list[date]]] = [
        dict(database.rows(SELECT_INPUT_DAYS, each.dataset, each.number))
        for each in (before, after)
    ]
    return {source for source, days in told[0].items() if told[1].get(source, days) != days}
