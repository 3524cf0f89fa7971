"""One file taken out of the archive a publisher packed it in, found by pattern, also inside archives inside archives."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tasks.core.errors import ConfigurationError, SourceError
from tasks.core.unpacking.containers import Container, Kind, Member, recognise, recognise_file
from tasks.core.unpacking.damage import reading
from tasks.core.unpacking.limits import Budget, Limits, Sink
from tasks.core.unpacking.sevenzips import SevenZip
from tasks.core.unpacking.tars import Tar, open_compressed
from tasks.core.unpacking.volumes import open_volumes, sort_volumes, volumes_of
from tasks.core.unpacking.zips import Zip

LISTED = 30
SHAPEFILE_PARTS = (".dbf", ".shx", ".prj", ".cpg")
CLUTTER = ("__MACOSX/*", "*.DS_Store", "*Thumbs.db")  # what file browsers add of their own


@dataclass(frozen=True)
class Found:
    """A member that matches, in the container that holds it; `name` includes the archives around it."""

    container: Container
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


def take_out(
    path: Path | Sequence[Path], pattern: str | None, folder: Path, limits: Limits | None = None, name: str | None = None
) -> tuple[str, Path]:
    """The name inside the archive and the path, in `folder`, of the one file that matches a shell pattern.

    path: an archive, a folder or list with its volumes, or a plain file, which is itself the result. pattern: matched on the base name or
    on the path inside; without one the archive must hold one file (or one Shapefile). name: what the archive was called, for messages.
    The parts of a Shapefile come along. Raises SourceError when none or several match, on damage, encryption and beyond the limits.
    """
    volumes = _volumes(path)
    label = name or volumes[0].name
    budget = Budget(limits or Limits(), sum(volume.stat().st_size for volume in volumes), label)
    with reading(label), open_volumes(volumes) as file:
        kind = recognise_file(file)
        if kind == "plain":
            return label, _name_plain(volumes[0], folder, label)
        with _workplace(folder) as workplace, ExitStack() as opened:
            search = Search(pattern, budget, workplace, opened)
            found = _only(_find(_open(file, kind, label, budget), search, "", 1), search)
            return found.name, _write(found, search, folder)


def _volumes(path: Path | Sequence[Path]) -> list[Path]:
    candidates = [path] if isinstance(path, Path) and not path.is_dir() else list(path.iterdir() if isinstance(path, Path) else path)
    if len(candidates) == 1:
        return candidates
    by_name = {candidate.name: candidate for candidate in candidates}
    volumes = [by_name[name] for name in sort_volumes(by_name, str(path))]
    if not volumes:
        raise SourceError(f"Volumes of an archive (name.7z.001, name.7z.002 and so on) were expected in {path}; it holds {_listed(by_name)}.")
    return volumes


def _name_plain(path: Path, folder: Path, label: str) -> Path:
    """The file under its own name: the archive keeps it under its hash, and readers go by the ending."""
    name = PurePosixPath(label).name
    if path.name == name:
        return path
    with _workplace(folder) as workplace:
        (workplace / name).symlink_to(path.absolute())
        return (workplace / name).replace(folder / name)


def _open(file: BinaryIO, kind: Kind, label: str, budget: Budget) -> Container:
    container: Container
    if kind == "zip":
        container = Zip(file)
    elif kind == "7z":
        container = SevenZip(file, budget)
    elif kind == "tar":
        container = Tar(file, budget.limits.members)
    else:
        container = open_compressed(file, kind, label, budget.limits.members)
    if len(container.members) > budget.limits.members:
        raise SourceError(f"The archive {label} lists more than {budget.limits.members:,} files, the limit: look at what the publisher sent.")
    return container


def _find(container: Container, search: Search, prefix: str, depth: int) -> list[Found]:
    """The members that match at the first level where any does."""
    offered = [member for member in container.members if not any(fnmatchcase(member.name, clutter) for clutter in CLUTTER)]
    search.names += [prefix + member.name for member in offered]
    matching = offered if container.single else list(_matching(offered, search.pattern))
    if len(matching) == 1 and (container.single or search.pattern is None):
        inner = _open_inside(container, matching[0], search, depth)
        if inner:
            return _find(inner, search, f"{prefix}{matching[0].name}/", depth + 1)
    if matching:
        return [Found(container, member, prefix + member.name) for member in matching]
    return _find_inside(container, offered, search, prefix, depth)


def _matching(members: Sequence[Member], pattern: str | None) -> Iterator[Member]:
    """The members a pattern names; without one all of them, a Shapefile's parts counted as one."""
    shapes = [PurePosixPath(member.name) for member in members if member.name.lower().endswith(".shp")]
    for member in members:
        path = PurePosixPath(member.name)
        if pattern is None:
            if path.suffix.lower() == ".shp" or not any(_is_beside(path, shape) for shape in shapes):
                yield member
        elif fnmatchcase(path.name, pattern) or fnmatchcase(member.name, pattern):
            yield member


def _is_beside(path: PurePosixPath, shape: PurePosixPath) -> bool:
    return path.parent == shape.parent and path.name.lower().startswith(shape.stem.lower() + ".")


def _find_inside(container: Container, members: Sequence[Member], search: Search, prefix: str, depth: int) -> list[Found]:
    """Search each archive among these members."""
    found = []
    for member in members:
        if inner := _open_inside(container, member, search, depth):
            found += _find(inner, search, f"{prefix}{member.name}/", depth + 1)
    return found


def _open_inside(container: Container, member: Member, search: Search, depth: int) -> Container | None:
    """The archive that a member is, written to the workplace with its volumes; None when it is a file of data."""
    if member.refused or recognise(container.head(member)) == "plain":
        return None
    label, limits = search.budget.label, search.budget.limits
    if depth >= limits.depth:
        raise SourceError(f"The archive {label} holds archives inside archives more than {limits.depth} deep, the limit: look at what was sent.")
    by_name = {each.name: each for each in container.members}
    volumes = [by_name[name] for name in volumes_of(member.name, by_name, label)]
    place = Path(tempfile.mkdtemp(dir=search.workplace))
    paths = {volume: place / f"{index:03}" for index, volume in enumerate(volumes)}
    _copy(container, paths, search.budget)
    file = search.opened.enter_context(open_volumes(list(paths.values())))
    kind = recognise_file(file)
    return None if kind == "plain" else _open(file, kind, PurePosixPath(member.name).name, search.budget)


def _only(found: Sequence[Found], search: Search) -> Found:
    label, pattern = search.budget.label, search.pattern
    wanted = f"like {pattern!r}" if pattern else "alone, and none was asked for by a pattern"
    if not found:
        raise SourceError(f"The archive {label} was expected to hold a file {wanted}; it holds {_listed(search.names)}: correct the pattern.")
    if len(found) > 1:
        raise SourceError(
            f"The archive {label} was expected to hold one file {wanted}; it holds {_listed(each.name for each in found)}: "
            "declare a narrower pattern of the member."
        )
    if refused := found[0].member.refused:
        raise SourceError(f"The file {found[0].name} in the archive {label} {refused}: it was not unpacked; look at what the publisher sent.")
    return found[0]


def _listed(names: Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - LISTED:,} more ({len(known):,} in all)" if len(known) > LISTED else ""
    return (", ".join(known[:LISTED]) or "nothing") + more


def _write(found: Found, search: Search, folder: Path) -> Path:
    """The member and its Shapefile parts in the folder, whole or not at all."""
    shape = PurePosixPath(found.member.name)
    part_names = {shape.stem.lower() + ending for ending in SHAPEFILE_PARTS}
    targets = {found.member: shape.name}
    if shape.suffix.lower() == ".shp":
        for member in found.container.members:
            path = PurePosixPath(member.name)
            if not member.refused and path.parent == shape.parent and path.name.lower() in part_names:
                targets[member] = shape.stem + path.suffix
    place = Path(tempfile.mkdtemp(dir=search.workplace))
    unfinished = {member: place / name for member, name in targets.items()}
    _copy(found.container, unfinished, search.budget)
    for member in reversed(targets):  # the main file last: when it is there, its parts are
        unfinished[member].replace(folder / targets[member])
    return folder / shape.name


def _copy(container: Container, targets: dict[Member, Path], budget: Budget) -> None:
    needed = sum(member.size for member in targets)
    if needed > budget.limits.total - budget.written:
        budget.spend(needed)  # the archive itself says that it is too large
    free = shutil.disk_usage(next(iter(targets.values())).parent).free
    if needed > free:
        raise ConfigurationError(
            f"Unpacking {budget.label} needs {needed:,} bytes and the disk has {free:,} left: free some space or set GEODATA_DATA to another disk."
        )
    with ExitStack() as opened:
        container.write({member: Sink(budget, opened.enter_context(open(path, "wb"))) for member, path in targets.items()})


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as workplace:
        yield Path(workplace)
