"""A Job as the guarantees speak of it: its versions with their counts and conditions, and its Pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kubesim.guarantees.story import TERMINAL, PodStory
from kubesim.guarantees.verdicts import Moment
from kubesim.history.history import History
from kubesim.history.replay import Key, Version
from kubesim.releases import Component, Release, release
from kubesim.units import Instant


@dataclass(frozen=True, slots=True)
class JobVersion:
    """A Job as the API server had it from an instant on."""

    at: Instant
    order: int
    spec: Mapping[str, Any]
    status: Mapping[str, Any]

    def count(self, name: str) -> int:
        """active, ready, succeeded, failed, terminating."""
        return int(self.status.get(name) or 0)

    def condition(self, type_: str) -> Mapping[str, Any] | None:
        """A condition that is True."""
        found = self.status.get("conditions") or ()
        return next((one for one in found if one["type"] == type_ and one["status"] == "True"), None)

    def said(self, what: str) -> Moment:
        """The proof that the Job was so."""
        return Moment(self.at, what, self.order)


class JobStory:
    """Everything the guarantees ask about one Job or CronJob."""

    def __init__(
        self, history: History, key: Key, versions: tuple[Version, ...], pods: list[PodStory], controller: Release
    ) -> None:
        self.history = history
        self.kind, self.namespace, self.name = key
        self.controller = controller
        self.pods = pods
        self.created: Instant = versions[0].at
        self.gone: Instant | None = versions[-1].at if versions[-1].change == "DELETED" else None
        self.ended: Instant = history.ended
        self.versions = tuple(
            JobVersion(one.at, one.order, one.object.get("spec") or {}, one.object.get("status") or {})
            for one in versions
        )
        self.spec: Mapping[str, Any] = self.versions[0].spec
        self.metadata: Mapping[str, Any] = versions[0].object.get("metadata") or {}

    @cached_property
    def policy(self) -> str:
        """restartPolicy of its Pods."""
        return str(((self.spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or "")

    def is_suspended(self, at: Instant) -> bool:
        """Whether it was suspended at an instant."""
        spec = next((one.spec for one in reversed(self.versions) if one.at <= at), self.spec)
        return bool(spec.get("suspend"))

    @property
    def parallelism(self) -> int:
        """How many Pods at once; 1 by default."""
        value = self.spec.get("parallelism")
        return 1 if value is None else int(value)

    @property
    def completions(self) -> int | None:
        """How many successes; None: a work queue."""
        value = self.spec.get("completions")
        if value is None and self.spec.get("parallelism") is None:
            return 1
        return None if value is None else int(value)

    @property
    def backoff_limit(self) -> int:
        """6 by default, and without bound where the limit is by index."""
        value = self.spec.get("backoffLimit")
        return int(value) if value is not None else 6 if self.spec.get("backoffLimitPerIndex") is None else 2**31 - 1

    def first(self, *types: str) -> tuple[JobVersion, Mapping[str, Any]] | None:
        """The first version with one of these conditions True."""
        for version in self.versions:
            for type_ in types:
                if condition := version.condition(type_):
                    return version, condition
        return None

    @cached_property
    def finished(self) -> tuple[JobVersion, Mapping[str, Any]] | None:
        """When it was Complete or Failed."""
        return self.first("Complete", "Failed")

    @cached_property
    def decided(self) -> tuple[JobVersion, Mapping[str, Any]] | None:
        """When its outcome was known."""
        return self.first("SuccessCriteriaMet", "FailureTarget", "Complete", "Failed")

    def created_after(self, at: Instant) -> list[PodStory]:
        """Its Pods that were created later."""
        return [pod for pod in self.pods if pod.life.created > at]

    def restarts(self, version: JobVersion) -> int:
        """The restarts of all containers, sidecars too, of its Pods that were Pending or Running then."""
        total = 0
        for pod in self.pods:
            seen = [(one, status) for one, status in pod.statuses if one.order <= version.order]
            if not seen or seen[-1][1].get("phase") not in ("Pending", "Running"):
                continue
            for place in ("initContainerStatuses", "containerStatuses"):
                total += sum(int(one.get("restartCount") or 0) for one in seen[-1][1].get(place) or ())
        return total


def terminal_at(pod: PodStory) -> Instant | None:
    """When a Pod had ended, or its object had gone."""
    return next((one.at for one in pod.life.phases if one.phase in TERMINAL), pod.life.gone)


def job_stories(history: History, pods: list[PodStory]) -> Iterator[JobStory]:
    """The stories of all Jobs and CronJobs; a CronJob's Jobs are found by their owner."""
    header = history.header.control_plane
    controller = release(header.release, header.feature_gates, component=Component.CONTROLLER_MANAGER, bugs=header.bugs)
    owned: dict[str, list[PodStory]] = {}
    for pod in pods:
        for owner in (pod.versions[0].object.get("metadata") or {}).get("ownerReferences") or ():
            if owner.get("kind") == "Job":
                owned.setdefault(str(owner.get("name")), []).append(pod)
    for key, versions in history.all_versions.items():
        if key.kind in ("Job", "CronJob") and len({one.uid for one in versions}) == 1:
            yield JobStory(history, key, versions, owned.get(key.name, []), controller)


def jobs_of(cron: JobStory) -> list[JobStory]:
    """The Jobs of a CronJob, in order of creation."""
    found = []
    for key, versions in cron.history.all_versions.items():
        owners = (versions[0].object.get("metadata") or {}).get("ownerReferences") or ()
        if key.kind == "Job" and any(one.get("kind") == "CronJob" and one.get("name") == cron.name for one in owners):
            found.append(JobStory(cron.history, key, versions, [], cron.controller))
    return found
