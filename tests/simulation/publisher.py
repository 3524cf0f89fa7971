"""One server that stands in for all publishers, on the day that its clock shows."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from file_server import FolderHandler, serve_with
from simulation import listings
from simulation.documents import Listed
from simulation.releases import START, key_of
from simulation.world import World

LABEL = "simulated-publishers"
ABOUT = (
    "Synthetic data made by a program in the formats and at the addresses of the offices, on a"
    " simulated day: nothing in it is official."
)
SERVICE = "/gs-open/GEODATA/ows"
KINDS = {
    "ttl": "text/turtle; charset=utf-8",
    "xml": "application/atom+xml; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json; charset=utf-8",
}


@dataclass(frozen=True)
class Question:
    """What was asked on which simulated day, with the status of the answer."""

    day: date
    method: str
    address: str
    status: int


class Publisher:
    """A mirror at `url`, while the with statement lasts.

    today: the simulated day; any other may be set at any moment, also an earlier one. asked: every
    question so far. A path is not there (404) before its first release. unknown_layer: what the
    service of layers answers for one that is not out; GeoServer's answer is 400 with an exception.
    """

    def __init__(self, world: World, today: date = START, *, unknown_layer: int = 400) -> None:
        self.world, self.today, self.unknown_layer = world, today, unknown_layer
        self.asked: list[Question] = []
        self.url = ""
        self._served = ExitStack()

    def __enter__(self) -> Publisher:
        self.url = self._served.enter_context(serve_with(partial(Answering, publisher=self)))
        return self

    def __exit__(self, *_: object) -> None:
        self._served.close()

    @property
    def hosts(self) -> dict[str, str]:
        """The hosts that are stood in for, and the folder of each."""
        names = {release.key.partition("/")[0] for release in self.world.releases}
        names |= {urlsplit(host).netloc for host in listings.HOSTS}
        return {f"https://{name}": name for name in sorted(names)}

    def here(self, address: str) -> str:
        """Give where a real address is answered here."""
        return self.url + address.removeprefix("https://")

    def find(self, asked: str) -> Path | None:
        """Give the file that answers a path with its question, None where nothing is there yet."""
        parts = urlsplit(asked.lstrip("/"))
        if parts.path == "mirror.json":
            return self._mirror()
        host, slash, path = unquote(parts.path).partition("/")
        address = f"https://{host}/{path}?{parts.query}"
        if release := self.world.out(self.today).get(key_of(address)):
            return self.world.path(release)
        listed = listings.write(self.world, self.today, host, slash + path, parts.query)
        return self._dated(listed) if listed else None

    def _mirror(self) -> Path:
        about = {"label": LABEL, "about": ABOUT, "hosts": self.hosts}
        return self.world.works.text("mirror.json", lambda: json.dumps(about, indent=1).encode())

    def _dated(self, listed: Listed) -> Path:
        """Keep a document as a file that changed when the newest release in it came."""
        name = f"{hashlib.sha256(listed.content.encode()).hexdigest()[:20]}.{listed.ending}"
        moment = max(release.moment for release in listed.releases).timestamp()

        def write(folder: Path) -> None:
            (folder / name).write_text(listed.content, encoding="utf-8")
            os.utime(folder / name, (moment, moment))

        return self.world.works.once(f"listed-{name}", write) / name


class Answering(FolderHandler):
    """Answers with the files of the publisher's day."""

    def __init__(self, *arguments: object, publisher: Publisher) -> None:
        self.publisher = publisher
        super().__init__(*arguments, folder=publisher.world.folder)

    def find(self) -> Path | None:
        """The file at the address asked for."""
        return self.publisher.find(self.path)

    def content_type(self, path: Path) -> str:
        """What a document is; files are octets."""
        return KINDS.get(path.suffix.lstrip("."), super().content_type(path))

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Noon of the simulated day."""
        today = self.publisher.today
        return format_datetime(datetime(today.year, today.month, today.day, 12, tzinfo=UTC), True)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Keep what was asked."""
        publisher = self.publisher
        asked = Question(publisher.today, self.command, f"https:/{self.path}", int(code))
        publisher.asked.append(asked)
        super().send_response(code, message)

    def _answer(self, *, with_body: bool) -> None:
        parts = urlsplit(self.path)
        asked = {name.lower() for name, _ in parse_qsl(parts.query)}
        if parts.path.endswith(SERVICE) and "startindex" in asked and "sortby" not in asked:
            return self._complain("Cannot do natural order without a primary key")
        if parts.path.endswith(SERVICE) and self.find() is None:
            return self._complain("Feature type unknown")
        super()._answer(with_body=with_body)

    def _complain(self, sentence: str) -> None:
        """Answer as GeoServer does to a question that it cannot understand."""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ows:ExceptionReport version="2.0.0"'
            ' xmlns:ows="http://www.opengis.net/ows/1.1">\n<ows:Exception'
            f' exceptionCode="InvalidParameterValue"><ows:ExceptionText>{sentence}'
            "</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"
        ).encode()
        self.send_response(HTTPStatus(self.publisher.unknown_layer))
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
