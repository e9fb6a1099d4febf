"""Where a Pod is at an instant, and why: on no node, initializing, running, terminating, finished, gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kubesim.explanations import advice
from kubesim.explanations.containers import ITS_END, container_state, first_unsatisfied
from kubesim.explanations.explanation import State
from kubesim.explanations.known_bugs import not_started
from kubesim.explanations.stopping import asked
from kubesim.explanations.view import View
from kubesim.history.lives import SANDBOX
from kubesim.releases import Component, release
from kubesim.store.tables import pod_columns
from kubesim.timelines.compare_facts import exit_text
from kubesim.timelines.lanes_model import Role
from kubesim.timelines.lost_sidecars import LostSidecar, with_makers
from kubesim.timelines.names import short_ids
from kubesim.timelines.rows import api_server
from kubesim.units import SECOND, Instant, format_duration

_OVER: Final = ("Succeeded", "Failed")


def pod_state(view: View, lost: Iterable[LostSidecar] = ()) -> State:
    """The state of a Pod. ``lost``: the sidecars that the run made ordinary init containers of."""
    if view.is_gone:
        return _gone(view)
    if view.status.get("phase") in _OVER:
        return _finished(view)
    if view.termination() is not None or view.raw["metadata"].get("deletionTimestamp"):
        return _terminating(view)
    if not view.spec.get("nodeName"):
        return _unplaced(view)
    if (first := first_unsatisfied(view)) is not None and not _main_has_run(view):
        return _initializing(view, first, _culprit(view, first, lost))
    return _running(view)


def kubectl_status(view: View) -> str:
    """STATUS as ``kubectl get pod`` prints it."""
    return pod_columns(dict(view.raw), api_server(view.history.header.control_plane), view.at)["Status"]


def _where(view: View) -> str:
    phase, shown = str(view.status.get("phase") or "Pending"), kubectl_status(view)
    return phase if shown == phase else f"{phase} (kubectl prints {shown})"


def _phase_since(view: View, phase: str) -> Instant | None:
    past = [change for change in view.life.phases if change.at <= view.at]
    return next((change.at for change in reversed(past) if change.phase == phase), view.life.created)


def _main_has_run(view: View) -> bool:
    return any(role is Role.MAIN and view.run(name) is not None for name, role in view.roles.items())


# -- the end ----------------------------------------------------------------------------------------------------------


def _gone(view: View) -> State:
    why, rules = [asked(view) or f"{view.life.versions[-1].actor} deleted it"], ["C-42", "K-15"]
    ended = [(run.exit, name) for name in _containers(view) if (run := view.run(name)) is not None and run.exit]
    stamped = _deletion(view)
    if ended and stamped is not None and max(ended)[0] >= stamped:
        at, name = max(ended)
        later = _whole(at - stamped)
        why.append(f"{name} was the last to end, {f'{format_duration(later)} later' if later else 'at once'}")
    if not view.spec.get("nodeName"):
        why.append("it was on no node, so the API server removed it at once")
        rules = ["C-40"]
    return State("gone", view.life.gone, "; ".join(why), tuple(rules))


def _deletion(view: View) -> Instant | None:
    return next(
        (one.at for one in view.life.versions if one.object["metadata"].get("deletionTimestamp")), view.life.gone
    )


def _whole(length: int) -> int:
    return (length + SECOND // 20) // (SECOND // 10) * (SECOND // 10)


def _containers(view: View) -> list[str]:
    return [name for name in view.life.containers if name != SANDBOX]


def _finished(view: View) -> State:
    phase = str(view.status["phase"])
    why, rules = _how_it_ended(view, phase)
    reason, message = str(view.status.get("reason") or ""), short_ids(str(view.status.get("message") or ""))
    if reason:
        rules = advice.RULES.get(reason, rules)
        why = [f"{reason}: {message}" if message else reason, *(why if view.termination() is not None else ())]
    held = _finalizers(view)
    waits = (f"finalizers to be removed: {', '.join(held)}",) if held else ()
    changes = tuple(part for part in (advice.failing(reason),) if part)
    return State(_where(view), _phase_since(view, phase), "; ".join(why), rules, waits, changes)


def _finalizers(view: View) -> list[str]:
    """What keeps an object that is to be deleted."""
    metadata = view.raw["metadata"]
    return list(metadata.get("finalizers") or ()) if metadata.get("deletionTimestamp") else []


def _how_it_ended(view: View, phase: str) -> tuple[list[str], tuple[str, ...]]:
    """Which containers decided the phase, and which did not count."""
    runs = {name: run for name in _containers(view) if (run := view.run(name)) is not None and run.exit is not None}
    mains = {name: run for name, run in runs.items() if view.roles.get(name) is Role.MAIN}
    failed = [f"{name} ended with {exit_text(run)}" for name, run in mains.items() if run.code]
    inits = [
        f"init container {name} ended with {exit_text(run)}"
        for name, run in runs.items()
        if view.roles.get(name) is Role.INIT and run.code
    ]
    ignored = [
        f"sidecar {name} ended with {exit_text(run)}, which does not count for the phase"
        for name, run in runs.items()
        if view.roles.get(name) is Role.SIDECAR and run.code
    ]
    if phase == "Succeeded":
        words = "all main containers ended with 0" if len(mains) > 1 else f"{', '.join(mains)} ended with 0"
        return [words, *ignored], ("S-2", "S-3") if ignored else ("S-3",)
    if not mains and not inits:
        return ["no main container ever ran"], ("S-6", "K-14")
    return [*(inits if not failed else ()), *failed, *ignored], ("S-6",) if view.termination() else ("S-1", "S-3")


def _terminating(view: View) -> State:
    end = view.termination()
    stamped = _deletion(view)
    reason = asked(view) or (end.why if end is not None else "") or "it terminates"
    if end is not None and not asked(view) and end.actions:
        reason = end.actions[0].why or reason
    rules = tuple(dict.fromkeys([*(end.rules if end else ("C-42",)), "K-12"]))
    up = view.up()
    waits = [f"{name} to end" for name in up]
    if not up:
        waits = ["the kubelet to see that nothing runs any more, and to say so to the API server"]
    waits += [f"finalizers to be removed: {', '.join(_finalizers(view))}"] if _finalizers(view) else []
    since = stamped if stamped is not None and stamped <= view.at else end.at if end is not None else None
    return State(f"terminating; {_where(view)}", since, reason, rules, tuple(waits))


# -- before and while it runs -----------------------------------------------------------------------------------------


def _unplaced(view: View) -> State:
    told = view.condition("PodScheduled")
    message = str(told.get("message") or "")
    gates = [gate["name"] for gate in view.spec.get("schedulingGates") or ()]
    if gates:
        changes: tuple[str, ...] = (f"spec.schedulingGates is emptied: {', '.join(gates)}",)
        return State(_where(view), view.life.created, message, ("C-63",), ("its scheduling gates",), changes)
    if told.get("status") != "False":
        return State(_where(view), view.life.created, "", ("C-60",), ("the scheduler to look at it",))
    head = view.history.header.control_plane
    scheduler = release(head.release, head.feature_gates, component=Component.SCHEDULER, bugs=head.bugs)
    changes = (
        *advice.placing(view.raw, message, scheduler),
        "the scheduler tries again when something in the cluster changes that may help, at the latest after 5 min",
    )
    since = next((one.at for one in view.life.conditions.get("PodScheduled", ()) if one.status == "False"), None)
    return State(
        _where(view),
        since,
        f"no node takes it: {message}",
        ("C-60", "C-61", "C-64"),
        ("a node that takes it",),
        changes,
    )


def _initializing(view: View, first: str, culprit: LostSidecar | None) -> State:
    state = container_state(view, first)
    kind = "sidecar" if view.roles[first] is Role.SIDECAR else "init container"
    number = [name for name, role in view.roles.items() if role in (Role.INIT, Role.SIDECAR)].index(first) + 1
    why = f"{kind} {state.said_of(first)} (number {number} in initContainers)"
    why += f": {state.why}" if state.why and view.run(first) is None else ""
    wanted = f"sidecar {first} to be started" if kind == "sidecar" else f"init container {first} to end with 0"
    rules, changes = (*state.rules, "K-41"), state.changes
    if culprit is not None:
        why = (
            f"{culprit.culprit} {culprit.what} ({culprit.why}), so {first} is an ordinary init container, and "
            f"everything after it waits for its end: {state.said_of(first)}"
        )
        rules, changes = (*culprit.rules, "K-40"), (*culprit.remedies, *changes)
    waits = (wanted, *(f"{first} in turn waits for {one}" for one in state.waits_for if one != ITS_END))
    return State(_where(view), view.life.created, why, tuple(dict.fromkeys(rules)), waits, changes)


def _culprit(view: View, container: str, lost: Iterable[LostSidecar]) -> LostSidecar | None:
    """Who made an ordinary init container of this one, in this Pod or in what made it."""
    places = with_makers(view.history, view.life)
    return next((one for one in lost if one.key in places and one.container == container and one.at <= view.at), None)


def _running(view: View) -> State:
    phase = str(view.status.get("phase") or "Pending")
    ready = view.condition("Ready")
    mains = [name for name, role in view.roles.items() if role is Role.MAIN]
    done = [name for name in mains if (run := view.run(name)) is not None and run.exit is not None]
    waiting = [name for name in mains if view.run(name) is None]
    parts, rules = [], ["S-3"]
    if waiting:
        parts.append(f"{', '.join(waiting)} {'have' if len(waiting) > 1 else 'has'} not started")
        if (bug := not_started(view)) is not None:
            parts.append(bug.why)
    if ready.get("status") != "True" and not waiting:
        parts += _not_ready(view)
        rules.append("S-11")
    waits, changes = _until_complete(view, mains, done)
    why = "; ".join(parts) or "its main containers run" + (" and it is ready" if ready.get("status") == "True" else "")
    return State(_where(view), _phase_since(view, phase), why, tuple(rules), waits, changes)


def _not_ready(view: View) -> list[str]:
    parts = []
    for name in _containers(view):
        role, entry = view.roles.get(name), view.entry(name)
        if role in (Role.MAIN, Role.SIDECAR) and not entry.get("ready"):
            parts.append(f"not ready, because {role.value} {container_state(view, name).said_of(name)}")
    for gate in view.spec.get("readinessGates") or ():
        kind = gate.get("conditionType", "")
        if view.condition(kind).get("status") != "True":
            parts.append(f"not ready, because its readiness gate {kind} is not True")
    return parts


def _until_complete(view: View, mains: list[str], done: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What has to end before a Pod that is to complete does, and what would help one that cannot."""
    policy = str(view.spec.get("restartPolicy") or "Always")
    if policy == "Always":
        return (), ("its containers are started again whenever they end (restartPolicy Always): it ends when deleted",)
    last_runs = {name: view.run(name) for name in done}
    ended_well = [name for name, run in last_runs.items() if policy == "Never" or (run is not None and not run.code)]
    left = [name for name in mains if name not in ended_well]
    waits = tuple(f"{name} to end" + ("" if policy == "Never" else " with 0") for name in left)
    if ended_well and left:
        names = ", ".join(left)
        return waits, (
            f"{names} ends, too: only then does the Pod complete (J-56)",
            f"if {names} is there to serve {', '.join(ended_well)}: move it to initContainers with restartPolicy: "
            "Always, and the kubelet stops it when the others are done",
        )
    return waits, ()
