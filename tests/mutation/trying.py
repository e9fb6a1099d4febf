"""Try small changes of the deciding rooms on the unit tests, one at a time: which of them does no test notice?

mutmut makes the changes. Its own ``mutmut run`` starts pytest anew for each of them, with the names of all tests that
might notice; here pytest collects once, and each change is tried in a copy of that process, on the tests that run its
function, until one fails: first the tests of the three rooms, the quickest first; then some of the tests that run whole
clusters, which are many and slow. What a change costs is then what those tests cost.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings
from mutmut.configuration import config
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd, setup_source_paths

from tests.mutation.changes import COPY, Change

TOO_LONG = "takes too long"
CRASHED = "ends the tests"
NO_TEST = "no test runs it"
UNNOTICED = ""

WHOLE_RUNS = "tests/unit/sim"
MOST_WHOLE_RUNS = 25
SLOW = 0.3
"""Of the tests that run whole clusters: how many are tried on one change, and from how many seconds on none is."""


@dataclass
class Trial:
    """A pytest plugin that tries changes instead of running tests. ``seconds`` of one core for each change.

    ``covering``: function to the tests that are tried; ``left_out``: tests that fail on the unchanged copy;
    ``outcomes``: change to the test that noticed it, or one of the words above.
    """

    changes: list[Change]
    seconds: int = 20
    covering: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    number_of_tests: int = 0
    told: Callable[[Change, str], None] = lambda change, outcome: None

    def pytest_collection(self) -> None:
        """Examples of Hypothesis that fail are not shrunk: that they fail is enough."""
        settings.register_profile("trying", settings.default, phases=[Phase.explicit, Phase.generate], database=None)
        settings.load_profile("trying")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learn which test runs which function, then try each change."""
        items = {item.nodeid: item for item in session.items}
        self.number_of_tests = len(items)
        caches = remembering()
        self.covering, self.left_out = in_a_copy(lambda: functions_run(items.values(), caches), seconds=600)
        print(
            f"{len(self.covering)} functions run by {len(items)} tests; left out: {self.left_out}",
            file=sys.stderr,
            flush=True,
        )
        noticing: Counter[str] = Counter()  # what noticed most changes, of one function and at all, is likely to again
        for change in self.changes:
            names = self.covering.get(change.function, [])
            tests = [
                items[name]
                for name in sorted(names, key=lambda name: (-noticing[change.function + name], -noticing[name]))
            ]
            outcome = NO_TEST
            if tests:
                outcome = in_a_copy(lambda tests=tests, change=change: noticed(change, tests, caches), self.seconds)
            self.outcomes[change.name] = outcome
            noticing.update((outcome, change.function + outcome))
            self.told(change, outcome)
        return True


def attempt(trial: Trial, *, with_whole_runs: bool) -> None:
    """Let pytest collect the tests of mutmut's copy, and the trial take over. Raises RuntimeError if it cannot."""
    places = [one for one in config().pytest_add_cli_args_test_selection if with_whole_runs or one != WHOLE_RUNS]
    set_mutant_under_test("")
    setup_source_paths()
    with change_cwd(COPY):
        options = ["--rootdir=.", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
        status = pytest.main([*options, *places], plugins=[trial])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"pytest ended with {status!r}")


def remembering() -> list[Any]:
    """What remembers earlier answers in the changed rooms: the right ones would stand in for the wrong ones."""
    rooms = tuple(name.removesuffix("*").replace("/", ".") for name in config().only_mutate)
    return [
        value
        for name, module in sys.modules.items()
        if name.startswith(rooms)
        for value in vars(module).values()
        if hasattr(value, "cache_clear")
    ]


def passes(item: pytest.Item, caches: list[Any]) -> tuple[bool, float]:
    """Run one test: whether it passes, and how long it takes (s)."""
    for cache in caches:
        cache.cache_clear()
    began = time.process_time()
    reports = runtestprotocol(item, log=False, nextitem=None)
    return not any(report.failed for report in reports), time.process_time() - began


def functions_run(items: Iterable[pytest.Item], caches: list[Any]) -> tuple[dict[str, list[str]], list[str]]:
    """Function to the tests to try, in their order; and the tests that fail on the copy as it is, so that none may."""
    set_mutant_under_test("stats")
    covering: dict[str, list[tuple[float, str]]] = defaultdict(list)
    left_out = []
    for item in items:
        state()._stats.clear()
        good, seconds = passes(item, caches)
        if not good:
            left_out.append(item.nodeid)
            continue
        for function in state()._stats:
            covering[function].append((seconds, item.nodeid))
    return {function: in_order(tests) for function, tests in covering.items()}, left_out


def in_order(tests: list[tuple[float, str]]) -> list[str]:
    """The tests of the rooms, the quickest first, then some of the whole runs, spread over all that there are."""
    own = [name for _, name in sorted(tests) if not name.startswith(WHOLE_RUNS)]
    runs = sorted(name for seconds, name in tests if name.startswith(WHOLE_RUNS) and seconds < SLOW)
    return own + runs[:: -(-len(runs) // MOST_WHOLE_RUNS) or 1]


def noticed(change: Change, tests: list[pytest.Item], caches: list[Any]) -> str:
    """The test that fails under a change; nothing if none does."""
    set_mutant_under_test(change.name)
    return next((item.nodeid for item in tests if not passes(item, caches)[0]), UNNOTICED)


def in_a_copy(work: Callable[[], Any], seconds: int) -> Any:
    """What some work gives that is done in a copy of this process; or a word if it does not come to an end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
            with os.fdopen(writing, "wb") as answer:
                pickle.dump(work(), answer)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if status:
        return TOO_LONG if os.WIFSIGNALED(status) else CRASHED
    return pickle.loads(text)
