"""Today's files: the month that a one-address source tells, kept and held to the year meant."""

from __future__ import annotations

from datetime import date, timedelta

from psycopg2 import sql

from tasks.core.archive import todays_files
from tasks.core.catalog import rows
from tasks.core.catalog.provenance import record_check
from tasks.core.model.errors import SourceError
from tasks.core.model.handles import Input, Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import say

LAG = timedelta(days=7)  # a file of the first of a month ends with the last days of another


@verb("check the day of {held.name}", DATABASE)
def check_day(staging: Staging, held: Input) -> None:
    """Say the month of a file whose address gives today's only, and hold it to the year meant.

    The month is that of the publisher's date of change or, without one, of the day of asking. The
    newest day in the loaded column `dated_by`, where one is declared, must be of that year too, or
    of the week before it. Raises SourceError naming both years, also where the column has no day.
    """
    original, source = held.original, held.source
    meant = source.reference_date.year
    passed = todays_files.is_meant(source, original)
    if todays_files.is_of_its_day(source, original):
        found = f"{todays_files.day(original.last_modified, original.retrieved_at):%B %Y}"
    else:
        found = f"{meant}, as whoever laid it there says"
    if source.dated_by:
        newest = _newest(staging, held.table, source.dated_by)
        found += f", {source.dated_by} up to {newest or 'no day'}"
        passed &= newest is not None and meant in (newest.year, (newest + LAG).year)
    if source.dated_by and newest:
        as_of = (newest + LAG).replace(day=1)
        with site().database.session() as cursor:
            rows.update(cursor, "edition", {"as_of": as_of}, rows.of_edition(staging))
    title = f"day of {held.name}"
    record_check(site().database, staging, title, str(meant), found, passed, required=True)
    if not passed:
        raise SourceError(
            f"The file {source.slug} {source.vintage} was expected to be of {meant}, and is of"
            f" {found}: ask for a vintage that means that year, or lay the file of {meant} into the"
            " folder that GEODATA_INBOX names; nothing was published."
        )
    say(f"The file {source.slug} {source.vintage} is of {found}, as expected ({meant}).")


def _newest(staging: Staging, table: str, column: str) -> date | None:
    newest = sql.SQL("SELECT max({})::date FROM {}")
    with site().database.session(staging.schema) as cursor:
        cursor.execute(newest.format(sql.Identifier(column), sql.Identifier(table)))
        found: date | None = cursor.fetchall()[0][0]
    return found
