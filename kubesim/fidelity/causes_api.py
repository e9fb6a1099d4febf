"""Why an object was created, changed, shown or deleted when it was, and why an Event was written."""

from __future__ import annotations

from kubesim.fidelity.causes_runtime import bound, stop_cause, strand_key
from kubesim.fidelity.jitter import ROOT, Kind
from kubesim.fidelity.trace import SANDBOX, Key, Life, Moment, Occurrence
from kubesim.fidelity.tree import AT_ONCE, LOOK, SKEW, WRITE, Candidate, Tree, latest, moments_of
from kubesim.units import SECOND, Instant

_STATE, _READY, _STARTED = 0, 5, 6


def hang_creations(tree: Tree) -> None:
    """Pods and Jobs come with t=0, with an action, or from the Job controller."""
    for job in tree.trace.jobs.values():
        if (key := strand_key(job, "created")) is not None:
            tree.created[f"Job/{job.name}"] = key
            tree.hang(key, *_asked_for(tree, job.name, tree.causes.times[key]))
    for pod in tree.trace.pods.values():
        name = pod.name.rpartition("-~")[0]
        owners = [job for job in tree.trace.jobs if name == job or name.startswith(f"{job}-")]
        owner = max(owners, key=len, default=None)
        if owner is not None and "-~" in pod.name:
            tree.job_of[pod.name] = owner
        if (key := strand_key(pod, "phase")) is not None:
            tree.created[pod.name] = key
    for pod in sorted(tree.trace.pods.values(), key=lambda each: tree.causes.times.get(_created(tree, each), 0)):
        if (key := tree.created.get(pod.name)) is None:
            continue
        at = tree.causes.times[key]
        if pod.name in tree.job_of:
            tree.hang(key, *_made_by_job(tree, pod, at))
        else:
            tree.hang(key, *_asked_for(tree, pod.name, at))


def _created(tree: Tree, life: Life) -> Key:
    return tree.created.get(life.name, ROOT)


def _asked_for(tree: Tree, name: str, at: Instant) -> tuple[Key, Kind]:
    for action in reversed(tree.actions):
        if action.do == "create" and action.name == name and action.at <= at + SKEW:
            return action.key, Kind.DIRECT
    return ROOT, Kind.DIRECT


def _made_by_job(tree: Tree, pod: Life, at: Instant) -> tuple[Key, Kind]:
    """With the Job, when it is resumed, or when one of its pods has ended (at once or after a back-off)."""
    job = tree.job_of[pod.name]
    candidates: list[Candidate] = []
    if (made := tree.created.get(f"Job/{job}")) is not None:
        made_at = tree.causes.times[made]
        candidates.append((made_at, made, Kind.SETUP))
    for action in tree.actions:
        if action.name == job:
            candidates.append((action.at, action.key, Kind.JOB))
    for sibling in tree.trace.pods.values():
        if sibling is not pod and tree.job_of.get(sibling.name) == job:
            candidates += [(when, key, Kind.JOB) for when, key in _endings(sibling)]
    found = latest((each for each in candidates if each[0] <= at), at)
    if found is None:
        return ROOT, Kind.DIRECT
    return found[1], found[2]


def _endings(pod: Life) -> list[tuple[Instant, Key]]:
    """When the Job controller could see that a pod was done with: its deletion, its terminal phase, its going."""
    found = [(each.at, each.key) for each in pod.strands.get("deletion", ())]
    found += [(each.at, each.key) for each in pod.strands.get("phase", ()) if each.value in ("Succeeded", "Failed")]
    found += [(each.at, each.key) for each in pod.strands.get("gone", ())]
    return found


def hang_pod(tree: Tree, life: Life) -> None:
    """The causes of every value that the API server showed of one pod."""
    for strand, values in life.strands.items():
        if strand.startswith(("init/", "main/")):
            if strand.endswith(" last"):
                continue
            for place, each in enumerate(values):
                tree.hang(each.key, *_container_value(tree, life, strand, each, values[place - 1 : place]))
    for strand, values in life.strands.items():
        if strand.startswith(("init/", "main/")) and strand.endswith(" last"):
            for each in values:
                tree.hang(each.key, *_last_state(tree, life, strand, each))
    order = {"deletion": 0, "phase": 1, "gone": 2}
    for at, keys in life.changes:
        batch = sorted(keys, key=lambda key: order.get(str(key[2]), 3))
        shown = [key for key in keys if str(key[2]).startswith(("init/", "main/"))]
        for key in batch:
            if key in tree.causes.links:
                continue
            tree.hang(key, *_pod_value(tree, life, key, at, shown))
    for row in life.strands.get("kubectl row", ()):
        tree.hang(row.key, *_row(tree, life, row))


def _pod_value(tree: Tree, life: Life, key: Key, at: Instant, shown: list[Key]) -> tuple[Key, Kind]:
    strand, ordinal = str(key[2]), int(key[3])
    value = life.strands[strand][ordinal].value
    created = tree.created.get(life.name, ROOT)
    if strand == "deletion":
        return _deletion(tree, life, key, at)
    if strand == "gone":
        return _gone(tree, life, at)
    if at == tree.causes.times.get(created) and key != created:
        return created, Kind.DIRECT
    if strand in ("node", "cond/PodScheduled", "schedulingGates"):
        return _scheduled(tree, life, created, at)
    if strand == "phase":
        return _phase(tree, life, at)
    if strand == "finalizers":
        return _finalizers(tree, life, at)
    if strand == "cond/PodReadyToStartContainers" and not shown:
        what = "start" if value and value[0] == "True" else "exit"
        pause = [each for each in life.moments if each.container == SANDBOX and each.what == what and each.at <= at]
        if pause:
            return pause[-1].key, Kind.STATUS
    causes = [tree.causes.links[each] for each in shown if each in tree.causes.links]
    if causes:
        link = max(causes, key=lambda each: tree.causes.times[each.cause])
        return link.cause, link.kind
    return _written(tree, life, at, Kind.PROBE if strand in ("cond/Ready", "cond/ContainersReady") else Kind.STATUS)


def _scheduled(tree: Tree, life: Life, created: Key, at: Instant) -> tuple[Key, Kind]:
    if (action := tree.actions_on(life.name, at, WRITE)) is not None:
        return action.key, Kind.SETUP
    return created, Kind.SETUP


def _finalizers(tree: Tree, life: Life, at: Instant) -> tuple[Key, Kind]:
    """An action took them away, or the Job controller when it had counted the pod."""
    if (action := tree.actions_on(life.name, at, AT_ONCE)) is not None:
        return action.key, Kind.DIRECT
    counted = latest(((when, key, Kind.JOB) for when, key in _endings(life) if when < at), at)
    if counted is not None:
        return counted[1], counted[2]
    return _written(tree, life, at, Kind.STATUS)


def _phase(tree: Tree, life: Life, at: Instant) -> tuple[Key, Kind]:
    """The status that told of the latest start or end."""
    seen = [
        each
        for each in life.moments
        if each.at <= at + SKEW and (each.what == "exit" or (each.what == "start" and each.container != SANDBOX))
    ]
    if seen:
        gap = at - seen[-1].at
        return seen[-1].key, Kind.STATUS if gap <= WRITE else Kind.REQUEUE
    since = bound(life)
    return (since[1] if since else tree.created.get(life.name, ROOT)), Kind.STATUS


def _container_value(
    tree: Tree, life: Life, strand: str, each: Occurrence, before: list[Occurrence]
) -> tuple[Key, Kind]:
    """The start or the end that a container's status tells of, or the probe that turned it ready."""
    moments = _moments_until(life, strand, each.at)
    if each.value is None:
        return _from(tree, life, moments, each.at, Kind.STATUS)
    state = each.value[_STATE]
    if state == "waiting" and before and each.value[1] in ("ErrImagePull", "ImagePullBackOff"):
        return before[0].key, Kind.SHOWN if each.value[1] == "ImagePullBackOff" else Kind.REQUEUE
    if state == "waiting" and each.value[1] == "CrashLoopBackOff":
        return _from(tree, life, [m for m in moments if m.what == "exit"], each.at, Kind.SHOWN)
    earlier = before[0].value if before else None
    if earlier is not None and earlier[:_READY] == each.value[:_READY]:
        started = [moment for moment in moments if moment.what == "start"]
        return _from(tree, life, started, each.at, Kind.PROBE)
    wanted = {"running": "start", "terminated": "exit"}.get(state)
    told = [moment for moment in moments if wanted is None or moment.what == wanted]
    return _from(tree, life, told, each.at, Kind.STATUS)


def _moments_until(life: Life, strand: str, at: Instant) -> list[Moment]:
    container = strand.partition("/")[2].removesuffix(" last")
    return [each for each in moments_of(life, "start", "exit") if each.container == container and each.at <= at + SKEW]


def _last_state(tree: Tree, life: Life, strand: str, each: Occurrence) -> tuple[Key, Kind]:
    """The state before changes with the state, for the same reason; alone only when the kubelet forgets it."""
    for state in life.strands.get(strand.removesuffix(" last"), ()):
        if state.at == each.at and (link := tree.causes.links.get(state.key)) is not None:
            return link.cause, link.kind
    return _from(tree, life, _moments_until(life, strand, each.at), each.at, Kind.STATUS)


def _from(tree: Tree, life: Life, moments: list[Moment], at: Instant, kind: Kind) -> tuple[Key, Kind]:
    """The latest of these; a status that comes late was written for something else that happened in the pod."""
    if moments and (kind is not Kind.STATUS or at - moments[-1].at <= WRITE):
        return moments[-1].key, kind
    return _written(tree, life, at, Kind.STATUS)


def _written(tree: Tree, life: Life, at: Instant, otherwise: Kind) -> tuple[Key, Kind]:
    """A status without a cause of its own: what happened last in the pod, or a timer since then."""
    candidates: list[Candidate] = [(each.at, each.key, Kind.STATUS) for each in life.moments if each.what != "oom"]
    if (since := bound(life)) is not None:
        candidates.append((*since, Kind.SETUP))
    candidates += [(action.at, action.key, Kind.STATUS) for action in tree.actions if action.name == life.name]
    candidates += [(each.at, each.key, Kind.STATUS) for each in life.strands.get("deletion", ())]
    if found := latest(candidates, at):
        if at - found[0] <= WRITE:
            return found[1], found[2]
        return found[1], Kind.PROBE if otherwise is Kind.PROBE else Kind.REQUEUE
    return tree.created.get(life.name, ROOT), Kind.STATUS


def _deletion(tree: Tree, life: Life, key: Key, at: Instant) -> tuple[Key, Kind]:
    """A delete, an eviction, the Job controller, or the kubelet's last word (grace 0) when all is down."""
    if (action := tree.actions_on(life.name, at, AT_ONCE)) is not None:
        return action.key, Kind.DIRECT
    if int(key[3]) > 0:
        ended = [each for each in life.moments if each.what == "exit" and each.at <= at + SKEW]
        if ended:
            return ended[-1].key, Kind.STATUS
        return strand_key(life, "deletion", int(key[3]) - 1) or ROOT, Kind.STATUS
    job = tree.job_of.get(life.name)
    if job is None:
        return _written(tree, life, at, Kind.STATUS)
    if (action := tree.actions_on(job, at, WRITE)) is not None:
        return action.key, Kind.JOB
    return _by_controller(tree, job, at, life)


def _by_controller(tree: Tree, job: str, at: Instant, life: Life | None) -> tuple[Key, Kind]:
    """What the Job controller reacted to: the latest that changed among the Job's pods, or a deadline."""
    candidates: list[Candidate] = []
    for sibling in tree.trace.pods.values():
        if tree.job_of.get(sibling.name) != job:
            continue
        if sibling is not life:
            ends = _endings(sibling)
            if life is None and (made_pod := tree.created.get(sibling.name)) is not None:
                candidates.append((tree.causes.times[made_pod], made_pod, Kind.JOB))
            candidates += [(when, key, Kind.JOB) for when, key in ends if life is None or key[2] != "deletion"]
            candidates += [(each.at, each.key, Kind.JOB) for each in moments_of(sibling, "start", "exit")]
        else:
            own = [each for each in moments_of(sibling, "start", "exit") if each.at < at and not _asked(sibling, each)]
            candidates += [(each.at, each.key, Kind.JOB) for each in own]
    candidates += [(action.at, action.key, Kind.JOB) for action in tree.actions if action.name == job]
    made = tree.created.get(f"Job/{job}", ROOT)
    found = latest(candidates, at)
    if found is not None and at - found[0] <= WRITE:
        return found[1], found[2]
    return made, Kind.PROBE


def _asked(life: Life, moment: Moment) -> bool:
    """Whether a container ended because it was told to: that follows from a deletion, it does not cause one."""
    return moment.what == "exit" and any(
        each.what == "stop" and (each.container, each.run) == (moment.container, moment.run) for each in life.moments
    )


def _gone(tree: Tree, life: Life, at: Instant) -> tuple[Key, Kind]:
    deletions = [(each.at, each.key) for each in life.strands.get("deletion", ()) if each.at <= at]
    if deletions and at - deletions[-1][0] <= AT_ONCE:
        return deletions[-1][1], Kind.DIRECT
    if (action := tree.actions_on(life.name, at, AT_ONCE)) is not None:
        return action.key, Kind.DIRECT
    ended = [each for each in life.moments if each.what == "exit" and each.at <= at + SKEW]
    if ended and at - ended[-1].at <= LOOK:
        return ended[-1].key, Kind.STATUS
    if deletions:
        return deletions[-1][1], Kind.STATUS
    return _written(tree, life, at, Kind.STATUS)


def _row(tree: Tree, life: Life, row: Occurrence) -> tuple[Key, Kind]:
    """A row is the table's form of a change: the one that came with it, the rarest of its parts."""
    near = [(abs(row.at - at), place) for place, (at, _) in enumerate(life.changes) if abs(row.at - at) <= AT_ONCE]
    parts = [key for _, place in sorted(near)[:1] for key in life.changes[place][1]]
    for prefix in ("gone", "deletion", "init/", "main/", "created", "phase", "cond/", ""):
        told = [key for key in parts if str(key[2]).startswith(prefix) and key in tree.causes.links]
        if told:
            times = tree.causes.times
            change = max(told, key=lambda key: times[tree.causes.links[key].cause])
            return change, Kind.SETUP if change == tree.created.get(life.name) else Kind.DIRECT
    if life.kind == "Job":
        return _by_controller(tree, life.name, row.at, None)
    return _written(tree, life, row.at, Kind.STATUS)


def hang_job(tree: Tree, life: Life) -> None:
    """The causes of what a Job's status showed: its pods, an action, or a deadline."""
    made = tree.created.get(f"Job/{life.name}", ROOT)
    for at, keys in life.changes:
        for key in keys:
            if key not in tree.causes.links:
                first = at - tree.causes.times.get(made, 0) <= AT_ONCE
                cause = (made, Kind.DIRECT) if first else _by_controller(tree, life.name, at, None)
                tree.hang(key, *cause)
    for row in life.strands.get("kubectl row", ()):
        tree.hang(row.key, *_row(tree, life, row))


def hang_events(tree: Tree) -> None:
    """An Event goes back to what it tells of; Events need causes only for their order."""
    for thing, occurrences in tree.trace.events.items():
        kind, _, name = thing[0].partition("/")
        life = (tree.trace.pods if kind == "Pod" else tree.trace.jobs).get(name)
        for each in occurrences:
            if life is None:
                tree.hang(each.key, ROOT, Kind.JOB)
            elif kind == "Pod":
                tree.hang(each.key, *_pod_event(tree, life, thing, each))
            else:
                tree.hang(each.key, *_job_event(tree, life, each))


def _pod_event(tree: Tree, life: Life, thing: tuple[str, ...], each: Occurrence) -> tuple[Key, Kind]:
    reason, container = thing[2], thing[4].partition("{")[2].removesuffix("}")
    own = [moment for moment in life.moments if moment.container == container]
    created = tree.created.get(life.name, ROOT)
    match reason:
        case "Scheduled":
            return (since[1], Kind.DIRECT) if (since := bound(life)) else (created, Kind.SETUP)
        case "Pulled" | "Created" | "Started" | "Pulling":
            starts = [moment for moment in own if moment.what == "start" and abs(moment.at - each.at) <= SECOND]
            if starts:
                nearest = min(starts, key=lambda moment: abs(moment.at - each.at))
                return nearest.key, Kind.DIRECT
        case "Killing":
            stops = [m for m in own if m.what in ("stop", "hook start") and abs(m.at - each.at) <= AT_ONCE]
            if stops:
                return stops[0].key, Kind.DIRECT
            return stop_cause(tree, life, Moment(each.key, each.at, life.name, container, 0, "stop"))
        case "Unhealthy":
            starts = [moment for moment in own if moment.what == "start" and moment.at <= each.at]
            return (starts[-1].key if starts else created), Kind.PROBE
        case "BackOff":
            exits = [moment for moment in own if moment.what == "exit" and moment.at <= each.at]
            if exits:
                return exits[-1].key, Kind.PLEG if each.at - exits[-1].at <= LOOK else Kind.REQUEUE
        case _:
            pass
    return _written(tree, life, each.at, Kind.PROBE)


def _job_event(tree: Tree, life: Life, each: Occurrence) -> tuple[Key, Kind]:
    """With the pod it made, or with the change of the Job's status."""
    candidates: list[Candidate] = []
    for pod in tree.trace.pods.values():
        if tree.job_of.get(pod.name) == life.name:
            candidates += [(tree.causes.times[key], key, Kind.DIRECT) for key in (tree.created.get(pod.name),) if key]
            candidates += [(dead.at, dead.key, Kind.DIRECT) for dead in pod.strands.get("deletion", ())]
    for at, keys in life.changes:
        candidates += [(at, key, Kind.DIRECT) for key in keys if str(key[2]).startswith("cond/")]
    near = [candidate for candidate in candidates if abs(candidate[0] - each.at) <= AT_ONCE]
    if near:
        best = min(near, key=lambda candidate: abs(candidate[0] - each.at))
        return best[1], best[2]
    return _by_controller(tree, life.name, each.at, None)
