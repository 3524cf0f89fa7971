"""Runland, a made-up country with one table, whose flow can be told to end in other ways than it
should.
"""

from __future__ import annotations

import json
import os
import signal
from datetime import date
from pathlib import Path

from prefect import flow

from tasks.core.model.errors import SourceError
from tasks.nouns import Dataset, Licence, Publisher, Source, Table, Total, integer, text
from tasks.vocabulary import (
    WORKERS,
    backup,
    check_totals,
    join,
    load,
    open_staging,
    publish,
    publish_catalog,
    recorded,
    unpack,
)

RUNLAND = Dataset(
    slug="runland",
    title="Runland: places",
    country="ZR",
    schema="runland",
    layers={"places": ("code",)},
    keep=2,
)
PLACES = Source(
    slug="zr-places",
    vintage=2026,
    title="Places",
    publisher=Publisher(slug="office", name="An office", url="https://office.example"),
    licence=Licence(
        slug="open",
        title="Open",
        url="https://office.example/open",
        attribution="Source: an office",
    ),
    landing_page="https://office.example/places",
    urls=("https://office.example/places.csv",),
    container="text",
    totals={"people": Total(expected=6)},
    reads=Table(
        columns={"code": text("code"), "people": integer("people")}, key=("code",), delimiter=";"
    ),
    reference_date=date(2026, 1, 1),
    released="yearly",
    confidence="high",
    retention="newest",
    keep_originals=1,
)
SCRIPT = Path(__file__).with_suffix(".sql")
ADDRESS = "https://me:hidden@office.example/places.csv?api_key=hidden"


@flow(name="runland", description=__doc__, task_runner=WORKERS)
@recorded(RUNLAND)
def runland(
    mirror: str = "", rebuild: bool = False, ending: str = "", addresses: tuple[str, ...] = ()
) -> None:
    """Publish Runland, unless it is to end otherwise: refused, killed, uncataloged, or with the
    archive lost.
    """
    files = backup(loaded=PLACES, mirror=mirror)
    staging = open_staging(RUNLAND, 2026, files, rebuild=rebuild)
    load(staging, unpack(files))
    check_totals(staging, files.loaded)
    if ending == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    join(staging, str(SCRIPT))
    edition = publish(staging)
    if ending != "uncataloged":
        publish_catalog(edition)
    if "lost" in ending:
        take_away(Path(os.environ["GEODATA_ARCHIVE"]))
    if "refused" in ending:
        raise SourceError(f"The file {ADDRESS} was expected and is not there.")


TRIES: list[str] = []


@flow(name="runland", retries=1)
@recorded(RUNLAND)
def tried_again(mirror: str) -> None:
    """Fail at the first try, and end well at the second."""
    backup(loaded=PLACES, mirror=mirror)
    TRIES.append(mirror)
    if len(TRIES) == 1:
        raise SourceError("The first try was expected to fail, and does.")


def write(folder: Path, people: int = 6, codes: str = "A B C") -> None:
    """Synthetic files of the office, and the mirror that stands in for it: three places with 6
    people.
    """
    folder.mkdir(exist_ok=True)
    places = (f"{code};{number}\n" for number, code in enumerate(codes.split(), 1))
    (folder / "places.csv").write_text(f"code;people\n{''.join(places)}")
    sources = {"zr-places-2026": {"path": "places.csv", "totals": {"people": people}}}
    (folder / "mirror.json").write_text(
        json.dumps({"label": "synthetic-runland", "about": "Made up.", "sources": sources})
    )


def take_away(location: Path) -> None:
    """Lay a file where a folder of the archive was, so that nothing can be written or read
    there.
    """
    location.rename(location.with_name(f"{location.name}-away"))
    location.write_text("")


def bring_back(location: Path) -> None:
    """Undo take_away: the folder is there again, with all that it held."""
    location.unlink()
    location.with_name(f"{location.name}-away").rename(location)
