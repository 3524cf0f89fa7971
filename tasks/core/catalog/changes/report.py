"""A page in Markdown: what changed since the edition before, and drafts to paste into a ledger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from tasks.core.catalog.changes.compared_layers import Compared
from tasks.core.catalog.changes.differences import Change, Draft
from tasks.core.model.handles import Staging

VERDICTS = {True: "within", False: "**outside**", None: ""}
HEADINGS = "| what | before | after | expected | verdict | in words |\n|---|---|---|---|---|---|"
SPECIAL = re.compile(r"[\\`*_{}\[\]<>|#~&]")


def report(
    of: Staging,
    precedent: Compared | None,
    changes: Sequence[Change],
    drafts: Sequence[Draft],
    advice: str = "",
) -> str:
    """Return the page: what is outside its bounds and what to do, then differences by layer."""
    which = f"Edition {of.edition} of {of.dataset.slug} {of.vintage}"
    since = f"what changed since {precedent}" if precedent else "nothing to compare it with"
    title = f"{_text(which)}: {since}"
    parts = [f"# {title}", _summary(precedent, changes), *filter(None, [advice])]
    ordered = sorted(changes, key=lambda change: change.layer)
    for layer, of_layer in groupby(ordered, key=lambda change: change.layer):
        lines = [_line(change) for change in of_layer]
        parts += [f"## {_text(layer) or 'Checks'}", "\n".join([HEADINGS, *lines])]
    return "\n\n".join([*parts, *_drafts(drafts)]) + "\n"


def _summary(precedent: Compared | None, changes: Sequence[Change]) -> str:
    outside = [change for change in changes if change.within is False]
    judged = [change for change in changes if change.within is not None]
    if outside:
        told = "\n".join(f"- {_text(change.sentence)}" for change in outside)
        return f"Outside what was expected ({len(outside)} of {len(judged)}):\n\n{told}"
    if judged:
        return f"All {len(judged)} differences that are judged are within what was expected."
    if precedent is None:
        return (
            "No edition of an earlier vintage is shown, so nothing could be expected of this one."
        )
    return "The differences are only told, not judged."


def _line(change: Change) -> str:
    what = " ".join(filter(None, (change.measure, change.subject)))
    cells = (what, change.before, change.after, change.expected)
    told = " | ".join(_text(cell) for cell in cells)
    return f"| {told} | {VERDICTS[change.within]} | {_text(change.sentence)} |"


def _text(value: str) -> str:
    """Return a value that stays one line of text in Markdown, whatever it contains."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(value.split()))


def _drafts(drafts: Sequence[Draft]) -> list[str]:
    """Return the drafts by layer, as lines of a ledger between fences that no line can close."""
    if not drafts:
        return []
    told = ["## Drafts for the ledger", "Suggested by geometry, for a person to confirm:"]
    ordered = sorted(drafts, key=lambda draft: (draft.layer, draft.event))
    for layer, of_layer in groupby(ordered, key=lambda draft: draft.layer):
        found = list(of_layer)
        fence = "`" * max(3, *(len(run) + 1 for each in found for run in _ticks(each.event)))
        lines = "\n".join(draft.event for draft in found)
        kinds = "\n".join(
            f"- {_text(each.event)}: {each.kind}, {each.covered:.1%} covered" for each in found
        )
        told += [f"### {_text(layer)}", f"{fence}\n{lines}\n{fence}", kinds]
    return told


def _ticks(event: str) -> list[str]:
    return re.findall(r"`+", event) or [""]
