"""Pods that a Job takes, and pods that it lets go, because of their labels (controller_ref_manager.go)."""

from __future__ import annotations

from typing import Any

from job_runs import births, events, job, outcome, pods, status
from sim_runs import Object, container, pod, ran

from kubesim.history.history import History

WORK = container("work", "sleep 20")


def metadata(history: History, name: str) -> Any:
    return history.pod(name).versions[-1].object["metadata"]


def labelled(name: str, **spec: Any) -> Object:
    """A Job that selects its pods by a label of the user's."""
    made = job(WORK, name=name, manualSelector=True, selector={"matchLabels": {"app": "x"}}, **spec)
    made["spec"]["template"]["metadata"] = {"labels": {"app": "x"}}
    return made


BEFORE = pod(WORK, name="before", metadata={"labels": {"app": "x"}}, restartPolicy="Never")


def relabel(at: float, value: str | None) -> Object:
    """The action that sets or removes the label by which the pod is selected."""
    return {
        "at": f"{at}s",
        "patch": {"kind": "Pod", "name": "before", "patch": {"metadata": {"labels": {"app": value}}}},
    }


def test_a_pod_that_loses_its_label_is_let_go_and_replaced() -> None:
    """The Job neither counts it nor deletes it any more."""
    history = ran(BEFORE, labelled("j"), timing="ideal", actions=[relabel(5, None)])
    assert "ownerReferences" not in metadata(history, "before")
    assert "finalizers" not in metadata(history, "before")
    assert history.pod("before").versions[-1].object["status"]["phase"] == "Succeeded"
    assert births(history) == [6]
    assert status(history)["succeeded"] == 1


def test_a_pod_that_gets_it_back_is_taken_again() -> None:
    """Then there is one too many, and the newest goes."""
    history = ran(BEFORE, labelled("j"), timing="ideal", actions=[relabel(5, None), relabel(10, "x")])
    assert metadata(history, "before")["ownerReferences"][0]["name"] == "j"
    assert events(history) == ["SuccessfulCreate", "SuccessfulDelete", "Completed"]
    assert (births(history), status(history)["succeeded"]) == ([6], 1)


def test_a_job_with_a_selector_of_the_users_adopts_what_is_there() -> None:
    """The pod of before counts as the Job's first, so that none is made."""
    history = ran(BEFORE, labelled("j"), timing="ideal")
    assert births(history) == []
    assert metadata(history, "before")["ownerReferences"][0]["name"] == "j"
    assert events(history) == ["Completed"]
    assert (status(history)["succeeded"], outcome(history)[-1]) == (1, "Complete CompletionsReached")


def test_pods_of_others_are_left_alone() -> None:
    """Another Job's pods have an owner, whatever their labels; a pod being deleted is not taken."""
    history = ran(labelled("a"), labelled("b"), timing="ideal")
    assert (births(history, "a"), births(history, "b")) == ([0], [0])
    assert (status(history, "a")["succeeded"], status(history, "b")["succeeded"]) == (1, 1)


def test_the_orphans_of_one_job_go_to_the_next() -> None:
    """As the documentation has it: delete a Job with Orphan, create another that selects the same pods."""
    again = {"at": "8s", "create": {"object": labelled("new")}}
    orphaned = {"at": "5s", "delete": {"kind": "Job", "name": "old", "propagation": "Orphan"}}
    history = ran(labelled("old"), timing="ideal", actions=[orphaned, again])
    (name,) = pods(history)
    assert metadata(history, name)["ownerReferences"][0]["name"] == "new"
    assert status(history, "new")["succeeded"] == 1
