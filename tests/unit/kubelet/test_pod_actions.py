"""What a sync does to a pod: whole decisions of every release family, one situation a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from kubesim.kubelet.actions import KillReason, PodActions
from kubesim.kubelet.observed import (
    Observed,
    ObservedContainer,
    ObservedSandbox,
    ProbeResult,
    ProbeResults,
    RuntimeState,
)
from kubesim.kubelet.pod_actions import pod_actions
from kubesim.objects.pod import Pod, pod_view
from kubesim.releases import Release, release

_RULES_OFF = {"ContainerRestartRules": False, "RestartAllContainersOnContainerExits": False}
RELEASES: dict[str, Release] = {
    "1.27": release("1.27"),
    "1.28": release("1.28"),
    "1.28on": release("1.28", {"SidecarContainers": True}),
    "1.29.0": release("1.29.0"),
    "1.29": release("1.29"),
    "1.29off": release("1.29", {"SidecarContainers": False}),
    "1.32": release("1.32"),
    "1.33": release("1.33"),
    "1.33legacy": release("1.33", {"LegacySidecarContainers": True}),
    "1.34on": release("1.34", {"ContainerRestartRules": True}),
    "1.36": release("1.36"),
    "1.36off": release("1.36", _RULES_OFF),
}
BEFORE_SIDECARS = "1.27 1.28 1.29off"
LEGACY_FOR_PLAIN = "1.27 1.28 1.29 1.29off 1.32 1.33legacy"
RULES = "1.34on 1.36"

PROBE = {"exec": {"command": ["t"]}}
READY = ObservedSandbox("sb0", ready=True, ip="10.0.0.1")
DEAD = replace(READY, ready=False)


def container(name: str, **more: Any) -> dict[str, Any]:
    """A container; one whose name begins with ``s`` is a sidecar."""
    return {"name": name, "image": "img:1", **({"restartPolicy": "Always"} if name[0] == "s" else {}), **more}


def pod(*inits: str | dict[str, Any], policy: str = "Always", mains: tuple[Any, ...] = ("m1",), **more: Any) -> Pod:
    """The base pod: one main, the given init entries in front of it. ``deleted`` gives it a deletionTimestamp."""
    metadata = {"name": "p", "namespace": "ns", "uid": "u"}
    if more.pop("deleted", False):
        metadata["deletionTimestamp"] = "2024-01-01T00:10:00Z"
    lists = {
        key: [container(entry) if isinstance(entry, str) else entry for entry in entries]
        for key, entries in (("initContainers", inits), ("containers", mains))
    }
    return pod_view({"metadata": metadata, "spec": {"restartPolicy": policy, **lists, **more}})


def seen(sandbox: ObservedSandbox | None = READY, **states: Any) -> Observed:
    """What the runtime reports: ``m1="running"``, ``m1=0`` for an exit code, ``m1="oom"``, ``m1="changed"``."""
    return Observed((sandbox,) if sandbox else (), tuple(_instance(name, state) for name, state in states.items()))


def _instance(name: str, state: str | int) -> ObservedContainer:
    base = ObservedContainer(f"{name}-0", name, RuntimeState.RUNNING)
    match state:
        case int():
            return replace(base, state=RuntimeState.EXITED, exit_code=state, reason="Error" if state else "Completed")
        case "oom":
            return replace(base, state=RuntimeState.EXITED, reason="OOMKilled")
        case "changed":
            return replace(base, definition_changed=True)
        case _:
            return replace(base, state=RuntimeState(state))


def probes(**results: str) -> ProbeResults:
    """Stored results: ``liveness_m1="failure"``."""
    stores: dict[str, dict[str, ProbeResult]] = {"liveness": {}, "startup": {}}
    for key, value in results.items():
        store, name = key.split("_")
        stores[store][f"{name}-0"] = ProbeResult(value)
    return ProbeResults(**stores)


def said(actions: PodActions) -> str:
    """A whole decision in one line, in the order in which it is performed."""
    parts = []
    if actions.kill_pod:
        parts.append("kill pod")
    if actions.create_sandbox:
        parts.append(f"sandbox {actions.attempt}")
    for kill in actions.kills:
        again = ", again" if kill.restart else ""
        parts.append(f"kill {kill.name} ({kill.reason or 'other'}{again}: {kill.message})")
    for reset in actions.resets:
        parts.append(f"{'kill and remove' if reset.kill else 'remove'} {reset.name}")
    for start in (*actions.ephemeral_to_start, *actions.init_to_start, *actions.mains_to_start):
        parts.append(f"start {start.name}")
    return "; ".join(parts) or "nothing"


@dataclass(frozen=True)
class Row:
    """A situation, and what is decided: ``expected`` for every release not named in ``but`` (names, blank between)."""

    name: str
    pod: Pod
    seen: Observed
    expected: str
    rules: str
    but: dict[str, str] = field(default_factory=dict)
    probes: ProbeResults = field(default_factory=ProbeResults)

    def on(self, label: str) -> str:
        return next((text for labels, text in self.but.items() if label in labels.split()), self.expected)


UNKNOWN_INIT = 'Unknown, again: Init container is in "unknown" state, try killing it before restart'
UNKNOWN_MAIN = 'Unknown, again: Container is in "unknown" state, try killing it before restart'
RULE_42 = {"restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]}
RULE_NOT_42 = {"restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [42]}}]}
RULE_ALL = {"restartPolicyRules": [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}]}
STARTUP = container("s1", startupProbe=PROBE)
LIVE = container("s1", livenessProbe=PROBE)

SANDBOX_ROWS = [
    Row("nothing exists yet", pod(), seen(None), "kill pod; sandbox 0; start m1", "K-35 K-38"),
    Row("nothing exists, first init only", pod("i1", "i2"), seen(None), "kill pod; sandbox 0; start i1", "K-38"),
    Row("sandbox died", pod(), seen(DEAD, m1=137), "kill pod; sandbox 1; start m1", "K-35"),
    Row(
        "two sandboxes ready",
        pod(),
        Observed((replace(READY, id="sb1", attempt=1), READY), ()),
        "kill pod; sandbox 2; start m1",
        "K-35",
    ),
    Row("no address", pod(), seen(replace(READY, ip="")), "kill pod; sandbox 1; start m1", "K-35"),
    Row(
        "no address on the host's network",
        pod(hostNetwork=True),
        seen(replace(READY, ip="", host_network=True)),
        "start m1",
        "K-50",
    ),
    Row("other network mode", pod(hostNetwork=True), seen(READY), "kill pod; sandbox 1; start m1", "K-35"),
    Row("Never gets no second sandbox", pod(policy="Never"), seen(DEAD, m1="running"), "kill pod", "K-36"),
    Row("Never, but nothing ran yet", pod(policy="Never"), seen(DEAD), "kill pod; sandbox 1; start m1", "K-38"),
    Row(
        "OnFailure leaves out what succeeded",
        pod(policy="OnFailure", mains=("m1", "m2")),
        seen(DEAD, m1=0, m2=1),
        "kill pod; sandbox 1; start m2",
        "K-38",
    ),
    Row("OnFailure, all succeeded", pod(policy="OnFailure"), seen(DEAD, m1=0), "kill pod", "K-37"),
    Row(
        "OnFailure, created counts as succeeded up to 1.29",
        pod(policy="OnFailure"),
        seen(DEAD, m1="created"),
        "kill pod; sandbox 1; start m1",
        "",
        {"1.27 1.28 1.28on 1.29.0 1.29 1.29off": "kill pod"},
    ),
    Row(
        "OnFailure, a state unknown with code 0 proves no initialization",
        pod(policy="OnFailure"),
        seen(DEAD, m1="unknown"),
        "kill pod; sandbox 1; start m1",
        "",
        {"1.28on 1.29.0": "kill pod; sandbox 1", "1.27 1.28 1.29 1.29off": "kill pod"},
    ),
    Row(
        "OnFailure, main succeeded, init record gone: the legacy path initializes again",
        pod("i1", policy="OnFailure"),
        seen(DEAD, m1=0),
        "kill pod",
        "K-37",
        {LEGACY_FOR_PLAIN: "kill pod; sandbox 1; start i1"},
    ),
    Row(
        "reboot with a sidecar begins at index 0",
        pod("i1", "s1"),
        seen(DEAD, i1=0, s1=137, m1=137),
        "kill pod; sandbox 1; start i1",
        "K-38",
    ),
    Row(
        "container policy OnFailure in a pod Always (K-37)",
        pod(mains=(container("m1", restartPolicy="OnFailure"), "m2")),
        seen(DEAD, m1=0, m2=0),
        "kill pod; sandbox 1; start m1; start m2",
        "K-38",
        {RULES: "kill pod; sandbox 1; start m2"},
    ),
]

MAIN_ROWS = [
    Row("first start", pod(mains=("m1", "m2")), seen(), "start m1; start m2", "K-50"),
    Row("running", pod(), seen(m1="running"), "nothing", ""),
    Row("Always restarts after 0", pod(), seen(m1=0), "start m1", "K-50"),
    Row("OnFailure restarts after 1", pod(policy="OnFailure"), seen(m1=1), "start m1", "K-50"),
    Row("OnFailure ends with 0", pod(policy="OnFailure"), seen(m1=0), "kill pod", "K-50 K-66"),
    Row("Never ends with 1", pod(policy="Never"), seen(m1=1), "kill pod", "K-50 K-66"),
    Row("created is started", pod(policy="Never"), seen(m1="created"), "start m1", "K-50"),
    Row("unknown is killed first", pod(), seen(m1="unknown"), f"kill m1 ({UNKNOWN_MAIN}); start m1", "K-50"),
    Row("a deleted pod starts no main", pod(deleted=True), seen(), "kill pod", "K-50"),
    Row("one kept, one finished", pod(policy="Never", mains=("m1", "m2")), seen(m1="running", m2=0), "nothing", ""),
    Row(
        "definition changed restarts under Never too",
        pod(policy="Never"),
        seen(m1="changed"),
        "kill m1 (other, again: Container m1 definition changed, will be restarted); start m1",
        "K-50 K-51",
    ),
    Row(
        "liveness failure",
        pod(),
        seen(m1="running"),
        "kill m1 (LivenessProbe, again: Container m1 failed liveness probe, will be restarted); start m1",
        "K-50 K-51",
        probes=probes(liveness_m1="failure"),
    ),
    Row(
        "liveness failure under Never ends the pod",
        pod(policy="Never"),
        seen(m1="running"),
        "kill pod; kill m1 (LivenessProbe: Container m1 failed liveness probe)",
        "K-50 K-51 K-66",
        probes=probes(liveness_m1="failure"),
    ),
    Row(
        "startup failure",
        pod(),
        seen(m1="running"),
        "kill m1 (StartupProbe, again: Container m1 failed startup probe, will be restarted); start m1",
        "K-50",
        probes=probes(startup_m1="failure"),
    ),
    Row(
        "an ephemeral container is started once",
        pod(ephemeralContainers=[{"name": "e1", "image": "x"}, {"name": "e2", "image": "x"}]),
        seen(m1="running", e1=1),
        "start e2",
        "K-39",
    ),
]

PLAIN_ROWS = [
    Row("first init", pod("i1", "i2"), seen(), "start i1", ""),
    Row("init runs", pod("i1", "i2"), seen(i1="running"), "nothing", ""),
    Row("init succeeded, next", pod("i1", "i2"), seen(i1=0), "start i2", ""),
    Row("last init succeeded", pod("i1", "i2"), seen(i2=0, i1=0), "start m1", "K-50"),
    Row("failed init is retried alone", pod("i1"), seen(i1=1), "start i1", ""),
    Row("failed init under Never", pod("i1", policy="Never"), seen(i1=1), "kill pod", ""),
    Row("a running main proves initialization", pod("i1"), seen(m1="running"), "nothing", ""),
    Row(
        "and so lets another main start",
        pod("i1", mains=("m1", "m2")),
        seen(m1="running", m2=1),
        "start m2",
        "K-50",
    ),
    Row("unknown init is killed first", pod("i1"), seen(i1="unknown"), f"kill i1 ({UNKNOWN_INIT}); start i1", ""),
    Row("unknown init under Never", pod("i1", policy="Never"), seen(i1="unknown"), "kill pod", ""),
    Row(
        "an init stuck in created (findings 2)",
        pod("i1", "i2"),
        seen(i2="created", i1=0),
        "start i2",
        "",
        {LEGACY_FOR_PLAIN: "start i2", "1.28on 1.29.0": "nothing"},
    ),
    Row(
        "only created: the legacy path starts the first",
        pod("i1", "i2"),
        seen(i2="created"),
        "start i2",
        "",
        {LEGACY_FOR_PLAIN: "start i1", "1.28on 1.29.0": "nothing"},
    ),
    Row(
        "an earlier init failed, a later one succeeded (findings 3)",
        pod("i1", "i2"),
        seen(i2=0, i1=1),
        "start m1",
        "",
        {LEGACY_FOR_PLAIN: "start i1"},
    ),
    Row(
        "main created, inits gone (findings 4)",
        pod("i1"),
        seen(m1="created"),
        "start m1",
        "",
        {LEGACY_FOR_PLAIN: "start i1"},
    ),
    Row(
        "main exited, inits gone (K-47)",
        pod("i1"),
        seen(m1=1),
        "start i1",
        "",
        {"1.28on": "start m1"},
    ),
    Row(
        "OOM killed with code 0 under OnFailure (findings 7a)",
        pod("i1", policy="OnFailure"),
        seen(i1="oom"),
        "start i1",
        "",
        {RULES: "kill pod"},
    ),
    Row(
        "failed init of a deleted pod (findings 7b)",
        pod("i1", deleted=True),
        seen(i1=1),
        "start i1",
        "",
        {RULES: "kill pod"},
    ),
]

_S1_STARTUP_KILL = "kill s1 (StartupProbe, again: Init container s1 failed startup probe); start s1"
_S1_LIVENESS_KILL = "kill s1 (LivenessProbe, again: Init container s1 failed liveness probe)"
_S1_CHANGED_KILL = "kill s1 (other, again: Init container s1 definition changed)"

SIDECAR_ROWS = [
    Row("a started sidecar releases the next (K-42)", pod("s1", "i1"), seen(s1="running"), "start i1", "K-42"),
    Row("the last sidecar releases the mains", pod("s1"), seen(s1="running"), "start m1", "K-42 K-50"),
    Row("startup probe not run yet", pod(STARTUP), seen(s1="running"), "nothing", "K-42"),
    Row(
        "startup probe unknown",
        pod(STARTUP),
        seen(s1="running"),
        "nothing",
        "K-42",
        probes=probes(startup_s1="unknown"),
    ),
    Row(
        "startup probe passed",
        pod(STARTUP),
        seen(s1="running"),
        "start m1",
        "K-42",
        probes=probes(startup_s1="success"),
    ),
    Row(
        "startup probe failed",
        pod(STARTUP),
        seen(s1="running"),
        _S1_STARTUP_KILL,
        "K-41 K-51",
        probes=probes(startup_s1="failure"),
    ),
    Row(
        "a liveness failure does not hold up the next",
        pod(LIVE, "i1"),
        seen(s1="running"),
        f"{_S1_LIVENESS_KILL}; start s1; start i1",
        "K-41",
        probes=probes(liveness_s1="failure"),
    ),
    Row("no liveness result yet", pod(LIVE, "i1"), seen(s1="running"), "start i1", "K-42"),
    Row(
        "a result without the probe counts for nothing",
        pod("s1"),
        seen(s1="running", m1="running"),
        "nothing",
        "",
        probes=probes(liveness_s1="failure"),
    ),
    Row(
        "definition changed (K-50b)",
        pod("s1"),
        seen(m1="running", s1="changed"),
        f"{_S1_CHANGED_KILL}; start s1",
        "K-41",
        {"1.28on 1.29.0 1.29": "nothing"},
    ),
    Row("sidecar restarts under Never (K-45)", pod("s1", policy="Never"), seen(m1="running", s1=0), "start s1", "K-45"),
    Row("frontier sidecar exited: restarted, blocks (K-44)", pod("s1", "i1"), seen(s1=1), "start s1", "K-45"),
    Row("only the frontier counts (K-43)", pod("s1", "i1"), seen(i1="running", s1=1), "start s1", "K-45"),
    Row("a sidecar's record is gone", pod("s1", "i1"), seen(i1="running"), "start s1", "K-41"),
    Row("a plain init's record is gone", pod("i1", "s1"), seen(s1="running", m1="running"), "nothing", ""),
    Row(
        "unknown sidecar under Never",
        pod("s1", policy="Never"),
        seen(s1="unknown"),
        f"kill s1 ({UNKNOWN_INIT}); start s1",
        "K-41",
    ),
    Row("created sidecar", pod("s1"), seen(s1="created"), "start s1", "K-41", {"1.28on 1.29.0": "nothing"}),
    Row(
        "mains done: sidecars are not restarted",
        pod("s1", policy="Never"),
        seen(s1="running", m1=0),
        "kill pod",
        "K-66",
    ),
    Row(
        "main must restart, sidecar down (K-48)",
        pod("s1"),
        seen(s1=1, m1=1),
        "start s1",
        "K-45",
        {"1.28on": "start s1; start m1"},
    ),
    Row(
        "mains done, last sidecar down, earlier up (K-49)",
        pod("s1", "s2", policy="Never"),
        seen(s2=1, s1="running", m1=0),
        "start s2",
        "K-45",
        {"1.28on": "kill pod"},
    ),
    Row(
        "definition changed while the pod is finished (findings 6)",
        pod("s1", policy="Never"),
        seen(s1="changed", m1=0),
        f"kill pod; {_S1_CHANGED_KILL}",
        "K-66",
        {"1.28on 1.29.0 1.29": "kill pod"},
    ),
    Row(
        "a plain init fails behind a sidecar under Never (K-69)",
        pod("s1", "i1", policy="Never"),
        seen(i1=1, s1="running"),
        "kill pod",
        "K-69",
    ),
    Row("and is retried otherwise (K-46)", pod("s1", "i1"), seen(i1=1, s1="running"), "start i1", ""),
]

RULE_ROWS = [
    Row(
        "exit code in a rule",
        pod(mains=(container("m1", restartPolicy="Never", **RULE_42), "m2"), policy="Never"),
        seen(m1=42, m2="running"),
        "nothing",
        "",
        {RULES: "start m1"},
    ),
    Row(
        "exit code in no rule: own policy",
        pod(mains=(container("m1", restartPolicy="Never", **RULE_42), "m2")),
        seen(m1=1, m2="running"),
        "start m1",
        "",
        {RULES: "nothing"},
    ),
    Row(
        "NotIn",
        pod(mains=(container("m1", restartPolicy="Never", **RULE_NOT_42), "m2")),
        seen(m1=42, m2="running"),
        "start m1",
        "",
        {RULES: "nothing"},
    ),
    Row(
        "NotIn fits",
        pod(mains=(container("m1", restartPolicy="Never", **RULE_NOT_42), "m2"), policy="Never"),
        seen(m1=1, m2="running"),
        "nothing",
        "",
        {RULES: "start m1"},
    ),
    Row(
        "own OnFailure in a Never pod",
        pod(mains=(container("m1", restartPolicy="OnFailure"),), policy="Never"),
        seen(m1=1),
        "kill pod",
        "",
        {RULES: "start m1"},
    ),
    Row(
        "a probe kill asks the own policy only",
        pod(mains=(container("m1", restartPolicy="Never", **RULE_42), "m2")),
        seen(m1="running", m2="running"),
        "kill m1 (LivenessProbe, again: Container m1 failed liveness probe, will be restarted); start m1",
        "K-50",
        {RULES: "kill m1 (LivenessProbe: Container m1 failed liveness probe)"},
        probes(liveness_m1="failure"),
    ),
    Row(
        "an init's own Never",
        pod(container("i1", restartPolicy="Never")),
        seen(i1=1),
        "start i1",
        "",
        {RULES: "kill pod"},
    ),
    Row(
        "an init's rule under Never",
        pod(container("i1", restartPolicy="Never", **RULE_42), policy="Never"),
        seen(i1=42),
        "kill pod",
        "",
        {RULES: "start i1"},
    ),
    Row(
        "rule RestartAllContainers, not marked yet",
        pod(mains=(container("m1", restartPolicy="Never", **RULE_ALL), "m2"), policy="Never"),
        seen(m1=42, m2="running"),
        "nothing",
        "",
        {"1.36": "start m1"},
    ),
    Row(
        "a rule without codes fits nothing",
        pod(
            mains=(container("m1", restartPolicy="Never", restartPolicyRules=[{"action": "Restart"}]),), policy="Never"
        ),
        seen(m1=1),
        "kill pod",
        "",
    ),
    Row(
        "a rule with an unknown operator fits nothing",
        pod(
            mains=(
                container(
                    "m1",
                    restartPolicy="Never",
                    restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "Like"}}],
                ),
            ),
            policy="Never",
        ),
        seen(m1=1),
        "kill pod",
        "",
    ),
]


def decided(row: Row, label: str) -> PodActions:
    return pod_actions(row.pod, row.seen, row.probes, RELEASES[label])


def rules_of(actions: PodActions) -> set[str]:
    items = (*actions.kills, *actions.init_to_start, *actions.mains_to_start, *actions.ephemeral_to_start)
    return {rule for item in (actions, *items) for rule in item.why.rules}


@pytest.mark.parametrize("label", RELEASES)
@pytest.mark.parametrize("row", [*SANDBOX_ROWS, *MAIN_ROWS, *PLAIN_ROWS, *RULE_ROWS], ids=lambda row: row.name)
def test_pods_on_each_release(row: Row, label: str) -> None:
    actions = decided(row, label)
    assert said(actions) == row.on(label)
    if row.on(label) == row.expected:
        assert set(row.rules.split()) <= rules_of(actions)


@pytest.mark.parametrize("label", [label for label in RELEASES if label not in BEFORE_SIDECARS.split()])
@pytest.mark.parametrize("row", SIDECAR_ROWS, ids=lambda row: row.name)
def test_sidecars_where_they_are_known(row: Row, label: str) -> None:
    actions = decided(row, label)
    assert said(actions) == row.on(label)
    if row.on(label) == row.expected:
        assert set(row.rules.split()) <= rules_of(actions)


@pytest.mark.parametrize("label", BEFORE_SIDECARS.split())
def test_a_sidecar_is_a_plain_init_before_they_are_known(label: str) -> None:
    """K-54 and the vectors' @sidecar-off: the field says nothing."""
    waiting = Row("", pod("s1"), seen(s1="running"), "", "")
    failed = Row("", pod("s1", policy="Never"), seen(s1=1), "", "")
    assert said(decided(waiting, label)) == "nothing"
    assert said(decided(failed, label)) == "kill pod"


RESET_POD = pod("i1", "s1", mains=(container("m1", restartPolicy="Never", **RULE_ALL), "m2"))


def test_all_containers_are_reset_sources_last() -> None:
    """K-121: other mains, init entries, then the containers whose exit asked for it."""
    view = seen(m2="running", m1=42, s1="running", i1=0)
    actions = pod_actions(RESET_POD, view, ProbeResults(), RELEASES["1.36"], restart_all_containers=True)
    assert said(actions) == "kill and remove m2; remove i1; kill and remove s1; remove m1"
    assert not actions.nothing_to_do
    assert actions.resets[-1].why.text == "exit code 42 of m1 restarts all containers"


def test_a_reset_takes_the_records_of_earlier_runs_too() -> None:
    """K-121: else an old run would be taken for the current one; whatever has not ended is killed first."""
    view = seen(m2="running", m1=42, s1="created")
    older = replace(_instance("m2", 1), id="m2-old")
    earlier = replace(_instance("m1", 42), id="m1-old")
    view = replace(view, containers=(*view.containers, older, earlier))
    actions = pod_actions(RESET_POD, view, ProbeResults(), RELEASES["1.36"], restart_all_containers=True)
    assert [(reset.id, reset.kill) for reset in actions.resets] == [
        ("m2-0", True),
        ("m2-old", False),
        ("s1-0", True),
        ("m1-0", False),
        ("m1-old", False),
    ]


def test_a_reset_leaves_out_what_has_no_record() -> None:
    """K-121: an exit that matches no rule is reset like the others."""
    view = seen(m1=1, s1="running")
    actions = pod_actions(RESET_POD, view, ProbeResults(), RELEASES["1.36"], restart_all_containers=True)
    assert said(actions) == "remove m1; kill and remove s1"


def test_the_mark_is_ignored_without_its_gate() -> None:
    view = seen(m2="running", m1=42, s1="running", i1=0)
    actions = pod_actions(RESET_POD, view, ProbeResults(), RELEASES["1.36off"], restart_all_containers=True)
    assert said(actions) == "start m1"


def test_sandbox_change_is_announced_only_if_an_old_one_is_known() -> None:
    """K-38: and not for a change of the network mode, for which the decision names no sandbox."""
    current = RELEASES["1.29"]
    first = pod_actions(pod(), seen(None), ProbeResults(), current)
    again = pod_actions(pod(), seen(DEAD), ProbeResults(), current)
    ended = pod_actions(pod(policy="Never"), seen(DEAD, m1=0), ProbeResults(), current)
    moved = pod_actions(pod(hostNetwork=True), seen(), ProbeResults(), current)
    announced = [actions.announces_sandbox_change for actions in (first, again, ended, moved)]
    assert announced == [False, True, False, False]


def test_reasons_tell_what_the_pod_waits_for() -> None:
    current = RELEASES["1.29"]
    waiting = pod_actions(pod(STARTUP), seen(s1="running"), ProbeResults(), current)
    assert waiting.nothing_to_do
    assert waiting.why.text == "sidecar s1 waits for its startup probe"
    kill = pod_actions(pod(), seen(m1="running"), probes(liveness_m1="failure"), current).kills[0]
    assert (kill.id, kill.reason) == ("m1-0", KillReason.LIVENESS_PROBE)
