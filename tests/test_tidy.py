"""The rules of the house that a machine can check, in plain ``ast``; each message says what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "kubesim"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))

LINES: Final[tuple[tuple[str, ...], ...]] = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("api",),
    ("server", "exploration", "recording"),
    ("explanations",),
    ("guarantees", "timelines", "fidelity", "graphs"),
    ("sim",),
    ("store", "kubelet", "job_controller", "replica_controllers", "controllers", "scheduler", "scripts"),
    ("scenario", "history"),
    ("releases",),
    ("objects",),
    ("errors", "units", "version"),
)
"""The rooms from top to bottom. Imports go downward only; rooms on one line do not see each other."""

HEIGHT: Final = {room: -number for number, line in enumerate(LINES) for room in line}
PURE: Final = frozenset(
    {"store", "kubelet", "job_controller", "replica_controllers", "controllers", "scheduler", "scripts"}
)
IMPURE_MODULES: Final = frozenset({"simpy", "random", "time", "secrets"})
READERS_OF_HISTORY: Final = frozenset({"guarantees", "timelines"})
MAY_MEET_THE_REAL_WORLD: Final = frozenset({"cli", "commands", "exploration", "server", "fidelity", "recording"})

MODULE_LINES: Final = 450
FUNCTION_LINES: Final = 50
LONG_BECAUSE_TABLE: Final[dict[str, str]] = {}
"""``module.py`` or ``module.py:function`` to the reason: only data that reads better in one piece."""

BANNED_WORDS: Final = {
    "ctr": "container",
    "ts": "instant",
    "cfg": "config, or what it holds",
    "reconcile": "sync",
    "mock": "fake, and only in tests",
    "experiment": "run or replication",
}
"""Words of a name (split at underscores and capitals) and what to write for them."""

VERSIONS: Final = frozenset({"api_version", "resource_version", "group_version", "kubesim_version", "__version__"})
"""The versions there are; the one of Kubernetes is called release."""


def names_of(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def room_of(path: Path) -> str:
    """The room a module lies in; the package's own ``__init__`` is the front door, above all rooms."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every imported module with its line, those inside functions and under TYPE_CHECKING included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "kubesim":
                yield from ((node.lineno, f"kubesim.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


def complain(problems: list[str]) -> None:
    assert not problems, "\n" + "\n".join(problems)


each_module = pytest.mark.parametrize("path", MODULES, ids=names_of(MODULES))


@each_module
def test_imports_go_downward_only(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in HEIGHT, f"kubesim/{room} is no known room: put it on its line in LINES, and into docs/design.md"
    problems = []
    for line, module in imports(parsed(path)):
        parts = module.split(".")
        if parts[0] != "kubesim" or len(parts) == 1 or parts[1] == room:
            continue
        if HEIGHT.get(parts[1], 1) >= HEIGHT[room]:
            problems.append(
                f"{path.relative_to(ROOT)}:{line}: {room} imports {parts[1]}, which is not below it: pass what is "
                "needed as an argument, or move what is shared to a lower room"
            )
        if room in READERS_OF_HISTORY and parts[1] == "sim":
            problems.append(
                f"{path.relative_to(ROOT)}:{line}: {room} reads a history and starts no runs: take a History"
            )
    complain(problems)


@each_module
def test_only_sim_imports_simpy_and_decisions_stay_pure(path: Path) -> None:
    room, problems = room_of(path), []
    for line, module in imports(parsed(path)):
        place, top = f"{path.relative_to(ROOT)}:{line}", module.split(".")[0]
        if top == "simpy" and room != "sim":
            problems.append(f"{place}: only kubesim/sim imports simpy: decide here, wait there")
        if room in PURE and top in IMPURE_MODULES:
            problems.append(f"{place}: {room} is pure: take what {module} would give as an argument")
        if room in PURE and module.startswith("kubesim.history"):
            problems.append(f"{place}: {room} decides and does not record: return data, the shell writes the history")
    complain(problems)


REAL_TIME: Final = re.compile(
    r"\b((datetime|date)\.(now|today|utcnow)|time\.(time|monotonic|perf_counter|sleep)(_ns)?|uuid\.uuid[14])$"
)


@each_module
def test_no_call_asks_the_real_world(path: Path) -> None:
    room, problems = room_of(path), []
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        called, place = ast.unparse(node.func), f"{path.relative_to(ROOT)}:{node.lineno}"
        if REAL_TIME.search(called) and room not in MAY_MEET_THE_REAL_WORLD:
            problems.append(f"{place}: {called}() asks the real world: take the instant, or the name, as an argument")
        if re.fullmatch(r"random\.(?!Random$)\w+", called) and room not in MAY_MEET_THE_REAL_WORLD:
            problems.append(
                f"{place}: {called}() draws from shared state: draw from a random.Random made from (seed, name)"
            )
        if called == "print" and room not in ("cli", "commands", "__main__"):
            problems.append(f"{place}: only the command line prints: return the text")
    complain(problems)


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, source: list[str]) -> int:
    """Lines of a function that hold code: no docstring, no blank lines, no comments."""
    first = node.body[0]
    has_docstring = ast.get_docstring(node, clean=False) is not None
    docstring = range(first.lineno, (first.end_lineno or first.lineno) + 1) if has_docstring else range(0)
    numbers = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    texts = [source[number - 1].strip() for number in numbers if number not in docstring]
    return sum(1 for text in texts if text and not text.startswith("#"))


@each_module
def test_modules_and_functions_fit_on_a_screen(path: Path) -> None:
    name, source = str(path.relative_to(PACKAGE)), path.read_text(encoding="utf-8").splitlines()
    problems = []
    if len(source) > MODULE_LINES and name not in LONG_BECAUSE_TABLE:
        problems.append(f"{name} has {len(source)} lines, more than {MODULE_LINES}: split it by what its parts decide")
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = code_lines(node, source)
            if length > FUNCTION_LINES and f"{name}:{node.name}" not in LONG_BECAUSE_TABLE:
                problems.append(
                    f"{name}:{node.lineno}: {node.name} has {length} lines of code, more than {FUNCTION_LINES}: keep "
                    "the branching, push straight-line work down into functions of its own"
                )
    complain(problems)


RELEASE: Final = re.compile(r"v?1\.\d\d(\.\d+)?")


def is_release(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and RELEASE.fullmatch(node.value) is not None
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(is_release(item) for item in node.elts)
    return isinstance(node, ast.Attribute) and node.attr == "minor"


@each_module
def test_releases_are_compared_in_one_room(path: Path) -> None:
    if room_of(path) == "releases":
        return
    complain(
        [
            f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)} compares releases: add a gate or a policy to "
            'kubesim/releases, and ask release.enabled("…") or release.policy("…")'
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Compare) and any(is_release(side) for side in (node.left, *node.comparators))
        ]
    )


def defined_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


@each_module
def test_names_speak_the_projects_language(path: Path) -> None:
    problems = []
    for line, name in defined_names(parsed(path)):
        place = f"{path.relative_to(ROOT)}:{line}: {name}"
        problems += [
            f'{place}: say {BANNED_WORDS[word]}, not "{word}"' for word in sorted(words(name) & BANNED_WORDS.keys())
        ]
        if re.search(r"(^|_)version$", name.lower()) and name.lower().lstrip("_") not in VERSIONS | {"version"}:
            problems.append(f'{place}: "version" is apiVersion, resourceVersion or our own; of Kubernetes, say release')
    complain(problems)


@each_module
def test_every_module_says_what_it_decides(path: Path) -> None:
    if path.read_text(encoding="utf-8").strip() and ast.get_docstring(parsed(path)) is None:
        complain([f"{path.relative_to(ROOT)}: the module has no docstring: say in one line what it holds or decides"])


TEXTS: Final = sorted(
    path
    for top in ("kubesim", "tests", "docs", "scenarios", ".ci")
    for path in (ROOT / top).rglob("*")
    if path.suffix in {".py", ".md", ".yaml", ".toml", ".txt", ""}
    and path.is_file()
    and "__pycache__" not in path.parts
) + [path for path in sorted(ROOT.iterdir()) if path.suffix in {".md", ".txt", ".toml"} or path.name == "Makefile"]
MACHINE: Final = re.compile(r"(?<![\w.])/(work|root|home)/\w|index[-_]url|https?://[\w.]*(pypi|pythonhosted|goproxy)\b")


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    complain(
        [
            f"{path.relative_to(ROOT)}:{number}: {found[0]}: name no path of your machine and no package registry"
            for path in TEXTS
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            if path != Path(__file__) and (found := MACHINE.search(line))
        ]
    )


def test_test_modules_have_names_of_their_own() -> None:
    """pytest imports them by their bare names: of two alike it takes the first for both, and fails."""
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        places.setdefault(path.name, []).append(str(path.relative_to(ROOT)))
    complain([f"{' and '.join(same)} have one name: rename one" for same in places.values() if len(same) > 1])
