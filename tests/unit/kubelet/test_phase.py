"""The phase of a pod from its container statuses (S-1 to S-4, S-6), release by release."""

from __future__ import annotations

from typing import Any

import pytest
from status_cases import base_pod, since, statuses

from kubesim.kubelet.phase import is_static, pod_phase
from kubesim.releases import release

UP = {"init": "ended 0", "side": "started", "main": "runs"}
NEVER_STARTED = {"init": "waits", "side": "waits", "main": "waits"}

# name, rules, statuses that differ from UP (None: there is none), pod tweak, phase by release (from that one on)
ROWS: list[tuple[str, str, dict[str, str | None], dict[str, Any], dict[str, str]]] = [
    ("all is up", "S-1.2 rule 3", {}, {}, {"1.27": "Pending", "1.28": "Running"}),
    ("nothing has started", "S-17", dict(NEVER_STARTED), {}, {"1.27": "Pending"}),
    ("a main waits", "S-3", {"main": "waits"}, {}, {"1.27": "Pending"}),
    ("a main has no status", "S-3", {"main": None}, {}, {"1.27": "Pending"}),
    ("a main has no state", "S-3", {"main": "nothing", "side": "ended 0"}, {}, {"1.27": "Pending"}),
    (
        "an init failed under Never",
        "S-1.2 rule 1",
        {"init": "ended 1", "side": "waits", "main": "waits"},
        {"policy": "Never"},
        {"1.27": "Failed"},
    ),
    (
        "an init failed and waits under Never",
        "S-1",
        {"init": "waits after 1", "side": "waits", "main": "waits"},
        {"policy": "Never"},
        {"1.27": "Failed"},
    ),
    (
        "an init failed under Always",
        "S-1.2 rule 2",
        {"init": "ended 1", "side": "waits", "main": "waits"},
        {},
        {"1.27": "Pending"},
    ),
    (
        "an init with its own Never failed",
        "K-120",
        {"init": "ended 1", "side": "waits", "main": "waits"},
        {"containers": {"init": {"restartPolicy": "Never"}}},
        {"1.27": "Pending", "1.35": "Failed"},
    ),
    ("an init runs", "S-1", {"init": "runs", "side": "waits", "main": "waits"}, {}, {"1.27": "Pending"}),
    (
        "an init without status behind a running main",
        "S-4",
        {"init": None},
        {},
        {"1.27": "Pending", "1.28": "Running", "1.32": "Pending"},
    ),
    (
        "an unstarted sidecar beside a main in back-off",
        "S-4",
        {"side": "runs", "main": "waits after 1"},
        {},
        {"1.27": "Pending", "1.33": "Running"},
    ),
    (
        "an unstarted sidecar beside a running main",
        "S-4",
        {"side": "runs"},
        {},
        {"1.27": "Pending", "1.28": "Running"},
    ),
    (
        "an unstarted sidecar, the main only in an old sandbox",
        "S-4",
        {"side": "runs", "main": "ended 1"},
        {"main_in_sandbox": False},
        {"1.27": "Pending", "1.28": "Running", "1.33": "Pending"},
    ),
    ("a sidecar that never ran", "S-2", {"side": "waits", "main": "ended 0"}, {"policy": "Never"}, {"1.27": "Pending"}),
    (
        "a sidecar in back-off counts for nothing",
        "S-2",
        {"side": "waits after 1"},
        {},
        {"1.27": "Running"},
    ),
    ("a sidecar without status", "S-2", {"side": None, "main": "ended 0"}, {"policy": "Never"}, {"1.27": "Pending"}),
    ("a sidecar without state", "S-2", {"side": "nothing", "main": "ended 0"}, {}, {"1.27": "Pending"}),
    (
        "a running sidecar keeps the pod running",
        "S-2",
        {"main": "ended 0"},
        {"policy": "Never"},
        {"1.27": "Pending", "1.28": "Running"},
    ),
    (
        "a sidecar's exit code does not matter",
        "S-2",
        {"side": "ended 137", "main": "ended 0"},
        {"policy": "Never"},
        {"1.27": "Failed", "1.28": "Succeeded"},
    ),
    ("ended 0 under Always", "S-1.2 rule 5", {"side": "ended 0", "main": "ended 0"}, {}, {"1.27": "Running"}),
    (
        "ended 0 under OnFailure",
        "S-1.2 rule 5",
        {"side": "ended 0", "main": "ended 0"},
        {"policy": "OnFailure"},
        {"1.27": "Succeeded"},
    ),
    (
        "ended 1 under OnFailure",
        "S-1.2 rule 5",
        {"side": "ended 0", "main": "ended 1"},
        {"policy": "OnFailure"},
        {"1.27": "Running"},
    ),
    (
        "ended 1 under Never",
        "S-1.2 rule 5",
        {"side": "ended 0", "main": "ended 1"},
        {"policy": "Never"},
        {"1.27": "Failed"},
    ),
    (
        "in back-off after exit 0 under OnFailure",
        "pod_phase finding 4",
        {"side": "ended 0", "main": "waits after 0"},
        {"policy": "OnFailure"},
        {"1.27": "Running", "1.35": "Failed"},
    ),
    (
        "a main with its own OnFailure",
        "K-120",
        {"side": "ended 0", "main": "ended 1"},
        {"policy": "Never", "containers": {"main": {"restartPolicy": "OnFailure"}}},
        {"1.27": "Failed", "1.35": "Running"},
    ),
    (
        "a main whose rule restarts it",
        "K-120",
        {"side": "ended 0", "main": "ended 42"},
        {
            "policy": "Never",
            "containers": {
                "main": {
                    "restartPolicy": "Never",
                    "restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
                }
            },
        },
        {"1.27": "Failed", "1.35": "Running"},
    ),
    (
        "deleted, the main ended 0",
        "S-6",
        {"side": "ended 137", "main": "ended 0"},
        {"terminal": True},
        {"1.27": "Succeeded"},
    ),
    (
        "deleted, the main ended 137",
        "S-6",
        {"side": "ended 0", "main": "ended 137"},
        {"terminal": True},
        {"1.27": "Failed"},
    ),
    (
        "deleted, the main in back-off after exit 0",
        "S-6",
        {"side": "ended 0", "main": "waits after 0"},
        {"terminal": True},
        {"1.27": "Failed"},
    ),
    ("deleted before any main ran", "S-6", dict(NEVER_STARTED), {"terminal": True}, {"1.27": "Pending"}),
    (
        "a static pod is not given a terminal phase",
        "S-1.2 rule 4",
        {"side": "ended 0", "main": "ended 1"},
        {"terminal": True, "metadata": {"annotations": {"kubernetes.io/config.source": "file"}}},
        {"1.27": "Running"},
    ),
    ("no main at all", "S-1.2 rule 6", {"side": "ended 0"}, {"containers": {"main": None}}, {"1.27": "Pending"}),
]


@pytest.mark.parametrize(("name", "rules", "tweak", "pod_tweak", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_phase(
    name: str, rules: str, tweak: dict[str, str | None], pod_tweak: dict[str, Any], expected: dict[str, str]
) -> None:
    options = {"terminal": False, "main_in_sandbox": True, **pod_tweak}
    terminal, main_in_sandbox = options.pop("terminal"), options.pop("main_in_sandbox")
    pod = base_pod(**options)
    words = {key: word for key, word in (UP | tweak).items() if word is not None}
    found = {
        known: pod_phase(pod, statuses(words), release(known), terminal=terminal, main_in_sandbox=main_in_sandbox)
        for known, _ in since(expected)
    }
    assert found == dict(since(expected)), rules


def test_a_gate_turned_off_makes_1_32_skip_sidecars_in_the_phase() -> None:
    words = statuses(UP)
    off = release("1.32", {"SidecarContainers": False})
    assert pod_phase(base_pod(), words, off, terminal=False, main_in_sandbox=True) == "Pending"
    assert pod_phase(base_pod(), words, release("1.32"), terminal=False, main_in_sandbox=True) == "Running"


def test_a_static_pod_is_known_by_its_source() -> None:
    assert not is_static(base_pod())
    assert not is_static(base_pod(metadata={"annotations": {"kubernetes.io/config.source": "api"}}))
    assert is_static(base_pod(metadata={"annotations": {"kubernetes.io/config.source": "http"}}))
