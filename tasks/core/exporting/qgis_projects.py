"""QGIS projects: the published layers of a dataset, styled, read from the database itself."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from pyproj import CRS
from sqlalchemy.engine import URL

from tasks.core.exporting.inscriptions import Inscription, inscription
from tasks.core.exporting.projections import moved_box
from tasks.core.exporting.qgis_metadata import DOCTYPE, QGIS, resource_metadata
from tasks.core.exporting.qgis_styles import renderer
from tasks.core.exporting.shown_layers import ShownLayer, layers_beside
from tasks.core.exporting.snapshots import Snapshot

GEOMETRIES = {"POINT": "Point", "LINE": "Line", "POLYGON": "Polygon"}
NONE = "No geometry"


def write(path: Path, state: Snapshot, told: Inscription, address: URL) -> None:
    """Write a project with the layers shown of a dataset and vintage; that of `told` is seen first.

    address: the database, by its service or by host and name. No password is in the project, and a
    user only where the database asks for none.
    """
    layers = [inscription(each, each.srid) for each in layers_beside(state, told.layer)]
    root = Xml.Element("qgis", projectname=told.layer.title, version=f"{QGIS}.0")
    _text(root, "title", f"{told.layer.title} {told.layer.vintage}")
    _crs(Xml.SubElement(root, "projectCrs"), told.crs)
    tree = Xml.SubElement(root, "layer-tree-group")
    found = Xml.SubElement(root, "projectlayers")
    for each in layers:
        source, is_first = _source(each.layer, address), each.layer.name == told.layer.name
        tree.append(_in_tree(each, source, is_first))
        found.append(_layer(state, each, source))
    _canvas(root, told)
    metadata = Xml.SubElement(root, "projectMetadata")
    metadata.extend(resource_metadata(told))
    Xml.indent(root, " ")
    path.write_text(DOCTYPE + Xml.tostring(root, encoding="unicode"), encoding="utf-8")


def _source(layer: ShownLayer, address: URL) -> str:
    """Return the address of a layer's view as QGIS writes it."""
    said = dict(_connection(address))
    keys = [f'"{name}"' for name in layer.key_columns]
    said["key"] = keys[0].strip('"') if len(keys) == 1 else ",".join(keys)
    said["checkPrimaryKeyUnicity"] = "0"
    parts = [f"{name}={_escaped(value)}" for name, value in said.items()]
    place = ""
    if layer.geometry:
        parts += [f"srid={layer.srid}", f"type={layer.geometry_kind}"]
        place = f" ({layer.geometry.name})"
    names = [name.replace('"', '\\"') for name in (layer.schema, f"{layer.layer}_{layer.vintage}")]
    return f'{" ".join(parts)} table="{names[0]}"."{names[1]}"{place}'


def _connection(address: URL) -> list[tuple[str, str]]:
    options = {name: str(value) for name, value in address.query.items()}
    if service := options.get("service"):
        return [("service", service)]
    said = {"dbname": address.database, "host": address.host or options.get("host")}
    said |= {"port": str(address.port or options.get("port") or "5432")}
    said |= {"sslmode": options.get("sslmode"), "user": None}
    if not address.password:
        said["user"] = address.username
    return [(name, value) for name, value in said.items() if value]


def _escaped(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _in_tree(told: Inscription, source: str, is_seen: bool) -> Xml.Element:
    seen = "Qt::Checked" if is_seen else "Qt::Unchecked"
    facts = {"id": _id(told.layer), "name": _name(told.layer), "providerKey": "postgres"}
    return Xml.Element("layer-tree-layer", facts | {"source": source, "checked": seen})


def _id(layer: ShownLayer) -> str:
    return f"{layer.schema}_{layer.layer}_{layer.vintage}"


def _name(layer: ShownLayer) -> str:
    return f"{layer.layer.replace('_', ' ').capitalize()} {layer.vintage}"


def _layer(state: Snapshot, told: Inscription, source: str) -> Xml.Element:
    """Return a layer with title, attribution, aliases of its columns, and style."""
    layer = told.layer
    kinds = (kind for name, kind in GEOMETRIES.items() if name in layer.geometry_type)
    element = Xml.Element("maplayer", type="vector", geometry=next(kinds, NONE), readOnly="1")
    said = {"id": _id(layer), "datasource": source, "layername": _name(layer)}
    said |= {"title": told.title, "abstract": layer.description}
    for name, text in said.items():
        _text(element, name, text)
    _text(element, "attribution", told.attribution)
    if layer.geometry:
        _crs(Xml.SubElement(element, "srs"), layer.srid)
    Xml.SubElement(element, "resourceMetadata").extend(resource_metadata(told))
    _text(element, "provider", "postgres").set("encoding", "UTF-8")
    aliases = Xml.SubElement(element, "aliases")
    shown = [column for column in layer.columns if not column.is_geometry]
    for place, column in enumerate(shown):
        alias = {"index": str(place), "field": column.name, "name": column.told}
        Xml.SubElement(aliases, "alias", alias)
    if layer.geometry:
        element.append(renderer(state, layer))
    return element


def _crs(parent: Xml.Element, code: int) -> None:
    """Add a CRS by its EPSG code, with its WKT for who does not know it."""
    found = CRS.from_epsg(code)
    element = Xml.SubElement(parent, "spatialrefsys")
    said = {"wkt": found.to_wkt(), "srid": str(code), "authid": f"EPSG:{code}"}
    said |= {"description": found.name, "geographicflag": str(found.is_geographic).lower()}
    for name, text in said.items():
        _text(element, name, text)


def _canvas(root: Xml.Element, told: Inscription) -> None:
    """Let the project open where its layer lies, in the CRS that was chosen."""
    canvas = Xml.SubElement(root, "mapcanvas", name="theMapCanvas")
    if box := moved_box(told.layer.extent, told.layer.srid, told.crs):
        extent = Xml.SubElement(canvas, "extent")
        for name, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            _text(extent, name, f"{value:.10g}")
    _crs(Xml.SubElement(canvas, "destinationsrs"), told.crs)


def _text(parent: Xml.Element, name: str, text: str) -> Xml.Element:
    element = Xml.SubElement(parent, name)
    element.text = text
    return element
