"""Fixity of documents: the copies in all locations compared, and those that differ from what was
written replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from functools import partial
from typing import Any

from tasks.core.archive.documents import fingerprint, replace_in
from tasks.core.archive.findings import Finding, failed, found, repair
from tasks.core.archive.inspections import Inspection
from tasks.core.archive.inventories import content


class DocumentFixity:
    """Documents under audit; recorded: fingerprints that earlier audits knew, by name."""

    def __init__(self, inspection: Inspection, recorded: Mapping[str, Set[str]]) -> None:
        self._inspection, self._recorded = inspection, recorded

    def check(self, name: str) -> list[Finding]:
        """Compare all copies of a document, and repair those that are not as it was written."""
        texts, failures = self._inspection.ask(
            lambda location: location.read(name) if location.exists(name) else None,
            self._inspection.locations.all,
        )
        copies = [
            (location, text, content(name, text) if text is not None else None)
            for location, text in texts
        ]
        contents = [document for _, _, document in copies if document is not None]
        right = _agreed(contents, self._recorded.get(name, frozenset()))
        findings = failed(name, failures)
        for location, text, document in copies:
            if right is None:
                verdict = "differing" if any(contents) else "lost"
                findings += found(name, verdict, [location], detail=_state(text, document))
            elif document == right:
                findings += found(name, "whole", [location], fingerprint(right))
            else:
                findings += repair(
                    self._inspection,
                    partial(replace_in, name=name, document=right),
                    location,
                    name=name,
                    sha256=fingerprint(right),
                    was=_state(text, document),
                )
        return findings


def _agreed(contents: Sequence[dict[str, Any]], recorded: Set[str]) -> dict[str, Any] | None:
    """The content a document was written with: that of the last audit, else that of most copies;
    None when it cannot be told.
    """
    by_hash = {fingerprint(document): document for document in contents}
    if recorded:
        return next((document for sha256, document in by_hash.items() if sha256 in recorded), None)
    votes = Counter(map(fingerprint, contents)).most_common(2)
    if not votes or (len(votes) > 1 and votes[0][1] == votes[1][1]):
        return None
    return by_hash[votes[0][0]]


def _state(text: bytes | None, document: dict[str, Any] | None) -> str:
    if text is None:
        return "missing"
    if document is None:
        return f"unreadable, it begins {text[:200]!a}"
    return f"other content, SHA-256 {fingerprint(document)}"
