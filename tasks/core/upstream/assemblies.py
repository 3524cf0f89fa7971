"""Pages of features put together as one GeoJSON file."""

from __future__ import annotations

from pathlib import Path

from tasks.core.upstream.downloads import Download
from tasks.core.upstream.feature_collections import FeatureCollection


class Misfit(Exception):
    """A page that cannot be part of the whole; the text says why."""


class Whole:
    """The features of the pages so far; what page 1 says of the data holds for every page."""

    def __init__(self, download: Download) -> None:
        self.download = download
        self.seen: set[str] = set()
        self.matched: int | None = None
        self.crs: str | None = None

    def add(self, page: FeatureCollection) -> None:
        """Append the features of a page; raise Misfit before anything is written."""
        identities = self._identities(page)
        if not self.seen:
            self.matched, self.crs = page.matched, page.crs
        self._require_same_data(page, len(self.seen) + len(identities))
        if not self.seen:
            crs = "" if page.crs is None else f'"crs":{page.crs},'
            self.download.write(f'{{"type":"FeatureCollection",{crs}"features":['.encode())
        for number, feature in enumerate(page.features, len(self.seen)):
            self.download.write(b"%b\n%b" % (b"," if number else b"", feature.content))
        self.seen |= identities

    def finish(self) -> tuple[Path, str, int]:
        """Give the path, SHA-256 and size of the finished file."""
        self.download.write(b"\n]}\n")
        return self.download.finish()

    def _identities(self, page: FeatureCollection) -> set[str]:
        fresh: set[str] = set()
        for feature in page.features:
            if feature.identity in self.seen or feature.identity in fresh:
                raise Misfit(
                    f"it repeats the feature {feature.identity}: the service ignores startIndex or"
                    " sortBy, or its data changed meanwhile"
                )
            fresh.add(feature.identity)
        if not fresh and (page.matched is not None or not self.seen):
            raise Misfit("it has no features")
        return fresh

    def _require_same_data(self, page: FeatureCollection, total: int) -> None:
        if page.matched != self.matched:
            said = (
                f"{counted(page.matched)} features match where page 1 said {counted(self.matched)}"
            )
            raise Misfit(f"it says that {said}: the data changed meanwhile")
        if page.features and page.crs != self.crs:  # an empty page has none
            raise Misfit(f"its crs is {page.crs} where that of page 1 is {self.crs}")
        if self.matched is not None and total > self.matched:
            raise Misfit(f"it makes {total:,} features where {self.matched:,} are said to match")


def counted(count: int | None) -> str:
    """Give a number of features for a message, also where the service does not tell it."""
    return "an unknown number of" if count is None else f"{count:,}"
