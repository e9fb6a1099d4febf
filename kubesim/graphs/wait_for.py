"""Who waits for whom in a Pod's manifest: the order of init containers, and what their scripts and probes wait for.

Read off the manifest alone, so it says only what is certain. A step that can never come true makes all that wait for
it impossible: a cycle means that this Pod can never start. Sources: K-40 to K-42 for the order; shell idioms for
files and ports (``until test -f /shared/x``, ``while ! nc -z localhost 8080``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import networkx as nx

from kubesim.scripts.reading import awaited, plain_words, read, shell_text, waits
from kubesim.scripts.syntax import Simple

Step: TypeAlias = tuple[str, str]
"""What has to come true: ("starts" | "lets the next start" | "file" | "port", which)."""

STARTS: Final = "starts"
PASSES: Final = "lets the next start"
FILE: Final = "file"
PORT: Final = "port"

_PATH: Final = r"""["']?(/[\w./-]+)["']?"""
_WRITES: Final = re.compile(rf"(?:\btouch\s+|>>?\s*|\btee\s+(?:-a\s+)?){_PATH}")
_COPIES: Final = re.compile(r"\b(cp|mv|install|tar|git|wget|curl|dd|ln|rsync|unzip|mkfifo|mkdir)\b")


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
    files = Files(spec)
    for container in inits:
        is_sidecar = sidecars and container.get("restartPolicy") == "Always"
        _passing(graph, container, is_sidecar, files)
    for kind, name in [step for step in graph if step[0] == FILE]:
        for container in containers:
            if files.may_write(container, name):
                _edge(graph, (kind, name), (STARTS, container["name"]), f"{container['name']} writes it")
    for kind, name in [step for step in graph if step[0] == PORT]:
        for container in containers:
            if any(str(port.get("containerPort")) == name for port in container.get("ports") or ()):
                _edge(graph, (kind, name), (STARTS, container["name"]), f"{container['name']} listens there")
    return graph


def deadlock(pod: Mapping[str, Any], *, sidecars: bool = True) -> Deadlock | None:
    """Why the Pod can never start all its containers, or None if nothing certain stands in the way."""
    graph = wait_for(pod, sidecars=sidecars)
    possible = _possible(graph)
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


def _passing(graph: nx.DiGraph[Step], container: Mapping[str, Any], is_sidecar: bool, files: Files) -> None:
    """What an entry of the init containers has to do before the next one may start (K-42)."""
    name = container["name"]
    because = "it has to run first" if is_sidecar else "it has to run to its end"
    _edge(graph, (PASSES, name), (STARTS, name), because)
    if is_sidecar:
        command = ((container.get("startupProbe") or {}).get("exec") or {}).get("command") or ()
        path = _probed_file(tuple(map(str, command)))
        if path and (known := files.name(container, path)):
            _edge(graph, (PASSES, name), (FILE, known), "its startup probe asks for the file")
        return
    text = shell_text(_argv(container))
    for wait in waits(read(text)) if text is not None else ():
        if wait.port:
            _edge(graph, (PASSES, name), (PORT, wait.port), "it waits for the port before it ends")
        elif known := files.name(container, wait.path):
            _edge(graph, (PASSES, name), (FILE, known), "it waits for the file before it ends")


def _argv(container: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(word) for field in ("command", "args") for word in container.get(field) or ())


def _probed_file(command: tuple[str, ...]) -> str:
    """The file that a probe asks for and for nothing else: ``cat file``, ``test -f file``, alone or in a shell."""
    text = shell_text(command)
    commands = read(text).commands if text is not None else read(shlex.join(command)).commands
    if len(commands) != 1:
        return ""
    only = commands[0]
    if isinstance(only, Simple) and (words := plain_words(only)) is not None and words[:1] == ("cat",):
        return words[1] if len(words) == 2 and words[1].startswith("/") else ""
    found = awaited(only, until=True)
    return found.path if found is not None else ""


def script(container: Mapping[str, Any]) -> str:
    """All that a container runs, its postStart hook included, as one text."""
    hook = ((container.get("lifecycle") or {}).get("postStart") or {}).get("exec") or {}
    return " ".join((*_argv(container), *map(str, hook.get("command") or ())))


class Files:
    """The files of a Pod's emptyDir volumes: who waits for one, and who might write it.

    Only these are known to be missing in the beginning. A file is named by its path in the container that waits for
    it, and stands for the same file of the volume under other paths.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._empty = {volume["name"] for volume in spec.get("volumes") or () if "emptyDir" in volume}
        self._known: dict[str, tuple[str, str]] = {}

    def name(self, container: Mapping[str, Any], path: str) -> str:
        """The name of a file that lies in an emptyDir; empty for any other, which may come from the image."""
        for volume, root in self._mounts(container):
            if path.startswith(root + "/"):
                self._known[path] = (volume, path[len(root) + 1 :])
                return path
        return ""

    def may_write(self, container: Mapping[str, Any], name: str) -> bool:
        """Whether a container might write the file: it has the volume, and names the file or copies, or is no shell."""
        volume, rest = self._known[name]
        roots = [root for known, root in self._mounts(container) if known == volume]
        if not roots:
            return False
        text = script(container)
        if shell_text(_argv(container)) is None or _COPIES.search(text):
            return True
        return any(f"{root}/{rest}" in _WRITES.findall(text) for root in roots) or _is_relative(text, rest)

    def _mounts(self, container: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Volume and path of each emptyDir; one of a subPath is left out, for its root is another."""
        return [
            (mount["name"], str(mount["mountPath"]).rstrip("/"))
            for mount in container.get("volumeMounts") or ()
            if mount["name"] in self._empty and not mount.get("subPath") and not mount.get("subPathExpr")
        ]


def _is_relative(text: str, rest: str) -> bool:
    """Whether a script names the file without its folder, or changes folder, or builds names: it might be written."""
    name = re.escape(rest.rpartition("/")[2])
    return bool(re.search(rf"(?:touch|>|tee)\s*(?:-a\s+)?[^/\s;&|]*{name}", text) or re.search(r"\bcd\s|\$", text))


def _possible(graph: nx.DiGraph[Step]) -> set[Step]:
    """The steps that can come true: all that they wait for can; of a file or port one writer is enough.

    A port that no container declares may be anybody's.
    """
    found: set[Step] = set()
    while True:
        new = {step for step in graph if step not in found and _can(graph, step, found)}
        if not new:
            return found
        found |= new


def _can(graph: nx.DiGraph[Step], step: Step, found: set[Step]) -> bool:
    awaited_steps = list(graph.successors(step))
    if step[0] in (FILE, PORT):
        return any(other in found for other in awaited_steps) or (step[0] == PORT and not awaited_steps)
    return all(other in found for other in awaited_steps)


def _cycle_sentence(steps: tuple[Step, ...], blocked: Iterable[str]) -> str:
    chain = ", which waits until ".join(step_words(step) for step in (*steps, steps[0]))
    return f"{', '.join(blocked)} can never start: {chain}"


def _end_sentence(ends: tuple[Step, ...], stuck: nx.DiGraph[Step], blocked: Iterable[str]) -> str:
    waiters = [
        f"{step_words(waiter)} only when {step_words(end)}" for end in ends for waiter in stuck.predecessors(end)
    ]
    return f"{', '.join(blocked)} can never start: {'; '.join(waiters)}, which nobody in the Pod sees to"
