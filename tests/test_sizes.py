"""What runs take beside what prefect.yaml gives: held to the figures kept, and to a catalog's."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "deployments"))

import sizes  # noqa: E402
from workspace import work_pool  # noqa: E402

from tasks.core.catalog import runs  # noqa: E402
from tasks.core.model.declarations import Dataset  # noqa: E402
from tasks.core.model.errors import ConfigurationError  # noqa: E402
from tasks.core.postgres.database import Database  # noqa: E402
from tasks.core.rebuilding.restoration import restore_runs  # noqa: E402

DEPLOYMENTS = sizes.sized()
FOUND = sizes.Measured("measured today", 600.0, 2048.0, 30.0, 60.0)
FITTING = {
    "memory_request": "600Mi",
    "memory_limit": "1Gi",
    "scratch_size": "4Gi",
    "cpu_request": "500m",
    "cpu_limit": "2",
}
TAKEN = {"peak_mib": 5000.0, "cpu_seconds": 12.5, "scratch_mib": 3000.0}
BELGIUM = Dataset(slug="belgium", title="Belgium", country="BE", schema="belgium", layers={})


def given(**chosen: str) -> dict[str, Any]:
    """A deployment that gives its pod these sizes, otherwise fitting ones."""
    pool = {"job_variables": FITTING | chosen}
    return {"name": "land", "entrypoint": "flows.land.land", "work_pool": pool}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each["name"])
def test_what_a_deployment_gives_follows_from_what_was_measured(deployment: dict[str, Any]) -> None:
    found = sizes.measured().get(sizes.flow_of(deployment))
    assert list(sizes.amiss(deployment, found)) == []


def test_every_figure_kept_is_of_a_flow_that_is_deployed() -> None:
    flows = {sizes.flow_of(deployment) for deployment in DEPLOYMENTS}
    assert set(sizes.measured()) == flows | {sizes.AROUND}


def test_what_a_deployment_does_not_choose_fits_a_node() -> None:
    variables = work_pool.template()["variables"]["properties"]
    usual = {name: variables[name]["default"] for name in FITTING}
    assert list(sizes._beyond_a_node("usual", sizes.sizes(given(**usual)))) == []


def test_fitting_sizes_are_right() -> None:
    assert list(sizes.amiss(given(), FOUND)) == []


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"memory_limit": "636Mi"}, "memory_limit was expected between 637 and 2,400 MiB, as 600"),
        ({"memory_limit": "2401Mi"}, r"memory_limit .* \(measured today\), and is 2,401: change"),
        ({"scratch_size": "2868Mi"}, None),
        ({"scratch_size": "2866Mi"}, "scratch_size was expected between 2,867 and 8,192 MiB"),
        ({"scratch_size": "9Gi"}, "scratch_size was expected between 2,867 and 8,192 MiB"),
        ({"memory_request": "500Mi"}, "memory_request was expected to be at least the 600 MiB"),
        ({"cpu_request": "2"}, "cpu_request was expected to be at most the 1.9 processors"),
    ],
)
def test_a_size_that_does_not_follow_is_named(chosen: dict[str, str], said: str | None) -> None:
    faults = list(sizes.amiss(given(**chosen), FOUND))
    if said is None:
        assert faults == []
    else:
        (fault,) = faults
        assert re.search(said, fault), fault


def test_what_no_node_gives_is_named() -> None:
    large = replace(FOUND, peak_mib=5000.0, scratch_mib=40_000.0)
    chosen = given(memory_limit="8Gi", memory_request="6Gi", scratch_size="80Gi")
    faults = list(sizes.amiss(chosen, large))
    assert [fault.split(" was ")[0] for fault in faults] == [
        "land: memory_limit",
        "land: scratch_size",
    ]
    assert all("that a node of 2 processors and 8 GiB gives" in fault for fault in faults)


def test_what_was_never_measured_is_amiss() -> None:
    (fault,) = sizes.amiss(given(), None)
    assert fault.startswith("land was never measured: run tests/benchmark_sizes.py")


def test_the_command_prints_what_was_never_measured_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "measured.json"
    figures.write_text("{}")
    monkeypatch.setattr(sizes, "FIGURES", figures)
    assert sizes.main([]) == 1
    told = capsys.readouterr()
    assert told.err.count(" was never measured: ") == len(DEPLOYMENTS)
    assert told.out.count("AMISS") == len(DEPLOYMENTS)


def test_small_runs_may_have_what_python_needs() -> None:
    small = replace(FOUND, peak_mib=90.0, scratch_mib=1.0)
    chosen = given(memory_request="128Mi", memory_limit="512Mi", scratch_size="1Gi")
    assert list(sizes.amiss(chosen, small)) == []


@pytest.mark.parametrize(
    ("quantity", "expected"), [("512Mi", 512), ("4Gi", 4096), ("1.5Gi", 1536), ("1048576", 1)]
)
def test_sizes_are_read_as_kubernetes_writes_them(quantity: str, expected: float) -> None:
    assert sizes.mib(quantity) == expected
    assert (sizes.processors("500m"), sizes.processors("2")) == (0.5, 2)
    with pytest.raises(ConfigurationError, match=r"such as 512Mi or 4Gi .* found '4 GB'"):
        sizes.mib("4 GB")


@pytest.mark.parametrize("size", ["512Ki", "1Ei", "0.5Gi", "1000k", "2P", "512Kib", "4gi", "512m"])
def test_the_pool_takes_the_sizes_that_kubernetes_and_this_command_take(size: str) -> None:
    pattern = work_pool.template()["variables"]["properties"]["memory_limit"]["pattern"]
    try:
        is_size = sizes.mib(size) > 0
    except ConfigurationError:
        is_size = False
    assert is_size is (re.search(pattern, size) is not None)
    assert is_size is (size not in ("512Kib", "4gi", "512m"))


@pytest.mark.parametrize("amount", ["two", "1500u", "", 2, None])
def test_processors_that_cannot_be_read_are_refused_in_a_sentence(amount: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Processors such as 500m .* correct it there"):
        sizes.processors(amount)


def test_what_a_deployment_does_not_choose_is_that_of_the_pool() -> None:
    usual = work_pool.template()["variables"]["properties"]["scratch_size"]["default"]
    chosen = {name: size for name, size in FITTING.items() if name != "scratch_size"}
    deployment = given() | {"work_pool": {"job_variables": chosen}}
    assert sizes.sizes(deployment) == sizes.sizes(given(scratch_size=usual))


@pytest.mark.parametrize("name", ["peak_mib", "scratch_mib", "seconds"])
def test_a_figure_that_is_missing_is_not_taken_for_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = json.loads(sizes.FIGURES.read_text())
    del kept["belgium"][name]
    (figures := tmp_path / "measured.json").write_text(json.dumps(kept))
    monkeypatch.setattr(sizes, "FIGURES", figures)
    assert sizes.main([]) == 1
    assert f"What belgium took was expected in measured.json, found no {name}" in (
        capsys.readouterr().err
    )


@pytest.fixture
def ended(other_database: Database) -> Database:
    """A catalog with one run of Belgium, which took more than its pod would bear."""
    runs.begin(other_database, BELGIUM, "run", "belgium", {})
    runs.end(other_database, "run", "published", "Published.", TAKEN)
    return other_database


def test_the_command_prints_all_deployments_and_their_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sizes.main([]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    for deployment in DEPLOYMENTS:
        assert f"\n{deployment['name']} " in told.out


def test_the_command_reads_a_catalog_and_says_what_is_amiss(
    ended: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sizes.main(["--catalog"]) == 1
    told = capsys.readouterr()
    assert "belgium: memory_limit was expected between" in told.err
    assert "(1 runs)" in told.err
    assert len(told.err.splitlines()) == told.err.count("sizes: belgium: ")
    (line,) = (each for each in told.out.splitlines() if each.startswith("belgium "))
    assert line.endswith("AMISS")


def test_runs_that_made_nothing_do_not_make_a_size_too_large(
    other_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    france = Dataset(slug="france", title="France", country="FR", schema="france", layers={})
    runs.begin(other_database, france, "run", "france", {})
    small = {"peak_mib": 250.0, "cpu_seconds": 5.0, "scratch_mib": 0.0}
    runs.end(other_database, "run", "unchanged", "Nothing new.", small)
    assert sizes.main(["--catalog"]) == 0
    assert capsys.readouterr().err == ""


def test_what_a_run_took_comes_back_with_its_document_and_older_documents_do_too(
    ended: Database,
) -> None:
    dataset, row = ended.rows(
        "SELECT to_jsonb(d), to_jsonb(r) FROM catalog.run r JOIN catalog.dataset d ON"
        " d.slug = r.dataset"
    )[0]
    older = {name: value for name, value in row.items() if name not in TAKEN} | {"id": "older"}
    with ended.session() as cursor:
        cursor.execute("DELETE FROM catalog.run")
        documents = [{"dataset": dataset, "run": each} for each in (row, older)]
        restore_runs(cursor, [], documents)
    kept = ended.rows("SELECT id, peak_mib, cpu_seconds, scratch_mib FROM catalog.run ORDER BY id")
    assert kept == [("older", None, None, None), ("run", *TAKEN.values())]


def test_a_run_that_is_tried_again_begins_without_figures(ended: Database) -> None:
    runs.begin(ended, BELGIUM, "run", "belgium", {})
    assert runs.taken(ended, days=90) == {}
