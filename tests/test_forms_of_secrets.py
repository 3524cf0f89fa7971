"""Forms of secrets: every way in which a person may write one into a setting, and nowhere shown."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect.utilities.schema_tools.validation import is_valid
from psycopg2 import OperationalError

from flows import belgium
from tasks.core.archive.replication import Locations
from tasks.core.model.errors import ConfigurationError
from tasks.core.model.secrets import hide
from tasks.core.model.settings import ROOT, settings
from tasks.core.postgres import shell
from tasks.core.postgres.database import Database, engine, parse, require_postgis
from tasks.core.upstream.credentials import with_credentials
from tasks.running import command_line

MARK = "s3cr1t"  # in every secret
NOWHERE = "127.0.0.1:1"


def refused(setting: Callable[[], Any]) -> str:
    """All that a person or a log sees of a refusal."""
    with pytest.raises(ConfigurationError) as caught:
        setting()
    return "".join(traceback.format_exception(caught.value, chain=True)) + repr(caught.value)


URLS = f"""
postgresql://u:{MARK}@{NOWHERE}/d
postgresql://u@{NOWHERE}/d?password={MARK}
postgresql://u@{NOWHERE}/d?password=a&password={MARK}
postgresql://u@{NOWHERE}/d?password=a&{MARK}=b
postgresql://u@{NOWHERE}/d?sslmode=disable&sslpassword={MARK}
postgresql://u@{NOWHERE}/d?options=-c%20no.such.{MARK}=1
postgresql://u@{NOWHERE}/d?pasword={MARK}
postgresql://u@{NOWHERE}/d%20password={MARK}
postgresql://u@{NOWHERE}/d password={MARK}
postgresql://u:p@{MARK}@{NOWHERE}/d
postgresql://u:p@{MARK}/x@{NOWHERE}/d
postgresql://u:12/{MARK}@{NOWHERE}/d
postgresql://u/{MARK}:p@{NOWHERE}/d
postgresql://u/v:{MARK}@{NOWHERE}/d
postgresql://u:p?{MARK}@{NOWHERE}/d
postgresql://u:p#{MARK}@{NOWHERE}/d
postgresql://u:p%00{MARK}@{NOWHERE}/d
postgresql://u:p\x00{MARK}@{NOWHERE}/d
postgresql://u:p\udce9{MARK}@{NOWHERE}/d
postgresql://u:{MARK}@[]/d
postgresql://u:{MARK}@[::1/d
postgresql://127.0.0.1:{MARK}/d
postgresql:/u:{MARK}@{NOWHERE}/d
u:{MARK}@{NOWHERE}/d
{MARK}://u@{NOWHERE}/d
mysql+{MARK}://u@{NOWHERE}/d
mysql://u:{MARK}@{NOWHERE}/d
jdbc:postgresql://{NOWHERE}/d?user=u&password={MARK}
host=h password={MARK}
""".strip().split("\n")


@pytest.mark.parametrize("url", URLS, ids=[f"form {number}" for number in range(len(URLS))])
def test_no_form_of_the_database_url_shows_its_password(url: str) -> None:
    assert MARK not in refused(lambda: require_postgis(parse(url)))


def test_a_password_among_the_options_is_the_password() -> None:
    found = parse(f"postgresql://u@h/d?password={MARK}&sslmode=require")
    assert (found.url.password, dict(found.url.query)) == (MARK, {"sslmode": "require"})
    assert str(found) == repr(found) == "postgresql+psycopg2://u:***@h/d?sslmode=require"


def test_what_a_pool_says_of_a_connection_has_no_secret(
    cluster_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sqlalchemy.pool")
    found = Database(cluster_database.url.update_query_dict({"sslpassword": MARK}))
    with pytest.raises(OperationalError), found.session() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    engine(found).dispose()
    assert "Invalidate connection <connection object" in caplog.text
    assert MARK not in caplog.text


def test_a_command_line_has_no_secret(cluster_database: Database) -> None:
    secret = {"sslpassword": MARK, "options": f"-c geodata.word={MARK}"}
    url = cluster_database.url.update_query_dict(secret).set(password=MARK)
    environment = os.environ | {"GEODATA_DATABASE_URL": url.render_as_string(hide_password=False)}
    asked = "SELECT current_setting('geodata.word'); SELECT pg_sleep(600)"
    command = [sys.executable, "-m", "tasks.core.postgres.shell", "open", "-At"]
    with subprocess.Popen(
        [*command, *("-c", asked.split(";")[0]), *("-c", asked.split(";")[1])],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as opened:
        try:
            assert opened.stdout is not None
            assert opened.stdout.readline() == f"{MARK}\n"  # it is connected, by the options too
            line = psutil.Process(opened.pid).cmdline()
        finally:
            opened.kill()
    assert Path(line[0]).name == "psql"
    assert MARK not in " ".join(line)


def test_options_of_a_service_stay_with_it() -> None:
    public = "postgresql://u@h/d?service=main&sslmode=require"
    assert shell.without_secrets(parse(public))[0] == public
    both = f"{public}&sslpassword={MARK}"
    assert MARK not in refused(lambda: shell.without_secrets(parse(both)))


@pytest.mark.parametrize(
    "location",
    [
        f"s3://key:{MARK}@bucket/archive",
        f"s3://{MARK}@bucket/archive",
        f"s3://key:a/{MARK}@bucket/archive",
        f"s3://key:12/{MARK}@bucket/archive",
        f"s3://bucket/archive?key=a&secret={MARK}",
        f"s3://bucket/archive?X-Amz-Credential={MARK}",
        f"s3://bucket/archive#{MARK}",
        f"s3:/key:{MARK}@bucket/archive",
        f"key:{MARK}@bucket/archive",
        f"gs://{MARK}@bucket",
        f"simplecache::s3://key:{MARK}@bucket/archive",
        f"sftp://me:{MARK}@127.0.0.1/archive",
        f"ftp://me:{MARK}@127.0.0.1/archive",
        f"abfs://container:{MARK}@account/archive",
        f"https://127.0.0.1/archive?sig={MARK}",
        f"{MARK}://archive",
    ],
)
def test_credentials_in_the_place_of_an_archive_are_refused(location: str, tmp_path: Path) -> None:
    said = refused(lambda: Locations([str(tmp_path), location]))
    assert MARK not in said
    assert "GEODATA_ARCHIVE" in said


@pytest.mark.parametrize(
    "location", ["memory://archive", "s3://bucket/a@b", "/folder?/me:you/x", "file:///a", "a@b"]
)
def test_the_place_of_an_archive_without_credentials_passes(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Locations([location]).all[0].url == location


@pytest.mark.parametrize(
    "address",
    [
        f"me:{MARK}@host",
        f"//me:{MARK}@host",
        f"https:/me:{MARK}@host",
        f"ftp://me:{MARK}@host",
        f"https://me:a/{MARK}@host",
        f"https://me:a {MARK}@host",
        f"https://me:{MARK}@[::1",
    ],
)
def test_credentials_that_cannot_be_used_are_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_CREDENTIALS", f"https://me:{MARK}@host {address}")
    said = refused(lambda: with_credentials("https://host/file"))
    assert MARK not in said
    assert "GEODATA_CREDENTIALS" in said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"https://me:{MARK}@host", f"it is {MARK}"),
        (f"https://{MARK}@host", f"your token {MARK} is old"),
        (f"https://host/?{MARK}", f"the question {MARK} has no answer"),
        (f"https://host/?a=1&k={MARK}%2Fx", f"https://other/?{MARK}/x and {MARK}%2Fx"),
        ("https://me:s3cr1t@host", "Authorization: Basic bWU6czNjcjF0"),
    ],
)
def test_what_a_server_repeats_is_hidden(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODATA_CREDENTIALS", address)
    assert MARK not in hide(said)
    assert "bWU6czNjcjF0" not in hide(said)


@pytest.mark.parametrize("name", ["UPSTREAM", "LARGEST_DOWNLOAD", "LONGEST_DOWNLOAD_HOURS"])
def test_an_address_in_the_wrong_setting_is_not_shown(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"GEODATA_{name}", f"https://me:{MARK}@host")
    said = refused(settings)
    assert MARK not in said
    assert f"GEODATA_{name} is something else" in said


@pytest.mark.parametrize(
    "mirror",
    [
        f"https://me:{MARK}@host/files",
        f"https://{MARK}@host",
        f"https://host/files?k={MARK}",
        f"https://me:a/{MARK}@host",
        f"https://me:12/{MARK}@host",
        f"https://me:{MARK}?a@host",
        f"https://me:12?{MARK}@host",
        f"https://me:{MARK}#a@host",
        f" https://me:{MARK}@host",
        f"//me:{MARK}@host/files",
        f"https:/me:{MARK}@host",
        f"me:{MARK}@host/files",
        f"s3://key:{MARK}@bucket",
    ],
)
def test_credentials_are_refused_at_every_door(
    mirror: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not is_valid({"mirror": mirror}, belgium.belgium.parameters.model_dump())
    with pytest.raises(SystemExit) as ended:
        command_line.parse(belgium.belgium, ["--mirror", mirror])
    said = capsys.readouterr().err
    assert (ended.value.code, MARK in said, "GEODATA_CREDENTIALS" in said) == (2, False, True)


@pytest.mark.parametrize(
    "mirror", ["/folder", "relative/folder?", "https://host/a@b", "https://host:8/a%40b", "C:/x"]
)
def test_an_address_without_credentials_passes(mirror: str) -> None:
    assert is_valid({"mirror": mirror}, belgium.belgium.parameters.model_dump())
    assert command_line.parse(belgium.belgium, ["--mirror", mirror]) == {"mirror": mirror}
