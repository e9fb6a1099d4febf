"""Generated scripts behave as in dash and busybox ash: control flow, expansions, statuses, ``set -e``."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.scripts.driving import shell
from tests.unit.scripts.test_differential import COMMANDS, INSTALLED

VALUES = ["a", "b c", "", "*x", "1", "0", " lead", "x:y"]
ATOMS = [
    "true",
    "false",
    "echo a",
    "echo $x",
    'echo "$x"',
    "(exit 3)",
    'test -n "$x"',
    ": ${x:=d}",
    "x=$((${#x}+1))",
    "echo $?",
    "f",
    "x=$(echo s; false)",
    "set -- $x; echo $#",
    '[ "$x" = 1 ]',
    "echo ${x%b*} ${x#?}",
    "! true",
    "x=1 true",
]
BREAKERS = ["break", "continue", "break 2", "return 4", "exit 5"]


def quoted(text: str) -> str:
    return "'" + text + "'"


def commands(atoms_used: list[str]) -> st.SearchStrategy[str]:
    assignments = st.sampled_from(VALUES).map(lambda value: f"x={quoted(value)}")
    atoms = st.sampled_from(atoms_used) | assignments

    def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        lines = st.lists(inner, min_size=1, max_size=3).map("; ".join)
        return st.one_of(
            st.builds("{} && {}".format, inner, inner),
            st.builds("{} || {}".format, inner, inner),
            st.builds("if {}; then {}; else {}; fi".format, lines, lines, lines),
            st.builds("for i in 1 2 3; do {}; done".format, lines),
            st.builds("for i in 1 2; do {} || {}; echo $i; done".format, inner, st.sampled_from(BREAKERS)),
            st.builds("( {} )".format, lines),
            st.builds("{{ {}; }}".format, lines),
            st.builds("case $x in a*) {};; 1|0) {};; *) {};; esac".format, lines, lines, lines),
            st.builds("{{ {}; }} | cat".format, lines),
            st.builds('echo "<$( {} )>"'.format, lines),
            st.builds("eval {}".format, lines.map(lambda text: quoted(text.replace("'", "'\\''")))),
            st.builds("n=0; until [ $n = 2 ]; do n=$((n+1)); {}; done".format, lines),
        )

    return st.recursive(atoms, compound, max_leaves=6)


def scripts() -> st.SearchStrategy[str]:
    head = st.sampled_from(["", "set -e", "set -u", "trap 'echo bye $?' EXIT"])
    function = commands([atom for atom in ATOMS if atom != "f"]).map(lambda body: "f() { " + body + "; }")
    body = st.lists(commands(ATOMS), min_size=1, max_size=4).map("\n".join)
    return st.builds('x=0\nf() {{ echo in f; }}\n{}\n{}\n{}\necho end $? "$x"'.format, function, head, body)


@pytest.mark.parametrize("dialect", ["dash", "ash"])
def test_generated_scripts_agree(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    if not INSTALLED[dialect]:
        pytest.skip(f"{COMMANDS[dialect][0]} is not installed")
    directory = tmp_path_factory.mktemp("empty")

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(scripts())
    def agree(text: str) -> None:
        done: Any = subprocess.run(
            [*COMMANDS[dialect], "-c", text], capture_output=True, cwd=directory, timeout=10, check=False, text=True
        )
        run = shell(text, dialect, init=False)
        assert run.exit is not None
        assert (run.lines, run.exit.code) == (done.stdout.splitlines(), done.returncode)

    agree()
