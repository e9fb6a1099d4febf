"""The documented guarantees on generated runs: kept wherever they hold, and broken where they do not.

The long search that counts how often each one was put to the test is ``make properties``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from families import FAMILIES
from hypothesis import HealthCheck, Phase, given, settings
from plans import Cluster, Plan, Scene

from kubesim.guarantees.catalogue import CHECKS, guarantees
from kubesim.guarantees.judging import check
from kubesim.guarantees.verdicts import EVERYWHERE, Verdict

EXAMPLES = {"long runs": 5, "cron jobs": 8, "jobs": 20, "failing jobs": 15, "many requests": 15, "ordered stops": 15}
"""In the quick profile, where it is not 25."""


@pytest.mark.parametrize("family", FAMILIES)
def test_every_guarantee_is_kept_where_it_holds(family: str) -> None:
    """What breaks is marked as known of that kubelet, or it is a bug: of the simulator, or of the guarantee."""

    @settings(max_examples=EXAMPLES.get(family, 25))
    @given(FAMILIES[family])
    def holds(plan: Plan | Scene) -> None:
        broken = [one for one in check(plan.run()) if one.verdict is Verdict.BROKEN and not one.known]
        assert not broken, f"{[(one.id, one.proof[0]) for one in broken]}\n{plan.replays()}"

    holds()


OLD_NODE = Cluster("1.30", node="1.27")
UNORDERED = Cluster("1.28", gate=True)
GATE_OFF = Cluster("1.29", gate=False)
NEW = Cluster("1.33")

OUTSIDE = [
    ("sidecar-sigterm-after-mains", UNORDERED, "endings"),
    ("sidecar-reverse-order", UNORDERED, "endings"),
    ("sidecar-128-unordered-termination", NEW, "endings"),
    ("sidecar-next-init-waits-started", OLD_NODE, "startups"),
    ("sidecar-never-started-blocks-init", OLD_NODE, "startups"),
    ("sidecar-started-with-startup-probe", OLD_NODE, "startups"),
    ("sidecar-started-no-probe", OLD_NODE, "endings"),
    ("sidecar-restarts-after-any-exit", OLD_NODE, "injectors"),
    ("sidecar-restarts-under-never", OLD_NODE, "injectors"),
    ("sidecar-universal-injector-native", GATE_OFF, "injectors"),
    ("sidecar-gate-off-field-dropped", NEW, "requests"),
    ("sidecar-gate-off-kubelet-rejects", OLD_NODE, "endings"),
    ("job-terminal-after-pods-gone", GATE_OFF, "jobs"),
]
"""A guarantee, a cluster on which the documentation does not promise it, and where to look for a run that breaks it."""


def _outside(cluster: Cluster, family: str, examples: int) -> Counter[str]:
    """How many runs break each guarantee where it is not promised."""
    broken: Counter[str] = Counter()

    @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(FAMILIES[family])
    def look(plan: Plan | Scene) -> None:
        history = replace(plan, cluster=cluster).run()
        promised = {one.id for one in check(history) if one.findings}
        for one in check(history, everywhere=True):
            if one.id not in promised and one.verdict is Verdict.BROKEN:
                broken[one.id] += 1

    look()
    return broken


@pytest.mark.parametrize(("cluster", "family"), sorted({row[1:] for row in OUTSIDE}, key=str), ids=str)
def test_it_is_broken_where_it_is_not_promised(cluster: Cluster, family: str) -> None:
    """1.28 stops sidecars together with the mains; a node that does not know the field waits for their exit; ..."""
    broken = _outside(cluster, family, 30)
    expected = {id_ for id_, *where in OUTSIDE if where == [cluster, family]}
    assert expected <= set(broken), sorted(expected - set(broken))


def test_what_is_shown_to_be_broken_has_a_scope() -> None:
    scoped = {one.id for one in CHECKS if one.scope is not EVERYWHERE}
    assert {id_ for id_, *_ in OUTSIDE} <= scoped
    assert all(guarantees()[id_].tier == 1 for id_, *_ in OUTSIDE)
