"""What a map runs on in the browser: our scripts and styles, MapLibre GL and PMTiles."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

from tasks.core.model.errors import ConfigurationError
from tasks.core.pages.maps.files import keep

OURS = Path(__file__).resolve().parents[1] / "assets"
INSTALLED = Path("share/geodata-flows/web")  # in the environment, by deployments/web_assets
LIBRARIES = ("maplibre-gl.js.gz", "maplibre-gl.css.gz", "pmtiles.js.gz")
LICENCES = ("maplibre-gl.LICENSE.txt",)
SCRIPT, STYLE = "map.js", "map.css"
BESIDE = re.compile(r'"\./([\w.-]+)"')  # how a script names a file beside it


def keep_assets(folder: Path) -> dict[str, str]:
    """Write all that <area-map> needs, named by content; return the names of script and style.

    Raises ConfigurationError where the libraries are not installed.
    """
    kept = {name: _keep(folder, name, _installed(name)) for name in LIBRARIES}
    for name in LICENCES:
        (folder / name).write_bytes(_installed(name))
    _keep_script(folder, SCRIPT, kept)
    return {"script": kept[SCRIPT], "style": _keep(folder, STYLE, (OURS / STYLE).read_bytes())}


def _keep_script(folder: Path, name: str, kept: dict[str, str]) -> str:
    """Write a script after those that it names, with their names as they are kept."""
    if name not in kept:
        text = (OURS / name).read_text(encoding="utf-8")
        named = BESIDE.sub(lambda found: f'"./{_keep_script(folder, found[1], kept)}"', text)
        kept[name] = _keep(folder, name, named.encode())
    return kept[name]


def _keep(folder: Path, name: str, content: bytes) -> str:
    stem, _, ending = name.partition(".")
    return keep(folder, stem, ending, content)


def _installed(name: str) -> bytes:
    path = Path(sysconfig.get_path("data")) / INSTALLED / name
    if not path.exists():
        raise ConfigurationError(
            f"The pages need {name} in {path.parent}, and it is not there: run"
            " deployments/web_assets.py with the Python of this environment (`make setup` does)."
        )
    return path.read_bytes()
