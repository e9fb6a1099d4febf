"""Who waits for whom in a Pod's manifest: the order of init containers, and what their scripts and probes wait for.

Read off the manifest alone, so it says only what is certain. A step that can never come true makes all that wait for
it impossible: a cycle means that this Pod can never start. Sources: K-40 to K-42 for the order; shell idioms for
files and ports (``until test -f /shared/x``, ``while ! nc -z localhost 8080``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import networkx as nx

Step: TypeAlias = tuple[str, str]
"""What has to come true: ("starts" | "lets the next start" | "file" | "port", which)."""

STARTS: Final = "starts"
PASSES: Final = "lets the next start"
FILE: Final = "file"
PORT: Final = "port"

_PATH: Final = r"""["']?(/[\w./-]+)["']?"""
_TEST: Final = rf"(?:\[\[?|test)\s+(?P<no>!\s*)?-[efsrS]\s+{_PATH}"
_WAITS_FOR_FILE: Final = re.compile(rf"\b(?P<loop>until|while)\s+(?P<not>!\s*)?{_TEST}")
_PROBES_FILE: Final = re.compile(rf"{_TEST}|\bcat\s+(?P<cat>/[\w./-]+)")
_WRITES: Final = re.compile(rf"(?:\btouch\s+|>>?\s*|\btee\s+(?:-a\s+)?){_PATH}")
_LOCAL: Final = r"(?:localhost|127\.0\.0\.1)(?::|\s+)(\d{2,5})"
_WAITS_FOR_PORT: Final = re.compile(rf"\b(?:until\s+|while\s+!\s*)[^;&|\n]*?{_LOCAL}")


@dataclass(frozen=True, slots=True)
class Deadlock:
    """Why a Pod can never start: the steps that wait for each other, or for something that nobody does.

    ``sentence`` says it in words; ``containers`` can never start.
    """

    steps: tuple[Step, ...]
    is_cycle: bool
    containers: tuple[str, ...]
    sentence: str


def wait_for(pod: Mapping[str, Any], *, sidecars: bool = True) -> nx.DiGraph[Step]:
    """The graph of a Pod (or of a Job's template): an edge from a step to each step that it waits for.

    ``sidecars``: whether the cluster knows them (``SidecarContainers``); otherwise they are plain init containers.
    """
    spec = pod_spec(pod)
    graph: nx.DiGraph[Step] = nx.DiGraph()
    inits, mains = list(spec.get("initContainers") or ()), list(spec.get("containers") or ())
    containers = [*inits, *mains]
    for container in containers:
        graph.add_node((STARTS, container["name"]))
    for place, container in enumerate(containers):
        before = min(place, len(inits)) - 1
        if before >= 0:
            _edge(graph, (STARTS, container["name"]), (PASSES, inits[before]["name"]), "init containers start in order")
    for container in inits:
        is_sidecar = sidecars and container.get("restartPolicy") == "Always"
        _passing(graph, container, is_sidecar)
    emptied = _empty_mounts(spec)
    for kind, name in [step for step in graph if step[0] == FILE]:
        for container in containers:
            if name in _written(container, emptied):
                _edge(graph, (kind, name), (STARTS, container["name"]), f"{container['name']} writes it")
    for kind, name in [step for step in graph if step[0] == PORT]:
        for container in containers:
            if any(str(port.get("containerPort")) == name for port in container.get("ports") or ()):
                _edge(graph, (kind, name), (STARTS, container["name"]), f"{container['name']} listens there")
    return graph


def deadlock(pod: Mapping[str, Any], *, sidecars: bool = True) -> Deadlock | None:
    """Why the Pod can never start all its containers, or None if nothing certain stands in the way."""
    graph = wait_for(pod, sidecars=sidecars)
    spec = pod_spec(pod)
    possible = _possible(graph, _known_files(spec))
    stuck = graph.subgraph(step for step in graph if step not in possible)
    blocked = tuple(name for kind, name in graph if kind == STARTS and (kind, name) in stuck)
    if not blocked:
        return None
    for cycle in nx.simple_cycles(stuck):
        steps = tuple(cycle)
        start = next((place for place, step in enumerate(steps) if step[0] == PASSES), 0)
        steps = steps[start:] + steps[:start]
        return Deadlock(steps, True, blocked, _cycle_sentence(steps, blocked))
    ends = tuple(step for step in stuck if not list(stuck.successors(step)))
    return Deadlock(ends, False, blocked, _end_sentence(ends, stuck, blocked))


def pod_spec(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The spec of a Pod, or of the Pods that a Job makes."""
    spec: Mapping[str, Any] = raw.get("spec") or {}
    template = spec.get("template")
    return (template.get("spec") or {}) if isinstance(template, Mapping) else spec


def step_words(step: Step) -> str:
    """A step in words."""
    kind, name = step
    words = {
        STARTS: f"{name} starts",
        PASSES: f"{name} lets the next start",
        FILE: f"file {name} is there",
        PORT: f"port {name} answers",
    }
    return words[kind]


def _edge(graph: nx.DiGraph[Step], waiter: Step, awaited: Step, because: str) -> None:
    graph.add_edge(waiter, awaited, because=because)


def _passing(graph: nx.DiGraph[Step], container: Mapping[str, Any], is_sidecar: bool) -> None:
    """What an entry of the init containers has to do before the next one may start (K-42)."""
    name = container["name"]
    because = "it has to run first" if is_sidecar else "it has to run to its end"
    _edge(graph, (PASSES, name), (STARTS, name), because)
    if not is_sidecar:
        for path in _awaited_files(script(container)):
            _edge(graph, (PASSES, name), (FILE, path), "it waits for the file before it ends")
        for port in _WAITS_FOR_PORT.findall(script(container)):
            _edge(graph, (PASSES, name), (PORT, port), "it waits for the port before it ends")
        return
    probe = container.get("startupProbe") or {}
    command = " ".join((probe.get("exec") or {}).get("command") or ())
    for found in _PROBES_FILE.finditer(command):
        path = found["cat"] or next(group for group in found.groups()[1:] if group)
        if not found["no"]:
            _edge(graph, (PASSES, name), (FILE, path), "its startup probe asks for the file")


def script(container: Mapping[str, Any]) -> str:
    """All that a container runs, as one text."""
    return " ".join(str(word) for field in ("command", "args") for word in container.get(field) or ())


def _awaited_files(text: str) -> Iterator[str]:
    """Files that a loop waits for: ``until`` the file is there, or ``while`` it is not."""
    for found in _WAITS_FOR_FILE.finditer(text):
        negated = bool(found["not"]) != bool(found["no"])
        if (found["loop"] == "while") == negated:
            yield found.groups()[-1]


def _empty_mounts(spec: Mapping[str, Any]) -> dict[str, str]:
    """For each container and mount path of an emptyDir the volume's name, by ``container:path``."""
    empty = {volume["name"] for volume in spec.get("volumes") or () if "emptyDir" in volume}
    return {
        f"{container['name']}:{mount['mountPath'].rstrip('/')}": mount["name"]
        for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
        for mount in container.get("volumeMounts") or ()
        if mount["name"] in empty
    }


def _written(container: Mapping[str, Any], mounts: Mapping[str, str]) -> set[str]:
    """Paths that a container writes: its own, and the same file where others have the volume mounted."""
    own = set(_WRITES.findall(script(container)))
    hooks = (container.get("lifecycle") or {}).get("postStart") or {}
    own |= set(_WRITES.findall(" ".join((hooks.get("exec") or {}).get("command") or ())))
    shared = set(own)
    for path in own:
        for place, volume in mounts.items():
            holder, _, root = place.partition(":")
            if holder == container["name"] and path.startswith(root + "/"):
                rest = path[len(root) :]
                shared |= {other.partition(":")[2] + rest for other, name in mounts.items() if name == volume}
    return shared


def _known_files(spec: Mapping[str, Any]) -> set[str]:
    """The roots of emptyDir volumes: a file under one of them is there only if a container of the Pod writes it."""
    return {place.partition(":")[2] for place in _empty_mounts(spec)}


def _possible(graph: nx.DiGraph[Step], empty_roots: set[str]) -> set[Step]:
    """The steps that can come true: all that they wait for can; of a file or port one writer is enough.

    A file that nobody writes may come with the image, unless it lies in an emptyDir; a port may be anybody's.
    """
    found: set[Step] = set()
    while True:
        new = {step for step in graph if step not in found and _can(graph, step, found, empty_roots)}
        if not new:
            return found
        found |= new


def _can(graph: nx.DiGraph[Step], step: Step, found: set[Step], empty_roots: set[str]) -> bool:
    kind, name = step
    awaited = list(graph.successors(step))
    if kind in (FILE, PORT):
        if awaited:
            return any(other in found for other in awaited)
        return kind == PORT or not any(name.startswith(root + "/") for root in empty_roots)
    return all(other in found for other in awaited)


def _cycle_sentence(steps: tuple[Step, ...], blocked: Iterable[str]) -> str:
    chain = ", which waits until ".join(step_words(step) for step in (*steps, steps[0]))
    return f"{', '.join(blocked)} can never start: {chain}"


def _end_sentence(ends: tuple[Step, ...], stuck: nx.DiGraph[Step], blocked: Iterable[str]) -> str:
    waiters = [
        f"{step_words(waiter)} only when {step_words(end)}" for end in ends for waiter in stuck.predecessors(end)
    ]
    return f"{', '.join(blocked)} can never start: {'; '.join(waiters)}, which nobody in the Pod sees to"
