"""Fixtures: real parts only, each private to the test session."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import boto3
import certifi
import processes
import pytest
import tenacity
from image import engine as container_engine
from image.engine import Engine
from moto.server import ThreadedMotoServer
from psycopg2 import sql
from psycopg2.errors import DeadlockDetected
from s3fs import S3FileSystem

SESSION = processes.session()
DATA = SESSION / os.environ.get("PYTEST_XDIST_WORKER", "main")
DATA.mkdir(exist_ok=True)
os.environ["GEODATA_DATA"] = os.environ["TMPDIR"] = tempfile.tempdir = str(DATA)
for name in (
    "GEODATA_DATABASE_URL",
    "GEODATA_DATABASE_BLOCK",
    "GEODATA_ARCHIVE",
    "GEODATA_ARCHIVE_REPLICAS",
    "PREFECT_API_URL",
):
    os.environ.pop(name, None)
# A server on SQLite has enough to do: logs are read from the output, and on a busy machine it is
# asked again for minutes before a run fails for it.
os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "20")
# To read all authorities takes OpenSSL 3 50 ms for each of Prefect's clients; here they speak HTTP.
FIRST, END, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")
AUTHORITY = DATA / "authority.pem"
AUTHORITY.write_text(FIRST + END)
os.environ.setdefault("PREFECT_API_SSL_CERT_FILE", str(AUTHORITY))

from tasks.core.catalog.provenance import record_dataset  # noqa: E402
from tasks.core.catalog.wholeness import begin_proof  # noqa: E402
from tasks.core.making.geometry.geometry_tables import load as load_layer  # noqa: E402
from tasks.core.making.geometry.shapes import FeatureCounts  # noqa: E402
from tasks.core.model.declarations import Dataset, Features  # noqa: E402
from tasks.core.model.handles import Staging  # noqa: E402
from tasks.core.postgres import cluster  # noqa: E402
from tasks.core.postgres.database import Database, engine  # noqa: E402
from tasks.core.postgres.migrations import migrate  # noqa: E402

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

TEMPLATE = "geodata_template"  # a database with an empty catalog: a copy is cheap
SERVERS = {"prefect_server", "background_server"}  # fixtures
LONGEST_FAULTS = [  # by what they take where GEODATA_FAULT_MINUTES is 3
    "test_faulty_buckets",
    "test_killed_runs",
    "test_database_crashes",
    "test_corpora_under_faults",
    "test_killed_reviews",
    "test_all_countries",
    "test_crowds",
]
FAULT_MINUTES = os.environ.get("GEODATA_FAULT_MINUTES")
LONGEST = [
    *(LONGEST_FAULTS if FAULT_MINUTES else []),
    "test_simulation",
    "test_rebuild",
    "test_server_deployments",
    "test_france",
    "test_killed_runs",
    "test_united_states",
    "test_sirene",
]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End a database server that no fixture knows of; fail when another process is left."""
    cluster.stop()
    if hasattr(session.config, "workerinput"):
        return
    if left := processes.stragglers(SESSION):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_sep("=", "processes that the session left behind", red=True)
        reporter.write_line("\n".join(left))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a Prefect server, and put the longest modules first, so that no worker is
    left with one of them in the end.
    """
    for item in items:
        if isinstance(item, pytest.Function) and SERVERS & {*item.fixturenames}:
            item.add_marker(pytest.mark.prefect)
    items.sort(
        key=lambda item: (
            LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)
        )
    )


@pytest.fixture(scope="session", name="engine")
def engine_of_containers() -> Engine:
    """The container engine of this machine; the tests are skipped where none answers."""
    found = container_engine.find()
    if found is None:
        pytest.skip(
            "no container engine answers on this machine: tests/image/start_engine and make_base"
            " prepare one"
        )
    return found


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a value of strange letters or bytes by what it is, not by escapes."""
    text = val.decode("latin-1") if isinstance(val, bytes) else val
    if not isinstance(text, str) or (text.isascii() and text.isprintable() and "\\" not in text):
        return None
    return "".join(
        each if each.isprintable() and each != "\\" else f"(U+{ord(each):02X})" for each in text
    )


@pytest.fixture(scope="session")
def cluster_database() -> Iterator[Database]:
    """A private PostGIS cluster for the session; it need not survive a failure of the machine."""
    made = cluster.database()
    made.outside_transaction("ALTER SYSTEM SET fsync = off")
    made.rows("SELECT pg_reload_conf()")
    made.outside_transaction(f"CREATE DATABASE {TEMPLATE}")
    template = Database(made.url.set(database=TEMPLATE))
    migrate(template)
    engine(template).dispose()
    yield made
    cluster.stop()


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The publishers' real files; tests that need them are skipped where the folder is missing."""
    if not SHARED.exists():
        pytest.skip("the folder shared/data with the publishers' real files is not on this machine")
    return SHARED


@pytest.fixture
def database(cluster_database: Database) -> Database:
    """The session's database with the catalog in place, also for a test that works in a data
    folder of its own: no second server is started there.
    """
    from tasks.running.site import site

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEODATA_DATA", str(DATA))
        return site().database


DATASET = Dataset(
    slug="testland", title="Testland", country="ZZ", schema="testland", layers={"areas": ("code",)}
)


@pytest.fixture
def staging(database: Database) -> Iterator[Staging]:
    """An empty staging schema of a made-up dataset, with its edition in the catalog."""
    with database.session() as cursor:
        record_dataset(cursor, DATASET)
        cursor.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM catalog.edition WHERE dataset = %s",
            (DATASET.slug,),
        )
        number = cursor.fetchone()[0]
        schema = f"testland_staging_{number}"
        cursor.execute(
            "INSERT INTO catalog.edition (dataset, number, vintage, code_revision, fingerprint,"
            " schema_name) VALUES (%s, %s, 2020, '', '', %s)",
            (DATASET.slug, number, schema),
        )
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        made = Staging(dataset=DATASET, vintage=2020, schema=schema, edition=number)
        begin_proof(cursor, made)
    yield made
    _drop(database, schema)


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(DeadlockDetected), wait=tenacity.wait_fixed(1)
)
def _drop(database: Database, schema: str) -> None:
    """Drop a schema, also when the server is still ending a COPY that a test has broken off."""
    with database.session() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def into(database: Database, staging: Staging) -> Callable[..., Any]:
    """Loads a geometry file into the table `areas` of the staging schema."""

    def load_path(path: Path, reads: Features, source: str = "") -> FeatureCounts:
        return load_layer(database, staging.schema, "areas", str(path), reads, source)

    return load_path


@pytest.fixture
def rows(database: Database, staging: Staging) -> Callable[[str], list[tuple[Any, ...]]]:
    """Selects in the staging schema."""

    def select(columns: str) -> list[tuple[Any, ...]]:
        with database.session(staging.schema) as cursor:
            cursor.execute(sql.SQL("SELECT " + columns))
            return cursor.fetchall()

    return select


@contextmanager
def prefect_server_that(*, records: bool) -> Iterator[None]:
    """A real Prefect server with a database of its own; events that wait go to the one before.

    It has no types of blocks but those that are saved: to register all that are installed, it would
    import them, a fifth of its start.
    """
    from prefect import settings
    from prefect.events.worker import EventsWorker
    from prefect.testing.utilities import prefect_test_harness

    services = (
        settings.PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_ENABLED,
        settings.PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED,
        settings.PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED,
    )
    EventsWorker.drain_all(at_exit=False)
    with (
        settings.temporary_settings(
            dict.fromkeys(services, records)
            | {settings.PREFECT_API_BLOCKS_REGISTER_ON_START: False}
        ),
        prefect_test_harness(server_startup_timeout=180),
    ):
        yield


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server for the tests that need the engine.

    It records no task runs and no events, which took two fifths of its time and few tests ask for.
    """
    with prefect_server_that(records=False):
        yield


@pytest.fixture(scope="module")
def recording_server(prefect_server: None) -> Iterator[None]:
    """Another Prefect server, for the tests that ask what task runs and events there were."""
    with prefect_server_that(records=True):
        yield


@pytest.fixture(scope="module")
def background_server() -> Iterator[str]:
    """A Prefect server as `make server` starts it, given more time on a busy machine."""
    from tasks.running import local_server

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_server, "PATIENCE", processes.PATIENCE)
        yield local_server.start()
    local_server.stop()


@pytest.fixture
def other_database(
    cluster_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A database with an empty catalog and an empty archive, configured as a user would: by
    environment variables, which go with what the test itself sets.
    """
    with database_of_its_own(cluster_database, tmp_path / "archive", monkeypatch) as made:
        yield made


@contextmanager
def database_of_its_own(
    cluster_database: Database, archive: Path, patch: pytest.MonkeyPatch | None = None
) -> Iterator[Database]:
    """A database with an empty catalog and an empty archive, for as long as the context lasts."""
    from tasks.running.site import site

    name = "geodata_" + uuid.uuid4().hex[:8]
    cluster_database.outside_transaction(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    url = cluster_database.url.set(database=name)
    with nullcontext(patch) if patch else pytest.MonkeyPatch.context() as environment:
        environment.setenv("GEODATA_DATABASE_URL", url.render_as_string(hide_password=False))
        environment.setenv("GEODATA_ARCHIVE", str(archive))
        made = site().database
        yield made
        engine(made).dispose()
    cluster_database.outside_transaction(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def told_program(prefect_server: None) -> Iterator[processes.Program]:
    """The program that does, or is killed over, what lands tell it."""
    from fault_land import program

    with program() as started:
        yield started


@pytest.fixture
def land(
    tmp_path: Path,
    told_program: processes.Program,
    other_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """An empty Runland, on which faults are tried, with an archive in two places."""
    from fault_land import Land, prepare

    monkeypatch.setenv("GEODATA_ARCHIVE_REPLICAS", str(tmp_path / "replica"))
    prepare(tmp_path)
    return Land(tmp_path, other_database, told_program)


@pytest.fixture(scope="module")
def s3_api() -> Iterator[Any]:
    """A client of a real S3 API over HTTP on this machine, which the environment names; it has no
    buckets yet.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.get_host_and_port()[1]}",
        }.items():
            patch.setenv(name, value)
        S3FileSystem.clear_instance_cache()  # an instance of before is connected already
        yield boto3.client("s3")
    S3FileSystem.clear_instance_cache()
    server.stop()
