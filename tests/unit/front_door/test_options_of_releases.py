"""Releases, gates and bugs as options: an empty release is refused wherever one is taken, and shells complete them."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from kubesim.cli import main

TAKERS = (
    ("run", "--release"),
    ("get", "pod", "--release"),
    ("explain", "--release"),
    ("check", "--release"),
    ("check", "--releases"),
    ("test", "--release"),
    ("plot", "-o", "out.svg", "--releases"),
    ("compare", "--releases"),
    ("sweep", "--releases"),
    ("matrix", "--api-server"),
    ("matrix", "--node"),
    ("features", "--release"),
)


def completed(*arguments: str) -> list[str]:
    """What a shell offers for the last argument."""
    found = ShellComplete(main, {}, "kubesim", "_KUBESIM_COMPLETE").get_completions(list(arguments[:-1]), arguments[-1])
    return [one.value for one in found]


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize("taker", TAKERS, ids=" ".join)
def test_an_empty_release_is_wrong_usage(taker: tuple[str, ...], empty: str) -> None:
    """It is what a shell makes of a variable that is not set, and never means the newest release."""
    *words, option = taker
    files = [] if "features" in words else ["scenarios/demo.yaml"]
    result = CliRunner().invoke(main, [*words, f"{option}={empty}", *files])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Error: {option} is empty; write one such as 1.29" in result.stderr


@pytest.mark.parametrize("taker", TAKERS, ids=" ".join)
def test_shells_complete_releases(taker: tuple[str, ...]) -> None:
    assert completed(*taker, "1.2") == ["1.27", "1.28", "1.29"]


def test_shells_complete_one_more_release_after_a_comma() -> None:
    assert completed("compare", "--releases", "1.28,1.36") == ["1.28,1.36"]


@pytest.mark.parametrize("command", ["run", "check", "get", "explain", "plot", "features"])
def test_shells_complete_gates(command: str) -> None:
    assert completed(command, "--gate", "SidecarC") == ["SidecarContainers=true", "SidecarContainers=false"]
    assert completed(command, "--gate", "node:SidecarContainers=t") == ["node:SidecarContainers=true"]


@pytest.mark.parametrize("command", ["run", "explain"])
def test_shells_complete_known_bugs(command: str) -> None:
    assert completed(command, "--bug", "explicit_zero") == [
        "explicit_zero_grace_is_full_grace=on",
        "explicit_zero_grace_is_full_grace=off",
    ]
