"""What would help a Pod that no node takes, that the kubelet refused, or whose status names a reason to fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kubesim.releases import Release
from kubesim.scheduler import pod_info

_MILLI: Final = 1000
_MEBI: Final = 1 << 20

Advice = Callable[[Mapping[str, Any], re.Match[str], Release], str]

RULES: Final = {
    "DeadlineExceeded": ("K-88",),
    "Evicted": ("K-84",),
    "InitContainerRestartPolicyForbidden": ("K-55",),
    "NodeShutdown": ("K-86",),
    "PodFeatureUnsupported": ("K-122",),
    "Terminated": ("K-86",),
}
"""The rules behind a reason in the status of a failed Pod."""


def placing(pod: Mapping[str, Any], message: str, scheduler: Release) -> Iterator[str]:
    """What would let the scheduler place a Pod, one sentence for each reason in its message (C-61, C-62)."""
    for pattern, advice in _PLACING:
        for found in pattern.finditer(message.partition("preemption:")[0]):
            yield advice(pod, found, scheduler)


def failing(reason: str) -> str:
    """What to change where a Pod failed with this reason in its status; empty where the reason says nothing."""
    return _FAILING.get(reason, _FAILING["OutOf"] if reason.startswith("OutOf") else "")


def requested(pod: Mapping[str, Any], resource: str, scheduler: Release) -> str:
    """What a Pod asks of its node in all (C-67), as a manifest writes it."""
    info = pod_info({"metadata": {"uid": "", "name": ""}, "spec": pod["spec"]}, scheduler)
    amount = info.facts.requests.get(resource, 0)
    if resource == "cpu":
        return f"{amount / _MILLI:g}"
    return f"{amount // _MEBI}Mi" if resource == "memory" and amount % _MEBI == 0 else str(amount)


def _room(pod: Mapping[str, Any], found: re.Match[str], scheduler: Release) -> str:
    resource = found["resource"]
    inits = pod["spec"].get("initContainers") or ()
    sidecars = any(entry.get("restartPolicy") == "Always" for entry in inits)
    counted = " (sidecars count beside the main containers) [C-67]" if sidecars else ""
    return f"a node with {requested(pod, resource, scheduler)} of {resource} left, or smaller requests{counted}"


def _labels(pod: Mapping[str, Any], _found: re.Match[str], _scheduler: Release) -> str:
    selector = pod["spec"].get("nodeSelector") or {}
    wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
    return f"a node with the labels {wanted}" if wanted else "a node that its node affinity asks for"


def _toleration(_pod: Mapping[str, Any], found: re.Match[str], _scheduler: Release) -> str:
    taint = found["taint"]
    return f"a toleration for the taint {taint}, or the taint gone" if taint else "a toleration, or the taints gone"


def _text(words: str) -> Advice:
    return lambda _pod, _found, _scheduler: words


_PLACING: Final[tuple[tuple[re.Pattern[str], Advice], ...]] = (
    (re.compile(r"Insufficient (?P<resource>[\w./-]*[\w])"), _room),
    (re.compile(r"didn't match Pod's node affinity/selector"), _labels),
    (re.compile(r"had untolerated taint(?:\(s\))?(?: \{(?P<taint>[^}]*)\})?"), _toleration),
    (re.compile(r"were unschedulable"), _text("kubectl uncordon of a node")),
    (re.compile(r"Too many pods"), _text("a node that runs fewer Pods")),
    (re.compile(r"didn't have free ports"), _text("a node on which its hostPort is free")),
    (re.compile(r"didn't match pod affinity rules"), _text("the Pod that its affinity wants to be near")),
    (re.compile(r"didn't match pod anti-affinity rules"), _text("a node without the Pods that it keeps away from")),
    (re.compile(r"topology spread constraints"), _text("a node in a domain with fewer of these Pods")),
    (
        re.compile(r"has a restartable init container and the SidecarContainers feature is disabled"),
        _text("SidecarContainers=true on the scheduler, as on the API server [C-66]"),
    ),
    (re.compile(r"non-empty scheduling gates"), _text("whoever set spec.schedulingGates takes them away [C-63]")),
)

_FAILING: Final = {
    "Evicted": "a Pod with requests near what it uses is evicted later; its controller makes a new one, if it has one",
    "DeadlineExceeded": "a larger activeDeadlineSeconds, or less work",
    "InitContainerRestartPolicyForbidden": (
        "SidecarContainers=true on this node's kubelet, or a node of 1.29 or later: such Pods can be kept away from "
        "this one by a label and a nodeSelector"
    ),
    "NodeShutdown": "a node that is not shutting down",
    "Terminated": "its controller makes a new Pod on another node, if it has one",
    "OutOf": "a smaller request, or a node with room; the scheduler and the kubelet saw the node differently",
    "PodFeatureUnsupported": "a node of a release that has the feature",
}
