"""Metadata of a layer as QGIS shows them: title, abstract, rights, licence and links."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from tasks.core.exporting.inscriptions import Inscription

QGIS = "3.22"
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def layer_metadata(told: Inscription) -> str:
    """Return the document that QGIS keeps beside a layer, as XML."""
    root = Xml.Element("qgis", version=QGIS)
    root.extend(resource_metadata(told))
    return DOCTYPE + Xml.tostring(root, encoding="unicode")


def resource_metadata(told: Inscription) -> list[Xml.Element]:
    """Return the elements that QGIS reads, in its order."""
    layer = told.layer
    said = {
        "identifier": f"{layer.name} {layer.vintage} edition {layer.edition}",
        "parentidentifier": layer.dataset,
        "language": "ENG",
        "type": "dataset",
        "title": told.title,
        "abstract": f"{layer.description}\n\nOfficial: {told.official}",
    }
    elements = [_element(name, text) for name, text in said.items()]
    elements += [_links(told), _element("fees", "")]
    elements += [_element("rights", each) for each in told.attributions]
    titles = dict.fromkeys(f"{each.title} ({each.url})" for each in layer.licences)
    elements += [_element("license", each) for each in titles]
    return elements + [_element("history", each) for each in _history(told)]


def _history(told: Inscription) -> list[str]:
    layer = told.layer
    made = f"Edition {layer.edition}, published {layer.published_at:%Y-%m-%d}, content hash"
    said = [f"{made} {layer.content_hash}"]
    said += [
        f"From {each['title']} ({each['publisher']}), {each['url']}, retrieved"
        f" {each['retrieved_at']}, SHA-256 {each['sha256']}"
        for each in told.sources
    ]
    return said + ([f"CRS changed: {told.crs_change}"] if told.crs_change else [])


def _links(told: Inscription) -> Xml.Element:
    links = Xml.Element("links")
    pages = {each.landing_page: each.title for each in told.layer.sources if each.landing_page}
    for page, title in pages.items():
        facts = {"name": title, "type": "WWW:LINK", "url": page, "description": title}
        Xml.SubElement(links, "link", facts | {"format": "", "mimeType": "", "size": ""})
    return links


def _element(name: str, text: str) -> Xml.Element:
    element = Xml.Element(name)
    element.text = text
    return element
