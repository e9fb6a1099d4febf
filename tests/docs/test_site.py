"""The documentation hangs together: every page is in the contents, every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from blocks import ROOT

DOCS = ROOT / "docs"
MADE = ("reference/", "gallery")
"""What is made when the site is built."""
PAGES = [page for page in sorted(DOCS.glob("*.md")) if not page.name.startswith(MADE)]

_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)


def links(page: Path) -> Iterator[tuple[str, str]]:
    """The local links of a page: the file and the place in it."""
    for found in _LINK.finditer(_CODE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = found["target"].partition("#")
        if "://" not in found["target"] and not target.startswith(MADE):
            yield target, anchor


def anchors(page: Path) -> set[str]:
    """The places of a page, named as forges name them."""
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", found["words"].lower()).strip().replace(" ", "-") for found in _HEADING.finditer(text)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {target} is not there"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{page.name}: {target} has no heading #{anchor}"


def test_every_page_is_in_the_contents() -> None:
    listed = {target for target, _ in links(DOCS / "index.md")}
    missing = [page.name for page in PAGES if page.name not in (*listed, "index.md")]
    assert not missing, f"add to docs/index.md: {', '.join(missing)}"


def test_every_command_is_told_of() -> None:
    import click

    from kubesim.cli import main

    told = (DOCS / "cli.md").read_text(encoding="utf-8")
    missing = [name for name in main.list_commands(click.Context(main)) if f"kubesim {name}" not in told]
    assert not missing, f"docs/cli.md does not tell of {', '.join(missing)}"
