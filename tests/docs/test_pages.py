"""Every code block of the README and of the documentation does what it shows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from blocks import ROOT, Page, blocks, run

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
SHARED = ("scenarios", "docs", "notebooks", "tests")
"""What commands of a page find beside them."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_do_what_they_show(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SHARED:
        if (ROOT / name).exists():
            os.symlink(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    shared = Page(tmp_path)
    problems = [problem for block in blocks(page) for problem in run(block, shared)]
    assert not problems, "\n\n" + "\n\n".join(problems)
