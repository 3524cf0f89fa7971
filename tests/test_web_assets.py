"""What the pages need in the browser: fetched once, from whichever registry, or refused."""

from __future__ import annotations

import io
import tarfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from file_server import serve

PROGRAM = Path(__file__).resolve().parents[1] / "deployments/web_assets"
INTEGRITY = (
    "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
)


@pytest.fixture(scope="module")
def program() -> Any:
    loader = SourceFileLoader("web_assets", str(PROGRAM))
    module = module_from_spec(spec_from_loader("web_assets", loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


def test_a_package_with_other_bytes_is_refused(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "pmtiles/-/pmtiles-1.0.0.tgz"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"")
    with serve(tmp_path) as registry:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)
        assert program.fetch("pmtiles", "1.0.0", INTEGRITY) == b""
        package.write_bytes(b"other")
        with pytest.raises(
            SystemExit, match=r"pmtiles 1\.0\.0 .* was expected to have the SHA-512"
        ):
            program.fetch("pmtiles", "1.0.0", INTEGRITY)
        with pytest.raises(SystemExit, match=r"could not be fetched .* set NPM_CONFIG_REGISTRY"):
            program.fetch("pmtiles", "2.0.0", INTEGRITY)


def test_the_registry_is_found_as_npm_finds_it(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert program.registry() == program.PUBLIC
    (tmp_path / ".npmrc").write_text("fund=false\nregistry = https://npm.example/mirror/\n")
    assert program.registry() == "https://npm.example/mirror"
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://other.example/")
    assert program.registry() == "https://other.example"
    assert program.hidden("https://name:word@npm.example/a") == "https://npm.example/a"


def test_members_are_packed_without_a_date(program: Any, tmp_path: Path) -> None:
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/a.js")
        body = b"let a;\n//# sourceMappingURL=a.js.map\n"
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        program.unpack(package.getvalue(), {"package/a.js": "a.js.gz"}, folder)
    first, second = ((folder / "a.js.gz").read_bytes() for folder in folders)
    assert first == second
    assert program.gzip.decompress(first) == b"let a;\n"
