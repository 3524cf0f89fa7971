"""A dataset that stands on another: its edition is there until it is lent; and the code in the
fingerprint of an edition is all that makes its rows, and no other.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.core.catalog import fingerprints, foundations
from tasks.core.catalog.provenance import record_dataset
from tasks.core.model.declarations import Dataset
from tasks.core.model.errors import CheckFailed
from tasks.core.model.handles import Foundation, Staging
from tasks.core.postgres.database import Database

GROUND = Dataset(
    slug="groundland",
    title="Groundland",
    country="ZZ",
    schema="groundland",
    layers={"areas": ("code",)},
)
EDITION = (
    "INSERT INTO catalog.edition (dataset, number, vintage, code_revision, fingerprint,"
    " schema_name, state) VALUES ('groundland', 1, 2024, '', '', 'groundland_edition_1',"
    " 'published')"
)


@pytest.fixture
def ground(other_database: Database) -> Foundation:
    """A published edition with one table, as it was found when a run began."""
    with other_database.session() as cursor:
        for dataset in (
            GROUND,
            Dataset(
                slug="upperland",
                title="Upperland",
                country="ZZ",
                schema="upperland",
                layers={"areas": ("code",)},
            ),
        ):
            record_dataset(cursor, dataset)
        cursor.execute(EDITION)
        cursor.execute(EDITION.replace("groundland", "upperland").replace("published", "building"))
        cursor.execute(
            "CREATE SCHEMA groundland_edition_1; CREATE TABLE groundland_edition_1.areas AS SELECT"
            " 'A' AS code; CREATE SCHEMA upper"
        )
    return Foundation(
        dataset="groundland",
        vintage=2024,
        number=1,
        schema="groundland_edition_1",
        layers=("areas",),
        content="",
    )


def lend(database: Database, ground: Foundation) -> None:
    upper = Dataset(
        slug="upperland",
        title="Upperland",
        country="ZZ",
        schema="upperland",
        layers={"areas": ("code",)},
    )
    with database.session() as cursor:
        foundations.build_on(
            cursor, Staging(dataset=upper, vintage=2024, schema="upper", edition=1), ground
        )


def test_a_kept_edition_is_lent_as_views(other_database: Database, ground: Foundation) -> None:
    lend(other_database, ground)
    assert other_database.rows("SELECT code FROM upper.groundland_areas") == [("A",)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            (
                "DROP SCHEMA groundland_edition_1 CASCADE; UPDATE catalog.edition SET state ="
                " 'removed' WHERE dataset = 'groundland'"
            ),
            "removed by now, with 0",
        ),
        ("DROP SCHEMA groundland_edition_1 CASCADE", "published by now, with 0"),
    ],
)
def test_an_edition_removed_since_it_was_found_is_named(
    other_database: Database, ground: Foundation, change: str, found: str
) -> None:
    with other_database.session() as cursor:
        cursor.execute(change)
    with pytest.raises(
        CheckFailed,
        match=(
            rf"expected to depend on edition 1 of groundland 2024 \(areas\).* that is {found} of 1"
            r" tables: run again"
        ),
    ):
        lend(other_database, ground)


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        (
            "land",
            {"flows/land.py", "flows/offices/land.py", "sql/land.sql", "sql/land_labels.sql"},
        ),
        (
            "land_income",
            {
                "flows/land_income.py",
                "flows/offices/land.py",
                "sql/land_income.sql",
                "sql/land_income_labels.sql",
            },
        ),
        (
            "register",
            {
                "flows/register.py",
                "sql/register.sql",
                *(f"flows/offices/{name}.py" for name in ("register", "land", "office")),
            },
        ),
    ],
)
def test_the_fingerprint_knows_the_scripts_and_declarations_of_a_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slug: str, expected: set[str]
) -> None:
    files = {
        "flows/land.py": "from flows.offices import land as office",
        "flows/land_income.py": "import flows.offices.land",
        "flows/register.py": "from flows.offices import register",
        "flows/offices/__init__.py": "",
        "flows/offices/land.py": "",
        "flows/offices/register.py": (
            "from flows.offices.land import A\nfrom flows.offices.office import B"
        ),
        "flows/offices/office.py": "from flows.offices import register",
        "sql/register.sql": "",
        "sql/landing.sql": "",
        **{
            f"sql/{name}.sql": ""
            for name in ("land", "land_labels", "land_income", "land_income_labels")
        },
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(fingerprints, "ROOT", tmp_path)
    monkeypatch.setattr(fingerprints, "SQL", tmp_path / "sql")
    made = Dataset(slug=slug, title="", country="ZZ", schema=slug, layers={})
    assert {path.relative_to(tmp_path).as_posix() for path in fingerprints._code(made)} == expected


def test_the_fingerprint_of_sirene_knows_its_labels_and_what_it_takes_from_france() -> None:
    made = Dataset(slug="sirene", title="", country="FR", schema="sirene", layers={})
    code = {path.relative_to(fingerprints.ROOT).as_posix() for path in fingerprints._code(made)}
    assert {
        "flows/sirene.py",
        "sql/sirene.sql",
        "sql/sirene_labels.sql",
        "flows/offices/sirene.py",
        "flows/offices/insee.py",
        "flows/offices/insee_columns.py",
    } <= code


AROUND_THE_ROWS = {  # what the verbs that make rows import, and why it changes none
    "tasks/running/": "runs tasks, finds the site, logs, names and retries",
    "tasks/core/archive/": "gives bytes by their SHA-256, which is an input of its own",
    "tasks/core/catalog/fingerprints.py": "is the fingerprint",
    **{
        f"tasks/core/catalog/{name}.py": "writes and reads the catalog"
        for name in (
            "edition_documents editions precedents provenance publication_documents publications"
            " prospects removals reviews listed_files row_digests rows run_documents runs"
            " statements views"
        ).split()
    },
    "tasks/core/catalog/wholeness.py": "proves that no crash emptied a table",
    "tasks/core/catalog/changes/": "compares what was made",
    "tasks/core/catalog/reports/": "tells people what was made",
    "tasks/core/catalog/shelving/": "lays out for readers what was made",
    "tasks/core/model/addresses.py": "hides passwords in messages",
    "tasks/core/model/errors.py": "classes of errors",
    "tasks/core/model/listings.py": "says where publishers list their files",
    "tasks/core/model/recipes.py": "names of originals and foundations",
    "tasks/core/upstream/": "asks publishers, whose bytes are an input of their own",
    "tasks/core/rebuilding/": "compares and puts back what was made",
    "tasks/core/model/moments.py": "stamps originals",
    "tasks/core/model/names.py": "names of the sources of a flow",
    "tasks/core/model/revision.py": "names the code",
    "tasks/core/model/scratch.py": "names temporary files",
    "tasks/core/model/secrets.py": "hides secrets in messages",
    "tasks/core/model/settings.py": "folders and addresses",
    "tasks/core/postgres/cluster.py": "starts a server",
    "tasks/core/postgres/database_urls.py": "says where a database is",
    "tasks/core/postgres/migrations.py": "makes the tables of the catalog",
    "tasks/core/postgres/outages.py": "classes of errors",
}
OTHER_VERBS = {  # they make no row of an edition
    "audits",
    "backfills",
    "catalog",
    "checks",
    "exports",
    "freshness",
    "originals",
    "pages",
    "publishing",
    "purges",
    "rebuilds",
    "reviews",
    "todays_files",
}


def covered() -> set[str]:
    """What of tasks is in every fingerprint."""
    made = Dataset(slug="none", title="", country="ZZ", schema="none", layers={})
    return {
        name
        for path in fingerprints._code(made)
        if (name := path.relative_to(fingerprints.ROOT).as_posix()).startswith("tasks/")
    }


def test_every_verb_makes_rows_and_is_in_the_fingerprint_or_does_neither() -> None:
    verbs = {path.stem for path in (fingerprints.ROOT / "tasks/verbs").glob("[!_]*.py")}
    making = {Path(name).stem for name in covered() if name.startswith("tasks/verbs/")}
    assert making | OTHER_VERBS == verbs
    assert not making & OTHER_VERBS


def test_all_that_the_verbs_that_make_rows_import_is_in_the_fingerprint_or_changes_none() -> None:
    verbs = [fingerprints.ROOT / name for name in covered() if name.startswith("tasks/verbs/")]
    reached = {
        path.relative_to(fingerprints.ROOT).as_posix()
        for path in fingerprints.imported(verbs, "tasks")
    }
    left = {name for name in reached - covered() if not name.startswith(tuple(AROUND_THE_ROWS))}
    assert not left, "say in fingerprints.MAKES_ROWS or in AROUND_THE_ROWS what it is"
    assert "tasks/core/making/joining/figures.py" in reached & covered()


def test_every_pattern_of_the_fingerprint_means_a_file() -> None:
    root = fingerprints.ROOT
    assert [p for p in fingerprints.MAKES_ROWS if not list(root.glob(p))] == []


@pytest.mark.parametrize(
    "part",
    ["tasks/running/", "tasks/core/archive/", "tasks/core/upstream/", "tasks/core/rebuilding/"],
)
def test_what_is_around_the_rows_makes_no_edition_anew(part: str) -> None:
    assert not [name for name in covered() if name.startswith(part)]
