"""One sync of one Job on the clock, step by step as it meets the API server (J-21).

Pods first, then the first status write, the finalizers, and the last status write. ``kubesim.job_controller`` decides
each step; here requests are sent, their replies counted, and what was done is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from kubesim.history.records import Decided, DecidedAction
from kubesim.job_controller.accounting import Accounting, conclude
from kubesim.job_controller.claims import Claims
from kubesim.job_controller.decision import (
    FinalizerRemoval,
    JobDecision,
    Memory,
    PodOutcome,
    PodToCreate,
    PodToDelete,
    StatusWrite,
    Why,
)
from kubesim.job_controller.events import JobEvent, normal, warning
from kubesim.job_controller.expectations import (
    creation_observed,
    deletion_observed,
    finalizer_removal_observed,
    finalizers_expected,
)
from kubesim.job_controller.manage import creation_batches
from kubesim.job_controller.sync import Accounted, Begun, account_for, begin, ends_in_error, skipped
from kubesim.objects.job import JobView
from kubesim.objects.pod import Pod, pod_view
from kubesim.sim.job_control_cache import Key
from kubesim.sim.job_control_requests import ACTOR, ClaimPod, CreatePod, DeletePod, FreePod, WriteJobStatus
from kubesim.store import Reply

if TYPE_CHECKING:
    from kubesim.sim.job_control import JobController

_NOT_FOUND = 404
_CLAIMS = Why("the selector decides whose a pod is", ("J-3", "J-4"))
_PODS = Why("pods are managed", ("J-20",))
_OVER = Why("all pods are counted and none is terminating any more", ("J-31", "J-46"))


class JobSync:
    """A sync under way. ``begin`` starts it; the controller's ``synced`` is called when it is over."""

    def __init__(self, controller: JobController, key: Key, job: JobView) -> None:
        self.controller = controller
        self.key = key
        self.job = job
        self.version = job.metadata.resource_version
        self.begun: Begun | None = None
        self.created = 0
        self.deleted: set[str] = set()
        self.removed: set[str] = set()
        self.failed = False
        self.unseen_writes = controller.has_unseen_writes(key)
        self._open = 0
        self._batches: list[tuple[PodToCreate, ...]] = []

    # -- pods ---------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Decide what becomes of the pods, and ask for it."""
        controller = self.controller
        claims = controller.claims(self.job)
        if skipped(self.job, self._memory(), controller.release) is None and (claims.adopted or claims.released):
            self._claim(claims)
        else:
            self._begin_with(controller.cache.pods_to_count(self.job))

    def _claim(self, claims: Claims) -> None:
        """Take pods that nobody controls, and let go those that the selector selects no more."""
        store, adopted, released = self.controller.api.store, claims.adopted, claims.released
        self._open = len(adopted) + len(released)
        gone = frozenset(pod["metadata"]["uid"] for pod in released)
        own = [pod for pod in self.controller.cache.pods_to_count(self.job) if pod.metadata.uid not in gone]
        self._record(_claim_actions(claims), _CLAIMS)
        for pods, adopt in ((adopted, True), (released, False)):
            for pod in pods:
                call = ClaimPod(store, self.job, pod["metadata"]["name"], adopt)
                self.controller.client.ask(call, partial(self._was_claimed, own, adopt))

    def _was_claimed(self, own: list[Pod], adopt: bool, reply: Reply) -> None:
        if reply.ok and reply.object is not None:
            self._wrote("Pod", reply)
            if adopt:
                own.append(pod_view(reply.object))
        elif reply.code != _NOT_FOUND:
            self.failed = True
        self._open -= 1
        if not self._open:
            self._begin_with(tuple(own))

    def _memory(self) -> Memory:
        """What is remembered now, with the writes that were unseen when the sync began."""
        return replace(self.controller.memory(self.key), unseen_writes=self.unseen_writes)

    def _begin_with(self, pods: tuple[Pod, ...]) -> None:
        controller, memory = self.controller, self._memory()
        begun = begin(self.job, pods, memory, controller.release, controller.clock.now)
        controller.remember(self.key, replace(begun.memory, unseen_writes=False))
        if isinstance(begun, JobDecision):
            self._emit(begun.events)
            controller.synced(self.key, failed=begun.retry_with_backoff)
            return
        self.begun = begun
        self._record(_pod_actions(begun, is_new_wait=begun.census.record != memory.record), _PODS)
        for requeue in begun.requeues:
            controller.queue.add(self.key, requeue.after)
        if begun.changes.creations:
            self._batches = _cut(begun.changes.creations)
            self._create_batch()
        elif begun.changes.deletions:
            self._delete(begun.changes.deletions)
        else:
            self._account(begun)

    def _create_batch(self) -> None:
        batch = self._batches.pop(0)
        self._open = len(batch)
        for place in batch:
            call = CreatePod(self.controller.api.store, self.controller.release, self.job, place)
            self.controller.client.ask(call, self._was_created)

    def _was_created(self, reply: Reply) -> None:
        """A pod is there, or was refused; after a batch with an error the rest is left for another sync (J-27)."""
        controller, release = self.controller, self.controller.release
        self._open -= 1
        if reply.ok:
            self.created += 1
            self._wrote("Pod", reply)
            self._emit((normal("SuccessfulCreate", release, pod=_name_in(reply)),))
        else:
            self.failed = True
            self._emit((warning("FailedCreate", release, error=reply.message),))
            controller.lower(self.key, creation_observed)
        if self._open:
            return
        if self.failed:
            skipped = sum(map(len, self._batches))
            controller.lower(self.key, partial(creation_observed, count=skipped))
            self._batches.clear()
        if self._batches:
            self._create_batch()
        else:
            self._account(self._begun)

    def _delete(self, deletions: Sequence[PodToDelete]) -> None:
        self._open = len(deletions)
        for deletion in deletions:
            if deletion.release_first:
                call = FreePod(self.controller.api.store, self.job.metadata.namespace, deletion.name)
                self.controller.client.ask(call, partial(self._was_freed, deletion))
            else:
                self._ask_to_delete(deletion)

    def _was_freed(self, deletion: PodToDelete, reply: Reply) -> None:
        """The finalizer is off a surplus pod, so that the pod does not count as a failure (J-22, J-24)."""
        if reply.ok:
            self._wrote("Pod", reply)
            self._ask_to_delete(deletion)
        else:
            self._deletion_is_over(deletion, reply)

    def _ask_to_delete(self, deletion: PodToDelete) -> None:
        call = DeletePod(self.controller.api.store, self.job.metadata.namespace, deletion.name)
        self.controller.client.ask(call, partial(self._was_deleted, deletion))

    def _was_deleted(self, deletion: PodToDelete, reply: Reply) -> None:
        release = self.controller.release
        if reply.ok:
            self._emit((normal("SuccessfulDelete", release, pod=deletion.name),))
        elif reply.code != _NOT_FOUND:
            self._emit((warning("FailedDelete", release, error=reply.message),))
        self._deletion_is_over(deletion, reply)

    def _deletion_is_over(self, deletion: PodToDelete, reply: Reply) -> None:
        if reply.ok or reply.code == _NOT_FOUND:
            self.deleted.add(deletion.uid)
        else:
            self.failed = True
        if not reply.ok and self._begun.managed:
            self.controller.lower(self.key, deletion_observed)
        self._open -= 1
        if not self._open:
            self._account(self._begun)

    # -- status and finalizers ----------------------------------------------------------------------------------------

    def _account(self, begun: Begun) -> None:
        """Decide the first status write, now that it is known what became of the pods."""
        controller = self.controller
        current = replace(begun, memory=controller.memory(self.key))
        outcome = PodOutcome(self.created, frozenset(self.deleted))
        accounted = account_for(current, outcome, controller.release, controller.clock.now)
        if accounted.verdict is not None and not self._verdict_stands:
            self._record_end(accounted.verdict.type, accounted.why)
        self._emit(accounted.events)
        if accounted.accounting.write is None:
            self._free(accounted.accounting)
        else:
            self._write(accounted.accounting.write, partial(self._was_counted, accounted))

    def _was_counted(self, accounted: Accounted, reply: Reply) -> None:
        """The pods that ended are listed in the status; their finalizers may go."""
        if not reply.ok:
            self._end(failed=True)
            return
        memory = self.controller.memory(self.key)
        self.controller.remember(self.key, replace(memory, record=accounted.memory.record))
        self._free(accounted.accounting)

    def _free(self, accounting: Accounting) -> None:
        if not accounting.removals:
            self._conclude(accounting)
            return
        self._open = len(accounting.removals)
        uids = frozenset(removal.uid for removal in accounting.removals)
        self.controller.lower(self.key, partial(finalizers_expected, uids=uids))
        for removal in accounting.removals:
            call = FreePod(self.controller.api.store, self.job.metadata.namespace, removal.name)
            self.controller.client.ask(call, partial(self._was_released, accounting, removal))

    def _was_released(self, accounting: Accounting, removal: FinalizerRemoval, reply: Reply) -> None:
        if reply.ok:
            self._wrote("Pod", reply)
        else:
            self.controller.lower(self.key, partial(finalizer_removal_observed, uid=removal.uid))
        if reply.ok or reply.code == _NOT_FOUND:
            self.removed.add(removal.uid)
        else:
            self.failed = True
        self._open -= 1
        if not self._open:
            self._conclude(accounting)

    def _conclude(self, accounting: Accounting) -> None:
        """Decide the last status write: what was counted, and how the Job ended."""
        controller = self.controller
        conclusion = conclude(accounting, frozenset(self.removed), controller.release, controller.clock.now)
        if conclusion.write is None:
            self._end(failed=False)
            return
        if conclusion.finished and self._verdict_stands:
            self._record_end(conclusion.write.status.conditions[-1].type, _OVER)
        self._write(conclusion.write, partial(self._was_concluded, conclusion.events, conclusion.finished))

    def _was_concluded(self, events: tuple[JobEvent, ...], finished: bool, reply: Reply) -> None:
        if reply.ok:
            self._emit(events)
            if finished:
                memory = self.controller.memory(self.key)
                self.controller.remember(self.key, replace(memory, terminal_written=True))
        self._end(failed=not reply.ok)

    def _end(self, *, failed: bool) -> None:
        requests_failed = failed or self.failed
        is_error = ends_in_error(self._begun, self.controller.release, requests_failed=requests_failed)
        self.controller.synced(self.key, failed=is_error)

    # -- helpers ------------------------------------------------------------------------------------------------------

    @property
    def _begun(self) -> Begun:
        """The decision on the pods, which every later step has behind it."""
        if self.begun is None:
            raise RuntimeError(f"the sync of Job {'/'.join(self.key)} has not begun")
        return self.begun

    def _write(self, write: StatusWrite, then: Any) -> None:
        call = WriteJobStatus(self.controller.api.store, self.job, write.status, self.version)
        self.controller.client.ask(call, partial(self._was_written, then))

    def _was_written(self, then: Any, reply: Reply) -> None:
        if reply.ok and reply.object is not None:
            self.version = reply.object["metadata"]["resourceVersion"]
            self._wrote("Job", reply)
        then(reply)

    def _wrote(self, kind: str, reply: Reply) -> None:
        if reply.object is not None:
            self.controller.wrote(self.key, kind, int(reply.object["metadata"]["resourceVersion"]))

    def _emit(self, events: Sequence[JobEvent]) -> None:
        for event in events:
            self.controller.events.emit(self.job.raw, event.type, event.reason, event.message)

    @property
    def _verdict_stands(self) -> bool:
        """Whether an earlier sync decided how the Job ends, and said so."""
        verdict = self._begun.verdict
        return verdict is not None and verdict.stands

    def _record_end(self, condition: str, why: Why) -> None:
        action = DecidedAction(do=f"end with {condition}", why=why.text, rules=why.rules)
        self._record((action,), why)

    def _record(self, actions: Sequence[DecidedAction], why: Why) -> None:
        """What was decided and why, unless nothing was."""
        if actions:
            self.controller.recorder.record(
                Decided(
                    at=self.controller.clock.now,
                    actor=ACTOR,
                    namespace=self.key[0],
                    name=self.key[1],
                    pass_="SyncJob",
                    actions=tuple(actions),
                    why=why.text,
                    rules=why.rules,
                )
            )


def _pod_actions(begun: Begun, *, is_new_wait: bool) -> list[DecidedAction]:
    """One action for all pods that are created or deleted for the same reason; what holds creations back, once."""
    counts: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for do, changes in (("create", begun.changes.creations), ("delete", begun.changes.deletions)):
        for change in changes:
            group = (do, change.why.text, change.why.rules)
            counts[group] = counts.get(group, 0) + 1
    actions = [
        DecidedAction(do=f"{do} {count} pod{'s' if count > 1 else ''}", why=why, rules=rules)
        for (do, why, rules), count in counts.items()
    ]
    if begun.changes.backing_off and is_new_wait:
        actions += [
            DecidedAction(do="wait before the next pod", why=requeue.why.text, rules=requeue.why.rules)
            for requeue in begun.changes.requeues
        ]
    return actions


def _claim_actions(claims: Claims) -> list[DecidedAction]:
    """One action for the pods that the Job takes, and one for those that it lets go."""
    found = []
    for do, pods, why in (
        ("adopt", claims.adopted, "nobody controls what the selector selects"),
        ("release", claims.released, "the selector does not select it any more"),
    ):
        if pods:
            text = f"{do} {len(pods)} pod{'s' if len(pods) > 1 else ''}"
            found.append(DecidedAction(do=text, why=why, rules=_CLAIMS.rules))
    return found


def _cut(creations: tuple[PodToCreate, ...]) -> list[tuple[PodToCreate, ...]]:
    """The creations in batches (J-27)."""
    left = list(creations)
    batches = []
    for size in creation_batches(len(creations)):
        batches.append(tuple(left[:size]))
        del left[:size]
    return batches


def _name_in(reply: Reply) -> str:
    return "" if reply.object is None else str(reply.object["metadata"]["name"])
