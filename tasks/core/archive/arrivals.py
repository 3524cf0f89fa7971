"""Arrivals: what a publisher sent is kept as an original; without, the last one stands in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tasks.core.archive.archive import Archive
from tasks.core.archive.replication import Failures
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Original, Retrieval
from tasks.core.model.moments import following


def receive(store: Archive, retrieval: Retrieval) -> tuple[Original, Failures]:
    """Return the original to work with after a retrieval, and the locations that lack it.

    Raises SourceError when the publisher sent nothing new and the archive has lost its original.
    """
    return (_kept if retrieval.path else _standing_in)(store, retrieval)


def _kept(store: Archive, retrieval: Retrieval) -> tuple[Original, Failures]:
    sha256, size = retrieval.sha256 or "", retrieval.size or 0
    verdicts = (store.tombstones.last_moment(sha256), store.proofs.last_moment(sha256))
    original = _described(retrieval, sha256, size, *verdicts)
    path = Path(retrieval.path or "")
    # A retry of this task may find the file gone: then an earlier attempt archived and removed it.
    failures: Failures = ()
    if path.exists() or not store.originals.exists(original.sha256):
        failures = store.originals.put(path, original.sha256, original)
    return original, (*failures, *_written(store, retrieval, original))


def _standing_in(store: Archive, retrieval: Retrieval) -> tuple[Original, Failures]:
    source = retrieval.source
    last = store.originals.latest(source)
    if last is None:
        raise SourceError(
            f"The archive has lost its original of {source.slug} {source.vintage} since it was"
            " asked for: run again."
        )
    original = replace(last, state=retrieval.state)
    failures = store.originals.catch_up(source, last.sha256)
    told, known = [(each.url, each.etag, each.last_modified) for each in (retrieval, last)]
    if retrieval.sha256 == last.sha256 and told != known:
        # same bytes under new validators: kept, so that the next question is conditional
        original = _described(retrieval, last.sha256, last.size)
        failures += _written(store, retrieval, original)
    return original, failures


def _written(store: Archive, retrieval: Retrieval, original: Original) -> Failures:
    return store.manifests.write(original, headers=retrieval.headers, detail=retrieval.remarks)


def _described(
    retrieval: Retrieval, sha256: str, count: int, *verdicts: datetime | None
) -> Original:
    """Describe what was received, after what the archive has; verdicts: on the same bytes."""
    return Original(
        source=retrieval.source,
        sha256=sha256,
        size=count,
        url=retrieval.url,
        retrieved_at=following(retrieval.asked_at, retrieval.follows, *verdicts),
        state=retrieval.state,
        etag=retrieval.etag,
        last_modified=retrieval.last_modified,
    )
