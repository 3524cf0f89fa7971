"""A run of a country's flow, kept in the catalog from its first second to its last sentence."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import psycopg2
import sqlalchemy.exc
from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from psycopg2.extensions import cursor as Cursor

from tasks.core.archive.locations import outages
from tasks.core.archive.store import configured
from tasks.core.catalog import provenance, rows, run_documents
from tasks.core.catalog.editions import NothingNew, abandon
from tasks.core.catalog.statements import SELECT_EDITIONS_OF_RUN
from tasks.core.model.addresses import redact, redact_all
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError, GeodataError
from tasks.core.model.handles import Edition, File, Foundation, Original, Retrieval, Staging
from tasks.core.model.recipes import followed
from tasks.core.model.revision import code_revision
from tasks.core.postgres.database import Database
from tasks.running.site import connect
from tasks.running.steps import say, warn

# documents of earlier runs that one run writes, and as many that it copies to replicas that were
# down
MOST = 100
LOCKS = 7_246_022  # first half of our advisory locks; the second half is the dataset
Parameters = ParamSpec("Parameters")
WORKERS: TaskRunner[Any] = ThreadPoolTaskRunner(
    max_workers=4
)  # branches of a flow at the same time; Prefect's own default has no bound


def recorded(
    dataset: Dataset,
) -> Callable[[Callable[Parameters, object]], Callable[Parameters, State[Any]]]:
    """Keep a flow's runs in `catalog.run`, one at a time for each dataset; a run with nothing new
    ends well and early.

    Every run that ends leaves a document in the archive. Left-overs of killed runs are cleared
    first, and their documents written. Raises ConfigurationError when another run of the dataset is
    under way.
    """

    def decorate(function: Callable[Parameters, object]) -> Callable[Parameters, State[Any]]:
        @wraps(function)
        def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> State[Any]:
            database, run_id = connect(), str(runtime.flow_run.id or uuid.uuid4())
            _link_tasks_by_handles()
            if recipe := followed():
                _made_again(database, dataset, lambda: function(*args, **kwargs))
                return Completed(message=f"Made {recipe} again.")
            with alone(database, dataset):
                if cleared := abandon(database, dataset):
                    say(f"Cleared what earlier runs left unfinished: {', '.join(cleared)}.")
                _tell_earlier_runs(database, dataset)
                _begin(database, dataset, run_id)
                try:
                    function(*args, **kwargs)
                except NothingNew as news:
                    say(str(news))
                    return _end(database, run_id, "unchanged", str(news))
                except BaseException as error:
                    _end(database, run_id, "failed", str(error))
                    raise
                return _end(database, run_id, "published", _published(database, run_id))

        return run

    return decorate


def together(*futures: PrefectFuture[Any]) -> tuple[PrefectFuture[Any], ...]:
    """Wait for tasks that run at the same time; the first failure is raised once all have ended,
    and otherwise the tasks are given back.
    """
    for future in futures:
        future.wait()
    for future in futures:
        future.result()
    return futures


class _Handles(dict[int, Any]):
    """What tasks gave back, by identity; of all things only handles tell which task follows which.

    Prefect also links tasks by texts within results, and the one text "new" would join every
    download with every other.
    """

    def __setitem__(self, identity: int, entry: Any) -> None:
        if isinstance(
            entry[-1]() if callable(entry[-1]) else None,
            (Edition, File, Foundation, Original, Retrieval, Staging),
        ):
            super().__setitem__(identity, entry)


def _link_tasks_by_handles() -> None:
    """Let the graph in the Prefect UI show the way of the data and nothing else."""
    if context := FlowRunContext.get():
        context.run_results = _Handles(context.run_results)


@contextmanager
def alone(database: Database, dataset: Dataset | None = None) -> Iterator[None]:
    """Hold the lock of a dataset, or of the whole database; PostgreSQL lets go of it when this
    process dies, however it dies.
    """
    connection = psycopg2.connect(database.libpq_uri)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            if dataset:
                _hold(
                    cursor,
                    "pg_try_advisory_lock_shared",
                    "",
                    f"A rebuild is under way in {database}",
                )
                _hold(
                    cursor,
                    "pg_try_advisory_lock",
                    dataset.slug,
                    f"Another run of {dataset.slug} is under way in {database}",
                )
            else:
                _hold(
                    cursor,
                    "pg_try_advisory_lock",
                    "",
                    f"A rebuild, or the run of a dataset, is under way in {database}",
                )
        yield
    finally:
        connection.close()


def _hold(cursor: Cursor, lock: str, name: str, otherwise: str) -> None:
    cursor.execute(f"SELECT {lock}(%s, hashtext(%s))", (LOCKS, name))
    if cursor.fetchall() != [(True,)]:
        raise ConfigurationError(f"{otherwise}: wait for its end or cancel it, then run again.")


def _made_again(database: Database, dataset: Dataset, function: Callable[[], object]) -> None:
    """Follow a recipe: its history is in the catalog already, and several editions of a dataset
    may be made at the same time.
    """
    with database.session() as cursor:
        provenance.record_dataset(cursor, dataset)
    function()


def _begin(database: Database, dataset: Dataset, run_id: str) -> None:
    with database.session() as cursor:
        provenance.record_dataset(cursor, dataset)
        row = {
            "id": run_id,
            "flow": runtime.flow_run.flow_name or dataset.slug,
            "dataset": dataset.slug,
            "parameters": rows.as_json(redact_all(runtime.flow_run.parameters or {})),
            "code_revision": code_revision(),
            "machine": platform.node(),
        }
        # Prefect retries keep the id
        anew = {"outcome": "running", "started_at": rows.NOW, "ended_at": None, "message": ""}
        rows.upsert(cursor, "run", row | anew, key=("id",), refreshed=anew)


def _end(database: Database, run_id: str, outcome: str, message: str) -> State[Any]:
    message = redact(message)
    with database.session() as cursor:
        ended = {"outcome": outcome, "message": message, "ended_at": rows.NOW}
        rows.update(cursor, "run", ended, {"id": run_id})
        if outcome == "failed":
            building = {"run": run_id, "state": "building"}
            rows.update(cursor, "edition", {"state": "failed"}, building)
    with _beside_the_run():
        _tell(database, run_id)
    return Completed(message=message)


def _tell(database: Database, run_id: str) -> None:
    """Write the document of a run that has ended into the archive."""
    name, document = run_documents.run_document(database, run_id)
    for failure in configured().documents.put(name, document):
        warn(
            f"The archive location {failure} lacks the document {name} until the next run that can"
            " reach it."
        )


def _tell_earlier_runs(database: Database, dataset: Dataset) -> None:
    """Write what the archive lacks about runs that were killed or ended while it was down, and give
    replicas that were down what they lack.
    """
    with _beside_the_run():
        store = configured()
        listings, failures = store.locations.listings(run_documents.folder(dataset.slug))
        for failure in failures:
            warn(
                f"The archive location {failure} does not tell which runs of {dataset.slug} it has;"
                " the next run asks it again."
            )
        # a location that does not answer may have a document, and made anew it need not be the same
        # to the last byte
        if not failures:
            _tell_missing(database, dataset, {name for _, names in listings for name in names})
        for failure in {
            failure.location: failure for failure in store.documents.replicate(listings, MOST)
        }.values():
            warn(
                f"The archive location {failure} lacks documents of runs of {dataset.slug} until"
                " the next run that can reach it."
            )


def _tell_missing(database: Database, dataset: Dataset, names: set[str]) -> None:
    untold = run_documents.untold(database, dataset.slug, names)
    for run_id in untold[:MOST]:
        _tell(database, run_id)
    if left := untold[MOST:]:
        warn(
            f"The archive lacks the documents of {len(left):,} more runs of {dataset.slug}: the"
            " next runs write them."
        )


def _hindrances() -> tuple[type[BaseException], ...]:
    return (GeodataError, *outages(), psycopg2.Error, sqlalchemy.exc.SQLAlchemyError)


@contextmanager
def _beside_the_run() -> Iterator[None]:
    """Say loudly what keeps documents out of the archive; it changes nothing about how the run
    ends.
    """
    try:
        yield
    except _hindrances() as error:
        reason = redact(f"{type(error).__name__}: {error}")
        warn(
            f"Documents of runs were not written into the archive ({reason}); the next run of the"
            " dataset writes them."
        )


def _published(database: Database, run_id: str) -> str:
    return "; ".join(
        f"Published {each.dataset} {each.vintage}, edition {each.number} ({each.layers})."
        for each in database.records(SELECT_EDITIONS_OF_RUN, run=run_id)
    )
