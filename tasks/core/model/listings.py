"""Where publishers list what they have: read before addresses are guessed by pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standard = Literal["DCAT", "data.gouv.fr", "OGD Austria", "Atom", "links"]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A document of a publisher that names its files.

    standard: DCAT (RDF in Turtle or XML), data.gouv.fr (a dataset of its API), OGD Austria (a
    dataset of its portal), Atom (a feed, also in pages), links (the addresses that a web page or a
    folder's index leads to). by_way_of: of links, a regular expression for the words of those that
    lead to pages where the files are linked, if not on the page itself. confidence: how well its
    address and form are known.
    """

    slug: str
    title: str
    url: str
    standard: Standard
    confidence: Literal["high", "medium", "low"]
    by_way_of: str = ""
