"""The tests' own manners: names that stay the same, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import processes
import psutil
import pytest
from deployed import wait

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parent
# Collects all tests twice in one process, so that the libraries are imported once.
TWICE = """
import json, sys, time
import pytest

class Names:
    def pytest_collection_finish(self, session):
        names.append([item.nodeid for item in session.items])

names = []
for _ in range(2):
    began, kept = time.time(), set(sys.modules)
    code = pytest.main(["--collect-only", "-qq"], [Names()])
    assert code == 0, code
    for name in set(sys.modules) - kept:
        if name.startswith("tests."):
            del sys.modules[name]
    time.sleep(max(0, 1.1 - (time.time() - began)))
print(json.dumps(names))
"""
NEVER_ENDS = """
import os, processes, sys, time
def test_never_ends(tmp_path):
    with processes.started(sys.executable, "-c", "import time; time.sleep(600)"):
        print(os.environ[processes.MARK], flush=True)
        time.sleep(600)
"""
LEAVES = """
import subprocess, sys
def test_leaves():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
"""
DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
command = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(command, start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def test_two_collections_have_the_same_names_and_one_can_read_them(
    request: pytest.FixtureRequest,
) -> None:
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = processes.run(sys.executable, "-c", TWICE, env=environment, cwd=TESTS.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = json.loads(done.stdout.splitlines()[-1])
    assert first == second
    assert {item.nodeid for item in request.session.items} <= set(first)
    unreadable = re.compile(r"\\[xunrt0]|0x[0-9a-f]{6}|<.* object")
    assert [name for name in first if unreadable.search(name) or not name.isprintable()] == []


def runs(process: int) -> bool:
    """Say whether a process runs; one that nobody has collected yet does not."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    return False


def pytest_of(folder: Path, test: str) -> tuple[list[str], dict[str, str]]:
    """A session of its own with one test, and our fixtures."""
    (folder / "test_one.py").write_text(test)
    command = f"-m pytest -q -s -p conftest -p no:cacheprovider -c {os.devnull} --rootdir {folder}"
    path = os.pathsep.join((str(TESTS.parent), str(TESTS)))
    environment = os.environ | {"PYTHONPATH": path, "GEODATA_TEST_GRACE": "1"}
    return [sys.executable, *command.split(), str(folder)], environment


def test_nothing_stays_when_pytest_is_killed(tmp_path: Path) -> None:
    command, environment = pytest_of(tmp_path, NEVER_ENDS)
    with processes.started(*command, env=environment) as session:
        said = wait(lambda: re.search(r"\S*geodata-tests-\S+", session.said()), "the test")
        folder = Path(said[0])
        assert len(processes.left(folder)) == 1
        session.send_signal(signal.SIGKILL)
        wait(lambda: not processes.left(folder) and not folder.exists(), "the end of the session")


def test_a_session_that_leaves_a_process_behind_fails_and_ends_it(tmp_path: Path) -> None:
    command, environment = pytest_of(tmp_path, LEAVES)
    with processes.started(*command, env=environment) as session:
        said = session.finish(code=1)
    assert "1 passed" in said
    assert "processes that the session left behind" in said
    (left,) = re.findall(r"^(\d+): .*time\.sleep", said, re.MULTILINE)
    wait(lambda: not runs(int(left)), "the end of what was left")


def test_a_program_that_does_not_listen_is_killed_with_what_it_started() -> None:
    with processes.started(sys.executable, "-c", DEAF, grace=0.5) as program:
        child = int(wait(program.said, "the child's number"))
        assert runs(child)
    assert program.returncode == -signal.SIGKILL
    wait(lambda: not runs(child), "the end of the child")
