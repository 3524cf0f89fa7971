"""The archive that this machine is set to use."""

from __future__ import annotations

from tasks.core.archive.archive import Archive
from tasks.core.model.settings import archive_locations


def configured() -> Archive:
    """The archive in the locations of the settings."""
    return Archive(archive_locations())
