"""What the kubelet does next for a pod: one call of ``pod_actions``."""

from __future__ import annotations

from typing import Any

from kubesim.kubelet.pod_actions import pod_actions
from kubesim.objects.pod import pod_view
from vector_adapters.runtime_view import observed, probe_results, release_of


def run(vector: dict[str, Any], version: str) -> dict[str, Any]:
    """The actions decided for the vector's pod."""
    given = vector["input"]
    actions = pod_actions(
        pod_view(given["pod"]),
        observed(given),
        probe_results(given),
        release_of(vector, version),
        restart_all_containers=given.get("restartAllContainers", False),
    )
    output: dict[str, Any] = {
        "killPod": actions.kill_pod,
        "createSandbox": actions.create_sandbox,
        "attempt": actions.attempt,
        "sandboxID": actions.sandbox_id,
        "initContainersToStart": [start.name for start in actions.init_to_start],
        "containersToStart": [start.name for start in actions.mains_to_start],
        "ephemeralContainersToStart": [start.name for start in actions.ephemeral_to_start],
        "containersToKill": [
            {"id": kill.id, "name": kill.name, "reason": kill.reason.value, "message": kill.message}
            for kill in sorted(actions.kills, key=lambda kill: kill.id)
        ],
    }
    if actions.resets:
        output["containersToReset"] = [
            {"id": reset.id, "name": reset.name, "kill": reset.kill} for reset in actions.resets
        ]
    return output


def normalise(output: dict[str, Any]) -> dict[str, Any]:
    """Nothing is left open in this family."""
    return output
