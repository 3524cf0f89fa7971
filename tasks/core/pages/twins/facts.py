"""The facts of one edition that its documents for machines tell, read from the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tasks.core.model.errors import ConfigurationError
from tasks.core.pages.twins import statements
from tasks.core.postgres.database import Database, records

ByLayer = dict[str, list[Any]]


@dataclass(frozen=True)
class EditionFacts:
    """An edition with its layers, and what each is from; each row has its columns' names.

    inputs: the originals that it received itself. columns, originals (also by way of other
    editions) and attributions (sentences to print) are by layer. stood_on: the layers of other
    editions that it was made from.
    """

    edition: Any
    layers: list[Any]
    inputs: list[Any]
    columns: ByLayer
    originals: ByLayer
    attributions: ByLayer
    steps: list[Any]
    stood_on: list[Any]

    def distinct_originals(self) -> list[Any]:
        """Give each original once, by its source: those received, and those of other editions."""
        found = {
            (each.source, each.source_vintage, each.sha256): each
            for rows in (self.inputs, *self.originals.values())
            for each in rows
        }
        return [found[key] for key in sorted(found)]


def read(database: Database, dataset: str, number: int) -> EditionFacts:
    """Return the facts of an edition that was published, in one snapshot of the catalog.

    Raises ConfigurationError where there is none of this number.
    """
    with database.session() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

        def rows(query: str) -> list[Any]:
            return records(cursor, query, dataset=dataset, number=number)

        found = rows(statements.SELECT_EDITION)
        if not found:
            raise ConfigurationError(
                f"The catalog has no published edition {number} of {dataset!r}: list those it has"
                " in catalog.edition."
            )
        originals = _by_layer(rows(statements.SELECT_ORIGINALS))
        inputs = originals.pop("", [])
        printed = rows(statements.SELECT_ATTRIBUTIONS)
        return EditionFacts(
            edition=found[0],
            layers=rows(statements.SELECT_LAYERS),
            inputs=inputs,
            columns=_by_layer(rows(statements.SELECT_COLUMNS)),
            originals=originals,
            attributions=_attributions(found[0].published_schema, printed, originals),
            steps=rows(statements.SELECT_STEPS),
            stood_on=rows(statements.SELECT_LAYERS_STOOD_ON),
        )


def shown(database: Database) -> list[EditionFacts]:
    """Return the facts of all editions that are shown now, by dataset and vintage."""
    found = database.records(statements.SELECT_EDITIONS_SHOWN)
    return [read(database, each.dataset, each.number) for each in found]


def moment(at: datetime) -> str:
    """Return a moment as the standards write it, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _by_layer(rows: Iterable[Any]) -> ByLayer:
    found: ByLayer = defaultdict(list)
    for row in rows:
        found[row.layer].append(row)
    return dict(found)


def _attributions(schema: str, printed: list[Any], originals: ByLayer) -> ByLayer:
    """Return the sentences to print; of an edition that is not shown, those of its licences."""
    sentences: ByLayer = defaultdict(list)
    for row in printed:
        sentences[row.layer.removeprefix(f"{schema}.")].append(row.attribution)
    return {
        layer: sentences[layer] or sorted({each.attribution for each in rows})
        for layer, rows in originals.items()
    }
