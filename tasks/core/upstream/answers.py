"""What an address answered, and whom to tell while it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Report = Callable[[int, int | None], None]  # bytes received, and bytes expected where known


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an address answered; URLs in it carry no credentials.

    received, truncated and invalid: `path` holds bytes that `sha256` and `size` describe. invalid:
    one page of several does not fit, and `detail` says why. refused is a permanent no (403, a
    redirect loop); unreachable may pass. end_is_stated: whether the server said where the body
    ends; otherwise the end of the connection did, which a broken line looks like.
    """

    kind: Literal["received", "unchanged", "gone", "refused", "truncated", "invalid", "unreachable"]
    moved_to: str = ""
    path: Path | None = None
    sha256: str | None = None
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""
    end_is_stated: bool = True
