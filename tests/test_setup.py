"""The set-up script on machines where it may or can do nothing, and the doors of the Makefile."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.core.postgres import shell
from tasks.core.postgres.database import Database, parse

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = (
    "bash env dirname basename id sort awk sed head tail grep sha256sum cut cat rm touch".split()
)


@pytest.fixture
def machine() -> Iterator[Path]:
    """A checkout with the set-up script, and a folder `bin` with the programs every Debian has; any
    account may read it.
    """
    with tempfile.TemporaryDirectory(prefix="geodata-setup-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name in ("bin", "deployments", "servers"):
            (root / name).mkdir()
        for name in ("setup", "web_assets.py"):
            shutil.copy(ROOT / "deployments" / name, root / "deployments" / name)
        (root / "requirements.lock").write_text(
            "no-such-library-of-geodata==1.0 --hash=sha256:" + "0" * 64 + "\n"
        )
        for program in PROGRAMS:
            offer(root, program)
        yield root


def offer(machine: Path, program: str, real: str | None = None) -> None:
    """Put a program of this machine on the other's path."""
    found = real or shutil.which(program)
    if found is None:
        pytest.skip(f"the program {program} is not on this machine")
    (machine / "bin" / program).symlink_to(found)


def set_up(
    machine: Path, user: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": str(machine / "bin"),
        "HOME": str(machine),
        "GEODATA_POSTGRESQL_SERVERS": str(machine / "servers"),
    } | variables
    script = str(machine / "deployments/setup")
    return subprocess.run(
        [script],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
        cwd="/",
        user=user,
        check=False,
    )


def test_without_apt_it_names_the_packages(machine: Path) -> None:
    done = set_up(machine)
    assert done.returncode == 1
    assert (
        "this machine has no apt-get: make python3 python3-venv postgresql-postgis." in done.stderr
    )
    assert "or set GEODATA_DATABASE_URL" in done.stderr


def test_without_rights_it_gives_the_command(machine: Path) -> None:
    for program in ("apt-get", "apt-cache"):
        offer(machine, program)
    done = set_up(machine, user="nobody" if os.geteuid() == 0 else None)
    assert done.returncode == 1
    assert "this account may not install them" in done.stderr
    command = re.search(
        r"Run 'apt-get install --no-install-recommends ([^']*)' as root", done.stderr
    )
    assert command is not None, done.stderr
    assert re.search(r"\bmake\b.*\bpostgresql-(\d+-)?postgis(-3)?$", command[1])


def test_postgis_is_asked_for_the_server_that_is_there(machine: Path) -> None:
    for version in ("9.6", "14", "98", "99"):
        program = machine / "servers" / version / "bin/initdb"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
    assert "postgresql-99-postgis-3" in set_up(machine).stderr
    for version in ("98", "99"):
        shutil.rmtree(machine / "servers" / version)
    assert "postgresql-postgis" in set_up(machine).stderr  # 14 and 9.6 are too old


@pytest.mark.parametrize("variable", ["GEODATA_DATABASE_URL", "GEODATA_DATABASE_BLOCK"])
def test_a_database_elsewhere_needs_no_server_here(machine: Path, variable: str) -> None:
    done = set_up(machine, **{variable: "elsewhere"})
    assert "postg" not in done.stderr
    assert "make python3 python3-venv" in done.stderr


@pytest.fixture
def furnished(machine: Path) -> Path:
    """A machine that has everything but the libraries."""
    offer(machine, "make", real=shutil.which("true"))
    offer(machine, "python3", real=os.path.realpath(sys.executable))
    venv.create(machine / ".venv", with_pip=True, symlinks=True)
    return machine


def stamp(machine: Path) -> Path:
    read = [(machine / name).read_text() for name in ("requirements.lock", "deployments/setup")]
    text = "".join((*read, f"{machine}/.venv\n"))
    return machine / ".venv" / f".set-up-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def assets_stamp(machine: Path) -> Path:
    content = (machine / "deployments/web_assets.py").read_bytes()
    return machine / ".venv" / f".web-assets-{hashlib.sha256(content).hexdigest()[:16]}"


@pytest.mark.slow
def test_nothing_is_done_twice_and_a_new_lock_is_installed(furnished: Path) -> None:
    stamp(furnished).touch()
    assets_stamp(furnished).touch()
    offline = {"GEODATA_DATABASE_URL": "elsewhere", "PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}
    done = set_up(furnished, **offline)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    with open(furnished / "requirements.lock", "a") as lock:
        lock.write("# another library\n")
    done = set_up(furnished, **offline)
    assert "installing the libraries" in done.stdout
    assert done.returncode == 1
    assert "setup: the libraries of requirements.lock could not be installed" in done.stderr
    assert not stamp(furnished).exists()


def test_the_makefile_lists_every_target() -> None:
    listed = subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    assert re.findall(r"^  make (\S+) +\S", listed, re.MULTILINE) == declared[1].split()


def test_targets_keep_bytecode_where_the_environment_says_not_to() -> None:
    shown = "shown: ; @printenv PYTHONDONTWRITEBYTECODE || echo kept"
    done = subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", "--eval", shown, "shown"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    assert done.stdout == "kept\n"


def test_psql_opens_on_the_local_database(cluster_database: Database) -> None:
    words = [
        sys.executable,
        "-m",
        "tasks.core.postgres.shell",
        "open",
        "-Atc",
        "SELECT current_database()",
    ]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=600, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "geodata"), done.stderr


def test_a_password_does_not_show_in_the_list_of_processes() -> None:
    uri, environment = shell.without_secrets(parse("postgresql://me:se%40cret@host/name"))
    assert uri == "postgresql://me@host/name"
    assert environment["PGPASSWORD"] == "se@cret"


def test_stopping_without_a_database_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEODATA_DATA", str(tmp_path))
    assert shell.main(["stop"]) == 0
    assert "was not running" in capsys.readouterr().out
    assert shell.main(["begin"]) == 1
    assert "expected python -m tasks.core.postgres.shell open" in capsys.readouterr().err
