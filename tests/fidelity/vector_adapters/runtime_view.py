"""The runtime's view of a pod as vectors write it: sandboxes, containers and probe results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesim.kubelet.observed import (
    Observed,
    ObservedContainer,
    ObservedSandbox,
    ProbeResult,
    ProbeResults,
    RuntimeState,
)
from kubesim.releases import Release, release
from kubesim.units import Instant, seconds


def release_of(vector: Mapping[str, Any], version: str) -> Release:
    """The release of a vector, with the gates it sets."""
    return release(version, vector["input"].get("gates") or {})


def instant(value: float | None) -> Instant | None:
    """Seconds since the epoch of the vectors as an instant; absent stays None."""
    return None if value is None else seconds(value)


def observed(given: Mapping[str, Any]) -> Observed:
    """The sandboxes and containers of a vector's input; a container without a sandbox belongs to the newest."""
    sandboxes = tuple(
        ObservedSandbox(
            id=entry["id"],
            ready=entry["ready"],
            attempt=entry.get("attempt", 0),
            ip=entry.get("ip", ""),
            host_network=entry.get("hostNetwork", False),
        )
        for entry in given.get("sandboxes") or ()
    )
    newest = sandboxes[0].id if sandboxes else ""
    return Observed(sandboxes, tuple(_container(entry, newest) for entry in given.get("containers") or ()))


def _container(entry: Mapping[str, Any], newest: str) -> ObservedContainer:
    return ObservedContainer(
        id=entry["id"],
        name=entry["name"],
        state=RuntimeState(entry["state"]),
        exit_code=entry.get("exitCode", 0),
        reason=entry.get("reason", ""),
        message=entry.get("message", ""),
        restart_count=entry.get("restartCount", 0),
        created_at=instant(entry.get("createdAt")) or 0,
        started_at=instant(entry.get("startedAt")),
        finished_at=instant(entry.get("finishedAt")),
        definition_changed=entry.get("hash") == "changed",
        sandbox_id=entry.get("sandbox", newest),
    )


def probe_results(given: Mapping[str, Any]) -> ProbeResults:
    """The three result stores of a vector's input."""
    stores = {
        name: {key: ProbeResult(value) for key, value in (given.get(name) or {}).items()}
        for name in ("startup", "readiness", "liveness")
    }
    return ProbeResults(**stores)
