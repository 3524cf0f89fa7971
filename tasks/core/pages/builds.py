"""A site under way: its files in a folder, and what is used again of the site before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.core.pages import storing
from tasks.core.pages.rendering import LANGUAGES, render
from tasks.core.postgres.database import Database

OTHER = {"en": "fr", "fr": "en"}


@dataclass
class Build:
    """A site under way. known: what was made for the site before, by what it was made from."""

    database: Database
    folder: Path
    scratch: Path
    known: dict[str, Any]
    held: dict[str, str]
    made: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    drawn: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)

    def once(self, key: str, folder: str, make: Callable[[Path], Any], beside: str = "") -> Any:
        """Return what is made from a key, with its files; made anew only where it is not there.

        folder: of these files, at the site. beside: one that make() may add elsewhere.
        """
        found = self.known.get(key)
        if found and all(name in self.held for name in found["files"]):
            self.reused.append(folder)
        else:
            path = self.folder / folder
            path.mkdir(parents=True, exist_ok=True)
            value = make(path)
            files = {f"{folder}/{name}": sha256 for name, sha256 in storing.digests(path).items()}
            if beside and (self.folder / beside).exists():
                files[beside] = storing.digest(self.folder / beside)
            self.drawn.append(folder)
            found = {"value": value, "files": [*files]}
            self.files |= files
        self.files |= {name: self.held[name] for name in found["files"] if name in self.held}
        self.made[key] = found
        return found["value"]

    def add(self, name: str, content: bytes) -> None:
        """Add a file under its own name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files[name] = hashlib.sha256(content).hexdigest()

    def write(self, template: str, place: str, values: Mapping[str, Any]) -> int:
        """Write a page in each language; return how many these are."""
        depth = place.count("/")
        for language in LANGUAGES:
            inside = "" if language == "en" else f"{language}/"
            root = "../" * (depth + inside.count("/"))
            other = root + ("" if OTHER[language] == "en" else f"{OTHER[language]}/") + place
            around = {"root": root, "home": root + inside or "./", "other": other or "./"}
            self.add(f"{inside}{place}index.html", render(template, language, {**values, **around}))
        return len(LANGUAGES)
