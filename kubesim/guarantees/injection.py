"""Injected sidecars: what webhooks leave of the field, and the recipe of an injector that works with and without it.

What a program is for no history can say by itself. Of the recipe's two containers, which bear the names that the page
gives them, the one that plays the sidecar's part is the one that says so: it writes "... is the sidecar".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.guarantees.containers import ContainerStory, Role
from kubesim.guarantees.scopes import SIDECARS
from kubesim.guarantees.story import PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, Scope, Subject, judge
from kubesim.history.history import History
from kubesim.history.lives import Run
from kubesim.history.records import Admitted, OutputWritten
from kubesim.releases import Component, Release, release
from kubesim.releases.field_tables import field_table

NATIVE: Final = "native-sidecar"
OLD_WAY: Final = "old-way-sidecar"
PART: Final = "is the sidecar"

_RACE: Final = "the old way's container may look before the native one has marked its second run"

NO_SIDECARS: Final = Scope(
    "nodes that run the native container as a regular init container: 1.27, and where the field is dropped",
    lambda api, kubelet: kubelet.policy("sidecar_field_at_kubelet") != "honour" or not api.enabled("SidecarContainers"),
)


def _pair(pod: PodStory) -> tuple[ContainerStory, ContainerStory] | None:
    by_name = {one.name: one for one in pod.containers}
    return (by_name[NATIVE], by_name[OLD_WAY]) if NATIVE in by_name and OLD_WAY in by_name else None


def _plays(pod: PodStory, container: ContainerStory) -> Moment | None:
    """When a container said that it plays the part."""
    for order, record in enumerate(pod.history):
        if not isinstance(record, OutputWritten) or PART not in record.line:
            continue
        if (record.namespace, record.pod, record.container) == (pod.life.namespace, pod.life.name, container.name):
            return Moment(record.at, f"{container.name} says that it {PART}", order)
    return None


def _first_to_end(container: ContainerStory) -> Run | None:
    return next((run for run in container.runs if run.exit is not None), None)


def injector_native(pod: PodStory) -> Iterator[Finding]:
    """Where sidecars work, the native container plays the part from its second run on, and the other does not."""
    pair = _pair(pod)
    if pair is None or not pair[1].runs:
        return
    native, old_way = pair
    first, second = _plays(pod, native), _plays(pod, old_way)
    if first is None and second is None:
        return
    shown = [one for one in (first, second) if one is not None] + [pod.started(old_way, old_way.runs[0])]
    is_race = first is not None and (second is None or old_way.runs[0].start <= first.at)
    yield judge(first is not None and second is None, *shown, known=_RACE if is_race else "")


def injector_legacy(pod: PodStory) -> Iterator[Finding]:
    """Where they do not, the native container runs once and ends with 0, and the old way's plays the part."""
    pair = _pair(pod)
    if pair is None or pair[0].role is not Role.INIT or not pair[1].runs:
        return
    native, old_way = pair
    ended, part, wrong_part = _first_to_end(native), _plays(pod, old_way), _plays(pod, native)
    if ended is None or (part is None and wrong_part is None):
        return
    held = len(native.runs) == 1 and ended.code == 0 and wrong_part is None
    yield judge(held, pod.exited(native, ended), *(one for one in (wrong_part, part) if one is not None))


def strip_full_update(given: tuple[History, list[PodStory], Release]) -> Iterator[Finding]:
    """A webhook that writes the whole object back keeps restartPolicy exactly if its client library knows the field."""
    history, pods, _ = given
    for order, record in enumerate(history):
        if not isinstance(record, Admitted) or record.kind != "Pod" or record.result not in ("patched", "unchanged"):
            continue
        stripped = [one for one in record.diff if _strips(one)]
        kept = any(_has_sidecar(pod) for pod in pods if _is_of(record, pod))
        if not stripped and not kept:
            continue
        said = f"{record.webhook} {'takes restartPolicy away' if stripped else 'leaves restartPolicy'}"
        if record.client:
            knows = _knows(release(record.client, component=Component.APISERVER))
            said += f", with the client library of {record.client}"
            yield judge(bool(stripped) != knows, Moment(record.at, said, order))
        elif not stripped:
            yield judge(True, Moment(record.at, f"{said}: it sends a patch", order))


def _strips(operation: dict[str, object]) -> bool:
    path = str(operation.get("path")).split("/")
    return operation.get("op") == "remove" and path[1:3] == ["spec", "initContainers"] and path[-1] == "restartPolicy"


def _knows(client: Release) -> bool:
    """Whether the types of a release have the field, and with it the sidecars (1.28)."""
    return "restartPolicy" in field_table(client)["core.v1.Container"]


def _has_sidecar(pod: PodStory) -> bool:
    return any(one.get("restartPolicy") == "Always" for one in pod.spec.get("initContainers") or ())


def _is_of(record: Admitted, pod: PodStory) -> bool:
    """Whether a request was about this Pod; where the API server made the name, its beginning tells."""
    same = record.name == pod.life.name or (record.name.endswith("-") and pod.life.name.startswith(record.name))
    return same and record.namespace == pod.life.namespace and record.at <= pod.life.created


CHECKS: Final = (
    Check("sidecar-universal-injector-native", injector_native, scope=SIDECARS, remarks=(_RACE,)),
    Check("sidecar-universal-injector-legacy", injector_legacy, scope=NO_SIDECARS),
    Check("sidecar-webhook-strip-full-update", strip_full_update, Subject.CLUSTER),
)
