"""Locating: where a source is asked for, and what is taken as long as it is not out."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tasks.core.archive import todays_files
from tasks.core.catalog import listed_files
from tasks.core.making.unpacking.archives import take_out
from tasks.core.model.declarations import Source, Table
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Original
from tasks.core.model.scratch import workplace
from tasks.core.model.settings import settings
from tasks.core.upstream import inquiries, mirrors, probes
from tasks.core.upstream.listings import offers
from tasks.core.upstream.listings.listed import ListingUnread
from tasks.core.upstream.probes import Sighting
from tasks.core.upstream.stand_ins import StandIn
from tasks.running.site import site
from tasks.running.steps import say, warn


def chosen(source: Source, mirror: StandIn | None) -> Source:
    """Return a source as it is asked for now, or the one taken as long as it is not out.

    Its addresses are those that its publisher lists, then those declared; in a mirror, what stands
    in for them.
    """
    otherwise = source.otherwise
    if otherwise is None:
        return locate(source, mirror)
    if otherwise.urls == source.urls != ():  # one file for all years: looked at when it is there
        return replace(locate(source, mirror), otherwise=chosen(otherwise, mirror))
    located = _out(source, mirror)
    if located is None:
        say(f"Not out yet: {source.title}. {otherwise.title} is taken.")
    return located or chosen(otherwise, mirror)


def locate(source: Source, mirror: StandIn | None) -> Source:
    """Return a source at its addresses: listed by its publisher, declared, or in a mirror."""
    found = () if settings().upstream == "archive" else _listed(source, mirror)
    strange = tuple(url for url in found if url not in source.urls)
    if strange and source.urls:
        say(f"The publisher lists {source.slug} {source.vintage} elsewhere: {strange[0]}.")
    located = replace(source, urls=(*strange, *source.urls))
    return mirrors.apply(located, mirror) if mirror else located


def is_listed(source: Source, mirror: StandIn | None) -> bool:
    """Tell whether a publisher's listing gives an address of a source."""
    return settings().upstream != "archive" and bool(_listed(source, mirror))


def sighted(source: Source) -> Sighting:
    """Return whether a located source is out: at its addresses, in the inbox, or archived."""
    kept = site().archive.originals.latest(source)
    if settings().upstream == "archive" or (kept and not source.current):
        state: probes.State = "out" if kept else "awaited"
        return Sighting(state=state, url=kept.url if kept else "", detail="not in the archive")
    return probes.look(source, inquiries.addresses(source))


def of_its_year(source: Source, sighting: Sighting) -> Sighting:
    """Return the sighting of a source whose address gives today's file, out if of the year meant.

    Its day is that of the server, or else today.
    """
    found = sighting.released or datetime.now(UTC)
    if sighting.state != "out" or todays_files.is_of_year(source, found.date()):
        return sighting
    return replace(sighting, state="awaited", detail=f"today's file is of {found:%B %Y}")


def settled(original: Original) -> Original:
    """Return an original as the first of its source's declarations that it has the rows of.

    So a series with one address for all years is read for the newest year that it has whole.
    """
    source = original.source
    if source.otherwise is None or source.otherwise.urls != source.urls or _is_whole(original):
        return replace(original, source=replace(source, otherwise=None))
    say(f"Not there or not whole yet: {source.title}. {source.otherwise.title} is taken.")
    return settled(replace(original, source=source.otherwise))


def _out(source: Source, mirror: StandIn | None) -> Source | None:
    """Return a source at its addresses where it is out, else None; a mirror may not know it."""
    try:
        located = locate(source, mirror)
    except SourceError:
        return None
    return located if sighted(located).state == "out" else None


def _listed(source: Source, mirror: StandIn | None) -> tuple[str, ...]:
    """Return the addresses that a publisher's listing gives, and keep what it says of them."""
    if source.listing is None or (mirror and not mirror.at(source.listing.url)):
        return ()
    try:
        found = offers.offered(source, at=lambda url: (mirror and mirror.at(url)) or url)
    except ListingUnread as reason:
        if not reason.gone:  # a folder of a year is not there before the year is out
            warn(f"{reason} The declared addresses are asked.")
        return ()
    of = replace(source, mirror=mirror.label) if mirror else source
    with site().database.session() as cursor:
        listed_files.record(cursor, of, found)
    return tuple(each.url for each in found)


def _is_whole(original: Original) -> bool:
    source, reads = original.source, original.source.reads
    earlier = source.otherwise.reads if source.otherwise else None
    if not isinstance(reads, Table) or not isinstance(earlier, Table):
        return True
    from tasks.core.making.tables.fullness import is_as_full

    packed = site().archive.originals.fetch(original.sha256)
    with tempfile.TemporaryDirectory(dir=workplace()) as folder:
        name, path = take_out(packed, source.member, Path(folder), name=source.slug)
        return is_as_full(path, reads, earlier, name)
