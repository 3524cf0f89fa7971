"""Originals of which only the newest stay: older ones go, but never one that an edition needs, by
the archive or by the catalog.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from archives import STOCK, TwoFolders, day
from conftest import database_of_its_own
from faulty_server import running, whole
from psycopg2 import sql
from s3fs import S3FileSystem

from tasks.core.archive.collection import newest_kept
from tasks.core.archive.hashed_files import original_name
from tasks.core.catalog import editions, foundations, layers
from tasks.core.catalog.fingerprints import fingerprint
from tasks.core.catalog.provenance import record_dataset, record_retrieval
from tasks.core.model.declarations import Dataset, Source
from tasks.core.model.errors import CheckFailed, ConfigurationError
from tasks.core.model.handles import Foundation, Original, Retrieval
from tasks.core.postgres.database import Database
from tasks.running import steps
from tasks.running.site import site
from tasks.verbs import originals
from tasks.verbs import purges as retention
from tasks.verbs.catalog import publish_catalog

BOTH, NOWHERE = ["archive", "replica"], list[str]()
LAYERS = replace(STOCK, slug="xx-layers", retention="newest", keep_days=None, keep_originals=1)
REASON = "the retention of the newest 1 originals"
AREAS = """
CREATE TABLE areas AS SELECT 'A' AS code, 1 AS people;
COMMENT ON TABLE areas IS 'Areas of a made-up land';
COMMENT ON COLUMN areas.code IS 'Code [unit: code; aggregate: key; from: made up]';
COMMENT ON COLUMN areas.people IS 'People [unit: persons; aggregate: sum; from: made up]';
"""


class Land(TwoFolders):
    """An archive, and the datasets made of it in a database."""

    def __init__(self, folder: Path, database: Database, cluster: Database) -> None:
        super().__init__(folder)
        self.database, self.cluster = database, cluster

    def series(self, count: int, source: Source = LAYERS, youngest: float = 1) -> list[Original]:
        """Different originals of a source, ten days apart, the newest first."""
        return [
            self.add(f"{source}{number}".encode() * 100, youngest + 10 * number, source)
            for number in range(count)
        ]

    def publish(
        self,
        *made_of: Original,
        keep: int = 1,
        slug: str = "land",
        after: Sequence[Foundation] = (),
    ) -> int:
        """The number of an edition that is published and cataloged; older ones are removed down to
        `keep`.
        """
        dataset = Dataset(
            slug=slug,
            title="Land",
            country="ZZ",
            schema=slug,
            layers={"areas": ("code",)},
            keep=keep,
        )
        for original in made_of:
            asked = Retrieval(
                source=original.source,
                state="new",
                url=original.url,
                asked_at=original.retrieved_at,
                sha256=original.sha256,
            )
            record_retrieval(self.database, asked, original)
        with self.database.session() as cursor:
            record_dataset(cursor, dataset)
        staging = editions.begin(
            self.database, dataset, 2026, made_of, None, rebuild=True, after=after
        )
        with self.database.session(staging.schema) as cursor:
            cursor.execute(AREAS)
        layers.seal(self.database, staging, "areas", ("code",))
        publish_catalog.fn(editions.publish(self.database, staging))
        return staging.edition

    def switch(self, action: str, number: int) -> None:
        """A rollback or a withdrawal, as the archive has it."""
        facts = {
            "dataset": "land",
            "vintage": 2026,
            "number": number,
            "action": action,
            "at": datetime.now(UTC).isoformat(),
            "by_role": "writer",
        }
        document = {"document": "publication of geodata-flows", "version": 1, "publication": facts}
        site().archive.documents.put(
            f"publications/land/2026/{facts['at']}-{action}.json", document
        )

    @contextmanager
    def account_of(self, witness: str) -> Iterator[None]:
        """Leave one witness of the editions: the archive (beside a new database) or the catalog
        (beside an archive without documents).
        """
        if witness == "archive":
            with database_of_its_own(self.cluster, self.primary):
                yield
        else:
            aside = self.primary.with_name("aside")
            for folder in (self.primary, self.replica):
                shutil.move(folder / "editions", aside / folder.name)
            yield
            for folder in (self.primary, self.replica):
                shutil.move(aside / folder.name, folder / "editions")

    def collect(self, witness: str) -> None:
        """A collection by the account of one witness."""
        with self.account_of(witness):
            retention.collect_superseded.fn()


@pytest.fixture
def land(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    other_database: Database,
    cluster_database: Database,
) -> Land:
    """An empty archive in two places, and an empty database."""
    found = Land(tmp_path, other_database, cluster_database)
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(found.replica))
    monkeypatch.setattr(steps, "log", found.log)
    return found


witnesses = pytest.mark.parametrize("witness", ["archive", "catalog"])


def test_the_newest_stay_and_older_ones_go_everywhere_under_a_tombstone(land: Land) -> None:
    two = replace(LAYERS, keep_originals=2)
    new, second, third, fourth = land.series(4, two)
    other_vintage, permanent = (
        land.series(1, replace(two, vintage=2025)),
        land.series(3, replace(STOCK, retention="permanent", keep_days=None)),
    )
    retention.collect_superseded.fn()
    assert [
        land.holders(each) for each in (new, second, third, fourth, *other_vintage, *permanent)
    ] == [BOTH, BOTH, NOWHERE, NOWHERE, *[BOTH] * 4]
    for folder in (land.primary, land.replica):
        stone = json.loads(
            (folder / "tombstones" / third.sha256[:2] / f"{third.sha256}.json").read_text()
        )
        assert (stone["source"], stone["vintage"], stone["reason"]) == (
            "xx-layers",
            2026,
            "the retention of the newest 2 originals",
        )
        assert len(list((folder / "manifests/xx-layers/2026").iterdir())) == 4
    assert {sha256 for (sha256,) in land.database.rows("SELECT sha256 FROM catalog.tombstone")} == {
        third.sha256,
        fourth.sha256,
    }
    assert land.quiet[0].startswith(
        "Collected 2 of 5 originals of which only the newest stay (xx-layers 2026 of "
    )
    store = site().archive
    assert (store.originals.latest(two), store.originals.passed_over(two)) == (
        replace(new, url="https://***@office.example/stock.csv"),
        None,
    )
    retention.collect_superseded.fn()
    assert land.quiet[1:] == ["Looked at 3 originals of which only the newest stay: none may go."]
    assert (len(store.tombstones.all()), land.loud) == (2, [])


def test_an_original_that_proved_unusable_pushes_out_no_sound_one(land: Land) -> None:
    damaged, sound, older = land.series(3)
    site().archive.proofs.keep(damaged, "The archive stock.zip is damaged (Bad CRC-32).")
    retention.collect_superseded.fn()
    assert [land.holders(each) for each in (damaged, sound, older)] == [BOTH, BOTH, NOWHERE]


@witnesses
def test_what_an_edition_shown_was_made_of_stays_until_the_edition_is_removed(
    land: Land, witness: str
) -> None:
    new, old = land.series(2)
    land.publish(old)
    land.collect(witness)
    assert (land.holders(old), site().archive.tombstones.all()) == (BOTH, [])
    assert (
        land.quiet[-1]
        == "Looked at 2 originals of which only the newest stay: none may go; 1 older ones stay,"
        " because editions need them."
    )
    land.publish(new)
    land.collect(witness)
    assert (land.holders(new), land.holders(old)) == (BOTH, NOWHERE)


@witnesses
def test_what_a_rollback_could_show_stays_until_it_is_removed(land: Land, witness: str) -> None:
    new, second, third, fourth = land.series(4)
    for original in (fourth, third, second):
        land.publish(original, keep=2)
    land.collect(witness)
    assert [land.holders(each) for each in (new, second, third, fourth)] == [
        BOTH,
        BOTH,
        BOTH,
        NOWHERE,
    ]


@witnesses
def test_what_an_edition_stands_on_stays_although_its_tables_are_gone(
    land: Land, witness: str
) -> None:
    new, second, third = land.series(3)
    made = land.publish(third, slug="ground")
    land.publish(slug="middle", after=[foundations.find(land.database, "ground", ["areas"], 2026)])
    land.publish(after=[foundations.find(land.database, "middle", ["areas"], 2026)])
    land.publish(second, slug="ground")
    land.publish(new, slug="ground")
    land.publish(slug="middle", after=[foundations.find(land.database, "ground", ["areas"], 2026)])
    removed = land.database.rows(
        "SELECT dataset, number FROM catalog.edition WHERE state = 'removed' ORDER BY 1, 2"
    )
    assert removed == [("ground", made), ("ground", made + 1), ("middle", 1)]
    land.collect(witness)
    assert [land.holders(each) for each in (new, second, third)] == [BOTH, NOWHERE, BOTH]
    land.publish(after=[foundations.find(land.database, "middle", ["areas"], 2026)])
    land.collect(witness)
    assert [land.holders(each) for each in (new, second, third)] == [BOTH, NOWHERE, NOWHERE]


@pytest.mark.parametrize(
    ("actions", "stays"), [(["rollback"], "the older"), (["rollback", "withdraw"], "the newer")]
)
def test_the_archive_knows_what_a_person_had_shown_again_or_withdrawn(
    land: Land, actions: list[str], stays: str
) -> None:
    new, second, third = land.series(3)
    older, _, _ = (land.publish(original, keep=2) for original in (third, second, new))
    for action in actions:
        land.switch(action, older)
    land.collect("archive")
    expected = [BOTH, NOWHERE, BOTH] if stays == "the older" else [BOTH, BOTH, NOWHERE]
    assert [land.holders(each) for each in (new, second, third)] == expected


def test_the_catalog_knows_an_edition_that_readers_views_keep(land: Land) -> None:
    new, second, third = land.series(3)
    made = land.publish(third)
    name = sql.Identifier(f"land_edition_{made}", "areas")
    with land.database.session() as cursor:
        cursor.execute(sql.SQL("CREATE VIEW public.of_readers AS SELECT * FROM {}").format(name))
    land.publish(second)
    land.publish(new)
    retention.collect_superseded.fn()
    assert [land.holders(each) for each in (new, second, third)] == [BOTH, NOWHERE, BOTH]
    with land.database.session() as cursor:
        cursor.execute("DROP VIEW public.of_readers")
    land.publish(new)
    retention.collect_superseded.fn()
    assert land.holders(third) == NOWHERE


def test_what_is_being_built_keeps_its_originals(land: Land) -> None:
    _, old = land.series(2)
    land.publish(old)
    with land.database.session() as cursor:
        cursor.execute("UPDATE catalog.edition SET state = 'building'")
    land.collect("catalog")
    assert land.holders(old) == BOTH


def test_the_law_goes_before_any_need_and_says_which_edition_it_hit(land: Land) -> None:
    limited = replace(LAYERS, retention="legal_maximum", keep_days=25)
    new, second, third = land.series(3, limited, youngest=8)  # 8, 18 and 28 days old
    number = land.publish(third)
    retention.collect_superseded.fn()
    assert [land.holders(each) for each in (new, second, third)] == [BOTH, NOWHERE, BOTH]
    retention.bury_expired.fn()
    assert [land.holders(each) for each in (new, second, third)] == [BOTH, NOWHERE, NOWHERE]
    reasons = {stone.sha256: stone.reason for stone in site().archive.tombstones.all()}
    assert reasons == {second.sha256: REASON, third.sha256: "its legal maximum age of 25 days"}
    assert land.loud == [
        f"Edition {number} of land 2026 was made from the original of xx-layers 2026 of"
        f" {day(third.retrieved_at)}, which had to go: its tables stay, and it cannot be made again"
        " from the archive."
    ]


def test_a_mirror_is_counted_apart_and_its_editions_keep_its_originals(land: Land) -> None:
    mirror = replace(LAYERS, mirror="sample")
    official, mirrored = land.series(2), land.series(3, mirror)
    land.publish(mirrored[2])
    land.collect("archive")
    assert [land.holders(each) for each in (*official, *mirrored)] == [
        BOTH,
        NOWHERE,
        BOTH,
        NOWHERE,
        BOTH,
    ]
    assert [
        stone.mirror
        for stone in site().archive.tombstones.all()
        if stone.sha256 == mirrored[1].sha256
    ] == ["sample"]


def test_a_location_that_is_down_is_named_and_finished_by_the_next_purge(
    land: Land, tmp_path: Path
) -> None:
    new, old = land.series(2)
    land.replica.rename(tmp_path / "elsewhere")
    land.replica.write_text("a file where a folder should be: down, also for root")
    retention.collect_superseded.fn()
    assert any(
        f"{land.replica} (" in sentence and "the next purge that can reach it" in sentence
        for sentence in land.loud
    )
    land.replica.unlink()
    (tmp_path / "elsewhere").rename(land.replica)
    assert (land.holders(old), site().archive.originals.exists(old.sha256)) == (["replica"], False)
    retention.bury_expired.fn()
    retention.collect_superseded.fn()
    assert (land.holders(old), land.holders(new)) == (NOWHERE, BOTH)
    assert len(site().archive.tombstones.all()) == 1


def test_nothing_is_collected_while_a_location_is_down_that_may_know_of_editions(
    land: Land, s3_api: Any
) -> None:
    _, old = land.series(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEODATA_ARCHIVE_REPLICAS", "s3://collection/geo")
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        S3FileSystem.clear_instance_cache()
        retention.collect_superseded.fn()
    S3FileSystem.clear_instance_cache()
    assert land.loud[0].startswith(
        "Nothing was collected, because editions that need originals may be known there alone:"
        " s3://collection/geo ("
    )
    assert land.holders(old) == BOTH


def test_bytes_that_may_stay_as_another_original_stay(land: Land) -> None:
    new, old = land.series(2)
    content = (land.primary / original_name(old.sha256)).read_bytes()
    land.add(content, 500, replace(LAYERS, vintage=2025))
    retention.collect_superseded.fn()
    assert land.holders(old) == BOTH
    land.add(b"newer", 1, replace(LAYERS, vintage=2025))
    land.add(
        content, 600, replace(LAYERS, slug="xx-notes", retention="permanent", keep_originals=None)
    )
    retention.collect_superseded.fn()
    assert (land.holders(old), land.holders(new), site().archive.tombstones.all()) == (
        BOTH,
        BOTH,
        [],
    )


def test_bytes_that_nothing_lets_stay_go_whatever_originals_they_are(land: Land) -> None:
    _, old = land.series(2)
    content = (land.primary / original_name(old.sha256)).read_bytes()
    for source in (replace(LAYERS, vintage=2025), replace(LAYERS, slug="xx-others")):
        land.add(content, 500, source)
        land.add(b"newer" + source.slug.encode(), 1, source)
    land.add(content, 500, STOCK)  # beyond its legal maximum age
    retention.bury_expired.fn()
    assert land.holders(old) == BOTH
    retention.collect_superseded.fn()
    assert (land.holders(old), [stone.sha256 for stone in site().archive.tombstones.all()]) == (
        NOWHERE,
        [old.sha256],
    )


def test_the_law_does_not_take_bytes_of_a_source_that_only_counts(land: Land) -> None:
    (new,) = land.series(1)
    land.add((land.primary / original_name(new.sha256)).read_bytes(), 500, STOCK)
    retention.bury_expired.fn()
    assert land.holders(new) == BOTH


def test_an_original_that_was_received_again_is_as_new_as_that(land: Land) -> None:
    new, old = land.series(2)
    land.add((land.primary / original_name(old.sha256)).read_bytes(), 0.5, LAYERS)
    retention.collect_superseded.fn()
    assert (land.holders(old), land.holders(new)) == (BOTH, NOWHERE)


def test_the_same_bytes_come_back_when_the_publisher_gives_them_again(land: Land) -> None:
    with running() as office:
        content = b"siret;synthetic\n1;a\n" * 100
        source = replace(LAYERS, urls=(office.script("/layers.csv", whole(content)),))
        old = land.add(content, 20, source)
        land.add(b"siret;synthetic\n2;b\n" * 100, 10, source)
        retention.collect_superseded.fn()
        assert land.holders(old) == NOWHERE
        again = originals.archive.fn(originals.download.fn(source))
    assert (again.sha256, land.holders(again)) == (old.sha256, BOTH)
    retention.collect_superseded.fn()
    assert site().archive.originals.latest(source) == again


def test_originals_of_grace_are_let_stay(land: Land) -> None:
    _, second, third = land.series(3)
    with pytest.raises(
        ConfigurationError, match="grace_originals was expected to be 0 or more, found -1"
    ):
        retention.collect_superseded.fn(-1)
    retention.collect_superseded.fn(1)
    assert (land.holders(second), land.holders(third)) == (BOTH, NOWHERE)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (
            {"keep_originals": None},
            "newest, and a number of 1 or more was expected in its keep_originals; found None",
        ),
        (
            {"keep_originals": 0},
            "newest, and a number of 1 or more was expected in its keep_originals; found 0",
        ),
        (
            {"retention": "legal_maximum", "keep_days": 900, "keep_originals": 0},
            "legal_maximum, and a number of 1 or more .* found 0",
        ),
        (
            {"retention": "permanent", "keep_originals": 2},
            "permanent, and no keep_originals was expected.* found 2",
        ),
    ],
)
def test_a_source_that_contradicts_itself_is_named_and_stops_no_other(
    land: Land, facts: dict[str, Any], told: str
) -> None:
    wrong, (_, old) = land.series(3, replace(LAYERS, slug="xx-and-so", **facts)), land.series(2)
    with pytest.raises(
        ConfigurationError, match=rf"The source xx-and-so 2026 has the retention {told}"
    ):
        retention.collect_superseded.fn()
    assert [land.holders(each) for each in (*wrong, old)] == [BOTH, BOTH, BOTH, NOWHERE]


def test_nothing_is_collected_when_an_edition_cannot_be_told(land: Land) -> None:
    _, old = land.series(2)
    site().archive.documents.put(
        "editions/land/2026/0001-20260101T000000.json",
        {"document": "edition of geodata-flows", "version": 2},
    )
    with pytest.raises(
        CheckFailed,
        match=(
            r"editions/land/2026/0001-20260101T000000.json .* found 'edition of geodata-flows',"
            r" version 2"
        ),
    ):
        retention.collect_superseded.fn()
    assert land.holders(old) == BOTH


def test_a_burial_is_refused_when_the_bytes_were_received_again_meanwhile(land: Land) -> None:
    _, old = land.series(2)
    land.add((land.primary / original_name(old.sha256)).read_bytes(), 0.5, LAYERS)
    with pytest.raises(
        CheckFailed, match=r"found in the manifests that xx-layers 2026 of .* may keep it"
    ):
        site().archive.tombstones.bury(old, REASON, [old])


def test_a_bucket_lets_go_of_what_is_superseded_and_holds_what_an_edition_needs(
    land: Land, s3_api: Any
) -> None:
    s3_api.create_bucket(Bucket="collection")
    s3_api.put_bucket_versioning(Bucket="collection", VersioningConfiguration={"Status": "Enabled"})
    with pytest.MonkeyPatch.context() as patch:  # undone before the fixture that it covers
        patch.setenv("GEODATA_ARCHIVE", "s3://collection/geo")
        patch.setenv("GEODATA_ARCHIVE_REPLICAS", "")
        new, second, third = land.series(3)
        land.publish(third)
        with land.database.session() as cursor:
            cursor.execute(
                "UPDATE catalog.edition SET state = 'removed'"
            )  # the archive alone knows it
        retention.collect_superseded.fn()
        versions = s3_api.list_object_versions(Bucket="collection", Prefix="geo/originals")[
            "Versions"
        ]
        assert {found["Key"].rpartition("/")[2] for found in versions} == {new.sha256, third.sha256}
        assert [stone.sha256 for stone in site().archive.tombstones.all()] == [second.sha256]


def test_the_register_keeps_four_files_and_none_beyond_its_age() -> None:
    from flows.offices import sirene

    for source in (sirene.stock(2026), sirene.geolocation(2026)):
        assert (source.retention, source.keep_days, newest_kept(source)) == (
            "legal_maximum",
            400,
            4,
        )


def test_how_long_originals_stay_changes_no_fingerprint(land: Land) -> None:
    dataset, (original,) = (
        Dataset(slug="land", title="", country="ZZ", schema="land", layers={}),
        land.series(1),
    )
    other = replace(
        original, source=replace(LAYERS, retention="legal_maximum", keep_days=3, keep_originals=9)
    )
    assert fingerprint(dataset, 2026, (original,)) == fingerprint(dataset, 2026, (other,))


def test_the_flow_does_what_the_law_says_and_collects(land: Land, prefect_server: None) -> None:
    from prefect.artifacts import Artifact

    from flows.purge import purge

    expired, (_, old) = land.add(b"old", 400), land.series(2)
    purge()
    assert (land.holders(expired), land.holders(old)) == (NOWHERE, NOWHERE)
    for key, original in (("purge", expired), ("collection", old)):
        kept = Artifact.get(key, _sync=True)
        assert kept is not None
        assert original.sha256 in str(kept.data)
