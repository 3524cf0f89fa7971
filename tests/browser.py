"""A real browser, the system's Chromium without a window, for the tests of pages."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from tasks.core.pages import serving

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 120.0  # seconds, on a busy machine
PACE = 0.1
WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # drawn by the processor
NO_WEBGL = ("--disable-gpu", "--disable-3d-apis")
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 360, "height": 740}


@contextmanager
def chromium(*others: Sequence[str]) -> Iterator[list[Browser]]:
    """Start the system's Chromium with WebGL, and one more for each list of other arguments.

    The test is skipped where there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"this machine has no Chromium ({', '.join(NAMES)}): install one")
    # a container's root has no sandbox, and often little shared memory
    always = ("--no-sandbox", "--disable-dev-shm-usage")
    with sync_playwright() as playwright:
        launch = playwright.chromium.launch
        started = [
            launch(executable_path=found, args=[*given, *always]) for given in (WEBGL, *others)
        ]
        try:
            yield started
        finally:
            for each in started:
                each.close()


@dataclass
class Watched:
    """A page with what went wrong in it, and what it asked of others.

    received: bytes of each file of the site, by its path, as they came over the wire.
    """

    page: Page
    site: str
    problems: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Listen to the page."""
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._said)
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def until(self, script: str, *, wanted: Any = True) -> Any:
        """Wait until a script gives what is wanted; a page's policy forbids other ways to wait."""
        return until(lambda: self.page.evaluate(f"() => {script}"), wanted, script)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and "GPU stall" not in message.text:
            self.problems.append(message.text)

    def _asked(self, request: Any) -> None:
        if request.url.startswith("http") and not request.url.startswith(self.site):
            self.outside.append(request.url)

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.url}: {response.status}")
        if not response.url.startswith("http"):
            return  # of the page itself
        size = int(response.headers.get("content-length", 0))
        path = urlsplit(response.url).path
        self.received[path] = self.received.get(path, 0) + size


@contextmanager
def opened(browser: Browser, site: str, path: str, **context: Any) -> Iterator[Watched]:
    """Open a page of a site in a context of its own: viewport, color_scheme, has_touch …"""
    made = browser.new_context(viewport=context.pop("viewport", DESKTOP), **context)
    made.set_default_timeout(PATIENCE * 1000)
    watched = Watched(made.new_page(), site)
    watched.begin()
    try:
        watched.page.goto(site + path)
        yield watched
    finally:
        made.close()


def until(read: Callable[[], Any], wanted: Any, what: str) -> Any:
    """Read again and again until it is what is wanted."""
    end = time.monotonic() + PATIENCE
    while (found := read()) != wanted:
        assert time.monotonic() < end, f"{what} is {found!r} and not {wanted!r}"
        time.sleep(PACE)
    return found


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder of pages as `make site` does; gives the address without a final slash."""
    settings = uvicorn.Config(serving.application(folder), port=0, log_level="warning")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started, True, "the server")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
