"""The small changes of the deciding rooms that mutmut makes, and a sample of them that anybody draws again.

mutmut writes them into ``mutants/``: a copy of the project in which each function stands beside its changed versions,
and a switch before it. What is read here is that copy.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
from mutmut.configuration import config
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import get_mutant_name, orig_function_and_class_names_from_key

COPY = Path("mutants")


@dataclass(frozen=True)
class Change:
    """One change: mutmut's name, where it is (``kubelet.phase:pod_phase``), the lines that were and are there."""

    name: str
    place: str
    was: str
    becomes: str
    nth: int = 1
    """Which of those that read alike, as the same line may stand in a function twice."""

    @property
    def identity(self) -> str:
        """What stays when mutmut's numbers move."""
        return f"{self.place} - {self.was} + {self.becomes}{f' ({self.nth})' if self.nth > 1 else ''}"

    @property
    def module(self) -> str:
        """Its module, without the name of the project."""
        return self.place.partition(":")[0]

    @property
    def function(self) -> str:
        """mutmut's name for the function with its module, by which it records who calls it."""
        return self.name.partition("__mutmut_")[0]

    def rank(self, seed: int) -> str:
        """Its turn in the sample: by lot, and the same for as long as these lines are the same."""
        return hashlib.sha256(f"{seed} {self.identity}".encode()).hexdigest()


def make_changes() -> list[Change]:
    """Let mutmut make its copy, and list what it changed, module by module."""
    set_mutant_under_test("mutant_generation")
    COPY.mkdir(exist_ok=True)
    for copied in ("tests", "docs"):  # mutmut renews what changed in the sources, and leaves tests that are gone
        shutil.rmtree(COPY / copied, ignore_errors=True)
    copy_src_dir()
    for path in (path for path in Path("kubesim").rglob("*.*") if path.suffix not in (".py", ".pyc")):
        shutil.copy2(path, COPY / path)  # data that changed, which mutmut leaves as it was
    copy_also_copy_files()
    create_mutants(max_children=1)
    set_mutant_under_test("")
    assert config().source_paths == [Path("kubesim")]
    return [change for path in sorted(walk_mutatable_files()) for change in changes_of(path)]


def changes_of(path: Path) -> list[Change]:
    """The changes of one module, in mutmut's order."""
    lines = (COPY / path).read_text(encoding="utf-8").splitlines()
    index = json.loads((COPY / f"{path}.spans").read_text(encoding="utf-8"))["spans"]
    sources = {name: lines[start - 1 : end] for name, (start, end) in index.items()}
    found: list[Change] = []
    alike: Counter[tuple[str, str, str]] = Counter()
    for name, source in sources.items():
        stem, _, number = name.partition("__mutmut_")
        if number != "orig":
            was, becomes = difference(sources[f"{stem}__mutmut_orig"], source, stem)
            key = get_mutant_name(path, name)
            function, class_ = orig_function_and_class_names_from_key(key)
            module = ".".join(path.with_suffix("").parts[1:])
            place = f"{module}:{f'{class_}.' if class_ else ''}{function}"
            alike[place, was, becomes] += 1
            found.append(Change(key, place, was, becomes, alike[place, was, becomes]))
    return found


def difference(original: list[str], changed: list[str], stem: str) -> tuple[str, str]:
    """What was there and what is there now, each on one line."""
    before, after = ([line for line in text if f"def {stem}__mutmut_" not in line] for text in (original, changed))
    removed, added = [], []
    for kind, start, end, start_after, end_after in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            removed += before[start:end]
            added += after[start_after:end_after]
    if not removed + added:  # a default in the line of its name
        removed, added = ([line for line in text if f"def {stem}__mutmut_" in line] for text in (original, changed))
    return one_line(removed, stem), one_line(added, stem)


def one_line(lines: list[str], stem: str) -> str:
    """Lines of code without mutmut's name of the function, and without what it wrote behind them."""
    name = re.split("_|ǁ", stem, maxsplit=1)[1].rpartition("ǁ")[2]
    text = " ".join(line.partition("# type: ignore # mutmut")[0].strip() for line in lines)
    return re.sub(rf"{stem}__mutmut_\w+", name, text)


def sample(changes: list[Change], sizes: dict[str, int], seed: int) -> list[Change]:
    """From each module those whose turn comes first; ``sizes`` by room, ``kubelet``."""
    chosen: list[Change] = []
    for module in sorted({one.module for one in changes}):
        of_module = sorted((one for one in changes if one.module == module), key=lambda one: one.rank(seed))
        chosen += of_module[: sizes[module.partition(".")[0]]]
    return chosen
