"""A crowd: eight readers of many kinds on one made-up dataset, while its editions are switched.

`python tests/crowd.py [switches [idle seconds]]` makes 100 publications and rollbacks among them,
then a few switches that must lock views, and prints how long each kind took and readers waited.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

if __name__ == "__main__":
    FOLDER = tempfile.TemporaryDirectory(prefix="geodata-crowd-")
    os.chmod(FOLDER.name, 0o755)  # the database server keeps its files there
    os.environ["GEODATA_DATA"] = FOLDER.name

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from switches import LAYERS, ROWS, Switches, of_three_layers

from tasks.core.model.declarations import Dataset
from tasks.core.postgres import cluster
from tasks.core.postgres.database import Database
from tasks.core.postgres.migrations import migrate

SLEEP = 0.3  # seconds that a long reading takes
SELECT_LONGEST_WAIT = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - waitstart)), 0)::float
  FROM pg_locks WHERE NOT granted AND mode = 'AccessShareLock'
"""


@dataclass
class Told:
    """What the readers of a crowd saw, and how long they waited."""

    answers: int = 0
    mixed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    longest: float = 0.0  # seconds of one statement beyond what it sleeps
    longest_lock: float = 0.0  # seconds that a reader was seen waiting for a lock


class Crowd:
    """Readers that begin with the context and end with it; told: what they saw."""

    def __init__(self, database: Database, dataset: Dataset, idle: float) -> None:
        self.database, self.schema, self.idle = database, dataset.schema, idle
        self.own = f"{self.schema}_own"
        self.told, self.over, self.lock = Told(), threading.Event(), threading.Lock()

    def __enter__(self) -> Crowd:
        kinds = (self.look_up, self.join, self.join, self.read_long, self.read_three)
        more = (self.stand_idle, self.read_own, self.read_repeatably)
        self.threads = [
            threading.Thread(target=self._go_on, args=(kind,)) for kind in (*kinds, *more)
        ] + [threading.Thread(target=self._watch)]
        self._make_own()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()
        with self.database.session() as cursor:
            cursor.execute(f"DROP SCHEMA {self.own} CASCADE")

    def look_up(self, cursor: Cursor) -> None:
        layer = random.choice(LAYERS)
        self._ask(cursor, f"SELECT people FROM {layer} WHERE code = 'A{random.randint(1, ROWS)}'")

    def join(self, cursor: Cursor) -> None:
        """Join two or three views in any order: one answer is of one edition."""
        first, *others = random.sample(LAYERS, random.choice((2, 3)))
        joined = "".join(f" JOIN {each} USING (code)" for each in others)
        people = ", ".join(f"min({each}.people), max({each}.people)" for each in (first, *others))
        self._ask(cursor, f"SELECT {people} FROM {first}{joined}")

    def read_long(self, cursor: Cursor) -> None:
        layer = random.choice(LAYERS)
        asked = f"SELECT min(people), max(people), count(*) - {ROWS} FROM {layer}"
        self._ask(cursor, f"{asked}, (SELECT pg_sleep({SLEEP})) AS slept", sleep=SLEEP, zeros=1)

    def read_three(self, cursor: Cursor) -> None:
        """Read three views in one transaction, in any order: each answer is whole."""
        cursor.execute("BEGIN")
        for layer in random.sample(LAYERS, 3):
            self._ask(cursor, f"SELECT min(people), max(people) FROM {layer}")
        cursor.execute("COMMIT")

    def stand_idle(self, cursor: Cursor) -> None:
        """Do nothing in a transaction for a while, between readings: they see one edition, or two
        where it began in the moment of a switch.
        """
        cursor.execute("BEGIN")
        seen = list[tuple[object, ...]]()
        for layer in (*random.sample(LAYERS, 2), *random.sample(LAYERS, 1)):
            seen.append(self._ask(cursor, f"SELECT min(people), max(people) FROM {layer}"))
            if len(seen) < 3:
                self.over.wait(random.uniform(0, self.idle / 2))
        cursor.execute("COMMIT")
        if len({*seen}) > 2:
            self.told.mixed.append(f"one transaction saw {seen}")
        self.over.wait(0.05)

    def read_own(self, cursor: Cursor) -> None:
        """Read a view and a materialised view of one's own on top of three of ours."""
        self._ask(cursor, f"SELECT * FROM {self.own}.joined")
        cursor.execute(f"REFRESH MATERIALIZED VIEW {self.own}.kept")
        self._ask(cursor, f"SELECT * FROM {self.own}.kept")

    def read_repeatably(self, cursor: Cursor) -> None:
        """Read three views by one snapshot: all answers are of one edition, and none is empty."""
        cursor.connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)
        cursor.connection.autocommit = False
        cursor.execute("SELECT 1")
        seen = set[object]()
        for layer in random.sample(LAYERS, 3):
            self.over.wait(random.uniform(0, 0.2))
            seen |= {*self._ask(cursor, f"SELECT min(people), max(people) FROM {layer}")}
        cursor.connection.commit()
        if len(seen) != 1:
            self.told.mixed.append(f"one snapshot saw {seen}")

    def _ask(
        self, cursor: Cursor, query: str, *, sleep: float = 0.0, zeros: int = 0
    ) -> tuple[object, ...]:
        """Ask for figures that are all those of one edition, but for some at the end that are 0."""
        begun = time.perf_counter()
        cursor.execute(query)
        answer = cursor.fetchall()
        seconds = time.perf_counter() - begun - sleep
        whole = len(answer) == 1 and None not in answer[0]
        figures = [each for each in answer[0] if each != ""][: -zeros or None] if whole else []
        rest = answer[0][len(figures) : len(figures) + zeros] if whole else ()
        with self.lock:
            self.told.answers += 1
            self.told.longest = max(self.told.longest, seconds)
            if len(set(figures)) != 1 or any(rest):
                self.told.mixed.append(f"{query}: {answer}")
        return tuple(figures)

    def _make_own(self) -> None:
        people = ", ".join(f"min({each}.people) AS {each}" for each in LAYERS)
        joined = f"SELECT {people} FROM areas JOIN zones USING (code) JOIN places USING (code)"
        with self.database.session(self.schema) as cursor:
            cursor.execute(f"CREATE SCHEMA {self.own}")
            cursor.execute(f"CREATE VIEW {self.own}.joined AS {joined}")
            cursor.execute(
                f"CREATE MATERIALIZED VIEW {self.own}.kept AS SELECT * FROM {self.own}.joined"
            )

    def _go_on(self, kind: Callable[[Cursor], None]) -> None:
        while not self.over.is_set():
            try:
                with self._connected(kind.__name__) as connection, connection.cursor() as cursor:
                    while not self.over.is_set():
                        kind(cursor)
            except psycopg2.Error as error:
                self.told.errors.append(f"{kind.__name__}: {error}")

    @contextmanager
    def _connected(self, name: str) -> Iterator[Connection]:
        connection = psycopg2.connect(self.database.libpq_uri, application_name=name)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(f'SET search_path = "{self.schema}", public')
            yield connection
        finally:
            connection.close()

    def _watch(self) -> None:
        """See how long readers wait for locks."""
        with self._connected("watch") as connection, connection.cursor() as cursor:
            while not self.over.wait(0.01):
                cursor.execute(SELECT_LONGEST_WAIT)
                self.told.longest_lock = max(self.told.longest_lock, cursor.fetchall()[0][0])


def watched(
    database: Database, dataset: Dataset, idle: float, switches: int, locking: int = 0
) -> tuple[Told, Switches]:
    """Make so many publications and rollbacks among readers, then so many rounds of switches that
    lock views.

    idle: seconds that a reader may stand idle in its transaction.
    """
    made = Switches(database, dataset)
    made.publish(vintage=2023)
    made.publish()
    made.seconds.clear()
    with Crowd(database, dataset, idle=idle) as crowd:
        while made.count() < switches:
            made.go_round()
        for _ in range(locking):
            made.go_round_locking()
    return crowd.told, made


def main(switches: int, idle: float) -> None:
    database = cluster.database()
    migrate(database)
    begun = time.monotonic()
    told, made = watched(database, of_three_layers(database, "crowd"), idle, switches, locking=3)
    print(
        f"{made.table()}\n\nin {time.monotonic() - begun:.0f} s, a reader idle up to {idle:.0f} s"
    )
    print(
        f"{told.answers:,} answers, {len(told.mixed)} mixed or empty, {len(told.errors)} errors; a"
        f" reader waited for a lock at most {told.longest_lock:.2f} s, a statement took at most"
        f" {told.longest:.2f} s"
    )
    for each in (made.refused + told.mixed + told.errors)[:8]:
        print(" ", each)


if __name__ == "__main__":
    try:
        given = dict(enumerate(map(float, sys.argv[1:])))
        main(switches=int(given.get(0, 100)), idle=given.get(1, 60.0))
    finally:
        cluster.stop()
