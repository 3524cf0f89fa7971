"""The nouns of the flows: what sources and datasets are declared with, and shared parameters.

With the verbs of `tasks.vocabulary`, these are the only names of the product that a flow uses.
"""

from tasks.core.exporting.formats import ExportFormat
from tasks.core.making.codes.code_lists import OneOf, Unknown
from tasks.core.making.codes.ledger import CodeEvent, Ledger, WholeOrParts, ledger
from tasks.core.model.columns import Column, code, decimal, integer, number, text
from tasks.core.model.declarations import (
    Confidence,
    Container,
    Dataset,
    Document,
    Features,
    Licence,
    Publisher,
    Reading,
    Rows,
    Source,
    Table,
    Total,
)
from tasks.core.model.listings import Listing
from tasks.core.model.releases import Releases
from tasks.running.parameters import (
    NEWEST,
    Datasets,
    ExportPlace,
    Mirror,
    Rebuild,
    Scope,
    described,
    since,
)

__all__ = [
    "NEWEST",
    "CodeEvent",
    "Column",
    "Confidence",
    "Container",
    "Dataset",
    "Datasets",
    "Document",
    "ExportFormat",
    "ExportPlace",
    "Features",
    "Ledger",
    "Licence",
    "Listing",
    "Mirror",
    "OneOf",
    "Publisher",
    "Reading",
    "Rebuild",
    "Releases",
    "Rows",
    "Scope",
    "Source",
    "Table",
    "Total",
    "Unknown",
    "WholeOrParts",
    "code",
    "decimal",
    "described",
    "integer",
    "ledger",
    "number",
    "since",
    "text",
]
