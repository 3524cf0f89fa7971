"""What each deployment takes of its pod at national scale: memory, processors, scratch, seconds.

    python tests/benchmark_sizes.py [--scale 1 --rows 5000000] [--keep FOLDER] [--only NAME …]
    [--memory BYTES] [--keep-figures]

Every flow is started as a pod starts it, by `prefect flow-run execute` in folders of its own, from
synthetic files at national scale, with the archive in a real S3 API, so that originals are copied
into scratch. Five times a second it looks at all processes of the run and at the files of its
scratch. --memory: sirene in a cgroup of its own that may hold no more (as root, cgroups of
version 1 or 2). --keep-figures writes deployments/measured.json, to which tests hold prefect.yaml.
At scale 1 with five million establishments it takes an hour and a half on two processors.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT), str(ROOT / "deployments")]

from benchmark_rebuild import part, write_countries  # noqa: E402
from pods import Pod  # noqa: E402

from tasks.running.gauges import MIB  # noqa: E402

FIGURES = ROOT / "deployments" / "measured.json"
ESTABLISHMENTS = 43_000_000  # of the real stock; scratch grows with them, memory does not
SCALES = {  # what is no national size
    "accept": "a refusal, as nothing waited for a person",
    "audit_archive": "with a repair of the largest original",
    **dict.fromkeys(("backfill", "drill", "rebuild"), "one small edition: the supervisor"),
}
MIRRORS: dict[str, tuple[str, int | None]] = {  # by flow: folder of its files, vintage asked for
    "united_states": ("united_states", 2023),
    "united_states_estimates": ("united_states", 2023),
    "united_states_income": ("united_states", 2023),
    "france": ("france", 2024),
    "sirene": ("sirene-2026", 2026),
    "austria": ("austria", 2025),
    "austria_lists": ("austria-lists", None),
    "belgium_income": ("belgium", None),
    "belgium": ("belgium", 2024),
}


class Cluster:
    """What pods find: a database, an S3 API with a bucket, and a Prefect server."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        import boto3
        from moto.server import ThreadedMotoServer
        from prefect.context import refresh_global_settings_context

        from tasks.core.postgres import cluster
        from tasks.running import local_server

        os.environ["GEODATA_DATA"] = str(folder / "server")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        opened.callback(server.stop)
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.get_host_and_port()[1]}",
        }
        self._buckets = boto3.client("s3")
        self.database = cluster.database()
        opened.callback(cluster.stop)
        os.environ["PREFECT_API_URL"] = local_server.start()
        refresh_global_settings_context()
        opened.callback(local_server.stop)
        self.folder = folder
        self.begin_anew("archive")

    def begin_anew(self, name: str, *, archive: bool = True) -> None:
        """Let runs find an empty database, and an empty archive too."""
        self.database.outside_transaction(f'CREATE DATABASE "{name}"')
        url = self.database.url.set(database=name)
        os.environ["GEODATA_DATABASE_URL"] = url.render_as_string(hide_password=False)
        if archive:
            self._buckets.create_bucket(Bucket=name)
            os.environ["GEODATA_ARCHIVE"] = f"s3://{name}/geo"

    def run(self, flow: str, memory: int | None = None, **parameters: Any) -> Pod:
        """Run a deployment of a flow as a pod does, and return what it took."""
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(
                flow_id=client.create_flow_from_name(flow.replace("_", "-")),
                name=flow,
                entrypoint=f"flows.{flow}.{flow}",
                pull_steps=[
                    {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}
                ],
            )
            made = client.create_flow_run_from_deployment(deployment, parameters=parameters)
            pod = Pod(self.folder / f"pod-{made.id}", memory)
            pod.run(str(made.id))
            state = client.read_flow_run(made.id).state
        said = f"{state.name if state else 'unknown'}: {str(state and state.message)[:150]}"
        print(
            f"{flow:24} {pod.peak_mib:7.0f} MiB {pod.scratch_mib:8.0f} MiB of scratch"
            f" {pod.cpu_seconds:7.1f} CPU s {pod.seconds:7.1f} s  {said}",
            flush=True,
        )
        if not (state and state.is_completed()) and flow != "accept":  # nothing waits for a person
            raise SystemExit(f"{pod.folder}.log says why {flow} did not end well.")
        return pod


def measure(
    cluster: Cluster, world: Path, options: argparse.Namespace
) -> Iterator[tuple[str, Pod]]:
    """Run every flow that was asked for; countries first, then what looks after them.

    What looks after them is measured on Belgium, withdrawals on Austria, pages and exports on the
    United States.
    """

    def country(flow: str, folder: Path = world, **more: Any) -> Pod:
        name, vintage = MIRRORS[flow]
        mirror: dict[str, Any] = {"mirror": str(folder / name)}
        mirror |= {"vintage": vintage} if vintage else {}
        memory = options.memory if flow == "sirene" else None
        return cluster.run(flow, memory, **mirror, **more)

    for flow in MIRRORS:
        if flow in options.only:
            yield flow, country(flow)
    if options.countries:
        return
    if "austria" in options.only:
        yield "withdraw", cluster.run("withdraw", dataset="austria", vintage=2025)
    if "united_states" in options.only:
        place = os.environ["GEODATA_ARCHIVE"].rpartition("/")[0]
        largest = {"layer": "united_states.block_groups", "format": "geoparquet"}
        yield "export", cluster.run("export", **largest, to=f"{place}/exports/")
        yield "site", cluster.run("site", to=f"{place}/site")
    if "belgium" not in options.only:
        return
    country("belgium", rebuild=True)
    for flow, parameters in {
        "rollback": {"dataset": "belgium"},
        "accept": {"dataset": "belgium", "edition": 1, "person": "nobody"},
        "freshness": {},
        "audit_archive": {"period_days": 1},
        "purge": {},
    }.items():
        yield flow, cluster.run(flow, **parameters)
    cluster.begin_anew("supervised")
    small = options.small
    country("belgium", small)
    mirror = str(small / "belgium")
    yield "backfill", cluster.run("backfill", datasets=["belgium"], since=2024, mirror=mirror)
    yield "drill", cluster.run("drill")
    cluster.begin_anew("rebuilt", archive=False)
    yield "rebuild", cluster.run("rebuild")


def write(world: Path, scale: float, rows: int) -> None:
    """The synthetic files, the stock of establishments as CSV in a zip."""
    from synthetic import austria
    from test_sirene import World

    if not (world / "belgium").exists():
        write_countries(world, scale)
    if not (world / "austria-lists").exists():
        austria.write(world / "austria-lists", part(2_092, 45, scale), (2023,))
    if not (world / "sirene-2026").exists():
        World(world, 2026, rows, part(49_000, 400, scale), formats=("csv",)).mirror("zip")


def kept(pods: dict[str, Pod], world: Path, scale: float, rows: int) -> None:
    """Write the figures to the file that tests hold prefect.yaml to; others stay as they are.

    An audit that repairs a copy has an original in scratch: the largest is the stock.
    """
    from tasks.core.model.revision import code_revision

    files = (file.stat().st_size for file in (world / "sirene-2026").iterdir())
    largest_original = max(files) / MIB * max(1.0, ESTABLISHMENTS / rows)
    when = {"revision": code_revision(), "date": f"{date.today()}"}
    told = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for flow, pod in pods.items():
        if flow in MIRRORS:
            around = max(pod.around_mib, told.get("prefect", {}).get("peak_mib", 0))
            told["prefect"] = {
                "peak_mib": round(around),
                "scale": "the process around each run",
                **when,
            }
        share = min(1.0, rows / ESTABLISHMENTS) if flow == "sirene" else 1.0
        repaired = largest_original if flow == "audit_archive" else 0.0
        told[flow] = {
            "peak_mib": round(pod.peak_mib),
            "scratch_mib": round(max(pod.scratch_mib / share, repaired)),
            "cpu_seconds": round(pod.cpu_seconds / share),
            "seconds": round(pod.seconds / share),
            "scale": SCALES.get(flow, scale) if share == 1 else f"{rows:,} rows × {1 / share:.1f}",
            **when,
        }
    FIGURES.write_text(json.dumps(dict(sorted(told.items())), indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Write the files, run the flows, and print or keep what they took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", nargs="+", default=list(MIRRORS), choices=list(MIRRORS))
    parser.add_argument("--countries", action="store_true", help="leave out what looks after them")
    parser.add_argument("--memory", type=int)
    parser.add_argument("--keep-figures", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geodata-sizes-") as name, ExitStack() as opened:
        os.chmod(name, 0o755)  # the database server's account walks through it
        world = options.keep or Path(name) / "world"
        write(world, options.scale, options.rows)
        options.small = Path(name) / "small"
        write_countries(options.small, 0.01)
        pods = {}
        for flow, pod in measure(Cluster(Path(name), opened), world, options):
            pods[flow] = pod
            if options.keep_figures:
                kept({flow: pod}, world, options.scale, options.rows)


if __name__ == "__main__":
    main()
