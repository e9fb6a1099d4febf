"""The page on sweeps shows what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from kubesim.cli import main
from kubesim.exploration.measures import MEASURES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "sweeps.md").read_text()
EXAMPLES = re.findall(r"```console\n\$ kubesim ([^\n]+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("words", "output"), EXAMPLES, ids=[words for words, _ in EXAMPLES])
def test_an_example_prints_what_the_page_shows(words: str, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, [*words.split(), "--engine", "one"])
    assert result.output == output


def test_the_page_names_every_measure_and_option() -> None:
    assert EXAMPLES
    assert [name for name in MEASURES if f"`{name}" not in PAGE] == []
    told = PAGE + (ROOT / "docs" / "cli.md").read_text()
    sweep = main.get_command(None, "sweep")  # type: ignore[arg-type]
    assert sweep is not None
    missing = [option.opts[0] for option in sweep.params if option.opts[0].startswith("--")]
    assert [name for name in missing if name not in told] == []
