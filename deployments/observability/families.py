"""The metrics that the catalog is asked for: of each query, which columns are labels, and which are
figures under which names.

Moments are seconds since 1970, UTC; what is true is 1 and what is not 0; a null is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployments.observability import statements
from tasks.core.catalog.promptness.statements import (
    SELECT_FRESHNESS,
    SELECT_RHYTHMS,
    SELECT_UNSHOWN,
)

OF_VINTAGE = ("dataset", "vintage", "mirror")


@dataclass(frozen=True)
class Figure:
    """A metric: its name without `geodata_`, what it says, and the column that has it."""

    name: str
    column: str
    help: str
    is_counter: bool = False


@dataclass(frozen=True)
class Family:
    """A query, the columns that tell its rows apart, and its figures."""

    query: str
    labels: tuple[str, ...]
    figures: tuple[Figure, ...]


SOURCES = Family(
    SELECT_FRESHNESS,
    ("source", "vintage", "datasets"),
    (
        Figure("source_checked_timestamp_seconds", "last_checked", "Last answer of a publisher."),
        Figure(
            "source_changed_timestamp_seconds", "last_changed_upstream", "Last change upstream."
        ),
        Figure("source_overdue", "overdue", "Whether a publisher was not asked as promised."),
    ),
)
UNSHOWN = Family(
    SELECT_UNSHOWN,
    ("dataset", "vintage", "as_of", "state"),
    (
        Figure(
            "unshown_since_timestamp_seconds",
            "counts_from",
            "When the fifteen days of a vintage or month that is out and not shown yet began.",
        ),
        Figure("unshown_overdue", "overdue", "Whether these fifteen days are gone by."),
    ),
)
EXPECTED = Family(
    SELECT_RHYTHMS,
    ("dataset", "vintage"),
    (
        Figure(
            "vintage_expected_timestamp_seconds",
            "expected_by",
            "Day by which the next vintage is expected, with its grace.",
        ),
        Figure("vintage_overdue", "overdue", "Whether that vintage is not out by its day."),
    ),
)
PROMPTNESS = Family(
    statements.SELECT_PROMPTNESS,
    OF_VINTAGE,
    (
        Figure("vintage_released_timestamp_seconds", "released_at", "Release by the publisher."),
        Figure("vintage_seen_timestamp_seconds", "seen_at", "When it was first seen to be out."),
        Figure("vintage_shown_timestamp_seconds", "shown_at", "When it was first shown."),
        Figure("vintage_showing_seconds", "seconds_to_show", "From release to first showing."),
        Figure("vintage_within_promise", "within_promise", "Whether within fifteen days."),
    ),
)
SHOWN = Family(
    statements.SELECT_SHOWN,
    OF_VINTAGE,
    (
        Figure("edition_shown", "number", "Number of the edition that is shown."),
        Figure("edition_shown_timestamp_seconds", "shown_since", "Since when it is shown."),
    ),
)
LAYERS = Family(
    statements.SELECT_LAYERS,
    (*OF_VINTAGE, "layer"),
    (
        Figure("layer_rows", "row_count", "Rows of a layer that is shown."),
        Figure("layer_bytes", "size_bytes", "Bytes of its table and indexes."),
    ),
)
JOINS = Family(
    statements.SELECT_JOINS,
    (*OF_VINTAGE, "areas", "figures"),
    (
        Figure("join_areas_matched_ratio", "areas_matched", "Share of areas with figures."),
        Figure("join_figures_matched_ratio", "figures_matched", "Share of figures with an area."),
        Figure(
            "join_population_matched_ratio",
            "population_matched",
            "Share of the persons in figures that have an area.",
        ),
    ),
)
STEPS = Family(
    statements.SELECT_STEPS,
    (*OF_VINTAGE, "verb"),
    (
        Figure("step_seconds", "seconds", "Time that a verb took for the edition shown."),
        Figure("step_peak_bytes", "peak_bytes", "Most memory of the process during it."),
    ),
)
CHECKS = Family(
    statements.SELECT_CHECKS,
    (*OF_VINTAGE, "required"),
    (
        Figure("checks_passed", "passed", "Checks that the newest edition passed."),
        Figure("checks_failed", "failed", "Checks that the newest edition failed."),
    ),
)
EDITIONS = Family(
    statements.SELECT_EDITIONS,
    ("dataset", "state"),
    (Figure("editions", "editions", "Editions by state."),),
)
RUNS = Family(
    statements.SELECT_RUNS,
    ("dataset", "outcome"),
    # no counter: one that failed and is tried again by Prefect is under way again
    (Figure("runs", "runs", "Runs that have ended, by outcome."),),
)
LAST_RUNS = Family(
    statements.SELECT_LAST_RUNS,
    ("dataset",),
    (
        Figure("run_ended_timestamp_seconds", "ended_at", "End of the last run."),
        Figure("run_failed", "failed", "Whether the last run failed or was killed."),
        Figure("run_seconds", "seconds", "Time from start to end of the last run."),
    ),
)
RUNNING = Family(
    statements.SELECT_RUNNING,
    ("dataset",),
    (Figure("run_started_timestamp_seconds", "started_at", "Start of a run under way."),),
)
ORIGINALS = Family(
    statements.SELECT_ORIGINALS,
    (),
    (
        Figure("archive_originals", "originals", "Originals that the archive keeps."),
        Figure("archive_original_bytes", "bytes", "Their bytes, in one location."),
    ),
)
COPIES = Family(
    statements.SELECT_COPIES,
    ("location", "verdict"),
    (Figure("archive_copies", "copies", "Copies in a location, as last audited."),),
)
AUDITS = Family(
    statements.SELECT_AUDITS,
    ("location",),
    (
        Figure("archive_oldest_audit_timestamp_seconds", "oldest", "Audit longest ago of a copy."),
        Figure("archive_newest_audit_timestamp_seconds", "newest", "Last audit of any copy."),
    ),
)
REBUILDS = Family(
    statements.SELECT_REBUILDS,
    ("kind",),
    (
        Figure("rebuild_started_timestamp_seconds", "started_at", "Start of the last one."),
        Figure("rebuild_seconds", "seconds", "Time that the last one took."),
        Figure("rebuild_failed", "failed", "Whether the same code made other data, or not all."),
    ),
)
RECOVERIES = Family(
    statements.SELECT_RECOVERIES,
    ("kind",),
    (Figure("rebuild_succeeded_timestamp_seconds", "succeeded_at", "Last one that did not."),),
)
FAMILIES = (
    *(SOURCES, UNSHOWN, EXPECTED, PROMPTNESS, SHOWN, LAYERS, JOINS, STEPS, CHECKS),
    *(EDITIONS, RUNS, LAST_RUNS, RUNNING, ORIGINALS, COPIES, AUDITS, REBUILDS, RECOVERIES),
)
