"""What no page promises: while no kubelet looks after a Pod, just after one is back, and what it has forgotten."""

from __future__ import annotations

import msgspec
import pytest
from build import POSTSTART, history, pod
from cases import verdict_on

from kubesim.guarantees.judging import check
from kubesim.guarantees.verdicts import Verdict
from kubesim.history.history import History
from kubesim.history.records import AnyRecord, RuntimeChanged

DELETED = "0 bind; 1 start app; 3 deleted 5"
CRASHED = "0 bind; 1 start app; 2 exit app 1; 2 start app; 3 exit app 1"


@pytest.mark.parametrize(
    ("fault", "known"),
    [
        ("", False),
        ("2 act kubelet-restart node=node1 takes=60s", True),
        ("2 act network-down node=node1 for=60s", True),
        ("2 act network-down node=node1", True),
        ("2 act network-down node=node2 for=60s", False),
        ("40 act kubelet-restart node=node1 takes=3s", False),
    ],
)
def test_a_grace_that_nobody_watched_over_is_known_not_to_be_kept(fault: str, known: bool) -> None:
    """The overlap of fault and proof decides: what is broken before, after, or elsewhere stays broken."""
    parts = [*DELETED.split("; "), "3 stop app 5", "30 exit app 137", "100 end", *([fault] if fault else [])]
    text = "; ".join(sorted(parts, key=lambda line: float(line.split()[0])))
    found = verdict_on("termination-sigkill-at-grace", pod("| app"), text)
    assert found.verdict is Verdict.BROKEN
    assert bool(found.known) is known


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (f"{CRASHED}; 20 start app; 21 exit app 1; 42 start app", Verdict.HELD),
        (f"{CRASHED}; 20 start app; 21 exit app 1; 32 start app", Verdict.BROKEN),
        # between exit and start a new kubelet took over: it starts at once, and the next time waits for 10 s
        (f"{CRASHED}; 20 start app; 21 exit app 1; 40 act kubelet-restart node=node1 takes=3s; 45 start app; "
         "50 exit app 1; 60 start app", Verdict.HELD),
        (f"{CRASHED}; 20 start app; 21 exit app 1; 40 act kubelet-restart node=node1 takes=3s; 45 start app; "
         "50 exit app 1; 52 start app", Verdict.BROKEN),
        # a start that the old kubelet had asked for may come when it is gone
        (f"{CRASHED}; 20 act kubelet-restart node=node1 takes=3s; 20 start app; 30 exit app 1; 31 start app; "
         "40 exit app 1; 51 start app", Verdict.HELD),
    ],
)  # fmt: skip
def test_a_new_kubelet_has_forgotten_the_back_off(text: str, verdict: Verdict) -> None:
    found = verdict_on("backoff-exponential", pod("| app"), text)
    assert (found.verdict, found.known) == (verdict, "")


PULLS = "0 bind; 1 event Pulling app; 2 event Failed app; 12 event Pulling app; 13 event Failed app"
RESTART = "20 act kubelet-restart node=node1 takes=3s"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (f"{PULLS}; {RESTART}; 24 event Pulling app; 25 event Failed app; 36 event Pulling app", Verdict.HELD),
        (f"{PULLS}; {RESTART}; 24 event Pulling app; 25 event Failed app; 30 event Pulling app", Verdict.BROKEN),
        (f"{PULLS}; 24 event Pulling app", Verdict.BROKEN),
    ],
)
def test_and_that_of_pulls(text: str, verdict: Verdict) -> None:
    assert verdict_on("backoff-image-pull-separate", pod("| app"), text).verdict is verdict


@pytest.mark.parametrize(("completes", "verdict"), [("12 exit setup", Verdict.HELD), ("30 exit setup", Verdict.BROKEN)])
def test_a_pod_is_initialized_in_the_sandbox_in_which_its_containers_were(completes: str, verdict: Verdict) -> None:
    """The first sandbox was lost before its init container had completed; nothing of it counts."""
    parts = [
        "1 sandbox", "2 start setup", "3 exit setup 255", "10 sandbox", "11 start setup", completes,
        "14 cond Initialized=True", "15 cond Ready=True", "40 end",
    ]  # fmt: skip
    text = "; ".join(sorted(parts, key=lambda line: float(line.split()[0])))
    for id_ in ("condition-initialized", "condition-not-ready-until-inits"):
        assert verdict_on(id_, pod("setup | app"), text).verdict is verdict, id_


def test_a_deadline_is_seen_when_the_pull_is_over() -> None:
    bounded = pod("| app", spec={"activeDeadlineSeconds": 5})
    late = "0 bind; 0 began; 1 event Pulling app; {}; 40 kills; 41 phase Failed DeadlineExceeded; 60 end"
    pulling = verdict_on("termination-deadline-exceeded-pod", bounded, late.format("39 event Pulled app"))
    assert "while an image is pulled" in pulling.known
    idle = verdict_on("termination-deadline-exceeded-pod", bounded, late.format("2 event Pulled app"))
    assert (idle.verdict, idle.known) == (Verdict.BROKEN, "")


def test_a_shorter_grace_leaves_a_stop_under_way_alone() -> None:
    first = "0 bind; 1 start p; 2 start app; 3 deleted 30; 3 kills; 4 exit app; 4 stop p 30"
    then = "8 deleted 3; 34 signal p KILL; 34 exit p 137"
    found = verdict_on("sidecar-sigkill-if-not-graceful", pod("p* | app"), f"{first}; {then}")
    assert "a shorter grace does not cut short a stop" in found.known


def test_a_slow_pull_for_one_container_holds_up_the_restart_of_another() -> None:
    """The worker of a Pod does one thing after the other; what waits for it has no promise of an instant."""
    text = "0 bind; 1 start p; 1 event Pulling app; 2 exit p 1; {}; 46 start p; 47 start app; 60 end"
    pulled = verdict_on("sidecar-restarts-after-any-exit", pod("p* | app"), text.format("45 event Pulled app"))
    at_once = verdict_on("sidecar-restarts-after-any-exit", pod("p* | app"), text.format("2 event Pulled app"))
    assert at_once.verdict is Verdict.BROKEN
    assert pulled.verdict is not Verdict.BROKEN


def test_a_grace_begins_again_with_a_new_kubelet() -> None:
    """termination-kubelet-restart-restarts-grace: from the decision of the new one on, the whole of it."""
    text = (
        "0 bind; 1 start app; 3 deleted 20; 3 kills; 10 act kubelet-restart node=node1 takes=3s; 14 kills; "
        "14 stop app 20; {0} signal app KILL; {0} exit app 137; 60 end"
    )
    for second, verdict in ((34, Verdict.HELD), (25, Verdict.BROKEN)):
        assert verdict_on("termination-no-early-kill", pod("| app"), text.format(second)).verdict is verdict
    late = verdict_on("termination-sigkill-at-grace", pod("| app"), text.format(50))
    assert (late.verdict, late.known) == (Verdict.BROKEN, "")


def test_a_new_kubelet_that_finds_nothing_running_gives_no_grace_again() -> None:
    """What happened under the old one is judged by its deadline: at the end of it a sidecar waits no longer."""
    text = (
        "0 bind; 1 start p; 2 start app; 3 deleted 6; 3 kills; 3 stop app 6; {0} stop p 2; 9 signal app KILL; "
        "9 exit app 137; 11 signal p KILL; 11 exit p 137; 12 act kubelet-restart node=node1 takes=3s; 16 kills; 60 end"
    )
    for second, verdict in ((9, Verdict.HELD), (5, Verdict.BROKEN)):
        assert verdict_on("sidecar-sigterm-after-mains", pod("p* | app"), text.format(second)).verdict is verdict
    for id_ in ("termination-no-early-kill", "sidecar-sigkill-if-not-graceful"):
        assert verdict_on(id_, pod("p* | app"), text.format(9)).verdict is Verdict.HELD


def test_what_happens_at_the_very_instant_of_a_new_sandbox_belongs_to_the_one_before() -> None:
    """Without latencies a sidecar is told to stop, and the old status is written, when the next sandbox begins."""
    text = "0 sandbox; 1 start p; 3 start app; {}; 6 start p; 8 start app; 60 end"
    stops = ("5 sandbox; 5 stop p 30; 5.5 exit p 0", Verdict.HELD), ("5 stop p 30; 5.5 exit p 0", Verdict.BROKEN)
    for between, verdict in stops:
        found = verdict_on("sidecar-runs-through-pod-life", pod("p* | app"), text.format(between))
        assert found.verdict is verdict
    for instant, verdict in ((5, Verdict.HELD), (5.1, Verdict.BROKEN)):
        between = f"5 exit p 0; 5 sandbox; {instant} cond Initialized=True"
        found = verdict_on("condition-initialized", pod("p* | app"), text.format(between))
        assert found.verdict is verdict


def test_init_containers_may_count_from_0_again_in_a_new_sandbox() -> None:
    before = "1 sandbox; 2 start p; 3 shows p running; 4 exit p 1; 5 start p; 6 shows p running restarts=1"
    text = before + "; {}20 start p; 21 shows p running"
    again = verdict_on("restart-count-monotone", pod("p* | app"), text.format("10 sandbox; "))
    assert "counts from 0" in again.known
    counted_as_lost = verdict_on(
        "restart-count-monotone", pod("p* | app"), text.format("10 sandbox; 11 shows p waiting restarts=2; ")
    )
    assert "counts from 0" in counted_as_lost.known
    assert verdict_on("restart-count-monotone", pod("p* | app"), text.format("")).known == ""


def test_a_start_that_was_cut_off_may_leave_a_container_created_and_counts_for_no_back_off() -> None:
    """The numbers of runs have a gap; only where a fault came before is the next restart left alone."""
    text = "0 bind; 1 start app; 2 exit app 1; 3 start app; 4 exit app 1; {}15 start app; 16 exit app 1; 17 start app"
    cut = "5 act kubelet-restart node=node1 takes=3s; "
    assert verdict_on("backoff-exponential", pod("| app"), text.format("")).verdict is Verdict.BROKEN
    told = history(pod("| app"), text.format(cut))
    last = max(one.run for one in told.runtime)
    gap = [msgspec.structs.replace(one, run=one.run + 1) if _run(one) == last else one for one in told.records]
    (found,) = check(History(told.header, gap), ["backoff-exponential"])
    assert found.verdict is not Verdict.BROKEN


def _run(record: AnyRecord) -> int:
    return record.run if isinstance(record, RuntimeChanged) else -1


def test_a_kill_from_outside_is_none_of_the_kubelets() -> None:
    first = "0 bind; 1 start p; 2 start app; 3 deleted 30; 3 kills; 4 exit app; 4 stop p 30"
    text = first + "; {}9 signal p KILL; 9 exit p 137"
    for id_ in ("termination-no-early-kill", "sidecar-sigkill-if-not-graceful"):
        assert verdict_on(id_, pod("p* | app"), text.format("")).verdict is Verdict.BROKEN, id_
        outside = verdict_on(id_, pod("p* | app"), text.format("9 act kill container=p; "))
        assert outside.verdict is not Verdict.BROKEN, id_


def test_a_post_start_that_does_not_end_keeps_the_kubelet_from_ending_the_pod() -> None:
    """K-5, K-107: the hook runs in the pass, and a deletion is acted upon after the pass."""
    template = pod("| app", app={"lifecycle": POSTSTART})
    text = "0 bind; 1 start app; 1 exec app postStart; {}3 deleted 5; 100 end"
    for id_ in ("termination-sigterm-all-mains", "termination-sigkill-at-grace"):
        assert "a postStart that does not end" in verdict_on(id_, template, text.format("")).known
        ended = verdict_on(id_, template, text.format("2 done app postStart; "))
        assert (ended.verdict, ended.known) == (Verdict.BROKEN, "")
