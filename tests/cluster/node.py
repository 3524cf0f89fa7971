"""A Kubernetes of one node on this machine, by ../shared/cluster, with the tests' images in it.

Programs, the engine's layers and Go's caches are kept in a folder (CLUSTER_CACHE) and make the
second start quick; the cluster itself is new each time and is taken down whole.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image.engine import IMPORTED_BASE, ROOT, TAG, Engine

SCRIPTS = ROOT.parent / "shared/cluster"
CACHE = Path(os.environ.get("CLUSTER_CACHE", "/var/tmp/geodata-cluster"))
DATABASE, STORE = "geodata-test/postgis:bookworm", "geodata-test/seaweedfs:1"
STORE_MODULE = "github.com/seaweedfs/seaweedfs"
STORE_VERSION = "v0.0.0-20261109003541-7506e5f91cd6"
ASKED = "GEODATA_MAKE_CLUSTER"  # set by `make test-kubernetes`, which has the minutes for it


@dataclass(frozen=True)
class Images:
    """Names of the images that the tests need, as a node knows them."""

    flows: str
    database: str
    store: str


def reason_against() -> str:
    """Why no cluster can be started here, in one sentence; empty when one can."""
    if not (SCRIPTS / "up").exists():
        return "no cluster: set KUBECONFIG and GEODATA_IMAGE; ../shared/cluster is not there"
    if os.geteuid() != 0:
        return "no cluster: set KUBECONFIG and GEODATA_IMAGE; only root can start one here"
    if not os.environ.get(ASKED):
        return "no cluster: `make test-kubernetes` makes one"
    return ""


@contextmanager
def running() -> Iterator[tuple[Path, Images]]:
    """Start a node, bring the images into it, and end it; gives its kubeconfig and the images."""
    with tempfile.TemporaryDirectory(prefix="geodata-cluster-", dir="/var/tmp") as state:
        environment = os.environ | {"CLUSTER_CACHE": str(CACHE), "CLUSTER_STATE": state}
        try:
            _said([ROOT / "tests/image/get_packages"], os.environ)
            kubeconfig = Path(_said([SCRIPTS / "up"], environment).strip())
            with _engine() as engine:
                images = _images(engine)
                _bring(engine, images, environment)
            yield kubeconfig, images
        finally:
            subprocess.run([SCRIPTS / "down"], env=environment, check=False)


@contextmanager
def _engine() -> Iterator[Engine]:
    """An engine of our own, whose layers stay in the cache; Debian's client comes first."""
    folder = CACHE / "engine"
    path = f"/usr/sbin:/usr/bin:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    host = _said([ROOT / "tests/image/start_engine", folder], environment).strip()
    before = {name: os.environ.get(name) for name in ("DOCKER_HOST", "PATH")}
    os.environ |= {"DOCKER_HOST": host, "PATH": path}
    try:
        yield Engine("/usr/bin/docker")
    finally:
        subprocess.run(["kill", (folder / "pid").read_text().strip()], check=False)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _images(engine: Engine) -> Images:
    """Build what is not there; that of the flows is always built from this checkout."""
    if not _has(engine, IMPORTED_BASE):
        _said([ROOT / "tests/image/make_base"], os.environ)
    with tempfile.TemporaryDirectory() as folder:
        engine.build(Path(folder))
    if not _has(engine, DATABASE):
        _build(engine, DATABASE, "database", [], f"BASE_IMAGE={IMPORTED_BASE}")
    if not _has(engine, STORE):
        _build(engine, STORE, "store", [_store_program()])
    return Images(flows=TAG, database=DATABASE, store=STORE)


def _has(engine: Engine, image: str) -> bool:
    return engine.ask("image", "inspect", image, check=False).returncode == 0


def _build(engine: Engine, tag: str, name: str, programs: Sequence[Path], *given: str) -> None:
    """Build an image from its folder here and programs of the cache."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(Path(__file__).parent / name, folder, dirs_exist_ok=True)
        for program in programs:
            shutil.copy(program, folder)
        words = [word for argument in given for word in ("--build-arg", argument)]
        engine.ask("build", "--network", "host", "--tag", tag, *words, folder)


def _store_program() -> Path:
    """SeaweedFS, built as the main module: its go.mod replaces modules."""
    program = CACHE / "bin/weed"
    if not program.exists():
        modules = CACHE / "go-mod"
        environment = os.environ | {
            "CGO_ENABLED": "0",
            "GOFLAGS": "-buildvcs=false -modcacherw",
            "GOCACHE": str(CACHE / "go-build"),
            "GOMODCACHE": str(modules),
        }
        named = f"{STORE_MODULE}@{STORE_VERSION}"
        _said(["go", "mod", "download", named], environment, folder=Path("/"))
        source, words = modules / named, ("-trimpath", "-ldflags", "-s -w", "-o", program)
        _said(["go", "build", *words, "./weed"], environment, folder=source)
    return program


def _bring(engine: Engine, images: Images, environment: dict[str, str]) -> None:
    names = (images.flows, images.database, images.store)
    with subprocess.Popen([engine.client, "save", *names], stdout=subprocess.PIPE) as saving:
        subprocess.run([SCRIPTS / "images"], stdin=saving.stdout, env=environment, check=True)


def _said(
    command: Sequence[str | Path], environment: dict[str, str], folder: Path | None = None
) -> str:
    """What a command prints; its messages go where the tests' do."""
    words = list(map(str, command))
    done = subprocess.run(
        words, env=dict(environment), cwd=folder, stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}"
    return done.stdout
