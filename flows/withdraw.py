"""Withdraw: a vintage shown no longer, because it is wrong or its terms forbid it.

Its tables stay. It stays withdrawn until its files or our code change, or rollback shows one of its
editions again.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import run
from tasks.vocabulary import withdraw as show_no_longer


@flow(name="withdraw", description=__doc__, flow_run_name="withdraw {dataset} {vintage}")
def withdraw(
    dataset: Annotated[str, described("Dataset, such as belgium.")],
    vintage: Annotated[int, described("Vintage to show no longer, such as 2022.")],
) -> None:
    """Show a vintage of a dataset no longer."""
    show_no_longer(dataset, vintage)


if __name__ == "__main__":
    run(withdraw)
