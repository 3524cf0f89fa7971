"""Statbel: where it lists its files, and how they are called there."""

import re
from collections.abc import Iterable
from typing import Any

from tasks.nouns import Listing

CATALOGUE = Listing(
    slug="statbel-catalogue",
    title="DCAT catalogue of Statbel's open data",
    url="https://doc.statbel.be/publications/DCAT/DCAT_opendata_datasets.ttl",
    standard="DCAT",
    confidence="high",
)
NAMES = {  # patterns; {year} is that of the source
    "be-population": r"OPEN ?DATA_SECTOREN_{year}(_NEW)?",
    "be-income": "TF_PSNL_INC_TAX_SECTOR",
    "be-municipal-income": "TF_PSNL_INC_TAX_MUNTY",
}
LAST_ONCE = 2011  # what was released once, until then, is in no catalogue


def listed(slug: str, year: int) -> dict[str, Any]:
    """Give where a file is listed, and how; that of the sectors depends on its format."""
    if year <= LAST_ONCE:
        return {}
    name = NAMES.get(slug, "").replace("{year}", str(year))
    return {"listing": CATALOGUE, "listed": named(name) if name else ""}


def sectors_named(files: Iterable[str]) -> str:
    """Give the pattern of a file of sectors, by the names without .zip that it may have."""
    return named(f"({'|'.join(map(re.escape, files))})")


def named(name: str) -> str:
    """Give the pattern of a zip, which gets a number when it is published again."""
    return rf"{name}(_\d)?\.zip"
