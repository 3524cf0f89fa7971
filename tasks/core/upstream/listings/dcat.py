"""DCAT: catalogues in RDF, as Turtle or XML (https://www.w3.org/TR/vocab-dcat-3/)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from rdflib import DCAT, DCTERMS, RDF, RDFS, BNode, Graph, Literal
from rdflib.term import Node

from tasks.core.upstream.listings import listed
from tasks.core.upstream.listings.documents import Inquiry, require_no_page, tree
from tasks.core.upstream.listings.listed import Listed, Unusable

IN_XML = re.compile(rb"\s*<(?:\?xml|!|[A-Za-z][\w.-]*(?::[\w.-]+)?[\s>])")
LANGUAGES = ("en", "", "fr", "nl", "de")  # of titles, the first one that is there
STUMBLES = (LookupError, TypeError, AttributeError, AssertionError)  # of rdflib, over cut files
ROOT = f"{{{RDF}}}RDF"

# It tells of every literal that is not of its type; what is needed of them is read here.
logging.getLogger("rdflib.term").setLevel(logging.ERROR)


def files(inquiry: Inquiry) -> Iterator[Listed]:
    """Give the distributions of all datasets, by address."""
    document = inquiry.document(inquiry.url)
    require_no_page(document.content)
    graph = _graph(document.content.removeprefix(b"\xef\xbb\xbf"), document.base)
    found = {*graph.subjects(RDF.type, DCAT.Distribution), *graph.objects(None, DCAT.distribution)}
    if not found:
        raise Unusable("it has no dcat:Distribution")
    for distribution in sorted(found, key=str):
        yield from _files(graph, distribution, document.base)


def _graph(content: bytes, base: str) -> Graph:
    form = "turtle"
    if IN_XML.match(content):
        root = tree(content)
        if root.tag != ROOT:
            raise Unusable(f"its first element is {listed.words(str(root.tag))[:80]}, not rdf:RDF")
        content, form = etree.tostring(root), "xml"
    try:
        return Graph().parse(data=content, format=form, publicID=base)
    except STUMBLES as error:
        raise Unusable(f"it is cut or no RDF ({type(error).__name__})") from None


def _files(graph: Graph, distribution: Node, base: str) -> Iterator[Listed]:
    """Give a distribution by each of its addresses; what it does not say, its dataset does."""
    dataset = min(graph.subjects(DCAT.distribution, distribution), key=str, default=None)
    about = [node for node in (distribution, dataset) if node is not None]
    titles = [_title(graph, node, DCTERMS.title) for node in reversed(about)]
    addresses = [*graph.objects(distribution, DCAT.downloadURL)] or [
        *graph.objects(distribution, DCAT.accessURL)
    ]
    for found in sorted(map(str, addresses)):
        if url := listed.address(found, base):
            yield Listed(
                url=url,
                title=": ".join(dict.fromkeys(filter(None, titles))),
                issued=_day(graph, about, DCTERMS.issued),
                modified=_day(graph, about, DCTERMS.modified),
                licence=_first(_licence(graph, node) for node in about) or "",
                size=_first(map(listed.size, graph.objects(distribution, DCAT.byteSize))),
            )


def _first(values: Any) -> Any:
    return next((value for value in values if value), None)


def _day(graph: Graph, about: list[Node], name: Node) -> Any:
    days = [[listed.moment(day) for day in graph.objects(node, name)] for node in about]
    return _first(max((day for day in found if day), default=None) for found in days)


def _title(graph: Graph, node: Node, *names: Node) -> str:
    found = [text for name in names for text in graph.objects(node, name)]
    said = {
        (text.language or "").partition("-")[0]: listed.words(str(text))
        for text in sorted((text for text in found if isinstance(text, Literal)), reverse=True)
    }
    chosen = [*LANGUAGES, *sorted(said)]
    return next((said[language] for language in chosen if said.get(language)), "")


def _licence(graph: Graph, node: Node) -> str:
    """Give the terms in words where the catalogue has them, otherwise their address."""
    for terms in sorted(graph.objects(node, DCTERMS.license), key=str):
        if isinstance(terms, Literal):
            return listed.words(str(terms))
        address = "" if isinstance(terms, BNode) else listed.words(str(terms))
        if said := _title(graph, terms, DCTERMS.title, RDFS.label) or address:
            return said
    return ""
