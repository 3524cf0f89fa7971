"""A web feature service asked for a whole layer or page by page: one GeoJSON file or none at all.

WFS 2.0 pages by `count` and `startIndex`
(https://docs.geoserver.org/latest/en/user/services/wfs/reference.html). Such a service dates each
answer: only the features and their CRS are kept, so that the same data is the same file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tasks.core.model.declarations import Features, Source
from tasks.core.upstream import codings, magic, services, transfers
from tasks.core.upstream.answers import Answer, Report
from tasks.core.upstream.assemblies import Misfit, Whole, counted
from tasks.core.upstream.bounds import Bounds, OutOfBounds, bounds
from tasks.core.upstream.downloads import download_of
from tasks.core.upstream.feature_collections import FeatureCollection, take_apart

LARGEST = 1 << 30  # bytes of one answer, whose features are listed at once
USUAL_LIMIT = 500  # services that cut a layer do it at 1,000, 2,500, 5,000, 10,000 …


def ask(source: Source, url: str, report: Report, within: Bounds | None = None) -> Answer:
    """Ask a GetFeature address for all its features, `source.pages` at a time, kept as sent.

    An address without sortBy is asked for the whole layer first, without count and startIndex:
    GeoServer answers 400 to pages of a store without a key. Where the whole is refused, invalid or
    cut, pages sorted by the declared key are asked for.

    report is called with the bytes received; how many will come is not known. Each page is asked
    for again while its failure may pass. A refusal names the page to blame, and holds its bytes
    where it had any. All pages together keep within the bounds.
    """
    within = within or bounds()
    if _has_order(url) or not (order := _order(source, url)):
        return _asked(source, url, report, source.pages or 1, within)
    whole = _asked(source, url, report, 0, within)
    if whole.kind in ("received", "unreachable", "gone"):
        return whole
    if whole.path:
        whole.path.unlink()
    paged = _asked(source, url + order, report, source.pages or 1, within)
    return replace(paged, detail=paged.detail and f"{whole.detail}; then {paged.detail}")


def _has_order(url: str) -> bool:
    return "sortby=" in url.lower()


def _order(source: Source, url: str) -> str:
    """Give the question for an order: by the key's newest heading; none without a key."""
    reads = source.parts.get("")
    if not isinstance(reads, Features) or not reads.key or "?" not in url:
        return ""
    return f"&sortBy={reads.columns[reads.key].names[0]}"


def _asked(source: Source, url: str, report: Report, size: int, within: Bounds) -> Answer:
    with download_of(url) as download:
        download.restart(None, None)  # what a killed run left behind may be of older data
        try:
            return _Conversation(source, url, Whole(download), report, size, within).answer()
        finally:
            download.discard()


class _Conversation:
    """The questions for one layer: size is the features of a page, 0 for the whole at once."""

    def __init__(
        self,
        source: Source,
        url: str,
        whole: Whole,
        report: Report,
        size: int,
        within: Bounds,
    ) -> None:
        self.source, self.url, self.whole, self.report = source, url, whole, report
        self.size, self.within = size, within
        self.page, self.received = 0, 0

    def answer(self) -> Answer:
        """Ask until the layer is whole, and give it, or the answer at which it failed."""
        first = answer = self._ask_for_page()
        while answer.kind == "received" and answer.path:
            try:
                page = _read(answer.path, self.source)
                self.whole.add(page)
                if self._is_last(page) and (more := services.says_more(answer.path)):
                    raise Misfit(f"it is the last of the features that match, and {more}")
            except Misfit as misfit:
                return replace(answer, kind="invalid", detail=f"{self._place()}: {misfit}")
            answer.path.unlink()
            if not self.size and (said := self._cut()):
                return replace(answer, kind="refused", path=None, detail=f"the whole: {said}")
            if self._is_last(page):
                return self._finished(first)
            answer = self._ask_for_page()
        # Page 1 has shown that the layer is there: a later page that is not found does not mean
        # that it is gone.
        kind = "refused" if answer.kind == "gone" and self.page > 1 else answer.kind
        return replace(answer, kind=kind, detail=f"{self._place()}: {answer.detail}")

    def _ask_for_page(self) -> Answer:
        """Ask from the features received on: a service may give fewer a page than asked for."""
        self.page += 1
        before = self.received
        sent = transfers.ask(
            self.url + self._span(len(self.whole.seen)),
            lambda received, _: self.report(before + received, None),
            within=self.within,
        )
        answer = codings.undone(sent, self.source, self.within)
        self.received += answer.size or 0
        try:
            self.within.require_size(self.received)
        except OutOfBounds as error:
            Path(str(answer.path)).unlink(missing_ok=True)
            return Answer(kind="refused", detail=f"with this page, {error}")
        return answer

    def _span(self, start: int) -> str:
        if not self.size:
            return ""
        return f"{'&' if '?' in self.url else '?'}count={self.size}&startIndex={start}"

    def _place(self) -> str:
        if not self.size:
            return "the whole"
        seen, matched = len(self.whole.seen), counted(self.whole.matched)
        return f"page {self.page}" + (f" (after {seen:,} of {matched} features)" if seen else "")

    def _is_last(self, page: FeatureCollection) -> bool:
        """Tell whether all that match are there, or the page is empty where nothing is counted.

        A service that does not count may cap its pages: a short one is not the last. The whole is.
        """
        if not self.size:
            return True
        if self.whole.matched is None:
            return not page.features
        return len(self.whole.seen) == self.whole.matched

    def _cut(self) -> str:
        """Say why what was sent as the whole may be less; "" where nothing speaks for it."""
        seen, matched = len(self.whole.seen), self.whole.matched
        if matched is None and seen and seen % USUAL_LIMIT == 0:
            return (
                f"it has exactly {seen:,} features, as services send that cut a layer there, and"
                " does not say how many match"
            )
        return "" if matched in (None, seen) else f"it has {seen:,} of {matched:,} features"

    def _finished(self, first: Answer) -> Answer:
        path, sha256, size = self.whole.finish()
        headers = {name: value for name, value in first.headers.items() if name != "content-length"}
        moved_to = first.moved_to.replace(self._span(0), "")
        return Answer(
            kind="received", path=path, sha256=sha256, size=size, moved_to=moved_to, headers=headers
        )


def _read(path: Path, source: Source) -> FeatureCollection:
    """Give the features of a page; raise Misfit for anything else, such as an error page."""
    if reason := magic.refusal(path, replace(source, minimum_bytes=1)):
        raise Misfit(reason)
    if (size := path.stat().st_size) > LARGEST:
        raise Misfit(
            f"it has {size:,} bytes where one answer may have {LARGEST:,}: declare fewer `pages`,"
            " the features of one answer"
        )
    content = services.mapped(path)
    try:
        return take_apart(content)
    except (ValueError, RecursionError) as error:
        raise Misfit(
            f"it is not a GeoJSON feature collection ({error}):"
            f" {bytes(content[:160]).decode(errors='replace')!r}"
        ) from None
