"""A history told as lines: when, who, what, and why by which rule; what only repeats another record is left out.

One line is one thing a person would say. Status writes become what changed in them, a stop and its signal one line,
decisions one line for each reason; probes that changed nothing and the Events that announce a start are not told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from signal import Signals
from typing import Final

from kubesim.history.history import History
from kubesim.history.lives import SANDBOX
from kubesim.history.records import (
    ActionDone,
    Admitted,
    AnyRecord,
    Assumed,
    Decided,
    DecidedAction,
    Ended,
    EventEmitted,
    NotModelled,
    ObjectChanged,
    OutputWritten,
    ProbeChanged,
    RuntimeChanged,
)
from kubesim.timelines.admission import told_admission
from kubesim.timelines.changes import Told, told_changes
from kubesim.timelines.names import short_ids
from kubesim.units import MILLISECOND, Instant

OUTPUT_LINES: Final = 6
"""How many lines of output of one run are shown."""

_SIGNAL_AFTER_STOP: Final = 100 * MILLISECOND
_ENDS: Final = {
    "settled": "nothing can change any more",
    "until": "the run ends here, as asked",
    "horizon": "the run ends here; more would follow (--until goes on)",
}


HOOKS: Final = ("postStart", "preStop")
_DOING: Final = {
    "create-sandbox": "create the sandbox",
    "kill": "stop",
    "kill-pod": "stop the pod",
    "reject": "reject the pod for",
    "reset": "start over with",
}
_HELD: Final = "hold back"
"""The step that follows the one to start a container that is in back-off: it is not started."""
TERMINATING: Final = "SyncTerminatingPod"
_PASSES: Final = {
    "SyncPod": "sync",
    "SyncTerminatedPod": "clean up after the pod",
    TERMINATING: "terminate the pod",
}
_ACTORS: Final = {
    "default-scheduler": "scheduler",
    "kube-scheduler": "scheduler",
    "cronjob-controller": "cron jobs",
    "garbage-collector": "garbage",
    "job-controller": "jobs",
    "ttl-after-finished-controller": "ttl",
    "kubectl": "user",
    "apiserver": "api server",
}
_EXTRAS: Final = (
    ("grace", "grace", " s"),
    ("propagation", "propagation", ""),
    ("signal", "signal", ""),
    ("taint", "taint", ""),
    ("available", "available", ""),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. ``tone`` says how it is meant: good, bad, warn, dim or nothing.

    ``nth``: of a line of output, which it is of its run, from 1.
    """

    at: Instant
    who: str
    what: str
    why: str = ""
    rules: tuple[str, ...] = ()
    tone: str = ""
    nth: int = 0


def story(history: History, *, output_lines: int | None = OUTPUT_LINES) -> list[Line]:
    """The lines of a whole run, in order of time; what was asked from outside stands at the instant of asking.

    ``output_lines``: how many of the output of one run are told; None: all.
    """
    return sorted(_Teller(history, output_lines).lines(), key=lambda line: line.at)


class _Teller:
    def __init__(self, history: History, output_lines: int | None) -> None:
        self.history = history
        self.output_lines = output_lines
        self.several_pods = len(history.pods) > 1
        self.several_nodes = len(history.header.nodes) > 1
        self.changes = {version.order: (key, told) for key, version, told in told_changes(history)}
        self.output: Counter[tuple[str, ...]] = Counter(_run_of(line) for line in history.of(OutputWritten))
        self.printed: Counter[tuple[str, ...]] = Counter()
        self.graces: dict[tuple[str, ...], int] = {}
        self.signal_of_stop = _signals_of_stops(history)
        self.held_back = {
            _of(one, action) for one in history.of(Decided) for action in one.actions if action.do == _HELD
        }
        self.placed = {(one.namespace, one.name) for one in history.of(Decided) if "scheduler" in one.actor}
        self.nodes = {(life.namespace, life.name): life.node for life in history.pods}
        self.running: dict[tuple[str, str], int] = {}
        """How many containers, sandboxes included, run in each Pod."""

    def lines(self) -> Iterator[Line]:
        for order, record in enumerate(self.history):
            match record:
                case ObjectChanged():
                    yield from self._change(order, record)
                case Decided():
                    yield from self._decision(record)
                case RuntimeChanged():
                    yield from self._runtime(order, record)
                case _:
                    yield from self._other(record)

    def _other(self, record: AnyRecord) -> Iterator[Line]:
        match record:
            case ActionDone():
                yield from _action(record)
            case Admitted():
                what, why, tone = told_admission(record)
                yield Line(record.at, "webhook", what, why, record.rules, tone)
            case ProbeChanged() if record.is_answer:
                what = f"{record.probe} probe of {self._name(record.pod, record.container)}: {record.result.lower()}"
                tone = "good" if record.result.lower() == "success" else "warn"
                yield Line(record.at, "kubelet", what, record.output, record.rules, tone)
            case EventEmitted(type="Warning", update=False):
                what = f"Event {record.reason} about {self._name(record.name, _container_of(record.field_path))}"
                yield Line(
                    record.at, _short_actor(record.component, False), what, short_ids(record.message), (), "warn"
                )
            case OutputWritten():
                yield from self._output(record)
            case Ended():
                yield Line(record.at, "end", _ENDS.get(record.why, record.why), tone="dim")
            case Assumed() | NotModelled() | EventEmitted() | ProbeChanged():
                return

    def _change(self, order: int, record: ObjectChanged) -> Iterator[Line]:
        if order not in self.changes:
            return
        key, told = self.changes[order]
        who = _short_actor(record.actor, self.several_nodes)
        for one in told:
            if one.is_binding and who == "scheduler" and (key.namespace, key.name) in self.placed:
                continue
            yield Line(record.at, who, self._about(key.kind, key.name, one), one.why, (), one.tone)

    def _about(self, kind: str, name: str, told: Told) -> str:
        if told.names_object:
            return told.what
        return f"{name}: {told.what}" if self.several_pods or kind != "Pod" else told.what

    def _decision(self, record: Decided) -> Iterator[Line]:
        who, pod = _short_actor(record.actor, self.several_nodes), self._pod(record.name)
        if who == "scheduler":
            node = self.nodes.get((record.namespace, record.name), "")
            yield Line(record.at, who, _placing(record, node), record.why, record.rules)
            return
        if record.why and (not record.actions or record.pass_ == TERMINATING):
            yield Line(record.at, who, pod + _PASSES.get(record.pass_, record.pass_), record.why, record.rules)
        steps_for: dict[tuple[str, tuple[str, ...]], dict[str, list[str]]] = {}
        for action in record.actions:
            if action.do == "kill-pod" and not self.running.get((record.namespace, record.name)):
                continue
            if action.do == "start" and _of(record, action) in self.held_back:
                continue
            reason = (action.why, action.rules) if action.why else (record.why, record.rules)
            steps_for.setdefault(reason, {}).setdefault(action.do, []).append(action.container)
        for (why, rules), steps_of in steps_for.items():
            what = ", ".join(_doing(do, containers) for do, containers in steps_of.items())
            yield Line(record.at, who, pod + what, why, rules)

    def _runtime(self, order: int, record: RuntimeChanged) -> Iterator[Line]:
        name, run = self._name(record.pod, record.container), _run_of(record)
        if record.event in ("start", "exit"):
            pod = (record.namespace, record.pod)
            self.running[pod] = self.running.get(pod, 0) + (1 if record.event == "start" else -1)
        if record.event == "stop":
            self.graces[run] = record.grace or 0
        elif record.event == "signal":
            signal = record.signal.removeprefix("SIG")
            if signal == "KILL" and run in self.graces:
                why = f"its grace of {self.graces[run]} s is over"
                yield Line(record.at, "runtime", f"SIGKILL to {name}", why, (), "bad")
            elif order not in self.signal_of_stop.values():
                yield Line(record.at, "runtime", f"SIG{signal} to {name}")
        if order in self.signal_of_stop:
            sent = self.history[self.signal_of_stop[order]]
            signal = sent.signal.removeprefix("SIG") if isinstance(sent, RuntimeChanged) else ""
            yield Line(record.at, "runtime", f"SIG{signal} to {name}, grace {record.grace} s")
        yield from _runtime_line(record, name)

    def _output(self, record: OutputWritten) -> Iterator[Line]:
        run = _run_of(record)
        self.printed[run] += 1
        name = record.container
        nth, most = self.printed[run], self.output[run] if self.output_lines is None else self.output_lines
        if nth <= most:
            yield Line(record.at, name, f"│ {record.line}", tone="dim", nth=nth)
        elif nth == most + 1:
            more = self.output[run] - most
            yield Line(record.at, name, f"│ … and {more} more line{'s' if more > 1 else ''}", tone="dim", nth=nth)

    def _name(self, pod: str, container: str) -> str:
        shown = "sandbox" if container == SANDBOX else container
        if not self.several_pods:
            return shown or pod
        return f"{pod}/{shown}" if shown else pod

    def _pod(self, name: str) -> str:
        return f"{name}: " if self.several_pods else ""


def _of(record: Decided, action: DecidedAction) -> tuple[Instant, str, str, str]:
    """Which container of which Pod is decided upon, and when."""
    return record.at, record.namespace, record.name, action.container


def _run_of(record: RuntimeChanged | OutputWritten) -> tuple[str, ...]:
    return record.namespace, record.pod, record.container, str(record.run)


def _signals_of_stops(history: History) -> dict[int, int]:
    """For each stop the signal that it sent, both by their places in the history; a stop of the dead sends none."""
    found: dict[int, int] = {}
    waiting: dict[tuple[str, ...], tuple[Instant, int]] = {}
    for order, record in enumerate(history):
        match record:
            case RuntimeChanged(event="stop"):
                waiting[_run_of(record)] = (record.at, order)
            case RuntimeChanged(event="signal") if record.signal.removeprefix("SIG") != "KILL":
                at, stop = waiting.pop(_run_of(record), (None, 0))
                if at is not None and record.at - at <= _SIGNAL_AFTER_STOP:
                    found[stop] = order
    return found


def _runtime_line(record: RuntimeChanged, name: str) -> Iterator[Line]:
    is_sandbox = record.container == SANDBOX
    match record.event:
        case "start":
            again = f" (run {record.run + 1})" if record.run and not is_sandbox else ""
            yield Line(record.at, "runtime", f"{name} started{again}", tone="dim" if is_sandbox else "good")
        case "exit" if is_sandbox:
            yield Line(record.at, "runtime", f"{name} stopped", tone="dim")
        case "exit":
            reason = f" ({record.reason})" if record.reason and record.reason not in ("Error", "Completed") else ""
            tone = "bad" if record.code else "good"
            yield Line(
                record.at, "runtime", f"{name} exited with {record.code}{reason}", _by_signal(record.code), (), tone
            )
        case "oom" if not is_sandbox:
            yield Line(record.at, "runtime", f"{name} ran out of memory", tone="bad")
        case "exec-start" if record.purpose in HOOKS:
            yield Line(record.at, "runtime", f"{record.purpose} hook of {name} started", record.command)
        case "exec-exit" if record.purpose in HOOKS:
            tone = "bad" if record.code else ""
            yield Line(record.at, "runtime", f"{record.purpose} hook of {name} ended with {record.code}", tone=tone)


def _by_signal(code: int | None) -> str:
    """What an exit code above 128 says by convention of shells and runtimes: the signal that ended the process."""
    known = {signal.value: signal.name for signal in Signals}
    number = (code or 0) - 128
    return f"128 + {number}, as by {known[number]}" if number in known else ""


def _action(record: ActionDone) -> Iterator[Line]:
    """What was done from outside. A create that was accepted is told by the object that it made."""
    verb, _, kind = record.do.partition(" ")
    refused = record.code >= 400
    at = record.at if record.asked is None or refused else record.asked
    if record.do == "snapshot" or (verb in ("create", "apply") and not refused):
        return
    given = record.arguments
    subject = " ".join(str(part) for part in (kind or given.get("kind", ""), given.get("name", "")) if part)
    subject = subject or "/".join(str(given[key]) for key in ("node", "pod", "container") if key in given)
    extras = [f"{word} {given[key]}{unit}" for key, word, unit in _EXTRAS if given.get(key) is not None]
    what = " ".join(part for part in (verb.replace("-", " "), subject) if part) + "".join(
        f", {extra}" for extra in extras
    )
    if refused:
        yield Line(at, "user", f"{what}: refused ({record.code} {record.reason})", record.message, (), "bad")
    else:
        yield Line(at, "user", what, tone="who")


def _doing(do: str, containers: list[str]) -> str:
    """A step of a decision in words."""
    verb, space, rest = do.partition(" ")
    words = _DOING.get(do, verb.replace("-", " ") + space + rest)
    return " ".join([words, ", ".join(container for container in containers if container)]).strip()


def _placing(record: Decided, node: str) -> str:
    """What the scheduler does for a Pod, which ended up on ``node``."""
    for action in record.actions:
        match action.do:
            case "bind":
                return f"bind {record.name}" + (f" to {node}" if node else "")
            case "preempt":
                return f"preempt {action.why} for {record.name}"
    return f"cannot place {record.name}"


def _short_actor(actor: str, with_node: bool) -> str:
    """``kubelet/node1`` is the kubelet where there is one node; ``kube-scheduler`` is the scheduler."""
    name, _, node = actor.partition("/")
    name = _ACTORS.get(name, name)
    return f"{name}/{node}" if with_node and node else name


def _container_of(field_path: str) -> str:
    return field_path.partition("{")[2].rstrip("}")
