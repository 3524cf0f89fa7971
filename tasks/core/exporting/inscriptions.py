"""Inscriptions: what a file says of itself, so that it is understood where no catalog is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from tasks.core.exporting.shown_layers import ShownLayer
from tasks.core.model.addresses import local_path, redact
from tasks.core.model.errors import CheckFailed

OFFICIAL = "yes: from the publishers' own files"
NOT_OFFICIAL = "no: NOT OFFICIAL DATA, from the mirror"


@dataclass(frozen=True)
class Inscription:
    """What is written into a file of a layer: its meaning, terms, and where it is from.

    crs: EPSG code of the file's geometries, 0 where it has none. crs_change: the operation by which
    they came there from the layer's own, empty where they did not. All of it follows from the
    edition, so that two exports of one say the same.
    """

    layer: ShownLayer
    crs: int
    crs_change: str = ""

    @property
    def title(self) -> str:
        """The title for people."""
        layer = self.layer
        return f"{layer.title} – {layer.layer.replace('_', ' ')} {layer.vintage}"

    @property
    def attributions(self) -> tuple[str, ...]:
        """The sentences to print beside every use of the layer."""
        return tuple(licence.attribution for licence in self.layer.licences)

    @property
    def attribution(self) -> str:
        """All sentences to print, in one text."""
        return "; ".join(self.attributions)

    @property
    def licence(self) -> str:
        """The titles of the licences with their addresses."""
        told = {each.slug: f"{each.title} ({each.url})" for each in self.layer.licences}
        return "; ".join(told.values())

    @property
    def official(self) -> str:
        """Whether it is made from the publishers' own files, in words."""
        return f"{NOT_OFFICIAL} {self.layer.mirror}" if self.layer.mirror else OFFICIAL

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The originals, with address, SHA-256 and day each, as JSON has them."""
        told = [asdict(source) for source in self.layer.sources]
        for each in told:
            each["url"] = _address(each["url"])
            each["retrieved_at"] = f"{each['retrieved_at']:%Y-%m-%dT%H:%M:%SZ}"
            each["reference_date"] = each["reference_date"].isoformat()
        return told

    @property
    def facts(self) -> dict[str, str]:
        """All of it but the columns, as short names and texts; sources are JSON."""
        layer = self.layer
        told = {
            "title": self.title,
            "description": layer.description,
            "licence": self.licence,
            "attribution": self.attribution,
            "official": self.official,
            "dataset": layer.dataset,
            "layer": layer.name,
            "vintage": str(layer.vintage),
            "edition": str(layer.edition),
            "published": f"{layer.published_at:%Y-%m-%dT%H:%M:%SZ}",
            "content_hash": layer.content_hash,
            "key": ", ".join(layer.key_columns),
            "crs": f"EPSG:{self.crs}" if self.crs else "",
            "crs_change": self.crs_change,
            "sources": json.dumps(self.sources, ensure_ascii=False),
        }
        return {name: text for name, text in told.items() if text}

    @property
    def document(self) -> dict[str, Any]:
        """All of it as one JSON document, the columns too."""
        columns = [asdict(column) for column in self.layer.columns]
        more = {"attributions": list(self.attributions), "sources": self.sources}
        return self.facts | more | {"columns": columns}


def _address(url: str) -> str:
    """Return the address of an original; of a file on this machine its name alone."""
    path = local_path(url)
    return redact(url) if path is None else path.name


def inscription(layer: ShownLayer, crs: int, crs_change: str = "") -> Inscription:
    """Return what to write into a file of a layer.

    Raises CheckFailed where the catalog knows no licence or no original of it: such a file may not
    be given away.
    """
    missing = [
        what
        for what, found in (("licence", layer.licences), ("original", layer.sources))
        if not found
    ]
    if missing:
        raise CheckFailed(
            f"The licences and originals of {layer.name} {layer.vintage} were expected in the"
            f" catalog, found no {' and no '.join(missing)}: look at catalog.lineage and"
            " catalog.licence_to_print, and run its flow with --rebuild; nothing was written."
        )
    return Inscription(layer, crs, crs_change)
