"""The parameters that flows share, with the words shown in the Prefect UI's form and by --help."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field


def described(words: str) -> Any:
    """The description of a parameter, in the form that Prefect passes on to its UI (it loses
    Field(description=…)).
    """
    return Field(json_schema_extra={"description": words})


Mirror = Annotated[
    str | None,
    described(
        "Folder or base URL with a mirror.json that stands in for the publishers; editions made"
        " from it say so."
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
