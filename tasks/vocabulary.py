"""The vocabulary of the flows: every verb a country's flow is written with, and nothing else.

download, archive (together: backup) → unpack → load → unite, settle, recode → clean_topology →
locate, join → aggregate → check_* → publish → publish_catalog; rollback switches between published
editions, withdraw shows a vintage no longer, check_freshness holds what is asked, shown and
expected to its promise, bury_expired originals to their legal maximum age, collect_superseded the
archive to the newest originals and those that editions need, audit the archive to what it was
given; rebuilding, restore_catalog, rebuild_editions and check_rebuild make all of it again from the
archive alone; export_layer takes a published layer away as a file, and announce_export tells where
it is; publish_site shows the catalog as pages; run is the command line of a flow.
"""

from tasks.running.command_line import run
from tasks.running.processes import PROCESSES
from tasks.running.runs import WORKERS, recorded, together
from tasks.verbs.aggregates import aggregate
from tasks.verbs.audits import audit
from tasks.verbs.backfills import backfill_datasets
from tasks.verbs.catalog import publish_catalog
from tasks.verbs.checks import (
    check_conserved,
    check_keys,
    check_licence,
    check_rows,
    check_topology,
    check_totals,
    check_within,
)
from tasks.verbs.code_events import check_codes, read_ledger, recode, settle
from tasks.verbs.coverages import clean_topology
from tasks.verbs.exports import announce_export, export_layer
from tasks.verbs.files import unpack
from tasks.verbs.freshness import check_freshness
from tasks.verbs.joins import check_join, join, locate, unite
from tasks.verbs.originals import archive, backup, download
from tasks.verbs.pages import publish_site
from tasks.verbs.publishing import open_staging, publish, rollback, stand_on, withdraw
from tasks.verbs.purges import bury_expired, collect_superseded
from tasks.verbs.rebuilds import (
    check_rebuild,
    rebuild_as_part,
    rebuild_editions,
    rebuilding,
    restore_catalog,
)
from tasks.verbs.reviews import accept_edition
from tasks.verbs.tables import load, load_geometries, load_table
from tasks.verbs.todays_files import check_day

__all__ = [
    "PROCESSES",
    "WORKERS",
    "accept_edition",
    "aggregate",
    "announce_export",
    "archive",
    "audit",
    "backfill_datasets",
    "backup",
    "bury_expired",
    "check_codes",
    "check_conserved",
    "check_day",
    "check_freshness",
    "check_join",
    "check_keys",
    "check_licence",
    "check_rebuild",
    "check_rows",
    "check_topology",
    "check_totals",
    "check_within",
    "clean_topology",
    "collect_superseded",
    "download",
    "export_layer",
    "join",
    "load",
    "load_geometries",
    "load_table",
    "locate",
    "open_staging",
    "publish",
    "publish_catalog",
    "publish_site",
    "read_ledger",
    "rebuild_as_part",
    "rebuild_editions",
    "rebuilding",
    "recode",
    "recorded",
    "restore_catalog",
    "rollback",
    "run",
    "settle",
    "stand_on",
    "together",
    "unite",
    "unpack",
    "withdraw",
]
