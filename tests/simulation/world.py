"""The world: all that the publishers of four countries put out in three years, made when asked
for.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from simulation.austria import Austria
from simulation.belgium import Belgium
from simulation.france import France
from simulation.releases import Release, Workshop
from simulation.sirene import Sirene
from simulation.united_states import UnitedStates


class World:
    """Releases in the order of their days, on countries that stay the same but for what is told in
    EVENTS: figures grow by 0.3 to 0.8 per cent a year. The same seed gives the same bytes.
    """

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.folder = folder
        self.works = works = Workshop(folder / "made")
        self.belgium = Belgium(works, seed, municipalities=30, sectors=240)
        self.austria = Austria(works, seed, municipalities=150)
        self.france = France(works, seed, iris=800)
        self.sirene = Sirene(works, seed, 3000, lambda: self.france.ground)
        self.united_states = UnitedStates(works, seed, tracts=120, block_groups=300)
        countries = (self.belgium, self.austria, self.france, self.sirene, self.united_states)
        found = [release for country in countries for release in country.releases()]
        self.releases = sorted(found, key=lambda release: release.day)
        self._out: tuple[date, dict[str, Release]] = (date.min, {})

    def out(self, day: date) -> dict[str, Release]:
        """The newest release at each address on a day, by its key."""
        asked, found = self._out
        if asked != day:
            found = {release.key: release for release in self.releases if release.day <= day}
            self._out = day, found
        return found

    def path(self, release: Release) -> Path:
        """The file of a release, with the day of the release as its own."""

        def dated(folder: Path) -> None:
            made, moment = folder / "file", release.moment.timestamp()
            shutil.copyfile(release.make(), made)
            os.utime(made, (moment, moment))

        name = hashlib.sha256(f"{release.day} {release.key}".encode()).hexdigest()[:20]
        return self.works.once(f"out-{name}", dated) / "file"

    def lay(self, inbox: Path, day: date) -> list[Path]:
        """Lay into an inbox what a person would have fetched by hand until a day."""
        inbox.mkdir(parents=True, exist_ok=True)
        laid = []
        for name, make in self._by_hand(day).items():
            if not (inbox / name).exists():
                laid.append(Path(shutil.copyfile(make(), inbox / name)))
        return laid

    def _by_hand(self, day: date) -> dict[str, Callable[[], Path]]:
        return self.austria.by_hand() | self.united_states.by_hand(day)
