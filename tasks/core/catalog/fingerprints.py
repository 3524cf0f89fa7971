"""The fingerprint of an edition, by which equal inputs and equal code are recognised.

Of the code it covers what can change a row, a column, its description or its key: unpacking,
loading, cleaning, recoding and joining, with the verbs that call them; the declarations they read;
how rows and the layers of other editions get into tables; how tables become layers; the functions
of SQL; the flow with its scripts and offices. It does not cover what happens before and after: the
asking of publishers (the bytes they gave are an input), the archive and its retention, checks
(which stop a run and change nothing), publishing, catalog, rebuilds, the command line. So a change
there makes no edition anew, and a rebuild by such a newer code counts as one by the same code.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tasks.core.catalog.rows import as_json
from tasks.core.model.declarations import Dataset
from tasks.core.model.handles import Foundation, Original
from tasks.core.model.settings import ROOT, SQL

VERBS = ("aggregates", "code_events", "coverages", "files", "joins", "tables")
MAKES_ROWS = (
    *(f"tasks/core/catalog/{name}.py" for name in ("column_rules", "foundations", "layers")),
    "tasks/core/catalog/layer_figures.py",
    "tasks/core/making/**/*.py",
    *(f"tasks/core/model/{name}.py" for name in ("columns", "declarations", "handles")),
    # how rows are copied, which columns there are, and what names mean in a session
    *(f"tasks/core/postgres/{name}.py" for name in ("arrow", "columns", "copying", "database")),
    *(f"tasks/verbs/{name}.py" for name in VERBS),
)


def fingerprint(
    dataset: Dataset,
    vintage: int,
    originals: tuple[Original, ...],
    after: Sequence[Foundation] = (),
) -> str:
    """Return the SHA-256 over an edition's originals, declarations, foundations and code."""
    digest = hashlib.sha256(as_json([dataset.slug, dataset.layers, vintage]).encode())
    for original in originals:
        source = original.source
        told = [source.slug, source.vintage, source.mirror, original.sha256]
        digest.update(as_json(told).encode())
        totals = {
            column: (float(total.expected), total.tolerance)
            for column, total in source.totals.items()
        }
        numbers = (source.rows, totals, source.distinct, source.counts)
        read = (source.container, source.member, source.territories, source.reads)
        digest.update(repr((*read, *numbers, source.codes_day)).encode())
    for foundation in after:
        told = [foundation.dataset, foundation.vintage, foundation.layers, foundation.content]
        digest.update(as_json(told).encode())
    for path in _code(dataset):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _code(dataset: Dataset) -> Iterator[Path]:
    yield from (path for pattern in MAKES_ROWS for path in sorted(ROOT.glob(pattern)))
    yield from sorted((SQL / "functions").glob("*.sql"))
    flows = {path.stem: path for path in (ROOT / "flows").glob("*.py")}
    yield from (path for slug, path in flows.items() if slug == dataset.slug)
    slugs, scripts = {*flows, dataset.slug}, sorted(SQL.glob("*.sql"))
    yield from (path for path in scripts if _owner(path.stem, slugs) == dataset.slug)
    if dataset.slug in flows:
        yield from sorted(imported([flows[dataset.slug]], "flows.offices"))


def _owner(script: str, slugs: set[str]) -> str:
    """Return the dataset (longest slug) of a script <slug>.sql or <slug>_<anything>.sql."""
    fitting = (slug for slug in slugs if script == slug or script.startswith(f"{slug}_"))
    return max(fitting, key=len, default="")


def imported(modules: Iterable[Path], package: str) -> set[Path]:
    """Return the modules of a package that modules import, directly or through one another."""
    found: set[Path] = set()
    ahead = [*modules]
    while ahead:
        new = _imports(ahead.pop(), package) - found
        found |= new
        ahead += new
    return found


def _imports(module: Path, package: str) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    within = (name for name in names if name.startswith(f"{package}."))
    return {path for name in within if (path := ROOT / f"{name.replace('.', '/')}.py").exists()}
