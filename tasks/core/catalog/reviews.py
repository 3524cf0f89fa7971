"""Reviews: editions kept for a person to accept, because nobody declared what to expect."""

from __future__ import annotations

from typing import Any

from psycopg2.extensions import cursor as Cursor

from tasks.core.catalog import rows
from tasks.core.catalog.precedents import protect_official_data
from tasks.core.catalog.statements import SELECT_EDITION_IN_REVIEW
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.handles import Staging
from tasks.core.postgres.database import Database, records

NAMED = 5  # differences in one sentence


def differences(database: Database, dataset: str, number: int) -> list[str]:
    """Return what of an edition is out of the bounds of the one before, a sentence each."""
    found = database.rows(
        "SELECT sentence FROM catalog.change WHERE (dataset, number) = (%s, %s) AND NOT within"
        " ORDER BY ordinal",
        dataset,
        number,
    )
    return [sentence for (sentence,) in found]


def sentence(staging: Staging, outside: list[str]) -> str:
    """Say that an edition is kept for review, why, and how it is accepted."""
    told = " ".join(outside[:NAMED]) or "No edition is shown that it could be compared with."
    more = f" And {len(outside) - NAMED:,} more." if len(outside) > NAMED else ""
    return (
        f"Edition {staging.edition} of {staging.dataset.slug} {staging.vintage} is made and kept"
        f" for review, not shown: nobody has declared what to expect of {staging.vintage}, and the"
        f" edition before does not explain it. {told}{more} {advice(staging)}"
    )


def advice(staging: Staging) -> str:
    """Say what a person does with an edition that is kept for review."""
    dataset, number = staging.dataset.slug, staging.edition
    return (
        f"Look at catalog.difference and at the tables in {dataset}_edition_{number}; if they are"
        f" right, accept the edition (python flows/accept.py --dataset {dataset} --edition {number}"
        " --person NAME), otherwise wait for the publisher or correct the declarations in"
        " flows/offices."
    )


def accept(database: Database, dataset: str, number: int, person: str, reason: str) -> Staging:
    """Record that a person accepts an edition kept for review, so that it can be shown.

    Accepted once, it stays so, by who accepted it first. Raises ConfigurationError with the list of
    those kept when it is none of them, and when what has been shown or decided since is in the way.
    """
    with database.session() as cursor:
        found = records(cursor, SELECT_EDITION_IN_REVIEW, dataset=dataset, number=number)
        if not found:
            raise _no_such_edition(cursor, dataset, number)
        staging = _staging(found[0])
        _require_next(staging, found[0])
        if staging.mirror:
            protect_official_data(cursor, staging.dataset, staging.vintage, staging.mirror)
        edition = rows.of_edition(staging)
        rows.insert_new(cursor, "acceptance", edition | {"person": person, "reason": reason})
        if found[0].state == "review":
            rows.update(cursor, "edition", {"state": "sealed"}, edition)
    return staging


def accepted_by(database: Database, staging: Staging) -> str:
    """Return who accepted an edition, as they said."""
    query = "SELECT person FROM catalog.acceptance WHERE (dataset, number) = (%s, %s)"
    return str(database.value(query, staging.dataset.slug, staging.edition))


def _require_next(staging: Staging, found: Any) -> None:
    """Refuse to undo, by an acceptance, what was shown or decided after the edition was made."""
    which = f"{staging.dataset.slug} {staging.vintage}"
    if found.state == "published" and found.shown != staging.edition:
        raise ConfigurationError(
            f"Edition {staging.edition} of {which} was expected to wait to be shown, and it was"
            f" shown already, accepted by {found.person}; shown now is {_shown(found)}. To show it"
            f" again: python flows/rollback.py --dataset {staging.dataset.slug} --edition"
            f" {staging.edition}."
        )
    if found.state != "published" and found.shown and found.shown > staging.edition:
        raise ConfigurationError(
            f"Edition {staging.edition} of {which} was expected to be the newest, and edition"
            f" {found.shown}, which was made after it, is shown: accepting the older one would take"
            f" it away. If that is meant, withdraw {which} first (python flows/withdraw.py"
            f" --dataset {staging.dataset.slug} --vintage {staging.vintage})."
        )


def _shown(found: Any) -> str:
    return f"edition {found.shown}" if found.shown else "none, because the vintage was withdrawn"


def _staging(found: Any) -> Staging:
    """Return the edition as a run that publishes knows it, by what the catalog says of it."""
    told = rows.same(
        found, "slug title country schema layers keep vintage number schema_name mirror"
    )
    dataset = Dataset(
        slug=told["slug"],
        title=told["title"],
        country=told["country"],
        schema=told["schema"],
        layers={layer: tuple(key) for layer, key in told["layers"].items()},
        keep=told["keep"],
    )
    return Staging(
        dataset=dataset,
        vintage=told["vintage"],
        schema=told["schema_name"],
        edition=told["number"],
        mirror=told["mirror"],
    )


def _no_such_edition(cursor: Cursor, dataset: str, number: int) -> ConfigurationError:
    cursor.execute(
        "SELECT dataset, vintage, number FROM catalog.edition WHERE state = 'review'"
        " ORDER BY dataset, number"
    )
    kept = "; ".join(f"edition {each} of {name} {year}" for name, year, each in cursor.fetchall())
    return ConfigurationError(
        f"Edition {number} of {dataset!r} was expected to be kept for review, and is not; kept are:"
        f" {kept or 'none'}."
    )
