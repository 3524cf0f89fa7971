"""Metrics of the catalog for Prometheus: python -m deployments.observability.exporter [--port 9464]

Each scrape asks the catalog anew, in one read-only transaction: nothing is kept, and restarts lose
nothing. GEODATA_DATABASE_URL is that of a role that may read (a member of geodata_reader).
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg2
from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.exc import OperationalError

from deployments.observability.families import FAMILIES, Family, Figure
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.secrets import hide
from tasks.core.model.settings import settings
from tasks.core.postgres import database_urls
from tasks.core.postgres.database import Database, parse, records

PORT = 9464
BOUNDS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '20s'"
)
NO_GRACE = {"grace": 0}  # what the promises of tasks.core.catalog.promptness ask for
logger = logging.getLogger("geodata.metrics")


class CatalogCollector(Collector):
    """Gives what the catalog says at the moment of a scrape."""

    def __init__(self, database: Database) -> None:
        """Keep the database; nobody asks it before the first scrape."""
        self._database = database

    def describe(self) -> Iterable[Metric]:
        """Give no names beforehand, which would take a scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give all metrics; where the catalog cannot be read, only geodata_catalog_up as 0."""
        began = time.perf_counter()
        try:
            with self._database.session() as cursor:
                cursor.execute(BOUNDS)
                found = [metric for family in FAMILIES for metric in read(cursor, family)]
        except (psycopg2.Error, OperationalError) as error:
            said = " ".join(str(getattr(error, "orig", error)).split())
            reason = hide(said, database_urls.private_values(self._database.url))
            logger.error(f"The catalog of {self._database} could not be read: {reason}")
            found = []
        up = "Whether the catalog could be read."
        yield GaugeMetricFamily("geodata_catalog_up", up, value=float(bool(found)))
        took = "Time that reading the catalog took."
        seconds = time.perf_counter() - began
        yield GaugeMetricFamily("geodata_catalog_read_seconds", took, value=seconds)
        yield from found


def read(cursor: Cursor, family: Family) -> list[Metric]:
    """Ask for the rows of a family, and give a metric for each of its figures."""
    metrics = [(figure, _metric(figure, family.labels)) for figure in family.figures]
    for row in records(cursor, family.query, **NO_GRACE):
        labels = [_label(getattr(row, label)) for label in family.labels]
        for figure, metric in metrics:
            if (value := getattr(row, figure.column)) is not None:
                metric.add_metric(labels, number(value))
    return [metric for _, metric in metrics]


def _metric(figure: Figure, labels: tuple[str, ...]) -> Any:
    kind = CounterMetricFamily if figure.is_counter else GaugeMetricFamily
    return kind(f"geodata_{figure.name}", figure.help, labels=labels)


def _label(value: object) -> str:
    """Give a label's text; nothing for null, by which Prometheus takes the label for absent."""
    return "" if value is None else str(value)


def number(value: Any) -> float:
    """Give a value of the catalog as Prometheus keeps it: a moment or day in seconds since 1970."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return float(value)


def configured() -> Database:
    """Give the database of the settings; raises ConfigurationError where none is named."""
    if url := settings().database_url:
        return parse(url.get_secret_value())
    raise ConfigurationError(
        "The database of the catalog was expected in GEODATA_DATABASE_URL, found none: set it to"
        " that of a role that is a member of geodata_reader."
    )


def main() -> int:
    """Serve /metrics until the process is told to end; 1 with one sentence when it cannot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"port to listen on ({PORT})")
    parser.add_argument("--address", default="0.0.0.0", help="address to listen on (all)")
    given = parser.parse_args()
    try:
        database = configured()
    except ConfigurationError as error:
        print(f"metrics: {error}", file=sys.stderr)
        return 1
    serve(database, given.port, given.address)
    return 0


def serve(database: Database, port: int, address: str) -> None:
    """Serve the metrics of a catalog until SIGTERM or SIGINT."""
    registry = CollectorRegistry()
    registry.register(CatalogCollector(database))
    ended = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: ended.set())
    server, thread = start_http_server(port, address, registry)
    logger.info(f"Serving the catalog's metrics on port {server.server_port}.")
    ended.wait()
    server.shutdown()
    server.server_close()
    thread.join()


if __name__ == "__main__":
    from tasks.running.log_lines import JsonLines

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    sys.exit(main())
