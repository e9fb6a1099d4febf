"""The status of a Deployment: counts, and whether it is available and gets on.

Source: ``pkg/controller/deployment/sync.go`` (calculateStatus), ``progress.go``, ``util/deployment_util.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from kubesim.objects.status import instant_of, render_time
from kubesim.replica_controllers.rollout import Sets, max_unavailable
from kubesim.replica_controllers.views import Deployment, Raw
from kubesim.units import SECOND, Duration, Instant

AVAILABLE = "Available"
PROGRESSING = "Progressing"
FAILURE = "ReplicaFailure"
COMPLETE_REASON = "NewReplicaSetAvailable"
TIMED_OUT_REASON = "ProgressDeadlineExceeded"


class StatusDecision(msgspec.Struct, frozen=True):
    """The status to write (None: as it stands), and after how long to look whether the rollout is stuck."""

    status: Raw | None
    check_after: Duration | None = None


def condition(type_: str, status: str, reason: str, message: str, now: Instant) -> Raw:
    """A condition that changes now."""
    stamp = render_time(now)
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
    }


def with_condition(conditions: Mapping[str, Raw], new: Raw) -> dict[str, Raw]:
    """The conditions with a new one: nothing changes if status and reason stay; the time of transition stays with the
    status (SetDeploymentCondition)."""
    old = conditions.get(new["type"])
    if old is not None and (old["status"], old.get("reason")) == (new["status"], new["reason"]):
        return dict(conditions)
    if old is not None and old["status"] == new["status"]:
        new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
    kept = {type_: one for type_, one in conditions.items() if type_ != new["type"]}
    return {**kept, new["type"]: new}


def announced(owner: Deployment, name: str, *, is_new: bool, now: Instant) -> Deployment | None:
    """The Deployment whose status tells of its new ReplicaSet (getNewReplicaSet); None if there is nothing to tell.

    A ReplicaSet just made is told of always, so that the clock of ``progressDeadlineSeconds`` begins anew; one that was
    there already, only if nothing is known of the progress yet.
    """
    if owner.deadline is None or (not is_new and PROGRESSING in owner.conditions):
        return None
    reason, words = ("NewReplicaSetCreated", "Created") if is_new else ("FoundNewReplicaSet", "Found")
    told = condition(PROGRESSING, "True", reason, f'{words} new replica set "{name}"', now)
    conditions = list(with_condition(owner.conditions, told).values())
    return replace(owner, raw={**owner.raw, "status": {**owner.status, "conditions": conditions}})


def counts_of(owner: Deployment, sets: Sets) -> Raw:
    """The status without its progress (calculateStatus)."""
    every, new = sets.every, sets.new
    available = sum(one.available for one in every)
    counts = {
        "replicas": sum(int(one.status.get("replicas") or 0) for one in every),
        "updatedReplicas": int(new.status.get("replicas") or 0) if new is not None else 0,
        "readyReplicas": sum(int(one.status.get("readyReplicas") or 0) for one in every),
        "availableReplicas": available,
        "unavailableReplicas": max(sum(one.desired for one in every) - available, 0),
    }
    return {"observedGeneration": owner.generation, **{key: count for key, count in counts.items() if count}}


def is_complete(owner: Deployment, status: Raw) -> bool:
    """Whether all Pods are new and available, and no old one is left (DeploymentComplete)."""
    sizes = {int(status.get(key) or 0) for key in ("updatedReplicas", "replicas", "availableReplicas")}
    return sizes == {owner.desired} and int(status.get("observedGeneration") or 0) >= owner.generation


def status_after(owner: Deployment, sets: Sets, now: Instant) -> StatusDecision:
    """The status after a step of a rollout (syncRolloutStatus)."""
    status = counts_of(owner, sets)
    conditions = with_condition(owner.conditions, _availability(owner, status, now))
    if owner.deadline is None:
        conditions.pop(PROGRESSING, None)
    elif not _was_complete(owner, status):
        conditions = _with_progress(owner, sets, status, conditions, now)
    conditions = _with_failure(conditions, sets)
    if conditions:
        status["conditions"] = list(conditions.values())
    if owner.status.get("collisionCount") is not None:
        status["collisionCount"] = owner.status["collisionCount"]
    if status == owner.status:
        return StatusDecision(None, _check_after(owner, status, now))
    return StatusDecision(status)


def _availability(owner: Deployment, status: Raw, now: Instant) -> Raw:
    available = int(status.get("availableReplicas") or 0)
    if available >= owner.desired - max_unavailable(owner):
        return condition(AVAILABLE, "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    message = "Deployment does not have minimum availability."
    return condition(AVAILABLE, "False", "MinimumReplicasUnavailable", message, now)


def _was_complete(owner: Deployment, status: Raw) -> bool:
    """A rollout that was complete stays so while it is only scaled."""
    current = owner.conditions.get(PROGRESSING)
    settled = status.get("replicas") == status.get("updatedReplicas")
    return settled and current is not None and current.get("reason") == COMPLETE_REASON


def _with_progress(
    owner: Deployment, sets: Sets, status: Raw, conditions: dict[str, Raw], now: Instant
) -> dict[str, Raw]:
    subject = f'ReplicaSet "{sets.new.name}"' if sets.new is not None else f'Deployment "{owner.name}"'
    if is_complete(owner, status):
        message = f"{subject} has successfully progressed."
        return with_condition(conditions, condition(PROGRESSING, "True", COMPLETE_REASON, message, now))
    if _is_progressing(owner.status, status):
        new = condition(PROGRESSING, "True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        old = conditions.pop(PROGRESSING, None)
        if old is not None and old["status"] == "True":
            new["lastTransitionTime"] = old["lastTransitionTime"]
        return {**conditions, PROGRESSING: new}
    if _has_timed_out(owner, now):
        message = f"{subject} has timed out progressing."
        return with_condition(conditions, condition(PROGRESSING, "False", TIMED_OUT_REASON, message, now))
    return conditions


def _is_progressing(old: Raw, new: Raw) -> bool:
    """Whether a count has moved in the right direction (DeploymentProgressing)."""

    def of(status: Raw, key: str) -> int:
        return int(status.get(key) or 0)

    old_before, old_after = (of(one, "replicas") - of(one, "updatedReplicas") for one in (old, new))
    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_after < old_before or any(of(new, key) > of(old, key) for key in grown)


def _has_timed_out(owner: Deployment, now: Instant) -> bool:
    current = owner.conditions.get(PROGRESSING)
    if current is None or owner.deadline is None or current.get("reason") == COMPLETE_REASON:
        return False
    if current.get("reason") == TIMED_OUT_REASON:
        return True
    return (instant_of(current["lastUpdateTime"]) or 0) + owner.deadline * SECOND < now


def _check_after(owner: Deployment, status: Raw, now: Instant) -> Duration | None:
    """When a rollout that does not get on may have timed out (requeueStuckDeployment)."""
    current = owner.conditions.get(PROGRESSING)
    if owner.deadline is None or current is None or is_complete(owner, status):
        return None
    if current.get("reason") in (TIMED_OUT_REASON, COMPLETE_REASON):
        return None
    left = (instant_of(current["lastUpdateTime"]) or 0) + owner.deadline * SECOND - now
    return max(left, 0) + SECOND


def _with_failure(conditions: dict[str, Raw], sets: Sets) -> dict[str, Raw]:
    """A ReplicaSet that cannot create Pods says so on its Deployment, too."""
    found = [
        one
        for owned in ((sets.new,) if sets.new is not None else sets.old)
        for one in owned.status.get("conditions") or ()
        if one["type"] == FAILURE
    ]
    kept = {type_: one for type_, one in conditions.items() if type_ != FAILURE}
    if not found:
        return kept
    first = found[0]
    stamp = first.get("lastTransitionTime")
    return {**kept, FAILURE: {**first, "lastUpdateTime": stamp}}
