"""Phase, conditions and container statuses: ``pod_phase`` on given statuses, and the whole ``generate_status``."""

from __future__ import annotations

from typing import Any

from kubesim.kubelet.conditions import (
    containers_ready_condition,
    initialized_condition,
    ready_condition,
    sandbox_condition,
)
from kubesim.kubelet.container_statuses import StartFailure
from kubesim.kubelet.phase import pod_phase
from kubesim.kubelet.pod_status import generate_status
from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import Condition, status_raw, status_view
from kubesim.releases import Release
from kubesim.store.qos import qos_class
from vector_adapters.runtime_view import observed, probe_results, release_of


def run(vector: dict[str, Any], version: str) -> dict[str, Any]:
    """The answer to one vector of either function."""
    given = vector["input"]
    known = release_of(vector, version)
    raw = {**given["pod"]}
    if vector["fn"] == "phase":
        return _phase(pod_view(raw), given, known)
    raw["status"] = {**raw["status"], "qosClass": qos_class(raw["spec"], known)}
    return _status(pod_view(raw), given, known)


def normalise(output: dict[str, Any]) -> dict[str, Any]:
    """Drops keys that say nothing: absent and empty mean the same for phase reason, message and status lists."""
    return {key: value for key, value in output.items() if value not in ("", [])}


def _phase(pod: Pod, given: dict[str, Any], known: Release) -> dict[str, Any]:
    statuses = {status.name: status for status in (*pod.status.init_container_statuses, *pod.status.container_statuses)}
    phase = pod_phase(
        pod,
        statuses,
        known,
        terminal=given["podIsTerminal"],
        main_in_sandbox=given.get("regularContainerStarted", False),
    )
    sandbox = sandbox_condition(pod, observed(given), known)
    containers_ready = containers_ready_condition(pod, statuses, phase, known)
    conditions = (
        *(() if sandbox is None else (sandbox,)),
        initialized_condition(pod, statuses, phase, known, was_true=False),
        ready_condition(pod, containers_ready, pod.status.conditions, known),
        containers_ready,
    )
    return {"phase": phase, "conditions": [_condition(condition) for condition in conditions]}


def _status(pod: Pod, given: dict[str, Any], known: Release) -> dict[str, Any]:
    cached = given.get("cachedStatus")
    failures = given.get("startFailures") or {}
    status = generate_status(
        pod,
        None if cached is None else status_view(cached),
        observed(given),
        probe_results(given),
        known,
        start_failures={name: StartFailure(entry["reason"], entry["message"]) for name, entry in failures.items()},
        terminal=given["podIsTerminal"],
    )
    raw = status_raw(status)
    raw.pop("podIPs", None)
    raw["conditions"] = [_condition(condition) for condition in status.conditions]
    return raw


def _condition(condition: Condition) -> dict[str, str]:
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
    }
