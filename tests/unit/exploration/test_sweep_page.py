"""The page on sweeps names everything; what its examples print is tested with all pages, in ``tests/docs``."""

from __future__ import annotations

from pathlib import Path

from click import Context

from kubesim.cli import main
from kubesim.exploration.measures import MEASURES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "sweeps.md").read_text()


def test_the_page_names_every_measure_and_option() -> None:
    assert [name for name in MEASURES if f"`{name}" not in PAGE] == []
    told = PAGE + (ROOT / "docs" / "cli.md").read_text()
    sweep = main.get_command(Context(main), "sweep")
    assert sweep is not None
    missing = [option.opts[0] for option in sweep.params if option.opts[0].startswith("--")]
    assert [name for name in missing if name not in told] == []
