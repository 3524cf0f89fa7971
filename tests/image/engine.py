"""The container engine of this machine, when one answers, and the image as the tests build and run
it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TAG = "geodata-flows:tested"
REVISION = "tested-0123456789abcdef"
IMPORTED_BASE = "geodata-base:bookworm"  # made by tests/image/make_base
# what a restricted pod allows: no root, nothing writable but the scratch volume, no capability
PRISON = (
    "--network",
    "host",
    "--user",
    "12345:0",
    "--read-only",
    "--tmpfs",
    "/scratch:rw,mode=1777",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
)


@dataclass(frozen=True)
class Engine:
    """A client (docker or podman) whose engine answers."""

    client: str

    def ask(
        self, *words: str, check: bool = True, timeout: float = 1200
    ) -> subprocess.CompletedProcess[str]:
        """Give the client one command."""
        environment = os.environ | {
            "DOCKER_BUILDKIT": "1"
        }  # the Dockerfile mounts secrets; Debian's engine needs to be told
        done = subprocess.run(
            [self.client, *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(words[:3])} ... ended with {done.returncode}:"
                f" {done.stdout[-1500:]}\n{done.stderr[-3000:]}"
            )
        return done

    def inspect(self, image: str) -> dict[str, Any]:
        """What the engine knows of an image."""
        return dict(json.loads(self.ask("image", "inspect", image).stdout)[0])

    def build(self, folder: Path) -> str:
        """The image built from this checkout; what the package index needs is handed over as
        secrets.
        """
        words = ["build", "--network", "host", "--tag", TAG, "--build-arg", f"REVISION={REVISION}"]
        if base := os.environ.get("GEODATA_TEST_BASE") or self._imported_base():
            words += ["--build-arg", f"BASE_IMAGE={base}"]
        if certificates := os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE"):
            words += ["--secret", f"id=certificates,src={certificates}"]
        if index := os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL"):
            (folder / "index").write_text(index)
            words += ["--secret", f"id=index,src={folder / 'index'}"]
        if registry := os.environ.get("NPM_CONFIG_REGISTRY"):
            (folder / "npm").write_text(registry)
            words += ["--secret", f"id=npm,src={folder / 'npm'}"]
        self.ask(*words, str(ROOT))
        return TAG

    def _imported_base(self) -> str:
        return (
            IMPORTED_BASE
            if self.ask("image", "inspect", IMPORTED_BASE, check=False).returncode == 0
            else ""
        )


def find() -> Engine | None:
    """The first client whose engine answers and builds with secrets, None on a machine without
    one.
    """
    names = [str(Path(folder) / "docker") for folder in os.get_exec_path()] + ["podman"]
    for name in filter(shutil.which, names):
        engine = Engine(name)
        if engine.ask("version", check=False).returncode == 0 and _mounts_secrets(engine):
            return engine
    return None


def _mounts_secrets(engine: Engine) -> bool:
    """Docker clients from 23 on build with the plug-in buildx; older ones and podman need none."""
    version = engine.ask("version", "--format", "{{.Client.Version}}").stdout.strip()
    return (
        engine.client == "podman"
        or int(version.split(".")[0]) < 23
        or engine.ask("buildx", "version", check=False).returncode == 0
    )
