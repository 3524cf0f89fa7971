"""One policy for tasks: how a verb is named in the Prefect UI, and what is worth another try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar

import httpx
import psycopg2
import sqlalchemy.exc
from prefect import runtime, task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.client.schemas.objects import State
from prefect.tasks import Task

from tasks.core.model.errors import CheckFailed, Refused
from tasks.core.postgres.outages import DATABASE_FAILURES, FAULTS
from tasks.running.disks import explaining_disks
from tasks.running.wholeness import proving_staging

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
DATABASE_OUTAGES = (psycopg2.OperationalError, sqlalchemy.exc.OperationalError)
OUTAGES = (OSError, httpx.TransportError, *DATABASE_OUTAGES)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Which errors are worth another try, but for some, and after how many seconds each."""

    errors: tuple[type[BaseException], ...]
    after: tuple[int, ...]
    but: tuple[type[BaseException], ...] = ()
    jitter: float = 0.0

    @cached_property
    def heals(self) -> Callable[[Any, Any, State[Any]], bool]:
        """Prefect's retry condition, whether time can heal a failure; it must be a function."""

        def heals(_task: Any, _run: Any, state: State[Any]) -> bool:
            error = state.result(raise_on_failure=False)
            return isinstance(error, self.errors) and not isinstance(error, self.but)

        return heals

    def is_tried_again(self) -> bool:
        """Tell whether Prefect tries the task of this run again when it fails now."""
        return 0 < (runtime.task_run.run_count or 0) <= len(self.after)


DATABASE = Retry(errors=DATABASE_FAILURES, but=FAULTS, after=(10, 60))
FILES = Retry(errors=(OSError,), after=(10, 20))
ARCHIVE = Retry(errors=OUTAGES, but=FAULTS, after=(30, 120))
PUBLISHER = Retry(errors=OUTAGES, but=FAULTS, after=(60, 180), jitter=0.3)
SERVER = Retry(errors=(httpx.HTTPError,), after=(10, 60, 180))  # Prefect's own, when it is busy
WATCH = Retry(
    errors=(Exception,), but=(CheckFailed, Refused), after=(30, 120)
)  # the database may be back
RECORD = Retry(errors=(Exception,), but=(Refused,), after=(5, 30, 60))


def verb(
    name: str | Callable[[dict[str, Any]], str],
    retry: Retry | None = None,
    cache: CacheKeyFnPolicy | None = None,
) -> Callable[[Callable[Parameters, Result]], Task[Parameters, Result]]:
    """Make a function a task of the vocabulary.

    name: of its runs, with its object in braces ("aggregate {table} by {by}"), or a function of
    their arguments. retry: one of the policies above. cache: key of a result that is kept; without
    it nothing is. A verb with a parameter `staging` works only in one that is whole.
    """
    policy: dict[str, Any] = {"task_run_name": name, "cache_policy": cache or NO_CACHE}
    if not cache:
        policy |= {"persist_result": False}
    if retry:
        policy |= {
            "retries": len(retry.after),
            "retry_delay_seconds": list(retry.after),
            "retry_jitter_factor": retry.jitter or None,
            # a function, because Prefect takes a bound method for a refusal
            "retry_condition_fn": lambda *asked: retry.heals(*asked),
        }

    def made(function: Callable[Parameters, Result]) -> Task[Parameters, Result]:
        whole = proving_staging(function)

        @wraps(function)
        def explained(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            with explaining_disks():
                return whole(*args, **kwargs)

        return task(explained, **policy)

    return made
