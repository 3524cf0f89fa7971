"""What web services say in their own answers: errors, and that there is more than they sent."""

from __future__ import annotations

import codecs
import mmap
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from tasks.core.model.declarations import Document, Source

HEAD, TAIL = 1 << 16, 1 << 12
PAGING = "declare `pages` of a web feature service, or an address that sends all"
LISTS = ("features", "results", "data", "items", "value", "records")
ROOT = re.compile(r"<(?:[\w.-]+:)?FeatureCollection\b[^>]*>", re.DOTALL)
ATTRIBUTE = r'\b{}\s*=\s*["\']\s*([^"\']*?)\s*["\']'
CUT = re.compile(r"<(?:\w+:)?(truncatedResponse|ExceptionReport|ServiceException\w*)\b")


class _Counted(Struct, gc=False):
    """A feature of which nothing is looked at."""


class _Features(Struct):
    features: list[_Counted] | None = None


class _Answer(Struct):
    """The members of a JSON answer that are looked at; Raw is a view of the bytes of the file."""

    error: Any = None
    errors: Any = None
    exception: Any = None
    exceptions: Any = None
    success: Any = None
    features: Raw = Raw(b"")
    results: Raw = Raw(b"")
    data: Raw = Raw(b"")
    items: Raw = Raw(b"")
    value: Raw = Raw(b"")
    records: Raw = Raw(b"")
    properties: Raw = Raw(b"")
    links: Any = None
    next: Any = None
    next_link: Any = field(default=None, name="@odata.nextLink")
    matched: Any = field(default=None, name="numberMatched")
    total: Any = field(default=None, name="totalFeatures")
    returned: Any = field(default=None, name="numberReturned")
    exceeded: Any = field(default=None, name="exceededTransferLimit")


def complaint(path: Path, source: Source) -> str | None:
    """Say why an answer in JSON or XML is not the whole that was asked for; None when it may be.

    An answer of any size is passed over once, without its features being kept. With `pages`, only
    errors are looked for: every page says that there are more.
    """
    if source.container == "json":
        return _of_json(path, source)
    return _of_xml(path, source) if source.container == "xml" else None


def says_more(path: Path) -> str | None:
    """Say how a page in JSON tells that another one follows; None when it does not."""
    answer = _decoded(mapped(path))
    return _more(answer) if answer else None


def mapped(path: Path) -> memoryview:
    """Give a file's bytes after its byte order mark, brought into memory as they are looked at."""
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return content[3:] if bytes(content[:3]) == codecs.BOM_UTF8 else content


def _of_json(path: Path, source: Source) -> str | None:
    content = mapped(path)
    answer = _decoded(content)
    if answer is None:
        return None
    if reason := _error(answer):
        return reason
    if source.pages or isinstance(source.reads, Document):
        return None
    return _missing(answer, content) or _more(answer)


def _decoded(content: bytes | memoryview) -> _Answer | None:
    """Give an answer that is a JSON object; of anything else its reader says what is wrong."""
    try:
        return msgspec.json.decode(content, type=_Answer)
    except (msgspec.DecodeError, RecursionError):
        return None


def _error(answer: _Answer) -> str | None:
    """Give the service's error; an empty list of errors is none."""
    said = next(
        filter(None, (answer.error, answer.errors, answer.exception, answer.exceptions)), None
    )
    if said is None and answer.success is False:
        said = '"success": false'
    if said is None:
        return None
    told = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    return f"it is an error message in JSON and not the data: {' '.join(told.split())[:160]!r}"


def _missing(answer: _Answer, content: bytes | memoryview) -> str | None:
    """Hold the number of features to what the service says of it."""
    counts = [_count(said) for said in (answer.matched, answer.total)]
    matched = next((count for count in counts if count is not None), None)
    told = _count(answer.returned)
    if not answer.features or (matched is None and told is None):
        return None
    try:
        features = msgspec.json.decode(content, type=_Features).features or ()
    except msgspec.DecodeError:
        return None
    sent = len(features)
    if matched is not None and matched > sent:
        return f"the service says that {matched:,} features match and sent {sent:,}: {PAGING}"
    if told is not None and told != sent:
        return f"the service says that it sent {told:,} features and {sent:,} are there: it was cut"
    return None


def _more(answer: _Answer) -> str | None:
    if answer.exceeded is True or _exceeded_in(answer.properties):
        return f"the service says exceededTransferLimit, that it has more than it sent: {PAGING}"
    if not any(getattr(answer, name) for name in LISTS):
        return None
    link = answer.next or answer.next_link or _next_of(answer.links)
    if not link:
        return None
    return f"the service names a next page ({str(link)[:120]}): {PAGING}"


def _exceeded_in(properties: Raw) -> bool:
    found = msgspec.json.decode(properties) if properties else None
    return isinstance(found, dict) and found.get("exceededTransferLimit") is True


def _next_of(links: Any) -> Any:
    """Give the next page in a list of links (OGC API) or in an object of them (JSON:API)."""
    if isinstance(links, dict):
        return links.get("next")
    each = links if isinstance(links, list) else ()
    found = (link for link in each if isinstance(link, dict) and link.get("rel") == "next")
    return next((link.get("href") or "without an address" for link in found), None)


def _of_xml(path: Path, source: Source) -> str | None:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8", errors="replace")
        file.seek(max(0, size - TAIL))
        tail = file.read().decode("utf-8", errors="replace")
    if cut := CUT.search(tail):
        said = " ".join(re.sub("<[^>]*>", " ", tail[cut.start() :]).split())[:160]
        return f"it ends with a {cut[1]} of the service, so that features are missing: {said!r}"
    root = ROOT.search(head)
    if root is None or source.pages:
        return None
    matched, returned = (_said(root[0], name) for name in ("numberMatched", "numberReturned"))
    if matched is not None and returned is not None and matched > returned:
        return f"the service says that {matched:,} features match and sent {returned:,}: {PAGING}"
    following = re.search(ATTRIBUTE.format("next"), root[0])
    if following and following[1]:
        return f"the service names a next page ({following[1][:120]}): {PAGING}"
    return None


def _said(root: str, name: str) -> int | None:
    found = re.search(ATTRIBUTE.format(name), root)
    return _count(found[1]) if found else None


def _count(said: Any) -> int | None:
    """Give a number of features; None where the service does not tell it ("unknown")."""
    if isinstance(said, str):
        return int(said) if said.isdecimal() else None
    if isinstance(said, float) and said.is_integer():
        return int(said)
    return said if type(said) is int else None
