"""Synthetic publishers whose clock moves from late November 2026 to the end of 2029.

    world = World(tmp_path)
    with Publisher(world) as publisher:         # publisher.url is the mirror
        publisher.today = date(2027, 10, 25)    # what is out on that day answers, the rest is 404
        world.lay(inbox, publisher.today)       # what a person would have fetched until then

EVENTS says what happens, and what should come of it. Nothing here is official.
"""

from simulation.events import EVENTS, Event, Verdict
from simulation.publisher import Publisher
from simulation.releases import END, START, Release
from simulation.schedules import Run, runs
from simulation.world import World

__all__ = [
    "END",
    "EVENTS",
    "START",
    "Event",
    "Publisher",
    "Release",
    "Run",
    "Verdict",
    "World",
    "runs",
]
