"""Runs conformance vectors (inputs and outputs of the real functions) through kubesim and counts the equal ones.

``python tests/fidelity/vectors.py PATH… [--show N]``: PATH is a ``.jsonl.gz`` file, the folder of one family, or a
folder of families. One adapter per family: ``vector_adapters/<family>.py`` with ``run(vector, version) -> output`` and
``normalise(output) -> output``, which removes what the format leaves open and is applied to both sides.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

SUFFIX = ".jsonl.gz"
_ADAPTERS = "vector_adapters"

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))


@dataclass(frozen=True, slots=True)
class Difference:
    """One vector that kubesim answers otherwise."""

    id: str
    tags: tuple[str, ...]
    expected: Any
    actual: Any


def vector_files(path: Path) -> tuple[Path, ...]:
    """The vector files a path stands for: itself, or those below it in order."""
    if path.is_file():
        return (path,)
    found = tuple(sorted(path.rglob(f"*{SUFFIX}")))
    if not found:
        raise FileNotFoundError(f"no {SUFFIX} file in {path}; give a vector file, a family folder or the folder of all")
    return found


def family_of(path: Path) -> str:
    """The family a file belongs to: the folder it stands in."""
    return path.resolve().parent.name


def version_of(path: Path) -> str:
    """The release a file was recorded on: its name."""
    return path.name.removesuffix(SUFFIX)


def vectors_in(path: Path) -> Iterator[dict[str, Any]]:
    """The vectors of one file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def adapter(family: str) -> ModuleType | None:
    """The module that answers vectors of a family, or None if kubesim has none yet."""
    name = f"{_ADAPTERS}.{family}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def differences(path: Path) -> tuple[int, list[Difference]]:
    """How many vectors a file holds, and those that differ; all of them where the family has no adapter."""
    module = adapter(family_of(path))
    found: list[Difference] = []
    total = 0
    for vector in vectors_in(path):
        total += 1
        tags = tuple(vector.get("tags", ()))
        if module is None:
            found.append(Difference(vector["id"], tags, vector.get("output"), "no adapter"))
            continue
        expected = module.normalise(vector["output"])
        actual = module.normalise(module.run(vector, version_of(path)))
        if expected != actual:
            found.append(Difference(vector["id"], tags, expected, actual))
    return total, found


def _default() -> Path:
    """The corpus beside the checkout where there is one, else the sample in the tests' own data."""
    here = Path(__file__).resolve().parent
    corpus = here.parent.parent.parent / "shared" / "vectors"
    return corpus if corpus.is_dir() else here.parent / "data" / "vectors"


def main(arguments: list[str] | None = None) -> int:
    """Prints ``family release equal/total`` for each file; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="vectors.py", description="Compare kubesim with recorded vectors.")
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="default: all there are beside the checkout"
    )
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print the first N differences of each file")
    options = parser.parse_args(arguments)
    paths = options.paths or [_default()]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        parser.error(f"no such file or folder: {', '.join(missing)}")
    differs = False
    for path in (file for given in paths for file in vector_files(given)):
        total, found = differences(path)
        differs = differs or bool(found)
        print(f"{family_of(path)} {version_of(path)} {total - len(found)}/{total}", flush=True)
        for difference in found[: options.show]:
            print(f"  {difference.id} {' '.join(difference.tags)}")
            print(f"    expected {json.dumps(difference.expected, sort_keys=True)}")
            print(f"    actual   {json.dumps(difference.actual, sort_keys=True, default=str)}")
    return int(differs)


if __name__ == "__main__":
    raise SystemExit(main())
