"""The parameters that flows share, with the words shown in the Prefect UI's form and by --help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from tasks.core.model.addresses import PRIVATE


def described(words: str, **form: str) -> Any:
    """Return a parameter's description as Prefect shows it; Field(description=…) would be lost.

    form: what else Prefect's server holds a value to, before it keeps it.
    """
    return Field(json_schema_extra={"description": words, **form})


NEWEST: Any = "newest"  # in place of a year
HOW_NEWEST = (
    "newest is the last one that the publisher has whole; a year that nobody has declared is judged"
    " by the edition before it."
)


@dataclass(frozen=True)
class _Since:
    """A year from the first one declared on, or the newest; tells pydantic and the form."""

    first: int
    words: str

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._held)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        newest = {"title": NEWEST, "enum": [NEWEST], "type": "string"}
        years = {"title": "a year", "minimum": self.first, "type": "integer"}
        return {
            "anyOf": [newest, years],
            "description": f"{self.words} {HOW_NEWEST}",
        }

    def _held(self, given: Any) -> Any:
        year = int(given) if isinstance(given, str) and given.isdecimal() else given
        if given == NEWEST or (isinstance(year, int) and year >= self.first):
            return year
        raise ValueError(f"{NEWEST} or a year since {self.first} was expected, found {given!r}")


def since(years: Iterable[int], words: str) -> Any:
    """Return the description of a parameter that is a year since the first of those declared.

    Without an upper end: what an office publishes next year is a question to it.
    """
    return _Since(min(years), words)


Mirror = Annotated[
    str | None,
    described(
        "Folder or base URL with a mirror.json that stands in for the publishers; editions made"
        " from it say so. Credentials are in GEODATA_CREDENTIALS.",
        pattern=f"^(?!{PRIVATE.removeprefix('^')})",
    ),
]
Rebuild = Annotated[
    bool, described("Build a new edition even when neither the files nor the code have changed.")
]
Scope = Annotated[
    Literal["current", "kept"],
    described(
        "Editions to make: current, those shown, or kept, those too that a rollback could show."
    ),
]
Datasets = Annotated[
    tuple[str, ...], described("Datasets, such as belgium; without any, all that the archive has.")
]
ExportPlace = Annotated[
    str | None,
    described(
        "Folder, file or address (s3://bucket/folder) to export to; without it, the folder exports"
        " of this machine's data. Credentials are in the environment.",
        pattern=f"^(?!{PRIVATE.removeprefix('^')})",
    ),
]
