"""An archive in a folder and a replica, a source of a register under a legal maximum age, and what
was said of them.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tasks.core.archive.hashed_files import original_name
from tasks.core.model.columns import text
from tasks.core.model.declarations import Licence, Publisher, Source, Table
from tasks.core.model.handles import Original
from tasks.core.model.settings import scratch_folder
from tasks.running.site import site

FIRST, SECOND = b"siret;synthetic\n" + b"1;a\n" * 1000, b"siret;synthetic\n" + b"2;b\n" * 1200
STOCK = Source(
    slug="xx-stock",
    vintage=2026,
    title="Register of companies (synthetic)",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(
        slug="open",
        title="Open",
        url="https://office.example/licence",
        attribution="Source: an office",
    ),
    landing_page="https://office.example/stock",
    urls=("https://me:hidden@office.example/stock.csv",),
    container="text",
    reads=Table(columns={"siret": text("siret")}),
    reference_date=date(2026, 1, 1),
    released="monthly",
    confidence="high",
    retention="legal_maximum",
    keep_days=365,
)


class TwoFolders:
    """An archive in a folder and a replica, and what was said of it aloud and quietly."""

    def __init__(self, folder: Path) -> None:
        self.primary, self.replica = folder / "archive", folder / "replica"
        self.loud: list[str] = []
        self.quiet: list[str] = []

    def add(self, content: bytes, days_ago: float, source: Source = STOCK) -> Original:
        """An original that was archived so many days ago."""
        received = scratch_folder() / "received"
        received.write_bytes(content)
        original = Original(
            source=source,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            url=source.urls[0] if source.urls else "",
            retrieved_at=datetime.now(UTC) - timedelta(days=days_ago),
            state="new",
        )
        site().archive.originals.put(received, original.sha256, original)
        site().archive.manifests.write(original)
        return original

    def holders(self, original: Original) -> list[str]:
        """Which of the two folders has the bytes."""
        return [
            folder.name
            for folder in (self.primary, self.replica)
            if (folder / original_name(original.sha256)).is_file()
        ]

    def log(self, level: int, sentence: str) -> None:
        """Keep a sentence, a warning apart."""
        (self.loud if level >= logging.WARNING else self.quiet).append(sentence)


def day(moment: datetime) -> str:
    """Give a moment's day in ISO form, as messages say it."""
    return f"{moment:%Y-%m-%d}"
