"""The image, really built and run: Belgium in it as a stranger's account on a read-only root, with
database and archive elsewhere.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from file_server import serve
from image import engine as container_engine
from image import postgis
from image.engine import PRISON, Engine
from moto.server import ThreadedMotoServer
from packaging.utils import canonicalize_name
from synthetic import belgium as synthetic

from tasks.core.postgres.database import Database, parse

sys.path.append(str(container_engine.ROOT / "deployments"))

import sbom

pytestmark = pytest.mark.image
REVISION_LABEL = "org.opencontainers.image.revision"


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image named in GEODATA_TEST_IMAGE, or the one built from this checkout."""
    return os.environ.get("GEODATA_TEST_IMAGE") or engine.build(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def databases() -> Iterator[str]:
    """A PostGIS server with two empty databases, `flows` and `migrated`."""
    with postgis.serve("flows", "migrated") as base:
        yield base


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """An S3 API over HTTP with one empty bucket, `geodata`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    resource = boto3.resource(
        "s3",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    yield resource.create_bucket(Bucket="geodata")
    server.stop()


@pytest.fixture(scope="module")
def run_belgium(
    engine: Engine,
    image: str,
    databases: str,
    bucket: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """Runs Belgium of 2024 in a container, from synthetic files served on this machine; gives what
    it printed and what it changed.
    """
    folder = tmp_path_factory.mktemp("mirror")
    synthetic.write(folder, municipalities=12, sectors=120, vintages=(2024,))
    settings = {
        "GEODATA_DATABASE_URL": databases + "flows",
        "GEODATA_ARCHIVE": "s3://geodata/archive",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": bucket.meta.client.meta.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    given = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]

    def run() -> tuple[str, str]:
        name = f"geodata-{uuid.uuid4().hex[:8]}"
        try:
            done = engine.ask(
                "run",
                "--name",
                name,
                *PRISON,
                *given,
                image,
                "python",
                "flows/belgium.py",
                "--vintage",
                "2024",
                "--mirror",
                mirror,
            )
            return done.stdout + done.stderr, engine.ask("diff", name).stdout
        finally:
            engine.ask("rm", "--force", name, check=False)

    with serve(folder) as mirror:
        yield run


@pytest.fixture(scope="module")
def first_run(run_belgium: Any) -> tuple[str, str]:
    """What the first run printed, and the files it changed."""
    said, changed = run_belgium()
    return said, changed


@pytest.fixture(scope="module")
def published(first_run: tuple[str, str], databases: str) -> Database:
    """The database after the first run."""
    return parse(databases + "flows")


def inside(engine: Engine, image: str, script: str) -> str:
    """What a shell in the image prints."""
    return engine.ask("run", "--rm", "--network", "none", image, "sh", "-c", script).stdout.strip()


def test_belgium_is_published_from_the_image(published: Database) -> None:
    layers = dict(
        published.rows("SELECT layer, row_count FROM catalog.layer WHERE dataset = 'belgium'")
    )
    assert set(layers) == {"sectors", "municipalities", "arrondissements", "provinces", "regions"}
    assert layers["municipalities"] == 12
    for layer, rows in layers.items():
        assert published.value(f"SELECT count(*) FROM belgium.{layer}_2024") == rows


def test_the_revision_of_the_label_is_in_the_catalog(
    engine: Engine, image: str, published: Database
) -> None:
    label = engine.inspect(image)["Config"]["Labels"][REVISION_LABEL]
    assert label
    assert published.rows("SELECT DISTINCT code_revision FROM catalog.edition") == [(label,)]


def test_the_originals_are_in_the_object_store(published: Database, bucket: Any) -> None:
    keys = {item.key for item in bucket.objects.all()}
    hashes = [sha256 for (sha256,) in published.rows("SELECT sha256 FROM catalog.edition_input")]
    assert len(hashes) == 4
    assert {f"archive/originals/sha256/{sha256[:2]}/{sha256}" for sha256 in hashes} <= keys
    assert any(key.startswith("archive/editions/belgium/2024/") for key in keys)


def test_nothing_is_written_outside_of_scratch(first_run: tuple[str, str]) -> None:
    _, changed = first_run
    assert not [line for line in changed.splitlines() if line.split()[-1] != "/scratch"]


def test_a_second_run_in_a_fresh_container_is_a_recorded_no_op(
    run_belgium: Any, published: Database
) -> None:
    editions = published.value("SELECT count(*) FROM catalog.edition")
    said, _ = run_belgium()
    assert "Nothing new for belgium 2024" in said
    assert published.value("SELECT count(*) FROM catalog.edition") == editions
    assert (
        published.value("SELECT outcome FROM catalog.run ORDER BY started_at DESC LIMIT 1")
        == "unchanged"
    )


def test_the_image_migrates_a_database(engine: Engine, image: str, databases: str) -> None:
    words = (
        "run",
        "--rm",
        *PRISON,
        "--env",
        f"GEODATA_DATABASE_URL={databases}migrated",
        image,
        "python",
        "-m",
        "tasks.core.postgres.shell",
        "migrate",
    )
    assert "is up to date" in engine.ask(*words).stdout
    assert "secret" not in engine.ask(*words).stdout
    assert parse(databases + "migrated").value("SELECT count(*) FROM catalog.edition") == 0


def test_the_image_runs_as_nobody_in_particular(engine: Engine, image: str) -> None:
    assert inside(engine, image, "id -u; id -g; echo $HOME; pwd") == "10001\n0\n/scratch\n/app"
    assert inside(engine, image, "find /app /opt/geodata -perm /022 ! -type l | head") == ""
    assert engine.inspect(image)["Config"]["Entrypoint"] in (
        None,
        [],
    )  # the container's process is what Kubernetes asks for


def test_what_pages_need_in_a_browser_is_in_the_image(engine: Engine, image: str) -> None:
    script = (
        "python -c 'import pathlib, tempfile; from tasks.core.pages import maps;"
        ' print(maps.keep_assets(pathlib.Path(tempfile.mkdtemp()))["script"])\''
    )
    assert inside(engine, image, script).startswith("map.")


def test_no_tool_of_building_and_no_tool_of_development_is_left(engine: Engine, image: str) -> None:
    assert (
        inside(
            engine,
            image,
            "for name in gcc cc g++ make ld git uv pytest ruff mypy moto_server; do command -v"
            " $name; done; true",
        )
        == ""
    )
    kept = (
        "import importlib.util as u; print([n for n in ('pytest', 'mypy', 'moto', 'pip', 'uv',"
        " 'setuptools') if u.find_spec(n)])"
    )
    assert inside(engine, image, f'python -c "{kept}"') == "[]"
    left = (
        "find / -xdev \\( -path '*/.cache/*' -o -name '*.whl' -path '/root/*' -o -path"
        " '/run/secrets/*' \\) 2>/dev/null | head"
    )
    assert inside(engine, image, left) == ""
    assert (
        inside(engine, image, "ls /app | tr '\\n' ' '")
        == "deployments flows prefect.yaml pyproject.toml requirements.lock sql tasks"
    )


def test_the_versions_are_those_of_the_lock(engine: Engine, image: str) -> None:
    lines = (container_engine.ROOT / "requirements.lock").read_text().splitlines()
    locked = {canonical(line.split()[0]) for line in lines if "==" in line}
    script = (
        "from importlib.metadata import distributions as d; print(*(f'{i.name}=={i.version}' for i"
        " in d()))"
    )
    installed = {canonical(word) for word in inside(engine, image, f'python -c "{script}"').split()}
    assert {word.split("==")[0] for word in installed} >= {
        "prefect",
        "prefect-kubernetes",
        "pyogrio",
        "geodata-flows",
    }
    libraries = {word for word in installed if not word.startswith("geodata-flows==")}
    assert libraries <= locked
    asked = 'python -c "import platform; print(platform.python_version())"'
    pins = sbom.in_image(sbom.pins_of(sbom.LOCK.read_text()), inside(engine, image, asked))
    assert libraries == {f"{pin.name}=={pin.version}" for pin in pins}


def test_all_code_is_in_the_image(engine: Engine, image: str) -> None:
    root = container_engine.ROOT
    paths = (
        path
        for folder in ("flows", "tasks", "sql", "deployments")
        for path in (root / folder).rglob("*")
    )
    code = {str(path.relative_to(root)) for path in paths if path.suffix in (".py", ".sql")}
    there = inside(
        engine, image, "find flows tasks sql deployments -name '*.py' -o -name '*.sql'"
    ).split()
    assert set(there) == code


def canonical(requirement: str) -> str:
    name, _, version = requirement.partition("==")
    return f"{canonicalize_name(name)}=={version}"


def test_bytecode_is_there_for_every_start(engine: Engine, image: str) -> None:
    script = (
        "import importlib.util as u, pathlib as p, sys\nfor name in ('tasks.vocabulary',"
        " 'flows.belgium', 'prefect.flows', 'pandas', 'pyogrio'):\n    source ="
        " p.Path(u.find_spec(name).origin)\n    header ="
        " p.Path(u.cache_from_source(str(source))).read_bytes()[:16]\n    assert header[:4] =="
        " u.MAGIC_NUMBER and int.from_bytes(header[8:12], 'little') == int(source.stat().st_mtime),"
        " name\nprint('current')"
    )
    assert inside(engine, image, f'python -c "{script}"') == "current"
