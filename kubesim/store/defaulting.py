"""Which fields the API server fills in on a Pod, a Pod template, a Job and a CronJob (C-15 to C-19).

Every function takes a piece of an object and returns a new piece; nothing is changed in place. Source:
``pkg/apis/core/v1/defaults.go``, ``pkg/apis/batch/v1/defaults.go`` and the ``+default`` marks of the API types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store.quantities import is_hugepages

Json: TypeAlias = dict[str, Any]

_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_IMAGE: Final = r"[A-Za-z0-9][A-Za-z0-9.\-_:/\[\]]*"
_FILE_MODE: Final = 0o644
_PROBE_DEFAULTS: Final = (
    ("timeoutSeconds", 1),
    ("periodSeconds", 10),
    ("successThreshold", 1),
    ("failureThreshold", 3),
)
_TOKEN_SECONDS: Final = 3600
_BACKOFF_LIMIT: Final = 6
_CRON_JOB: Final = {
    "concurrencyPolicy": "Allow",
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}
_UNLIMITED: Final = 2**31 - 1
_POD_LEVEL_RESOURCES: Final = ("cpu", "memory")


def default_pod_spec(spec: Json, release: Release) -> Json:
    """The spec of a Pod with its defaults: those of any template, and those only Pods get."""
    filled = default_template_spec(spec)
    filled.setdefault("enableServiceLinks", True)
    for key in ("containers", "initContainers"):
        if filled.get(key):
            filled[key] = [_pod_container(entry, filled) for entry in filled[key]]
    if release.enabled("PodLevelResources") and (filled.get("resources") or {}).get("limits"):
        filled["resources"] = _pod_level_requests(filled)
    return filled


def default_template_spec(spec: Json) -> Json:
    """The spec of a Pod template with its defaults (C-15)."""
    filled = _converted(spec)
    filled["dnsPolicy"] = filled.get("dnsPolicy") or "ClusterFirst"
    filled["restartPolicy"] = filled.get("restartPolicy") or "Always"
    filled["schedulerName"] = filled.get("schedulerName") or "default-scheduler"
    filled.setdefault("containers", None)
    filled.setdefault("terminationGracePeriodSeconds", 30)
    filled.setdefault("securityContext", {})
    for key in ("initContainers", "containers", "ephemeralContainers"):
        if filled.get(key):
            filled[key] = [_container(entry) for entry in filled[key]]
    if filled.get("volumes"):
        filled["volumes"] = [_volume(entry) for entry in filled["volumes"]]
    return filled


def default_job(job: Json, release: Release) -> Json:
    """A Job with its defaults; for its labels see ``prepare.prepare_job``."""
    spec = dict(job.get("spec") or {})
    if "parallelism" not in spec:
        if "completions" not in spec:
            spec["completions"] = 1
        spec["parallelism"] = 1
    spec.setdefault("backoffLimit", _UNLIMITED if "backoffLimitPerIndex" in spec else _BACKOFF_LIMIT)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    if release.policy("manual_selector_written_out"):
        spec.setdefault("manualSelector", False)
    if release.enabled("JobPodReplacementPolicy") and "podReplacementPolicy" not in spec:
        spec["podReplacementPolicy"] = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    if rules := (spec.get("podFailurePolicy") or {}).get("rules"):
        spec["podFailurePolicy"] = {**spec["podFailurePolicy"], "rules": [_failure_rule(rule) for rule in rules]}
    template = {"metadata": {}, **(spec.get("template") or {})}
    template["spec"] = default_template_spec(template.get("spec") or {})
    spec["template"] = template
    return {**job, "spec": spec}


def default_cron_job(cron: Json) -> Json:
    """A CronJob with its defaults; in the Job to come only the pod template has some, the rest when it is made."""
    spec = {**_CRON_JOB, **(cron.get("spec") or {})}
    template = dict(spec.get("jobTemplate") or {})
    job = dict(template.get("spec") or {})
    pod = {"metadata": {}, **(job.get("template") or {})}
    pod["spec"] = default_template_spec(pod.get("spec") or {})
    template["spec"] = {**job, "template": pod}
    template.setdefault("metadata", {})
    return {**cron, "spec": {**spec, "jobTemplate": template}}


def image_pull_policy(image: str) -> str:
    """The pull policy of a container that names none (C-16): Always for ``:latest`` and for no tag at all.

    An image that cannot be parsed has no tag either, and counts as if it had another one.
    """
    name, at, _ = image.partition("@")
    if not re.fullmatch(_IMAGE, name):
        return "IfNotPresent"
    _, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return "Always" if tag == "latest" else "IfNotPresent"
    return "IfNotPresent" if at else "Always"


def _converted(spec: Json) -> Json:
    """What the conversion to the internal version changes: the old name of the service account, a negative grace.

    Source: ``pkg/apis/core/v1/conversion.go``: Convert_v1_PodSpec_To_core_PodSpec and its reverse.
    """
    converted = dict(spec)
    account = converted.get("serviceAccountName") or converted.get("serviceAccount")
    if account:
        converted["serviceAccountName"] = converted["serviceAccount"] = account
    if converted.get("terminationGracePeriodSeconds", 0) < 0:
        converted["terminationGracePeriodSeconds"] = 1
    return converted


def _container(entry: Json) -> Json:
    filled = dict(entry)
    if not filled.get("imagePullPolicy"):
        filled["imagePullPolicy"] = image_pull_policy(filled.get("image", ""))
    filled["terminationMessagePath"] = filled.get("terminationMessagePath") or "/dev/termination-log"
    filled["terminationMessagePolicy"] = filled.get("terminationMessagePolicy") or "File"
    filled.setdefault("resources", {})
    for key in _PROBES:
        if filled.get(key) is not None:
            filled[key] = _probe(filled[key])
    if filled.get("lifecycle"):
        filled["lifecycle"] = {
            key: _handler(value) if key in ("postStart", "preStop") else value
            for key, value in filled["lifecycle"].items()
        }
    if filled.get("ports"):
        filled["ports"] = [{**port, "protocol": port.get("protocol") or "TCP"} for port in filled["ports"]]
    if filled.get("env"):
        filled["env"] = [_env(entry) for entry in filled["env"]]
    return filled


def _probe(probe: Json) -> Json:
    filled = _handler(probe)
    for key, value in _PROBE_DEFAULTS:
        filled[key] = filled.get(key) or value
    if "grpc" in filled:
        filled["grpc"] = {"service": "", **filled["grpc"]}
    return filled


def _handler(handler: Json) -> Json:
    filled = dict(handler)
    if filled.get("httpGet") is not None:
        http = dict(filled["httpGet"])
        http["path"] = http.get("path") or "/"
        http["scheme"] = http.get("scheme") or "HTTP"
        filled["httpGet"] = http
    return filled


def _env(entry: Json) -> Json:
    source = entry.get("valueFrom") or {}
    if "fieldRef" not in source:
        return entry
    return {**entry, "valueFrom": {**source, "fieldRef": _field_ref(source["fieldRef"])}}


def _field_ref(reference: Json) -> Json:
    return {**reference, "apiVersion": reference.get("apiVersion") or "v1"}


def _pod_container(entry: Json, spec: Json) -> Json:
    """What only a Pod's containers get: requests from limits (C-19), host ports under host network."""
    filled = dict(entry)
    limits = (filled.get("resources") or {}).get("limits")
    if limits:
        requests = {**limits, **(filled["resources"].get("requests") or {})}
        filled["resources"] = {**filled["resources"], "requests": requests}
    if spec.get("hostNetwork") and filled.get("ports"):
        filled["ports"] = [
            {**port, "hostPort": port.get("hostPort") or port.get("containerPort", 0)} for port in filled["ports"]
        ]
    return filled


def _pod_level_requests(spec: Json) -> Json:
    """Pod-level requests from pod-level limits, where no container asks for that resource (KEP-2837)."""
    resources: Json = dict(spec["resources"])
    asked = {
        name
        for key in ("containers", "initContainers")
        for entry in spec.get(key) or ()
        for name in (entry.get("resources") or {}).get("requests") or ()
    }
    requests = dict(resources.get("requests") or {})
    for name, limit in resources["limits"].items():
        if (name in _POD_LEVEL_RESOURCES and name not in asked) or is_hugepages(name):
            requests.setdefault(name, limit)
    if requests:
        resources["requests"] = requests
    return resources


def _volume(entry: Json) -> Json:
    if not any(key != "name" for key in entry):
        return {**entry, "emptyDir": {}}
    return {key: _VOLUME_SOURCES[key](value) if key in _VOLUME_SOURCES else value for key, value in entry.items()}


def _with_mode(source: Json) -> Json:
    return {"defaultMode": _FILE_MODE, **source}


def _downward(source: Json) -> Json:
    return _with_mode(_downward_items(source))


def _downward_items(source: Json) -> Json:
    if not source.get("items"):
        return source
    items = [
        {**item, "fieldRef": _field_ref(item["fieldRef"])} if item.get("fieldRef") else item for item in source["items"]
    ]
    return {**source, "items": items}


def _projected(source: Json) -> Json:
    sources = []
    for part in source.get("sources") or ():
        filled = dict(part)
        if "serviceAccountToken" in filled:
            filled["serviceAccountToken"] = {"expirationSeconds": _TOKEN_SECONDS, **filled["serviceAccountToken"]}
        if "downwardAPI" in filled:
            filled["downwardAPI"] = _downward_items(filled["downwardAPI"])
        sources.append(filled)
    return _with_mode({**source, "sources": sources} if sources else source)


def _ephemeral(source: Json) -> Json:
    template = source.get("volumeClaimTemplate")
    if not template:
        return source
    spec = {"volumeMode": "Filesystem", **(template.get("spec") or {})}
    return {**source, "volumeClaimTemplate": {**template, "spec": spec}}


_VOLUME_SOURCES: Final[dict[str, Callable[[Json], Json]]] = {
    "secret": _with_mode,
    "configMap": _with_mode,
    "downwardAPI": _downward,
    "projected": _projected,
    "ephemeral": _ephemeral,
    "hostPath": lambda source: {"type": "", **source},
    "iscsi": lambda source: {**source, "iscsiInterface": source.get("iscsiInterface") or "default"},
}


def _failure_rule(rule: Json) -> Json:
    conditions = rule.get("onPodConditions")
    if not conditions:
        return rule
    filled = [{**condition, "status": condition.get("status") or "True"} for condition in conditions]
    return {**rule, "onPodConditions": filled}
