"""Site: the catalog as pages that people look at, with a map of every layer shown.

How each dataset stands, from which files and by which steps each edition was made, how it was
checked, what changed, what to print beside it. All is read from the catalog, built whole, and only
then shown; maps of what has not changed are used again. Static files: also there while the
database is down.
"""

from typing import Annotated

from prefect import flow

from tasks.nouns import described
from tasks.vocabulary import publish_site, run


@flow(name="site", description=__doc__, flow_run_name="site")
def site(
    to: Annotated[
        str, described("Folder, or s3://bucket/folder; without it that of GEODATA_SITE.")
    ] = "",
) -> None:
    """Build the pages of the catalog, and show them."""
    publish_site(to)


if __name__ == "__main__":
    run(site)
