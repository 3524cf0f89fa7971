"""What the pages need in the browser: fetched once by npm, from whichever registry, or refused."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest
from file_server import serve

sys.path.append(str(Path(__file__).resolve().parents[1] / "deployments"))

import web_assets


def package(body: bytes) -> bytes:
    """A package of npm with one file."""
    packed = io.BytesIO()
    described = json.dumps({"name": "pmtiles", "version": "1.0.0"}).encode()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("package.json", described), ("a.js", body)):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.slow
def test_a_package_with_other_bytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(tmp_path) as registry:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)
        right = package(b"let a;")
        tarball = {"tarball": f"{registry.rstrip('/')}/pmtiles-1.0.0.tgz"}
        version = {"name": "pmtiles", "version": "1.0.0", "dist": tarball}
        known = {
            "name": "pmtiles",
            "versions": {"1.0.0": version},
            "dist-tags": {"latest": "1.0.0"},
        }
        (tmp_path / "pmtiles").write_text(json.dumps(known))
        (tmp_path / "pmtiles-1.0.0.tgz").write_bytes(right)
        integrity = base64.b64encode(hashlib.sha512(right).digest()).decode()
        assert web_assets.fetch("pmtiles", "1.0.0", integrity) == right
        (tmp_path / "pmtiles-1.0.0.tgz").write_bytes(package(b"let b;"))
        with pytest.raises(
            SystemExit, match=r"pmtiles 1\.0\.0 was expected to have the SHA-512 .* nothing was"
        ):
            web_assets.fetch("pmtiles", "1.0.0", integrity)
        with pytest.raises(SystemExit, match=r"could not be fetched by npm: look at the message"):
            web_assets.fetch("pmtiles", "2.0.0", integrity)


def test_a_message_holds_no_password() -> None:
    said = "404 https://name:word@npm.example/a and https://npm.example/b"
    assert web_assets.hidden(said) == "404 https://npm.example/a and https://npm.example/b"


def test_members_are_packed_without_a_date(tmp_path: Path) -> None:
    packed = package(b"let a;\n//# sourceMappingURL=a.js.map\n")
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        web_assets.unpack(packed, {"package/a.js": "a.js.gz"}, folder)
    first, second = ((folder / "a.js.gz").read_bytes() for folder in folders)
    assert first == second
    assert gzip.decompress(first) == b"let a;\n"
