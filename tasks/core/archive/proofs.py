"""Proofs: documents of the archive about originals whose bytes proved unusable when they were read.

    unusable/ab/<64 hexadecimal digits>-<UTC time>.json    one for each time that they did

The bytes stay. A proof speaks of what was retrieved before it: such an original answers for its
publisher no more, who is asked afresh. The same bytes received again after it are a new original,
to be read again: a newer revision of the code may read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from tasks.core.archive.documents import Documents
from tasks.core.archive.manifests import Manifests
from tasks.core.archive.replication import Failures
from tasks.core.model.declarations import Source
from tasks.core.model.handles import Original
from tasks.core.model.moments import following
from tasks.core.model.revision import code_revision

FOLDER = "unusable"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Proof:
    """An original that proved unusable: its hash and origin, and what its reader said."""

    sha256: str
    source: str
    vintage: int
    mirror: str
    retrieved_at: datetime
    reason: str
    proved_at: datetime


PROOFS: TypeAdapter[Proof] = TypeAdapter(Proof)


class Proofs:
    """The proofs of an archive."""

    def __init__(self, documents: Documents, manifests: Manifests) -> None:
        self._documents, self._manifests = documents, manifests

    def keep(self, original: Original, reason: str) -> Failures:
        """Keep that an original proved unusable, in every location; returns those that failed."""
        source, at = original.source, following(datetime.now(UTC), original.retrieved_at)
        proof = Proof(
            sha256=original.sha256,
            source=source.slug,
            vintage=source.vintage,
            mirror=source.mirror,
            retrieved_at=original.retrieved_at,
            reason=reason,
            proved_at=at,
        )
        plain = {"format": FORMAT, **PROOFS.dump_python(proof, mode="json")}
        return self._documents.put(name(proof), {**plain, "revision": code_revision()})

    def all(self) -> list[Proof]:
        """Give all proofs, oldest first for each hash."""
        return [read(document) for _, document in self._documents.read_all(FOLDER)]

    def against(self, original: Original) -> Proof | None:
        """Give the first proof since an original was retrieved, or None."""
        return against(original, self._of(original.sha256))

    def last_moment(self, sha256: str) -> datetime | None:
        """Give the moment of the last proof against these bytes, None without one."""
        return max((proof.proved_at for proof in self._of(sha256)), default=None)

    def before(self, original: Original) -> Proof | None:
        """Give the newest proof against the same bytes from before an original was retrieved."""
        earlier = [p for p in self._of(original.sha256) if p.proved_at < original.retrieved_at]
        return earlier[-1] if earlier else None

    def sentence(self, source: Source) -> str:
        """Say that the newest original of a source proved unusable, without a full stop, or ""."""
        newest = next(self._manifests.of(source), None)
        proof = self.against(newest) if newest else None
        if newest is None or proof is None:
            return ""
        return (
            f"The original of {source.slug} {source.vintage} of {newest.retrieved_at:%Y-%m-%d}"
            f" proved unusable on {proof.proved_at:%Y-%m-%d} ({proof.reason.rstrip('.')})"
        )

    def _of(self, sha256: str) -> list[Proof]:
        beginning = f"{folder(sha256)}/{sha256}"
        names = self._documents.names(folder(sha256))
        return [read(self._documents.read(each)) for each in names if each.startswith(beginning)]


def against(original: Original, proofs: Iterable[Proof]) -> Proof | None:
    """Give the first proof against an original since it was retrieved, or None."""
    same = (proof for proof in proofs if proof.sha256 == original.sha256)
    return next((proof for proof in same if proof.proved_at >= original.retrieved_at), None)


def folder(sha256: str) -> str:
    """Give the folder that has the proofs against an original."""
    return f"{FOLDER}/{sha256[:2]}"


def name(proof: Proof) -> str:
    """Give the name of a proof's document."""
    at = f"{proof.proved_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"
    return f"{folder(proof.sha256)}/{proof.sha256}-{at}.json"


def read(document: Mapping[str, Any]) -> Proof:
    """Give the proof in a document."""
    return PROOFS.validate_python(document)
