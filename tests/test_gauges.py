"""What a run takes of its machine: memory, processors and scratch, each at its highest."""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import pytest
from deployed import wait

from tasks.running import gauges
from tasks.running.gauges import MIB, MemoryGauge, RunGauge, bytes_on_disk

SIZE = 64 * MIB


def hold_memory() -> None:
    """Touch every page of so much memory, and give it back to the system."""
    with mmap.mmap(-1, SIZE) as pages:
        pages.write(b"x" * SIZE)


def test_a_gauge_keeps_its_peak_when_another_is_opened_after_it() -> None:
    with MemoryGauge() as outer:
        hold_memory()
        with MemoryGauge() as inner:
            pass
    assert outer.mib > inner.mib + SIZE / MIB / 2
    with MemoryGauge() as later:
        pass
    assert later.mib < outer.mib


def test_a_gauge_keeps_what_another_within_it_saw() -> None:
    with MemoryGauge() as outer, MemoryGauge() as inner:
        hold_memory()
    assert outer.mib >= inner.mib


def test_scratch_counts_all_files_on_the_disk_and_keeps_its_highest(tmp_path: Path) -> None:
    assert bytes_on_disk(tmp_path / "none") == 0
    (tmp_path / "originals").mkdir()
    file = tmp_path / "originals" / "file"
    with RunGauge(tmp_path) as gauge:
        file.write_bytes(b"x" * 4 * MIB)
        before = gauge.taken()
        file.unlink()
        after = gauge.taken()
    assert bytes_on_disk(tmp_path) < MIB
    assert after.scratch_mib == before.scratch_mib >= 4
    assert after.cpu_seconds >= before.cpu_seconds >= 0
    assert after.peak_mib >= before.peak_mib > 1


def test_looks_at_very_many_files_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = list[float]()

    def look(_: Path) -> int:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
        looks.append(time.monotonic())
        return 0

    monkeypatch.setattr(gauges, "bytes_on_disk", look)
    monkeypatch.setattr(gauges, "SECONDS", 0.01)
    monkeypatch.setattr(gauges, "SHARE", 0.2)
    with RunGauge(tmp_path):
        wait(lambda: len(looks) > 1, "two looks")
    assert looks[1] - looks[0] > 0.05 / 0.2
