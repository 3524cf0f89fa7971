"""Which code is running, and the fingerprint by which equal inputs and equal code are
recognised.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.core.catalog.rows import as_json
from tasks.core.model.declarations import Dataset
from tasks.core.model.handles import Foundation, Original
from tasks.core.model.settings import ROOT, SQL


def fingerprint(
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    after: Sequence[Foundation] = (),
) -> str:
    """SHA-256 over everything an edition is a function of: originals, their declarations, its
    foundations, and the code.
    """
    digest = hashlib.sha256(as_json([dataset.slug, dataset.layers, vintage]).encode())
    for original in originals:
        source = original.source
        digest.update(
            as_json([source.slug, source.vintage, source.mirror, original.sha256]).encode()
        )
        totals = {
            column: (float(total.expected), total.tolerance)
            for column, total in source.totals.items()
        }
        numbers = (source.rows, totals, source.distinct, source.counts)
        digest.update(
            repr(
                (source.container, source.member, source.reads, *numbers, source.codes_day)
            ).encode()
        )
    for foundation in after:
        digest.update(
            as_json(
                [foundation.dataset, foundation.vintage, foundation.layers, foundation.content]
            ).encode()
        )
    for path in _code(dataset):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _code(dataset: Dataset) -> Iterator[Path]:
    yield from sorted((ROOT / "tasks").rglob("*.py"))
    yield from sorted((SQL / "functions").glob("*.sql"))
    flows = {path.stem: path for path in (ROOT / "flows").glob("*.py")}
    yield from (path for slug, path in flows.items() if slug == dataset.slug)
    yield from (
        path
        for path in sorted(SQL.glob("*.sql"))
        if _owner(path.stem, {*flows, dataset.slug}) == dataset.slug
    )
    if dataset.slug in flows:
        yield from sorted(_offices(flows[dataset.slug]))


def _owner(script: str, slugs: set[str]) -> str:
    """The dataset whose file an SQL script is by its name, <slug>.sql or <slug>_<anything>.sql; the
    longest slug that fits.
    """
    return max(
        (slug for slug in slugs if script == slug or script.startswith(f"{slug}_")),
        key=len,
        default="",
    )


def _offices(flow: Path) -> set[Path]:
    """The modules of offices that a flow imports, directly or through one another."""
    found: set[Path] = set()
    ahead = [flow]
    while ahead:
        new = _imported(ahead.pop()) - found
        found |= new
        ahead += new
    return found


def _imported(module: Path) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    folder = ROOT / "flows" / "offices"
    return {path for path in folder.glob("*.py") if f"flows.offices.{path.stem}" in names}
