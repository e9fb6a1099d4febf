"""What the Job controller asks of the API server, and how fast it may ask.

Its client sends 20 requests a second, and up to 30 at once after a rest (``--kube-api-qps``, ``--kube-api-burst`` of
the controller manager); the latency ``job-request-interval`` is the time between two, and 0 takes the limit away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kubesim.job_controller.claims import adoption, release_of
from kubesim.job_controller.decision import PodToCreate
from kubesim.job_controller.template import pod_for
from kubesim.objects.job import TRACKING_FINALIZER, JobStatus, JobView, job_status_raw
from kubesim.releases import Release
from kubesim.sim.api_server import ApiServer
from kubesim.sim.clock import Clock
from kubesim.sim.timing import Timing
from kubesim.store import PatchType, Reply, Store
from kubesim.store.kinds import KINDS
from kubesim.store.replies import conflict, not_found
from kubesim.units import Instant

ACTOR: Final = "job-controller"
BURST: Final = 30

_FREE: Final = {"metadata": {"$deleteFromPrimitiveList/finalizers": [TRACKING_FINALIZER]}}
_STALE: Final = "the object has been modified; please apply your changes to the latest version and try again"


class JobClient:
    """Sends requests, each in its turn."""

    def __init__(self, clock: Clock, timing: Timing, api: ApiServer, actor: str = ACTOR) -> None:
        self.clock = clock
        self.timing = timing
        self.api = api
        self.actor = actor
        self._spent_until: Instant = 0

    def ask(self, call: Callable[[Instant], Reply], then: Callable[[Reply], None]) -> None:
        """Send one request; ``then`` is called with the reply."""
        wait = self._turn() - self.clock.now
        if wait > 0:
            self.clock.after(wait, self.api.request, "job-write", self.actor, call, then)
        else:
            self.api.request("job-write", self.actor, call, then)

    def _turn(self) -> Instant:
        """When the next request may go: a token bucket, as the instant until which its tokens are spent."""
        interval = self.timing.profile.latencies["job-request-interval"].typical
        spent = max(self._spent_until, self.clock.now)
        self._spent_until = spent + interval
        return spent - (BURST - 1) * interval


@dataclass(frozen=True, slots=True)
class CreatePod:
    """One pod for a place of the Job (J-4, J-5)."""

    store: Store
    release: Release
    job: JobView
    place: PodToCreate

    def __call__(self, now: Instant) -> Reply:
        pod = pod_for(self.job, self.place, self.release)
        return self.store.create(pod, now, field_validation="Ignore", actor=ACTOR)


@dataclass(frozen=True, slots=True)
class DeletePod:
    """The deletion of a pod with the grace period of its spec."""

    store: Store
    namespace: str
    name: str

    def __call__(self, now: Instant) -> Reply:
        return self.store.delete("Pod", self.namespace, self.name, now, actor=ACTOR)


@dataclass(frozen=True, slots=True)
class FreePod:
    """The patch that takes the tracking finalizer off a pod."""

    store: Store
    namespace: str
    name: str

    def __call__(self, now: Instant) -> Reply:
        return self.store.patch("Pod", self.namespace, self.name, PatchType.STRATEGIC, _FREE, now, actor=ACTOR)


@dataclass(frozen=True, slots=True)
class ClaimPod:
    """The patch by which the Job takes a pod of nobody, or lets one of its own go."""

    store: Store
    job: JobView
    name: str
    adopt: bool

    def __call__(self, now: Instant) -> Reply:
        patch = adoption(self.job) if self.adopt else release_of(self.job)
        namespace = self.job.metadata.namespace
        return self.store.patch("Pod", namespace, self.name, PatchType.STRATEGIC, patch, now, actor=ACTOR)


def stale(store: Store, kind: str, namespace: str, name: str, resource_version: str) -> Reply | None:
    """Why a write made from that resourceVersion is refused: there is a newer one, or none. None: it is not."""
    stored = store.find(kind, namespace, name)
    if stored is None:
        return not_found(KINDS[kind], name)
    if stored["metadata"]["resourceVersion"] != resource_version:
        return conflict(KINDS[kind].resource, name, _STALE)
    return None


@dataclass(frozen=True, slots=True)
class WriteJobStatus:
    """The update of a Job's status, made from the version with that resourceVersion: refused if there is a newer."""

    store: Store
    job: JobView
    status: JobStatus
    resource_version: str

    def __call__(self, now: Instant) -> Reply:
        place = ("Job", self.job.metadata.namespace, self.job.metadata.name)
        refused = stale(self.store, *place, self.resource_version)
        return refused or self.store.update_status(*place, job_status_raw(self.status), now, actor=ACTOR)
