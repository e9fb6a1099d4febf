"""The explanations of a whole run at one instant: every Job, every Pod, and the containers of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubesim.errors import KubesimError
from kubesim.explanations.containers import container_state
from kubesim.explanations.explanation import Explanation, State, Upcoming
from kubesim.explanations.jobs import job_at, job_state
from kubesim.explanations.pods import pod_state
from kubesim.explanations.view import KnownBug, View, records_of, view_of
from kubesim.history.history import History
from kubesim.history.lives import SANDBOX, PodLife
from kubesim.history.records import ActionDone, Decided
from kubesim.timelines.lanes_jobs import owning_job
from kubesim.timelines.lanes_model import Role
from kubesim.timelines.lost_sidecars import LostSidecar, lost_sidecars
from kubesim.timelines.story import Line, story
from kubesim.units import Instant

REFUSED: Final = "refused by the API server"
_NAMED: Final = re.compile(r'^[A-Za-z.]+ "([^"]+)" is (?:invalid|forbidden)')


@dataclass(frozen=True, slots=True)
class Subject:
    """A Pod or Job explained, with what belongs to it: a Pod's containers in spec order."""

    explanation: Explanation
    parts: tuple[Explanation, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom to explain; empty: everybody."""

    pod: str = ""
    container: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an explanation is made from. ``sent``: the manifests as they were given, where they are known."""

    history: History
    at: Instant
    sent: tuple[Mapping[str, Any], ...] = ()
    choice: Choice = field(default_factory=Choice)
    bugs: tuple[KnownBug, ...] = ()
    """The known bugs that the run has met, where that was looked at."""


def explain(asked: Asked) -> tuple[Subject, ...]:
    """All Jobs and then all Pods that existed by then; raises KubesimError if the choice names nothing."""
    jobs = () if asked.choice.pod or asked.choice.container else tuple(_jobs(asked))
    pods = tuple(_pods(asked))
    refused = () if asked.choice != Choice() else tuple(_refused(asked))
    if not jobs and not pods and not refused:
        raise KubesimError(_nothing(asked))
    return (*refused, *jobs, *pods)


def _refused(asked: Asked) -> Iterable[Subject]:
    """What the API server did not take: there is no object, but there is an answer."""
    begun = [action for action in asked.history.of(ActionDone) if action.do.startswith("create ")]
    for number, action in enumerate(begun):
        kind = action.do.removeprefix("create ")
        if action.at > asked.at or action.code < 400 or kind not in ("Pod", "Job", "CronJob"):
            continue
        quoted = _NAMED.search(action.message)
        name = asked.sent[number]["metadata"].get("name", "") if len(asked.sent) == len(begun) else ""
        state = State(
            f"{REFUSED} with {action.code} {action.reason}".strip(),
            action.at,
            action.message,
            ("C-1",),
            (),
            ("the manifest is as the message asks; or another release of the API server, where it knows the field",),
        )
        yield Subject(_explanation(asked.history, kind, quoted[1] if quoted else str(name), state, None))


def _jobs(asked: Asked) -> Iterable[Subject]:
    history = asked.history
    for key, versions in history.all_versions.items():
        if key.kind != "Job" or versions[0].at > asked.at or asked.choice.job not in ("", key.name):
            continue
        job = job_at(history, key, asked.at)
        made = [life.name for life in history.pods if owning_job(life.versions[0].object) == key.name]
        upcoming = _next_of_job(history, asked.at, key.name, made) if job.gone is None else None
        yield Subject(_explanation(history, "Job", key.name, job_state(job), upcoming))


def _pods(asked: Asked) -> Iterable[Subject]:
    choice, records, lost = asked.choice, records_of(asked.history), lost_sidecars(asked.history)
    for life in asked.history.pods:
        if life.created > asked.at or choice.pod not in ("", life.name):
            continue
        if choice.job and owning_job(life.versions[0].object) != choice.job:
            continue
        if choice.container and choice.container not in life.containers:
            continue
        view = view_of(asked.history, life, asked.at, records.get((life.namespace, life.name), ()), asked.bugs)
        yield _pod(asked, life, view, lost)


def _pod(asked: Asked, life: PodLife, view: View, lost: tuple[LostSidecar, ...]) -> Subject:
    history, wanted = asked.history, asked.choice.container
    told = view.story()
    whole = _explanation(history, "Pod", life.name, pod_state(view, lost), _upcoming(history, view.future(told)))
    parts = tuple(
        _explanation(
            history,
            view.roles.get(name, Role.MAIN).value,
            name,
            container_state(view, name),
            _upcoming(history, view.future(told, name)),
        )
        for name in life.containers
        if name != SANDBOX and wanted in ("", name)
    )
    return Subject(whole, parts)


def _explanation(history: History, kind: str, subject: str, state: State, upcoming: Upcoming | None) -> Explanation:
    since = None if state.since is None else state.since - history.started
    return Explanation(
        kind, subject, state.where, since, state.why, state.rules, state.waits_for, state.changes, upcoming
    )


def _upcoming(history: History, line: Line | None) -> Upcoming | None:
    return None if line is None else Upcoming(line.at - history.started, f"{line.who}: {line.what}", line.why.strip())


def _next_of_job(history: History, at: Instant, job: str, made: list[str]) -> Upcoming | None:
    """The next line of the whole story that is about the Job or a Pod of it."""
    for line in story(history):
        if line.at > at and line.tone != "dim" and any(name in line.what for name in (job, *made)):
            return _upcoming(history, line)
    return None


def _nothing(asked: Asked) -> str:
    choice, pods = asked.choice, [life.name for life in asked.history.pods if life.created <= asked.at]
    if choice.container and pods:
        known = dict.fromkeys(name for life in asked.history.pods for name in life.containers if name != SANDBOX)
        return f'no Pod has a container "{choice.container}"; they have {", ".join(known)}'
    jobs = [key.name for key in asked.history.all_versions if key.kind == "Job"]
    if choice.pod or choice.job:
        wanted = f'Pod "{choice.pod}"' if choice.pod else f'Job "{choice.job}"'
        return f"there is no {wanted} at that instant; there is {', '.join([*jobs, *pods]) or 'nothing'}"
    return "; ".join(["there is no Pod and no Job at that instant", *_why_nothing(asked.history, asked.at)])


def _why_nothing(history: History, at: Instant) -> Iterator[str]:
    """What there is in their place: CronJobs that wait for their time, and controllers that are not modelled."""
    decided = [one for one in history.of(Decided) if one.at <= at and one.actor == "cronjob-controller"]
    waits = {one.name: action.why for one in decided for action in one.actions if action.do == "wait"}
    yield from (f"CronJob {name}: {why}, which a later --at reaches" for name, why in waits.items())
    yield from (f"{one.subject}: {one.text}" for one in history.not_modelled if one.field == "kind")
