"""One probe of one container, tick by tick."""

from __future__ import annotations

from typing import Any

from kubesim.kubelet.observed import ProbeResult, ProbeType
from kubesim.kubelet.probe_schedule import workers_to_create
from kubesim.kubelet.probe_worker import ProbeAnswer, ProbeStep, ResultChange, after_probe, tick
from kubesim.objects.pod import pod_view
from kubesim.objects.status import ContainerState, ContainerStatus, PodStatus, Running, Terminated, Waiting
from kubesim.releases import release
from kubesim.units import DAY, seconds
from vector_adapters.runtime_view import instant

_OUTPUT = {"failure": "bad", "warning": "warn", "error": "boom"}
"""What the recorder's probe said with each answer."""
_NOW = DAY


def run(vector: dict[str, Any], version: str) -> list[dict[str, Any]]:
    """What each tick did, up to the one at which the worker ends. 1.28 was recorded with SidecarContainers on."""
    given = vector["input"]
    gates = {"SidecarContainers": True, **(given.get("gates") or {})}
    settings = release(version, gates)
    pod = pod_view(given["pod"])
    type_ = ProbeType(given["probeType"])
    worker = next(
        worker
        for worker in workers_to_create(pod, (), settings)
        if worker.container.name == given["container"] and worker.type is type_
    )
    store: dict[str, ProbeResult] = {}
    output = []
    for step in given["steps"]:
        ticked = tick(worker, _status(given["container"], step), _NOW, settings)
        worker = ticked.worker
        _apply(store, ticked.changes)
        entry: dict[str, Any] = {"keepGoing": ticked.step is not ProbeStep.END, "probed": 0}
        if ticked.step is ProbeStep.PROBE:
            answer = ProbeAnswer(step["result"])
            outcome = after_probe(worker, answer, _OUTPUT.get(step["result"], ""), settings)
            worker = outcome.worker
            _apply(store, (outcome.change,) if outcome.change else ())
            entry["probed"] = settings.constant("probe_tries") if answer is ProbeAnswer.ERROR else 1
            if outcome.event is not None:
                entry["events"] = [f"Warning {outcome.event.reason} {outcome.event.message}"]
        entry["onHold"] = worker.on_hold
        entry["results"] = {key: value.value for key, value in store.items()}
        output.append(entry)
        if ticked.step is ProbeStep.END:
            break
    return output


def normalise(output: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nothing is left open in this family."""
    return output


def _apply(store: dict[str, ProbeResult], changes: tuple[ResultChange, ...]) -> None:
    for change in changes:
        if change.result is None:
            store.pop(change.container_id, None)
        else:
            store[change.container_id] = change.result


def _status(name: str, step: dict[str, Any]) -> PodStatus | None:
    if step.get("noStatus"):
        return None
    state: ContainerState
    match step["state"]:
        case "running":
            state = Running(_NOW - seconds(step["runningFor"]))
        case "terminated":
            state = Terminated(exit_code=step.get("exitCode", 0), finished_at=instant(step.get("finishedAt")))
        case _:
            state = Waiting()
    entry = ContainerStatus(name, state, started=step.get("started"), container_id=step["containerID"])
    return PodStatus(phase=step.get("podPhase", "Running"), container_statuses=(entry,))
