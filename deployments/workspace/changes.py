"""What setting up did: nothing, when the server already has what is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["created", "updated", "removed", "unchanged"]


@dataclass(frozen=True)
class Change:
    """One object of the server and what happened to it."""

    kind: str
    name: str
    action: Action

    def __str__(self) -> str:
        return f"{self.action:9}  {self.kind} {self.name}"
