"""The page about mutation testing says what was found, and there is a reason for each change that no test notices."""

from __future__ import annotations

from pathlib import Path

from tests.mutation.page import KINDS, PAGE, key_of, page, read_results, survives
from tests.mutation.verdicts import read_verdicts

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read_results(), read_verdicts()), (
        "run: python -m tests.mutation.page"
    )


def test_every_survivor_has_a_verdict_with_a_reason() -> None:
    verdicts = read_verdicts()
    for one in read_results()["changes"]:
        entry = verdicts[key_of(one)]
        if survives(one):
            assert entry["verdict"] in KINDS, one
            assert entry["because"], one


def test_what_was_killed_since_is_noticed_by_a_test_that_exists() -> None:
    verdicts = read_verdicts()
    found = {key_of(one): one for one in read_results()["changes"]}
    for changed, entry in verdicts.items():
        if entry["verdict"] == "killed" and changed in found:
            one = found[changed]
            assert not survives(one), one
            path, _, name = one["noticed_by"].partition("::")
            if name:
                assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8"), one


def test_the_counts_fit_together() -> None:
    results = read_results()
    for module, counts in results["modules"].items():
        assert 0 <= counts["survived"] <= counts["tried"] <= counts["all"], module
    assert {one["place"].partition(":")[0] for one in results["changes"]} <= set(results["modules"])
