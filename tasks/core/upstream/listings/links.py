"""Links: what a web page, or the index that a web server makes of a folder, leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urljoin, urlsplit

from lxml import etree

from tasks.core.upstream.listings import listed
from tasks.core.upstream.listings.documents import Document, Inquiry
from tasks.core.upstream.listings.listed import MOST_FILES, Listed, Unusable

# Of an index: "2025-12-04 10:00  1.2G" (Apache), "04-Dec-2025 10:00  1288490188" (nginx).
ROW = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d|\d\d-[A-Z][a-z]{2}-\d{4}) (?P<time>\d\d:\d\d)(?::\d\d)?"
    r"(?: (?P<size>\d{1,15}(?:\.\d{1,3})?)(?P<unit>[KMGT]?)(?= |$))?"
)
DAYS = ("%Y-%m-%d %H:%M", "%d-%b-%Y %H:%M")
UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
PAGES = ("html", "htm", "php", "asp", "aspx", "jsp")  # endings that no file of data has
MOST_STEPS = 10  # pages that are asked for on the way to the files
MOST_PIECES = 40  # of the text of a link or row


def files(inquiry: Inquiry) -> Iterator[Listed]:
    """Give what the page links to at its own host, and the pages on the way to the files.

    Sizes of an index are rounded. Pages that lead to no file are refused: walls against robots send
    such ones.
    """
    first = inquiry.document(inquiry.url)
    found = _linked(first)
    for url in _steps(found, inquiry.listing.by_way_of):
        found += _linked(inquiry.document(inquiry.beside(url, first)))
    if not any(_is_data(file.url, first.base) for file in found):
        raise Unusable(
            "no link there leads to a file: it may ask whether a person is there, or name its files"
            " on pages that `by_way_of` does not say"
        )
    yield from found


def _linked(document: Document) -> list[Listed]:
    page = etree.fromstring(document.content, _parser(document.content))
    if page is None:
        raise Unusable("it is no web page")
    links = list(islice(page.iter("a"), MOST_FILES + 1))
    if len(links) > MOST_FILES:
        raise Unusable(f"it has more than {MOST_FILES:,} links")
    named = next((each.get("href") for each in page.iter("base") if each.get("href")), None)
    base = urljoin(document.base, named or "")
    found = [_file(link, base) for link in links if link.get("href")]
    return [file for file in found if file and _is_of_site(file.url, document.base)]


def _parser(content: bytes) -> etree.HTMLParser:
    try:
        content.decode()
    except UnicodeDecodeError:
        return etree.HTMLParser(no_network=True, huge_tree=False)
    return etree.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")


def _steps(found: list[Listed], words: str) -> list[str]:
    """Give the addresses of pages whose links have the words, without those of files."""
    meant = [file.url for file in found if words and re.fullmatch(words, file.title)]
    return [*dict.fromkeys(url for url in meant if not _is_file(url))][:MOST_STEPS]


def _file(link: etree._Element, base: str) -> Listed | None:
    if not (url := listed.address(link.get("href"), base)):
        return None
    modified, size = _row(link)
    title = listed.words(" ".join(islice(link.itertext(), MOST_PIECES)))
    return Listed(url=url, title=title, modified=modified, size=size)


def _row(link: etree._Element) -> tuple[datetime | None, int | None]:
    """Give day and size of a row of an index, by the server's clock, which is taken as UTC."""
    row = next(link.iterancestors("tr"), None)
    pieces = [link.tail or ""] if row is None else islice(row.itertext(), MOST_PIECES)
    text = " ".join(pieces)[:2000]
    line = text.partition("\n")[0] if row is None else text
    if not (found := ROW.search(" ".join(line.split()))):
        return None, None
    size = int(float(found["size"]) * 2 ** UNITS[found["unit"]]) if found["size"] else None
    return _moment(f"{found['day']} {found['time']}"), size


def _moment(text: str) -> datetime | None:
    for form in DAYS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _is_of_site(url: str, base: str) -> bool:
    """Tell whether an address is of the page's host, and not of the page itself."""
    parts, own = urlsplit(url), urlsplit(base)
    return parts.hostname == own.hostname and (parts.path or "/") != (own.path or "/")


def _is_data(url: str, base: str) -> bool:
    """Tell whether an address is of a file, or of a folder below the page."""
    path, own = urlsplit(url).path, urlsplit(base).path
    return _is_file(url) or (own.endswith("/") and path.startswith(own))


def _is_file(url: str) -> bool:
    _, dot, ending = urlsplit(url).path.rpartition("/")[2].rpartition(".")
    return bool(dot) and ending.lower() not in PAGES
