"""Reading: a listing is asked for, and what it names is given in one form for all standards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from xml.sax import SAXException

import httpx
from lxml import etree
from rdflib.exceptions import Error as RDFError

from tasks.core.model.addresses import redact
from tasks.core.model.listings import Listing, Standard
from tasks.core.model.secrets import hide
from tasks.core.upstream import http
from tasks.core.upstream.bounds import OutOfBounds, TooSlow
from tasks.core.upstream.listings import atom, dcat, links, portals
from tasks.core.upstream.listings.documents import Inquiry
from tasks.core.upstream.listings.listed import MOST_FILES, Listed, ListingUnread, Unusable

Reader = Callable[[Inquiry], Iterator[Listed]]
READERS: Mapping[Standard, Reader] = {
    "DCAT": dcat.files,
    "data.gouv.fr": portals.french,
    "OGD Austria": portals.austrian,
    "Atom": atom.files,
    "links": links.files,
}
FORMS: Mapping[Standard, str] = {
    "DCAT": "a DCAT catalogue in Turtle or RDF/XML",
    "data.gouv.fr": "a dataset of the API of data.gouv.fr",
    "OGD Austria": "OGD Austria metadata",
    "Atom": "an Atom feed",
    "links": "a web page or an index",
}
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, RecursionError, MemoryError),
    *(httpx.HTTPError, httpx.InvalidURL, http.Busy),
    *(etree.LxmlError, SAXException, RDFError),
)


def read(listing: Listing, url: str) -> tuple[Listed, ...]:
    """Give the files that a listing names, each address once, in the order of the listing.

    url: where it is asked, an http(s) address or a path of this machine; a mirror may stand in for
    the publisher. Addresses in it are the publisher's all the same. Raises ListingUnread when
    nothing answers there, or something else than the standard.
    """
    try:
        return _read(READERS[listing.standard](Inquiry(listing, url)))
    except UNREADABLE as error:
        raise ListingUnread(
            f"The listing {listing.title!r} was expected to be {FORMS[listing.standard]} that names"
            f" files, and at {redact(url)} it could not be read: {_reason(error)}. Look at what is"
            " sent there; if it has moved or changed, correct it where its office declares it."
            " Addresses are asked by their pattern meanwhile.",
            gone=_is_gone(error),
        ) from None


def _read(found: Iterator[Listed]) -> tuple[Listed, ...]:
    files: dict[str, Listed] = {}
    for file in islice(found, MOST_FILES + 1):
        files.setdefault(file.url, file)
    if len(files) > MOST_FILES:
        raise Unusable(f"it names more than {MOST_FILES:,} files")
    if not files:
        raise Unusable("it names no file that can be asked for")
    return tuple(files.values())


def _is_gone(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in http.GONE_STATUSES
    return isinstance(error, FileNotFoundError | NotADirectoryError)


def _reason(error: BaseException) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return http.phrase(error.response.status_code)
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, TooSlow):
        return "it did not come to its end in time"
    if isinstance(error, RecursionError | MemoryError):
        return "it is nested too deeply, or too large"
    if isinstance(error, SyntaxError):
        found = re.search(r"line (\d+) of.*?Bad syntax \((.*?)\)", str(error), re.DOTALL)
        return f"line {found[1]} is no Turtle, {found[2]}" if found else "it is no Turtle"
    first = next(iter(str(error).split("\n")), "") or type(error).__name__
    if isinstance(error, OutOfBounds):  # no setting allows a listing more
        first = first.partition(": look at what is sent")[0]
    return hide(redact(" ".join(first.split())[:200])).rstrip(".")
