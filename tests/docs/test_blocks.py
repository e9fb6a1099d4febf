"""The runner of code blocks notices what a page shows and the program does not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import ROOT, Block, Page, blocks, commands, run


def block(language: str, text: str, *, follows: bool = False, **settings: str) -> Block:
    return Block(ROOT / "docs" / "page.md", 1, language, settings, text, follows)


def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *several: Block) -> list[str]:
    monkeypatch.chdir(tmp_path)
    page = Page(tmp_path)
    return [problem for one in several for problem in run(one, page)]


GOOD = {
    "exact": block("console", "$ echo a b\na b"),
    "any lines": block("console", "$ kubesim features --release 1.29\n…\nSidecarContainers…\n…"),
    "any text": block("console", "$ echo one two three\none … three"),
    "pipe": block("console", "$ kubesim features --release 1.29 | grep SidecarContainers | wc -l\n1"),
    "exit status": block("console", "$ kubesim explain --static -\nerror: …", exit="2"),
    "yaml that is no object": block("yaml", "a: [1, 2]"),
    "scenario alone": block(
        "yaml",
        "apiVersion: kubesim/v1\nkind: Scenario\nspec: {actions: [{at: 1s, delete: {kind: Pod, name: web}}]}",
    ),
    "known option": block("text", "kubesim run pod.yaml --release 1.29"),
    "another program": block("text", "kubectl get pod --frobnicate"),
}
BAD = {
    "another line": (block("console", "$ echo a\nb"), "printed"),
    "a line too many": (block("console", "$ echo a\na\nb"), "printed"),
    "a line is missing": (block("console", "$ kubesim features --release 1.29\n…\nNoSuchGate…\n…"), "NoSuchGate"),
    "everything left out": (block("console", "$ echo a\n…"), "everything is left out"),
    "exit status": (block("console", "$ echo a\na", exit="1"), "ended with 0, not with 1"),
    "unknown option": (block("text", "kubesim run pod.yaml --frobnicate"), "--frobnicate"),
    "unknown command": (block("text", "kubesim frobnicate pod.yaml"), "there is no kubesim frobnicate"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_true_passes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115  # closed with the test
    assert problems(tmp_path, monkeypatch, GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_is_false_does_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, said = BAD[name]
    (problem,) = problems(tmp_path, monkeypatch, one)
    assert said in problem


def test_python_shares_names_and_its_output_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = block("python", "a = 1"), block("python", "print(a + 1)")
    assert problems(tmp_path, monkeypatch, first, second, block("text", "2", follows=True)) == []
    assert problems(tmp_path, monkeypatch, first, second, block("text", "3", follows=True)) != []
    with pytest.raises(NameError):
        problems(tmp_path, monkeypatch, second)


def test_yaml_makes_a_file_and_must_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        problems(tmp_path, monkeypatch, block("yaml", "a: 1", file="a.yaml"), block("console", "$ cat a.yaml\na: 1"))
        == []
    )
    with pytest.raises(Exception, match="unknown"):
        problems(tmp_path, monkeypatch, block("yaml", "apiVersion: kubesim/v1\nkind: Scenario\nspec: {frobnicate: 1}"))


def test_slow_blocks_run_only_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = block("console", "$ echo a\nb", slow="20")
    monkeypatch.delenv("KUBESIM_SLOW_DOCS", raising=False)
    assert problems(tmp_path, monkeypatch, slow) == []
    monkeypatch.setenv("KUBESIM_SLOW_DOCS", "1")
    assert problems(tmp_path, monkeypatch, slow) != []


def test_other_programs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="rm is no command that pages may use"):
        problems(tmp_path, monkeypatch, block("console", "$ rm -r x\n"))


def test_blocks_and_commands_are_found_where_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    console = "```console exit=1\n$ echo a \\\n  b\na b\n$ echo c\nc\n```\n"
    others = "\n```text\nx\n```\nwords\n\n- a\n\n  ```yaml\n  a: 1\n  ```\n"
    page.write_text(f"# A\n\n{console}{others}")
    first, second, third = blocks(page)
    assert (first.line, first.language, first.settings, first.follows) == (3, "console", {"exit": "1"}, False)
    assert [(one.line, one.text, one.shown) for one in commands(first)] == [
        (4, "echo a b", ("a b",)),
        (7, "echo c", ("c",)),
    ]
    assert second.follows
    assert (third.text, third.follows) == ("a: 1", False)
