"""What can go otherwise in a run of a manifest, as plain data: programs, what is done to it, latencies, ties.

A manifest says little about its programs: how long they run, with which code they end, what they do on SIGTERM. A
workload is one choice of all that; the empty one leaves everything as it is written. ``replay`` turns a workload into
a scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kubesim.objects.yaml import Document
from kubesim.scenario.templates import pod_spec
from kubesim.units import SECOND, format_duration

FOREVER: Final = -1
"""Of ``lasts``: until a signal ends it."""

USUAL_HOOK: Final = 1
"""How many seconds a hook takes that nothing is known of."""

IGNORED: Final = -1
"""Of ``term``: SIGTERM changes nothing."""


def pods_of(owner: str) -> str:
    """The name of a Pod, or the pattern of the names of those that an object makes."""
    kind, _, name = owner.partition("/")
    return name if kind == "Pod" else f"{name}-*"


@dataclass(frozen=True, slots=True)
class Place:
    """A container of the manifest, and what its behaviour depends on."""

    owner: str
    """Kind and name of the object it stands in: ``Job/migrate``."""
    container: str
    role: str
    """init, sidecar or main, as the manifest has it."""
    policy: str
    grace: int
    """terminationGracePeriodSeconds."""
    pre_stop: str = ""
    """The program of its preStop, without its path, if it is a process, whose length can differ."""
    waits_for: tuple[str, ...] = ()
    """Of an init container: the sidecars that are started only after it."""
    is_open: bool = False
    """Nothing is known of its program, and it is to end some day: a usual length stands for it."""
    has_open_pre_stop: bool = False
    """Nothing is known of the program of its preStop."""

    @property
    def pods(self) -> str:
        """The pattern of the names of its Pods."""
        return pods_of(self.owner)

    @property
    def has_pre_stop(self) -> bool:
        """Whether it has a preStop that is a process."""
        return bool(self.pre_stop)

    @property
    def usual_length(self) -> int:
        """Seconds: short for what is to end by itself, for ever for what serves."""
        if self.role == "init":
            return 1
        return FOREVER if self.role == "sidecar" or self.policy == "Always" else 5

    def taken(self) -> Iterator[str]:
        """What is taken for granted of a program that nothing is known of."""
        if self.is_open:
            length = format_duration(self.usual_length * SECOND)
            yield f"{self.container} ends after {length} with exit code 0"
        if self.has_open_pre_stop:
            yield f"preStop of {self.container} takes {format_duration(USUAL_HOOK * SECOND)}"


@dataclass(frozen=True, slots=True)
class Program:
    """What one container's program does; None: as it is written, or as it usually is where anything else is given."""

    place: Place
    lasts: int | None = None
    exits: tuple[int, ...] | None = None
    term: int | None = None
    pre_stop: int | None = None
    needs: str = ""
    """A sidecar that must be there before an init container can do its work."""

    def script(self) -> dict[str, Any]:
        """The container script that behaves so; empty: as it is written."""
        pre_stop = self.pre_stop if self.pre_stop is not None else USUAL_HOOK if self.place.has_open_pre_stop else None
        hooks = {"hooks": {"preStop": f"{pre_stop}s"}} if pre_stop is not None else {}
        if (self.lasts, self.exits, self.term) == (None, None, None) and not self.needs and not self.place.is_open:
            return hooks
        lasts = self.place.usual_length if self.lasts is None else self.lasts
        if self.needs and self.needs in self.place.waits_for:
            lasts = FOREVER
        on_term: Any = "ignore" if self.term == IGNORED else {"after": f"{self.term or 0}s", "exit": 0}
        codes = list(self.exits or (0,))
        return {
            "lasts": "forever" if lasts == FOREVER else f"{lasts}s",
            "exits": codes[0] if len(codes) == 1 else codes,
            "onSignal": {"TERM": on_term},
            **hooks,
        }

    def told(self) -> Iterator[str]:
        """What differs, in sentences."""
        name = self.place.container
        if self.needs in self.place.waits_for and self.needs:
            yield f"{name} needs {self.needs} and waits for it; the list starts {self.needs} only after {name}"
        elif self.needs:
            yield f"{name} needs {self.needs}"
        if self.lasts == FOREVER and not self.needs:
            yield f"{name} never ends by itself"
        elif self.lasts is not None or self.exits is not None:
            length = self.place.usual_length if self.lasts is None else self.lasts
            when = "when it is told to" if length == FOREVER else f"after {format_duration(length * SECOND)}"
            codes = self.exits or (0,)
            if len(codes) == 1:
                yield f"{name} ends {when}, with exit code {codes[0]}"
            else:
                yield f"{name} ends {when}, with exit code {', then '.join(map(str, codes))}"
        if self.term == IGNORED:
            yield f"{name} ignores SIGTERM"
        elif self.term is not None:
            yield f"{name} takes {format_duration(self.term * SECOND)} to end on SIGTERM"
        if self.pre_stop is not None:
            yield f"preStop of {name} takes {format_duration(self.pre_stop * SECOND)}"


@dataclass(frozen=True, slots=True)
class Stimulus:
    """Something that happens to the Pods at a second: ``delete`` and ``crash``, or ``node`` for the loss of it."""

    at: int
    do: str
    owner: str
    container: str = ""
    code: int = 1

    @property
    def pods(self) -> str:
        """The pattern of the names of the Pods that it may happen to; of several, to the oldest."""
        return pods_of(self.owner)

    def told(self) -> str:
        """In a sentence."""
        kind, _, name = self.owner.partition("/")
        at = format_duration(self.at * SECOND)
        match self.do:
            case "delete" if kind == "Pod":
                return f"at {at}: kubectl delete pod {name}"
            case "delete":
                return f"at {at}: the oldest pod of {kind} {name} is deleted"
            case "crash":
                return f"at {at}: {self.container} crashes with exit code {self.code}"
            case _:
                return f"at {at}: the node loses its power"


@dataclass(frozen=True, slots=True)
class Workload:
    """One choice of everything that a manifest leaves open."""

    programs: tuple[Program, ...] = ()
    stimuli: tuple[Stimulus, ...] = ()
    draw: int = 0
    ties: int = 0

    def told(self) -> list[str]:
        """What differs from the manifest as written, in the order of its list and of time."""
        found = [sentence for program in self.programs for sentence in program.told()]
        found += [stimulus.told() for stimulus in sorted(self.stimuli, key=lambda one: one.at)]
        found += [f"latencies as in draw {self.draw}"] if self.draw else []
        found += [f"what happens at one instant happens in order {self.ties}"] if self.ties else []
        return found or ["everything is as written"]


def places(documents: tuple[Document, ...]) -> tuple[Place, ...]:
    """The containers of the Pods of a scenario, and of those that its controllers make."""
    found: list[Place] = []
    for document in documents:
        spec = pod_spec(document.raw)
        if spec is not None:
            found += _places(f"{document.kind}/{document.name}", spec)
    return tuple(found)


def _places(owner: str, spec: Mapping[str, Any]) -> Iterator[Place]:
    inits = [one for one in spec.get("initContainers") or () if isinstance(one, Mapping)]
    mains = [one for one in spec.get("containers") or () if isinstance(one, Mapping)]
    roles = ["sidecar" if one.get("restartPolicy") == "Always" else "init" for one in inits]
    grace = spec.get("terminationGracePeriodSeconds")
    for index, one in enumerate((*inits, *mains)):
        is_init = index < len(inits)
        role = roles[index] if is_init else "main"
        later = [other["name"] for other, its in zip(inits, roles, strict=True) if its == "sidecar"]
        behind = [name for name in later if is_init and _index(inits, name) > index]
        hook = ((one.get("lifecycle") or {}).get("preStop") or {}).get("exec") or {}
        yield Place(
            owner=owner,
            container=str(one.get("name", "")),
            role=role,
            policy=str(spec.get("restartPolicy") or "Always"),
            grace=grace if isinstance(grace, int) else 30,
            pre_stop=str((hook.get("command") or [""])[0]).split("/")[-1],
            waits_for=tuple(behind) if role == "init" else (),
        )


def _index(containers: list[Mapping[str, Any]], name: str) -> int:
    return next(index for index, one in enumerate(containers) if one.get("name") == name)
