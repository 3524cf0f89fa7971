"""The question to publishers, which vintage is the newest that they have whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tasks.core.catalog import prospects
from tasks.core.model.declarations import Dataset, Source
from tasks.core.model.errors import ConfigurationError, SourceError
from tasks.core.model.handles import joined
from tasks.core.model.names import Sources
from tasks.core.upstream import stand_ins
from tasks.core.upstream.probes import Sighting
from tasks.core.upstream.stand_ins import StandIn
from tasks.running.locating import is_listed, locate, of_its_year, sighted
from tasks.running.making import made_by
from tasks.running.prospect import Prospect, Wanted
from tasks.running.site import site
from tasks.running.steps import say, warn

Flow = Callable[..., object]
AHEAD = 2  # years after the newest known one that are asked for, whatever this machine's clock says
# Years ahead: a publisher that sends a file for such a year too says nothing by sending one.
FAR = 50


@dataclass
class Question:
    """Which vintage of a dataset is the newest that is whole: borders, figures and all."""

    dataset: Dataset
    flow: Flow
    given: Mapping[str, Any]

    def vintages(self) -> list[int]:
        """Return the newest vintage, after the newest declared one where that is needed to judge
        it.
        """
        newest, declared = self.newest(), max(self.dataset.vintages)
        if self.shown or newest <= declared or not self._is_whole(declared, beside=newest):
            return [newest]
        return [declared, newest]

    def newest(self) -> int:
        """Return the newest year of which everything dated is out, or else the newest known.

        The years after the newest one shown are asked for, the last of them first. What is awaited
        is kept in the catalog and is no failure.
        """
        for year in self._candidates():
            if self._is_whole(year, beside=self._known) and self._is_meant(year):
                self._pass_over(range(self._known + 1, year))
                return year
        return self._known

    def _is_meant(self, year: int) -> bool:
        """Tell whether files of a year are of that year: not where any year would be answered.

        Of what is listed it need not be asked; recorded as unknown otherwise.
        """
        meaningless = {}
        for name, sighting in self._of_far_years.items():
            keyword, part = name
            source = self._sources(year)[keyword][part]
            if not is_listed(source, self._mirror):
                meaningless[joined(keyword, part)] = sighting
                located = locate(source, self._mirror)
                prospects.record(site().database, self.dataset, year, located, sighting)
        if meaningless:
            self._tell(year, meaningless, [])
        return not meaningless

    @cached_property
    def _of_far_years(self) -> dict[tuple[str, str], Sighting]:
        """What is sent for a year that cannot be out, by keyword and part; asked once at most."""
        if self._names_its_files:
            return {}
        far, found = self._known + FAR, {}
        for keyword, parts in self._dated(far, beside=self._known).items():
            part, source = next(iter(parts.items()))
            if source.current or not source.urls:
                continue
            if (seen := sighted(locate(source, self._mirror))).state == "out":
                detail = f"{seen.url}, of {far}, is answered with a file too"
                found[keyword, part] = replace(seen, state="unknown", detail=detail)
        return found

    def _pass_over(self, years: Iterable[int]) -> None:
        """Say which years are out too, and are not made by a run for the newest."""
        if out := [str(year) for year in years if self._is_whole(year, beside=self._known)]:
            warn(
                f"Out too, and passed over for a newer one: {self.dataset.slug} {', '.join(out)}."
                f" To make them: python flows/backfill.py --datasets {self.dataset.slug}."
            )

    @cached_property
    def _mirror(self) -> StandIn | None:
        mirror = self.given.get("mirror")
        return stand_ins.read(mirror) if mirror else None

    @property
    def _names_its_files(self) -> bool:
        """Whether a mirror says of each of its files of which year it is."""
        return self._mirror is not None and not self._mirror.hosts

    @cached_property
    def shown(self) -> int | None:
        """The newest vintage shown, if any."""
        label = self._mirror.label if self._mirror else ""
        return prospects.newest_shown(site().database, self.dataset.slug, label)

    @cached_property
    def _known(self) -> int:
        """The newest vintage shown; where there is none, the newest that is declared."""
        return self.shown or max(self.dataset.vintages)

    def _candidates(self) -> Iterator[int]:
        last = max(self._known + AHEAD, datetime.now(UTC).year + 1)
        yield from range(last, self._known, -1)
        if self._names_its_files:
            yield from range(self._known, min(self.dataset.vintages) - 1, -1)

    def _is_whole(self, year: int, beside: int) -> bool:
        """Tell whether a year is out: one file of each keyword is asked for, then the others.

        beside: another year, from which the addresses of what tells years differ.
        """
        dated = self._dated(year, beside)
        firsts = {keyword: next(iter(parts.items())) for keyword, parts in dated.items()}
        seen = {joined(name, part): self._look(year, each) for name, (part, each) in firsts.items()}
        if all(sighting.state == "out" for sighting in seen.values()):
            seen |= {
                joined(keyword, part): self._look(year, source)
                for keyword, parts in dated.items()
                for part, source in list(parts.items())[1:]
            }
        awaited = {name: each for name, each in seen.items() if each.state != "out"}
        if awaited and (len(awaited) < len(seen) or _unknown(awaited)):
            self._tell(year, awaited, [name for name in seen if name not in awaited])
        return bool(seen) and not awaited

    def _dated(self, year: int, beside: int) -> dict[str, dict[str, Source]]:
        """Return the sources that tell a year: those whose addresses differ from year to year.

        Where a flow has none, those whose address gives today's file; fetched by hand, and of a
        mirror that names its files, all.
        """
        wanted, known = self._sources(year), self._sources(beside)
        everything = {key: dict(parts) for key, parts in wanted.items()}
        if self._names_its_files:
            return everything
        dated = {
            keyword: {
                part: source
                for part, source in parts.items()
                if source.otherwise is None and not source.current
                if not source.urls or not _is_alike(source, known.get(keyword, {}).get(part))
            }
            for keyword, parts in everything.items()
        }
        if not any(dated.values()):
            dated = {
                keyword: {part: source for part, source in parts.items() if source.current}
                for keyword, parts in everything.items()
            }
        return {keyword: parts for keyword, parts in dated.items() if parts}

    def _sources(self, year: int) -> Sources:
        try:
            with made_by(Prospect()):
                self.flow(**{**self.given, "vintage": year})
        except Wanted as wanted:
            return wanted.sources
        except KeyError:
            if year in self.dataset.vintages:
                raise
            return {}  # its office has a table without a rule for later years
        raise ConfigurationError(
            f"The flow of {self.dataset.slug} was expected to ask for its files by backup, and"
            " ended without it: let it call backup."
        )

    def _look(self, year: int, source: Source) -> Sighting:
        try:
            located = locate(source, self._mirror)
        except SourceError as reason:  # the mirror has no such file
            return Sighting(state="awaited", detail=str(reason))
        sighting = sighted(located)
        if source.current and not self._names_its_files:
            sighting = of_its_year(source, sighting)
        prospects.record(site().database, self.dataset, year, located, sighting)
        return sighting

    def _tell(self, year: int, awaited: Mapping[str, Sighting], out: list[str]) -> None:
        unclear = {name: each.detail for name, each in awaited.items() if each.state == "unknown"}
        parts = {
            "out": out,
            "not out": [name for name in awaited if name not in unclear],
            "unclear": [f"{name} ({detail})" for name, detail in unclear.items()],
        }
        told = "; ".join(f"{state}: {', '.join(names)}" for state, names in parts.items() if names)
        (warn if unclear else say)(f"Awaited is {self.dataset.slug} {year} ({told}).")


def _is_alike(source: Source, known: Source | None) -> bool:
    return known is not None and (source.urls, source.slug) == (known.urls, known.slug)


def _unknown(awaited: Mapping[str, Sighting]) -> bool:
    return any(sighting.state == "unknown" for sighting in awaited.values())
