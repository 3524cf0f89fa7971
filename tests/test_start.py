"""How fast a run starts: a flow's import loads what every run needs, and nothing else."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import processes

ROOT = Path(__file__).resolve().parents[1]
EARLY = {  # the libraries that pyproject.toml names and an import may load, as they are imported
    *("prefect", "cyclopts", "sqlalchemy", "psycopg2", "adbc_driver_manager"),
    *("pydantic", "pydantic_settings", "inflate64", "backports.zstd", "brotli", "httpx"),
    *("msgspec", "orjson", "tenacity", "fsspec", "pythonjsonlogger", "prometheus_client", "jinja2"),
}
LATE = {  # those loaded where they are used
    *("fastapi", "prefect_sqlalchemy", "adbc_driver_postgresql", "pgpq", "pyarrow", "geopandas"),
    *("shapely", "pyogrio", "pyproj", "numpy", "fiona", "pandas", "python_calamine", "py7zr"),
    *("rdflib", "lxml", "s3fs", "pmtiles", "matplotlib"),
}
# what comes with them and with Prefect: up to a second each
NEVER = {
    *("boto3", "botocore", "aiobotocore", "duckdb", "pytest", "prefect_kubernetes"),
    *("kubernetes_asyncio", "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "prefect.server.api"),
}
PACKAGES = {  # where the name of a library differs from that of its package
    "psycopg2-binary": "psycopg2",
    "adbc-driver-postgresql": "adbc_driver_postgresql",
    "python-json-logger": "pythonjsonlogger",
}
IMPORTS = """
import importlib, json, sys
loaded = {}
for flow in sys.argv[1:]:
    before = {*sys.modules}
    importlib.import_module(f"flows.{flow}")
    loaded[flow] = sorted({*sys.modules} - before)
print(json.dumps(loaded))
"""
FRAMES = """
import sys
from tasks.running.frames import without_frames
with without_frames():
    import adbc_driver_postgresql.dbapi, pyarrow, pyogrio
    pyarrow.array([1])
    assert "pandas" not in sys.modules
    assert "geopandas" not in sys.modules
import geopandas
assert pyarrow.table({"a": [1]}).to_pandas()["a"].tolist() == [1]
with without_frames():
    import pandas
print(len(geopandas.GeoDataFrame({"a": [1]})))
"""


def python(program: str, *arguments: str) -> str:
    done = processes.run(sys.executable, "-c", program, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_flow_loads_at_its_import_what_only_some_runs_need() -> None:
    flows = sorted(path.stem for path in (ROOT / "flows").glob("[!_]*.py"))
    loaded = json.loads(python(IMPORTS, *flows))
    assert {*loaded} == {*flows}
    assert "sqlalchemy" in {name for names in loaded.values() for name in names}
    found = {flow: [*filter((LATE | NEVER).__contains__, names)] for flow, names in loaded.items()}
    assert {flow: names for flow, names in found.items() if names} == {}, (
        "import it in the function that uses it"
    )


def test_every_library_is_loaded_by_all_runs_or_where_it_is_used() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[><=\[]", library)[0] for library in declared}
    modules = {PACKAGES.get(name, name.replace("-", "_")) for name in names}
    assert {name.replace("backports_zstd", "backports.zstd") for name in modules} <= EARLY | LATE
    assert not EARLY & LATE


def test_a_run_finds_no_data_frames_and_who_wants_them_later_does() -> None:
    assert python(FRAMES).strip() == "1"
