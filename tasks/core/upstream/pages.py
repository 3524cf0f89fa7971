"""A web feature service asked page by page, its pages put together as one GeoJSON file: whole, or
not at all.

WFS 2.0 pages by `count` and `startIndex`
(https://docs.geoserver.org/latest/en/user/services/wfs/reference.html). Such a service answers anew
each time and says when: only the features and their CRS are kept, so that the same data is the same
file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tasks.core.model.declarations import Source
from tasks.core.upstream import magic, transfers
from tasks.core.upstream.feature_collections import FeatureCollection, take_apart
from tasks.core.upstream.parts import Part, part_of
from tasks.core.upstream.transfers import Answer, Report


def ask(source: Source, url: str, report: Report) -> Answer:
    """Ask a GetFeature address for all its features, `source.pages` at a time, each kept in the
    bytes it was sent in.

    report is called with the bytes received; how many will come is not known. Each page is asked
    for again while its failure may pass. A refusal names the page to blame, and holds its bytes
    where it had any.
    """
    with part_of(url) as part:
        part.restart(None, None)  # what a killed run left behind may be of older data
        try:
            return _Question(source, url, _Whole(part), report).answer()
        finally:
            part.discard()


class _Misfit(Exception):
    """A page that cannot be part of the whole; the text says why."""


class _Whole:
    """The features of the pages so far; what page 1 says of the data holds for every page."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.seen: set[str] = set()
        self.matched: int | None = None
        self.crs: str | None = None

    def add(self, page: FeatureCollection) -> None:
        """Put the features of a page behind those before it; raises _Misfit before anything is
        written.
        """
        identities = self._identities(page)
        if not self.seen:
            self.matched, self.crs = page.matched, page.crs
        self._require_same_data(page, len(self.seen) + len(identities))
        if not self.seen:
            crs = "" if page.crs is None else f'"crs":{page.crs},'
            self.part.write(f'{{"type":"FeatureCollection",{crs}"features":['.encode())
        for number, feature in enumerate(page.features, len(self.seen)):
            self.part.write(b"%b\n%b" % (b"," if number else b"", feature.content))
        self.seen |= identities

    def finish(self) -> tuple[Path, str, int]:
        """The path, SHA-256 and size of the finished file."""
        self.part.write(b"\n]}\n")
        return self.part.finish()

    def _identities(self, page: FeatureCollection) -> set[str]:
        fresh: set[str] = set()
        for feature in page.features:
            if feature.identity in self.seen or feature.identity in fresh:
                raise _Misfit(
                    f"it repeats the feature {feature.identity}: the service ignores startIndex or"
                    " sortBy, or its data changed meanwhile"
                )
            fresh.add(feature.identity)
        if not fresh and (page.matched is not None or not self.seen):
            raise _Misfit("it has no features")
        return fresh

    def _require_same_data(self, page: FeatureCollection, total: int) -> None:
        if page.matched != self.matched:
            said = (
                f"{_number(page.matched)} features match where page 1 said {_number(self.matched)}"
            )
            raise _Misfit(f"it says that {said}: the data changed meanwhile")
        if page.features and page.crs != self.crs:  # an empty page has none
            raise _Misfit(f"its crs is {page.crs} where that of page 1 is {self.crs}")
        if self.matched is not None and total > self.matched:
            raise _Misfit(f"it makes {total:,} features where {self.matched:,} are said to match")


class _Question:
    def __init__(self, source: Source, url: str, whole: _Whole, report: Report) -> None:
        self.source, self.url, self.whole, self.report = source, url, whole, report
        self.size = source.pages or 1
        self.page, self.received = 0, 0

    def answer(self) -> Answer:
        first = answer = self._ask_for_page()
        while answer.kind == "received" and answer.path:
            try:
                page = _read(answer.path, self.source)
                self.whole.add(page)
            except _Misfit as misfit:
                return replace(answer, kind="invalid", detail=f"{self._place()}: {misfit}")
            answer.path.unlink()
            if self._is_last(page):
                return self._finished(first)
            answer = self._ask_for_page()
        # Page 1 has shown that the layer is there: a later page that is not found does not mean
        # that it is gone.
        kind = "refused" if answer.kind == "gone" and self.page > 1 else answer.kind
        return replace(answer, kind=kind, detail=f"{self._place()}: {answer.detail}")

    def _ask_for_page(self) -> Answer:
        """Go on after the features received: a service may give fewer of them a page than it is
        asked for.
        """
        self.page += 1
        before = self.received
        answer = transfers.ask(
            self.url + self._span(len(self.whole.seen)),
            lambda received, _: self.report(before + received, None),
        )
        self.received += answer.size or 0
        return answer

    def _span(self, start: int) -> str:
        return f"{'&' if '?' in self.url else '?'}count={self.size}&startIndex={start}"

    def _place(self) -> str:
        seen = len(self.whole.seen)
        return f"page {self.page}" + (
            f" (after {seen:,} of {_number(self.whole.matched)} features)" if seen else ""
        )

    def _is_last(self, page: FeatureCollection) -> bool:
        """All that match are there; where the service does not count them, it is asked until a page
        is empty, as it may cap its pages.
        """
        return (
            not page.features
            if self.whole.matched is None
            else len(self.whole.seen) == self.whole.matched
        )

    def _finished(self, first: Answer) -> Answer:
        path, sha256, size = self.whole.finish()
        headers = {name: value for name, value in first.headers.items() if name != "content-length"}
        moved_to = first.moved_to.replace(self._span(0), "")
        return Answer(
            kind="received", path=path, sha256=sha256, size=size, moved_to=moved_to, headers=headers
        )


def _read(path: Path, source: Source) -> FeatureCollection:
    """The features of a page; raises _Misfit when it is anything else, such as the web page of a
    service that is down.
    """
    if reason := magic.refusal(path, replace(source, minimum_bytes=1)):
        raise _Misfit(reason)
    content = path.read_bytes()
    try:
        return take_apart(content)
    except (ValueError, RecursionError) as error:
        raise _Misfit(
            f"it is not a GeoJSON feature collection ({error}):"
            f" {content[:160].decode(errors='replace')!r}"
        ) from None


def _number(count: int | None) -> str:
    return "an unknown number of" if count is None else f"{count:,}"
