"""Files of the site that the documents for machines name, and their own bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tasks.core.pages.twins.vocabularies import PREFIXES


@dataclass(frozen=True, kw_only=True)
class SiteFile:
    """A file that a reader of the site can fetch.

    path: from the top of the site. layer: whose rows it holds; "" where it is of all. sha256: of
    its bytes.
    """

    path: str
    layer: str
    title: str
    media_type: str
    size_bytes: int
    sha256: str


def of_bytes(content: bytes, path: str, title: str, media_type: str) -> SiteFile:
    """Return a file about all layers by its content."""
    return SiteFile(
        path=path,
        layer="",
        title=title,
        media_type=media_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def tiles(layer: str, path: str, size_bytes: int, sha256: str) -> SiteFile:
    """Return the vector tiles of a layer, as the map of the site reads them."""
    return SiteFile(
        path=path,
        layer=layer,
        title=f"Vector tiles of {layer} (PMTiles)",
        media_type="application/vnd.pmtiles",
        size_bytes=size_bytes,
        sha256=sha256,
    )


def graph(nodes: list[dict[str, Any]]) -> bytes:
    """Write things and what is said of them as JSON-LD; the order of its bytes is settled."""
    return document({"@context": PREFIXES, "@graph": nodes})


def document(content: dict[str, Any]) -> bytes:
    """Write a document as JSON: equal content makes equal bytes."""
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n".encode()
