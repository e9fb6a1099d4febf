"""How long a pod and its containers get to stop, and whose turn it is."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.kubelet.actions import KillReason, Why
from kubesim.kubelet.termination import (
    EffectiveGrace,
    container_grace_seconds,
    container_stop,
    effective_grace,
    killing_message,
    prerequisites,
    stop_signal,
    why_out_of_turn,
)
from kubesim.objects.pod import Pod, pod_view
from kubesim.releases import release
from kubesim.units import MILLISECOND, SECOND

HOOK = {"preStop": {"exec": {"command": ["x"]}}}
PROBE = {"exec": {"command": ["t"]}}


def pod(
    *, sidecars: tuple[str, ...] = (), mains: tuple[str, ...] = ("m1",), inits: tuple[str, ...] = (), **more: Any
) -> Pod:
    """The base pod: one main, 30 s of grace. ``deletion`` sets deletionGracePeriodSeconds."""
    metadata: dict[str, Any] = {"name": "p"}
    if "deletion" in more:
        metadata["deletionGracePeriodSeconds"] = more.pop("deletion")
    spec: dict[str, Any] = {
        "terminationGracePeriodSeconds": more.pop("grace", 30),
        "initContainers": [
            *({"name": name, "restartPolicy": "Always"} for name in sidecars),
            *({"name": name} for name in inits),
        ],
        "containers": [{"name": name, **more} for name in mains],
    }
    return pod_view({"metadata": metadata, "spec": spec})


@pytest.mark.parametrize(
    ("deletion", "spec", "remembered", "override", "new", "old"),
    [
        (None, 30, 0, None, (30, False), (30, False)),
        (None, None, 0, None, (1, False), (1, False)),
        (10, 30, 0, None, (10, False), (10, False)),
        (60, 30, 0, None, (60, False), (60, False)),
        (10, 30, 0, 5, (5, False), (5, False)),
        (5, 30, 0, 10, (5, False), (5, False)),
        (5, 30, 20, None, (5, True), (5, True)),
        (20, 30, 5, None, (5, False), (5, False)),
        (0, 30, 0, None, (1, False), (30, False)),
        (None, 30, 0, 0, (1, False), (30, False)),
        (0, 30, 20, None, (1, True), (30, True)),
        (0, None, 0, None, (1, False), (1, False)),
        (-1, 30, 0, None, (1, False), (1, False)),
    ],
)
def test_effective_grace(
    deletion: int | None,
    spec: int | None,
    remembered: int,
    override: int | None,
    new: tuple[int, bool],
    old: tuple[int, bool],
) -> None:
    """K-6: an explicit 0 counted as none up to 1.29 and in 1.30.0 and 1.30.1."""
    for label, expected in [("1.36", new), ("1.31", new), ("1.30", new), ("1.30.1", old), ("1.29", old), ("1.27", old)]:
        grace = effective_grace(
            deletion_seconds=deletion,
            spec_seconds=spec,
            remembered=remembered,
            override=override,
            release=release(label),
        )
        assert grace == EffectiveGrace(*expected), label


@pytest.mark.parametrize(
    ("reason", "tweak", "seconds"),
    [
        (KillReason.OTHER, {}, 30),
        (KillReason.OTHER, {"grace": None}, 2),
        (KillReason.OTHER, {"deletion": 0}, 0),
        (KillReason.LIVENESS_PROBE, {"livenessProbe": {**PROBE, "terminationGracePeriodSeconds": 7}}, 7),
        (KillReason.STARTUP_PROBE, {"startupProbe": {**PROBE, "terminationGracePeriodSeconds": 7}}, 7),
        (KillReason.LIVENESS_PROBE, {"startupProbe": {**PROBE, "terminationGracePeriodSeconds": 7}}, 30),
        (KillReason.LIVENESS_PROBE, {"livenessProbe": PROBE}, 30),
        (KillReason.UNKNOWN, {"livenessProbe": {**PROBE, "terminationGracePeriodSeconds": 7}}, 30),
        (KillReason.LIVENESS_PROBE, {"livenessProbe": {**PROBE, "terminationGracePeriodSeconds": 7}, "deletion": 9}, 9),
        (KillReason.LIVENESS_PROBE, {"livenessProbe": {**PROBE, "terminationGracePeriodSeconds": 7}, "grace": None}, 2),
    ],
)
def test_grace_of_one_container(reason: KillReason, tweak: dict[str, Any], seconds: int) -> None:
    """K-70.2 to K-70.4."""
    given = pod(**tweak)
    assert container_grace_seconds(given.spec.containers[0], given, reason, release("1.29")) == seconds


def test_the_probe_grace_has_a_gate_in_1_27() -> None:
    given = pod(livenessProbe={**PROBE, "terminationGracePeriodSeconds": 7})
    reason, main = KillReason.LIVENESS_PROBE, given.spec.containers[0]
    off = release("1.27", {"ProbeTerminationGracePeriod": False})
    assert container_grace_seconds(main, given, reason, off) == 30
    assert container_grace_seconds(main, given, reason, release("1.27")) == 7


@pytest.mark.parametrize(
    ("grace", "hook", "turn", "stop"),
    [
        (30, 0, 0, 30),
        (30, 4.99, 0, 26),
        (30, 5, 3.2, 22),
        (6, 6, None, 2),
        (6, 1, 5, 2),
        (3, 1.5, 0.9, 2),
    ],
)
def test_one_budget_for_hook_turn_and_stop(grace: int, hook: float, turn: float | None, stop: int) -> None:
    """K-72: whole seconds are taken off, and at least 2 s are left."""
    given = pod(grace=grace, lifecycle=HOOK)
    plan = container_stop(given.spec.containers[0], given, release("1.29"), waits_for_turn=True)
    assert plan.pre_stop_limit == grace * SECOND
    plan = plan.after_pre_stop(int(hook * 1000) * MILLISECOND)
    assert plan.pre_stop_limit is None
    assert (plan.turn_limit is None) == (turn is None)
    if turn is not None:
        plan = plan.after_turn(int(turn * 1000) * MILLISECOND)
        assert plan.turn_limit is None
    assert plan.stop_grace_seconds == stop


def test_no_hook_and_no_order() -> None:
    given = pod()
    plan = container_stop(given.spec.containers[0], given, release("1.36"))
    assert (plan.pre_stop_limit, plan.turn_limit, plan.stop_grace_seconds) == (None, None, 30)


def test_grace_0_skips_hook_and_turn() -> None:
    given = pod(lifecycle=HOOK)
    main = given.spec.containers[0]
    plan = container_stop(main, given, release("1.29"), override_seconds=0, waits_for_turn=True)
    assert (plan.pre_stop_limit, plan.turn_limit, plan.stop_grace_seconds) == (None, None, 2)


@pytest.mark.parametrize(("override", "stop"), [(None, 23), (10, 10), (1, 1), (0, 0)])
def test_1_27_applies_the_override_last(override: int | None, stop: int) -> None:
    """K-72: the stop gets the whole effective grace again, without the minimum of 2 s."""
    given = pod(lifecycle=HOOK)
    plan = container_stop(given.spec.containers[0], given, release("1.27"), override_seconds=override)
    assert plan.pre_stop_limit == 30 * SECOND
    assert plan.after_pre_stop(7 * SECOND).stop_grace_seconds == stop


THREE = pod(sidecars=("s1", "s2", "s3"), inits=("i1",), mains=("m1", "m2"))
ALL = ("s1", "s2", "s3", "m1", "m2")
ORDERED = {"s1": {"m1", "m2", "s2"}, "s2": {"m1", "m2", "s3"}, "s3": {"m1", "m2"}}


@pytest.mark.parametrize(
    ("label", "gates", "given", "running", "expected"),
    [
        ("1.28", {"SidecarContainers": True}, THREE, ALL, {}),
        ("1.29", {"SidecarContainers": False}, THREE, ALL, {}),
        ("1.29", {}, THREE, ALL, ORDERED),
        ("1.36", {}, THREE, ALL, ORDERED),
        ("1.36", {}, pod(mains=("m1", "m2")), ("m1", "m2"), {}),
        ("1.36", {}, THREE, ("s1", "s2", "m1"), {"s1": {"m1", "s2"}, "s2": {"m1"}}),
        ("1.36", {}, THREE, ("s1", "s3", "m1"), {"s1": {"m1"}, "s3": {"m1"}}),
        ("1.36", {}, THREE, ("s1", "s2", "s3"), {"s1": {"s2"}, "s2": {"s3"}}),
        ("1.29.0", {}, THREE, ("s1", "s2", "m1"), {"s1": {"m1", "s2"}, "s2": {"m1", "s3"}}),
        ("1.30.1", {}, THREE, ("s1", "s3"), {"s1": {"s2"}}),
        ("1.29", {}, THREE, ("s1", "i1"), {}),
    ],
)
def test_prerequisites(
    label: str, gates: dict[str, bool], given: Pod, running: tuple[str, ...], expected: dict[str, set[str]]
) -> None:
    """K-75, K-76; K-79: the first 1.29 and 1.30 patches wait for a later sidecar that does not run."""
    found = prerequisites(given, running, release(label, gates))
    assert {name: set(needs) for name, needs in found.items()} == expected


def test_stop_signals() -> None:
    """K-74."""
    own = pod(lifecycle={"stopSignal": "SIGUSR1"}).spec.containers[0]
    plain = pod().spec.containers[0]
    on, off = release("1.36", {"ContainerStopSignals": True}), release("1.36")
    assert stop_signal(own, "", on) == "SIGUSR1"
    assert stop_signal(own, "SIGQUIT", off) == "SIGQUIT"
    assert stop_signal(plain, "", on) == "SIGTERM"


def test_killing_message() -> None:
    """K-71."""
    assert killing_message("app", "", release("1.29")) == "Stopping container app"
    assert killing_message("app", "because", release("1.29")) == "because"


def test_why_a_sidecar_is_stopped_out_of_turn() -> None:
    assert why_out_of_turn(("app",)) == Why("no grace is left to wait for app to end", ("K-77",))
    assert why_out_of_turn(("a", "b", "c")).text == "no grace is left to wait for a, b and c to end"
