"""INSEE: the pages that link to its files."""

from tasks.nouns import Listing

SITE = "https://www.insee.fr/fr"
MEMBERSHIPS = Listing(
    slug="insee-memberships",
    title="Insee's page of the tables of communes",
    url=f"{SITE}/information/7671844",
    standard="links",
    confidence="high",
)


def figures_of(page: int) -> Listing:
    """Give the page of one release of figures; the next release has a page of its own."""
    return Listing(
        slug=f"insee-{page}",
        title=f"Insee's page {page}",
        url=f"{SITE}/statistiques/{page}",
        standard="links",
        confidence="medium",
    )


def newest_figures(counted: int) -> Listing:
    """Give the page of infra-communal figures, which leads to those of each year.

    It is where a release is looked for whose own page nobody has declared.
    """
    title = "Insee's page of figures below the communes"
    return _leading(f"insee-figures-{counted}", title, "statistiques/2383389", counted)


def movements_of(year: int) -> Listing:
    """Give the page of the code of areas (COG), which leads to a page for each year."""
    title = "Insee's page of the Code officiel géographique"
    return _leading(f"insee-cog-{year}", title, "information/2560452", year)


def _leading(slug: str, title: str, page: str, year: int) -> Listing:
    """Give a page that leads to one for each year.

    No program was seen that reads it: how its links are worded is a guess, but for the year.
    """
    return Listing(
        slug=slug,
        title=title,
        url=f"{SITE}/{page}",
        standard="links",
        by_way_of=rf".*\b{year}\b.*",
        confidence="low",
    )
