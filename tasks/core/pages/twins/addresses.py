"""Names of things in the documents for machines: addresses below that of the site."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

WEB = ("https://", "http://")


@dataclass(frozen=True)
class Addresses:
    """Where things are on a site; root is its address with a slash, or the way there."""

    root: str

    @classmethod
    def below(cls, base: str, way_up: str) -> Addresses:
        """Give those of a site by its address; where that is "", relative to a document.

        way_up: from the folder of the document to the site ("../../", "./" at its top).
        """
        return cls(f"{base.rstrip('/')}/" if base else way_up)

    def catalog(self) -> str:
        """Name the catalogue of all datasets."""
        return f"{self.root}#catalog"

    def series(self, dataset: str) -> str:
        """Name the series of a dataset's vintages."""
        return f"{self.root}{quote(dataset)}/#series"

    def page(self, edition: Any) -> str:
        """Give the address of the page of a vintage."""
        return f"{self.root}{quote(edition.dataset)}/{edition.vintage}/"

    def vintage(self, edition: Any) -> str:
        """Name a vintage of a dataset, whichever edition is shown."""
        return f"{self.page(edition)}#dataset"

    def layer(self, edition: Any, layer: str) -> str:
        """Name a layer of a vintage, whichever edition is shown."""
        return f"{self.page(edition)}#layer-{quote(layer)}"

    def content(self, edition: Any, layer: str, content_hash: str) -> str:
        """Name a layer as one edition has it, by the hash of its rows."""
        return f"{self.layer(edition, layer)}-{quote(content_hash)}"

    def part(self, edition: Any, name: str) -> str:
        """Name what belongs to one edition, such as a step."""
        return f"{self.page(edition)}#edition-{edition.number}{quote(name)}"

    def publisher(self, slug: str) -> str:
        """Name an office that publishes originals."""
        return f"{self.root}#publisher-{quote(slug)}"

    def licence(self, slug: str) -> str:
        """Name terms of reuse that have no address of their own."""
        return f"{self.root}#licence-{quote(slug)}"

    def ourselves(self) -> str:
        """Name who publishes the catalogue."""
        return f"{self.root}#geodata-flows"

    def code(self, revision: str) -> str:
        """Name our code in one revision."""
        return f"{self.root}#code-{quote(revision)}"


def named_by_hash(sha256: str) -> str:
    """Name bytes by their hash, as RFC 6920 does: ni:///sha-256;… in base64."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def on_the_web(address: str) -> str:
    """Return an address that a reader elsewhere can open, quoted, and "" for any other."""
    kept = "%/:=&?~#+!$,;'@()*[]"
    return quote(address, safe=kept) if address.startswith(WEB) else ""
