"""Why a process was started, stopped or signalled, and why it ended."""

from __future__ import annotations

from kubesim.fidelity.jitter import ROOT, Kind
from kubesim.fidelity.trace import SANDBOX, Key, Life, Moment
from kubesim.fidelity.tree import AT_ONCE, LOOK, QUICK, SKEW, Candidate, Tree, latest, moments_of
from kubesim.units import MILLISECOND, SECOND, Instant

REACTION = 150 * MILLISECOND
"""The longest time in which a process that waits for the signal answers it."""
LOOP_TURN = 1_150 * MILLISECOND
"""The longest turn of a process's own loop: ``while true; do sleep 1; done``."""
OFF_BEAT = 80 * MILLISECOND
"""How far from whole seconds the end of a ``sleep N`` may lie."""


def hang_moments(tree: Tree, life: Life) -> None:
    """The causes of everything the runtime did for one pod."""
    for moment in life.moments:
        match moment.what:
            case "start":
                start = _sandbox_start if moment.container == SANDBOX else _container_start
                cause, kind = start(tree, life, moment)
            case "exit":
                ended = _sandbox_exit if moment.container == SANDBOX else _container_exit
                cause, kind = ended(tree, life, moment)
            case "stop":
                cause, kind = stop_cause(tree, life, moment)
            case "signal TERM" | "signal KILL":
                cause, kind = _signal(tree, life, moment)
            case "hook start":
                cause, kind = _hook_start(tree, life, moment)
            case "hook exit":
                cause, kind = _hook_exit(life, moment)
            case _:
                cause, kind = _own_start(life, moment) or ROOT, Kind.SCRIPT
        tree.hang(moment.key, cause, kind)


def before(life: Life, moment: Moment, *whats: str) -> list[Moment]:
    """The runtime events of these sorts in the pod that came before one of its events: one clock, so no skew."""
    return [each for each in moments_of(life, *whats) if each.at <= moment.at and each.key != moment.key]


def _own(life: Life, moment: Moment, *whats: str) -> Moment | None:
    """The latest event of these sorts of the same run of the same container."""
    found = [
        each
        for each in life.moments
        if each.what in whats
        and (each.container, each.run) == (moment.container, moment.run)
        and each.at <= moment.at
        and each.key != moment.key
    ]
    return found[-1] if found else None


def _own_start(life: Life, moment: Moment) -> Key | None:
    """The start of the same run: the log may have it a moment after an end that came at once."""
    for each in life.moments:
        if each.what == "start" and (each.container, each.run) == (moment.container, moment.run):
            return each.key
    return None


def strand_key(life: Life, strand: str, ordinal: int = 0) -> Key | None:
    """The key of the n-th value of a strand, if it had that many."""
    values = life.strands.get(strand, [])
    return values[ordinal].key if ordinal < len(values) else None


def bound(life: Life) -> tuple[Instant, Key] | None:
    """When the pod was bound to its node."""
    for each in life.strands.get("node", ()):
        if each.value is True:
            return each.at, each.key
    return None


def _sandbox_start(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    created = tree.created.get(life.name, ROOT)
    if moment.run > 0 and (exits := [each for each in life.moments if each.what == "exit" and each.at <= moment.at]):
        gap = moment.at - exits[-1].at
        return exits[-1].key, Kind.PLEG if gap <= LOOK else Kind.REQUEUE
    since = bound(life)
    if since is not None and since[0] - tree.causes.times[created] > SECOND and since[0] <= moment.at:
        return since[1], Kind.SETUP
    return created, Kind.SETUP if moment.at - tree.causes.times[created] <= LOOK else Kind.REQUEUE


def _container_start(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    """The look that noticed what the kubelet waited for, or the way from one container to the next."""
    candidates: list[Candidate] = []
    for each in life.moments:
        if each.at > moment.at or each.key == moment.key or _later_life(each, moment):
            continue
        gap = moment.at - each.at
        if each.container == SANDBOX and each.what == "start":
            candidates.append((each.at, each.key, Kind.SETUP))
        elif each.container == SANDBOX:
            continue
        elif each.container == moment.container and each.what == "exit":
            candidates.append((each.at, each.key, Kind.PLEG if gap <= LOOK else Kind.REQUEUE))
        elif moment.run == 0 and each.what == "start" and each.run == 0:
            candidates.append((each.at, each.key, Kind.SETUP if gap <= QUICK else Kind.PLEG))
        elif moment.run == 0 and each.what == "exit":
            candidates.append((each.at, each.key, Kind.PLEG))
        elif moment.run == 0 and each.what == "hook exit":
            candidates.append((each.at, each.key, Kind.SETUP))
    own = [each for each in candidates if each[1][1] == moment.container]
    found = own[-1] if own else latest(candidates, moment.at)
    if found is None:
        return _late_start(tree, life, moment, None)
    if moment.at - found[0] > LOOK and found[2] is not Kind.REQUEUE:
        return _late_start(tree, life, moment, found)
    return found[1], found[2]


def _later_life(each: Moment, moment: Moment) -> bool:
    """Whether a process's own end stands beside its start, to the millisecond."""
    return each.container == moment.container and each.run >= moment.run


def _late_start(tree: Tree, life: Life, moment: Moment, found: Candidate | None) -> tuple[Key, Kind]:
    """Long after everything: an action made it possible, a startup probe passed, or a retry came due."""
    actions = [a for a in tree.actions if found is None or a.at > found[0]]
    actions = [a for a in actions if a.at <= moment.at]
    if actions:
        gap = moment.at - actions[-1].at
        return actions[-1].key, Kind.PLEG if gap <= LOOK else Kind.REQUEUE
    if found is None:
        return tree.created.get(life.name, ROOT), Kind.REQUEUE
    for strand, values in life.strands.items():
        if not strand.startswith("init/") or strand.endswith(" last"):
            continue
        for each in values:
            started = each.value is not None and each.value[6] is True
            if started and abs(moment.at - each.at) <= LOOK:
                return found[1], Kind.PROBE
    return found[1], Kind.REQUEUE


def _container_exit(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    """A signal, at once or when the process's loop or trap came to it; or its own script.

    A second after the signal can be a trap's ``sleep 1`` or a turn of a loop; more whole seconds are a trap's.
    """
    killed = _own(life, moment, "signal KILL", "oom")
    if killed is not None and moment.at - killed.at <= QUICK:
        return killed.key, Kind.DIRECT
    start = _own_start(life, moment) or ROOT
    asked = _own(life, moment, "signal TERM")
    if asked is not None:
        gap = moment.at - asked.at
        if gap <= REACTION:
            return asked.key, Kind.DIRECT
        return asked.key, Kind.SCRIPT if gap > LOOP_TURN and _on_the_beat(gap) else Kind.LOOP
    return start, Kind.SCRIPT


def _on_the_beat(gap: int) -> bool:
    """Whether a gap is what ``sleep N`` makes: a whole number of seconds and little more."""
    return gap >= SECOND - 10 * MILLISECOND and (gap + 10 * MILLISECOND) % SECOND <= OFF_BEAT + 10 * MILLISECOND


def _sandbox_exit(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    """Taken down with the containers that the kubelet stopped, or once it has seen that they all ended."""
    ended = before(life, moment, "exit")
    deleted = _deletions(life, moment.at)
    if ended and (not deleted or ended[-1].at >= deleted[-1][0] or deleted[-1][0] - ended[-1].at < AT_ONCE):
        at_once = moment.at - ended[-1].at <= AT_ONCE
        asked = bool(deleted) or _own(life, ended[-1], "stop") is not None
        return ended[-1].key, Kind.TEARDOWN if at_once and asked else Kind.PLEG
    if deleted:
        gap = moment.at - deleted[-1][0]
        return deleted[-1][1], Kind.TEARDOWN if gap <= AT_ONCE else Kind.PLEG
    return tree.created.get(life.name, ROOT), Kind.REQUEUE


def _deletions(life: Life, at: Instant) -> list[tuple[Instant, Key]]:
    return [(each.at, each.key) for each in life.strands.get("deletion", ()) if each.at <= at + SKEW]


def stop_cause(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    """What made the kubelet stop a container, or run its preStop hook."""
    candidates: list[Candidate] = []
    deleted = [(at, key) for at, key in _deletions(life, moment.at) if at <= moment.at + SKEW]
    terminating = bool(deleted)
    candidates += [(at, key, Kind.DIRECT) for at, key in deleted if moment.at - at <= AT_ONCE]
    if (action := tree.actions_on(life.name, moment.at, AT_ONCE)) and not terminating:
        candidates.append((action.at, action.key, Kind.DIRECT))
    stopped = {(each.container, each.run) for each in before(life, moment, "stop", "hook start")}
    for each in before(life, moment, "exit"):
        gap = moment.at - each.at
        if gap <= AT_ONCE and (terminating or (each.container, each.run) in stopped):
            candidates.append((each.at, each.key, Kind.DIRECT))
        elif gap <= LOOK:
            candidates.append((each.at, each.key, Kind.PLEG))
    hook = _own(life, moment, "hook exit")
    if hook is not None and moment.at - hook.at <= AT_ONCE:
        candidates.append((hook.at, hook.key, Kind.DIRECT))
    candidates += _grace_over(life, moment)
    if found := latest(candidates, moment.at):
        return found[1], found[2]
    if deleted:
        return deleted[-1][1], Kind.PLEG
    return _timer(tree, life, moment)


def _grace_over(life: Life, moment: Moment) -> list[Candidate]:
    """At the end of the pod's grace everyone still waiting is stopped at once (FINDINGS 4)."""
    found: list[Candidate] = []
    begun: list[tuple[Instant, Key, int]] = []
    for each in life.strands.get("deletion", ()):
        if each.value and each.value[0]:
            begun.append((each.at, each.key, each.value[0]))
    for stop in before(life, moment, "stop"):
        if stop.value:
            begun.append((stop.at, stop.key, stop.value))
    for at, key, grace in begun:
        over = at + grace * SECOND
        if abs(moment.at - over) <= AT_ONCE:
            found.append((min(over, moment.at), key, Kind.DIRECT))
    return found


def _timer(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    """A probe, a deadline or the eviction manager: none has an event of its own in a trace."""
    for thing, occurrences in tree.trace.events.items():
        if thing[0] != f"Pod/{life.name}":
            continue
        near = any(abs(each.at - moment.at) <= SECOND for each in occurrences)
        if near and thing[2] == "Evicted":
            return _own_start(life, moment) or ROOT, Kind.PERIODIC
        if near and thing[2] == "DeadlineExceeded":
            return tree.created.get(life.name, ROOT), Kind.PROBE
    return _own_start(life, moment) or tree.created.get(life.name, ROOT), Kind.PROBE


def _signal(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    """SIGTERM comes with the stop, SIGKILL when its grace is over."""
    stops = [
        each
        for each in life.moments
        if each.what == "stop" and (each.container, each.run) == (moment.container, moment.run) and each.at <= moment.at
    ]
    if moment.what == "signal KILL":
        due = [each for each in stops if abs(each.at + (each.value or 0) * SECOND - moment.at) <= QUICK]
        stops = due or stops
    if stops:
        return stops[-1].key, Kind.DIRECT
    return stop_cause(tree, life, moment)


def _hook_start(tree: Tree, life: Life, moment: Moment) -> tuple[Key, Kind]:
    """A postStart hook follows its container's start; a preStop hook has the causes of a stop."""
    start = _own(life, moment, "start")
    if start is not None and moment.at - start.at <= AT_ONCE:
        return start.key, Kind.DIRECT
    return stop_cause(tree, life, moment)


def _hook_exit(life: Life, moment: Moment) -> tuple[Key, Kind]:
    killed = _own(life, moment, "signal KILL", "exit")
    if killed is not None and moment.at - killed.at <= AT_ONCE:
        return killed.key, Kind.DIRECT
    begun = _own(life, moment, "hook start")
    return (begun.key if begun else ROOT), Kind.SCRIPT
