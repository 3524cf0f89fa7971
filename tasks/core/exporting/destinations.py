"""Destinations: where a file of an export goes, and how it gets there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tasks.core.archive.buckets import Bucket
from tasks.core.archive.copies import CorruptCopy, digest, sync
from tasks.core.archive.locations import S3_PARTS, S3_PATIENCE, outages
from tasks.core.archive.parts import part_beside
from tasks.core.archive.reasons import DISK_REFUSALS, is_away, lasts, reason
from tasks.core.model.addresses import require_public
from tasks.core.model.errors import ConfigurationError, Refused
from tasks.core.model.settings import data_folder

EXPORTS = "exports"  # folder in the data folder
TAKE_NOTHING = {
    "memory": "forgets them at the end of the run",
    **dict.fromkeys(("http", "https"), "is only read from"),
}
ENDINGS = (".gpkg", ".fgb", ".parquet", ".csv", ".pmtiles", ".qgs")


@dataclass(frozen=True)
class Destination:
    """A folder of this machine, or of an object store, and the name of the file in it."""

    folder: str
    name: str

    @property
    def url(self) -> str:
        """Folder and name."""
        return f"{self.folder.rstrip('/')}/{self.name}"


def destination(to: str, usual: str) -> Destination:
    """Return where a file goes: TO is a folder, a file with the ending of `usual`, or an address.

    usual: the name where TO has none. Without TO: the folder exports of this machine's data. Raises
    ConfigurationError for credentials in an address, another format's ending, and a place that
    cannot be written.
    """
    require_public(to)
    if not to:
        return Destination(str(data_folder() / EXPORTS), usual)
    if to.startswith("~"):  # a shell reads it so, make and the Prefect UI do not
        to = os.path.expanduser(to)
    place, ending = PurePosixPath(to), PurePosixPath(usual).suffix
    if to.endswith("/") or ("://" not in to and Path(to).is_dir()):
        return Destination(_absolute(to), usual)
    if place.suffix.lower() == ending:
        folder = to[: -len(place.name)]
        return Destination(_absolute(folder or "."), place.name)
    if place.suffix.lower() in ENDINGS:
        raise ConfigurationError(
            f"A folder, or a file that ends in {ending}, was expected in TO, found {to!r}: name the"
            " file accordingly, or choose the format of its ending."
        )
    return Destination(_absolute(to), usual)


def require_writable(there: Destination) -> None:
    """Raise Refused where a folder of this machine cannot be made or written to."""
    if (folder := _local(there)) is None:
        _files(there)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part_beside(folder / there.name):
            pass
    except OSError as error:
        raise _refused(there, str(error.strerror or error)) from None


def deliver(made: Iterable[Path], there: Destination) -> None:
    """Bring finished files to a destination under their names, the last of them last.

    Each appears there whole, in place of an older one of its name. Raises Refused where the place
    refuses, and its own error where another try may help.
    """
    for path in made:
        folder = _local(there)
        try:
            if folder is not None:
                _move(path, folder / path.name)
            else:
                files, root = _files(there)
                Bucket(there.folder, files, root).replace(path, path.name, digest(path))
        except outages() as error:
            if _is_lasting(error):
                raise _refused(there, reason(error)) from None
            if isinstance(error, OSError) and not isinstance(error, CorruptCopy):
                raise
            raise ConnectionError(f"{there.folder} did not take it: {reason(error)}") from None


def _move(path: Path, target: Path) -> None:
    """Rename a finished file, or copy it beside its name first where it is on another disk."""
    try:
        sync(path)
        os.replace(path, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with part_beside(target) as part:
            shutil.copyfile(path, part)
            sync(part)
            os.replace(part, target)


def _is_lasting(error: BaseException) -> bool:
    refuses = getattr(error, "errno", None) in DISK_REFUSALS
    return refuses or lasts(error) or (isinstance(error, FileNotFoundError) and not is_away(error))


def _refused(there: Destination, why: str) -> Refused:
    return Refused(
        f"A place that takes files was expected in TO, and {there.folder} does not ({why}): mend"
        " that, or give another place; nothing was written under the name of the export."
    )


def _local(there: Destination) -> Path | None:
    return None if "://" in there.folder else Path(there.folder)


def _absolute(folder: str) -> str:
    if folder.startswith("file://"):
        folder = folder.removeprefix("file://")
    return folder if "://" in folder else str(Path(folder).absolute())


def _files(there: Destination) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return the file system of an address, and the path in it."""
    is_s3 = there.folder.startswith("s3://")
    options = {"config_kwargs": S3_PATIENCE, "max_concurrency": S3_PARTS} if is_s3 else {}
    try:
        files, root = fsspec.url_to_fs(there.folder, use_listings_cache=False, **options)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"A folder, a file or an address such as s3://bucket/folder was expected in TO, and"
            f" {there.folder} cannot be used: {error}."
        ) from None
    assert not isinstance(files, LocalFileSystem)
    scheme = there.folder.partition("://")[0]
    if scheme in TAKE_NOTHING:
        raise ConfigurationError(
            f"A place that keeps files was expected in TO, and one of {scheme}://"
            f" {TAKE_NOTHING[scheme]}: give a folder, or an address such as s3://bucket/folder."
        )
    return files, root
