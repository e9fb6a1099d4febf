"""Mains beside one another, and where a Pod runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kubesim.guarantees.containers import Role, hook_length
from kubesim.guarantees.restart import restarted_in_time
from kubesim.guarantees.story import REACTION, TERMINAL, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, Subject, judge
from kubesim.history.history import History
from kubesim.objects.quantity import parse_quantity
from kubesim.releases import Release


def mains_in_parallel(pod: PodStory) -> Iterator[Finding]:
    """A main waits neither for the startup nor for the readiness of the one before it, only for its postStart."""
    for first, second in zip(pod.mains, pod.mains[1:], strict=False):
        if not first.runs or not (first.probe("startup") or first.probe("readiness")):
            continue
        run = first.runs[0]
        process = next(iter(first.execs(run, "postStart")), None)
        due = run.start + hook_length(process, first.handler("postStart")) + 2 * REACTION
        pulled = any(True for reason in ("Pulling", "Failed") for _ in pod.events(reason, second.name))
        if pulled or (pod.is_held_up(second, run.start, due) and not second.runs):
            continue
        if second.runs:
            yield judge(second.runs[0].start <= due, pod.started(first, run), pod.started(second, second.runs[0]))
        elif due < min(pod.term, pod.ended, run.exit or pod.ended):
            yield judge(False, pod.started(first, run), Moment(due, f"{second.name} has not started"))


def independent_failure(pod: PodStory) -> Iterator[Finding]:
    """When a main ends, the kubelet stops no other container for it."""
    for main in pod.mains if not pod.restarts_all else ():
        siblings = [one for one in pod.mains if one is not main]
        for run in main.runs:
            if run.exit is None or run.exit >= pod.term or not any(one.alive(run.exit) for one in siblings):
                continue
            following = main.after(run)
            until = following.start if following else min(run.exit + REACTION, pod.begin - 1)
            touched = list(pod.stops_between(run.exit, until, main))
            if len(pod.windows) == 1:
                yield judge(not touched, pod.exited(main, run), *(pod.stopped(one, hit) for one, hit in touched))
            if not touched and pod.restart_is_due(main, run):
                yield from restarted_in_time(pod, main, [run])


def never_moves(pod: PodStory) -> Iterator[Finding]:
    """A Pod is bound once."""
    nodes: list[tuple[str, Moment]] = []
    for version in pod.versions:
        node = str((version.object.get("spec") or {}).get("nodeName") or "")
        if node and (not nodes or nodes[-1][0] != node):
            nodes.append((node, pod.written(version, f"bound to {node}")))
    if nodes:
        yield judge(len(nodes) == 1, *(moment for _, moment in nodes))


def gates_block(pod: PodStory) -> Iterator[Finding]:
    """While it has scheduling gates a Pod is not bound, and says why."""
    for version, status in pod.statuses:
        spec = version.object.get("spec") or {}
        if spec.get("schedulingGates"):
            reason = next(
                (one.get("reason") for one in status.get("conditions") or () if one["type"] == "PodScheduled"), None
            )
            said = f"gated, bound to {spec.get('nodeName') or 'no node'}, reason {reason or 'none yet'}"
            yield judge(not spec.get("nodeName") and reason in (None, "SchedulingGated"), pod.written(version, said))


def unschedulable_pending(pod: PodStory) -> Iterator[Finding]:
    """A Pod that fits nowhere is Pending, and not bound."""
    for version, status in pod.statuses:
        for condition in status.get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
                bound = (version.object.get("spec") or {}).get("nodeName")
                held = not bound and status.get("phase") not in ("Running", *TERMINAL)
                yield judge(held, pod.written(version, f"Unschedulable, the phase is {status.get('phase')}"))


def effective_request(pod: PodStory, resource: str) -> int:
    """What a Pod takes of a node, in billionths: mains and sidecars, or an init with the sidecars before it."""
    mains = sum(_request(one.spec, resource) for one in pod.mains)
    sidecars, highest = 0, 0
    for one in pod.inits:
        own = _request(one.spec, resource)
        highest = max(highest, own + sidecars)
        if one.role is Role.SIDECAR:
            sidecars += own
    overhead = (pod.spec.get("overhead") or {}).get(resource)
    return max(mains + sidecars, highest) + (parse_quantity(overhead).nanos if overhead else 0)


def _request(spec: Mapping[str, Any], resource: str) -> int:
    wanted = ((spec.get("resources") or {}).get("requests") or {}).get(resource)
    return parse_quantity(wanted).nanos if wanted is not None else 0


def _room(history: History, pods: list[PodStory], *, with_sidecars: bool) -> Iterator[Finding]:
    """On each node of known size, at each binding, what is bound and not over fits in."""
    nodes = {key.name: raw for key, raw in history.objects().items() if key.kind == "Node"}
    for pod in pods:
        bound = next((one for one in pod.versions if (one.object.get("spec") or {}).get("nodeName")), None)
        allocatable = (nodes.get(pod.node, {}).get("status") or {}).get("allocatable") or {}
        if bound is None or (with_sidecars and not pod.sidecars):
            continue
        for resource in ("cpu", "memory"):
            if resource not in allocatable or not effective_request(pod, resource):
                continue
            beside = [one for one in pods if one.node == pod.node and _holds_room(one, bound.at)]
            taken = sum(effective_request(one, resource) for one in beside)
            room = parse_quantity(allocatable[resource]).nanos
            said = f"{resource}: {taken / 10**9:g} of {room / 10**9:g} is taken"
            yield judge(
                taken <= room, Moment(bound.at, f"{pod.life.name} is bound to {pod.node}", bound.order), said=said
            )


def _holds_room(pod: PodStory, at: int) -> bool:
    bound = next((one.at for one in pod.versions if (one.object.get("spec") or {}).get("nodeName")), None)
    over = next((one.at for one in pod.life.phases if one.phase in TERMINAL), pod.life.gone)
    return bound is not None and bound <= at and (over is None or at < over)


def requests_fit(given: tuple[History, list[PodStory], Release]) -> Iterator[Finding]:
    """No node is overcommitted in requests."""
    yield from _room(given[0], given[1], with_sidecars=False)


def sidecars_summed(given: tuple[History, list[PodStory], Release]) -> Iterator[Finding]:
    """No node is overcommitted when sidecars are added to what runs beside them."""
    yield from _room(given[0], given[1], with_sidecars=True)


CHECKS: Final = (
    Check("main-containers-may-start-in-parallel", mains_in_parallel),
    Check("main-independent-failure", independent_failure),
    Check("phase-uid-never-moves", never_moves),
    Check("scheduling-gates-block", gates_block),
    Check("scheduling-unschedulable-pending", unschedulable_pending),
    Check("scheduling-effective-request", requests_fit, Subject.CLUSTER),
    Check("sidecar-resources-summed", sidecars_summed, Subject.CLUSTER),
)
