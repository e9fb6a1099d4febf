"""One pod's worker: only the newest update, one pass at a time, one way through its work, a grace that only shrinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sim_runs import container, pod

from kubesim.errors import IllegalMove
from kubesim.kubelet.observed import Observed
from kubesim.objects.pod import Pod, pod_view
from kubesim.releases import release
from kubesim.sim import pod_worker
from kubesim.sim.clock import Clock
from kubesim.sim.pod_worker import WORK_MOVES, PodWorker, Update, Work
from kubesim.units import SECOND

Begun = list[tuple[str, str]]


class FakePleg:
    """Has newer data a second after the pass before ended."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.looked_at: list[str] = []

    def cached(self, _uid: str) -> Observed:
        return Observed()

    def when_newer(self, uid: str, newer_than: int, then: Callable[..., None], *arguments: Any) -> None:
        if newer_than + SECOND <= self.clock.now:
            then(self.cached(uid), *arguments)
            return
        self.clock.at(newer_than + SECOND, then, self.cached(uid), *arguments)

    def look_at(self, uid: str) -> None:
        self.looked_at.append(uid)


class FakeKubelet:
    """What a worker asks for; writes down which pass began for which version of the pod."""

    def __init__(self, name: str = "1.36") -> None:
        self.clock = Clock()
        self.began = -(2**62)
        self.pleg = FakePleg(self.clock)
        self.release = release(name)
        self.begun: Begun = []
        self.requeued: list[str] = []

    def with_definitions(self, _pod: Pod, seen: Observed) -> Observed:
        return seen

    def requeue_after_error(self, _uid: str, retry_at: int | None) -> None:
        self.requeued.append(f"error {retry_at}")

    def requeue_for_resync(self, _uid: str) -> bool:
        self.requeued.append("resync")
        return True


class FakePass:
    """A pass that goes on until the test says that it is over."""

    def __init__(self, worker: PodWorker, _seen: Observed) -> None:
        self.worker = worker

    def begin(self) -> None:
        kubelet: Any = self.worker.kubelet
        kubelet.begun.append((type(self).__name__, self.worker.pod.metadata.labels.get("n", "")))


class FakeSync(FakePass): ...


class FakeTerminating(FakePass): ...


class FakeTerminated(FakePass): ...


@pytest.fixture
def kubelet(monkeypatch: pytest.MonkeyPatch) -> FakeKubelet:
    monkeypatch.setattr(pod_worker, "SyncPass", FakeSync)
    monkeypatch.setattr(pod_worker, "TerminatingPass", FakeTerminating)
    monkeypatch.setattr(pod_worker, "TerminatedPass", FakeTerminated)
    return FakeKubelet()


def configured(number: int = 0, grace: int | None = None, phase: str = "", spec_grace: int = 30) -> Pod:
    """The pod as configured; ``number`` tells one version from the next."""
    raw = pod(
        container("app"),
        metadata={"uid": "u", "namespace": "default", "labels": {"n": str(number)}},
        terminationGracePeriodSeconds=spec_grace,
    )
    if grace is not None:
        raw["metadata"] |= {"deletionTimestamp": "2024-01-01T00:10:00Z", "deletionGracePeriodSeconds": grace}
    raw["status"] = {"phase": phase or "Pending"}
    return pod_view(raw)


def worker_of(kubelet: FakeKubelet) -> PodWorker:
    return PodWorker(kubelet, configured())  # type: ignore[arg-type]  # a fake kubelet


def done(worker: PodWorker, **how: Any) -> None:
    worker.sync_done(**{"terminal": False, "failed": False, **how})


# -- K-1, K-2 ---------------------------------------------------------------------------------------------------------


def test_the_first_pass_does_not_wait(kubelet: FakeKubelet) -> None:
    worker_of(kubelet).update(Update(configured(1)))

    assert kubelet.begun == [("FakeSync", "1")]


def test_only_the_newest_update_is_kept_while_a_pass_runs(kubelet: FakeKubelet) -> None:
    """K-1: never two passes at once, and nothing in between."""
    worker = worker_of(kubelet)
    for number in (1, 2, 3):
        worker.update(Update(configured(number)))
    assert kubelet.begun == [("FakeSync", "1")]

    done(worker)
    kubelet.clock.run(10 * SECOND)

    assert kubelet.begun == [("FakeSync", "1"), ("FakeSync", "3")]


def test_the_next_pass_waits_for_newer_data(kubelet: FakeKubelet) -> None:
    """K-2: observed after the pass before ended."""
    worker = worker_of(kubelet)
    worker.update(Update(configured(1)))
    kubelet.clock.at(5 * SECOND, done, worker)
    kubelet.clock.at(7 * SECOND, worker.update, Update(configured(2)))
    kubelet.clock.run(int(5.5 * SECOND))
    assert len(kubelet.begun) == 1

    kubelet.clock.run(10 * SECOND)

    assert kubelet.begun[1:] == [("FakeSync", "2")]


def test_an_update_that_waits_for_data_is_not_replaced_but_followed(kubelet: FakeKubelet) -> None:
    """The worker has taken it already; the newer one comes after."""
    worker = worker_of(kubelet)
    worker.update(Update(configured(1)))
    done(worker)
    worker.update(Update(configured(2)))
    worker.update(Update(configured(3)))

    kubelet.clock.run(10 * SECOND)
    done(worker)
    kubelet.clock.run(20 * SECOND)

    assert [number for _, number in kubelet.begun] == ["1", "2", "3"]


# -- requeues ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected"),
    [({}, ["resync"]), ({"failed": True}, ["error None"]), ({"failed": True, "retry_at": 9}, ["error 9"])],
)
def test_what_comes_after_a_pass(kubelet: FakeKubelet, how: dict[str, Any], expected: list[str]) -> None:
    worker = worker_of(kubelet)
    worker.update(Update(configured()))
    done(worker, **how)

    assert kubelet.requeued == expected


@pytest.mark.parametrize(("name", "looks"), [("1.33", []), ("1.36", ["u"])])
def test_a_pass_that_acted_asks_for_a_look_where_the_release_does(
    kubelet: FakeKubelet, name: str, looks: list[str]
) -> None:
    """K-2, 1.36."""
    kubelet.release = release(name)
    worker = worker_of(kubelet)
    worker.update(Update(configured()))
    done(worker, acted=True)
    worker.update(Update(configured()))

    assert kubelet.pleg.looked_at == looks


# -- K-3, K-4: the way through ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "update",
    [
        Update(configured(grace=30)),
        Update(configured(phase="Failed")),
        Update(configured(phase="Succeeded")),
        Update(configured(), kill=True),
    ],
    ids=["deleted", "Failed", "Succeeded", "kill"],
)
def test_what_turns_a_pod_to_termination(kubelet: FakeKubelet, update: Update) -> None:
    """K-3."""
    worker = worker_of(kubelet)
    worker.update(update)

    assert worker.termination_requested
    assert kubelet.begun[0][0] == "FakeTerminating"


def test_a_deletion_during_a_pass_waits_for_it(kubelet: FakeKubelet) -> None:
    """K-5: the work is terminating at once, the pass that runs is not broken off."""
    worker = worker_of(kubelet)
    worker.update(Update(configured(1)))
    worker.update(Update(configured(2, grace=9)))
    assert worker.work is Work.TERMINATING
    assert len(kubelet.begun) == 1

    done(worker)
    kubelet.clock.run(10 * SECOND)

    assert kubelet.begun[1:] == [("FakeTerminating", "2")]


def test_the_whole_way(kubelet: FakeKubelet) -> None:
    """A pass that finds the pod terminal, then a try that fails, then all is stopped, then it is over."""
    worker = worker_of(kubelet)
    worker.update(Update(configured()))
    done(worker, terminal=True)
    assert worker.could_have_running_containers
    kubelet.clock.run(10 * SECOND)
    worker.terminating_done(failed=True)
    assert kubelet.requeued == ["error None"]
    worker.update(Update(configured()))
    kubelet.clock.run(20 * SECOND)
    worker.terminating_done(failed=False)
    assert not worker.could_have_running_containers
    kubelet.clock.run(30 * SECOND)
    worker.terminated_done()

    assert [name for name, _ in kubelet.begun] == ["FakeSync", "FakeTerminating", "FakeTerminating", "FakeTerminated"]
    assert worker.is_finished


def test_a_finished_worker_takes_nothing_up_again(kubelet: FakeKubelet) -> None:
    worker = worker_of(kubelet)
    worker.update(Update(configured(grace=1)))
    worker.terminating_done(failed=False)
    kubelet.clock.run(10 * SECOND)
    worker.terminated_done()
    worker.update(Update(configured(7)))
    kubelet.clock.run(20 * SECOND)

    assert len(kubelet.begun) == 2


@pytest.mark.parametrize("start", list(Work))
@pytest.mark.parametrize("to", list(Work))
def test_a_move_outside_the_table_is_refused_and_changes_nothing(kubelet: FakeKubelet, start: Work, to: Work) -> None:
    """K-4."""
    worker = worker_of(kubelet)
    worker.work = start
    if to in WORK_MOVES[start]:
        worker._move(to)
        assert worker.work is to
        return
    with pytest.raises(IllegalMove, match="the worker of pod p cannot go from"):
        worker._move(to)
    assert worker.work is start


# -- K-6, K-7: the grace ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "updates", "graces"),
    [
        ("1.36", [Update(configured(grace=20)), Update(configured(grace=5)), Update(configured(grace=9))], [20, 5, 5]),
        ("1.36", [Update(configured(grace=20)), Update(configured(grace=0))], [20, 1]),
        ("1.36", [Update(configured(), kill=True)], [30]),
        ("1.36", [Update(configured(), kill=True, override_seconds=7)], [7]),
        ("1.36", [Update(configured(grace=20), kill=True, override_seconds=7)], [7]),
        ("1.36", [Update(configured(grace=0))], [1]),
        ("1.29", [Update(configured(grace=0))], [30]),
        ("1.30.1", [Update(configured(grace=0))], [30]),
        ("1.30", [Update(configured(grace=0))], [1]),
        ("1.29", [Update(configured(grace=0, spec_grace=0))], [1]),
    ],
)
def test_the_grace_only_shrinks(kubelet: FakeKubelet, name: str, updates: list[Update], graces: list[int]) -> None:
    """K-6, FINDINGS 8: an explicit 0 is mistaken for "not set" up to 1.30.1."""
    kubelet.release = release(name)
    worker = worker_of(kubelet)
    found = []
    for update in updates:
        worker.update(update)
        found.append(worker.grace)

    assert found == graces


def test_a_natural_end_has_no_grace_of_its_own(kubelet: FakeKubelet) -> None:
    """K-8: what still runs then gets the grace of its spec."""
    worker = worker_of(kubelet)
    worker.update(Update(configured()))
    done(worker, terminal=True)
    kubelet.clock.run(10 * SECOND)

    assert kubelet.begun[-1][0] == "FakeTerminating"
    assert worker.grace == 0
