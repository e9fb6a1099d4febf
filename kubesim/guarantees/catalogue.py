"""The catalogue: each documented guarantee as data (``catalogue.yaml``), beside the function that judges it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import yaml

from kubesim.errors import KubesimError
from kubesim.guarantees import (
    admission,
    backoff,
    hooks,
    hopes,
    init,
    injection,
    jobs,
    jobs_more,
    phase_conditions,
    probes,
    restart,
    scheduling,
    sidecar_life,
    sidecar_start,
    status_fields,
    termination,
)
from kubesim.guarantees.verdicts import Check

_FILE: Final = Path(__file__).with_name("catalogue.yaml")

CHECKS: Final[tuple[Check, ...]] = (
    *init.CHECKS,
    *sidecar_start.CHECKS,
    *sidecar_life.CHECKS,
    *termination.CHECKS,
    *hooks.CHECKS,
    *probes.CHECKS,
    *restart.CHECKS,
    *backoff.CHECKS,
    *phase_conditions.CHECKS,
    *status_fields.CHECKS,
    *scheduling.CHECKS,
    *admission.CHECKS,
    *injection.CHECKS,
    *jobs.CHECKS,
    *jobs_more.CHECKS,
)

_RECIPE: Final = "a recipe for programs: a history does not say which container plays the sidecar's part"
_NO_NODES: Final = "what becomes of the Pods of a node that is lost, shut down or under pressure is not judged yet"
_NO_SCHEDULES: Final = "which instants a CronJob's schedule has is not worked out from the history yet"
_NO_SCHEDULER: Final = "no record says what a taint, a preemption or a budget brought about"

UNJUDGED: Final[Mapping[str, str]] = {
    "sidecar-webhook-conditional": "that Pods may fare differently is a permission: nothing can break it",
    "sidecar-universal-injector-version-check": _RECIPE,
    "sidecar-injector-double-requests": _RECIPE,
    "sidecar-injection-by-node-label": _RECIPE,
    "init-idempotent-emptydir": "what programs write and read is not recorded",
    "sidecar-restart-during-termination-gated": "of a release after those modelled",
    "sidecar-oom-score": "the kernel's choice of a victim is not modelled",
    "sidecar-gate-metric": "metrics are no records; kubesim features --metrics prints them",
    "ephemeral-restrictions": "what was sent to subresources is not recorded",
    "cronjob-timezone-and-name": _NO_SCHEDULES,
    "cronjob-starting-deadline": _NO_SCHEDULES,
    "cronjob-missed-100": _NO_SCHEDULES,
    "cronjob-at-most-approximately-once": _NO_SCHEDULES,
    "image-serial-pull": "the end of a pull is not told apart from its beginning on a node",
    "phase-node-loss-failed": _NO_NODES,
    "phase-podgc": _NO_NODES,
    "termination-endpoint-not-ready": "endpoints are not modelled",
    "termination-kubelet-restart-restarts-grace": "taken for granted: others count the grace anew from a new kubelet",
    "termination-node-shutdown-two-phases": _NO_NODES,
    "termination-node-pressure-grace": _NO_NODES,
    "termination-preemption-grace": _NO_SCHEDULER,
    "scheduling-noexecute-eviction": _NO_SCHEDULER,
    "scheduling-pdb-eviction": _NO_SCHEDULER,
    "backoff-max-configurable": "the node's configuration is not in the history",
    "job-duplicate-run-possible": "a permission: nothing can break it",
    "job-pod-failure-policy-order": "which rule the controller applied is not recorded",
}
"""What no history can show yet, and why. The verdict on these is always: not exercised."""


class Guarantee(msgspec.Struct, frozen=True):
    """What the documentation promises, in our words; see the head of ``catalogue.yaml``."""

    id: str
    area: str
    tier: int
    strength: str
    claim: str
    source: str
    releases: str
    formal: str
    gates: tuple[str, ...] = ()
    exceptions: str = ""
    reading: str = ""

    @property
    def link(self) -> str:
        """Where the source is to be read."""
        if self.source.startswith("KEP "):
            return f"https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/{self.source[4:]}"
        return "https://kubernetes.io/" + self.source.replace("/_index.md", "/").replace(".md", "/")


@cache
def guarantees() -> Mapping[str, Guarantee]:
    """The catalogue by id, in the order of the file."""
    rows = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {one.id: one for one in msgspec.convert(rows, list[Guarantee])}


def check_of(id_: str) -> Check | None:
    """The function of a guarantee; None for one that no history can show yet."""
    return next((one for one in CHECKS if one.id == id_), None)


def find(id_: str) -> Guarantee:
    """A guarantee by its id; KubesimError with the nearest one for what is none, and for what is a hope."""
    known = guarantees()
    if id_ in hopes.CLAIMS:
        said = hopes.CLAIMS[id_]
        raise KubesimError(
            f'"{id_}" is a hope, which no page guarantees: {said}; check --search --hope {id_} is about it'
        )
    if id_ not in known:
        close = get_close_matches(id_, known, n=1)
        way_out = f'did you mean "{close[0]}"?' if close else "kubesim guarantees lists them"
        raise KubesimError(f'guarantee "{id_}" is unknown; {way_out}')
    return known[id_]
