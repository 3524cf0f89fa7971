"""Rollback: a dataset's stable views switched to another kept edition, older or newer."""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import rollback as switch
from tasks.vocabulary import run


@flow(name="rollback", description=__doc__, flow_run_name="rollback {dataset}")
def rollback(
    dataset: Annotated[str, described("Dataset, such as belgium.")],
    edition: Annotated[
        int | None, described("Edition to show; without it, the one before the edition shown now.")
    ] = None,
) -> None:
    """Show another kept edition of a dataset."""
    switch(dataset, edition)


if __name__ == "__main__":
    run(rollback)
