"""U.S. Census Bureau: the folders of its server, whose indexes list its files."""

import re
from typing import Any

from tasks.nouns import Listing

FILES = "https://www2.census.gov"
BOUNDARIES = "/geo/tiger/"


def listed(path: str) -> dict[str, Any]:
    """Give the folder that lists a file, and the file's name in it; nothing without a path.

    The indexes of boundaries were seen in public programs, those of figures are as they should be.
    """
    folder, _, name = path.rpartition("/")
    if not name:
        return {}
    listing = Listing(
        slug=f"us{folder.replace('/', '-').lower()}",
        title=f"Folder {folder} of the Census Bureau",
        url=f"{FILES}{folder}/",
        standard="links",
        confidence="high" if path.startswith(BOUNDARIES) else "medium",
    )
    return {"listing": listing, "listed": re.escape(name)}
