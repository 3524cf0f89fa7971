"""What the pages say, for machines: DCAT-AP, Frictionless data packages and PROV, as bytes.

Each is a function of the catalog's rows: equal rows make equal bytes. `base` is the address of the
site; where it is "", addresses are relative to where a document stands:
<dataset>/<vintage>/dcat.jsonld, and catalog.jsonld at the top.

Items of STAC are not made: they describe scenes by place and moment, and a layer of areas of one
year in a dataset of a whole country has neither that DCAT does not say here.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.pages.twins import datasets, facts, files, packages, provenance
from tasks.core.pages.twins.addresses import Addresses
from tasks.core.pages.twins.files import SiteFile
from tasks.core.postgres.database import Database

WAY_UP = "../../"  # from <dataset>/<vintage>/ to the top of the site


def of_edition(
    database: Database, dataset: str, number: int, base: str, tiles: Sequence[SiteFile] = ()
) -> dict[str, bytes]:
    """Return the documents of a published edition by the names of their files.

    tiles: those that the site has of its layers (files.tiles). Raises ConfigurationError where the
    catalog has no such edition.
    """
    found = facts.read(database, dataset, number)
    iri = Addresses.below(base, WAY_UP)
    package = files.document(packages.package(found, iri))
    folder = f"{found.edition.dataset}/{found.edition.vintage}"
    described = files.of_bytes(
        package,
        f"{folder}/datapackage.json",
        "Frictionless data package of the layers as CSV",
        "application/json",
    )
    return {
        "dcat.jsonld": files.graph(datasets.nodes_of_edition(found, iri, [described, *tiles])),
        "datapackage.json": package,
        "prov.jsonld": files.graph(provenance.nodes(found, iri)),
    }


def of_catalog(database: Database, base: str) -> dict[str, bytes]:
    """Return the catalogue of all that is shown now: its datasets, vintages and layers."""
    iri = Addresses.below(base, "./")
    return {"catalog.jsonld": files.graph(datasets.nodes_of_catalog(facts.shown(database), iri))}
