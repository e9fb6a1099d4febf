"""podFailurePolicy: which rule a failed pod matches, and what that means."""

from __future__ import annotations

from typing import Any

import pytest
from made_jobs import controller

from kubesim.job_controller.pod_failure_policy import FailureMatch, match_failure
from kubesim.objects.job import job_view
from kubesim.objects.pod import Pod, pod_view


def failed(mains: dict[str, int | None], inits: dict[str, int | None] | None = None) -> Pod:
    """A failed pod; exit code None: still running. It has the condition DisruptionTarget."""

    def statuses(codes: dict[str, int | None]) -> list[dict[str, Any]]:
        states = {
            name: {"running": {}} if code is None else {"terminated": {"exitCode": code}}
            for name, code in codes.items()
        }
        return [{"name": name, "state": state} for name, state in states.items()]

    return pod_view(
        {
            "metadata": {"name": "p", "namespace": "ns"},
            "status": {
                "phase": "Failed",
                "conditions": [{"type": "Ready", "status": "False"}, {"type": "DisruptionTarget", "status": "True"}],
                "containerStatuses": statuses(mains),
                "initContainerStatuses": statuses(inits or {}),
            },
        }
    )


def rule(action: str, operator: str = "In", *values: int, container: str | None = None) -> dict[str, Any]:
    codes: dict[str, Any] = {"operator": operator, "values": list(values)}
    return {"action": action, "onExitCodes": codes | ({"containerName": container} if container else {})}


def disrupted(action: str, status: str = "True") -> dict[str, Any]:
    return {"action": action, "onPodConditions": [{"type": "DisruptionTarget", "status": status}]}


BY_CODE = "Container {} for pod ns/p failed with exit code {} matching FailJob rule at index {}"
BY_CONDITION = "Pod ns/p has condition DisruptionTarget matching FailJob rule at index 0"


@pytest.mark.parametrize(
    ("situation", "rules", "pod", "expected"),
    [
        ("no rules", [], failed({"m": 1}), FailureMatch()),
        ("ignored", [rule("Ignore", "In", 1)], failed({"m": 1}), FailureMatch("Ignore", counted=False)),
        ("counted", [rule("Count", "In", 1)], failed({"m": 1}), FailureMatch("Count")),
        ("index", [rule("FailIndex", "In", 1)], failed({"m": 1}), FailureMatch("FailIndex")),
        (
            "the first rule that matches",
            [rule("Ignore", "In", 2), rule("FailJob", "In", 1), rule("Ignore", "In", 1)],
            failed({"m": 1}),
            FailureMatch("FailJob", message=BY_CODE.format("m", 1, 1)),
        ),
        (
            "mains before init entries (J-42)",
            [rule("FailJob", "NotIn", 5)],
            failed({"m": 7}, {"s": 143}),
            FailureMatch("FailJob", message=BY_CODE.format("m", 7, 0)),
        ),
        (
            "a sidecar, where no main matches (J-42)",
            [rule("FailJob", "NotIn", 7)],
            failed({"m": 7}, {"s": 143}),
            FailureMatch("FailJob", message=BY_CODE.format("s", 143, 0)),
        ),
        ("one container only", [rule("Ignore", "In", 1, container="x")], failed({"m": 1}), FailureMatch()),
        ("exit 0 never", [rule("Ignore", "NotIn", 1)], failed({"m": 0, "n": None}), FailureMatch()),
        ("an unknown operator", [rule("Ignore", "Above", 1)], failed({"m": 2}), FailureMatch()),
        ("an unknown action", [rule("Pray", "In", 1)], failed({"m": 1}), FailureMatch()),
        ("a condition", [disrupted("FailJob")], failed({"m": 1}), FailureMatch("FailJob", message=BY_CONDITION)),
        ("a condition of another status", [disrupted("Ignore", "False")], failed({"m": 1}), FailureMatch()),
        ("neither", [{"action": "Ignore"}], failed({"m": 1}), FailureMatch()),
    ],
)
def test_match(situation: str, rules: Any, pod: Pod, expected: FailureMatch) -> None:
    """J-39, J-40, J-41."""
    policy = job_view({"spec": {"podFailurePolicy": {"rules": rules}}}).spec.pod_failure_policy
    assert match_failure(policy, pod, controller()) == expected


def test_fail_index_needs_its_gate() -> None:
    """J-40: with the gate off the rule is passed over and a later one may match."""
    rules = {"rules": [rule("FailIndex", "In", 1), rule("Ignore", "In", 1)]}
    policy = job_view({"spec": {"podFailurePolicy": rules}}).spec.pod_failure_policy
    assert match_failure(policy, failed({"m": 1}), controller("1.28")).action == "Ignore"
    assert match_failure(None, failed({"m": 1}), controller()) == FailureMatch()
