"""Readable files: those a flow needs, taken out of the archives their publishers packed them in."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath
from pickle import PickleError
from typing import Any
from urllib.parse import unquote, urlsplit

from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.results import ResultStore

from tasks.core.making.unpacking.archives import find_packed, take_all, take_out
from tasks.core.making.unpacking.fixity import digests, is_unchanged
from tasks.core.model.handles import File, Files, Inputs, Original, joined
from tasks.core.model.scratch import use
from tasks.running.policies import FILES, verb
from tasks.running.proving import proving
from tasks.running.site import site
from tasks.running.steps import say


def unpack(inputs: Inputs) -> Files:
    """Take the files that the inputs' sources mean out of their archives, all at the same time.

    A source that gives several tables, or a file for each territory, is several parts of its
    keyword, <keyword>_<part>.
    """
    unpacked = {
        keyword: {part: unpack_original.submit(each.original) for part, each in parts.items()}
        for keyword, parts in inputs.by_keyword.items()
    }
    by_keyword: dict[str, dict[str, File]] = {}
    for keyword, parts in unpacked.items():
        files = [(part, file) for part, future in parts.items() for file in future.result()]
        by_keyword[keyword] = {joined(part, file.part): file for part, file in files}
    return Files(by_keyword)


def _key(context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
    """Return the cache key: sha256, pattern and handle; none when a file of it was changed.

    The handle is part of it because the result carries its declaration. Without a key the files are
    made again, at the same place, and what is kept under the key is true again.
    """
    original: Original = parameters["original"]
    use(site().scratch / "unpacked" / original.sha256)
    handle = hashlib.sha256(repr(original).encode()).hexdigest()[:8]
    key = f"unpack-v3-{original.sha256}-{original.source.member or 'only'}-{handle}"
    key, store = key.replace("/", "|"), context.result_store
    return None if store.exists(key) and not _is_true(store, key, original) else key


def _is_true(store: ResultStore, key: str, original: Original) -> bool:
    """Tell whether a kept result can be read, and its files are there as they were unpacked."""
    try:
        kept = store.read(key).result
    except (ArithmeticError, AttributeError, EOFError, ImportError, LookupError, OSError):
        return False
    except (PickleError, TypeError, ValueError):  # what a damaged record makes of itself
        return False
    return isinstance(kept, tuple) and all(
        isinstance(file, File) and file.original == original and is_unchanged(file) for file in kept
    )


@verb("unpack {original.source.slug}", FILES, cache=CacheKeyFnPolicy(cache_key_fn=_key))
def unpack_original(original: Original) -> tuple[File, ...]:
    """Unpack the files that a source means: one for each table, or one for each territory.

    Taken out of zip, gz, 7z and archives inside them, recognised by their first bytes; a plain file
    is itself. Patterns match the base name or the path inside ("*/1_DONNEES*/*.shp"). The parts of
    a Shapefile come along. The files of territories are in the order of their names. Cached by hash
    and pattern as long as the files are there unchanged. Raises SourceError when not exactly one
    file matches (with territories: none), and on a damaged, encrypted or hostile archive.
    """
    original = replace(original)  # a copy, so that the timeline shows only unpack before load
    with proving(original):
        if original.source.territories:
            return _of_territories(original)
        return tuple(
            _one(original, part, getattr(reads, "member", None) or original.source.member)
            for part, reads in original.source.parts.items()
        )


def _one(original: Original, part: str, pattern: str | None) -> File:
    started, packed = time.perf_counter(), site().archive.originals.fetch(original.sha256)
    if original.source.packed and (inside := find_packed(packed, pattern, _name(original))):
        say(f"Found {inside} in {_name(original)}, to be read as it is packed.")
        return replace(_file(original, inside, packed, part), member=inside)
    name, path = take_out(packed, pattern, _folder(original, pattern or ""), name=_name(original))
    file = _file(original, name, path, part)
    say(f"Unpacked {name} ({file.size:,} bytes) in {time.perf_counter() - started:.1f} s.")
    return file


def _file(original: Original, name: str, path: Path, part: str) -> File:
    is_original = path.is_symlink() or path.name == original.sha256
    return File(
        original=original,
        path=str(path),
        name=name,
        size=path.stat().st_size,
        digests={path.name: original.sha256} if is_original else digests(path),
        part=part,
    )


def _of_territories(original: Original) -> tuple[File, ...]:
    """Unpack all files of offices that pack one file a region, or one folder a projection."""
    started, pattern = time.perf_counter(), original.source.member
    packed = site().archive.originals.fetch(original.sha256)
    taken = take_all(packed, pattern, _folder(original, f"all {pattern}"), name=_name(original))
    seconds = time.perf_counter() - started
    say(f"Unpacked {len(taken):,} files of {original.source.slug} in {seconds:.1f} s.")
    return tuple(_file(original, *file, str(number)) for number, file in enumerate(taken))


def _folder(original: Original, pattern: str) -> Path:
    mark = hashlib.sha256(pattern.encode()).hexdigest()[:8]
    return site().scratch / "unpacked" / original.sha256 / mark


def _name(original: Original) -> str:
    """Return the publisher's file name, from its address; pages of a service have none: GeoJSON."""
    if original.source.pages:
        return f"{original.source.slug}.geojson"
    return PurePosixPath(unquote(urlsplit(original.url).path)).name or original.source.slug
