"""Short Python programs worked out as declared steps, and those that are left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kubesim.scripts.small_python import python_behaviour
from kubesim.units import SECOND, seconds

PROGRAMS = {
    "exit by index": 'import os, sys\nif int(os.environ["INDEX"]) % 2 == 0:\n  sys.exit(1)',
    "elif": 'import os\ni = int(os.getenv("INDEX"))\nif i == 0:\n  exit(1)\nelif i == 4:\n  exit(42)\nelse:\n  exit(0)',
    "get with default": 'import os\nprint(os.getenv("NOWHERE", "x"), os.environ.get("NOWHERE"))',
    "missing variable": 'import os\nprint(os.environ["NOWHERE"])',
    "int of nothing": 'import os\nint(os.environ.get("NOWHERE"))',
    "exit with a text": 'import sys\nprint("a")\nsys.exit("bad")',
    "exit 256": "import sys\nsys.exit(256)",
    "exit negative": "import sys\nsys.exit(-1)",
    "raise": 'raise ValueError("no")',
    "raise SystemExit": "raise SystemExit(3)",
    "format": 'n = 3\nprint(f"n is {n}", n + 1, flush=True)',
    "loops": 'n = 0\nfor i in range(3):\n  n += i\nwhile n < 5:\n  n += 1\nprint(n)',
    "logic": 'print(1 < 2 < 3, not True, 0 or 5, 0 and 5, 3 in (1, 2), "a" if 1 else "b", -2 // 3, 7 % -3, 1 / 4)',
    "division by zero": "print(1 // 0)",
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_agrees_with_python_itself(name: str) -> None:
    command, env = [sys.executable, "-c", PROGRAMS[name]], {"INDEX": "4"}
    real = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    steps = python_behaviour(PROGRAMS[name], {"INDEX": "4"})
    assert steps is not None
    assert steps.exits == (real.returncode,)
    assert [line.text for line in steps.output if line.stream == "stdout"] == real.stdout.splitlines()
    assert [line.text for line in steps.output if line.stream == "stderr"] == real.stderr.splitlines()[-1:]


def test_sleeping_passes_virtual_time() -> None:
    steps = python_behaviour('import time\nprint("a")\ntime.sleep(1.5)\nprint("b")\ntime.sleep(2)', {})
    assert steps is not None
    assert steps.lasts is not None
    assert (steps.lasts.first, [line.after for line in steps.output]) == (seconds("3.5"), [0, 3 * SECOND // 2])


@pytest.mark.parametrize(
    "text",
    [
        "import http.server",
        "while True:\n  pass",
        "open('/tmp/x', 'w')",
        "print(undefined)",
        "x = 'a' * 10 ** 9",
        "for i in range(10):\n  break",
        "def f():\n  pass",
        "not python at all",
        "[" * 5000,
        "n = 2\nwhile True:\n  n = n * n",
        "import os\nos.kill(1, 9)",
        "print('x', end='')",
    ],
)
def test_what_is_not_understood_is_left_alone(text: str) -> None:
    assert python_behaviour(text, {}) is None
