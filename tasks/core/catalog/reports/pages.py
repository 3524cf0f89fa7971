"""The report of a run: what came of it, and then what was made, checked and changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tasks.core.catalog.reports.editions import section
from tasks.core.catalog.reports.facts import EditionMade, RunFacts
from tasks.core.catalog.reports.markdown import listed, moment, plain, sentence, table

OUTCOMES = {
    "published": "published",
    "unchanged": "nothing new",
    "review": "kept for review",
    "failed": "failed",
}


def page(facts: RunFacts, failure: str = "", site: str = "") -> str:
    """Return the page of a run in Markdown.

    failure: the sentence of the error that ended it. site: the address of the pages, if there are
    any.
    """
    outcome, message = _outcome(facts, failure), facts.run.message if facts.run else ""
    heading = f"# {plain(facts.run.title if facts.run else facts.dataset)}: {OUTCOMES[outcome]}"
    if outcome == "unchanged":
        return f"{heading}\n\n{_unchanged(facts)}\n"
    parts = [heading, *_asked(facts.files)]
    if outcome in ("failed", "review"):
        parts += [f"**{sentence(failure or message)}**", _seen(facts.shown)]
    elif not facts.editions:
        parts.append(sentence(message))
    parts += [section(each, site) for each in facts.editions]
    return "\n\n".join([*parts, *_files(facts.files)]) + "\n"


def page_of_accepted(title: str, made: EditionMade, site: str = "") -> str:
    """Return the page of an edition that a person accepted; title: of its dataset."""
    return f"# {plain(title)}: accepted\n\n{section(made, site)}\n"


def page_without_catalog(dataset: str, failure: str, reason: str) -> str:
    """Return the page of a failed run of which the catalog could not be asked."""
    return (
        f"# {plain(dataset)}: failed\n\n**{sentence(failure)}**\n\nThe catalog could not be asked"
        f" about the run ({sentence(reason)}): what readers see stays as it was. Look into the"
        " run's log.\n"
    )


def title(facts: RunFacts, failure: str = "") -> str:
    """Return what came of a run in a few words."""
    made = ", ".join(f"edition {e.number} of {e.vintage}" for e in _editions(facts))
    return f"{facts.dataset}: {OUTCOMES[_outcome(facts, failure)]}" + (f" ({made})" if made else "")


def _editions(facts: RunFacts) -> list[Any]:
    return [each.edition for each in facts.editions]


def _outcome(facts: RunFacts, failure: str) -> str:
    """Return the outcome that the catalog has; of a run that ended before or after it, failed."""
    recorded = facts.run.outcome if facts.run else "failed"
    if failure and recorded != "review":
        return "failed"
    return recorded if recorded in OUTCOMES else "failed"


def _unchanged(facts: RunFacts) -> str:
    return " ".join([sentence(facts.run.message), *_asked(facts.files)])


def _asked(files: Sequence[Any]) -> list[str]:
    """Say when publishers were last asked, and what they answered."""
    if not files:
        return []
    last = max(each.asked_at for each in files)
    return [f"The publishers were asked on {moment(last)}: {_states(files)}."]


def _states(files: Sequence[Any]) -> str:
    """Say how many files were in which state (2 new, 3 unchanged)."""
    counted = Counter(each.state for each in files)
    return ", ".join(f"{count:,} {state}" for state, count in counted.most_common())


def _seen(shown: Sequence[Any]) -> str:
    """Say which editions readers still see."""
    if not shown:
        return "Readers see nothing of it: no edition is shown."
    told = "; ".join(
        f"edition {each.number} of {each.vintage}, since {moment(each.shown_since)}"
        for each in shown
    )
    return f"Readers still see {told}."


def _files(files: Sequence[Any]) -> list[str]:
    """Return the table of what publishers answered, first what was not as it had been."""
    if not files:
        return []
    rows = [(each.source, each.source_vintage, each.state, moment(each.asked_at)) for each in files]
    headings = ("file", "vintage", "state", "asked")
    remarks = [f"{plain(each.source)}: {plain(each.detail)}" for each in files if each.detail]
    told = [listed(remarks, "catalog.retrieval")] if remarks else []
    return ["## Files", table(headings, rows, "catalog.retrieval"), *told]
