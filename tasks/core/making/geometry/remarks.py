"""What a person must hear of a file that was read all the same: sentences, and their figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Remarks:
    """Sentences without their full stop, for a warning, and figures for catalog.step."""

    sentences: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def say(self, sentence: str, **figures: Any) -> None:
        """Keep a sentence and its figures."""
        self.sentences.append(sentence)
        self.figures |= figures
