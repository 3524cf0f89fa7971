"""A little server of a folder of pages, for looking at them: python -m tasks.core.pages.serving.

It answers parts of files, as maps ask for them, and lets pages ask nothing of other machines.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

POLICY = (
    "default-src 'self'; script-src 'self' blob:; worker-src blob:;"
    " style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data: blob:"
)
PORT = 8300


def application(folder: Path) -> Starlette:
    """Make the application that serves a folder."""
    served = Starlette(middleware=[Middleware(BaseHTTPMiddleware, dispatch=_with_policy)])
    served.mount("/", StaticFiles(directory=folder, html=True))
    return served


async def _with_policy(request: Request, answer: RequestResponseEndpoint) -> Response:
    response = await answer(request)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response


def serve(folder: Path, port: int = PORT) -> None:
    """Serve a folder on this machine only, until it is interrupted."""
    uvicorn.run(application(folder), host="127.0.0.1", port=port, log_level="warning")


def main() -> None:
    """Serve the folder that the command line names."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--port", type=int, default=PORT)
    options = asked.parse_args()
    print(f"http://127.0.0.1:{options.port}")
    serve(options.folder, options.port)


if __name__ == "__main__":
    main()
