"""Reports: what came of a run, as one page in the Prefect UI; a view that expires.

No run fails because its report cannot be made or left: that is said as a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg2
import sqlalchemy.exc
from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from tasks.core.catalog.reports import facts, pages
from tasks.core.model.addresses import redact
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import GeodataError
from tasks.core.model.handles import Staging
from tasks.core.model.settings import settings
from tasks.running.announcements import telling
from tasks.running.endings import ASKED_TO_END, why
from tasks.running.site import site
from tasks.running.steps import warn

UNREADABLE = (GeodataError, psycopg2.Error, sqlalchemy.exc.SQLAlchemyError)
SHORTLY = {"timeout": 5.0}  # seconds for the server, of the thirty that a pod has to end


@contextmanager
def reporting(dataset: Dataset) -> Iterator[None]:
    """Leave a report of the run within, however it ends."""
    try:
        yield
    except ASKED_TO_END as error:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            _report_run(dataset, redact(why(error)), SHORTLY)
        raise
    except BaseException as error:
        _report_run(dataset, redact(why(error)))
        raise
    _report_run(dataset)


def report_accepted(staging: Staging) -> None:
    """Leave a report of an edition that a person accepted."""
    slug, number = staging.dataset.slug, staging.edition
    try:
        page = pages.page_of_accepted(
            *facts.of_edition(site().database, slug, number), settings().site_url
        )
    except UNREADABLE as error:
        _warn(error)
        return
    _leave(slug, page, f"{slug}: accepted (edition {number} of {staging.vintage})")


def _report_run(
    dataset: Dataset, failure: str = "", patience: dict[str, Any] | None = None
) -> None:
    """Leave the report of the run under way.

    failure: the sentence of the error that ended it. patience: of httpx, with the server.
    """
    run, slug = runtime.flow_run.id, dataset.slug
    if not run:
        return
    try:
        found = facts.of_run(site().database, slug, run)
        page, title = pages.page(found, failure, settings().site_url), pages.title(found, failure)
    except UNREADABLE as error:
        reason = redact(f"{type(error).__name__}: {error}")
        if not failure:
            _warn(error)
            return
        page, title = pages.page_without_catalog(slug, failure, reason), f"{slug}: failed"
    _leave(slug, page, title, patience)


def _leave(dataset: str, page: str, title: str, patience: dict[str, Any] | None = None) -> None:
    if not runtime.flow_run.id:
        return
    made = ArtifactCreate(
        key=f"{dataset.replace('_', '-')}-report",
        type="markdown",
        description=title,
        data=redact(page),
        flow_run_id=UUID(runtime.flow_run.id),
    )
    with telling("the report of this run"):
        try:
            with get_client(httpx_settings=patience, sync_client=True) as client:
                client.create_artifact(made)
        except PrefectException as error:
            _warn(error)


def _warn(error: BaseException) -> None:
    reason = redact(f"{type(error).__name__}: {' '.join(str(error).split())}")
    warn(f"No report of this run was left ({reason}): look at the catalog instead.")
