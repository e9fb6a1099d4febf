"""What the API server stores, drops and refuses. Only a create at an instant of its own records what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kubesim.guarantees.scopes import FIELD_DROPPED, SIDECARS_REFUSED, gate
from kubesim.guarantees.story import REACTION, PodStory
from kubesim.guarantees.verdicts import Check, Finding, Moment, Subject, judge
from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.releases import Release

Given = tuple[History, list[PodStory], Release]
_REFUSED: Final = (400, 422)
"""Invalid; or not understood, where a field is sent that the release does not know."""

_FORBIDDEN: Final = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")


def _sent(history: History, kind: str) -> Iterator[tuple[int, ActionDone, Mapping[str, Any]]]:
    """What was sent to be created, with the answer."""
    for order, record in enumerate(history):
        if isinstance(record, ActionDone) and record.do in ("create", "apply"):
            raw = record.arguments.get("object") or {}
            if raw.get("kind") == kind:
                yield order, record, raw


def _answer(order: int, action: ActionDone, said: str) -> Moment:
    return Moment(action.at, f"{said}: {action.code}", order)


def gate_default(given: Given) -> Iterator[Finding]:
    """A sidecar is stored only by an API server that has the gate on, by its release or by hand."""
    _, pods, api = given
    for pod in pods:
        if any(one.get("restartPolicy") == "Always" for one in pod.spec.get("initContainers") or ()):
            stored = pod.written(pod.versions[0], "stored with a sidecar")
            yield judge(api.enabled("SidecarContainers"), stored, said=f"on {api.name}")


def _own_policy(container: Mapping[str, Any]) -> str:
    """The restart policy of one container, in words."""
    policy = container.get("restartPolicy")
    return f"restartPolicy {policy}" if policy else "no restartPolicy"


def field_dropped(pod: PodStory) -> Iterator[Finding]:
    """With the gate off restartPolicy of an init container is dropped without a word."""
    for _, action in pod.actions("create"):
        sent = ((action.arguments.get("object") or {}).get("spec") or {}).get("initContainers") or ()
        stored = {one["name"]: one for one in pod.spec.get("initContainers") or ()}
        for one in sent:
            if one.get("restartPolicy") == "Always" and one["name"] in stored:
                kept = stored[one["name"]]
                said = f"{one['name']} is stored with {_own_policy(kept)}"
                yield judge(kept.get("restartPolicy") is None, pod.written(pod.versions[0], said))


def kubelet_rejects(pod: PodStory) -> Iterator[Finding]:
    """A kubelet with the gate off rejects a Pod with a sidecar: Failed, and nothing has started."""
    if not pod.node or not any(one.spec.get("restartPolicy") == "Always" for one in pod.inits):
        return
    over = next((one for one in pod.life.phases if one.phase == "Failed"), None)
    ran = [pod.started(one, run) for one in pod.containers for run in one.runs]
    if over is not None or ran or pod.life.created + 2 * REACTION < pod.ended:
        moment = Moment(over.at if over else pod.ended, "Failed" if over else f"the phase is {pod.life.phase}")
        yield judge(over is not None and not ran, moment, *ran[:1])


def init_has_no_probes(given: Given) -> Iterator[Finding]:
    """No regular init container is stored with a probe or a hook; one that is sent so is refused."""
    history, pods, _ = given
    for pod in pods:
        for one in pod.spec.get("initContainers") or ():
            found = [name for name in _FORBIDDEN if one.get(name)]
            if one.get("restartPolicy") != "Always" and found:
                yield judge(False, pod.written(pod.versions[0], f"stored: {one['name']} with {', '.join(found)}"))
    for order, action, raw in _sent(history, "Pod"):
        for one in (raw.get("spec") or {}).get("initContainers") or ():
            if one.get("restartPolicy") != "Always" and any(one.get(name) for name in _FORBIDDEN):
                yield judge(action.code in _REFUSED, _answer(order, action, f"{one['name']} with a probe or hook"))


def sidecars_have_probes(given: Given) -> Iterator[Finding]:
    """A Pod whose sidecar has a probe or a hook is stored; an API server that knows sidecars never refuses it so."""
    history, pods, api = given
    for pod in pods:
        for one in pod.spec.get("initContainers") or ():
            found = [name for name in _FORBIDDEN if one.get(name)]
            if one.get("restartPolicy") == "Always" and found:
                yield judge(True, pod.written(pod.versions[0], f"stored: {one['name']} with {', '.join(found)}"))
    if not api.enabled("SidecarContainers"):
        return
    for order, action, raw in _sent(history, "Pod"):
        for place, one in enumerate((raw.get("spec") or {}).get("initContainers") or ()):
            fields = [f"initContainers[{place}].{name}: Forbidden" for name in _FORBIDDEN if one.get(name)]
            if one.get("restartPolicy") == "Always" and any(field in action.message for field in fields):
                yield judge(False, _answer(order, action, f"sidecar {one.get('name')} with a probe or hook"))


def job_policy_restricted(given: Given) -> Iterator[Finding]:
    """A Job is stored with Never or OnFailure, and refused with anything else."""
    history, _, _ = given
    for key, versions in history.all_versions.items():
        if key.kind == "Job":
            first = versions[0]
            spec = ((first.object.get("spec") or {}).get("template") or {}).get("spec") or {}
            said = f"stored with restartPolicy {spec.get('restartPolicy')}"
            yield judge(spec.get("restartPolicy") in ("Never", "OnFailure"), Moment(first.at, said, first.order))
    for order, action, raw in _sent(history, "Job"):
        policy = (((raw.get("spec") or {}).get("template") or {}).get("spec") or {}).get("restartPolicy")
        if policy not in ("Never", "OnFailure"):
            yield judge(action.code in _REFUSED, _answer(order, action, f"a Job with restartPolicy {policy}"))


def _names(spec: Mapping[str, Any]) -> list[str]:
    return [
        one.get("name", "")
        for key in ("initContainers", "containers", "ephemeralContainers")
        for one in spec.get(key) or ()
    ]


def unique_names(given: Given) -> Iterator[Finding]:
    """All containers of a Pod have names of their own."""
    history, pods, _ = given
    for pod in pods:
        names = _names(pod.spec)
        if len(names) > 1:
            yield judge(len(set(names)) == len(names), pod.written(pod.versions[0], f"stored: {', '.join(names)}"))
    for order, action, raw in _sent(history, "Pod"):
        names = _names(raw.get("spec") or {})
        if len(set(names)) < len(names):
            yield judge(action.code in _REFUSED, _answer(order, action, f"containers {', '.join(names)}"))


def rules_need_policy(given: Given) -> Iterator[Finding]:
    """A container with restart rules has a restartPolicy of its own."""
    history, pods, _ = given
    for pod in pods:
        for one in pod.containers:
            if one.spec.get("restartPolicyRules"):
                held = bool(one.spec.get("restartPolicy"))
                yield judge(
                    held,
                    pod.written(pod.versions[0], f"{one.name}: rules, {_own_policy(one.spec)}"),
                )
    for order, action, raw in _sent(history, "Pod"):
        for one in (raw.get("spec") or {}).get("containers") or ():
            if one.get("restartPolicyRules") and not one.get("restartPolicy"):
                yield judge(
                    action.code in _REFUSED, _answer(order, action, f"{one.get('name')}: rules without restartPolicy")
                )


def field_visible(pod: PodStory) -> Iterator[Finding]:
    """A kubelet treats as a sidecar exactly what the stored Pod shows as one."""
    for one in pod.sidecars:
        shown = one.spec.get("restartPolicy") == "Always"
        yield judge(shown, pod.written(pod.versions[0], f"{one.name}: {_own_policy(one.spec)}"))


def update_limits(given: Given) -> Iterator[Finding]:
    """Of a stored Pod's spec only the fields change that may."""
    for pod in given[1]:
        for before, after in zip(pod.versions, pod.versions[1:], strict=False):
            old, new = (dict(one.object.get("spec") or {}) for one in (before, after))
            if old == new or after.verb == "bind" or after.change == "DELETED":
                continue
            changed = sorted(key for key in {*old, *new} if _frozen(old, key) != _frozen(new, key))
            allowed = {"tolerations", "activeDeadlineSeconds", "schedulingGates", "ephemeralContainers", "nodeName"}
            allowed |= {"terminationGracePeriodSeconds", "nodeSelector", "affinity", "resources"}
            said = f"an update of {', '.join(changed) or 'images'} is stored"
            yield judge(set(changed) <= allowed, pod.written(after, said))


def _frozen(spec: Mapping[str, Any], key: str) -> Any:
    """A field of the spec without what may change inside it: images, and resources through resize."""
    value = spec.get(key)
    if key in ("containers", "initContainers"):
        return [{name: item for name, item in one.items() if name not in ("image", "resources")} for one in value or ()]
    return value


CHECKS: Final = (
    Check("sidecar-gate-default-by-version", gate_default, Subject.CLUSTER),
    Check("sidecar-gate-off-field-dropped", field_dropped, scope=FIELD_DROPPED),
    Check("sidecar-gate-off-kubelet-rejects", kubelet_rejects, scope=SIDECARS_REFUSED),
    Check("probe-regular-init-none", init_has_no_probes, Subject.CLUSTER),
    Check("sidecar-supports-probes-and-hooks", sidecars_have_probes, Subject.CLUSTER),
    Check("job-restart-policy-restricted", job_policy_restricted, Subject.CLUSTER),
    Check("init-unique-names", unique_names, Subject.CLUSTER),
    Check("restart-rules-need-policy", rules_need_policy, Subject.CLUSTER),
    Check(
        "sidecar-field-visible-in-describe", field_visible, scope=gate("SidecarContainers", "1.28 with the gate, 1.29+")
    ),
    Check("pod-update-limits", update_limits, Subject.CLUSTER),
)
