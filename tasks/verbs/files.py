"""Readable files: the one a flow needs, taken out of the archive its publisher packed it in."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext

from tasks.core.making.unpacking.archives import find_packed, take_all, take_out
from tasks.core.model.handles import File, Original
from tasks.running.policies import FILES, verb
from tasks.running.site import site
from tasks.running.steps import say


def _key(context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
    """The sha256, the pattern and the handle, whose declaration the result carries on; no key when
    the file kept under it is gone.

    Without a key the file is made again, at the same place, and what is kept under the key is true
    again.
    """
    original: Original = parameters["original"]
    handle = hashlib.sha256(repr(original).encode()).hexdigest()[:8]
    key = f"{context.task.name}-v1-{original.sha256}-{_pattern(original, parameters['member']) or 'only'}-{handle}".replace(
        "/", "|"
    )
    store = context.result_store
    return None if store.exists(key) and not _is_there(store.read(key).result) else key


@verb("unpack {original.source.slug}", FILES, cache=CacheKeyFnPolicy(cache_key_fn=_key))
def unpack(original: Original, member: str | None = None) -> File:
    """The file a source means, readable on this machine.

    Taken out of zip, gz, tar, 7z and archives inside them, recognised by their first bytes; a plain
    file is itself. member: shell pattern on the base name or the path inside
    ("*/1_DONNEES*/*.shp"), the source's own when none is given. The parts of a Shapefile come
    along. Cached by hash and pattern as long as the file is there. Raises SourceError when not
    exactly one file matches, and on a damaged, encrypted or hostile archive.
    """
    started, pattern = time.perf_counter(), _pattern(original, member)
    if original.source.packed and (
        inside := find_packed(
            site().archive.originals.fetch(original.sha256), pattern, _name(original)
        )
    ):
        path = site().archive.originals.fetch(original.sha256)
        say(f"Found {inside} in {_name(original)}, to be read as it is packed.")
        return File(
            original=original, path=str(path), name=inside, size=path.stat().st_size, member=inside
        )
    folder = (
        site().scratch
        / "unpacked"
        / original.sha256
        / hashlib.sha256((pattern or "").encode()).hexdigest()[:8]
    )
    name, path = take_out(
        site().archive.originals.fetch(original.sha256), pattern, folder, name=_name(original)
    )
    size = path.stat().st_size
    say(f"Unpacked {name} ({size:,} bytes) in {time.perf_counter() - started:.1f} s.")
    return File(original=original, path=str(path), name=name, size=size)


@verb("unpack all of {original.source.slug}", FILES, cache=CacheKeyFnPolicy(cache_key_fn=_key))
def unpack_all(original: Original, member: str | None = None) -> list[File]:
    """All files that a source's pattern means, readable on this machine, in the order of their
    names.

    For offices that pack one file a region, or one folder a projection, into one archive. As
    `unpack`, but several may match.
    """
    started, pattern = time.perf_counter(), _pattern(original, member)
    folder = (
        site().scratch
        / "unpacked"
        / original.sha256
        / hashlib.sha256(f"all {pattern}".encode()).hexdigest()[:8]
    )
    taken = take_all(
        site().archive.originals.fetch(original.sha256), pattern, folder, name=_name(original)
    )
    say(
        f"Unpacked {len(taken):,} files of {original.source.slug} in"
        f" {time.perf_counter() - started:.1f} s."
    )
    return [
        File(original=original, path=str(path), name=name, size=path.stat().st_size)
        for name, path in taken
    ]


def _pattern(original: Original, member: str | None) -> str | None:
    return member or original.source.member


def _name(original: Original) -> str:
    """What the publisher called the file, from its address; what a service answers page by page has
    no name and is GeoJSON.
    """
    if original.source.pages:
        return f"{original.source.slug}.geojson"
    return PurePosixPath(unquote(urlsplit(original.url).path)).name or original.source.slug


def _is_there(kept: Any) -> bool:
    files = kept if isinstance(kept, list) else [kept]
    return all(
        isinstance(file, File)
        and Path(file.path).is_file()
        and Path(file.path).stat().st_size == file.size
        for file in files
    )
