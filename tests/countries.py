"""All five countries, small, published by their own flows from synthetic files."""

from __future__ import annotations

from pathlib import Path

from synthetic import austria, belgium, united_states
from test_sirene import World

from flows.austria import austria as publish_austria
from flows.belgium import belgium as publish_belgium
from flows.france import france as publish_france
from flows.sirene import sirene as publish_sirene
from flows.united_states import united_states as publish_united_states


def publish(folder: Path) -> None:
    """Write the files of every country into a folder, and publish what they hold."""
    world = World(folder)
    belgium.write(folder / "belgium", municipalities=12, sectors=120, vintages=(2023, 2024))
    austria.write(folder / "austria", municipalities=45, vintages=(2025,))
    united_states.write(folder / "united_states", vintages=(2023,))
    for vintage in (2023, 2024):
        publish_belgium(vintage=vintage, mirror=str(folder / "belgium"))
    publish_austria(vintage=2025, mirror=str(folder / "austria"))
    publish_france(vintage=2024, mirror=str(folder / "france"))
    publish_sirene(vintage=world.year, mirror=str(world.register))
    publish_united_states(vintage=2023, mirror=str(folder / "united_states"))
