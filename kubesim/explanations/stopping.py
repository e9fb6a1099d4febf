"""Where a container is that is being stopped, and how one ended that has been."""

from __future__ import annotations

from typing import Final

from kubesim.explanations.explanation import State
from kubesim.explanations.probes import handler_text
from kubesim.explanations.view import View
from kubesim.history.lives import Exec, Run
from kubesim.timelines.compare_facts import exit_text
from kubesim.timelines.lanes_containers import stop_of
from kubesim.timelines.lanes_model import Role
from kubesim.timelines.text import relative_time
from kubesim.units import SECOND, Instant

_ENDING: Final = ("stop", "kill", "reset", "kill-pod")
AT_ONCE: Final = "at once"
"""What a decision to stop says of a container that waits for nobody."""
_SHELLS: Final = ("sh", "bash", "ash", "dash")


def cause(view: View, name: str) -> tuple[str, tuple[str, ...]]:
    """Why a container was asked to stop, and by which rules: the deletion, a probe, the end of the main containers."""
    wish = view.wish(name, *_ENDING)
    if wish is None:
        return "", ()
    decision, action = wish
    parts = (asked(view), decision.why, action.why if action.why != AT_ONCE else "")
    words = "; ".join(dict.fromkeys(part for part in parts if part))
    return words, tuple(dict.fromkeys((*decision.rules, *action.rules)))


def asked(view: View) -> str:
    """Who wanted the Pod to end, from the API's side: empty if nobody did."""
    stamped = next((one for one in view.life.versions if one.object["metadata"].get("deletionTimestamp")), None)
    if stamped is None or stamped.at > view.at:
        return ""
    grace = stamped.object["metadata"].get("deletionGracePeriodSeconds")
    at = relative_time(stamped.at - view.history.started)
    return f"{stamped.actor} deleted the Pod at {at} with a grace of {grace} s"


def stopping(view: View, name: str, run: Run) -> State | None:
    """The state of a container that runs although it has been told to stop, or is about to be; None: neither."""
    begun = stop_of(run)
    if begun is not None and begun <= view.at:
        why, rules = cause(view, name)
        hook = next((one for one in run.execs if one.purpose == "preStop" and one.exit is None), None)
        if hook is not None and not run.stops:
            return _in_hook(view, name, hook, why, rules)
        return _signalled(view, name, run, why, rules, begun)
    end = view.termination()
    if end is None or view.roles.get(name) is not Role.SIDECAR:
        return None
    return _awaiting_its_turn(view, name)


def _in_hook(view: View, name: str, hook: Exec, why: str, rules: tuple[str, ...]) -> State:
    lifecycle = view.container(name).get("lifecycle") or {}
    command = handler_text(lifecycle.get("preStop") or {}) if lifecycle.get("preStop") else hook.command
    return State(
        "terminating: its preStop hook runs",
        hook.start,
        why or "it is to stop",
        tuple(dict.fromkeys((*rules, "K-72", "K-108"))),
        (f"its preStop hook ({command}) to end; SIGTERM comes after it",),
        ("the hook ends", "the grace runs out: then 2 s more, SIGTERM and SIGKILL"),
    )


def _signalled(view: View, name: str, run: Run, why: str, rules: tuple[str, ...], begun: Instant) -> State:
    kill = next((signal for signal in run.signals if signal.signal == "KILL"), None)
    if kill is not None:
        return State("terminating: SIGKILL was sent", kill.at, why, rules, ("the runtime to report its end",))
    if not run.stops:
        return State("terminating", begun, why, rules, ("its preStop hook or the runtime",))
    deadline = min(stop.at + stop.grace * SECOND for stop in run.stops)
    at = relative_time(deadline - view.history.started)
    signal = next((f"SIG{one.signal}" for one in run.signals), "a stop signal")
    return State(
        f"terminating: got {signal}, still runs",
        begun,
        why,
        tuple(dict.fromkeys((*rules, "K-72"))),
        (f"its process 1 to end{_deaf(view, name)}",),
        ("its process 1 ends", f"SIGKILL at {at}, when its grace of {run.stops[-1].grace} s is over"),
    )


def _deaf(view: View, name: str) -> str:
    """A hint where process 1 is a shell, which hears nothing it has no trap for."""
    command = view.container(name).get("command") or ()
    if command and str(command[0]).rpartition("/")[2] in _SHELLS and "trap" not in " ".join(map(str, command)):
        return " (a shell without a trap: as process 1 it ignores SIGTERM)"
    return ""


def _awaiting_its_turn(view: View, name: str) -> State | None:
    """A sidecar is told last: after the main containers, and after the sidecars behind it (K-75)."""
    names = [one for one in view.life.containers if one in view.roles]
    later = [one for one in names[names.index(name) + 1 :] if view.roles[one] is Role.SIDECAR]
    before = [one for one in names if view.roles[one] is Role.MAIN] + later
    running = [one for one in before if view.is_up(one)]
    why, rules = cause(view, name)
    termination = view.termination()
    return State(
        "running: its turn to stop has not come",
        termination.at if termination is not None else None,
        why or "the Pod terminates, and sidecars stop last",
        tuple(dict.fromkeys((*rules, "K-75"))),
        tuple(f"{one} to end" for one in running),
        (f"{_ends(running)}: then it gets SIGTERM", "the grace runs out: then it gets SIGTERM with 2 s [K-77]"),
    )


def _ends(names: list[str]) -> str:
    match names:
        case []:
            return "the others end"
        case [name]:
            return f"{name} ends"
        case _:
            return f"{', '.join(names[:-1])} and {names[-1]} end"


def ending(view: View, name: str, run: Run) -> tuple[str, tuple[str, ...]]:
    """How a run ended and why, with the rules."""
    if run.oom_killed:
        return "the kernel killed it: it used more memory than its limit", ("K-90",)
    if run.reason == "Unknown":
        return "its machine went down with it", ("K-47", "K-92")
    killed = next((signal for signal in run.signals if signal.signal == "KILL"), None)
    stopped = [stop for stop in run.stops if run.exit is None or stop.at <= run.exit]
    if not stopped and not run.signals:
        return f"its process 1 ended by itself with {exit_text(run)}", ("K-90",)
    why, rules = cause(view, name)
    reasons = f": {why}" if why else ""
    if not stopped:
        signal = run.signals[0].signal
        return f"SIG{signal} from outside ended it", ("K-90",)
    asked_at = relative_time(stopped[0].at - view.history.started)
    if killed is not None:
        late = f"it got SIGTERM at {asked_at} and still ran when its grace of {stopped[0].grace} s was over"
        return f"{late}{_deaf(view, name)}, so it got SIGKILL{reasons}", tuple(dict.fromkeys(("K-72", *rules)))
    return f"it got SIGTERM at {asked_at} and ended with {exit_text(run)}{reasons}", rules
