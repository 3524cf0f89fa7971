"""The system's Chromium, with pages of this machine in it; skipped where there is none."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from tasks.core.pages.serving import application

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# WebGL by the processor, where a machine has no graphics card
DRAWING = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
PATIENCE = 60_000  # milliseconds, on a busy machine


@dataclass
class Said:
    """What a page complained of, and what it asked for."""

    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def elsewhere(self, address: str) -> list[str]:
        """Give the requests that left the site."""
        return [each for each in self.asked if not each.startswith((address, "data:", "blob:"))]


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder as `make site` does; gives its address."""
    server = uvicorn.Server(
        uvicorn.Config(application(folder), host="127.0.0.1", port=0, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@contextmanager
def browser(*flags: str) -> Iterator[Browser]:
    """Start the browser, with further flags."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium is on this machine: pages were not looked at")
    arguments = ["--no-sandbox", *(flags or DRAWING)]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


def opened(chromium: Browser, address: str, **context: Any) -> tuple[Page, Said]:
    """Open a page, and hear what it says. context: of Playwright's, such as color_scheme."""
    page, said = chromium.new_page(**context), Said()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: said.errors.append(str(error)))
    page.on("console", lambda line: said.errors.append(line.text) if line.type == "error" else None)
    page.on("requestfailed", lambda request: said.errors.append(f"{request.url} failed"))
    page.on("request", lambda request: said.asked.append(request.url))
    page.goto(address)
    return page, said
