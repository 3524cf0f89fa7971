"""Accept: an edition that was kept for review is shown, because a person has looked at it.

An edition of a vintage that nobody had declared is judged by the edition before it. What differs by
more than follows from that one is made, kept and not shown; catalog.change says what, a sentence a
row. Who accepts it is kept in the catalog and in the edition's manifest.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import accept_edition, run


@flow(name="accept", description=__doc__, flow_run_name="accept {dataset} {edition}")
def accept(
    dataset: Annotated[str, described("Dataset, such as belgium.")],
    edition: Annotated[int, described("Edition that was kept for review.")],
    person: Annotated[str, described("Who has looked at it.")],
    reason: Annotated[str, described("Why it is right, for those who come after.")] = "",
) -> None:
    """Show an edition that was kept for review."""
    accept_edition(dataset, edition, person, reason)


if __name__ == "__main__":
    run(accept)
