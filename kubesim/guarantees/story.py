"""The life of one Pod as the guarantees speak of it: roles, runs, terms, deadlines, with the records that say so.

A fold over the history like the ones in ``history/lives.py``, which it builds on. What a component may take to react
is not promised by any page; ``REACTION`` is what kubesim grants it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from kubesim.guarantees.absences import Absence, absences
from kubesim.guarantees.containers import FOREVER, ContainerStory, Deletion, Role, Status, Window, hook_length, stop_of
from kubesim.guarantees.verdicts import Moment
from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, PodLife, Run
from kubesim.history.records import ActionDone, AnyRecord, Decided, EventEmitted, ProbeChanged, RuntimeChanged
from kubesim.history.replay import Version
from kubesim.releases import Release
from kubesim.units import SECOND, Duration, Instant

REACTION: Final = 4 * SECOND
"""A relist, a sync, a write and a watch event: the longest that a healthy node takes to act on something."""

MINIMUM_GRACE: Final = 2 * SECOND
"""Every stop is given at least this (minimumGracePeriodInSeconds)."""

TERMINAL: Final = ("Succeeded", "Failed")
EVENTS_AT_ONCE: Final = 25
"""The burst of the filter against too many Events about one object (client-go, EventCorrelator)."""
IMAGE_REASONS: Final = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
TROUBLE: Final = (*IMAGE_REASONS, "CreateContainerConfigError", "CreateContainerError", "RunContainerError")
"""Reasons to wait that are neither back-off nor initialization."""


class PodStory:
    """Everything the guarantees ask about one Pod."""

    def __init__(
        self,
        history: History,
        life: PodLife,
        records: Sequence[tuple[int, AnyRecord]],
        api: Release,
        kubelet: Release,
        *,
        as_marked: bool = False,
    ) -> None:
        """``as_marked`` takes for a sidecar what the manifest marks as one, though the kubelet does not know it."""
        self.history = history
        self.records = records
        self.life = life
        self.api = api
        self.kubelet = kubelet
        self.versions: tuple[Version, ...] = life.versions
        self.spec: Mapping[str, Any] = life.versions[0].object.get("spec") or {}
        self.containers = self._containers(as_marked)
        self.inits = [one for one in self.containers if one.role in (Role.INIT, Role.SIDECAR)]
        self.regular_inits = [one for one in self.containers if one.role is Role.INIT]
        self.sidecars = [one for one in self.containers if one.role is Role.SIDECAR]
        self.mains = [one for one in self.containers if one.role is Role.MAIN]
        self.ephemeral = [one for one in self.containers if one.role is Role.EPHEMERAL]
        self.policy = str(self.spec.get("restartPolicy") or "Always")
        self.ended: Instant = history.ended
        self._note()

    # -- building --------------------------------------------------------------------------------------------------

    def _containers(self, as_marked: bool) -> list[ContainerStory]:
        honours = as_marked or self.kubelet.policy("sidecar_field_at_kubelet") == "honour"
        latest = self.versions[-1].object.get("spec") or {}
        found = []
        for key, role in (("initContainers", Role.INIT), ("containers", Role.MAIN)):
            for index, spec in enumerate(self.spec.get(key) or ()):
                is_sidecar = role is Role.INIT and spec.get("restartPolicy") == "Always" and honours
                name = spec["name"]
                runs = self.life.containers[name].runs if name in self.life.containers else []
                found.append(ContainerStory(name, Role.SIDECAR if is_sidecar else role, index, spec, runs))
        for index, spec in enumerate(latest.get("ephemeralContainers") or ()):
            runs = self.life.containers[spec["name"]].runs if spec["name"] in self.life.containers else []
            found.append(ContainerStory(spec["name"], Role.EPHEMERAL, index, spec, runs))
        return found

    def _note(self) -> None:
        by_name = {one.name: one for one in self.containers}
        for order, record in self.records:
            if isinstance(record, ProbeChanged) and record.container in by_name:
                by_name[record.container].probes.append((order, record))
        for version in self.versions:
            status = version.object.get("status") or {}
            for key in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
                for raw in status.get(key) or ():
                    if raw["name"] in by_name:
                        by_name[raw["name"]].statuses.append(Status(version.at, version.order, raw, version.object))

    # -- proof -----------------------------------------------------------------------------------------------------

    @cached_property
    def _orders(self) -> dict[tuple[str, int, str, Instant], int]:
        return {
            (record.container, record.run, record.event, record.at): order
            for order, record in self.records
            if isinstance(record, RuntimeChanged)
        }

    def moment(self, container: ContainerStory, run: Run | None, event: str, at: Instant | None) -> Moment:
        """A moment in the life of a container: start, exit, stop, signal, exec-start, exec-exit."""
        number = run.number if run else 0
        words = {"start": "starts", "exit": "exits", "stop": "is told to stop", "signal": "gets a signal"}
        again = f" (run {number})" if number else ""
        code = f" with {run.code}" if run and event == "exit" and run.code is not None else ""
        what = f"{container.name}{again} {words.get(event, event)}{code}"
        if at is None:
            return Moment(self.ended, f"{what}: never")
        return Moment(at, what, self._orders.get((container.name, number, event, at)))

    def started(self, container: ContainerStory, run: Run) -> Moment:
        """The proof of a start."""
        return self.moment(container, run, "start", run.start)

    def exited(self, container: ContainerStory, run: Run) -> Moment:
        """The proof of an exit."""
        return self.moment(container, run, "exit", run.exit)

    def stopped(self, container: ContainerStory, run: Run) -> Moment:
        """The proof of a stop."""
        stop = stop_of(run)
        return self.moment(container, run, "stop", stop.at if stop else None)

    def written(self, version: Version | Status, what: str) -> Moment:
        """The proof that the API server had something so."""
        return Moment(version.at, what, version.order)

    # -- what happened to the Pod ----------------------------------------------------------------------------------

    @cached_property
    def node(self) -> str:
        """The node it was bound to; empty: none."""
        names = (str((one.object.get("spec") or {}).get("nodeName") or "") for one in self.versions)
        return next((name for name in names if name), "")

    @cached_property
    def statuses(self) -> tuple[tuple[Version, Mapping[str, Any]], ...]:
        """The versions with their statuses."""
        return tuple((one, one.object.get("status") or {}) for one in self.versions)

    @cached_property
    def decisions(self) -> tuple[tuple[int, Decided], ...]:
        """What kubelets decided about it."""
        return tuple(
            (order, record)
            for order, record in self.records
            if isinstance(record, Decided) and record.actor.startswith("kubelet")
        )

    @cached_property
    def deletions(self) -> tuple[Deletion, ...]:
        """The delete requests from outside that set or shortened the grace; a forced one has grace 0."""
        found: list[Deletion] = []
        shortest = FOREVER
        for version in self.versions:
            grace = (version.object.get("metadata") or {}).get("deletionGracePeriodSeconds")
            if version.actor.startswith("kubelet"):
                continue
            if version.change == "DELETED" and shortest:
                shortest = 0
            elif grace is not None and grace < shortest:
                shortest = grace
            else:
                continue
            found.append(Deletion(version.at, shortest * SECOND, version.order))
        return tuple(found)

    @cached_property
    def is_forced(self) -> bool:
        """Whether its object went without the kubelet's word."""
        last = self.versions[-1]
        return last.change == "DELETED" and not last.actor.startswith("kubelet")

    @cached_property
    def kill_decided(self) -> tuple[int, Instant] | None:
        """When the kubelet set about to end the Pod, with the record: for good, so without a new sandbox."""
        for order, one in self.decisions:
            steps = {action.do for action in one.actions}
            if one.pass_ == "SyncTerminatingPod" or ("kill-pod" in steps and "create-sandbox" not in steps):
                return order, one.at
        return None

    @cached_property
    def mains_done(self) -> Instant | None:
        """When the last main had ended for good; None while one runs or is to run again."""
        ends = []
        for main in self.mains:
            last = main.runs[-1] if main.runs else None
            if last is None or last.exit is None or self.restart_is_due(main, last):
                return None
            ends.append(last.exit)
        return max(ends, default=None)

    @cached_property
    def term(self) -> Instant:
        """Begin of termination: deletion, the kubelet's decision, or the last main's end; FOREVER if it is not."""
        causes = [self.deletions[0].at if self.deletions else None, self.mains_done]
        causes.append(self.kill_decided[1] if self.kill_decided else None)
        return min((at for at in causes if at is not None), default=FOREVER)

    @cached_property
    def begin(self) -> Instant:
        """When the kubelet began to act on the termination; where no decision is recorded, the termination itself."""
        return self.kill_decided[1] if self.kill_decided else self.term

    @cached_property
    def grace(self) -> Duration:
        """The Pod's own grace period."""
        seconds = self.spec.get("terminationGracePeriodSeconds")
        return (30 if seconds is None else max(int(seconds), 0)) * SECOND

    @cached_property
    def began_again(self) -> tuple[Instant, ...]:
        """When kubelets that came later set about to end what still ran from the start, with the whole grace."""
        ends = [one.end for one in self.absences if one.is_new and one.start > self.begin]
        passes = [one.at for _, one in self.decisions if one.pass_ == "SyncTerminatingPod"]
        again = (at for end in ends if (at := next((one for one in passes if one >= end), None)) is not None)
        return tuple(at for at in again if any(container.run_at(at) for container in self.containers))

    @cached_property
    def deadline(self) -> Instant:
        """When the grace has run out: the earliest that a delete asked for, else the Pod's own from the begin on.

        A kubelet that takes over begins again with all of it (termination-kubelet-restart-restarts-grace).
        """
        begin = max((self.begin, *self.began_again))
        if self.deletions and self.begin >= self.deletions[0].at:
            first = max(begin, self.deletions[0].at) + self.deletions[0].grace
            return min([first, *(one.at + one.grace for one in self.deletions[1:])])
        return begin + self.grace if self.begin < FOREVER else FOREVER

    @cached_property
    def is_evicted(self) -> bool:
        """Whether the node itself ended the Pod: eviction, deadline, rejection. Its grace is then the node's affair."""
        return any(bool(status.get("reason")) for _, status in self.statuses)

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """The generations; one from the beginning on where no sandbox is recorded."""
        sandbox = self.life.containers.get(SANDBOX)
        starts = [run.start for run in sandbox.runs] if sandbox else []
        if not starts:
            return (Window(0, FOREVER),)
        return tuple(Window(at, until) for at, until in zip(starts, [*starts[1:], FOREVER], strict=True))

    def window_at(self, at: Instant | None) -> Window:
        """The generation that an instant lies in; None: the last."""
        later = (one for one in reversed(self.windows) if at is None or one.start <= at)
        return next(later, self.windows[0])

    @cached_property
    def restarts_all(self) -> bool:
        """Whether a rule may restart all containers in place, which begins a generation without a new sandbox."""
        rules = (rule for one in self.containers for rule in one.spec.get("restartPolicyRules") or ())
        return any(rule.get("action") == "RestartAllContainers" for rule in rules)

    @cached_property
    def spec_changed(self) -> bool:
        """Whether the definition of a container was changed."""
        last = self.versions[-1].object.get("spec") or {}
        return any(last.get(key) != self.spec.get(key) for key in ("containers", "initContainers"))

    def actions(self, do: str) -> Iterator[tuple[int, ActionDone]]:
        """What was done to the Pod from outside."""
        for order, record in self.records:
            if isinstance(record, ActionDone) and record.do == do:
                yield order, record

    # -- what is due -----------------------------------------------------------------------------------------------

    def policy_of(self, container: ContainerStory) -> str:
        """The effective restart policy of a container, its rules aside."""
        if container.role is Role.SIDECAR:
            return "Always"
        own = container.spec.get("restartPolicy")
        if own and self.kubelet.policy("restart_decision") == "container":
            return str(own)
        if container.role is Role.INIT and self.policy == "Always":
            return "OnFailure"
        return self.policy

    def restart_is_due(self, container: ContainerStory, run: Run) -> bool:
        """Whether the container is to be started again after this run."""
        if container.role is Role.EPHEMERAL:
            return False
        if self.kubelet.policy("restart_decision") == "container":
            for rule in container.spec.get("restartPolicyRules") or ():
                if rule_matches(rule, run.code or 0):
                    return rule.get("action") in ("Restart", "RestartAllContainers")
        policy = self.policy_of(container)
        return policy == "Always" or (policy == "OnFailure" and run.code != 0)

    def started_at(self, container: ContainerStory, run: Run) -> Instant | None:
        """When status.started ought to become true: the process is up, postStart done, the startup probe passed."""
        hook = container.handler("postStart")
        process = next(iter(container.execs(run, "postStart")), None)
        if process is not None and process.code not in (0, None):
            return None
        length = hook_length(process, hook) if hook else 0
        up = run.start + length if length < FOREVER else FOREVER
        if container.probe("startup"):
            passed = next((one.at for _, one in container.results(run, "startup", "Success")), None)
            up = max(up, passed) if passed is not None else FOREVER
        return up if up < FOREVER and (run.exit is None or up <= run.exit) else None

    def satisfied(self, container: ContainerStory, window: Window) -> Instant | None:
        """When an init container let the next one begin: a regular one completed, a sidecar was first started."""
        for run in container.runs_in(window):
            if container.role is Role.SIDECAR:
                if (at := self.started_at(container, run)) is not None:
                    return at
            elif run.code == 0 and run.exit is not None:
                return run.exit
        return None

    def has_failed_probe(self, container: ContainerStory, run: Run) -> bool:
        """Whether a probe for which a container is stopped has failed in a run, if only just after it ended by itself.

        The kubelet that has not yet seen the end takes the container for one that it stops.
        """
        kinds = ("liveness", "startup")
        if any(True for kind in kinds for _ in container.results(run, kind, "Failure")):
            return True
        return any(
            change.probe in kinds and change.is_answer and change.result.lower() == "failure"
            for _, change in container.probes
            if run.container_id and change.container_id == run.container_id
        )

    def excused_stop(self, container: ContainerStory, run: Run) -> bool:
        """Whether a stop has a reason of the container's own: a failed probe or hook, or a changed definition."""
        failures = self.has_failed_probe(container, run)
        hooks = [one for one in container.execs(run, "postStart") if one.code not in (0, None)]
        return bool(failures or hooks or self.spec_changed or self.restarts_all)

    def stops_between(self, start: Instant, end: Instant, but: ContainerStory) -> Iterator[tuple[ContainerStory, Run]]:
        """The other containers that the kubelet had stopped in a time, without a reason of their own."""
        for other in self.containers:
            for run in other.runs if other is not but else ():
                stop = stop_of(run)
                if stop and start <= stop.at <= end and stop.at < self.begin and not self.excused_stop(other, run):
                    yield other, run

    @cached_property
    def absences(self) -> tuple[Absence, ...]:
        """When nobody looked after the Pod's node, as far as a scenario did that."""
        return absences(self.history, self.life.node)

    @cached_property
    def crash_backoff_max(self) -> Duration:
        """The longest back-off on its node."""
        own = next((one.crash_backoff_max for one in self.history.header.nodes if one.name == self.life.node), 0)
        return own or self.kubelet.duration("crash_backoff_max")

    def is_unattended(self, start: Instant, end: Instant) -> bool:
        """Whether nobody looked after the Pod in some part of a time, or has only just begun to again."""
        return any(one.start <= end and start <= one.end + REACTION for one in self.absences)

    @cached_property
    def pulls(self) -> tuple[tuple[Instant, Instant], ...]:
        """When its worker waited for an image, from its turn at the latest; short pulls are left out."""
        found: list[tuple[Instant, Instant]] = []
        since = None
        for _, one in self.records:
            if isinstance(one, EventEmitted) and one.reason == "Pulling":
                since = one.at
            elif isinstance(one, EventEmitted) and one.reason in ("Pulled", "Failed") and since is not None:
                found += [(since, one.at)] if one.at - since > REACTION else []
                since = None
        return (*found, (since, self.ended)) if since is not None else tuple(found)

    def is_pulling(self, start: Instant, end: Instant) -> bool:
        """Whether its worker waited for an image in some part of a time; while it does, it does nothing else."""
        return any(begun <= end and start <= over for begun, over in self.pulls)

    def was_cut_off(self, container: ContainerStory, before: Instant) -> bool:
        """Whether a start of the container before an instant may have been cut off by a fault."""
        failed = (one for _, one in self.actions("start-failure") if one.arguments.get("container") == container.name)
        return any(one.at < before for one in failed) or any(one.start < before for one in self.absences)

    def was_killed_from_outside(self, at: Instant) -> bool:
        """Whether a signal at an instant was no matter of the kubelet's."""
        return any(one.at == at for _, one in self.actions("kill"))

    def has_new_kubelet(self, start: Instant, end: Instant) -> bool:
        """Whether another kubelet process took over in a time: it remembers no back-off of the one before."""
        return any(one.is_new and start < one.end <= end for one in self.absences)

    def starts_over(self, start: Instant, end: Instant) -> bool:
        """Whether a new sandbox began in a time: what starts after it does so for that reason."""
        return any(start < window.start <= end for window in self.windows[1:])

    def is_held_up(self, container: ContainerStory, start: Instant, end: Instant) -> bool:
        """Whether a restart waits for something else: an image, a refusal of the runtime, a sibling being stopped.

        A main waits for a sidecar that has to start again first.
        """
        again = (run.start for sidecar in self.sidecars for run in sidecar.runs)
        if self.starts_over(start, end) or self.is_unattended(start, end) or self.is_pulling(start, end):
            return True
        if container.role is Role.MAIN and any(start < at <= end for at in again):
            return True
        if any(start <= one.at <= end and one.reason in TROUBLE for one in container.statuses):
            return True
        for other in self.containers:
            for run in other.runs if other is not container else ():
                kills = [stop.at for stop in run.stops] + [one.start for one in other.execs(run, "preStop")]
                kills += [one.start for one in other.execs(run, "postStart")]
                if any(at <= end and (run.exit is None or run.exit >= start) for at in kills):
                    return True
        return False

    def may_lack_events(self, at: Instant) -> bool:
        """Whether so much was told about the Pod by then that the filter may have kept back what is missing."""
        return sum(isinstance(one, EventEmitted) and one.at <= at for _, one in self.records) >= EVENTS_AT_ONCE

    def events(self, reason: str, container: str = "") -> Iterator[tuple[int, Instant]]:
        """Events of that reason about the Pod or one container of it: record and instant."""
        for order, record in self.records:
            if not isinstance(record, EventEmitted) or record.reason != reason:
                continue
            if not container or f"{{{container}}}" in record.field_path:
                yield order, record.at


def rule_matches(rule: Mapping[str, Any], code: int) -> bool:
    """Whether a restart rule speaks of an exit code."""
    wanted = rule.get("exitCodes") or {}
    values = wanted.get("values") or ()
    return (code in values) == (wanted.get("operator") == "In")


def pairs(items: list[ContainerStory]) -> Iterator[tuple[ContainerStory, ContainerStory]]:
    """Each item with the one after it."""
    return itertools.pairwise(items)


def others(items: list[ContainerStory], but: ContainerStory) -> list[ContainerStory]:
    """All but one."""
    return [one for one in items if one is not but]
