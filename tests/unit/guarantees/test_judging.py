"""Whom a check is about: which kubelet a Pod has, which actions are about it, which Jobs a CronJob has."""

from __future__ import annotations

import msgspec
from build import header, history, job, pod

from kubesim.guarantees.jobs_story import job_stories, jobs_of
from kubesim.guarantees.judging import pod_stories
from kubesim.guarantees.story import PodStory
from kubesim.history.history import History
from kubesim.history.records import ActionDone, ComponentHeader
from kubesim.releases import release

API = release("1.33")


def stories(told: History, *nodes: tuple[str, str]) -> list[PodStory]:
    """The stories of a history whose nodes have these names and releases."""
    components = tuple(ComponentHeader(name=name, release=label, feature_gates={}) for name, label in nodes)
    return list(pod_stories(History(msgspec.structs.replace(header("1.33"), nodes=components), list(told)), API))


def test_the_kubelet_is_that_of_the_node_to_which_the_pod_is_bound() -> None:
    nodes = ("node1", "1.33"), ("node2", "1.28")
    (bound,) = stories(history(pod("| app"), "1 bind node2"), *nodes)
    assert bound.kubelet.name == "1.28"
    (unbound,) = stories(history(pod("| app"), "1 end"), *nodes)
    assert unbound.kubelet.name == "1.33"
    (elsewhere,) = stories(history(pod("| app"), "1 bind node3"), *nodes)
    assert elsewhere.kubelet.name == "1.33"


def test_an_action_is_about_the_pod_that_it_names_or_sends() -> None:
    told = history(pod("| app"), "1 end")
    sent = {"metadata": {"name": "web"}}
    other = {"metadata": {"name": "web", "namespace": "elsewhere"}}
    actions = [
        ActionDone(at=2, do="delete", arguments={"pod": "web"}),
        ActionDone(at=3, do="delete", arguments={"name": "other"}),
        ActionDone(at=4, do="create", arguments={"object": sent}),
        ActionDone(at=5, do="create", arguments={"object": other}),
        ActionDone(at=6, do="delete", arguments={"name": "web", "namespace": "elsewhere"}),
    ]
    (story,) = stories(History(told.header, [*told, *actions]), ("node1", "1.33"))
    assert [action.at for do in ("create", "delete") for _, action in story.actions(do)] == [4, 2]


def test_a_cron_job_has_the_jobs_that_it_owns() -> None:
    told = history(pod("| app"), "0 owned one; 5 owned two", owner=job(kind="CronJob"))
    strange = history(pod("| app"), "1 job active=1", owner=job())
    cron = next(one for one in job_stories(History(told.header, [*told, *strange]), []) if one.kind == "CronJob")
    assert [one.name for one in jobs_of(cron)] == ["one", "two"]
