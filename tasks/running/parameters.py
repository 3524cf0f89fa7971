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


@dataclass(frozen=True)
class _OneOf:
    """A Literal whose values are facts of an office, and its words; tells pydantic and the form."""

    values: tuple[int, ...]
    words: str

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.values))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, form: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return form(schema) | {"description": self.words}


def one_of(years: Iterable[int], words: str) -> Any:
    """Return the description of a parameter that is one of the years of a table of releases."""
    return _OneOf(tuple(years), words)


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
