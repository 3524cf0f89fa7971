"""Documents of a listing, asked for one after another within one bound."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from lxml import etree

from tasks.core.model.addresses import local_path
from tasks.core.model.listings import Listing
from tasks.core.upstream import http
from tasks.core.upstream.bounds import bounds
from tasks.core.upstream.listings.listed import Unusable

LARGEST = 64 << 20  # bytes of all documents of a listing
LONGEST_SECONDS = 600.0
HTML = re.compile(rb"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html\b)", re.I | re.S)


@dataclass(frozen=True)
class Document:
    """What was sent; `base`: the publisher's address that the addresses in it are relative to."""

    content: bytes
    base: str


class Inquiry:
    """The questions that reading one listing takes.

    url: where it is asked; a mirror may stand in for its publisher.
    """

    def __init__(self, listing: Listing, url: str) -> None:
        self.listing, self.url, self._received = listing, url, 0
        within = replace(bounds(), most=LARGEST, reason="the most for a listing")
        self._within = replace(within, until=min(within.until, time.monotonic() + LONGEST_SECONDS))

    def document(self, url: str) -> Document:
        """Ask for a document; raises OSError, httpx.HTTPError, http.Busy or Unusable."""
        path = local_path(url)
        if path is not None:
            return Document(self._within_bound(_content(path)), self.listing.url)
        content, address = http.insist(lambda: self._asked(url))
        return Document(content, address if self.url == self.listing.url else self.listing.url)

    def beside(self, reference: str, page: Document) -> str:
        """Give where a further document is asked: a mirror has it beside the first one."""
        meant, own = urlsplit(urljoin(page.base, reference)), urlsplit(self.listing.url)
        if meant.scheme not in ("http", "https") or meant.netloc != own.netloc:
            raise Unusable("its next page is at another publisher")
        if self.url == self.listing.url:
            return meant.geturl()
        asked = self.url.partition("?")[0]
        if not asked.endswith(own.path):
            raise Unusable("its next page is beside it, and the mirror has another order")
        return asked.removesuffix(own.path) + meant._replace(scheme="", netloc="").geturl()

    def _asked(self, url: str) -> tuple[bytes, str]:
        content = bytearray()
        with http.client() as client, http.answer(client, url, self._within) as response:
            http.raise_when_busy(response)
            if response.raise_for_status().status_code != 200:
                raise Unusable(http.phrase(response.status_code))
            for block in response.iter_bytes():
                content += block
                self._within.require_size(self._received + len(content))
        return self._within_bound(bytes(content)), str(response.url)

    def _within_bound(self, content: bytes) -> bytes:
        self._received += len(content)
        self._within.require_size(self._received)
        return content


def _content(path: Path) -> bytes:
    """Read a file of a mirror: with the question as a part of its name, or without it.

    Of a folder, its index.html is read.
    """
    named = [path, Path(str(path).partition("?")[0])]
    found = next((each for each in named if each.exists()), path)
    found = found / "index.html" if found.is_dir() else found
    if found.exists() and not found.is_file():
        raise Unusable("it is no file")
    with found.open("rb") as file:
        return file.read(LARGEST + 1)


def require_no_page(content: bytes) -> None:
    """Raise Unusable for a web page, which walls against robots send in place of documents."""
    if HTML.match(content.removeprefix(b"\xef\xbb\xbf")[:4096]):
        raise Unusable("a web page was sent in its place, as a wall against robots does")


def tree(content: bytes) -> etree._Element:
    """Give the root of an XML document in which nothing is expanded or fetched."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False
    )
    root: etree._Element = etree.fromstring(content, parser)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise Unusable("it declares entities, which nothing in it may need")
    return root
