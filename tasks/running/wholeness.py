"""Runs that go on only with what is whole: their lock, their staging, and their unpacked files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from tasks.core.catalog.wholeness import require_whole
from tasks.core.model.handles import Staging
from tasks.core.postgres.outages import is_outage
from tasks.running.locks import prove_lock
from tasks.running.site import site

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
STAGING = "staging"  # the parameter of a verb that works in one
PATIENCE = 60  # seconds for which a server that starts again after a crash is waited for


patient = retry(
    retry=retry_if_exception(is_outage),
    stop=stop_after_delay(PATIENCE),
    wait=wait_fixed(0.5),
    reraise=True,
)


@patient
def prove(staging: Staging | None = None) -> None:
    """Prove the run's lock, and then its staging, patiently.

    Raises ConfigurationError when another run has the lock, WorkLost when the staging is not whole.
    """
    prove_lock()
    if staging:
        with site().database.session() as cursor:
            require_whole(cursor, staging)


@patient
def await_database() -> None:
    """Wait until the database takes connections again; raises OperationalError if it does not."""
    site().database.connect().close()


def proving_staging(verb: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a verb that works in a staging begin only when that is whole.

    When it fails because the staging is whole no more, that is what it raises.
    """
    signature = inspect.signature(verb)
    if STAGING not in signature.parameters:
        return verb

    @wraps(verb)
    def proved(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        staging: Staging = signature.bind(*args, **kwargs).arguments[STAGING]
        prove(staging)
        try:
            return verb(*args, **kwargs)
        except Exception:
            prove(staging)
            raise

    return proved
