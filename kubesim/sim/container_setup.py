"""What a container run is made of: its processes with arguments, environment and files, from Pod and scenario.

A declared script gives its exits by attempt. In a Pod of its own that is the container's run; the pods of a Job count
on where earlier ones left off, each completion index for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple, Protocol

from kubesim.errors import ScenarioError
from kubesim.objects.job import COMPLETION_INDEX
from kubesim.objects.pod import Container, Pod
from kubesim.objects.quantity import parse_quantity
from kubesim.scenario.cluster import Image
from kubesim.scenario.grammar import ContainerOverride
from kubesim.scenario.load import Scenario
from kubesim.scripts import Behaviour, ContainerSetup, Machine, parse_behaviour
from kubesim.scripts import Volume as Files
from kubesim.sim.job_control_cache import controller_of
from kubesim.sim.surroundings import arguments, environment, filesystem, pod_volumes
from kubesim.sim.timing import Timing
from kubesim.sim.unmodelled import pod_specs

_UNKNOWN = Image()
_NODE_RESOURCES = {"cpu": 2, "memory": 24 * 2**30, "ephemeral-storage": 100 * 2**30}
"""What a node offers when a limit is not set (cores and bytes); the downward API shows it."""


_SERVICE_NAME = re.compile(r"([a-z0-9-]+)(?:\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?\.?)?")
"""The names that a Pod's DNS finds a Service by, its own namespace's without a dot."""


class _Place(NamedTuple):
    """Where in a Job a pod stands; ``completion_index`` is empty in a Job without indexes."""

    job: str
    uid: str
    completion_index: str


class Finder(Protocol):
    """Where the ConfigMaps, Secrets and Services are that containers refer to."""

    def find(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None: ...


class MachineShop:
    """Makes the machines of container runs and the volumes of pods; owns the nodes' hostPath directories."""

    def __init__(self, store: Finder, scenario: Scenario, timing: Timing, standing: Callable[[str], str] = str) -> None:
        """``standing``: uid -> controller and number of an object that a controller made, else nothing or the uid."""
        self.store = store
        self.standing = standing
        self.scenario = scenario
        self.timing = timing
        self._host_paths: dict[str, dict[str, Files]] = {}
        self._attempts: dict[tuple[_Place, str], int] = {}
        self._one_shots = _one_shots(scenario)
        self._behaviours = [(override, _behaviour(override)) for override in scenario.containers]

    def volumes(self, pod: Pod, address: str) -> dict[str, Files]:
        """The pod's volumes by name. Raises MountError when one refers to something that is not there."""
        lookup = partial(self._find, pod.metadata.namespace)
        host_paths = self._host_paths.setdefault(pod.spec.node_name, {})
        addresses = {"status.podIP": "", "status.podIPs": "", "status.hostIP": address}
        return pod_volumes(pod, lookup, host_paths, addresses, _NODE_RESOURCES)

    def machine(
        self,
        pod: Pod,
        container: Container,
        volumes: Mapping[str, Files],
        addresses: Mapping[str, str],
        run: int,
        listening: Callable[[int], bool] | None = None,
    ) -> Machine:
        """The processes of the container's next run; ``listening`` says whether a port of the Pod answers.

        Raises ConfigError (K-30).
        """
        lookup = partial(self._find, pod.metadata.namespace)
        variables = environment(pod, container, lookup, addresses, _NODE_RESOURCES)
        command, args = arguments(container, variables)
        known = self.scenario.cluster.images.get(container.image, _UNKNOWN)
        if not command:
            command, args = known.entrypoint or (), args or known.command or ()
        name = pod.spec.hostname or pod.metadata.name
        place = _place(pod)
        setup = ContainerSetup(
            subject=f"{pod.metadata.name}/{container.name}",
            image=container.image,
            command=command,
            args=args,
            env={"HOSTNAME": name, **variables},
            hostname=name,
            working_dir=container.working_dir or known.working_dir or "",
            filesystem=filesystem(pod, container, volumes),
            network=partial(self._answers, pod.metadata.namespace),
            listening=listening,
            has_to_end=container.name in self._one_shots,
            attempt=run if place is None else self._attempt(place, container.name),
            memory_limit=_memory_limit(container),
            behaviour=self._override(pod, container, place),
            termination_message_path=container.termination_message_path,
            dialect=known.dialect or "",
            draw=self.timing.draws(f"script/{self._standing_name(pod)}/{container.name}/{run}"),
        )
        return Machine(setup)

    def _answers(self, namespace: str, host: str) -> bool | None:
        """Whether the cluster's DNS knows a name: those of Services; None for names outside the cluster."""
        match = _SERVICE_NAME.fullmatch(host)
        if match is None or host == "localhost":
            return None
        name, other = match.groups()
        return self.store.find("Service", other or namespace, name) is not None

    def _standing_name(self, pod: Pod) -> str:
        """What a pod is called in every variant of a scenario: one that a controller made, by its number."""
        place = self.standing(pod.metadata.uid)
        return f"{pod.metadata.namespace}/{place or pod.metadata.name}"

    def _find(self, namespace: str, kind: str, name: str) -> dict[str, Any] | None:
        return self.store.find(kind, namespace, name)

    def _attempt(self, place: _Place, container: str) -> int:
        """How often the container was started before in the pods of this place."""
        attempt = self._attempts.get((place, container), 0)
        self._attempts[place, container] = attempt + 1
        return attempt

    def _override(self, pod: Pod, container: Container, place: _Place | None) -> Behaviour | None:
        """The declared behaviour of the first override that matches, or of the image; None: as its command says."""
        for override, behaviour in self._behaviours:
            if (
                _fits(override.pod, pod.metadata.name)
                and _fits(override.container, container.name)
                and _fits(override.image, container.image)
                and _stands(override, place)
            ):
                return behaviour
        image = self.scenario.cluster.images.get(container.image)
        if image is not None and image.script is not None:
            return parse_behaviour(image.script, f"images.{container.image}.script")
        return None


def _one_shots(scenario: Scenario) -> frozenset[str]:
    """The init containers that others wait for, as they are meant: what lost its restartPolicy on the way is none."""
    meant: dict[bool, set[str]] = {True: set(), False: set()}
    for document in scenario.objects:
        for _, spec in pod_specs(document.kind, document.raw.get("spec")):
            inits = spec.get("initContainers")
            for init in inits if isinstance(inits, list) else ():
                if isinstance(init, dict):
                    meant[bool(init.get("restartPolicy"))].add(str(init.get("name")))
    return frozenset(meant[False] - meant[True])


def _fits(pattern: str | None, name: str) -> bool:
    return pattern is None or fnmatchcase(name, pattern)


def _stands(override: ContainerOverride, place: _Place | None) -> bool:
    """Whether a pod at this place of a Job, or of none, is meant."""
    if override.job is None and override.index is None:
        return True
    if place is None or not _fits(override.job, place.job):
        return False
    return override.index is None or place.completion_index == str(override.index)


def _place(pod: Pod) -> _Place | None:
    """Where the pod stands in the Job that controls it; None: no Job does."""
    owner = controller_of(pod.raw)
    if owner is None or owner["kind"] != "Job":
        return None
    return _Place(owner["name"], owner["uid"], pod.metadata.annotations.get(COMPLETION_INDEX, ""))


def _behaviour(override: ContainerOverride) -> Behaviour:
    try:
        return parse_behaviour(override.script)
    except ScenarioError as problem:
        if override.place is None:
            raise
        raise (override.place / "script").error(f"{problem.field}: {problem.message}") from problem


def _memory_limit(container: Container) -> int | None:
    """The memory limit in bytes, or None."""
    limit = container.resources.limits.get("memory")
    return None if limit is None else parse_quantity(limit).nanos // 10**9
