"""Files taken from a publisher's archive by pattern, also inside archives inside archives."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from tasks.core.archive.copies import sync
from tasks.core.making.unpacking.containers import Member, recognise_file
from tasks.core.making.unpacking.damage import reading
from tasks.core.making.unpacking.limits import Budget, Limits
from tasks.core.making.unpacking.searches import (
    CHANGES,
    Found,
    Search,
    copy,
    find,
    matches,
    only,
    open_container,
    require_wanted,
)
from tasks.core.model.scratch import workplace

SHAPEFILE_PARTS = (".dbf", ".shx", ".prj", ".cpg")


def take_out(
    path: Path,
    pattern: str | None,
    folder: Path,
    limits: Limits | None = None,
    name: str | None = None,
) -> tuple[str, Path]:
    """Unpack the one file that matches a shell pattern; return its name inside and its path.

    path: an archive, or a plain file, which is itself the result. pattern: matched on the base name
    or on the path inside; without one the archive must hold one file (or one Shapefile). name: what
    the archive was called, for messages. The parts of a Shapefile come along. Raises SourceError
    when none or several match, on damage, encryption and beyond the limits.
    """
    label = name or path.name
    budget = Budget(limits or Limits(), path.stat().st_size, label)
    with reading(label), path.open("rb") as file:
        kind = recognise_file(file)
        if kind == "plain":
            return label, _name_plain(path, folder, label)
        with _part_of(folder) as part, ExitStack() as opened:
            search = Search(pattern, budget, part, opened)
            found = only(find(open_container(file, kind, label, budget), search, "", 1), search)
            taken = _write(found, search, folder)
            with taken.open("rb") as inside:
                recognise_file(inside)  # a tar in a gzip is no data either
            return found.name, taken


def find_packed(path: Path, pattern: str | None, name: str | None = None) -> str:
    """Return the one member of a zip that matches, to be read packed; empty for no zip."""
    label = name or path.name
    budget = Budget(Limits(), path.stat().st_size, label)
    with (
        reading(label),
        path.open("rb") as file,
        tempfile.TemporaryDirectory(dir=workplace()) as folder,
        ExitStack() as opened,
    ):
        if recognise_file(file) != "zip":
            return ""
        container = open_container(file, "zip", label, budget)
        search = Search(pattern, budget, Path(folder), opened)
        matching = [member for member in container.members if matches(member, pattern)]
        found = only([Found(container, each, each.name) for each in matching], search)
    return found.member.name


def take_all(
    path: Path,
    pattern: str | None,
    folder: Path,
    limits: Limits | None = None,
    name: str | None = None,
) -> list[tuple[str, Path]]:
    """Unpack all files that match a shell pattern, in name order; return names and paths.

    Each file has a folder of its own, so that those of one name in several folders do not meet.
    Otherwise as `take_out`; raises SourceError when none matches.
    """
    label = name or path.name
    budget = Budget(limits or Limits(), path.stat().st_size, label)
    with reading(label), path.open("rb") as file:
        kind = recognise_file(file)
        if kind == "plain":
            return [(label, _name_plain(path, folder, label))]
        with _part_of(folder) as part, ExitStack() as opened:
            search = Search(pattern, budget, part, opened)
            container = open_container(file, kind, label, budget)
            found = sorted(find(container, search, "", 1), key=lambda each: each.name)
            for each in found:
                require_wanted(each, search)
            require_wanted(found[0] if found else None, search)
            return _write_all(found, search, folder)


def _name_plain(path: Path, folder: Path, label: str) -> Path:
    """Link a file under its own name: the archive uses hashes, and readers go by the ending."""
    name = PurePosixPath(label).name
    if path.name == name:
        return path
    with _part_of(folder) as part:
        (part / name).symlink_to(path.absolute())
        return (part / name).replace(folder / name)


def _write(found: Found, search: Search, folder: Path) -> Path:
    """Write the member and its Shapefile parts to the folder, whole or not at all."""
    targets = _with_parts(found) | _with_schema(found)
    place = Path(tempfile.mkdtemp(dir=search.workplace))
    unfinished = {member: place / name for member, name in targets.items()}
    copy(found.container, unfinished, search.budget)
    for member in reversed(targets):  # the main file last: when it is there, its parts are
        unfinished[member].replace(folder / targets[member])
    sync(folder)
    return folder / targets[found.member]


def _write_all(found: Sequence[Found], search: Search, folder: Path) -> list[tuple[str, Path]]:
    """Write every member with its Shapefile parts to its own folder; read each container once."""
    place = Path(tempfile.mkdtemp(dir=search.workplace))
    targets: dict[int, dict[Member, Path]] = {}
    for number, each in enumerate(found):
        (place / f"{number:03}").mkdir()
        named = _with_parts(each) | _with_schema(each)
        own = {member: place / f"{number:03}" / name for member, name in named.items()}
        targets.setdefault(id(each.container), {}).update(own)
    for container in {id(each.container): each.container for each in found}.values():
        copy(container, targets[id(container)], search.budget)
    for number in range(len(found)):
        shutil.rmtree(folder / f"{number:03}", ignore_errors=True)
        sync(place / f"{number:03}")
        (place / f"{number:03}").replace(folder / f"{number:03}")
    sync(folder)
    return [
        (each.name, folder / f"{number:03}" / PurePosixPath(each.member.name).name)
        for number, each in enumerate(found)
    ]


def _with_parts(found: Found) -> dict[Member, str]:
    """Return the member and what is read with it, with the names they get.

    These are the parts of a Shapefile, and the newest rows of a database that stand beside it.
    """
    main = PurePosixPath(found.member.name)
    is_shape = main.suffix.lower() == ".shp"
    parts = {main.stem.lower() + ending for ending in SHAPEFILE_PARTS} if is_shape else set()
    beside = {(main.name + ending).lower(): ending for ending in CHANGES}
    targets = {found.member: main.name}
    for member in found.container.members:
        path = PurePosixPath(member.name)
        if path.parent != main.parent or member.refused:
            continue
        if path.name.lower() in parts:
            targets[member] = main.stem + path.suffix
        elif path.name.lower() in beside:
            targets[member] = main.name + beside[path.name.lower()]
    return targets


def _with_schema(found: Found) -> dict[Member, str]:
    """Return the schema beside a GML file, which says what types its values have."""
    main = PurePosixPath(found.member.name)
    if main.suffix.lower() != ".gml":
        return {}
    return {
        member: main.stem + ".xsd"
        for member in found.container.members
        if PurePosixPath(member.name.lower())
        == PurePosixPath(str(main).lower()).with_suffix(".xsd")
        and not member.refused
    }


@contextmanager
def _part_of(folder: Path) -> Iterator[Path]:
    """Give a folder for what is unfinished, from which it can be moved to the other."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workplace()) as part:
        yield Path(part)
