"""The pages about adopting sidecars: the webhook that they start, and that both languages show the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import ROOT, blocks, commands

PAGES = [ROOT / "docs" / "adopting-sidecars.md", ROOT / "docs" / "adopting-sidecars.ko.md"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the webhook's certificate")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_webhook_of_the_page_runs_as_it_stands_there(page: Path, tmp_path: Path) -> None:
    (block,) = [one for one in blocks(page) if one.language == "sh"]
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", block.text],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    words = " ".join(done.stdout.split())
    assert "web/proxy: webhook inject.example.com sends the Pod back without restartPolicy of proxy" in words, (
        done.stderr
    )
    assert "STATUS Init:0/1" in words


def test_both_languages_show_the_same() -> None:
    shown = [
        [(one.text, one.shown) for block in blocks(page) if block.language == "console" for one in commands(block)]
        for page in PAGES
    ]
    assert shown[0] == shown[1]
    headings = [[line.count("#") for line in page.read_text().splitlines() if line.startswith("#")] for page in PAGES]
    assert headings[0] == headings[1]
