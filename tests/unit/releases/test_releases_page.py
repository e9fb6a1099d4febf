"""docs/releases.md says what the data says."""

from __future__ import annotations

from pathlib import Path

from kubesim.releases import RELEASES
from kubesim.releases.page import releases_page

PAGE = Path(__file__).parents[3] / "docs" / "releases.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == releases_page(), (
        "run: python -m kubesim.releases.page > docs/releases.md"
    )


def test_the_page_shows_gates_changes_and_bugs() -> None:
    page = releases_page()
    assert "| SidecarContainers | – | α off | β on | β on | β on | β on | GA on 🔒 |" in page
    assert all(f"\n### {text}\n" in page for text in RELEASES[1:])
    assert "- Policy `termination_order`: `none` → `sidecars_last` (`none` with SidecarContainers off)." in page
    assert "- Bug `explicit_zero_grace_is_full_grace` is gone." in page
    assert "- from 1.30, until 1.30.2 (" not in page
    assert "- from 1.27, until 1.30.2 (fixed in 1.30 after 1.30.1; never in 1.27 to 1.29)" in page
