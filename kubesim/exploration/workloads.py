"""What can go otherwise in a run of a manifest, as plain data: programs, troubles, latencies, ties.

A manifest says little about its programs: how long they run, with which code they end, what they do on SIGTERM. A
workload is one choice of all that; the empty one leaves everything as it is written. ``replay`` turns a workload into
a scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubesim.exploration.troubles import ImageTrouble, Stimulus, Trouble, pods_of
from kubesim.objects.yaml import Document
from kubesim.scenario.templates import pod_spec
from kubesim.units import SECOND, format_duration

FOREVER: Final = -1
"""Of ``lasts``: until a signal ends it."""

USUAL_HOOK: Final = 1
"""How many seconds a hook takes that nothing is known of."""

_PROBES: Final = ("startup", "readiness", "liveness")

IGNORED: Final = -1
"""Of ``term``: SIGTERM changes nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a program does as it is written, in a run in which nothing else happens: what is not varied stays so."""

    lasts: int | None = None
    """Seconds until it ends by itself, or FOREVER; None: it was not seen to start."""
    exits: tuple[int, ...] = (0,)
    term: int = 0
    """Seconds from SIGTERM to its end, or IGNORED; 0 also where it was not seen to be told to stop."""
    term_code: int = 0
    """The exit code with which it ends on SIGTERM."""


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
    image: str = ""
    pre_stop: str = ""
    """The program of its preStop, without its path, if it is a process, whose length can differ."""
    waits_for: tuple[str, ...] = ()
    """Of an init container: the sidecars that are started only after it."""
    is_open: bool = False
    """Nothing is known of its program, and it is to end some day: a usual length stands for it."""
    has_open_pre_stop: bool = False
    """Nothing is known of the program of its preStop."""
    has_exec_probe: bool = False
    is_looked_into: bool = False
    """An exec probe depends on its program, on files that it writes for one: a declared one cannot stand for it."""
    seen: Seen = Seen()
    """What its program does as it is written; of one that is open, nothing."""

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
        """Seconds: as it was seen; else short for what is to end by itself, for ever for what serves."""
        if self.seen.lasts is not None:
            return self.seen.lasts
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
    """What one container's program does; None: as it is written, as far as it was seen where anything else is given."""

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
        seen = self.place.seen
        lasts = FOREVER if self.needs and self.needs in self.place.waits_for else self._length
        term = seen.term if self.term is None else self.term
        on_term: Any = "ignore" if term == IGNORED else {"after": f"{term}s", "exit": seen.term_code}
        codes = list(self._codes)
        return {
            "lasts": "forever" if lasts == FOREVER else f"{lasts}s",
            "exits": codes[0] if len(codes) == 1 else codes,
            "onSignal": {"TERM": on_term},
            **hooks,
        }

    @property
    def _length(self) -> int:
        return self.place.usual_length if self.lasts is None else self.lasts

    @property
    def _codes(self) -> tuple[int, ...]:
        return self.exits or self.place.seen.exits

    @property
    def changes(self) -> int:
        """How many things differ."""
        given = (self.lasts, self.exits, self.term, self.pre_stop, self.needs or None)
        return sum(value is not None for value in given)

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
            length, codes = self._length, self._codes
            when = "when it is told to" if length == FOREVER else f"after {format_duration(length * SECOND)}"
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
class Workload:
    """One choice of everything that a manifest leaves open."""

    programs: tuple[Program, ...] = ()
    stimuli: tuple[Stimulus, ...] = ()
    images: tuple[ImageTrouble, ...] = ()
    draw: int = 0
    ties: int = 0

    def told(self) -> list[str]:
        """What differs from the manifest as written: programs in the order of its list, images, then in time."""
        found = [sentence for program in self.programs for sentence in program.told()]
        found += [trouble.told() for trouble in self.images]
        found += [stimulus.told() for stimulus in sorted(self.stimuli, key=lambda one: one.at)]
        found += [f"latencies as in draw {self.draw}"] if self.draw else []
        found += [f"what happens at one instant happens in order {self.ties}"] if self.ties else []
        return found or ["everything is as written"]

    @property
    def size(self) -> tuple[int, ...]:
        """How much differs from the manifest as written; of two, the smaller one says more."""
        changes = sum(program.changes for program in self.programs)
        odd = bool(self.draw) + bool(self.ties)
        troubles: list[Trouble] = [*self.stimuli, *self.images]
        return changes + len(troubles) + odd, odd, sum(one.weight for one in troubles)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario has that can go otherwise: its containers, their images, its nodes."""

    places: tuple[Place, ...]
    nodes: tuple[str, ...]
    begins: Mapping[str, int] = field(default_factory=dict)
    """Of what makes Pods later: the second at which the first is there."""

    @property
    def owners(self) -> tuple[str, ...]:
        """The objects with containers, in the order of the files."""
        return tuple(dict.fromkeys(place.owner for place in self.places))

    @property
    def images(self) -> tuple[str, ...]:
        """The images of the containers, in their order."""
        return tuple(dict.fromkeys(place.image for place in self.places if place.image))

    @property
    def looked_into(self) -> tuple[str, ...]:
        """The containers whose programs are not varied, as their exec probes depend on them."""
        return tuple(place.container for place in self.places if place.is_looked_into)

    @property
    def idle(self) -> tuple[str, ...]:
        """The CronJobs that make no Pod within a run."""
        return tuple(one for one in self.owners if one.startswith("CronJob/") and one not in self.begins)

    def begin(self, owner: str) -> int:
        """The second from which moments are counted for an object."""
        return self.begins.get(owner, 0)


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
            image=str(one.get("image") or ""),
            pre_stop=str((hook.get("command") or [""])[0]).split("/")[-1],
            waits_for=tuple(behind) if role == "init" else (),
            has_exec_probe=any((one.get(f"{kind}Probe") or {}).get("exec") for kind in _PROBES),
        )


def _index(containers: list[Mapping[str, Any]], name: str) -> int:
    return next(index for index, one in enumerate(containers) if one.get("name") == name)
