"""Mutating webhooks on the virtual clock: each is called in turn, its answer takes time, and leaves one record.

Departure: what a webhook asks of the cluster is answered as of the instant of its call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from kubesim.history.records import Admitted
from kubesim.releases import Component, Release
from kubesim.releases.release import release
from kubesim.scenario.webhooks import Changes, Https, Python, Webhook
from kubesim.scheduler import pod_info
from kubesim.scheduler.resources import Amounts
from kubesim.sim.admission_https import Unanswered, called_over_https
from kubesim.sim.admission_python import ClusterView, called_in_python
from kubesim.sim.clock import Clock
from kubesim.sim.recorder import Recorder
from kubesim.store import Store
from kubesim.store.disabled_fields import drop_from_pod_spec
from kubesim.store.naming import uid_of
from kubesim.store.raw import Components
from kubesim.store.webhooks import Attributes
from kubesim.store.webhooks_chain import Allowed, Answer, Effect, Failed, Pending, answered, next_webhook
from kubesim.store.webhooks_diff import lost_sidecars
from kubesim.store.webhooks_review import acts_on, answer_in, declared_answer, not_called, review_of
from kubesim.units import Duration

Json = dict[str, Any]

_RULES: Final = {"patched": ("C-31",), "unchanged": ("C-31",)}
_TOO_LATE: Final = "context deadline exceeded"


def _client_of(effect: Effect) -> str:
    """The release of the client library with which the whole object was written back; empty if it was not."""
    match effect.webhook.act:
        case Changes(whole_object=str(client)) if acts_on(effect.webhook.when, effect.before):
            return client
    return ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What webhooks and their records ask about beside the objects."""

    components: Components
    scheduler: Release


class Admission:
    """Drives the mutating phase of requests: calls webhooks, waits for them, records, and lets the request go on."""

    def __init__(self, clock: Clock, recorder: Recorder, store: Store, around: Surroundings) -> None:
        self.clock = clock
        self.recorder = recorder
        self.store = store
        self.around = around
        self._calls = 0
        self._requests = 0

    def carry_out(self, pending: Pending, then: Callable[[Pending], None]) -> None:
        """Call the webhooks of a request one after the other; ``then`` is called when the phase is over."""
        self._requests += 1
        self._next(pending, self._requests, then)

    def _next(self, pending: Pending, number: int, then: Callable[[Pending], None]) -> None:
        webhook = next_webhook(pending.chain)
        if webhook is None:
            then(pending)
            return
        answer, took = self._asked(webhook, pending.chain.about, pending.chain.object)
        self.clock.after(took, self._answered, pending, number, answer, took, then)

    def _answered(
        self, pending: Pending, number: int, answer: Answer, took: Duration, then: Callable[[Pending], None]
    ) -> None:
        effect = answered(pending.chain, answer)
        self._record(pending.chain.about, effect, took, number)
        self._next(pending, number, then)

    def _asked(self, webhook: Webhook, about: Attributes, obj: Json) -> tuple[Answer, Duration]:
        """A webhook's answer, and how long it takes on the virtual clock."""
        if webhook.takes >= webhook.timeout:
            return not_called(webhook, _TOO_LATE), webhook.timeout
        self._calls += 1
        uid = uid_of(f"admission/{about.kind.name}/{about.namespace}/{self._calls}")
        try:
            return self._called(webhook, about, obj, uid), webhook.takes
        except Unanswered as problem:
            took = webhook.timeout if problem.timed_out else webhook.takes
            return Failed(f"failed to call webhook: {problem}"), took

    def _called(self, webhook: Webhook, about: Attributes, obj: Json, uid: str) -> Answer:
        """What the webhook answers; raises Unanswered if it does not."""
        match webhook.act:
            case Https() as act:
                return answer_in(called_over_https(act, review_of(about, obj, uid), webhook.timeout), uid)
            case Python() as act:
                view = ClusterView(self.store, self.around.components)
                returned = called_in_python(act, review_of(about, obj, uid), view)
                return answer_in(returned, uid) if isinstance(returned, dict) else Allowed(tuple(returned or ()))
            case Changes(whole_object=str(client)):
                return declared_answer(webhook, about, obj, release(client, component=Component.APISERVER))
        return declared_answer(webhook, about, obj, self.store.release)

    def _record(self, about: Attributes, effect: Effect, took: Duration, number: int) -> None:
        webhook = effect.webhook
        metadata = effect.after.get("metadata") or {}
        self.recorder.record(
            Admitted(
                at=self.clock.now,
                webhook=webhook.name,
                configuration=webhook.configuration,
                operation=about.operation,
                kind=about.kind.name,
                namespace=about.namespace,
                name=about.name or metadata.get("generateName", ""),
                result=effect.result,
                round=effect.round,
                took=took,
                message=effect.message,
                client=_client_of(effect),
                diff=effect.diff,
                dropped=effect.dropped,
                lost_sidecars=lost_sidecars(effect.before, effect.sent),
                unknown_sidecars=lost_sidecars(effect.sent, effect.after),
                request=number,
                requests=self._asked_of_the_node(about, effect),
                warnings=effect.warnings,
                rules=_RULES.get(effect.result, ("C-33",)),
            )
        )

    def _asked_of_the_node(self, about: Attributes, effect: Effect) -> dict[str, tuple[int, int]]:
        """What the Pod asks of its node before and after, where it differs."""
        if about.kind.name != "Pod" or not effect.diff:
            return {}
        before, after = (self._asks(obj) for obj in (effect.before, effect.after))
        names = [name for name in (*before, *after) if before.get(name, 0) != after.get(name, 0)]
        return {name: (before.get(name, 0), after.get(name, 0)) for name in sorted(set(names))}

    def _asks(self, pod: Json) -> Amounts:
        """The Pod's effective request (C-67), without fields the API server is about to drop (C-20)."""
        spec = drop_from_pod_spec(pod.get("spec") or {}, self.store.release)
        return pod_info({"metadata": {"uid": "", "name": ""}, "spec": spec}, self.around.scheduler).facts.requests
