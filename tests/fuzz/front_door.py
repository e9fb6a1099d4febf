"""Fuzzes the front door: files that are nearly right must end in one message, an answer, or a refusal; never otherwise.

    python -m tests.fuzz.front_door [--seconds 60] [--seed N]      # make fuzz

Three sources take turns: scenario files with bytes, words and lines changed, scenario files with values changed that are
still YAML, and documents that Hypothesis makes from what such files consist of. What goes wrong is kept in a file that
replays it, and the exit status is 1.
"""

# ruff: noqa: E501  (rows of tables)

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import random
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from kubesim.cli import main as kubesim

ROOT: Final = Path(__file__).resolve().parents[2]
LONGEST: Final = 60
"""Seconds after which one file counts as a hang."""

_WORDS: Final = (
    b"-1", b"0", b"99999999999999999999", b"1e999", b"null", b"[]", b"{}", b"true", b"~", b"&a", b"*a", b"!!binary", b"|",
    b"<<", b"{", b"]", b'"', b"'", b"\t", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\n---\n", b"...", b"%YAML 9", b"1.29",
    b"Never", b"forever", b"9999h", b"kind: Pod", b"spec:", b"containers:", b"name:", b"\r", b"\xe2\x80\xa8", b"?", b"$(A)",
)  # fmt: skip


class Hang(Exception):
    """One file took too long."""


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A file with a few things changed."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(12):
            case 7 | 8 | 9 | 10 | 11 if words := list(re.finditer(rb"[\w./-]+", data)):
                found = chance.choice(words)
                other = chance.choice(words).group() if chance.random() < 0.5 else chance.choice(_WORDS)
                data[found.start() : found.end()] = other
            case 0 if data:
                data[place % len(data)] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 12)]
            case 2:
                data[place:place] = chance.choice(_WORDS)
            case 3:
                data[place : place + chance.randint(1, 8)] = chance.choice(_WORDS)
            case 4:
                lines = bytes(data).split(b"\n")
                first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
                lines[first], lines[second] = lines[second], lines[first]
                data = bytearray(b"\n".join(lines))
            case 5:
                lines = bytes(data).split(b"\n")
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                data = bytearray(b"\n".join(lines))
            case _:
                data = data[:place]
    return bytes(data)


_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, 0.5, "", "a", "1s", "Always", "x" * 300, "1Gi", "-5", "99999999h"),
    *([], {}, [None], [{}], {"": 1}, [[]], {"a": None}, "\ud7ff\U0001f600", "$(A)", "{", "*"),
)


def restructured(content: bytes, chance: random.Random) -> bytes:
    """A file whose values were changed, moved or taken away, and that is still YAML."""
    found = [one for one in yaml.safe_load_all(content) if one is not None]
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = [place for one in found for place in _places(one)]
        if not places:
            break
        holder, key = chance.choice(places)
        match chance.randrange(5):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1:
                holder[key] = copy.deepcopy(chance.choice(places)[0])
            case 2 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case 3 if isinstance(holder, dict):
                holder[chance.choice(places)[1] if chance.random() < 0.7 else "extra"] = holder.pop(key)
            case _:
                holder[key] = copy.deepcopy(chance.choice(_VALUES))
    return "\n---\n".join(yaml.safe_dump(one, allow_unicode=True) for one in found).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping or list inside a value with each of its keys."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)


_TEXT: Final = st.one_of(
    st.sampled_from(["web", "app", "Always", "Never", "1s", "5", "1Gi", "busybox", "TERM", "sh", "", "a" * 300, "é"]),
    st.text(max_size=8),
)
_SCALAR: Final = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXT)
_FIELDS: Final = st.sampled_from(
    [
        "metadata",
        "spec",
        "name",
        "namespace",
        "labels",
        "containers",
        "initContainers",
        "image",
        "command",
        "args",
        "restartPolicy",
        "volumes",
        "at",
        "delete",
        "patch",
        "kind",
        "actions",
        "cluster",
        "nodes",
        "release",
        "featureGates",
        "expect",
        "pod",
        "container",
        "until",
        "script",
        "lasts",
        "exits",
        "onSignal",
        "kill",
        "template",
        "resources",
        "limits",
        "requests",
        "livenessProbe",
        "httpGet",
        "port",
        "lifecycle",
        "preStop",
        "exec",
        "sleep",
        "seconds",
        "env",
        "value",
        "valueFrom",
        "completions",
        "parallelism",
        "backoffLimit",
        "schedule",
        "jobTemplate",
        "gracePeriodSeconds",
        "timing",
        "images",
        "pull",
        "drain",
        "node",
    ]
)
_TREE: Final = st.recursive(
    _SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_FIELDS, inner, max_size=5)),
    max_leaves=25,
)
_HEADS: Final = st.sampled_from(
    [("v1", "Pod"), ("batch/v1", "Job"), ("batch/v1", "CronJob"), ("apps/v1", "Deployment"), ("kubesim/v1", "Scenario"),
     ("v1", "List"), ("v1", "ConfigMap"), ("v1", "Node"), ("policy/v1", "PodDisruptionBudget")]
)  # fmt: skip
_POD: Final = {"name": "web", "image": "busybox", "command": ["sh", "-c", "sleep 2"]}


@st.composite
def documents(draw: st.DrawFn) -> str:
    """One to three documents: a right one with a part replaced, or anything below a right head."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        version, kind = draw(_HEADS)
        body: dict[str, Any] = {"apiVersion": version, "kind": kind, "metadata": {"name": draw(_TEXT)}}
        spec: Any = {"containers": [dict(_POD)]} if kind == "Pod" else {}
        if draw(st.booleans()):
            if kind == "Pod":
                spec["containers"][0][draw(_FIELDS)] = draw(_TREE)
            spec[draw(_FIELDS)] = draw(_TREE)
        elif draw(st.booleans()):
            spec = draw(_TREE)
        found.append({**body, "spec": spec})
    return "\n---\n".join(yaml.safe_dump(one, allow_unicode=True) for one in found)


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise Hang after so many seconds."""

    def ring(_number: int, _frame: Any) -> None:
        raise Hang(f"no answer after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fault(content: bytes, path: Path) -> str | None:
    """What is wrong with how ``kubesim run`` answers to a file; None if nothing is."""
    path.write_bytes(content)
    try:
        with at_most(LONGEST), contextlib.redirect_stdout(io.StringIO()):
            result = CliRunner().invoke(kubesim, ["run", str(path), "-o", "table", "--until", "20s"])
    except Hang as hang:
        return str(hang)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return "".join(traceback.format_exception(result.exception)[-6:])
    if result.exit_code not in (0, 1, 2):
        return f"exit status {result.exit_code}"
    if result.exit_code == 2 and not (result.stderr.startswith(("error: ", "Usage: ")) and result.stdout == ""):
        return f"status 2 without one message: {result.stderr[:300]!r}, stdout {result.stdout[:100]!r}"
    if result.exit_code == 1 and not result.stderr:
        return "status 1 without a word"
    return None


def inputs(chance: random.Random) -> Iterator[bytes]:
    """Mutations of scenario files, for ever."""
    files = [path.read_bytes() for path in sorted((ROOT / "scenarios").rglob("*.yaml"))]
    while True:
        yield mutated(chance.choice(files), chance)
        with contextlib.suppress(yaml.YAMLError):
            yield restructured(chance.choice(files), chance)


def made(seed: int, count: int) -> list[bytes]:
    """Documents from Hypothesis: a batch for a seed."""
    found: list[bytes] = []

    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(documents())
    def collect(text: str) -> None:
        found.append(text.encode("utf-8", "replace"))

    seeded(seed)(collect)()
    return found


def main() -> int:
    """Fuzz for a while; print what was found."""
    parser = argparse.ArgumentParser(prog="front_door.py", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), help="where failing files are kept")
    options = parser.parse_args()
    chance, ends = random.Random(options.seed), time.monotonic() + options.seconds
    tried, faults, mutations, batch = 0, 0, inputs(chance), list[bytes]()
    path = Path(tempfile.mkdtemp()) / "input.yaml"
    while time.monotonic() < ends:
        batch = batch or made(chance.randrange(2**32), 50)
        for content in (*(next(mutations) for _ in range(4)), batch.pop()):
            tried += 1
            if (why := fault(content, path)) is not None:
                faults += 1
                kept = options.keep / f"front-door-{options.seed}-{tried}.yaml"
                kept.write_bytes(content)
                print(f"{kept}:\n{why}\n")
    print(f"{tried} files, {faults} faults, seed {options.seed}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
