"""Inquiries: a source asked for at every address in turn, and only valid bytes let through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.core.archive import todays_files
from tasks.core.archive.quarantine import Quarantine
from tasks.core.model.addresses import redact, require_public
from tasks.core.model.declarations import Source
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Original, Retrieval, State
from tasks.core.model.settings import settings
from tasks.core.upstream import codings, ends, magic, pages, transfers
from tasks.core.upstream.answers import Answer, Report
from tasks.core.upstream.bounds import bounds

FAILED: tuple[State, ...] = ("gone", "invalid", "unreachable")


@dataclass(frozen=True)
class Inquiry:
    """A source to ask for, the last archived original of it, and whom to tell.

    report: bytes received. warn: what went wrong aside. follows: the stamp of the newest original
    of the source, which may be another.
    """

    source: Source
    quarantine: Quarantine
    last: Original | None
    report: Report
    warn: Callable[[str], None]
    follows: datetime | None = None


@dataclass(frozen=True)
class Judgement:
    """The retrieval to work with; `may_pass` when asking again in some minutes can help."""

    retrieval: Retrieval
    may_pass: bool = False


def inquire(inquiry: Inquiry) -> Judgement:
    """Ask the declared addresses, then the inbox, until one gives the file or says unchanged.

    The inbox is asked before them where the source or GEODATA_INBOX_FIRST says so. Every refused
    body goes to quarantine.
    """
    if handed_in := _handed_in(inquiry):
        return handed_in
    failed: list[Judgement] = []
    for url in addresses(inquiry.source):
        judgement = _judged(inquiry, url, failed)
        if judgement.retrieval.state not in FAILED:
            return judgement
        failed.append(judgement)
    return _worst(failed) if failed else Judgement(_without_address(inquiry.source))


def _handed_in(inquiry: Inquiry) -> Judgement | None:
    """Give the file a person laid into an inbox that is asked first; None where there is none."""
    source = inquiry.source
    named = {source.slug, f"{source.slug}-{source.vintage}"} & {*settings().inbox_first}
    if source.mirror or not (named or (source.inbox_first and settings().inbox)):
        return None
    if not settings().inbox:
        raise ConfigurationError(
            f"GEODATA_INBOX_FIRST names {source.slug} and a folder was expected in GEODATA_INBOX,"
            f" found none: set it to the folder with {source.inbox_name}, or unset both."
        )
    judgement = _judged(inquiry, _in_inbox(source), [])
    if judgement.retrieval.state not in FAILED:
        return judgement
    if named or judgement.retrieval.state == "invalid":
        inquiry.warn(
            f"The file {source.inbox_name} of the inbox, which was to be taken first, is"
            f" {judgement.retrieval.state} ({judgement.retrieval.detail}): the publisher is asked."
        )
    return None


def addresses(source: Source) -> list[str]:
    """Give the publisher's addresses and that of the inbox; a mirror's source has no inbox."""
    fetched = [_in_inbox(source)] if settings().inbox and not source.mirror else []
    return [*source.urls, *fetched]


def _in_inbox(source: Source) -> str:
    require_public(inbox := settings().inbox)
    return f"{inbox}/{source.inbox_name}"


def _without_address(source: Source) -> Retrieval:
    detail = (
        f"no lasting address of it: fetch it by hand and lay it as {source.inbox_name} into the"
        " folder that GEODATA_INBOX names"
    )
    now = datetime.now(UTC)
    return Retrieval(
        source=source, state="gone", url=source.landing_page, asked_at=now, detail=detail
    )


def _judged(inquiry: Inquiry, url: str, failed: list[Judgement]) -> Judgement:
    asked_at = datetime.now(UTC)
    answer, doubt = _asked(inquiry, url)
    retrieval = Retrieval(
        source=inquiry.source,
        state="new",
        url=redact(url),
        asked_at=asked_at,
        path=str(answer.path) if answer.path else None,
        sha256=answer.sha256,
        size=answer.size,
        etag=answer.etag,
        last_modified=answer.last_modified,
        headers=answer.headers,
        detail=answer.detail,
        doubt=doubt,
        follows=inquiry.follows,
    )
    if answer.kind in ("gone", "refused", "unreachable"):
        state: State = "gone" if answer.kind == "gone" else "unreachable"
        return Judgement(replace(retrieval, state=state), may_pass=answer.kind == "unreachable")
    if reason := _reason(inquiry, url, answer):
        return Judgement(_quarantined(inquiry, replace(retrieval, state="invalid", detail=reason)))
    if answer.path and (
        reason := todays_files.refusal(inquiry.source, url, answer.last_modified, asked_at)
    ):
        answer.path.unlink()  # whole and well, and so nothing to look at in quarantine
        return Judgement(replace(retrieval, state="invalid", detail=reason, path=None))
    return Judgement(_accepted(inquiry, replace(retrieval, detail=_moved(answer, failed))))


def _asked(inquiry: Inquiry, url: str) -> tuple[Answer, str]:
    """Give the answer of an address, and why its bytes may not be the whole file."""
    source, within = inquiry.source, bounds(_last_size(inquiry, url))
    if source.pages and url in source.urls:
        return pages.ask(source, url, inquiry.report, within), ""

    def ask(**validators: str | None) -> Answer:
        answer = transfers.ask(url, inquiry.report, within=within, **validators)
        return codings.undone(answer, source, within)

    return ends.compared(ask(**_validators(inquiry.last, url)), source, ask)


def _reason(inquiry: Inquiry, url: str, answer: Answer) -> str | None:
    if answer.kind == "invalid":
        return answer.detail
    if answer.kind == "truncated":
        return f"it is truncated: {answer.detail}"
    if answer.path is None:
        return None
    accepted = answer.sha256 in settings().accept_shrink
    last_size = _last_size(inquiry, url)
    return magic.refusal(answer.path, inquiry.source, last_size, shrink_accepted=accepted)


def _last_size(inquiry: Inquiry, url: str) -> int | None:
    """Give the size that a file is held to; a person who hands one in knows it."""
    is_handed_in = not inquiry.source.mirror and url == _in_inbox(inquiry.source)
    return inquiry.last.size if inquiry.last and not is_handed_in else None


def _validators(last: Original | None, url: str) -> dict[str, str | None]:
    """Give what makes the question conditional, for the address that gave it only."""
    if last and last.url == redact(url):
        return {"etag": last.etag, "last_modified": last.last_modified}
    return {}


def _accepted(inquiry: Inquiry, retrieval: Retrieval) -> Retrieval:
    last = inquiry.last
    if retrieval.path is None:  # 304
        etag, last_modified = (last.etag, last.last_modified) if last else (None, None)
        return replace(retrieval, state="unchanged", etag=etag, last_modified=last_modified)
    if last and last.sha256 == retrieval.sha256:
        Path(retrieval.path).unlink()
        return replace(retrieval, state="unchanged", path=None)
    if retrieval.detail:
        return replace(retrieval, state="moved")
    return replace(retrieval, state="changed" if last else "new")


def _moved(answer: Answer, failed: list[Judgement]) -> str:
    retrievals = (judgement.retrieval for judgement in failed)
    found = [f"{each.url} is {each.state} ({each.detail})" for each in retrievals]
    return "; ".join([*found, f"moved for good to {answer.moved_to}"] if answer.moved_to else found)


def _quarantined(inquiry: Inquiry, retrieval: Retrieval) -> Retrieval:
    path = Path(str(retrieval.path))
    for failure in inquiry.quarantine.put(path, retrieval, retrieval.detail):
        inquiry.warn(
            f"The refused bytes of {inquiry.source.slug} {inquiry.source.vintage} were not kept in"
            f" {failure}."
        )
    path.unlink()
    return replace(retrieval, path=None)


def _worst(failed: list[Judgement]) -> Judgement:
    """Give one judgement of all: invalid before unreachable, gone only if every address is."""
    retrievals, order = [each.retrieval for each in failed], ("invalid", "unreachable", "gone")
    worst = min(retrievals, key=lambda retrieval: order.index(retrieval.state))
    details = "; ".join(f"{each.url}: {each.detail}" for each in retrievals)
    may_pass = any(judgement.may_pass for judgement in failed)
    return Judgement(replace(worst, detail=details), may_pass)
