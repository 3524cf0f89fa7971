"""Codes: tables carried to another day's codes, places in one form, codes in the lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from tasks.core.making.codes import code_lists, kept_events, movements
from tasks.core.making.codes.code_lists import Codes, Unknown
from tasks.core.making.codes.ledger import Ledger, WholeOrParts
from tasks.core.model.handles import Staging
from tasks.running.policies import DATABASE, verb
from tasks.running.site import site
from tasks.running.steps import recording, say, warn
from tasks.running.verdicts import hold

if TYPE_CHECKING:
    from tasks.core.making.codes.recoding import Recoding


@verb("recode {table} from {since} to {until}", DATABASE)
def recode(
    staging: Staging,
    table: str,
    key: str,
    ledger: Ledger,
    since: date,
    until: date,
    mixed: bool = False,
) -> Staging:
    """Give the rows of a table the area codes of another day, as far as the ledger can tell.

    since: the day whose codes the table has; until: the day whose codes are wanted, earlier or
    later. Where areas became one, areas are dissolved to one row (texts that differ joined, numbers
    that differ left out) and figures keep their rows under the one code, to be summed by the join;
    `published_code` then holds the publisher's code and `code_change` the event. What was divided
    (one code into several, seen in the direction of the carrying), and a merger of which a code is
    missing from the table, keep their codes and are named, in the log and in catalog.code_change.
    mixed: the table has codes of several days, as registers have; each code given up since is
    followed for itself. Returns the staging. Raises CheckFailed when the table has codes of both
    days.
    """
    from tasks.core.making.codes import recoding

    with recording(staging, "recode", table) as step:
        carry, routes = (
            (recoding.follow, ledger.succession) if mixed else (recoding.recode, ledger.routes)
        )
        kept_events.keep(site().database, staging, ledger)
        done = carry(site().database, staging, table, key, routes(since, until))
        carried = len(done.outcomes) - len(done.named())
        step.done(
            f"Carried {done.rows:,} rows of {table} over {carried:,} code changes",
            rows=done.rows,
            carried=carried,
            named=len(done.named()),
        )
    _name_kept(done, table, until)
    return staging


def _name_kept(done: Recoding, table: str, until: date) -> None:
    """Say which codes stayed as they were, and why."""
    for outcome in done.named():
        warn(
            f"Codes of {table} could not be carried to {until}: {outcome.reason} ({outcome.route})."
        )


@verb("settle {area.whole} in {table}", DATABASE)
def settle(staging: Staging, table: str, key: str, area: WholeOrParts) -> Staging:
    """Leave an area that publishers give whole or in parts in the one form that is declared.

    Rows of the other form are left out when both are there, and parts are merged when only they are
    and the whole is wanted. Returns the staging. Raises CheckFailed when the form wanted cannot be
    had, or when the parts do not cover the ground of the whole.
    """
    from tasks.core.making.codes import recoding

    with recording(staging, "settle", table) as step:
        step.done(recoding.settle(site().database, staging.schema, table, key, area))
    return staging


@verb("read ledger of {table}", DATABASE)
def read_ledger(staging: Staging, table: str) -> Ledger:
    """Read the code events in a publisher's table of movements, such as INSEE's v_mvt_commune.

    The table has the columns day, type_before, code_before, type_after and code_after; only
    movements between communes (COM) count.
    """
    ledger = movements.read(site().database, staging.schema, table)
    say(f"Read {len(ledger.events):,} code events in {table}.")
    return ledger


@verb("check codes of {table}", DATABASE)
def check_codes(
    staging: Staging,
    table: str,
    lists: Mapping[str, Codes],
    headings: str | None = None,
    unknown: Mapping[str, Unknown] | None = None,
) -> None:
    """Check that every code of a table is in the publisher's code lists, which the catalog keeps.

    lists: the table of the code list of each column; such a table has the columns code and label,
    and perhaps label_en and parent. headings: a list of the file's own columns, in which each
    column loaded must be. unknown: the columns that bear unknown codes, and their most. Raises
    CheckFailed naming the codes that no list has, or the share that is too large.
    """
    borne = unknown or {}
    with recording(staging, "check_codes", table) as step:
        database, schema = site().database, staging.schema
        names = dict.fromkeys([*code_lists.tables(lists), *([headings] if headings else [])])
        kept = sum(code_lists.keep(database, staging, name) for name in names)
        held = {column: codes for column, codes in lists.items() if column not in borne}
        _hold_codes(staging, table, held, headings)
        shares = {
            column: code_lists.share_unknown(database, schema, table, column, lists[column], bears)
            for column, bears in borne.items()
        }
        step.done(
            f"Held the codes of {table} against {kept:,} codes of {len(names):,} lists",
            rows=kept,
            **({"unknown": shares} if shares else {}),
        )
    last = code_lists.last_shares(database, staging, table)
    for column, bears in borne.items():
        title = f"unknown {column} of {table}"
        _hold_share(staging, title, shares[column], last.get(column), bears)


def _hold_codes(
    staging: Staging, table: str, lists: Mapping[str, Codes], headings: str | None
) -> None:
    """Hold the codes of columns to their lists, and the columns to the list of headings."""
    database, schema = site().database, staging.schema
    strange = {
        column: code_lists.unknown(database, schema, table, column, codes)
        for column, codes in lists.items()
    }
    if headings:
        strange["headings"] = code_lists.unlisted_headings(database, schema, table, headings)
    named = [f"{column}: {', '.join(codes)}" for column, codes in strange.items() if codes]
    empty = code_lists.without_codes(database, schema, table, lists.keys())
    found = "; ".join([*named, *(f"{column}: no code at all" for column in sorted(empty))])
    expected = "every code in the publisher's lists"
    refusal = (
        f"Every code of {table} was expected in the publisher's code lists, and these are in none,"
        f" or are not there: {found}. Look whether the list and the data are of the same release;"
        " nothing was published."
    )
    title, said = f"codes of {table}", found or "all are"
    hold(staging, title, expected, said, passed=not found, refusal=refusal)


def _hold_share(
    staging: Staging, title: str, found: float | None, last: float | None, bears: Unknown
) -> None:
    """Hold the share of unknown codes to the declared one and to that of the last edition."""
    most = bears.share if last is None else min(bears.share, last + bears.jump)
    since = "" if last is None else f" ({last:.2%} in the last edition)"
    expected, said = f"at most {most:.2%}{since}", "no row" if found is None else f"{found:.2%}"
    passed = found is not None and found <= most
    refusal = (
        f"The share of {title} was expected to be {expected}; it is {said}: look whether the"
        " publisher uses another nomenclature, add its list, or declare the share that is borne;"
        " nothing was published."
    )
    hold(staging, title, expected, said, passed=passed, refusal=refusal)
