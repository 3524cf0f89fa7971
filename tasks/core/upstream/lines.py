"""Lines: the connections of one question, where redirects may lead them, and how fast they are.

A redirect never leads from the internet into a network that is not public: a publisher's server, or
who took it over, could have this machine fetch what only this machine may see. What a person
declared is asked wherever it is.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any, Literal

import httpx

from tasks.core.model.addresses import redact
from tasks.core.upstream.bounds import Bounds, OutOfBounds, Pace

Kind = Literal["public", "private", "loopback", "link-local"]
PLACES: Mapping[Kind, str] = {
    "private": "into a private network",
    "loopback": "to this machine itself",
    "link-local": "to the services beside this machine, such as a cloud's for its secrets",
}
LAST_PORT = 65535
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# services of clouds for their own machines, at addresses that do not look like it
METADATA = ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")


class Line:
    """The connections of one question, by way of the redirects that are followed."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds, self._pace = bounds, Pace(bounds.until)
        self._hops: list[httpx.URL] = []
        self._kinds: list[Kind] = []
        self._host = ""

    def leads_to(self, url: httpx.URL) -> None:
        """Note the next address: the declared one, then each that a redirect names.

        Raises httpx.InvalidURL where its host or port can be none.
        """
        try:
            url.raw_host.decode("ascii").encode("idna")
        except UnicodeError:
            raise httpx.InvalidURL(f"the host of {redact(str(url))} is no name") from None
        if url.port and url.port > LAST_PORT:
            raise httpx.InvalidURL(f"the port of {redact(str(url))} is none")
        self._hops.append(url)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow the network events of httpcore; raises OutOfBounds before anything is sent."""
        if event == "connection.connect_tcp.started":
            self._pace = Pace(self._bounds.until)
            self._pace.left()
            self._host = info["host"]
            if self._kinds:
                self._require_open(_resolved(self._asked))
        elif event == "connection.connect_tcp.complete":
            stream = info["return_value"]
            self._arrived(stream)
            self._watch(stream)
        elif event.endswith(".start_tls.complete"):
            self._watch(info["return_value"])

    @property
    def _asked(self) -> str:
        return self._hops[-1].raw_host.decode("ascii")

    def _arrived(self, stream: Any) -> None:
        """Hold the address of the connection itself: a name may lead elsewhere the second time.

        Behind a proxy that is not known; there the name has to do.
        """
        if self._host == self._asked:
            found = [kind_of(stream.get_extra_info("server_addr")[0])]
        else:
            found = _resolved(self._asked)
        try:
            self._require_open(found)
        except OutOfBounds:
            stream.close()
            raise
        self._kinds.append(next((kind for kind in found if self._is_open(kind)), "public"))

    def _require_open(self, found: list[Kind]) -> None:
        """Raise OutOfBounds when no address found is one that a redirect may lead to."""
        if found and not any(map(self._is_open, found)):
            origin, target = (redact(str(url)) for url in self._hops[-2:])
            raise OutOfBounds(
                f"a redirect leads from {origin} {PLACES[found[0]]} ({target}) and is not followed:"
                " if the file is there, declare that address, or lay the file into the folder that"
                " GEODATA_INBOX names"
            )

    def _is_open(self, kind: Kind) -> bool:
        return kind == "public" or all(kind == before for before in self._kinds)

    def _watch(self, stream: Any) -> None:
        """Have a network stream read no longer than the bounds allow, headers and all."""
        read: Callable[..., bytes] = stream.read

        def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
            left = self._pace.left()
            data = read(max_bytes, left if timeout is None else min(timeout, left))
            self._pace.took(len(data))
            return data

        stream.read = read_in_time


def kind_of(address: str) -> Kind:
    """Tell from where an IP address can be reached, also one that is wrapped in another."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        within = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in NAT64 else None
        if wrapped := found.ipv4_mapped or found.sixtofour or within:
            return kind_of(str(wrapped))
    if found.is_loopback or found.is_unspecified:
        return "loopback"
    if found.is_link_local or str(found) in METADATA:
        return "link-local"
    return "public" if found.is_global and not found.is_multicast else "private"


def _resolved(host: str) -> list[Kind]:
    """Give the kinds of all addresses of a name; none where it is not known here."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [kind_of(str(address[0])) for *_, address in found]
