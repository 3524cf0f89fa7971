"""Switches of one made-up dataset of three layers, of every kind, and how long each took."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import psycopg2
from made_up_land import made_up, staged

from tasks.core.catalog import editions, layers, publications, removals
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import GeodataError
from tasks.core.postgres.database import Database

LAYERS = ("areas", "zones", "places")
# Two layers beside `areas` of made_up_land; every figure is the same, that of the edition.
MORE = """
INSERT INTO areas SELECT 'A' || n, 0, NULL FROM generate_series(4, {rows}) AS n;
UPDATE areas SET people = {people};
CREATE TABLE zones AS TABLE areas;
CREATE TABLE places AS TABLE areas;
SELECT geodata.copy_comments('areas', 'zones');
SELECT geodata.copy_comments('areas', 'places');
COMMENT ON TABLE zones IS 'Zones of a made-up land';
COMMENT ON TABLE places IS 'Places of a made-up land';
"""
COLUMN = """
ALTER TABLE {layer} ADD {name} integer;
COMMENT ON COLUMN {layer}.{name} IS 'Another [unit: persons; aggregate: sum; from: made up]';
"""
ROWS = 500
LINE = "{:28} {:>5} {:>10} {:>10}"


def of_three_layers(database: Database, name: str) -> Dataset:
    """A dataset of its own for a crowd, in the catalog; three of its editions are kept."""
    return replace(made_up(database, name), layers={each: ("code",) for each in LAYERS}, keep=3)


@dataclass
class Switches:
    """What was switched: how long each kind took, and which were refused."""

    database: Database
    dataset: Dataset
    seconds: dict[str, list[float]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    shown: int = 0  # the edition of 2024 that is shown
    people: int = 0
    columns: int = 0  # beside those that the first edition had

    def count(self) -> int:
        """How many switches were made or refused."""
        return sum(map(len, self.seconds.values()))

    def publish(self, vintage: int = 2024, kind: str = "publication") -> None:
        """Make an edition with other figures, all the same, and show it."""
        self.people += 1
        more = MORE.format(people=self.people, rows=ROWS) + "".join(
            COLUMN.format(layer=layer, name=f"more_{number}")
            for number in range(self.columns)
            for layer in LAYERS
        )
        staging = staged(
            self.database, self.dataset, self.people, vintage=vintage, extra=more, rebuild=True
        )
        layers.seal_all(self.database, staging)
        shown = self._timed(kind, lambda: editions.publish(self.database, staging))
        if shown and vintage == 2024:
            self.shown = staging.edition
        removals.remove_old(self.database, self.dataset, vintage)

    def roll_back(self, number: int, kind: str = "rollback") -> None:
        """Show a kept edition."""
        slug = self.dataset.slug
        if self._timed(kind, lambda: publications.roll_back(self.database, slug, number)):
            self.shown = number

    def go_round(self) -> None:
        """Publish an edition, show the one before, and show the new one again."""
        before = self.shown
        self.publish()
        if before and self.shown != before:
            after = self.shown
            self.roll_back(before)
            self.roll_back(after)

    def go_round_locking(self) -> None:
        """Publish editions with a column more, withdraw the newer vintage and show it again."""
        self.columns += 1
        self.publish(2023, kind="publication, other columns")
        self.publish(2024, kind="publication, other columns")
        slug = self.dataset.slug
        self._timed("withdrawal", lambda: publications.withdraw(self.database, slug, 2024))
        self.roll_back(self.shown, "rollback to a withdrawn one")

    def _timed(self, kind: str, switch: Callable[[], object]) -> bool:
        """Switch; tell whether it was done, and was not refused."""
        begun, refused = time.perf_counter(), len(self.refused)
        try:
            switch()
        except (GeodataError, psycopg2.Error) as refusal:
            self.refused.append(str(refusal))
        self.seconds.setdefault(kind, []).append(time.perf_counter() - begun)
        return refused == len(self.refused)

    def table(self) -> str:
        """How long switches of each kind took, and how many there were; refused ones among them."""
        lines = [LINE.format("switches", "", "median", "longest")]
        for kind, seconds in self.seconds.items():
            median, longest = statistics.median(seconds), max(seconds)
            lines.append(LINE.format(kind, len(seconds), f"{median:.2f} s", f"{longest:.2f} s"))
        return "\n".join([*lines, f"{len(self.refused)} refused"])
