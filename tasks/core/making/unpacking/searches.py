"""The search for members by pattern, in an archive and in the archives inside it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from unicodedata import normalize

from tasks.core.archive.copies import sync
from tasks.core.making.unpacking.containers import (
    ArchiveFormat,
    Member,
    PackedFile,
    recognise,
    recognise_file,
    shown,
)
from tasks.core.making.unpacking.gzips import Gzip
from tasks.core.making.unpacking.limits import Budget, Sink
from tasks.core.making.unpacking.zips import Zip
from tasks.core.model.errors import ConfigurationError, SourceError

LISTED = 30
CHANGES = ("-wal", "-journal")  # beside an SQLite file, with rows newer than its own
BESIDE = (*CHANGES, "-shm")
CLUTTER = ("__MACOSX/*", "*.DS_Store", "*Thumbs.db")  # what file browsers add of their own


@dataclass(frozen=True)
class Found:
    """A matching member and its container; `name` includes the archives around it."""

    container: PackedFile
    member: Member
    name: str


@dataclass
class Search:
    """One search through an archive and the archives inside it."""

    pattern: str | None
    budget: Budget
    workplace: Path
    opened: ExitStack
    names: list[str] = field(default_factory=list)


def open_container(file: BinaryIO, kind: ArchiveFormat, label: str, budget: Budget) -> PackedFile:
    """Open an archive of this kind; raise SourceError when it has more members than the limit."""
    container: PackedFile
    if kind == "zip":
        container = Zip(file)
    elif kind == "gzip":
        container = Gzip(file, label)
    else:
        # py7zr takes long to import, and few originals need it
        from tasks.core.making.unpacking.sevenzips import SevenZip

        container = SevenZip(file, budget)
    budget.listed += len(container.members)
    if budget.listed > budget.limits.members:
        raise SourceError(
            f"The archive {label} lists more than {budget.limits.members:,} files, the limit: look"
            " at what the publisher sent."
        )
    return container


def find(container: PackedFile, search: Search, prefix: str, depth: int) -> list[Found]:
    """Return the members that match at the first level where any does."""
    offered = [
        member
        for member in container.members
        if not any(fnmatchcase(member.name, clutter) for clutter in CLUTTER)
    ]
    search.names += [prefix + member.name for member in offered]
    matching = offered if container.single else list(_matching(offered, search.pattern))
    if len(matching) == 1 and (container.single or search.pattern is None):
        inner = _open_inside(container, matching[0], search, depth)
        if inner:
            return find(inner, search, f"{prefix}{matching[0].name}/", depth + 1)
    if matching:
        return [_in_gzip(container, member, search, prefix, depth) for member in matching]
    return _find_inside(container, offered, search, prefix, depth)


def _in_gzip(
    container: PackedFile, member: Member, search: Search, prefix: str, depth: int
) -> Found:
    """Return a member that was asked for, or the one file in it where it is packed by gzip."""
    if not member.refused and recognise(container.head(member)) == "gzip":
        inner = _open_inside(container, member, search, depth)
        if inner:
            return Found(inner, inner.members[0], f"{prefix}{member.name}/{inner.members[0].name}")
    return Found(container, member, prefix + member.name)


def _matching(members: Sequence[Member], pattern: str | None) -> Iterator[Member]:
    """Yield the members a pattern names, those that belong to another of them counted with it."""
    named = [member for member in members if matches(member, pattern)]
    paths = {member.name.lower() for member in named}
    for member in named:
        if not any(main in paths for main in _mains(member.name.lower())):
            yield member


def matches(member: Member, pattern: str | None) -> bool:
    """Tell whether a shell pattern means a member, by base name or path; no pattern means all.

    The name itself, of whatever brackets, is a pattern too; letters match in any Unicode form.
    """
    if pattern is None:
        return True
    path, wanted = normalize("NFC", member.name), normalize("NFC", pattern)
    names = (path, PurePosixPath(path).name)
    return wanted in names or any(fnmatchcase(name, wanted) for name in names)


def _mains(name: str) -> Iterator[str]:
    """Yield the names of the files that a file of this name may be a part of, in lower case."""
    stem, ending = PurePosixPath(name).stem, PurePosixPath(name).suffix
    folder = name.removesuffix(PurePosixPath(name).name)
    if ending != ".shp":
        yield folder + stem + ".shp"
        yield folder + stem.split(".")[0] + ".shp"  # areas.shp.xml, areas.0.sbn
    if ending in (".xsd", ".gfs"):
        yield folder + stem + ".gml"
    yield from (name.removesuffix(each) for each in BESIDE if name.endswith(each))


def _find_inside(
    container: PackedFile, members: Sequence[Member], search: Search, prefix: str, depth: int
) -> list[Found]:
    """Search each archive among these members."""
    found = []
    for member in members:
        if inner := _open_inside(container, member, search, depth):
            found += find(inner, search, f"{prefix}{member.name}/", depth + 1)
    return found


def _open_inside(
    container: PackedFile, member: Member, search: Search, depth: int
) -> PackedFile | None:
    """Open the archive that a member is, in the workplace; None when it is a file of data."""
    if member.refused or recognise(container.head(member)) == "plain":
        return None
    label, limits = search.budget.label, search.budget.limits
    if depth >= limits.depth:
        raise SourceError(
            f"The archive {label} holds archives inside archives more than {limits.depth} deep, the"
            " limit: look at what was sent."
        )
    path = Path(tempfile.mkdtemp(dir=search.workplace)) / "archive"
    copy(container, {member: path}, search.budget)
    file = search.opened.enter_context(path.open("rb"))
    kind = recognise_file(file)
    if kind == "plain":
        return None
    return open_container(file, kind, PurePosixPath(member.name).name, search.budget)


def only(found: Sequence[Found], search: Search) -> Found:
    """Return the one member found; raise SourceError when there is none or are several."""
    if len(found) > 1:
        raise SourceError(
            f"The archive {search.budget.label} was expected to hold one file {_wanted(search)}; it"
            f" holds {listed(each.name for each in found)}: declare a narrower pattern of the"
            " member."
        )
    return require_wanted(found[0] if found else None, search)


def require_wanted(found: Found | None, search: Search) -> Found:
    """Return the member found; raise SourceError when there is none or it is refused."""
    label = search.budget.label
    if found is None:
        raise SourceError(
            f"The archive {label} was expected to hold a file {_wanted(search)}; it holds"
            f" {listed(search.names)}: correct the pattern."
        )
    if refused := found.member.refused:
        raise SourceError(
            f"The file {shown(found.name)} in the archive {label} {refused}: it was not unpacked;"
            " look at what the publisher sent."
        )
    return found


def _wanted(search: Search) -> str:
    alone = "alone, and none was asked for by a pattern"
    return f"like {search.pattern!r}" if search.pattern else alone


def listed(names: Iterable[str]) -> str:
    """List names for a message, the first thirty."""
    known = sorted(map(shown, names))
    more = f" and {len(known) - LISTED:,} more ({len(known):,} in all)"
    return (", ".join(known[:LISTED]) or "nothing") + (more if len(known) > LISTED else "")


def copy(container: PackedFile, targets: dict[Member, Path], budget: Budget) -> None:
    """Write members to paths and to the disk, within the budget and the free space there."""
    needed = sum(member.size for member in targets)
    if needed > budget.limits.total - budget.written:
        budget.spend(needed)  # the archive itself says that it is too large
    free = shutil.disk_usage(next(iter(targets.values())).parent).free
    if needed > free:
        raise ConfigurationError(
            f"Unpacking {budget.label} needs {needed:,} bytes and the disk has {free:,} left: free"
            " some space or set GEODATA_DATA to another disk."
        )
    with ExitStack() as opened:
        sinks = {}
        for member, path in targets.items():
            sinks[member] = Sink(budget, opened.enter_context(path.open("wb")))
        container.write(sinks)
    for written in targets.values():
        sync(written)
