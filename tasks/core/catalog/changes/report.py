"""A part of a report: what changed since the edition before, and drafts to paste into a ledger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from tasks.core.catalog.changes.differences import Change, Draft
from tasks.core.catalog.reports.markdown import plain, sentence

VERDICTS = {True: "within", False: "**outside**", None: ""}
HEADINGS = "| what | before | after | expected | verdict |\n|---|---|---|---|---|"
IN_WORDS = ("keys", "codes", "redrawn", "check")  # their sentences name codes
COUNTED = ("keys", "codes", "redrawn", "leaps")  # what differs, not what there is
NONE = ("0", "0.00%")
MOST = 100  # differences of one layer that are told


def report(since: str, changes: Sequence[Change], drafts: Sequence[Draft]) -> str:
    """Return what is outside its bounds, then the differences by layer, then drafts.

    since: which edition it was compared with; "" for none. Rows of catalog.change and
    catalog.ledger_draft will do.
    """
    title = f"What changed since {plain(since)}" if since else "Nothing to compare it with"
    parts = [f"### {title}", _summary(since, changes)]
    ordered = sorted(changes, key=lambda change: (change.layer, change.within is not False))
    same = []
    for layer, of_layer in groupby(ordered, key=lambda change: change.layer):
        if told := _layer(list(of_layer)):
            parts += [f"#### {plain(layer) or 'Checks'}", *told]
        else:
            same.append(plain(layer))
    if same:
        parts.append(f"As before: {', '.join(same)}.")
    return "\n\n".join([*parts, *_drafts(drafts)])


def _summary(since: str, changes: Sequence[Change]) -> str:
    outside = [change for change in changes if change.within is False]
    judged = [change for change in changes if change.within is not None]
    if outside:
        told = "\n".join(f"- {sentence(change.sentence)}" for change in outside[:MOST])
        return f"Outside what was expected ({len(outside)} of {len(judged)}):\n\n{told}"
    if judged:
        return f"All {len(judged)} differences that are judged are within what was expected."
    if not since:
        return (
            "No edition of an earlier vintage is shown, so nothing could be expected of this one."
        )
    return "The differences are only told, not judged."


def _layer(changes: Sequence[Change]) -> list[str]:
    """Return what differs in a layer, and in words what names codes; nothing where nothing does."""
    told = [each for each in changes if not _is_as_before(each)]
    if not told:
        return []
    table = [HEADINGS, *map(_line, told[:MOST])]
    same, more = len(changes) - len(told), max(len(told) - MOST, 0)
    rest = [f"{same:,} more are as before." if same else "", f"And {more:,} more." if more else ""]
    words = [f"- {sentence(each.sentence)}" for each in told[:MOST] if each.measure in IN_WORDS]
    found = ("\n".join(table), "\n".join(words), " ".join(filter(None, rest)))
    return [*filter(None, found)]


def _is_as_before(change: Change) -> bool:
    """Tell whether there is nothing to tell; what is out of its bounds is always told."""
    if change.within is False:
        return False
    if change.measure in COUNTED:
        return change.after in NONE
    return change.before == change.after != ""


def _line(change: Change) -> str:
    what = " ".join(filter(None, (change.measure, change.subject)))
    cells = (what, change.before, change.after, change.expected)
    told = " | ".join(plain(cell) for cell in cells)
    return f"| {told} | {VERDICTS[change.within]} |"


def _drafts(drafts: Sequence[Draft]) -> list[str]:
    """Return the drafts by layer, as lines of a ledger between fences that no line can close."""
    if not drafts:
        return []
    told = ["#### Drafts for the ledger", "Suggested by geometry, for a person to confirm:"]
    ordered = sorted(drafts, key=lambda draft: (draft.layer, draft.event))
    for layer, of_layer in groupby(ordered, key=lambda draft: draft.layer):
        found = list(of_layer)
        fence = "`" * max(3, *(len(run) + 1 for each in found for run in _ticks(each.event)))
        lines = "\n".join(draft.event for draft in found)
        kinds = "\n".join(
            f"- {plain(each.event)}: {each.kind}, {each.covered:.1%} covered" for each in found
        )
        told += [f"##### {plain(layer)}", f"{fence}\n{lines}\n{fence}", kinds]
    return told


def _ticks(event: str) -> list[str]:
    return re.findall(r"`+", event) or [""]
