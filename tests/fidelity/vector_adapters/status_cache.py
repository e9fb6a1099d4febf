"""From the generated status to what the API server is sent: merging, the last update, refused transitions."""

from __future__ import annotations

from typing import Any

from kubesim.kubelet.status_manager import Rejected, merge_status, terminate_status, transition_error
from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import PodStatus, status_raw, status_view
from kubesim.releases import Release
from vector_adapters.runtime_view import release_of


def run(vector: dict[str, Any], version: str) -> dict[str, Any]:
    """The answer to one vector of the three functions."""
    given = vector["input"]
    known = release_of(vector, version)
    match vector["fn"]:
        case "merge":
            return _merge(given, known)
        case "terminate":
            return _terminate(pod_view(given["pod"]), given.get("cachedStatus"), known)
        case _:
            return {
                "rejected": transition_error(
                    pod_view(given["pod"]), status_view(given["old"]), status_view(given["new"]), known
                )
            }


def normalise(output: dict[str, Any]) -> dict[str, Any]:
    """Nothing is left open in this family."""
    return output


def _merge(given: dict[str, Any], known: Release) -> dict[str, Any]:
    merged = merge_status(
        pod_view({}),
        status_view(given["old"]),
        status_view(given["new"]),
        known,
        could_have_running_containers=given["couldHaveRunningContainers"],
        now=0,
    )
    return _without_times(merged)


def _terminate(pod: Pod, cached: dict[str, Any] | None, known: Release) -> dict[str, Any]:
    last = terminate_status(pod, None if cached is None else status_view(cached), known, 0)
    if isinstance(last, Rejected):
        return {"rejected": True}
    return {"rejected": False, "status": _without_times(last)}


def _without_times(status: PodStatus) -> dict[str, Any]:
    """The raw status as the vectors have it: no start time, no condition times."""
    raw = status_raw(status)
    raw.pop("startTime", None)
    times = ("lastProbeTime", "lastTransitionTime")
    if "conditions" in raw:
        raw["conditions"] = [{key: entry[key] for key in entry if key not in times} for entry in raw["conditions"]]
    return raw
