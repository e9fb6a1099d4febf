"""Deliberately wrong kubelets, controllers and API servers: what each does wrong, and where its code differs.

A mutant is a piece of one function's source and what stands in its place. The function keeps its identity and gets the
code of the changed one, so that whoever imported it is wrong as well.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """``place``: module and function, ``kubelet.termination:prerequisites``; ``old`` occurs there once."""

    name: str
    does: str
    place: str
    old: str
    new: str

    def function(self) -> FunctionType:
        """The function that is wrong."""
        module, _, path = self.place.partition(":")
        found: Any = import_module(f"kubesim.{module}")
        for part in path.split("."):
            found = inspect.getattr_static(found, part)
        if isinstance(found, property):
            found = found.fget
        assert isinstance(found, FunctionType), self.place
        return found


@contextmanager
def wrong(mutant: Mutant) -> Iterator[None]:
    """While this lasts the mutant is what runs. Raises ValueError if the code is no longer what it was."""
    function = mutant.function()
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: {mutant.old!r} occurs {source.count(mutant.old)} times in {mutant.place}")
    lines = source.replace(mutant.old, mutant.new).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("def "))
    made: dict[str, Any] = {}
    text = "from __future__ import annotations\n" + "\n".join(lines[start:])
    exec(compile(text, f"<{mutant.name}>", "exec"), function.__globals__, made)  # code of our own
    kept = function.__code__
    function.__code__ = made[function.__name__].__code__
    _forget()
    try:
        yield
    finally:
        function.__code__ = kept
        _forget()


_ROOMS = ("store", "scheduler", "kubelet", "job_controller", "objects", "scripts")


def _forget() -> None:
    """Empty what is remembered of earlier answers: else the right ones would stand in for the wrong ones."""
    for name, module in tuple(sys.modules.items()):
        if name.startswith(tuple(f"kubesim.{room}." for room in _ROOMS)):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


TERMINATION, INITS = "kubelet.termination", "kubelet.init_containers"
ACTIONS, RESTART, PHASE = "kubelet.pod_actions", "kubelet.restart", "kubelet.phase"
BACKOFF, WORKER, CONDITIONS = "kubelet.backoff", "kubelet.probe_worker", "kubelet.conditions"
STATUSES, VERDICT, MANAGE = "kubelet.container_statuses", "job_controller.verdict", "job_controller.manage"

MUTANTS = (
    # -- the order of init containers
    Mutant(
        "init-does-not-wait",
        "starts the next init container while the one before runs",
        f"{INITS}:_entry",
        'return _Entry(Why(f"init container {container.name} is running", ("K-41",)))',
        'return _Entry(Why("go on", ()), releases=True)',
    ),
    Mutant(
        "failed-init-releases",
        "takes a failed init container for one that succeeded",
        f"{INITS}:_exited_init",
        "if not init_container_failed(status):",
        "if True:",
    ),
    Mutant(
        "failed-init-stays",
        "does not retry a failed init container",
        f"{INITS}:_retry",
        'return Why(f"init container {container.name} failed and is retried", ("K-41", "K-46"))',
        "return None",
    ),
    Mutant(
        "failed-init-stays-by-rules",
        "does not retry a failed init container, where rules decide",
        f"{INITS}:_exited_init",
        "if (again := _retry(container, status, pod, release)) is not None:",
        "if (again := None) is not None:",
    ),
    Mutant(
        "inits-run-again",
        "runs the init containers again when a main has ended",
        f"{INITS}:init_actions",
        '    if not previously:\n        why = Why("no init container has run"',
        "    ended = [seen.current(main.name) for main in pod.spec.containers]\n"
        "    if not previously or any(one and one.state is RuntimeState.EXITED for one in ended):\n"
        '        why = Why("no init container has run"',
    ),
    Mutant(
        "new-sandbox-skips-inits",
        "starts the mains at once in a new sandbox",
        f"{ACTIONS}:_sandbox_actions",
        "if pod.spec.init_containers:",
        "if pod.spec.init_containers and not sandbox.attempt:",
    ),
    Mutant(
        "mains-do-not-wait",
        "starts the mains with the last init container",
        f"{INITS}:init_actions",
        "if entry.releases and index == len(entries) - 1:",
        "if index == len(entries) - 1:",
    ),
    # -- sidecars at the beginning
    Mutant(
        "startup-gate-skipped",
        "does not wait for the startup probe of a sidecar",
        f"{INITS}:_running_sidecar",
        'return _Entry(Why(f"sidecar {name} waits for its startup probe", ("K-41", "K-42")))',
        'return _Entry(Why("go on", ()), releases=True)',
    ),
    Mutant(
        "sidecar-never-releases",
        "waits for the exit of a sidecar",
        f"{INITS}:_running_sidecar",
        'return _Entry(Why(f"sidecar {name} is running and started", ("K-41", "K-42")), releases=True)',
        'return _Entry(Why("waits", ()))',
    ),
    Mutant(
        "sidecar-not-restarted",
        "leaves a sidecar that has exited alone",
        f"{INITS}:_entry",
        "return _Entry(why, restart=why)\n        case RuntimeState.EXITED:",
        "return _Entry(why)\n        case RuntimeState.EXITED:",
    ),
    Mutant(
        "sidecar-restart-kills-mains",
        "ends the Pod when a sidecar has exited",
        f"{INITS}:_entry",
        "return _Entry(why, restart=why)\n        case RuntimeState.EXITED:",
        "return _Entry(why, kill_pod=True)\n        case RuntimeState.EXITED:",
    ),
    Mutant(
        "sidecar-liveness-ignored",
        "leaves a sidecar whose liveness probe has failed alone",
        f"{INITS}:_running_sidecar",
        "if container.liveness_probe is not None and",
        "if False and",
    ),
    Mutant(
        "sidecar-startup-failure-ends-pod",
        "ends the Pod when the startup probe of a sidecar has failed",
        f"{INITS}:_running_sidecar",
        "return _killed_sidecar(status, KillReason.STARTUP_PROBE, release, releases=False)",
        'return _Entry(Why("over", ()), kill_pod=True)',
    ),
    Mutant(
        "started-at-once",
        "shows started before the startup probe has passed",
        f"{STATUSES}:_is_started",
        "return result is ProbeResult.SUCCESS",
        "return True",
    ),
    Mutant(
        "never-started",
        "never shows that a container has started",
        f"{STATUSES}:_is_started",
        "return bool(status.started) or status.name not in workers.startup",
        "return False",
    ),
    # -- the end
    Mutant(
        "sidecars-stop-at-once",
        "stops sidecars together with the mains",
        f"{TERMINATION}:prerequisites",
        'if release.policy("termination_order") == "none" or not has_sidecar(pod.spec):',
        "if True:",
    ),
    Mutant(
        "stop-order-swapped",
        "stops sidecars in the order of the list",
        f"{TERMINATION}:prerequisites",
        "for entry in reversed(pod.spec.init_containers):",
        "for entry in pod.spec.init_containers:",
    ),
    Mutant(
        "ordered-everywhere",
        "keeps the order of termination on 1.28",
        f"{TERMINATION}:prerequisites",
        'if release.policy("termination_order") == "none" or not has_sidecar(pod.spec):',
        "if not has_sidecar(pod.spec):",
    ),
    Mutant(
        "mains-stop-last",
        "stops the mains after everything else",
        f"{TERMINATION}:prerequisites",
        "    return found",
        "    return {main: tuple(n for n in running if n not in mains) for main in mains} if mains else found",
    ),
    Mutant(
        "no-minimum-grace",
        "forgets the minimum grace of a stop",
        f"{TERMINATION}:ContainerStop.stop_grace_seconds",
        "return max(self.grace_seconds, self.minimum_seconds)",
        "return max(self.grace_seconds, 0)",
    ),
    Mutant(
        "grace-too-short",
        "gives a stopping Pod 3 s less than it has",
        f"{TERMINATION}:effective_grace",
        "grace = max(grace, release",
        "grace = max(grace - 3, release",
    ),
    Mutant(
        "grace-too-long",
        "gives each stop 15 s more than there are",
        f"{TERMINATION}:ContainerStop.stop_grace_seconds",
        "return max(self.grace_seconds, self.minimum_seconds)",
        "return max(self.grace_seconds + 15, self.minimum_seconds)",
    ),
    Mutant(
        "pre-stop-skipped",
        "runs no preStop",
        f"{TERMINATION}:ContainerStop.pre_stop_limit",
        "return self.grace_seconds * SECOND if self.has_pre_stop and self.grace_seconds > 0 else None",
        "return None",
    ),
    Mutant(
        "pre-stop-not-counted",
        "does not take preStop off the grace",
        f"{TERMINATION}:ContainerStop.after_pre_stop",
        "grace_seconds=self.grace_seconds - elapsed // SECOND",
        "grace_seconds=self.grace_seconds",
    ),
    Mutant(
        "pre-stop-not-waited-for",
        "sends SIGTERM while preStop runs",
        f"{TERMINATION}:ContainerStop.pre_stop_limit",
        "return self.grace_seconds * SECOND if",
        "return SECOND // 2 if",
    ),
    Mutant(
        "failed-pre-stop-untold",
        "says nothing of a preStop that failed",
        "sim.stopping:ContainerKill._pre_stop_ended",
        "if failure is not None:",
        "if failure is None:",
    ),
    Mutant(
        "turn-forgotten",
        "waits for a sidecar's turn beyond the grace",
        f"{TERMINATION}:ContainerStop.turn_limit",
        "return self.grace_seconds * SECOND if self.waits_for_turn and self.grace_seconds > 0 else None",
        "return (self.grace_seconds + 20) * SECOND if self.waits_for_turn else None",
    ),
    Mutant(
        "kill-forgotten",
        "sends no SIGKILL for ten minutes",
        f"{TERMINATION}:ContainerStop.stop_grace_seconds",
        "return max(self.grace_seconds, self.minimum_seconds)",
        "return 600",
    ),
    # -- restarts and back-off
    Mutant(
        "restart-under-never",
        "restarts what has ended under Never",
        f"{RESTART}:restart_after_exit",
        'if policy == "Always" or (policy == "OnFailure" and exit_code != 0):',
        "if True:",
    ),
    Mutant(
        "no-restart-after-zero",
        "does not restart what ended with 0 under Always",
        f"{RESTART}:restart_after_exit",
        'if policy == "Always" or',
        'if policy == "Always" and exit_code != 0 or',
    ),
    Mutant(
        "failures-final",
        "does not restart failures under OnFailure",
        f"{RESTART}:restart_after_exit",
        '(policy == "OnFailure" and exit_code != 0)',
        "False",
    ),
    Mutant(
        "crash-ends-pod",
        "ends the Pod when one of its mains has failed",
        f"{ACTIONS}:_with_mains",
        "if kept == 0 and not starts:",
        "if (kept == 0 and not starts) or any(one.exit_code == 1 for one in seen.containers):",
    ),
    Mutant(
        "back-off-reset",
        "forgets the back-off at each start",
        f"{BACKOFF}:grown",
        "return BackoffRecord(min(2 * record.delay, limits.longest), now)",
        "return BackoffRecord(0, now)",
    ),
    Mutant(
        "back-off-constant",
        "does not double the back-off",
        f"{BACKOFF}:grown",
        "return BackoffRecord(min(2 * record.delay, limits.longest), now)",
        "return BackoffRecord(record.delay, now)",
    ),
    Mutant(
        "first-restart-delayed",
        "delays the first restart",
        f"{BACKOFF}:start_permitted",
        "return BackoffDecision(True, now, 0, grown(record, finished_at, now, limits))",
        "return BackoffDecision(now >= finished_at + 20 * 10**9, finished_at + 20 * 10**9, 20 * 10**9, "
        "grown(record, finished_at, now, limits) if now >= finished_at + 20 * 10**9 else record)",
    ),
    Mutant(
        "back-off-never-reset",
        "keeps the back-off after a run of ten minutes",
        f"{BACKOFF}:crash_reset_window",
        "    if release",
        "    return 10**15\n    if release",
    ),
    Mutant(
        "back-off-shared",
        "counts the back-off of a whole Pod",
        f"{BACKOFF}:crash_backoff_key",
        "return (pod.metadata.name, pod.metadata.namespace, pod.metadata.uid, container.name, last)",
        'return (pod.metadata.name, pod.metadata.namespace, pod.metadata.uid, "", "")',
    ),
    Mutant(
        "pull-back-off-reset",
        "pulls a missing image again and again",
        f"{BACKOFF}:pull_permitted",
        "if record is None or now - record.updated_at > limits.reset_after:",
        "if record is None or now - record.updated_at > 10**9:",
    ),
    Mutant(
        "restart-count-stuck",
        "never raises restartCount",
        f"{STATUSES}:_seen",
        "        restart_count=restart_count,",
        "        restart_count=0 if len(runs) % 2 else restart_count,",
    ),
    Mutant(
        "last-state-forgotten",
        "shows no last state",
        f"{STATUSES}:_seen",
        "        last_state=last_state,",
        "        last_state=None,",
    ),
    Mutant(
        "crash-loop-hidden",
        "does not show CrashLoopBackOff",
        f"{STATUSES}:_will_restart",
        "    if inputs.pod.metadata",
        "    return False\n    if inputs.pod.metadata",
    ),
    Mutant(
        "exit-code-lost",
        "shows every exit code as 0",
        f"{STATUSES}:_state",
        "exit_code=run.exit_code,",
        "exit_code=0,",
    ),
    # -- phases and conditions
    Mutant(
        "sidecars-in-the-phase",
        "counts the exit codes of sidecars into the phase",
        f"{PHASE}:_count_sidecar",
        "case (Terminated(), _) | (Waiting(), Terminated()):\n            pass",
        "case (Terminated(), _) | (Waiting(), Terminated()):\n            count.stopped += 1",
    ),
    Mutant(
        "sidecars-hold-the-phase",
        "takes a sidecar that has ended for one to come",
        f"{PHASE}:_count_sidecar",
        "case (Terminated(), _) | (Waiting(), Terminated()):\n            pass",
        "case (Terminated(), _) | (Waiting(), Terminated()):\n            count.running += 1",
    ),
    Mutant(
        "success-is-failure",
        "takes success for failure",
        f"{PHASE}:pod_phase",
        "return SUCCEEDED if rest.stopped == rest.succeeded else FAILED",
        "return FAILED",
    ),
    Mutant(
        "waiting-is-running",
        "shows Running while a container waits for its image",
        f"{PHASE}:pod_phase",
        "    if rest.waiting:\n        return PENDING",
        "    if rest.waiting:\n        return RUNNING",
    ),
    Mutant(
        "initialized-at-once",
        "shows Initialized at once",
        f"{CONDITIONS}:initialized_condition",
        "return _condition(pod, INITIALIZED, False,",
        "return _condition(pod, INITIALIZED, True,",
    ),
    Mutant(
        "initialized-never",
        "never shows Initialized",
        f"{CONDITIONS}:initialized_condition",
        "    if not unknown and not incomplete:\n        return _condition(pod, INITIALIZED, True, release)\n"
        '    if main_has_started(pod, statuses) or (was_true and release.policy("initialized_stays_true")):\n'
        "        return _condition(pod, INITIALIZED, True, release)\n",
        "",
    ),
    Mutant(
        "sidecars-not-counted-ready",
        "does not ask whether sidecars are ready",
        f"{CONDITIONS}:containers_ready_condition",
        "pod.spec.sidecars if sidecars_known(release) else ()",
        "()",
    ),
    Mutant(
        "ready-whatever",
        "shows Ready whatever the containers are",
        f"{CONDITIONS}:ready_condition",
        'if containers_ready.status != "True":',
        "if False:",
    ),
    Mutant(
        "containers-ready-whatever",
        "shows ContainersReady whatever the containers are",
        f"{CONDITIONS}:containers_ready_condition",
        "if not unknown and not unready:",
        "if True:",
    ),
    # -- probes
    Mutant(
        "startup-does-not-hold-others",
        "runs the other probes before the startup probe has passed",
        f"{WORKER}:tick",
        "if (seen.started is True) == (worker.type is ProbeType.STARTUP):",
        "if False:",
    ),
    Mutant(
        "no-threshold",
        "acts on the first answer of a probe",
        f"{WORKER}:_threshold",
        "return probe.success_threshold if result is ProbeResult.SUCCESS else probe.failure_threshold",
        "return 1",
    ),
    Mutant(
        "no-initial-delay",
        "does not wait for initialDelaySeconds",
        f"{WORKER}:_delay_ends",
        "worker.probe.initial_delay_seconds * SECOND",
        "0",
    ),
    Mutant(
        "liveness-ignored",
        "leaves a main whose liveness probe has failed alone",
        f"{ACTIONS}:_running_main",
        "elif probes.liveness.get(status.id) is ProbeResult.FAILURE:",
        "elif False:",
    ),
    Mutant(
        "startup-failure-ignored",
        "leaves a main whose startup probe has failed alone",
        f"{ACTIONS}:_running_main",
        "elif probes.startup.get(status.id) is ProbeResult.FAILURE:",
        "elif False:",
    ),
    Mutant(
        "readiness-kills",
        "stops a main that is not ready",
        f"{ACTIONS}:_running_main",
        "elif probes.liveness.get(status.id) is ProbeResult.FAILURE:",
        "elif probes.readiness.get(status.id) is ProbeResult.FAILURE:",
    ),
    Mutant(
        "not-ready-without-probe",
        "takes what has no readiness probe for not ready",
        f"{STATUSES}:_is_ready",
        "return status.name not in workers.readiness",
        "return False",
    ),
    Mutant(
        "liveness-after-ready",
        "runs the liveness probe only when the container is ready",
        f"{WORKER}:tick",
        "if now < _delay_ends(worker, seen.state):",
        "if now < _delay_ends(worker, seen.state) or (worker.type is ProbeType.LIVENESS and not seen.ready):",
    ),
    Mutant(
        "sidecar-liveness-ends-pod",
        "ends the Pod when the liveness probe of a sidecar has failed",
        f"{INITS}:_running_sidecar",
        "return _killed_sidecar(status, KillReason.LIVENESS_PROBE, release, releases=True)",
        'return _Entry(Why("over", ()), kill_pod=True)',
    ),
    Mutant(
        "sidecar-stopped-early",
        "stops and starts a sidecar at every pass",
        f"{INITS}:_running_sidecar",
        'return _Entry(Why(f"sidecar {name} is running and started", ("K-41", "K-42")), releases=True)',
        "return _killed_sidecar(status, KillReason.OTHER, release, releases=True)",
    ),
    Mutant(
        "old-node-does-not-wait",
        "starts the mains while the last init container runs, on nodes that do not know sidecars",
        "kubelet.init_containers_legacy:legacy_init_actions",
        "if status.state is RuntimeState.RUNNING:",
        "if False:",
    ),
    Mutant(
        "old-node-goes-on",
        "takes a running init container for one that is done, on nodes that do not know sidecars",
        "kubelet.init_containers_legacy:legacy_init_actions",
        'return InitActions(why=Why(f"init container {status.name} is running", _RULE))',
        'return InitActions(done=True, why=Why("go on", _RULE))',
    ),
    Mutant(
        "one-main-at-a-time",
        "starts one main at a pass",
        f"{ACTIONS}:_with_mains",
        "return replace(base, mains_to_start=tuple(starts), kills=together)",
        "return replace(base, mains_to_start=tuple(starts[:1] if not kept else ()), kills=together)",
    ),
    Mutant(
        "oom-ends-pod",
        "ends the Pod when a container is killed for its memory",
        f"{ACTIONS}:_with_mains",
        "if kept == 0 and not starts:",
        'if (kept == 0 and not starts) or any(one.reason == "OOMKilled" for one in seen.containers):',
    ),
    Mutant(
        "waiting-without-reason",
        "does not say that a container waits for the init containers",
        f"{STATUSES}:_default",
        'Waiting("PodInitializing" if inputs.pod.spec.init_containers else "ContainerCreating")',
        'Waiting("Waiting")',
    ),
    Mutant(
        "phase-of-its-own",
        "invents a phase",
        f"{PHASE}:pod_phase",
        "    if rest.running:\n        return RUNNING",
        '    if rest.running:\n        return "Started"',
    ),
    Mutant(
        "object-goes-early",
        "lets the object of a Pod go while its containers run",
        "sim.status_manager:StatusManager.write",
        "if entry.finished and can_be_deleted(self.kubelet.decoded(stored, entry.pod), finished=True):",
        'if "deletionTimestamp" in stored["metadata"]:',
    ),
    Mutant(
        "kill-survived",
        "lets a program that gets SIGKILL go on",
        "sim.runtime:Runtime._send",
        "if instance.ended:",
        'if instance.ended or signal == "KILL":',
    ),
    # -- hooks, deadlines
    Mutant(
        "post-start-not-waited-for",
        "does not wait for postStart",
        "sim.container_start:ContainerStart._runs",
        "run_hook(kubelet",
        "self._succeed()\n    run_hook(kubelet",
    ),
    Mutant(
        "post-start-late",
        "runs postStart ten seconds late",
        "sim.container_start:ContainerStart._runs",
        "run_hook(kubelet, self.pod, container, self._made(),",
        "kubelet.clock.after(10**10, run_hook, kubelet, self.pod, container, self._made(),",
    ),
    Mutant(
        "post-start-failure-ignored",
        "leaves a container whose postStart has failed alone",
        "sim.container_start:ContainerStart._post_start_done",
        "if failure is None:",
        "if True:",
    ),
    Mutant(
        "pod-deadline-ignored",
        "lets a Pod run past its deadline",
        "sim.status_reports:StatusReports._deadline_verdict",
        "limit = worker.pod.spec.active_deadline_seconds",
        "limit = None",
    ),
    Mutant(
        "status-stuck",
        "reports only the first status of each container",
        f"{STATUSES}:_state",
        "case RuntimeState.EXITED:",
        "case RuntimeState.EXITED if old is None:",
    ),
    # -- Jobs
    Mutant(
        "job-ignores-limit",
        "creates Pods beyond backoffLimit",
        f"{VERDICT}:_limit_verdict",
        "if census.failed > job.spec.backoff_limit:",
        "if False:",
    ),
    Mutant(
        "job-gives-up-early",
        "fails a Job one failure too early",
        f"{VERDICT}:_limit_verdict",
        "if census.failed > job.spec.backoff_limit:",
        "if census.failed >= job.spec.backoff_limit > 0:",
    ),
    Mutant(
        "restarts-not-counted",
        "does not count restarts under OnFailure",
        f"{VERDICT}:past_backoff_on_failure",
        "return restarts >= max(job.spec.backoff_limit, 1)",
        "return False",
    ),
    Mutant(
        "sidecar-restarts-not-counted",
        "does not count the restarts of init containers and sidecars",
        f"{VERDICT}:past_backoff_on_failure",
        "for status in (*pod.status.init_container_statuses, *pod.status.container_statuses)",
        "for status in pod.status.container_statuses",
    ),
    Mutant(
        "restart-limit-exceeded",
        "lets restarts exceed the limit before it fails a Job",
        f"{VERDICT}:past_backoff_on_failure",
        "return restarts >= max(job.spec.backoff_limit, 1)",
        "return restarts > max(job.spec.backoff_limit, 1)",
    ),
    Mutant(
        "job-deadline-ignored",
        "lets a Job run past its deadline",
        f"{VERDICT}:deadline_of",
        "    if job",
        "    return None\n    if job",
    ),
    Mutant(
        "too-many-pods",
        "runs one Pod more than parallelism",
        f"{MANAGE}:wanted_active",
        "return max(0, min(spec.parallelism, spec.completions - census.succeeded))",
        "return spec.parallelism + 1",
    ),
    Mutant(
        "job-never-complete",
        "does not see that the completions are reached",
        "job_controller.sync:_is_complete",
        "    return ",
        "    return False and ",
    ),
    Mutant(
        "job-complete-early",
        "is done with the first success",
        "job_controller.sync:_is_complete",
        "    return ",
        "    return counted.succeeded > 0 or ",
    ),
    Mutant(
        "retries-at-once",
        "replaces failed Pods at once",
        "job_controller.backoff:delay_after",
        "    return ",
        "    return 0 and ",
    ),
    Mutant(
        "replaces-only-failed",
        "waits for the end of a deleted Pod before it replaces it",
        "job_controller.pods:only_failed_replaced",
        "return failure_policy(job, release) is not None",
        "return True",
    ),
    Mutant(
        "terminal-at-once",
        "writes Complete or Failed while Pods still end",
        "job_controller.accounting:_may_finish",
        "return accounting.terminating == 0 or",
        "return True or",
    ),
    Mutant(
        "failed-pod-not-replaced",
        "creates no Pod after a failed one",
        f"{MANAGE}:_create",
        "    job = census.job",
        "    job = census.job\n    if census.failed:\n        return PodChanges()",
    ),
    Mutant(
        "forbid-ignored",
        "starts Jobs beside running ones under Forbid",
        "job_controller.cron:_start",
        'if spec.concurrency_policy == "Forbid" and status.active:',
        "if False:",
    ),
    # -- the API server, the scheduler
    Mutant(
        "default-grace-wrong",
        "deletes with 7 s of grace where none is asked for",
        "store.deletion:_first_grace",
        'spec.get("terminationGracePeriodSeconds", _DEFAULT_GRACE_SECONDS) if grace is None else grace',
        "7 if grace is None else grace",
    ),
    Mutant(
        "plain-inits-may-have-probes",
        "takes an init container with a probe",
        "store.validation_containers:init_errors",
        "if sidecar:",
        "if True:",
    ),
    Mutant(
        "job-takes-always",
        "takes a Job with restartPolicy Always",
        "store.validation_job:_restart_policy_errors",
        "    policy = ",
        "    return []\n    policy = ",
    ),
    Mutant(
        "gate-off-runs-anyway",
        "runs Pods with sidecars on a node with the gate off",
        "sim.kubelet_admission:refusal",
        'if offender is None or release.policy("sidecar_field_at_kubelet") != "reject":',
        "if True:",
    ),
    Mutant(
        "probe-defaults-wrong",
        "probes every half minute where no period is given",
        "store.defaulting:_probe",
        "    for key, value in _PROBE_DEFAULTS:",
        '    filled["periodSeconds"] = filled.get("periodSeconds") or 30\n    for key, value in _PROBE_DEFAULTS:',
    ),
    Mutant(
        "field-not-dropped",
        "keeps restartPolicy of init containers with the gate off",
        "store.disabled_fields:_drops",
        'case "drop":',
        'case "never":',
    ),
    Mutant(
        "phase-stays-running",
        "never gets to a terminal phase",
        f"{PHASE}:pod_phase",
        "if terminal and not is_static(pod):\n        return SUCCEEDED if rest.stopped == rest.succeeded else FAILED",
        "if terminal:\n        return RUNNING",
    ),
    Mutant(
        "names-not-checked",
        "takes two containers of one name",
        "store.validation_containers:main_errors",
        "if name in names:",
        "if False:",
    ),
    Mutant(
        "never-by-default",
        "takes Never for the default restartPolicy",
        "store.defaulting:default_template_spec",
        '"Always"',
        '"Never"',
    ),
    Mutant(
        "sidecar-requests-forgotten",
        "does not add the requests of sidecars",
        "scheduler.resources:effective_requests",
        "asked = _maximum(_sum((together, sidecars)), peak)",
        "asked = _maximum(together, peak)",
    ),
    Mutant(
        "gates-ignored",
        "schedules gated Pods",
        "scheduler.pods:PodInfo.is_gated",
        "    return ",
        "    return False and ",
    ),
    Mutant(
        "requests-not-summed",
        "takes every node to have room",
        "scheduler.resources:missing_resources",
        "    return ",
        "    return () and ",
    ),
    # -- what takes a run of its own to show (directed.py)
    Mutant(
        "sidecar-probes-refused",
        "refuses probes and hooks of sidecars",
        "store.validation_containers:init_errors",
        'sidecar = container.get("restartPolicy") == "Always"',
        "sidecar = False",
    ),
    Mutant(
        "old-node-runs-inits-twice",
        "runs each init container twice, on nodes that do not know sidecars",
        "kubelet.init_containers_legacy:legacy_init_actions",
        'why = Why(f"init container {status.name} succeeded", _RULE)',
        'why = Why("twice", _RULE)\n'
        "            if status.restart_count == 0:\n"
        "                return InitActions(to_start=(Start(status.name, why),), why=why)",
    ),
    Mutant(
        "webhook-knows-all-fields",
        "lets webhooks with old client libraries keep what they do not know",
        "store.webhooks_review:_changes",
        "decode(obj, about.kind, release).object",
        "obj",
    ),
    Mutant(
        "network-not-waited-for",
        "starts containers half a minute before the sandbox is up",
        "sim.runtime:Runtime._sandbox_runs",
        'self._record(pod, SANDBOX, attempt, "start", container_id=sandbox.id)',
        'self.clock.after(30 * 10**9, lambda: self._record(pod, SANDBOX, attempt, "start", container_id=sandbox.id))',
    ),
    Mutant(
        "readiness-failure-kills",
        "takes a readiness probe that fails for a liveness probe",
        "sim.probing:ProbeManager.change",
        "store[change.container_id] = change.result",
        "store[change.container_id] = change.result\n"
        "    if output:\n"
        "        self._of(uid).liveness[change.container_id] = change.result",
    ),
    Mutant(
        "startup-probed-forever",
        "goes on with the startup probe after it has passed",
        f"{WORKER}:tick",
        "if (seen.started is True) == (worker.type is ProbeType.STARTUP):",
        "if seen.started is not True and worker.type is not ProbeType.STARTUP:",
    ),
    Mutant(
        "oom-kills-siblings",
        "stops the other containers when one is killed for its memory",
        f"{ACTIONS}:_with_mains",
        "kill = _running_main(main, status, pod, probes, release)",
        "kill = _running_main(main, status, pod, probes, release)\n"
        "            current = [seen.current(one.name) for one in pod.spec.containers]\n"
        '            if any(one is not None and one.reason == "OOMKilled" for one in current):\n'
        '                kill = Kill(status.id, main.name, KillReason.OTHER, "memory", True, Why("memory", ()))',
    ),
    Mutant(
        "ends-before-it-starts",
        "dates the end of a run before its start",
        f"{STATUSES}:_state",
        "finished_at=run.finished_at,",
        "finished_at=run.started_at - 5 * 10**9,",
    ),
    Mutant(
        "success-becomes-failure",
        "takes back the success of a Pod in the last update",
        "kubelet.status_manager:terminate_status",
        "if phase not in TERMINAL_PHASES and not is_static(pod):",
        "if not is_static(pod):",
    ),
    Mutant(
        "pods-may-move",
        "lets a Pod be bound to another node",
        "store.update_rules:pod_update_errors",
        "    errors: list[FieldError] = []\n",
        "    return []\n    errors: list[FieldError] = []\n",
    ),
    Mutant(
        "unschedulable-forever",
        "binds a Pod and goes on saying that it fits nowhere",
        "store.store:Store.bind",
        'status = with_condition(pod["status"], condition, now)',
        'status = pod["status"]',
    ),
    Mutant(
        "failed-is-complete-as-well",
        "writes Complete beside Failed",
        "job_controller.accounting:conclude",
        "status = with_condition(status, final)",
        "status = with_condition(with_condition(status, final), replace(final, type=COMPLETE))",
    ),
)
"""In the order in which they are reported."""

DROPPED = (
    (
        "retries a failed init container under Never",
        "the status already says Failed when the retry would be decided, and the Pod worker decides nothing after that",
    ),
    (
        "goes on with the Pod's containers while it is deleted",
        "the Pod worker asks for no starts once it has seen the deletion",
    ),
    (
        "takes success for failure where restart rules decide, before the Pod has ended",
        "that phase only tells the Pod worker to end the Pod; what is written comes from the status after the last "
        "container, where success-is-failure is wrong",
    ),
    (
        "shows Running before the init containers are done",
        "the mains that wait hold the phase at Pending as well; in a new sandbox they do not, but of that no page "
        "promises anything",
    ),
)
"""Wrong kubelets that were tried and that no run can show: what each did wrong, and why nothing breaks."""
