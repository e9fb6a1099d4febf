"""The store as a state machine: whatever is asked of it in whatever order, what an API server promises stays true."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from kubesim.releases import RELEASES, release
from kubesim.store import Change, Reply, Store
from kubesim.units import SECOND

NAMES = st.sampled_from(("a", "b", "c"))


class StoreMachine(RuleBasedStateMachine):
    """A store, and a watcher that knows only what it was shown."""

    pods = Bundle("pods")

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(release(RELEASES[-1], component="apiserver"))
        self.now = 0
        self.version = 0
        self.watched: dict[str, dict[str, Any]] = {}
        self.kept: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.graces: dict[str, int] = {}

    def _said(self, reply: Reply) -> Reply:
        """Take the reply and what was shown of it into account."""
        for change in self.store.take_changes():
            self._shown(change)
        if reply.object is not None:
            self.kept.append((reply.object, copy.deepcopy(reply.object)))
        return reply

    def _shown(self, change: Change) -> None:
        assert change.resource_version > self.version, "versions rise"
        self.version = change.resource_version
        if change.type == "ADDED":
            assert change.uid not in self.watched, "what is new was not there"
        else:
            before = self.watched[change.uid]["metadata"]
            after = change.object["metadata"]
            assert (before["name"], before["uid"]) == (after["name"], after["uid"]), "who it is stays"
            assert before["creationTimestamp"] == after["creationTimestamp"]
            assert not before.get("deletionTimestamp") or after.get("deletionTimestamp"), "a deletion is not undone"
        if change.type == "DELETED":
            assert not change.object["metadata"].get("finalizers"), "finalizers hold an object"
            del self.watched[change.uid]
        else:
            self.watched[change.uid] = change.object

    @rule(seconds=st.integers(0, 40))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule(target=pods, name=NAMES, finalizers=st.lists(st.sampled_from(("x.example.com/f",)), max_size=1))
    def create(self, name: str, finalizers: list[str]) -> Any:
        there = self.store.find("Pod", "default", name)
        raw = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "finalizers": finalizers},
            "spec": {"containers": [{"name": "app", "image": "busybox"}]},
        }
        reply = self._said(self.store.create(raw, self.now))
        assert reply.code == (201 if there is None else 409)
        return name if there is None else multiple()

    @rule(name=pods, node=st.sampled_from(("n1", "n2")))
    def bind(self, name: str, node: str) -> None:
        before = self.store.find("Pod", "default", name)
        reply = self._said(self.store.bind("default", name, node, self.now))
        if before is not None and before["spec"].get("nodeName"):
            assert reply.code >= 400, "a Pod is bound once"

    @rule(name=pods, phase=st.sampled_from(("Running", "Succeeded", "Failed")))
    def report(self, name: str, phase: str) -> None:
        raw = self.store.find("Pod", "default", name)
        if raw is not None:
            spec = copy.deepcopy(raw["spec"])
            self._said(self.store.update_status("Pod", "default", name, {"phase": phase}, self.now))
            after = self.store.find("Pod", "default", name)
            assert after is not None
            assert after["spec"] == spec, "a status update changes no spec"

    @rule(name=pods, value=st.sampled_from(("x", "y")))
    def label(self, name: str, value: str) -> None:
        patch = {"metadata": {"labels": {"l": value}}}
        reply = self._said(self.store.patch("Pod", "default", name, "merge", patch, self.now))
        if reply.code < 300:
            after = self.store.find("Pod", "default", name)
            assert after is not None
            assert after["metadata"]["labels"] == {"l": value}

    @rule(name=pods, grace=st.sampled_from((None, 30, 5, 1)))
    def delete(self, name: str, grace: int | None) -> None:
        before = self.store.find("Pod", "default", name)
        self._said(self.store.delete("Pod", "default", name, self.now, grace=grace))
        after = self.store.find("Pod", "default", name)
        if before is not None and after is not None:
            set_, now = (one["metadata"].get("deletionGracePeriodSeconds") for one in (before, after))
            assert set_ is None or (now is not None and now <= set_), "a grace is only shortened"

    @rule(name=consumes(pods))
    def force(self, name: str) -> None:
        before = self.store.find("Pod", "default", name)
        self._said(self.store.delete("Pod", "default", name, self.now, grace=0))
        after = self.store.find("Pod", "default", name)
        held = before is not None and bool(before["metadata"].get("finalizers"))
        assert (after is not None) == held, "grace 0 removes at once what no finalizer holds"
        if held:
            free = {"metadata": {"finalizers": None}}
            self._said(self.store.patch("Pod", "default", name, "merge", free, self.now))
            assert self.store.find("Pod", "default", name) is None, "the last finalizer lets it go"

    @invariant()
    def the_watcher_knows_what_there_is(self) -> None:
        there = {one["metadata"]["uid"]: one for one in self.store.list("Pod", "default")}
        assert there == self.watched

    @invariant()
    def what_was_given_out_is_never_changed(self) -> None:
        assert all(given == kept for given, kept in self.kept)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
