"""Declared steps: a container's behaviour written as data instead of a program (scenario files, the images table)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kubesim.errors import ScenarioError
from kubesim.scripts.filesystem import FileError, absolute
from kubesim.scripts.process import SIGNALS, Asleep, signal_name
from kubesim.units import Duration, Instant, parse_duration

if TYPE_CHECKING:
    from kubesim.scripts.kernel import Kernel
    from kubesim.scripts.process import Process

Draw = Callable[[], float]
_FIELDS: Final = (
    *("lasts", "exits", "onSignal", "startup", "probes", "output", "writes", "listens", "paths", "memory", "hooks"),
)
HOOKS: Final = ("postStart", "preStop")
_PROBES: Final = ("liveness", "readiness", "startup")
_DISTRIBUTIONS: Final = {"uniform": 2, "exponential": 1, "lognormal": 2, "normal": 2}
_CALL: Final = re.compile(r"([a-z]+)\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Length:
    """A duration, or a named distribution of durations (lognormal: median and sigma of the logarithm)."""

    kind: str
    first: float
    second: float = 0.0

    def value(self, draw: Draw) -> Duration:
        """One duration; ``draw`` gives uniform numbers in [0, 1)."""
        match self.kind:
            case "uniform":
                return int(self.first + (self.second - self.first) * draw())
            case "exponential":
                return int(-self.first * math.log(1.0 - draw()))
            case "lognormal":
                return int(self.first * math.exp(self.second * _normal(draw)))
            case "normal":
                return max(0, int(self.first + self.second * _normal(draw)))
        return int(self.first)


def _normal(draw: Draw) -> float:
    """A standard normal number (Box and Muller)."""
    return math.sqrt(-2.0 * math.log(1.0 - draw())) * math.cos(2.0 * math.pi * draw())


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a signal does: the program ends ``after`` this long with this status."""

    after: Length
    exit: int


@dataclass(frozen=True, slots=True)
class Window:
    """A span after the start in which a probe gets this answer; ``end`` None: for ever."""

    start: Duration
    end: Duration | None
    passes: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, so long after the start."""

    after: Duration
    text: str
    stream: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file that the program writes, so long after the start."""

    after: Duration
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Declared steps, read and checked. ``lasts`` None: until a signal ends it. A None reaction ignores the signal."""

    lasts: Length | None = None
    exits: tuple[int, ...] = (0,)
    on_signal: Mapping[str, Reaction | None] = field(default_factory=dict)
    startup: Length = Length("fixed", 0)
    probes: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    output: tuple[Line, ...] = ()
    writes: tuple[Written, ...] = ()
    listens: tuple[int, ...] | None = None
    paths: tuple[str, ...] | None = None
    memory: int = 0
    hooks: Mapping[str, Length] = field(default_factory=dict)
    """How long the process of a lifecycle hook takes, instead of what its command says."""
    is_program: bool = True
    """False where only hooks are declared: the container's own command is what runs."""

    def exit_code(self, attempt: int) -> int:
        """The status of an attempt, counted from 0; the last one stands for all later attempts."""
        return self.exits[min(attempt, len(self.exits) - 1)]


def parse_behaviour(data: object, where: str = "script") -> Behaviour:
    """Read declared steps; a :class:`ScenarioError` names the field, the value and what is allowed."""
    if not isinstance(data, Mapping):
        raise ScenarioError(f"{data!r} is not a mapping; allowed fields: {', '.join(_FIELDS)}", field=where)
    for name in data:
        if name not in _FIELDS:
            raise ScenarioError(f"unknown field {name!r}; allowed: {', '.join(_FIELDS)}", field=f"{where}.{name}")
    lasts = data.get("lasts", "forever")
    return Behaviour(
        lasts=None if lasts == "forever" else parse_length(lasts, f"{where}.lasts"),
        exits=_exits(data.get("exits", 0), f"{where}.exits"),
        on_signal=_reactions(data.get("onSignal", {}), f"{where}.onSignal"),
        startup=parse_length(data.get("startup", "0s"), f"{where}.startup"),
        probes=_probes(data.get("probes", {}), f"{where}.probes"),
        output=tuple(
            _line(item, f"{where}.output[{index}]")
            for index, item in enumerate(_list(data.get("output", []), f"{where}.output"))
        ),
        writes=_writes(data.get("writes", {}), f"{where}.writes"),
        listens=_ports(data["listens"], f"{where}.listens") if "listens" in data else None,
        paths=tuple(str(item) for item in _list(data["paths"], f"{where}.paths")) if "paths" in data else None,
        memory=_integer(data.get("memory", 0), f"{where}.memory"),
        hooks=_hooks(data.get("hooks", {}), f"{where}.hooks"),
        is_program=data.keys() != {"hooks"},
    )


def parse_length(value: object, where: str) -> Length:
    """A duration such as ``3s``, or a distribution by name such as ``lognormal(2s,0.5)``."""
    help_text = 'write "3s", "uniform(1s,3s)", "exponential(3s)", "lognormal(2s,0.5)" or "normal(5s,1s)"'
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ScenarioError(f"{value!r} is not a duration; {help_text}", field=where)
    text = str(value).replace(" ", "")
    match = _CALL.fullmatch(text)
    try:
        if match is None:
            fixed = parse_duration(text)
            if fixed < 0:
                raise ValueError("negative")
            return Length("fixed", fixed)
        name, arguments = match.group(1), match.group(2).split(",")
        if len(arguments) != _DISTRIBUTIONS.get(name):
            raise ValueError("arguments")
        first = float(parse_duration(arguments[0]))
        if name == "lognormal":
            return Length(name, first, float(arguments[1]))
        return Length(name, first, float(parse_duration(arguments[1])) if len(arguments) > 1 else 0.0)
    except ValueError:
        raise ScenarioError(f"{value!r} is not a duration; {help_text}", field=where) from None


def _duration(value: object, where: str) -> Duration:
    try:
        return parse_duration(str(value))
    except ValueError as fault:
        raise ScenarioError(str(fault), field=where) from None


def _integer(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScenarioError(f"{value!r} is not a whole number", field=where)
    return value


def _code(value: object, where: str) -> int:
    code = _integer(value, where)
    if not 0 <= code <= 255:
        raise ScenarioError(f"{code} is not an exit status; allowed: 0 to 255", field=where)
    return code


def _list(value: object, where: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise ScenarioError(f"{value!r} is not a list", field=where)
    return value


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ScenarioError(f"{value!r} is not a mapping", field=where)
    return value


def _exits(value: object, where: str) -> tuple[int, ...]:
    if isinstance(value, (list, tuple)):
        if not value:
            raise ScenarioError("the list is empty; give one exit status per attempt", field=where)
        return tuple(_code(item, f"{where}[{index}]") for index, item in enumerate(value))
    return (_code(value, where),)


def _reactions(value: object, where: str) -> dict[str, Reaction | None]:
    reactions: dict[str, Reaction | None] = {}
    for key, reaction in _mapping(value, where).items():
        name = signal_name(str(key))
        if name is None or name in ("KILL", "STOP"):
            allowed = ", ".join(item for item in SIGNALS if item not in ("KILL", "STOP"))
            raise ScenarioError(
                f"{key!r} is no signal a program can handle; allowed: {allowed}", field=f"{where}.{key}"
            )
        if reaction == "ignore":
            reactions[name] = None
            continue
        if not isinstance(reaction, Mapping) or not reaction.keys() <= {"after", "exit"}:
            raise ScenarioError(
                f'{reaction!r}; allowed: "ignore", or a mapping with after and exit', field=f"{where}.{key}"
            )
        after = parse_length(reaction.get("after", "0s"), f"{where}.{key}.after")
        reactions[name] = Reaction(after, _code(reaction.get("exit", 0), f"{where}.{key}.exit"))
    return reactions


def _probes(value: object, where: str) -> dict[str, tuple[Window, ...]]:
    probes: dict[str, tuple[Window, ...]] = {}
    for kind, answers in _mapping(value, where).items():
        if kind not in _PROBES:
            raise ScenarioError(f"unknown probe {kind!r}; allowed: {', '.join(_PROBES)}", field=f"{where}.{kind}")
        items = answers if isinstance(answers, (list, tuple)) else [answers]
        probes[kind] = tuple(_window(item, f"{where}.{kind}[{index}]") for index, item in enumerate(items))
    return probes


def _hooks(value: object, where: str) -> dict[str, Length]:
    hooks = {}
    for name, length in _mapping(value, where).items():
        if name not in HOOKS:
            raise ScenarioError(f"unknown hook {name!r}; allowed: {', '.join(HOOKS)}", field=f"{where}.{name}")
        hooks[name] = parse_length(length, f"{where}.{name}")
    return hooks


def _window(item: object, where: str) -> Window:
    if item in ("ok", "fail"):
        return Window(0, None, item == "ok")
    if (
        not isinstance(item, Mapping)
        or item.get("answer") not in ("ok", "fail")
        or not item.keys() <= {"from", "to", "answer"}
    ):
        raise ScenarioError(f'{item!r}; allowed: "ok", "fail" or {{from: 10s, to: 20s, answer: fail}}', field=where)
    end = _duration(item["to"], f"{where}.to") if "to" in item else None
    return Window(_duration(item.get("from", "0s"), f"{where}.from"), end, item["answer"] == "ok")


def _line(item: object, where: str) -> Line:
    if isinstance(item, str):
        return Line(0, item, "stdout")
    if not isinstance(item, Mapping) or "line" not in item or not item.keys() <= {"at", "line", "stream"}:
        raise ScenarioError(f"{item!r}; allowed: a text, or {{at: 2s, line: text, stream: stdout|stderr}}", field=where)
    stream = item.get("stream", "stdout")
    if stream not in ("stdout", "stderr"):
        raise ScenarioError(f"{stream!r}; allowed: stdout, stderr", field=f"{where}.stream")
    return Line(_duration(item.get("at", "0s"), f"{where}.at"), str(item["line"]), stream)


def _writes(value: object, where: str) -> tuple[Written, ...]:
    written: list[Written] = []
    for path, content in _mapping(value, where).items():
        if isinstance(content, str):
            written.append(Written(0, path, content))
        elif isinstance(content, Mapping) and content.keys() <= {"at", "text"}:
            written.append(
                Written(_duration(content.get("at", "0s"), f"{where}.{path}.at"), path, str(content.get("text", "")))
            )
        else:
            raise ScenarioError(f"{content!r}; allowed: a text, or {{at: 2s, text: text}}", field=f"{where}.{path}")
    return tuple(written)


def _ports(value: object, where: str) -> tuple[int, ...]:
    return tuple(_integer(item, f"{where}[{index}]") for index, item in enumerate(_list(value, where)))


# --- running


@dataclass(slots=True)
class DeclaredProgram:
    """A process that follows declared steps. ``ending`` is the instant and status that a signal or its time has set."""

    behaviour: Behaviour
    started: Instant
    done: int = 0
    ending: tuple[Instant, int] | None = None
    begun: bool = False
    startup: Duration = 0

    def step(self, kernel: Kernel, process: Process) -> None:
        if not self.begun:
            self._begin(kernel, process)
        agenda: list[Line | Written] = sorted(
            (*self.behaviour.output, *self.behaviour.writes), key=lambda item: item.after
        )
        while self.done < len(agenda) and self.started + agenda[self.done].after <= kernel.now:
            self._carry_out(kernel, process, agenda[self.done])
            self.done += 1
        if self.ending is not None and self.ending[0] <= kernel.now:
            kernel.end(process, self.ending[1])
            return
        following = [self.started + agenda[self.done].after] if self.done < len(agenda) else []
        following += [self.ending[0]] if self.ending is not None else []
        process.waiting = Asleep(min(following, default=None))

    def _begin(self, kernel: Kernel, process: Process) -> None:
        self.begun = True
        self.startup = self.behaviour.startup.value(partial(kernel.draw, "startup"))
        limit = kernel.memory_limit
        if self.behaviour.memory and limit is not None and self.behaviour.memory > limit:
            kernel.out_of_memory(process)
        elif self.behaviour.lasts is not None:
            lasts = self.behaviour.lasts.value(partial(kernel.draw, "lasts"))
            self.ending = (self.started + lasts, self.behaviour.exit_code(kernel.attempt))

    def _carry_out(self, kernel: Kernel, process: Process, item: Line | Written) -> None:
        if isinstance(item, Line):
            kernel.write(process, 1 if item.stream == "stdout" else 2, item.text + "\n")
            return
        try:
            file, volume = kernel.files.open_for_writing(
                absolute(item.path, process.directory), kernel.now, truncate=True
            )
        except FileError as fault:
            kernel.write(process, 2, f"{item.path}: {fault}\n")
            return
        file.content = item.text
        kernel.changed(volume)

    def on_signal(self, kernel: Kernel, process: Process, name: str) -> bool:
        if name not in self.behaviour.on_signal:
            return False
        reaction = self.behaviour.on_signal[name]
        if reaction is None:
            return True
        ending = (kernel.now + reaction.after.value(partial(kernel.draw, f"on {name}")), reaction.exit)
        if self.ending is None or ending[0] < self.ending[0]:
            self.ending = ending
        process.waiting = None
        return True

    def answers(self, kind: str, now: Instant) -> tuple[bool, Instant | None]:
        """Whether a probe passes now, and when the answer may next differ."""
        since = now - self.started
        if since < self.startup:
            return False, self.started + self.startup
        edges = [
            edge
            for window in self.behaviour.probes.get(kind, ())
            for edge in (window.start, window.end)
            if edge is not None
        ]
        following = min((self.started + edge for edge in edges if edge > since), default=None)
        passes = True
        for window in self.behaviour.probes.get(kind, ()):
            if window.start <= since and (window.end is None or since < window.end):
                passes = window.passes
        return passes, following
