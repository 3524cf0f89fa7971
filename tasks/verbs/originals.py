"""Original files: asked of their publishers and kept in the archive before anything reads them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import runtime

from tasks.core.archive import arrivals
from tasks.core.archive.archive import Archive
from tasks.core.archive.tombstones import burial
from tasks.core.catalog import provenance
from tasks.core.model.declarations import Source
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Input, Inputs, Original, Retrieval, joined
from tasks.core.model.names import sources_by_name
from tasks.core.model.recipes import Recipe
from tasks.core.model.settings import settings
from tasks.core.rebuilding import taken_originals
from tasks.core.upstream import stand_ins
from tasks.core.upstream.inquiries import FAILED, Inquiry, inquire
from tasks.running.locating import chosen, settled
from tasks.running.making import making
from tasks.running.policies import ARCHIVE, PUBLISHER, verb
from tasks.running.progress import Progress, size
from tasks.running.runs import together
from tasks.running.site import site
from tasks.running.steps import say, warn


class PublisherUnreachable(ConnectionError):
    """No address answers now and no archived original can stand in; asked again in some minutes."""


@verb("download {source.slug} {source.vintage}", PUBLISHER)
def download(source: Source) -> Retrieval:
    """Ask the publisher for a file, and receive it only when it is new or has changed.

    The bytes are checked before anyone may use them: an HTML page, a wrong or cut format, a
    suspicious shrink go to quarantine. Raises SourceError when the publisher gives no usable file
    and none was archived before.
    """
    started, store = time.perf_counter(), site().archive
    last = _last_archived(store, source)
    unused = _why_unused(store, source, last)
    if settings().upstream == "archive":
        return _not_asked(source, last, unused)
    follows = store.manifests.last_moment(source)
    verdict = inquire(Inquiry(source, store.quarantine, last, Progress(source), warn, follows))
    if verdict.retrieval.state in FAILED and last is None:
        _give_up(verdict.retrieval, verdict.may_pass, unused)
    _say_downloaded(verdict.retrieval, last, time.perf_counter() - started)
    return verdict.retrieval


@verb("archive {retrieval.source.slug} {retrieval.source.vintage}", ARCHIVE)
def archive(retrieval: Retrieval) -> Original:
    """Keep the file byte for byte, and all known about it, in the archive and its replicas.

    Where the publisher sent nothing new, the last archived original stands in. Returns the original
    to work with.
    """
    store = site().archive
    original, failures = arrivals.receive(store, retrieval)
    for failure in failures:
        warn(
            f"The archive location {failure} lacks {_name(retrieval.source)} until the next run"
            " that can reach it."
        )
    provenance.record_retrieval(site().database, retrieval, original, runtime.flow_run.id)
    if retrieval.path:
        Path(retrieval.path).unlink(missing_ok=True)
    say(
        f"Archived {_name(retrieval.source)}: {size(original.size)}, {original.state}, SHA-256"
        f" {original.sha256[:12]}."
    )
    return original


def backup(*, mirror: str | None = None, **sources: Source | Mapping[str, Source]) -> Inputs:
    """Download and archive several sources at the same time; each keyword names a staging table.

    A mapping of sources stands for several tables, <keyword>_<part>. mirror: folder or base URL
    that stands in for the publishers (see tasks.core.upstream.mirrors). Raises ConfigurationError
    for a keyword that is no name of a table, a table named twice, and a source given twice.
    """
    named = sources_by_name(sources)
    wanted = [source for parts in named.values() for source in parts.values()]
    ask, take_again = lambda: _asked(wanted, mirror), lambda recipe: _taken(wanted, recipe)
    archived = iter(making().originals(named, ask=ask, take=take_again))
    by_keyword: dict[str, dict[str, Input]] = {}
    for keyword, parts in named.items():
        names = {part: joined(keyword, part) for part in parts}
        by_keyword[keyword] = {
            part: Input(name=name, original=next(archived)) for part, name in names.items()
        }
    return Inputs(by_keyword)


def _taken(sources: Sequence[Source], recipe: Recipe) -> tuple[Original, ...]:
    taken = together(*(take.submit(source, recipe) for source in sources))
    return tuple(settled(future.result()) for future in taken)


def _asked(sources: Sequence[Source], mirror: str | None) -> tuple[Original, ...]:
    """Return the originals in the order of the sources."""
    # a database that cannot be used is found out before a long download, and set up by one thread
    _ = site().database
    stand_in = stand_ins.read(mirror) if mirror else None
    wanted = [chosen(source, stand_in) for source in sources]
    retrievals = [download.submit(source) for source in wanted]
    originals = [archive.submit(retrieval) for retrieval in retrievals]  # type: ignore[call-overload]
    together(*retrievals)  # a failed download is raised as itself, after all have ended
    together(*originals)
    return tuple(settled(future.result()) for future in originals)


@verb("take {source.slug} {source.vintage} from the archive", ARCHIVE)
def take(source: Source, recipe: Recipe) -> Original:
    """Take the original that an edition was made from out of the archive, without its publisher.

    A copy that is missing or corrupt in a location before the first whole one is repaired. Raises
    SourceError when no location has it.
    """
    original, mended = taken_originals.take(site().archive, source, recipe)
    for failure in mended:
        warn(f"Repaired the original of {_name(source)} where it was not whole: {failure}.")
    with site().database.session() as cursor:
        provenance.record_source(cursor, original.source)
    say(f"Took {_name(source)} from the archive, as retrieved on {original.retrieved_at:%Y-%m-%d}.")
    return original


def _last_archived(store: Archive, source: Source) -> Original | None:
    last = store.originals.latest(source)
    if last and not store.originals.exists(last.sha256):
        warn(
            f"The archive has a manifest of {_name(source)} but not its bytes ({last.sha256}): the"
            " file is asked for anew."
        )
        return None
    return last


def _why_unused(store: Archive, source: Source, last: Original | None) -> str:
    """Say that the newest original is buried or unusable, and what is done instead; return why."""
    passed_over, asked = store.originals.passed_over(source), settings().upstream != "archive"
    sentence = burial(*passed_over) if passed_over else store.proofs.sentence(source)
    if not sentence:
        return ""
    if last:
        warn(
            f"{sentence}; the original of {last.retrieved_at:%Y-%m-%d} is"
            f" used{' unless the publisher gives another' if asked else ''}."
        )
    elif asked:
        warn(f"{sentence}; none is left, and the publisher is asked for the file anew.")
    return sentence


def _not_asked(source: Source, last: Original | None, unused: str) -> Retrieval:
    """Return the archived original of an air gap or a rebuild, dated as it was retrieved."""
    if last is None:
        found = (
            f"{unused}, and no other is left in the archive;"
            if unused
            else f"The archive has no original of {_name(source)}, and"
        )
        remedy = "" if unused else "restore the archive, correct GEODATA_ARCHIVE, or "
        newer = ", so that the publisher is asked for a newer one; editions made from it stay"
        purpose = f"{newer} as they are" if unused else ""
        raise SourceError(
            f"{found} GEODATA_UPSTREAM=archive forbids asking {source.publisher.name} for it:"
            f" {remedy}unset GEODATA_UPSTREAM{purpose}."
        )
    say(
        f"Took {_name(source)} from the archive, as retrieved on {last.retrieved_at:%Y-%m-%d}; the"
        " publisher was not asked."
    )
    detail = "the publisher was not asked: GEODATA_UPSTREAM=archive"
    return Retrieval(
        source=source,
        state="unchanged",
        url=last.url,
        asked_at=last.retrieved_at,
        etag=last.etag,
        last_modified=last.last_modified,
        detail=detail,
    )


def _give_up(retrieval: Retrieval, may_pass: bool, unused: str) -> None:
    source = retrieval.source
    missing = (
        f"{unused}, and no other is left to stand in"
        if unused
        else "No earlier original is in the archive to stand in"
    )
    sentence = (
        f"The file {_name(source)} of {source.publisher.name} is {retrieval.state}:"
        f" {source.container} was expected, found {retrieval.detail}. {missing}: look for the file"
        f" at {source.landing_page} and correct its urls, lay it as {source.inbox_name} into the"
        " folder that GEODATA_INBOX names, or give a mirror."
    )
    if may_pass and PUBLISHER.is_tried_again():
        raise PublisherUnreachable(sentence)
    provenance.record_retrieval(site().database, retrieval, None, runtime.flow_run.id)
    raise SourceError(sentence)


def _say_downloaded(retrieval: Retrieval, last: Original | None, seconds: float) -> None:
    name = _name(retrieval.source)
    if retrieval.state in FAILED and last:
        warn(
            f"The file {name} is {retrieval.state}: {retrieval.detail}. The original archived on"
            f" {last.retrieved_at:%Y-%m-%d} stands in; look for the file at"
            f" {retrieval.source.landing_page} and correct its urls."
        )
    elif retrieval.path:
        received = size(retrieval.size or 0)
        say(f"Downloaded {name}: {received}, {retrieval.state}, in {seconds:.1f} s.")
    else:
        say(f"Asked for {name}: unchanged, in {seconds:.1f} s.")
    if retrieval.doubt and retrieval.state not in FAILED:
        warn(
            f"The file {name} may not be whole: {retrieval.doubt}. Compare its last row with the"
            " publisher's."
        )
    if retrieval.detail and retrieval.state not in FAILED:
        warn(
            f"The file {name} was found elsewhere than declared: {retrieval.detail}. Correct its"
            " urls in the flow."
        )


def _name(source: Source) -> str:
    return f"{source.slug} {source.vintage}"
