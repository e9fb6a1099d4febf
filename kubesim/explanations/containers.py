"""Where one container of a Pod is at an instant, and why."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, Final

from kubesim.explanations.explanation import State
from kubesim.explanations.known_bugs import not_restarted, not_started
from kubesim.explanations.probes import budget, handler_text, threshold
from kubesim.explanations.stopping import ending, stopping
from kubesim.explanations.view import View
from kubesim.history.lives import SANDBOX, Run
from kubesim.history.records import EventEmitted
from kubesim.timelines.compare_facts import exit_text
from kubesim.timelines.lanes_model import Role
from kubesim.timelines.names import short_ids
from kubesim.timelines.text import relative_time

_ITS_TURN: Final = ("", "PodInitializing", "ContainerCreating")
"""Waiting reasons that say nothing but that it has not started."""

ITS_END: Final = "its process 1 to end with 0"
"""What an init container waits for; who waits for the container need not be told."""
_IMAGE: Final = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError")
_LONGEST_WORDS: Final = 100
"""So much is quoted of a line of output."""
_ENDED_PHASES: Final = ("Succeeded", "Failed")


def container_state(view: View, name: str) -> State:
    """The state of a container: what the runtime knows, explained by what the kubelet decided."""
    run = view.run(name)
    if run is None:
        return _never_ran(view, name)
    if run.exit is None:
        return stopping(view, name, run) or _running(view, name, run)
    return _ended(view, name, run)


# -- before its first start -------------------------------------------------------------------------------------------


def _never_ran(view: View, name: str) -> State:
    created = view.life.created
    if view.is_gone or view.termination() is not None:
        return State("never started, and never will", created, "the Pod ends before its turn came", ("K-81",))
    if view.status.get("phase") in _ENDED_PHASES:
        return State("never started, and never will", created, f"the Pod has {view.status['phase'].lower()}", ("S-1",))
    if not view.spec.get("nodeName"):
        return State("waiting", created, "the Pod is on no node", ("C-60",), ("the scheduler to bind the Pod",))
    waiting = (view.entry(name).get("state") or {}).get("waiting") or {}
    if waiting.get("reason", "") not in _ITS_TURN:
        return _held_up(view, name, waiting)
    first = first_unsatisfied(view, name)
    if first is not None:
        return _behind(view, name, first)
    if not view.is_up(SANDBOX):
        return State("waiting", created, "the Pod has no sandbox yet", ("K-35",), ("the sandbox of the Pod",))
    return _starting(view, name)


def _held_up(view: View, name: str, waiting: Mapping[str, Any]) -> State:
    reason, message = str(waiting.get("reason")), short_ids(str(waiting.get("message") or ""))
    since = _since_waiting(view, name, reason)
    if reason in _IMAGE:
        image = view.container(name).get("image")
        changes = ("the image can be pulled: the kubelet tries again with a growing back-off (10 s to 5 min)",)
        return State(f"waiting: {reason}", since, message, ("K-28", "K-29"), (f"image {image}",), changes)
    changes = ("what it refers to exists: the kubelet tries again with each sync",)
    return State(f"waiting: {reason}", since, message, ("K-30",), ("its configuration to be valid",), changes)


def _since_waiting(view: View, name: str, reason: str) -> int | None:
    """When the API server first saw this reason in a row up to now."""
    since = None
    for version in reversed(view.life.versions):
        if version.at > view.at:
            continue
        status = version.object.get("status") or {}
        entries = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        entry: Mapping[str, Any] = next((one for one in entries if one["name"] == name), {})
        if ((entry.get("state") or {}).get("waiting") or {}).get("reason") != reason:
            break
        since = version.at
    return since


def first_unsatisfied(view: View, name: str = "") -> str | None:
    """The init container before this one (before the mains) that holds it back; None if none does (K-41)."""
    inits = [entry["name"] for entry in view.spec.get("initContainers") or ()]
    before = inits[: inits.index(name)] if name in inits else inits
    return next((other for other in before if not _is_satisfied(view, other)), None)


def _is_satisfied(view: View, name: str) -> bool:
    run = view.run(name)
    if view.roles.get(name) is Role.SIDECAR:
        entry = view.entry(name)
        return bool(entry.get("started")) and run is not None and run.exit is None
    return run is not None and run.exit is not None and run.code == 0


def _behind(view: View, name: str, first: str) -> State:
    """An init container before it has not come to its end, or as a sidecar is not started."""
    state = container_state(view, first)
    sidecar = view.roles.get(first) is Role.SIDECAR
    wanted = f"sidecar {first} to be started" if sidecar else f"init container {first} to end with 0"
    why = f"{'sidecar' if sidecar else 'init container'} {first} comes first; {state.said_of(first)}"
    deeper = tuple(f"{first} in turn waits for {one}" for one in state.waits_for if one != ITS_END)
    rules = ("K-41", "K-42") if sidecar else ("K-41",)
    changes = state.changes or ((f"{first} is started",) if sidecar else (f"{first} ends with 0",))
    return State("waiting for its turn", view.life.created, why, rules, (wanted, *deeper), changes)


def _starting(view: View, name: str) -> State:
    wish = view.wish(name, "start")
    pulling = _last_event(view, name)
    if pulling is not None and pulling.reason == "Pulling":
        image = view.container(name).get("image")
        why = f"its image is being pulled ({image})"
        return State("starting: pulling its image", pulling.at, why, ("K-29",), ("the pull to end",))
    if wish is None:
        if (bug := not_started(view)) is not None:
            return State("waiting, and will not start", view.life.created, bug.why, bug.rules, (), bug.changes)
        return State("waiting", view.life.created, "the kubelet has not looked at it", ("K-20",), ("the next sync",))
    decision, action = wish
    return State(
        "starting", decision.at, action.why, action.rules, ("the runtime to start it; containers start one by one",)
    )


def _last_event(view: View, name: str) -> EventEmitted | None:
    for record in reversed(view.records):
        if isinstance(record, EventEmitted) and record.at <= view.at and record.field_path.endswith(f"{{{name}}}"):
            return record
    return None


# -- while it runs ----------------------------------------------------------------------------------------------------


def _running(view: View, name: str, run: Run) -> State:
    hook = next((one for one in run.execs if one.purpose == "postStart" and one.exit is None), None)
    if hook is not None:
        waits = f"its postStart hook ({hook.command}) to end; no other container starts before"
        return State(
            "running: its postStart hook runs", hook.start, "", ("K-32", "K-107"), (waits,), ("the hook ends",)
        )
    entry, spec = view.entry(name), view.container(name)
    known = _is_about(entry, run)
    if known and not entry.get("started") and spec.get("startupProbe"):
        return _not_started(view, name, run, spec["startupProbe"])
    if view.roles.get(name) is Role.INIT:
        why, rules = _began(view, name)
        return State("running", run.start, why + last_words(view, run), rules, (ITS_END,), _when_init_ends(name))
    if not known or not entry.get("started", True):
        return State(
            "running, not yet seen", run.start, *_began(view, name), ("the kubelet to look again (once a second)",)
        )
    if not entry.get("ready") and spec.get("readinessProbe"):
        return _not_ready(view, name, run, spec["readinessProbe"])
    return State("running", run.start, *_began(view, name), (), _what_ends(view, name))


def _is_about(entry: Mapping[str, Any], run: Run) -> bool:
    if "running" not in (entry.get("state") or {}):
        return False
    seen = str(entry.get("containerID") or "").rpartition("://")[2]
    return not run.container_id or not seen or seen == run.container_id


def _began(view: View, name: str) -> tuple[str, tuple[str, ...]]:
    wish = view.wish(name, "start", "restart")
    return (f"it was started: {wish[1].why}", wish[1].rules) if wish else ("", ())


def last_words(view: View, run: Run) -> str:
    """The last line that a run has printed, and when, to be set behind the reasons; empty if it printed none."""
    line = next((one for one in reversed(run.output) if one.line.strip()), None)
    if line is None:
        return ""
    at = relative_time(line.at - view.history.started)
    return f'; it said last, at {at}: "{textwrap.shorten(line.line, _LONGEST_WORDS, placeholder=" …")}"'


def _last_answer(answer: str) -> str:
    return f"; the last answer: {answer}" if answer else ""


def _when_init_ends(name: str) -> tuple[str, ...]:
    return (f"{name} ends with 0: the next one starts; otherwise it is tried again, or the Pod fails",)


def _not_started(view: View, name: str, run: Run, probe: Mapping[str, Any]) -> State:
    answer = view.probe_failures(name, "startup")
    last = relative_time(run.start + budget(probe) - view.history.started)
    why = "its startup probe has not passed" + _last_answer(answer) + last_words(view, run)
    return State(
        "running, not started",
        run.start,
        why,
        ("K-98", "K-102"),
        (f"its startup probe ({handler_text(probe)}) to pass",),
        ("the probe passes", f"{threshold(probe)} failures in a row, about {last}: it is killed and started again"),
    )


def _not_ready(view: View, name: str, run: Run, probe: Mapping[str, Any]) -> State:
    answer = view.probe_failures(name, "readiness")
    why = "its readiness probe has not passed" + _last_answer(answer) + last_words(view, run)
    waits = (f"its readiness probe ({handler_text(probe)}) to pass",)
    return State("running, not ready", run.start, why, ("K-102", "S-11"), waits, ("the probe passes",))


def _what_ends(view: View, name: str) -> tuple[str, ...]:
    """What could end a container that is well."""
    spec = view.container(name)
    ends = ["its process 1 ends"]
    if probe := spec.get("livenessProbe"):
        ends.append(f"{threshold(probe)} failures of its liveness probe ({handler_text(probe)})")
    if view.roles.get(name) is Role.SIDECAR:
        ends.append("the main containers end for good: then it is stopped")
    ends.append("the Pod is deleted")
    return tuple(ends)


# -- after an end -----------------------------------------------------------------------------------------------------


def _ended(view: View, name: str, run: Run) -> State:
    why, rules = ending(view, name, run)
    why += last_words(view, run) if run.code else ""
    where = f"ended with {exit_text(run)}"
    again = _again(view, name, run)
    if again is None:
        return State(f"{where}, for good", run.exit, why, rules)
    if (bug := not_restarted(view, name)) is not None:
        return State(f"{where}, and will not start again", run.exit, f"{why}; {bug.why}", bug.rules, (), bug.changes)
    reason, reason_rules, waits, changes = again
    held = view.wish(name, "hold back")
    is_held = held is not None and run.exit is not None and held[0].at >= run.exit
    if is_held and held is not None:
        return State(
            f"{where}; in back-off",
            run.exit,
            "; ".join(part for part in (why, held[1].why) if part),
            held[1].rules,
            ("its back-off to pass: it doubles with each restart, and is forgotten after a long run",),
            ("the first sync after the back-off starts it",),
        )
    return State(where, run.exit, f"{why}; {reason}", (*rules, *reason_rules), waits, changes)


def _again(view: View, name: str, run: Run) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """Whether and why it is started again: reason, rules, what it waits for, what changes that; None: it is not."""
    if view.is_gone or view.termination() is not None or view.status.get("phase") in _ENDED_PHASES:
        return None
    role, policy = view.roles.get(name), str(view.spec.get("restartPolicy") or "Always")
    own = view.container(name).get("restartPolicy")
    soon = ("the next sync, when the kubelet has seen the end",)
    if role is Role.SIDECAR:
        return "sidecars are always restarted", ("K-45",), soon, ("the main containers end for good",)
    if role is Role.INIT and run.code == 0:
        return None
    if role is Role.EPHEMERAL:
        return None
    wanted = str(own or policy)
    if wanted == "Never" or (wanted == "OnFailure" and run.code == 0):
        return None
    rule = "K-46" if role is Role.INIT else "K-50"
    return f"restart policy {wanted} starts it again", (rule, "K-61"), soon, ("a back-off, if it ends again",)
