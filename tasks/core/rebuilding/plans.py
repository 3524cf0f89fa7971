"""The plan of a rebuild: which editions are made again, from what, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tasks.core.archive import archived_editions as archived
from tasks.core.archive.archive import Archive
from tasks.core.archive.edition_records import ArchivedEdition, edition_of, publication_of
from tasks.core.catalog import removals
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.recipes import EditionKey, Recipe
from tasks.core.postgres.database import Database
from tasks.core.rebuilding.histories import History
from tasks.core.rebuilding.restoration import JsonDocument
from tasks.core.rebuilding.statements import SELECT_EDITIONS_THERE

Scope = Literal["current", "kept"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a rebuild has to do.

    unrestored: what of the history could not be put back, in sentences. wanted: editions that must
    be there in the end. recipes: how to make those that are not, and their foundations, each after
    its own; first those on the longest path, so that it never waits. throwaway: name of the
    database of a drill; empty for the real one.
    """

    rebuild: int
    unrestored: tuple[str, ...] = ()
    wanted: tuple[EditionKey, ...]
    recipes: tuple[Recipe, ...]
    throwaway: str = ""


def plan(
    database: Database,
    history: History,
    rebuild: int,
    scope: Scope,
    datasets: Sequence[str],
    *,
    throwaway: str = "",
) -> Plan:
    """Return the plan for a database in which the history was restored.

    Raises ConfigurationError when the archive has no edition, or none of a dataset that is named,
    or when none of them is shown.
    """
    everything = [edition_of(name, document) for name, document in history.editions.items()]
    chosen = _chosen(everything, history, scope, datasets)
    there = set(database.rows(SELECT_EDITIONS_THERE))
    absent = [edition for edition in chosen if _key(edition) not in there]
    needed = archived.with_dependencies(absent, everything)
    recipes = [
        _recipe(
            history.editions[edition.document],
            edition,
            rebuild,
            throwaway,
            wanted=edition in chosen,
        )
        for edition in needed
        if _key(edition) not in there
    ]
    ways = _ways(recipes)
    recipes.sort(key=lambda recipe: ways[recipe.dataset, recipe.number], reverse=True)
    wanted = tuple(map(_key, chosen))
    return Plan(rebuild=rebuild, wanted=wanted, recipes=tuple(recipes), throwaway=throwaway)


def ready(ahead: Mapping[EditionKey, Recipe], under_way: Iterable[EditionKey]) -> list[EditionKey]:
    """Return those ahead whose foundations are neither ahead nor under way, in the same order."""
    waited_for = {*ahead, *under_way}
    return [place for place, each in ahead.items() if not each.foundations.items() & waited_for]


def recipe_of(
    database: Database, archive: Archive, rebuild: int, place: EditionKey, throwaway: str
) -> Recipe:
    """Return how an edition whose history was restored is made again, by its document.

    Raises ConfigurationError when the catalog has no such edition with a manifest.
    """
    dataset, number = place
    query = "SELECT manifest FROM catalog.edition WHERE dataset = %s AND number = %s"
    names = [name for (name,) in database.rows(query, dataset, number) if name]
    if not names:
        raise ConfigurationError(
            f"Edition {number} of {dataset} was to be made again, and {database} knows no manifest"
            " of it: run rebuild, which restores the history first."
        )
    document = archive.documents.read(names[0])
    return _recipe(document, edition_of(names[0], document), rebuild, throwaway, wanted=True)


def remove_stepping_stones(database: Database, plan: Plan) -> None:
    """Drop the tables of editions that were made only as foundations of others."""
    for recipe in plan.recipes:
        if not recipe.wanted:
            removals.remove(database, recipe.dataset, recipe.number)


def _chosen(
    editions: Sequence[ArchivedEdition], history: History, scope: Scope, datasets: Sequence[str]
) -> list[ArchivedEdition]:
    known = sorted({edition.dataset for edition in editions})
    if not known:
        raise ConfigurationError(
            "The archive has no manifest of an edition, so there is nothing to rebuild: check"
            " GEODATA_ARCHIVE and its replicas."
        )
    if missing := sorted(set(datasets) - set(known)):
        raise ConfigurationError(
            f"The archive has no edition of {', '.join(missing)}: choose among {', '.join(known)}."
        )
    switched = history.publications.items()
    publications = [publication_of(name, document) for name, document in switched]
    choose = archived.shown if scope == "current" else archived.kept
    found = choose(editions, publications)
    chosen = [edition for edition in found if not datasets or edition.dataset in datasets]
    if not chosen:
        raise ConfigurationError(
            f"An edition to rebuild was expected of {', '.join(datasets or known)}, and the archive"
            " shows none, as all were withdrawn: choose the scope kept, which makes those kept for"
            " a rollback."
        )
    return chosen


def _key(edition: ArchivedEdition) -> EditionKey:
    return edition.dataset, edition.number


def _recipe(
    document: JsonDocument, edition: ArchivedEdition, rebuild: int, throwaway: str, *, wanted: bool
) -> Recipe:
    moments = (document["edition"][name] for name in ("started_at", "published_at"))
    started, published = map(datetime.fromisoformat, moments)
    return Recipe(
        dataset=edition.dataset,
        number=edition.number,
        vintage=edition.vintage,
        mirror=edition.mirror,
        parameters=(document["run"] or {}).get("parameters", {}),
        originals={(each.source, each.vintage): each.sha256 for each in edition.inputs},
        foundations={each.dataset: each.number for each in edition.dependencies},
        digests={layer: kept["sha256"] for layer, kept in document.get("digests", {}).items()},
        seconds=(published - started).total_seconds(),
        wanted=wanted,
        rebuild=rebuild,
        throwaway=throwaway,
    )


def _ways(recipes: Iterable[Recipe]) -> Mapping[EditionKey, float]:
    """Return seconds from the start of each edition to the end of the last one made from it."""
    ways: dict[EditionKey, float] = {}
    for recipe in reversed(list(recipes)):  # foundations come before what is made from them
        key = recipe.dataset, recipe.number
        ways[key] = ways.get(key, 0.0) + recipe.seconds
        for foundation in recipe.foundations.items():
            ways[foundation] = max(ways.get(foundation, 0.0), ways[key])
    return ways
