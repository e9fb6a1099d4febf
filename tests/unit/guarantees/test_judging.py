"""Whom a check is about: which kubelet a Pod has, which actions are about it, which Jobs a CronJob has."""

from __future__ import annotations

import msgspec
from build import header, history, job, pod

from kubesim.guarantees.jobs_story import job_stories, jobs_of
from kubesim.guarantees.judging import pod_stories
from kubesim.guarantees.scopes import _bug, gate
from kubesim.guarantees.story import PodStory
from kubesim.guarantees.verdicts import Finding, Moment, judge
from kubesim.history.history import History
from kubesim.history.records import ActionDone, ComponentHeader
from kubesim.releases import release
from kubesim.units import SECOND

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


def test_the_proof_says_what_a_container_did_when_and_where_it_stands() -> None:
    told = history(pod("| app"), "1 start app; 3 stop app 5; 4 exit app 1; 5 start app; 9 end")
    (story,) = stories(told, ("node1", "1.33"))
    (app,) = story.mains
    first, second = app.runs
    assert [story.started(app, first), story.stopped(app, first), story.exited(app, first)] == [
        Moment(1 * SECOND, "app starts", 1),
        Moment(3 * SECOND, "app is told to stop", 2),
        Moment(4 * SECOND, "app exits with 1", 3),
    ]
    assert [story.started(app, second), story.exited(app, second)] == [
        Moment(5 * SECOND, "app (run 1) starts", 4),
        Moment(9 * SECOND, "app (run 1) exits: never"),
    ]
    assert story.moment(app, first, "exec-start", 2) == Moment(2, "app exec-start")


def test_a_gate_is_asked_of_the_kubelet_or_of_the_api_server() -> None:
    without, with_it = release("1.28"), release("1.29")
    by_kubelet, by_api = gate("SidecarContainers", "where"), gate("SidecarContainers", "where", api=True)
    assert by_kubelet.text == by_api.text == "where"
    assert (by_kubelet.holds(without, with_it), by_kubelet.holds(with_it, without)) == (True, False)
    assert (by_api.holds(without, with_it), by_api.holds(with_it, without)) == (False, True)


def test_a_known_bug_is_asked_of_the_kubelet() -> None:
    def where(story: object) -> bool:
        return True

    kept = _bug("ordering_waits_for_absent_sidecars", "why", where)
    assert (kept.why, kept.where) == ("why", where)
    assert (kept.on(release("1.29.3")), kept.on(release("1.33"))) == (True, False)


def test_only_what_is_broken_is_known_to_be() -> None:
    assert judge(True, known="why") == Finding(True, ())
    assert judge(False, known="why") == Finding(False, (), "", "why")
