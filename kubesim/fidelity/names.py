"""Which pod of one trace is which pod of another, where a Job generated their names.

Recorded names are ``<job>[-<index>]-~<k>``, k counting the Job's pods in order of creation. Pods with a completion
index are numbered per index; pods without one that were created together have no order of their own and are
matched by what became of them (conform.md, "Levels").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

CREATED_TOGETHER: Final = 0.5
"""Seconds between the creations of pods that one sync of the Job controller makes."""


@dataclass(frozen=True, slots=True)
class JobPod:
    """One pod that a Job made: when, for which index, and what became of it."""

    name: str
    job: str
    number: int
    index: int | None
    created: float
    fate: tuple[object, ...]
    ended: float


def job_pods(raw: dict[str, Any]) -> list[JobPod]:
    """The pods of a trace that have generated names, in order of creation."""
    created: dict[str, float] = {}
    phase: dict[str, str] = {}
    for change in raw.get("pods", ()):
        name = change["pod"]
        if "-~" in name:
            created.setdefault(name, change["t"])
            phase[name] = change.get("set", {}).get("phase", phase.get(name, ""))
    exits: dict[str, list[tuple[str, int, int]]] = {name: [] for name in created}
    ended: dict[str, float] = {}
    for moment in raw.get("runtime", ()):
        if moment["ev"] == "exit" and moment["pod"] in exits:
            exits[moment["pod"]].append((moment["c"], moment["n"], moment["code"]))
            ended[moment["pod"]] = moment["t"]
    accepted = raw.get("accepted", {})
    pods = []
    for name in created:
        base, _, number = name.rpartition("-~")
        index = accepted.get(name, {}).get("index")
        job = base.removesuffix(f"-{index}") if index is not None else base
        fate = (phase[name], tuple(sorted(exits[name])))
        pods.append(JobPod(name, job, int(number), index, created[name], fate, ended.get(name, created[name] + 1e6)))
    return sorted(pods, key=lambda pod: (pod.job, pod.number))


def own_names(pods: list[JobPod]) -> dict[str, str]:
    """The names by which a recording's pods are known in a comparison: numbered per index, or in order of creation."""
    return {pod.name: f"{_family(pod)}-~{position}" for pod, position in _numbered(pods)}


def matched_names(recorded: list[JobPod], simulated: list[JobPod]) -> dict[str, str]:
    """The same names for another trace's pods; those created together are matched by what became of them."""
    names = own_names(simulated)
    for group in _created_together(recorded):
        places = {f"{group[0].job}-~{pod_place}" for pod_place, _ in group_places(group, recorded)}
        rivals = [pod for pod in simulated if pod.index is None and names[pod.name] in places]
        names |= _by_fate(group_places(group, recorded), rivals, group[0].job)
    return names


def group_places(group: list[JobPod], pods: list[JobPod]) -> list[tuple[int, JobPod]]:
    """The positions of a group's pods within their Job, from 1."""
    siblings = [pod for pod in pods if pod.job == group[0].job and pod.index is None]
    return [(siblings.index(pod) + 1, pod) for pod in group]


def _by_fate(places: list[tuple[int, JobPod]], rivals: list[JobPod], job: str) -> dict[str, str]:
    free = sorted(rivals, key=lambda pod: pod.ended)
    given: dict[str, str] = {}
    waiting = sorted(places, key=lambda place: place[1].ended)
    for same_fate in (True, False):
        for place in list(waiting):
            pick = next((pod for pod in free if not same_fate or pod.fate == place[1].fate), None)
            if pick is not None:
                given[pick.name] = f"{job}-~{place[0]}"
                free.remove(pick)
                waiting.remove(place)
    return given


def _created_together(pods: list[JobPod]) -> list[list[JobPod]]:
    groups: list[list[JobPod]] = []
    for pod in pods:
        if pod.index is not None:
            continue
        last = groups[-1][-1] if groups else None
        if last is not None and last.job == pod.job and pod.created - last.created <= CREATED_TOGETHER:
            groups[-1].append(pod)
        else:
            groups.append([pod])
    return [group for group in groups if len(group) > 1]


def _family(pod: JobPod) -> str:
    return pod.job if pod.index is None else f"{pod.job}-{pod.index}"


def _numbered(pods: list[JobPod]) -> list[tuple[JobPod, int]]:
    counts: dict[tuple[str, int | None], int] = {}
    numbered = []
    for pod in pods:
        family = (pod.job, pod.index)
        counts[family] = counts.get(family, 0) + 1
        numbered.append((pod, counts[family]))
    return numbered
