"""The documents: short where they should be, with links that lead somewhere and commands that
exist.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("*.md", ".github/**/*.md", "deployments/*.md", "flows/*.md", "sql/*.md")
    for path in ROOT.glob(folder)
)
PAGES += ["tasks/ARCHITECTURE.md", "tests/README.md"]
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that headings of a page have on a code forge."""
    headings = re.findall(r"^#+ +(.+)$", CODE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    path = ROOT / page
    for link in LINK.finditer(CODE.sub("", path.read_text())):
        target = (path.parent / link["path"]).resolve() if link["path"] else path
        assert target.exists(), f"{page} links to {link['path']}, which is not there"
        if link["anchor"]:
            assert link["anchor"] in anchors(target.read_text()), f"{page}: #{link['anchor']}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_make_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)(?=[ `\n])", "\n".join(in_code(page))))
    assert named <= targets, f"{page} names make {', '.join(sorted(named - targets))}"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_in_code_exists(page: str) -> None:
    named = re.findall(
        r"(?:flows|tasks|sql|tests|deployments)/[\w./-]+\.(?:py|sql|yaml|md)",
        "\n".join(in_code(page)),
    )
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_country_in_the_guide_is_the_one_that_is_run() -> None:
    country = ROOT / "tests" / "small_country"
    text = "".join(path.read_text() for path in sorted(country.rglob("*.*")) if path.is_file())
    guide = (ROOT / "flows" / "README.md").read_text()
    shown = re.findall(r"^```(?:python|sql)\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    assert len(shown) == 5
    assert [block for block in shown if block.strip() not in text] == shown[-1:]  # its test


def test_the_front_door_is_short() -> None:
    assert (ROOT / "README.md").read_text().count("\n") <= 90


def test_every_page_is_reached_from_the_front_door() -> None:
    front = (ROOT / "README.md").read_text()
    for page in PAGES:
        if not page.startswith((".github/ISSUE", ".github/PULL", "README")):
            assert page in front, f"README.md does not lead to {page}"


def in_code(page: str) -> list[str]:
    """What a page shows as code, in blocks and within a sentence."""
    text = (ROOT / page).read_text()
    return CODE.findall(text) + re.findall(r"`([^`\n]+)`", CODE.sub("", text))
