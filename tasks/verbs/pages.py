"""The pages of the catalog: built whole, then shown."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tasks.core.model.addresses import redact
from tasks.core.model.settings import settings, site_location
from tasks.core.postgres.database import Database
from tasks.running.locks import Claim, Lock, holding
from tasks.running.next_runs import next_runs
from tasks.running.policies import RECORD, verb
from tasks.running.site import site
from tasks.running.steps import say


def _name(parameters: dict[str, Any]) -> str:
    return f"publish the site at {redact(parameters['to'] or site_location())}"


@verb(_name, RECORD)
def publish_site(to: str = "") -> None:
    """Build the pages of all that is shown now, and show them where they differ from those there.

    to: a folder, or an fsspec location such as s3://bucket/folder; that of GEODATA_SITE without
    one. Maps and search of an edition are made once; one build at a time writes to a place. Raises
    ConfigurationError for a place that cannot be used, and while another build writes to it.
    """
    from tasks.core.pages import building, storing

    place, here = storing.Place(to or site_location()), site()
    with (
        holding(turn(here.database, place.url)),
        tempfile.TemporaryDirectory(dir=here.scratch) as name,
    ):
        before = place.record()
        folder, scratch = Path(name, "site"), Path(name, "scratch")
        folder.mkdir()
        scratch.mkdir()
        base = settings().site_url
        built = building.build(here.database, folder, scratch, before, next_runs(), base)
        written = place.switch(folder, built.made, before)
    drawn = f"maps of {', '.join(built.drawn)} drawn" if built.drawn else "no map drawn anew"
    say(f"Showed {built.pages} pages at {place.url}: {drawn}, {len(written)} files written.")


def turn(database: Database, url: str) -> Lock:
    """Take the lock of the site at a place; raises Taken while another build writes to it."""
    others = f"Another build of the site at {redact(url)} is under way"
    return Lock(database, [Claim(f"site {url}", others)])
