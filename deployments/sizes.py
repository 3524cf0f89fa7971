"""What runs take beside what prefect.yaml gives their pods: `make sizes`, or python
deployments/sizes.py [--catalog].

The figures are those of measured.json, kept by tests/benchmark_sizes.py, which runs every flow as a
pod does at national scale; with --catalog, of each dataset those of its runs of the last 90 days,
in the catalog of GEODATA_DATABASE_URL. Ends with 1 where a size is amiss:

memory limit   at least 1.4 times the most memory that was measured, but for the pages of libraries'
               files, which the kernel drops before it kills; at most 4 times all of it
scratch size   1.4 to 4 times the most that files held
memory request at least the most memory, so that no node is promised to more pods than it bears
all            no more than a node of 2 processors and 8 GiB gives

Python with its libraries, Prefect's process around the run and what they write need 512 MiB of
memory and 1 GiB of scratch: no size is below, and none up to twice that too large.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from quantities import mib, processors
from workspace import work_pool
from workspace.declared import deployments

from tasks.core.catalog.runs import taken
from tasks.core.model.errors import ConfigurationError, GeodataError
from tasks.running.site import site

FIGURES = Path(__file__).with_name("measured.json")
MARGIN, MOST = 1.4, 4.0
FILE_PAGES = 145  # MiB: 127 to 136 of the run's process, 18 of the one around it (RssFile)
LEAST_MEMORY, LEAST_SCRATCH = 512, 1024  # MiB
ROOM_MEMORY, ROOM_SCRATCH = 1024, 2048  # MiB up to which nothing is called too large
NODE_CPU, NODE_MEMORY, NODE_SCRATCH = 1.9, 7 * 1024, 50 * 1024  # what pods get of it; MiB
AROUND = "prefect"  # in measured.json: the process around each run, in no catalog
BORROWER = "rebuild-edition"  # its pods are sized as those of the dataset's own deployment
DAYS = 90
OTHERS = ("scratch_mib", "cpu_seconds", "seconds")  # of each flow, beside peak_mib
HEADINGS = "deployment measured peak limit × scratch size × cores request seconds verdict"


@dataclass(frozen=True)
class Measured:
    """What runs of one flow took at most; memory and scratch in MiB. told: where that is from."""

    told: str
    peak_mib: float
    scratch_mib: float
    cpu_seconds: float
    seconds: float


@dataclass(frozen=True)
class Sizes:
    """What a deployment gives its pod; memory and scratch in MiB, processors in numbers."""

    memory_request: float
    memory_limit: float
    scratch_size: float
    cpu_request: float
    cpu_limit: float


def main(arguments: list[str] | None = None) -> int:
    """Print the table and what is amiss; 1 where anything is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--catalog", action="store_true", help="figures of this catalog's runs")
    try:
        return _report(catalog=parser.parse_args(arguments).catalog)
    except GeodataError as error:
        print(f"sizes: {error}", file=sys.stderr)
        return 1


def _report(*, catalog: bool) -> int:
    figures = measured()
    figures |= of_catalog(figures) if catalog else {}
    lines, wrong = [HEADINGS.split()], list[str]()
    for deployment in sized():
        found = figures.get(flow_of(deployment))
        faults = list(amiss(deployment, found))
        lines.append(_line(deployment, found, faults))
        wrong += faults
    _print_table(lines)
    for fault in wrong:
        print(f"sizes: {fault}", file=sys.stderr)
    return 1 if wrong else 0


def sized() -> list[dict[str, Any]]:
    """Return the deployments, but for that whose runs get the size of another one each."""
    return [each for each in deployments() if each["name"] != BORROWER]


def flow_of(deployment: Mapping[str, Any]) -> str:
    """Return the name of a deployment's flow, which is that of its dataset where it has one."""
    return str(deployment["entrypoint"].rpartition(".")[2])


def sizes(deployment: Mapping[str, Any]) -> Sizes:
    """Return what a deployment gives its pod, by its own choice or that of the work pool."""
    usual = work_pool.template()["variables"]["properties"]
    chosen = {name: usual[name]["default"] for name in Sizes.__dataclass_fields__}
    chosen |= deployment["work_pool"].get("job_variables", {})
    return Sizes(
        **{name: mib(chosen[name]) for name in ("memory_request", "memory_limit", "scratch_size")},
        **{name: processors(chosen[name]) for name in ("cpu_request", "cpu_limit")},
    )


def amiss(deployment: Mapping[str, Any], found: Measured | None) -> Iterator[str]:
    """Say in a sentence each what is wrong with the sizes of a deployment."""
    name, given = deployment["name"], sizes(deployment)
    if found is None:
        yield (
            f"{name} was never measured: run tests/benchmark_sizes.py --scale 1 --keep-figures, or"
            f" add {flow_of(deployment)} to it."
        )
        return
    for what, size, taken_most, least, room in (
        ("memory_limit", given.memory_limit, found.peak_mib, LEAST_MEMORY, ROOM_MEMORY),
        ("scratch_size", given.scratch_size, found.scratch_mib, LEAST_SCRATCH, ROOM_SCRATCH),
    ):
        kept = taken_most - FILE_PAGES if what == "memory_limit" else taken_most
        low, high = max(least, MARGIN * kept), max(room, MOST * taken_most)
        if not low <= size <= high:
            yield (
                f"{name}: {what} was expected between {low:,.0f} and {high:,.0f} MiB, as"
                f" {taken_most:,.0f} were taken ({found.told}), and is {size:,.0f}: change it in"
                " prefect.yaml."
            )
    if given.memory_request < found.peak_mib:
        yield (
            f"{name}: memory_request was expected to be at least the {found.peak_mib:,.0f} MiB that"
            f" were taken ({found.told}), and is {given.memory_request:,.0f}: raise it in"
            " prefect.yaml."
        )
    yield from _beyond_a_node(name, given)


def _beyond_a_node(name: str, given: Sizes) -> Iterator[str]:
    for what, size, most, unit in (
        ("cpu_request", given.cpu_request, NODE_CPU, " processors"),
        ("memory_limit", given.memory_limit, NODE_MEMORY, " MiB"),
        ("scratch_size", given.scratch_size, NODE_SCRATCH, " MiB"),
    ):
        if size > most:
            yield (
                f"{name}: {what} was expected to be at most the {most:,}{unit} that a node of 2"
                f" processors and 8 GiB gives, and is {size:,.1f}: lower it in prefect.yaml."
            )


def measured() -> dict[str, Measured]:
    """Return the figures that were kept, by flow.

    Raises ConfigurationError where one is missing: what is not known is not nothing.
    """
    told = json.loads(FIGURES.read_text(encoding="utf-8"))
    return {flow: _kept(flow, each) for flow, each in told.items()}


def _kept(flow: str, told: Mapping[str, Any]) -> Measured:
    missing = [] if told.get("peak_mib") else ["peak_mib"]  # no process takes none
    missing += [name for name in OTHERS if flow != AROUND and told.get(name) is None]
    if missing:
        raise ConfigurationError(
            f"What {flow} took was expected in {FIGURES.name}, found no {', '.join(missing)}: run"
            " tests/benchmark_sizes.py --scale 1 --keep-figures."
        )
    since = f"{told['revision'][:7]}, {told['date']}"
    return Measured(since, told["peak_mib"], *(told.get(name, 0) for name in OTHERS))


def of_catalog(kept: Mapping[str, Measured]) -> dict[str, Measured]:
    """Return the figures of this catalog's runs, by dataset; Prefect's own process is added.

    Where none of a dataset made an edition, they are too small, and the larger ones of both count.
    """
    return {
        dataset: _of_runs(each, kept[AROUND].peak_mib, None if each.made else kept.get(dataset))
        for dataset, each in taken(site().database, DAYS).items()
    }


def _of_runs(each: Any, around: float, kept: Measured | None) -> Measured:
    peak = around + each.peak_mib
    found = Measured(f"{each.runs} runs", peak, each.scratch_mib, each.cpu_seconds, each.seconds)
    return Measured(kept.told, *map(max, astuple(found)[1:], astuple(kept)[1:])) if kept else found


def _line(deployment: Mapping[str, Any], found: Measured | None, faults: list[str]) -> list[str]:
    given, verdict = sizes(deployment), "AMISS" if faults else "right"
    if found is None:
        return [deployment["name"], "never", *["-"] * (len(HEADINGS.split()) - 3), verdict]
    return [
        deployment["name"],
        found.told.replace(" ", " "),
        f"{found.peak_mib:,.0f}",
        *_given(given.memory_limit, found.peak_mib),
        f"{found.scratch_mib:,.0f}",
        *_given(given.scratch_size, found.scratch_mib),
        f"{found.cpu_seconds / max(found.seconds, 0.1):.2f}",
        f"{given.cpu_request:g}",
        f"{found.seconds:,.0f}",
        verdict,
    ]


def _given(size: float, taken_most: float) -> tuple[str, str]:
    return f"{size:,.0f}", f"{size / max(taken_most, 1):,.1f}"


def _print_table(lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print("Memory and scratch in MiB; × is what is given for each MiB taken.\n")
    for name, told, *numbers in lines:
        right = (cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=True))
        print(name.ljust(widths[0]), told.ljust(widths[1]), *right, sep="  ")


if __name__ == "__main__":
    sys.exit(main())
