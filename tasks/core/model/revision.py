"""Which code is running."""

from __future__ import annotations

import subprocess
from functools import lru_cache

from tasks.core.model.settings import ROOT, settings


@lru_cache(maxsize=1)
def code_revision() -> str:
    """Give the image's revision, the commit ("-modified" after edits), or "unknown"."""
    if revision := settings().revision:
        return revision
    described = "describe --always --dirty=-modified --abbrev=12 --exclude=*".split()
    asked = ["git", "-C", str(ROOT), *described]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10)
        return found.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
