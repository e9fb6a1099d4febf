"""The interpreter against the real shells of this machine: same output, same order, same exit status.

Each script of the corpus runs as ``sh -c`` in an empty directory of its own. Scripts with a ``# signals:`` line run as
process 1 of a new PID namespace, and the signals come from outside, as from a container runtime.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.scripts.driving import shell

CORPUS = Path(__file__).parents[2] / "data" / "scripts"
COMMANDS = {"dash": ["dash"], "ash": ["busybox", "sh"], "bash": ["bash"]}
INSTALLED = {name: shutil.which(command[0]) is not None for name, command in COMMANDS.items()}


def may_unshare() -> bool:
    """Whether this machine lets us make PID namespaces."""
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, check=False)
    return done.returncode == 0


UNSHARE = may_unshare()
AGAIN = 2
"""How often a real run that differs is repeated."""


def header(text: str, name: str) -> str | None:
    match = re.search(rf"^# {name}:(.*)$", text, re.MULTILINE)
    return match.group(1) if match else None


def cases() -> list[tuple[str, str]]:
    found = []
    for path in sorted(CORPUS.glob("*.sh")):
        wanted = header(path.read_text(), "shells")
        found += [(path.stem, name) for name in (wanted.split() if wanted else ["dash", "ash"])]
    return found


def signals_of(text: str) -> list[tuple[float, str]] | None:
    line = header(text, "signals")
    if line is None:
        return None
    words = line.split()
    return [(float(at), name) for at, name in zip(words[::2], words[1::2], strict=True)]


def real(name: str, dialect: str, directory: Path) -> tuple[list[str], int]:
    """Standard output and exit status of the real shell; death by a signal is 128 + its number."""
    text = (CORPUS / f"{name}.sh").read_text()
    signals = signals_of(text)
    prefix = [] if signals is None else ["unshare", "--pid", "--fork", "--mount-proc"]
    directory.mkdir()
    with subprocess.Popen(
        [*prefix, *COMMANDS[dialect], "-c", text],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        started = time.monotonic()
        for at, signal_name in signals or []:
            time.sleep(max(0.0, started + at - time.monotonic()))
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            subprocess.run(["kill", f"-{signal_name}", children[0]], check=False)
        output, _ = process.communicate(timeout=30)
    status = process.returncode
    if signals and signals[-1][1] == "KILL":
        status = -9  # unshare cannot pass on a death by SIGKILL
    return output.splitlines(), 128 - status if status < 0 else status


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[list[str], int]]:
    """All real runs at once: they mostly sleep."""
    base = tmp_path_factory.mktemp("real")
    wanted = [
        (name, dialect)
        for name, dialect in cases()
        if INSTALLED[dialect] and (UNSHARE or signals_of((CORPUS / f"{name}.sh").read_text()) is None)
    ]
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda case: real(*case, base / "-".join(case)), wanted)
        return dict(zip(wanted, results, strict=True))


@pytest.mark.parametrize(("name", "dialect"), cases())
def test_corpus_behaves_as_in_the_real_shell(
    name: str, dialect: str, recorded: dict[tuple[str, str], tuple[list[str], int]], tmp_path: Path
) -> None:
    """On a busy machine a signal may come a step late in reality: what differs is run again, by itself."""
    if not INSTALLED[dialect]:
        pytest.skip(f"{COMMANDS[dialect][0]} is not installed")
    if (name, dialect) not in recorded:
        pytest.skip("this machine does not permit PID namespaces")
    text = (CORPUS / f"{name}.sh").read_text()
    signals = signals_of(text)
    run = shell(text, dialect, signals, init=signals is not None)
    assert run.exit is not None
    told, seen = (run.lines, run.exit.code), recorded[(name, dialect)]
    for again in range(AGAIN):
        if told == seen:
            break
        seen = real(name, dialect, tmp_path / str(again))
    assert told == seen


def test_the_real_shells_are_here() -> None:
    """A skipped comparison must be seen: this names what is missing."""
    missing = [name for name in ("dash", "ash") if not INSTALLED[name]]
    if missing:
        pytest.skip(f"not compared with: {', '.join(COMMANDS[name][0] for name in missing)}")
    assert signal.SIGTERM == 15
