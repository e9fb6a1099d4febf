"""Which known bugs of its releases a run has met: those without which it would have gone otherwise.

A bug is met if the same run without it has another history; that is looked at only where the bug can show at all
(``needs`` in ``releases/bugs.yaml``).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.history.series import event_series
from kubesim.releases.release import Component, fixed_in
from kubesim.releases.tables import load
from kubesim.scenario.cluster import Cluster, Settings
from kubesim.scenario.load import Scenario
from kubesim.timelines.names import stable_names

Run = Callable[[Scenario], History]
"""Carries a scenario out as the run was, with the same draw."""

_MADE_UP: Final = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
LARGEST: Final = 50_000
"""Records of a history beyond which nothing is looked at: every bug costs another run."""


@dataclass(frozen=True, slots=True)
class BugMet:
    """A bug that made a difference: what it does, and the patch of the component's minor that is free of it."""

    name: str
    summary: str
    release: str
    """The release that has it."""
    fixed_in: str | None


def bugs_met(scenario: Scenario, history: History, run: Run) -> tuple[BugMet, ...]:
    """The bugs that the run of ``scenario`` with this history has met, by name."""
    if len(history.records) > LARGEST:
        return ()
    found = []
    for name, release in sorted(_bugs_of(scenario.cluster).items()):
        bug = load("bugs")[name]
        if _NEEDS[bug["needs"]](history) and _goes_otherwise(scenario, history, run, name):
            found.append(BugMet(name, " ".join(bug["summary"].split()), release, fixed_in(name, release)))
    return tuple(found)


def _goes_otherwise(scenario: Scenario, history: History, run: Run, bug: str) -> bool:
    """Whether anything but the accidental differs: uids and generated names follow from the cluster's settings."""
    without = run(replace(scenario, cluster=_without(scenario.cluster, bug)))
    return _plain(without) != _plain(history)


def _plain(history: History) -> str:
    """All records, with what is made up (uids, ids of containers, generated names) numbered as it comes."""
    text = "\n".join(line.decode() for line in itertools.islice(history.lines(), 1, None))
    for key, name in stable_names(history).items():
        if key.name != name:
            text = text.replace(key.name, name)
    numbers: dict[str, str] = {}
    return _MADE_UP.sub(lambda found: numbers.setdefault(found[0], f"#{len(numbers)}"), text)


def _bugs_of(cluster: Cluster) -> dict[str, str]:
    """The bugs of every component of the cluster, with the release of one that has it."""
    releases = [cluster.kubelet_release(node) for node in cluster.nodes]
    releases.append(cluster.control_plane_release(Component.APISERVER))
    return {name: release.name for release in releases for name in release.bugs}


def _without(cluster: Cluster, bug: str) -> Cluster:
    """The cluster with that bug switched off everywhere."""

    def off(settings: Settings) -> Settings:
        return replace(settings, bugs={**settings.bugs, bug: False})

    plane = cluster.control_plane
    parts = {name: off(getattr(plane, name)) for name in ("shared", "apiserver", "controller_manager", "scheduler")}
    nodes = tuple(replace(node, settings=off(node.settings)) for node in cluster.nodes)
    return replace(cluster, settings=off(cluster.settings), control_plane=replace(plane, **parts), nodes=nodes)


# Whether a bug can show at all ---------------------------------------------------------------------------------------


def _specs(history: History) -> Iterator[Mapping[str, Any]]:
    for life in history.pods:
        yield life.versions[0].object["spec"]


def _has_sidecar(spec: Mapping[str, Any]) -> bool:
    return any(entry.get("restartPolicy") == "Always" for entry in spec.get("initContainers") or ())


def _with_sidecars(history: History) -> bool:
    return any(_has_sidecar(spec) for spec in _specs(history))


def _with_sidecars_not_always(history: History) -> bool:
    return any(_has_sidecar(spec) and spec.get("restartPolicy") != "Always" for spec in _specs(history))


def _with_inits(history: History) -> bool:
    return any(spec.get("initContainers") for spec in _specs(history))


def _with_endings(history: History) -> bool:
    return any(change.phase in ("Succeeded", "Failed") for life in history.pods for change in life.phases)


def _with_zero_grace(history: History) -> bool:
    """A deletion with grace 0 while the pod could run, or an eviction by the kubelet."""
    evicted = any(series.first.reason == "Evicted" for series in event_series(history))
    return evicted or any(action.arguments.get("grace") == 0 for action in history.of(ActionDone))


def _with_kubelet_restart(history: History) -> bool:
    return any(action.do in ("kubelet-restart", "kubelet-start") for action in history.of(ActionDone))


_NEEDS: Final[Mapping[str, Callable[[History], bool]]] = {
    "sidecars": _with_sidecars,
    "never": _with_sidecars_not_always,
    "inits": _with_inits,
    "endings": _with_endings,
    "zero-grace": _with_zero_grace,
    "kubelet-restart": _with_kubelet_restart,
}
