"""Evictions by the kubelet: when an excess is noticed, with which grace, and what the pod shows (FINDINGS 15, 61)."""

from __future__ import annotations

from typing import Any

import pytest
from sim_runs import DEAF, FOREVER, container, final, phases, pod, ran, sidecar, story, told, when

MESSAGE = 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". '
FILLS = "dd if=/dev/zero of=/scratch/f bs=1M count=5"
WRITES = f"{FILLS}; {FOREVER}"
SCRATCH = {"volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}]}
MOUNTS: dict[str, Any] = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}


def greedy(script: str = WRITES, **spec: Any) -> dict[str, Any]:
    return pod(container("app", script, **MOUNTS), **{**SCRATCH, **spec})


@pytest.mark.parametrize("draw", range(6))
def test_an_excess_is_noticed_within_two_minutes(draw: int) -> None:
    """Measured within a minute and judged within 10 s more: real kubelets took 24 to 58 s."""
    history = ran(greedy(), draw=draw)
    assert told(history, "Evicted") == [MESSAGE]
    assert 1 < when(history, "app stop 2") < 72


def test_what_is_taken_away_in_time_is_not_held_against_the_pod() -> None:
    history = ran(greedy(f"{FILLS}; sleep 5; rm /scratch/f; exit 0"), until=180)
    assert told(history, "Evicted") == []
    assert phases(history) == ["Pending", "Running"]


def test_later_measurements_are_a_minute_to_two_apart() -> None:
    """The excess begins after the first measurement at 36 s: the next is one and a half periods later."""
    history = ran(greedy(f"sleep 45; {WRITES}"))
    assert 120 < when(history, "app stop 2") < 137


@pytest.mark.parametrize(("release", "grace"), [("1.28", 30), ("1.29", 30), ("1.30.1", 30), ("1.30", 2), ("1.36", 2)])
def test_the_grace_of_an_eviction(release: str, grace: int) -> None:
    """K-84: up to 1.30.1 an override of 0 is mistaken for none."""
    history = ran(greedy(), release=release)
    assert f"app stop {grace}" in story(history)


def test_a_pod_that_fails_shows_why() -> None:
    """S-5: phase Failed keeps the reason and the message of the verdict."""
    history = ran(greedy(WRITES.replace("exit 0", "exit 3")))
    status = history.pod("p").versions[-1].object["status"]
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Evicted", MESSAGE)


def test_a_pod_that_ends_well_has_succeeded() -> None:
    """FINDINGS 15: exit code 0 of every main makes it Succeeded, and the reason is lost."""
    status = ran(greedy()).pod("p").versions[-1].object["status"]
    assert (status["phase"], status.get("reason")) == ("Succeeded", None)


@pytest.mark.parametrize("release", ["1.28", "1.29", "1.36"])
def test_the_records_of_an_evicted_pods_containers_go_at_once(release: str) -> None:
    """FINDINGS 61: what the PLEG sees dead while others still stop is removed, and its status is not known then."""
    slow = f"trap 'sleep 3; exit 0' TERM; {FILLS}; sleep 1000000 & wait"
    history = ran(pod(container("app", slow, **MOUNTS), inits=[sidecar("first")], **SCRATCH), release=release)
    status = final(history, "first")
    if release == "1.29":
        assert (status["restartCount"], status["state"]["terminated"]["reason"]) == (0, "Completed")
    else:
        assert (status["restartCount"], status["state"]["terminated"]["reason"]) == (1, "ContainerStatusUnknown")
        assert status["lastState"]["terminated"]["exitCode"] == 137


@pytest.mark.parametrize(("release", "complaints"), [("1.29", 1), ("1.36", 0)])
def test_an_eviction_complains_after_ten_seconds(release: str, complaints: int) -> None:
    """K-89: it waits for 10 s, whatever grace the worker has taken the override for."""
    assert len(told(ran(greedy(f"{FILLS}; {DEAF}"), release=release), "ExceededGracePeriod")) == complaints


def test_what_a_container_writes_beside_volumes_counts_against_its_limit() -> None:
    limited = {"resources": {"limits": {"ephemeral-storage": "1Mi"}}}
    history = ran(pod(container("app", f"dd if=/dev/zero of=/f bs=1M count=5; {FOREVER}", **limited), container("web")))
    assert told(history, "Evicted") == ['Container app exceeded its local ephemeral storage limit "1Mi". ']
