"""Prefect's own settings, changed for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.context import SettingsContext, get_settings_context


@contextmanager
def using(group: str, **values: Any) -> Iterator[None]:
    """Work with other values of a group of Prefect's settings meanwhile (client, flows).

    Prefect's own temporary_settings reads all sources of all settings again, sixty milliseconds
    each time; no value is checked here. It is for this process: others are not given the values.
    """
    now = get_settings_context()
    changed = getattr(now.settings, group).model_copy(update=values)
    settings = now.settings.model_copy(update={group: changed})
    with SettingsContext.model_construct(profile=now.profile, settings=settings):
        yield
