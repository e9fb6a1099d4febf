"""What the tables about pod status share: one base pod, short words for container states, releases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeVar

from kubesim.objects.pod import Pod, pod_view
from kubesim.objects.status import ContainerState, ContainerStatus, Running, Terminated, Waiting
from kubesim.releases import RELEASES

BASE: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "generation": 1},
    "spec": {
        "restartPolicy": "Always",
        "initContainers": [{"name": "init", "image": "i"}, {"name": "side", "image": "s", "restartPolicy": "Always"}],
        "containers": [{"name": "main", "image": "m"}],
    },
}
"""A plain init, a sidecar, a main."""

T = TypeVar("T")


def since(values: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """Every release with its value; each value holds from its release until the next one named."""
    current = values["1.27"]
    for name in RELEASES:
        current = values.get(name, current)
        yield name, current


def base_pod(
    *,
    policy: str = "Always",
    status: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    containers: dict[str, dict[str, Any] | None] | None = None,
    **spec: Any,
) -> Pod:
    """The base pod with a tweak: fields of spec and metadata; ``containers``: name -> fields to add, None: left out."""
    raw = deepcopy(BASE)
    raw["metadata"].update(metadata or {})
    raw["spec"].update(spec, restartPolicy=policy)
    raw["status"] = status or {}
    for entries in (raw["spec"]["initContainers"], raw["spec"]["containers"]):
        for entry in list(entries):
            tweak = (containers or {}).get(entry["name"], {})
            if tweak is None:
                entries.remove(entry)
            else:
                entry.update(tweak)
    return pod_view(raw)


def ended(code: int) -> Terminated:
    """The end of a run with this exit code."""
    return Terminated(exit_code=code, reason="Completed" if code == 0 else "Error")


STATES: dict[str, tuple[ContainerState | None, ContainerState | None, bool | None]] = {
    "waits": (Waiting("PodInitializing"), None, False),
    "waits after 0": (Waiting("CrashLoopBackOff"), ended(0), False),
    "waits after 1": (Waiting("CrashLoopBackOff"), ended(1), False),
    "runs": (Running(0), None, False),
    "started": (Running(0), None, True),
    "ended 0": (ended(0), None, False),
    "ended 1": (ended(1), None, False),
    "ended 42": (ended(42), None, False),
    "ended 137": (ended(137), None, False),
    "nothing": (None, None, False),
}
"""A word -> state, last state, started."""


def statuses(words: Mapping[str, str]) -> dict[str, ContainerStatus]:
    """Container name -> status for container name -> word."""
    found = {}
    for name, word in words.items():
        state, last_state, started = STATES[word]
        found[name] = ContainerStatus(name=name, state=state, last_state=last_state, started=started)
    return found
