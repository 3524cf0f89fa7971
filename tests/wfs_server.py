"""A small real web feature service: the features of GeoJSON files page by page, answered as
GeoServer's WFS 2.0 does, faults on demand.

    with serve_wfs({"GEODATA:AREAS_20250101": path}, busy_page=2) as base_url: ...
    f"{base_url}gs-open/GEODATA/ows?service=WFS&version=2.0.0&request=GetFeature&typeNames=GEODATA:AREAS_20250101&..."

The form of the answers is that of www.statistik.at/gs-open/GEODATA/ows in 2026.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

MAINTENANCE = (
    b"<!DOCTYPE html>\n<html><head><title>Wartungsarbeiten</title></head><body></body></html>"
)
KEYLESS = "Cannot do natural order without a primary key, please add it or specify a manual sort"
EXCEPTION = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ServiceExceptionReport version="1.2.0"'
    ' xmlns="http://www.opengis.net/ogc">\n<ServiceException'
    ' code="InvalidParameterValue">\n{}\n</ServiceException></ServiceExceptionReport>'
)


@dataclass(kw_only=True)
class Faults:
    """What goes wrong; pages are counted from 1, and a page that is busy (503) or cut is so `times`
    times.

    html_page: a web page with status 200 in its place. status_page: page and status, for good.
    answers: pages and the bodies in their place, with status 200. changed_page: from it on, the
    data has one feature more. counts: whether the service says how many match. most: features a
    page at most, whatever is asked for. moved: 301 to another address. dropped_members: what no
    answer has. keyless: 400 to startIndex without sortBy, as GeoServer answers for a store without
    a primary key.
    """

    busy_page: int | None = None
    cut_page: int | None = None
    times: int = 1
    html_page: int | None = None
    status_page: tuple[int, int] | None = None
    changed_page: int | None = None
    other_crs_page: int | None = None
    ignores_start_index: bool = False
    keyless: bool = False
    counts: bool = True
    most: int | None = None
    moved: bool = False
    dropped_members: tuple[str, ...] = ()
    answers: Mapping[int, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve_wfs(layers: Mapping[str, Path], **faults: Any) -> Iterator[str]:
    """Serve GeoJSON files, read anew at each question, by their type names; gives the base URL with
    its final slash.

    Nothing is projected: a file without a crs member is taken to be in the srsName asked for.
    faults: see Faults; `asked` may be a list that every question's address is put in.
    """
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(FeatureHandler, layers=layers, faults=Faults(**faults))
    )
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class FeatureHandler(BaseHTTPRequestHandler):
    """Answers GetFeature at any address that ends in /ows or /wfs."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: object, layers: Mapping[str, Path], faults: Faults) -> None:
        self.layers, self.faults = layers, faults
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """One page of features, or what goes wrong with it."""
        self.faults.asked.append(self.path)
        address = urlsplit(self.path)
        if not address.path.endswith(("/ows", "/wfs")):
            return self._send(404, "text/html", b"")
        if self.faults.moved and not address.path.startswith("/moved"):
            return self._send(301, "text/html", b"", Location=f"/moved{self.path}")
        asked = {name.lower(): value for name, value in parse_qsl(address.query)}
        if complaint := self._complaint(asked):
            return self._send(200, "application/xml", EXCEPTION.format(escape(complaint)).encode())
        if self.faults.keyless and "startindex" in asked and "sortby" not in asked:
            return self._send(400, "application/xml", EXCEPTION.format(KEYLESS).encode())
        count = int(asked.get("count", 1_000_000))
        start = 0 if self.faults.ignores_start_index else int(asked.get("startindex", 0))
        return self._page(
            asked,
            int(asked.get("startindex", 0)) // count + 1,
            start,
            min(count, self.faults.most or count),
        )

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output quiet."""

    def _complaint(self, asked: Mapping[str, str]) -> str | None:
        wanted = {
            "service": "wfs",
            "version": "2.0.0",
            "request": "getfeature",
            "outputformat": "application/json",
        }
        for name, value in wanted.items():
            if asked.get(name, "").lower() != value:
                return f"Only {name}={value} is served here, not {asked.get(name)!r}"
        if asked.get("typenames") not in self.layers:
            return f"Feature type {asked.get('typenames')} unknown"
        features = json.loads(self.layers[asked["typenames"]].read_bytes())["features"]
        key = _sort_key(asked)
        return (
            f"Illegal property name: {key}"
            if key and any(key not in feature["properties"] for feature in features)
            else None
        )

    def _page(self, asked: Mapping[str, str], number: int, start: int, count: int) -> None:
        faults = self.faults
        if number == faults.busy_page and self._once_more():
            return self._send(503, "text/html", b"")
        if faults.status_page and number == faults.status_page[0]:
            return self._send(faults.status_page[1], "text/html", b"")
        if number == faults.html_page:
            return self._send(200, "text/html", MAINTENANCE)
        if number in faults.answers:
            return self._send(200, "application/json;charset=UTF-8", faults.answers[number])
        body = json.dumps(
            self._collection(asked, number, start, count), ensure_ascii=False, separators=(",", ":")
        ).encode()
        cut = number == faults.cut_page and self._once_more()
        return self._send(
            200, "application/json;charset=UTF-8", body, sent=len(body) // 2 if cut else len(body)
        )

    def _once_more(self) -> bool:
        self.faults.times -= 1
        return self.faults.times >= 0

    def _collection(
        self, asked: Mapping[str, str], number: int, start: int, count: int
    ) -> dict[str, Any]:
        """The members in GeoServer's order: the features before what is said of them."""
        content = json.loads(self.layers[asked["typenames"]].read_bytes())
        features = self._sorted(content["features"], asked)
        if self.faults.changed_page and number >= self.faults.changed_page:
            features = [*features, {**features[-1], "id": "new"}]
        page = features[start : start + count]
        crs = content.get("crs") or _crs(asked.get("srsname", "EPSG:4326"))
        if number == self.faults.other_crs_page:
            crs = _crs("EPSG:3857")
        told = (
            {"totalFeatures": len(features), "numberMatched": len(features)}
            if self.faults.counts
            else {"totalFeatures": "unknown"}
        )
        whole = {
            "type": "FeatureCollection",
            "features": page,
            **told,
            "numberReturned": len(page),
            "timeStamp": datetime.now(UTC).isoformat(timespec="microseconds"),
            "crs": crs,
        }
        return {
            name: value for name, value in whole.items() if name not in self.faults.dropped_members
        }

    def _sorted(
        self, features: list[dict[str, Any]], asked: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        name = asked["typenames"].rpartition(":")[2]
        made = [
            {
                "type": "Feature",
                "id": feature.get("id", f"{name}.{number}"),
                "geometry": feature["geometry"],
                "geometry_name": "geom",
                "properties": feature["properties"],
            }
            for number, feature in enumerate(features, 1)
        ]
        key = _sort_key(asked)
        return sorted(made, key=lambda feature: str(feature["properties"][key])) if key else made

    def _send(
        self, status: int, kind: str, body: bytes, *, sent: int | None = None, **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:sent])
        self.close_connection = sent is not None and sent < len(body)


def _crs(name: str) -> dict[str, Any]:
    return {"type": "name", "properties": {"name": name.replace("EPSG:", "urn:ogc:def:crs:EPSG::")}}


def _sort_key(asked: Mapping[str, str]) -> str:
    return asked.get("sortby", "").removesuffix(" A")
