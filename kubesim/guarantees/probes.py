"""Probes: when they run, what their streaks do, and what they may and may not bring about.

A history holds every change of a probe's result, and the processes of exec probes; a probe that asks over the network
leaves only its results.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kubesim.guarantees.containers import ContainerStory, Role, hook_length, kill_of, stop_of
from kubesim.guarantees.scopes import FORGOTTEN_RESULTS, PROBES_END, STARTED_KEPT, gate, started_kept
from kubesim.guarantees.story import REACTION, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, judge
from kubesim.history.lives import Exec, Run
from kubesim.history.records import Admitted, ProbeChanged
from kubesim.units import SECOND, Duration, Instant

KINDS: Final = ("startup", "liveness", "readiness")
_DEFAULTS: Final = (("periodSeconds", 10), ("timeoutSeconds", 1), ("successThreshold", 1), ("failureThreshold", 3))
_CARRIED: Final = "the streak of the run before is carried over to the next"
_FROM_START: Final = "with a startup probe, too, the kubelet counts the delay from the start of the container"
_GOOD_RESULT: Final = {"liveness": "Failure", "readiness": "Success"}
"""The result that a worker does not begin with."""


def _runs(pod: PodStory) -> Iterator[tuple[ContainerStory, Run]]:
    for container in pod.containers:
        for run in container.runs:
            yield container, run


def _seconds(probe: Any, name: str, default: int) -> Duration:
    return int((probe or {}).get(name, default)) * SECOND


def _ran(container: ContainerStory, run: Run, kind: str) -> list[tuple[Instant, int | None]]:
    """The instants at which a probe is known to have run, or to have come to a result."""
    known: list[tuple[Instant, int | None]] = [(one.start, None) for one in container.execs(run, kind)]
    known += [(one.at, order) for order, one in container.results(run, kind, _GOOD_RESULT.get(kind, "Success"))]
    return sorted(known, key=lambda pair: pair[0])


def startup_disables_others(pod: PodStory) -> Iterator[Finding]:
    """No liveness or readiness probe before the startup probe has succeeded."""
    for container, run in _runs(pod):
        if not container.probe("startup"):
            continue
        passed = next((one.at for _, one in container.results(run, "startup", "Success")), None)
        for kind in ("liveness", "readiness"):
            ran = _ran(container, run, kind) if container.probe(kind) else []
            if ran:
                first = Moment(ran[0][0], f"first {kind} probe of {container.name}", ran[0][1])
                up = Moment(
                    passed if passed is not None else pod.ended,
                    "startup probe " + ("passes" if passed else "never passed"),
                )
                yield judge(passed is not None and passed <= ran[0][0], up, first, known=started_kept(pod, run))


def startup_runs_once(pod: PodStory) -> Iterator[Finding]:
    """No startup probe after its first success in a run."""
    for container, run in _runs(pod):
        passed = next(((order, one.at) for order, one in container.results(run, "startup", "Success")), None)
        if passed is not None:
            again = [one for one in container.execs(run, "startup") if one.start > passed[1] + REACTION]
            shown = [pod.moment(container, run, "exec-start", one.start) for one in again[:1]]
            yield judge(not again, Moment(passed[1], f"startup probe of {container.name} passes", passed[0]), *shown)


def _failure_stops(pod: PodStory, kind: str) -> Iterator[Finding]:
    """The failure of a probe has its container stopped, after preStop; before the threshold it has not."""
    for container, run in _runs(pod):
        found = next(container.results(run, kind, "Failure"), None)
        if found is None or found[1].at >= pod.term:
            continue
        order, failure = found
        process = next(iter(container.execs(run, "preStop")), None)
        limit = failure.at + min(hook_length(process, container.handler("preStop")), pod.grace) + REACTION
        stop, probe = stop_of(run), container.probe(kind)
        moment = Moment(failure.at, f"{kind} probe of {container.name} has failed", order)
        if probe:
            earliest = run.start + _seconds(probe, "initialDelaySeconds", 0)
            earliest += (int(probe.get("failureThreshold", 3)) - 1) * _seconds(probe, "periodSeconds", 10)
            if not any(record.do == "probe" for _, record in pod.actions("probe")) and failure.at < earliest - SECOND:
                said = "sooner than its threshold can be reached"
                yield judge(False, pod.started(container, run), moment, said=said, known=_carried(run))
        if stop is not None:
            yield judge(
                stop.at <= limit or pod.is_held_up(container, failure.at, limit), moment, pod.stopped(container, run)
            )
        elif limit < min(pod.term, pod.ended, run.exit or pod.ended) and not pod.is_held_up(
            container, failure.at, limit
        ):
            yield judge(False, moment, pod.stopped(container, run))


def startup_failure_kills(pod: PodStory) -> Iterator[Finding]:
    """The failure of a startup probe has its container stopped."""
    yield from _failure_stops(pod, "startup")


def liveness_failure_restarts(pod: PodStory) -> Iterator[Finding]:
    """The failure of a liveness probe has its container stopped."""
    yield from _failure_stops(pod, "liveness")


def streak_resets(pod: PodStory) -> Iterator[Finding]:
    """A result changes only after as many equal answers in a row as the threshold asks for.

    Where the answers are recorded they are counted; else the periods since the last opposite result are.
    """
    for container, run in _runs(pod) if not any(True for _ in pod.actions("probe")) else ():
        for kind in KINDS:
            probe = container.probe(kind)
            for result, opposite in (("Failure", "Success"), ("Success", "Failure")) if probe else ():
                for order, change in container.results(run, kind, result):
                    yield _streak(container, run, kind, result, opposite, order, change)


def _streak(
    container: ContainerStory, run: Run, kind: str, result: str, opposite: str, order: int, change: ProbeChanged
) -> Finding:
    probe = container.probe(kind) or {}
    wanted = int(probe.get("failureThreshold", 3) if result == "Failure" else probe.get("successThreshold", 1))
    ended = [(one.exit, one) for one in container.execs(run, kind) if one.exit is not None and one.exit <= change.at]
    if ended:
        answers = [_passes(one, probe) == (result == "Success") for _, one in ended]
        if change.at - ended[-1][0] > SECOND // 2:  # the last process was too short to be on record
            answers.append(True)
        streak = answers[-wanted:]
        said = f"{kind} probe of {container.name}: {result}, after {sum(streak)} of {wanted} in a row"
        return judge(len(streak) == wanted and all(streak), Moment(change.at, said, order), known=_carried(run))
    before = max((one.at for _, one in container.results(run, kind, opposite) if one.at < change.at), default=run.start)
    least = (wanted - 1) * _seconds(probe, "periodSeconds", 10)
    said = f"{kind} probe of {container.name}: {result}, {wanted} in a row are asked for"
    held = change.at - before >= least - SECOND
    return judge(held, Moment(before, "the streak can begin"), Moment(change.at, said, order), known=_carried(run))


def _carried(run: Run) -> str:
    return _CARRIED if run.number else ""


def _passes(process: Exec, probe: Any) -> bool:
    late = (
        process.exit is not None and process.exit - process.start > _seconds(probe, "timeoutSeconds", 1) + SECOND // 2
    )
    return process.code == 0 and not late


def _left_out(pod: PodStory, container: str, kind: str) -> Iterator[tuple[str, int]]:
    """The numbers that a probe was sent without, with their defaults; none where a webhook may have set them."""
    created = [action for _, action in pod.actions("create") if action.code < 300]
    if len(created) == 1 and not any(isinstance(record, Admitted) for record in pod.history):
        spec = (created[0].arguments.get("object") or {}).get("spec") or {}
        for sent in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
            if sent.get("name") == container and (probe := sent.get(f"{kind}Probe")):
                yield from ((key, value) for key, value in _DEFAULTS if not probe.get(key))


def defaults(pod: PodStory) -> Iterator[Finding]:
    """A stored probe has all five numbers, each at least its minimum, and successThreshold 1 where it must be."""
    for container in pod.containers:
        for kind in KINDS:
            probe = container.probe(kind)
            if not probe:
                continue
            numbers = [
                probe.get(key) for key in ("periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
            ]
            held = all(isinstance(number, int) and number >= 1 for number in numbers)
            held = held and probe.get("initialDelaySeconds", 0) >= 0
            held = held and (kind == "readiness" or probe.get("successThreshold") == 1)
            held = held and all(probe.get(key) == value for key, value in _left_out(pod, container.name, kind))
            said = f"{container.name}: {kind} probe with period, timeout and thresholds {numbers}"
            yield judge(held, pod.written(pod.versions[0], said))


def initial_delay(pod: PodStory) -> Iterator[Finding]:
    """No liveness or readiness probe before its initial delay, counted from the start, or from the startup success."""
    for container, run in _runs(pod):
        for kind in ("liveness", "readiness"):
            probe, ran = container.probe(kind), _ran(container, run, kind)
            delay = _seconds(probe, "initialDelaySeconds", 0)
            if not probe or not delay or not ran or ran[0][0] >= pod.term:
                continue
            base = pod.started_at(container, run) if container.probe("startup") else run.start
            known = _FROM_START if container.probe("startup") else ""
            due = (base if base is not None else run.start) + delay
            first = Moment(ran[0][0], f"first {kind} probe of {container.name}", ran[0][1])
            yield judge(ran[0][0] >= due - SECOND, Moment(due, "the initial delay is over"), first, known=known)


def missing_is_success(pod: PodStory) -> Iterator[Finding]:
    """Without a readiness probe what is started is ready; with one nothing is before the first success."""
    for container, run in _runs(pod):
        if container.role is Role.INIT or container.role is Role.EPHEMERAL:
            continue
        probe = container.probe("readiness")
        passed = next((one.at for _, one in container.results(run, "readiness", "Success")), None)
        for status in container.statuses_of(run):
            if status.state != "running" or status.at >= pod.term or status.at > container.lifetime(run).end:
                continue
            ready, started = bool(status.raw.get("ready")), bool(status.raw.get("started"))
            said = f"{container.name}: started {started}, ready {ready}"
            if probe:
                if passed is None or status.at < passed:
                    yield judge(not ready, pod.written(status, said))
            elif started:
                due = pod.started_at(container, run)
                if ready or due is None or status.at > due + REACTION:
                    yield judge(ready, pod.written(status, said))
            elif container.probe("startup") and status.at > run.start + REACTION:
                yield judge(not ready, pod.written(status, said))


def readiness_never_kills(pod: PodStory) -> Iterator[Finding]:
    """A container whose readiness fails is not stopped for it."""
    for container, run in _runs(pod):
        probe = container.probe("readiness")
        lost: tuple[Instant, int | None] | None = next(
            ((one.at, order) for order, one in container.results(run, "readiness", "Failure")), None
        )
        if probe and lost is None and not any(True for _ in container.results(run, "readiness", "Success")):
            tries = int(probe.get("failureThreshold", 3)) + 1
            due = run.start + _seconds(probe, "initialDelaySeconds", 0) + tries * _seconds(probe, "periodSeconds", 10)
            lost = (due, None) if due < min(container.lifetime(run).end, pod.term, pod.ended) else None
        if lost is None:
            continue
        stop = stop_of(run)
        killed = stop is not None and lost[0] <= stop.at < pod.begin and not pod.excused_stop(container, run)
        shown = [pod.stopped(container, run)] if killed else []
        yield judge(not killed, Moment(lost[0], f"the readiness probe of {container.name} fails", lost[1]), *shown)


def liveness_independent(pod: PodStory) -> Iterator[Finding]:
    """Liveness probes begin after their own delay, though the container is not ready."""
    for container, run in _runs(pod):
        probe, readiness = container.probe("liveness"), container.probe("readiness")
        failed = next(((order, one.at) for order, one in container.results(run, "liveness", "Failure")), None)
        passed = next((one.at for _, one in container.results(run, "readiness", "Success")), pod.ended)
        if probe and readiness and failed and failed[1] < passed:
            yield judge(True, Moment(failed[1], f"liveness of {container.name} fails, it never was ready", failed[0]))
        if not probe or not readiness or not container.execs(run, "liveness"):
            continue
        base = pod.started_at(container, run)
        if base is None:
            continue
        ready = next((one.at for _, one in container.results(run, "readiness", "Success")), pod.ended)
        due = (
            max(base, run.start + _seconds(probe, "initialDelaySeconds", 0))
            + _seconds(probe, "periodSeconds", 10)
            + REACTION
        )
        if min(ready, container.lifetime(run).end, pod.term, pod.ended) > due:
            ran = _ran(container, run, "liveness")
            first = Moment(
                ran[0][0] if ran else due, f"first liveness probe of {container.name}{'' if ran else ': none yet'}"
            )
            yield judge(
                bool(ran) and ran[0][0] <= due,
                pod.started(container, run),
                first,
                said=f"{container.name} is not ready",
            )


def readiness_whole_life(pod: PodStory) -> Iterator[Finding]:
    """Readiness is probed anew after it was lost: a container that is ready again had a success since."""
    for container, run in _runs(pod):
        for order, failure in container.results(run, "readiness", "Failure"):
            after = next(
                (one for _, one in container.results(run, "readiness", "Success") if one.at > failure.at), None
            )
            lost = Moment(failure.at, f"readiness of {container.name} is lost", order)
            for status in container.statuses_of(run):
                if status.at > failure.at + REACTION and status.raw.get("ready"):
                    back = after is not None and after.at <= status.at
                    yield judge(back, lost, pod.written(status, f"{container.name} is ready again"))
                    break


def timeout_is_failure(pod: PodStory) -> Iterator[Finding]:
    """An exec probe is cut off at its timeout, and has failed."""
    for container, run in _runs(pod):
        for kind in KINDS:
            probe = container.probe(kind)
            limit = _seconds(probe, "timeoutSeconds", 1)
            for process in container.execs(run, kind) if probe else ():
                length = (process.exit if process.exit is not None else pod.ended) - process.start
                if length >= limit and (process.exit is not None or length > limit + REACTION):
                    held = process.exit is not None and length <= limit + REACTION and process.code != 0
                    yield judge(held or length == limit, pod.moment(container, run, "exec-start", process.start))


def unknown_no_action(pod: PodStory) -> Iterator[Finding]:
    """A probe whose result is Unknown has nothing stopped."""
    for container, run in _runs(pod):
        for kind in ("liveness", "startup"):
            for order, change in container.results(run, kind, "Unknown"):
                stop = stop_of(run)
                hit = stop is not None and change.at <= stop.at <= min(change.at + REACTION, pod.begin - 1)
                excused = hit and pod.excused_stop(container, run)
                yield judge(not hit or excused, Moment(change.at, f"{kind} probe of {container.name}: Unknown", order))


def exec_codes(pod: PodStory) -> Iterator[Finding]:
    """Of the mechanisms an exec probe shows its answer: 0 is success, so a success follows an exit with 0."""
    for container, run in _runs(pod):
        for kind in KINDS:
            probe = container.probe(kind)
            if not probe or not probe.get("exec") or any(True for _ in pod.actions("probe")):
                continue
            for order, change in container.results(run, kind, "Success"):
                last = [one for one in container.execs(run, kind) if one.exit is not None and one.exit <= change.at]
                if last:
                    said = f"{kind} probe of {container.name}: Success after exit code {last[-1].code}"
                    yield judge(last[-1].code == 0, Moment(change.at, said, order))


def probe_level_grace(pod: PodStory) -> Iterator[Finding]:
    """A kill for a liveness or startup probe has the probe's own grace, not the Pod's."""
    for container, run in _runs(pod):
        for kind in ("liveness", "startup"):
            own = (container.probe(kind) or {}).get("terminationGracePeriodSeconds")
            found = next(container.results(run, kind, "Failure"), None)
            stop = stop_of(run)
            if own is None or found is None or stop is None or not found[1].at <= stop.at < pod.begin:
                continue
            kill, failed = kill_of(run), Moment(found[1].at, f"{kind} probe of {container.name} has failed", found[0])
            held = stop.grace <= max(int(own), 2) and (kill is None or kill >= found[1].at + (int(own) - 1) * SECOND)
            yield judge(
                held,
                failed,
                pod.stopped(container, run),
                said=f"with a grace of {stop.grace} s, {own} s are left to it",
            )


CHECKS: Final = (
    Check("probe-startup-disables-others", startup_disables_others, not_kept=(PROBES_END,), remarks=(STARTED_KEPT,)),
    Check("probe-startup-runs-once", startup_runs_once),
    Check("probe-startup-failure-kills", startup_failure_kills, not_kept=(PROBES_END,), remarks=(_CARRIED,)),
    Check("probe-liveness-failure-restarts", liveness_failure_restarts, not_kept=(PROBES_END,), remarks=(_CARRIED,)),
    Check("probe-streak-resets", streak_resets, remarks=(_CARRIED,)),
    Check("probe-defaults", defaults),
    Check("probe-initial-delay-from-start", initial_delay, remarks=(_FROM_START,)),
    Check("probe-missing-is-success", missing_is_success, not_kept=(PROBES_END, FORGOTTEN_RESULTS)),
    Check("probe-readiness-never-kills", readiness_never_kills),
    Check("probe-liveness-independent-of-readiness", liveness_independent, not_kept=(PROBES_END,)),
    Check("probe-readiness-whole-life", readiness_whole_life),
    Check("probe-timeout-is-failure", timeout_is_failure, scope=gate("ExecProbeTimeout", "ExecProbeTimeout on")),
    Check("probe-unknown-no-action", unknown_no_action),
    Check("probe-http-codes", exec_codes),
    Check("probe-level-grace-period", probe_level_grace, scope=gate("ProbeTerminationGracePeriod", "1.25+")),
)
