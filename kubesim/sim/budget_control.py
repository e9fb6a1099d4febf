"""The disruption controller on the clock: keeps the status of every PodDisruptionBudget up to date.

What a budget allows is decided in ``controllers/budgets.py``. Source: ``pkg/controller/disruption``.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, TypeAlias

from kubesim.controllers.budgets import FORGOTTEN_AFTER, NoExpectedCount, budget_status, failed_status
from kubesim.objects.labels import selects
from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.event_recorder import EventRecorder
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Timing
from kubesim.store import DELETED, Change, Reply
from kubesim.store.kinds import KINDS
from kubesim.store.replies import not_found
from kubesim.units import Instant

ACTOR: Final = "disruption-controller"
_EVENT_SOURCE: Final = "controllermanager"
_SCALABLE: Final = ("ReplicaSet", "ReplicationController", "StatefulSet", "Deployment")
Raw: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str]


class BudgetController:
    """Watches PodDisruptionBudgets, and Pods once there is a budget."""

    def __init__(self, clock: Clock, timing: Timing, recorder: Recorder, api: ApiServer, release: Release) -> None:
        self.clock = clock
        self.timing = timing
        self.api = api
        self.events = EventRecorder(_EVENT_SOURCE, "", release, clock, timing, recorder)
        self._selectors: dict[Key, Raw | None] = {}
        self._waiting: set[Key] = set()

    def wants(self, change: Change) -> bool:
        """Whether a change can matter: of a budget, or of a Pod while there is a budget."""
        return change.kind == "PodDisruptionBudget" or bool(self._selectors)

    def changed(self, change: Change) -> None:
        """A watch event: the budgets that it concerns are looked at anew."""
        if change.kind == "PodDisruptionBudget":
            key = (change.namespace, change.name)
            if change.type == DELETED:
                self._selectors.pop(key, None)
                return
            self._selectors[key] = (change.object.get("spec") or {}).get("selector")
            self._later(key)
            return
        labels = change.object["metadata"].get("labels") or {}
        for key, selector in self._selectors.items():
            if key[0] == change.namespace and selects(selector, labels):
                self._later(key)

    def _later(self, key: Key) -> None:
        if key not in self._waiting:
            self._waiting.add(key)
            self.api.request("node-write", ACTOR, partial(self._sync, key))

    def _sync(self, key: Key, now: Instant) -> Reply:
        """Work the status out from what is stored by now, and write it if it differs."""
        self._waiting.discard(key)
        namespace, name = key
        budget = self.api.store.find("PodDisruptionBudget", namespace, name)
        if budget is None:
            return not_found(KINDS["PodDisruptionBudget"], name)
        selector = (budget.get("spec") or {}).get("selector")
        pods = [
            pod
            for pod in self.api.store.list("Pod", namespace)
            if selects(selector, pod["metadata"].get("labels") or {})
        ]
        try:
            status = budget_status(budget, pods, self._owners(namespace), now)
        except NoExpectedCount as problem:
            text = f"Failed to calculate the number of expected pods: {problem}"
            self.events.emit(budget, "Warning", "CalculateExpectedPodCountFailed", text)
            status = failed_status(budget, str(problem), now)
        if not pods:
            self.events.emit(budget, "Normal", "NoPods", "No matching pods found")
        if status.get("disruptedPods"):
            self.clock.after(FORGOTTEN_AFTER, self._later, key)
        return self.api.store.update_status("PodDisruptionBudget", namespace, name, status, now, actor=ACTOR)

    def _owners(self, namespace: str) -> dict[str, Raw]:
        return {owner["metadata"]["uid"]: owner for kind in _SCALABLE for owner in self.api.store.list(kind, namespace)}
