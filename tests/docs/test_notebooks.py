"""Every notebook runs from top to bottom, shows what it means to show, and is kept without its outputs."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from blocks import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def run_cell(source: str, names: dict[str, Any], where: str) -> Any:
    """Run a cell as a notebook does; the value of its last expression, if it ends with one without a semicolon."""
    tree = ast.parse(source, where)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or source.rstrip().endswith(";"):
        exec(compile(tree, where, "exec"), names)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), where, "exec"), names)
    return eval(compile(ast.Expression(last.value), where, "eval"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpl.use("Agg")
    os.symlink(ROOT / "scenarios", tmp_path / "scenarios")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells(path)):
        if cell["cell_type"] != "code":
            continue
        value = run_cell("".join(cell["source"]), names, f"{path.name}[{number}]")
        if hasattr(value, "_repr_html_"):
            assert "<svg" in value._repr_html_()
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_clean_and_ends_with_an_exercise(path: Path) -> None:
    found = cells(path)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in found)
    assert len({cell["id"] for cell in found}) == len(found)
    assert any("## Exercise" in "".join(cell["source"]) for cell in found if cell["cell_type"] == "markdown")
    assert "answer" in found[-1]["metadata"].get("tags", ()), "the answer comes last, folded"
    assert "".join(found[0]["source"]).startswith("# ")


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 6
