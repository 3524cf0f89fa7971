"""Atom: feeds, also in pages (https://www.rfc-editor.org/rfc/rfc4287).

IGN's are pages of at most 50 entries (https://geoplateforme.github.io, API de téléchargement). An
entry is a product of one date, whose own feed names one archive that is called as the product.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

import httpx
from lxml import etree

from tasks.core.upstream import http
from tasks.core.upstream.listings import listed
from tasks.core.upstream.listings.documents import Document, Inquiry, require_no_page, tree
from tasks.core.upstream.listings.listed import Listed, Unusable

ATOM = "{http://www.w3.org/2005/Atom}"
IGN = "{https://data.geopf.fr/annexes/ressources/xsd/gpf_dl.xsd}"
MOST_PAGES = 50
FILES = (None, "alternate", "enclosure")  # what a link to a file may be to its entry
PRODUCT = re.compile(r"(https?://[^/]+/telechargement)/resource/([^/?]+)/([^/?]+)")


def files(inquiry: Inquiry) -> Iterator[Listed]:
    """Give what the entries of all pages link to."""
    page, seen = inquiry.document(inquiry.url), set[str]()
    for number in range(1, MOST_PAGES + 1):
        require_no_page(page.content)
        digest = hashlib.sha256(page.content).hexdigest()
        feed = _feed(page)
        entries = feed.findall(f"{ATOM}entry")
        if digest in seen or not entries:
            break
        seen.add(digest)
        yield from (found for entry in entries for found in _files(entry, feed, page.base))
        following = _following(feed, page, inquiry, number)
        if following is None:
            break
        page = following
    else:
        raise Unusable(f"it has more than {MOST_PAGES} pages")
    if not seen:
        raise Unusable("it has no entry")


def _feed(page: Document) -> etree._Element:
    feed = tree(page.content)
    if feed.tag != f"{ATOM}feed":
        raise Unusable(f"its first element is {listed.words(str(feed.tag))[:80]}, not an Atom feed")
    return feed


def _files(entry: etree._Element, feed: etree._Element, base: str) -> Iterator[Listed]:
    for link in entry.findall(f"{ATOM}link"):
        if link.get("rel") not in FILES or not (url := listed.address(link.get("href"), base)):
            continue
        yield Listed(
            url=_archive(url),
            title=_text(entry, "title"),
            issued=listed.moment(_text(entry, "published")),
            modified=listed.moment(_text(entry, "updated")),
            licence=_text(entry, "rights") or _text(feed, "rights"),
            size=listed.size(link.get("length") or link.get(f"{IGN}length")),
        )


def _archive(url: str) -> str:
    """Give the archive of one of IGN's products, any other address as it is."""
    if not (found := PRODUCT.fullmatch(url)):
        return url
    service, resource, name = found.groups()
    return f"{service}/download/{resource}/{name}/{name}.7z"


def _text(element: etree._Element, name: str) -> str:
    return listed.words(element.findtext(f"{ATOM}{name}"))


def _following(
    feed: etree._Element, page: Document, inquiry: Inquiry, number: int
) -> Document | None:
    """Ask for the page after this one: named by it, counted, or tried until there is none."""
    names = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    if names.get("next"):
        return inquiry.document(inquiry.beside(names["next"], page))
    if names.keys() & {"previous", "prev"}:  # the last of pages that name one another
        return None
    url, _, question = inquiry.url.partition("?")
    asked = dict(parse_qsl(question))
    url = f"{url}?{urlencode({**asked, 'page': str(number + 1)})}"
    if pages := listed.size(feed.get(f"{IGN}pagecount")):
        return inquiry.document(url) if number < pages else None
    if "page" not in asked:
        return None
    try:
        return inquiry.document(url)
    except FileNotFoundError:
        return None
    except httpx.HTTPStatusError as error:
        if error.response.status_code in http.GONE_STATUSES:
            return None
        raise
