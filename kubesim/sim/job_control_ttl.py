"""The TTL controller on the clock: deletes finished Jobs when ``ttlSecondsAfterFinished`` is over (J-38).

A Job has one timer, at its expiry; the controller then reads it anew and deletes it if that says so, too.
Source: ``pkg/controller/ttlafterfinished/ttlafterfinished_controller.go``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from kubesim.history.records import Decided, DecidedAction
from kubesim.job_controller.ttl import ttl_decision
from kubesim.objects.job import job_view
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock, Timer
from kubesim.sim.job_control_cache import Key
from kubesim.sim.job_control_requests import JobClient
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import DELETED, Change, Propagation, Reply, Store
from kubesim.units import Instant

ACTOR: Final = "ttl-after-finished-controller"


class TtlController:
    """Watches Jobs that have a TTL and are finished."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer) -> None:
        self.clock = clock
        self.recorder = recorder
        self.api = api
        self.client = JobClient(clock, timing, api, ACTOR)
        self._timers: dict[Key, Timer] = {}

    @staticmethod
    def wants(change: Change) -> bool:
        """Whether a change can matter: a Job has a TTL."""
        return (change.object.get("spec") or {}).get("ttlSecondsAfterFinished") is not None

    def changed(self, change: Change) -> None:
        """A watch event."""
        key = (change.namespace, change.name)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if change.type == DELETED:
            return
        decision = ttl_decision(job_view(change.object), self.clock.now)
        if decision.delete or decision.after is not None:
            self._timers[key] = self.clock.after(decision.after or 0, self._expired, key, change.uid)

    def _expired(self, key: Key, uid: str) -> None:
        """The TTL seems to be over: read the Job anew."""
        del self._timers[key]
        self.client.ask(partial(_read, self.api.store, key), partial(self._was_read, key, uid))

    def _was_read(self, key: Key, uid: str, reply: Reply) -> None:
        if reply.object is None or reply.object["metadata"]["uid"] != uid:
            return
        decision = ttl_decision(job_view(reply.object), self.clock.now)
        if decision.after is not None:
            self._timers[key] = self.clock.after(decision.after, self._expired, key, uid)
        if not decision.delete:
            return
        action = DecidedAction(do="delete the Job", why=decision.why.text, rules=decision.why.rules)
        self.recorder.record(
            Decided(
                at=self.clock.now,
                actor=ACTOR,
                namespace=key[0],
                name=key[1],
                pass_="ProcessTTL",
                actions=(action,),
                why=decision.why.text,
                rules=decision.why.rules,
            )
        )
        self.client.ask(_DeleteJob(self.api.store, key, uid), _ignore)


@dataclass(frozen=True, slots=True)
class _DeleteJob:
    store: Store
    key: Key
    uid: str

    def __call__(self, now: Instant) -> Reply:
        return self.store.delete(
            "Job",
            *self.key,
            now,
            propagation=Propagation.FOREGROUND,
            uid_precondition=self.uid,
            actor=ACTOR,
        )


def _read(store: Store, key: Key, _now: Instant) -> Reply:
    return store.get("Job", *key)


def _ignore(_reply: Reply) -> None:
    """A Job that is gone, or another by now, needs no deletion."""
