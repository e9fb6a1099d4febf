"""What a manifest gives away without being run: Pods that can never start, never end, or end badly.

Each container is read and tried alone, never in a cluster; what depends on anything else is left unsaid. A finding is
meant to be true of every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from kubesim.explanations.finding import Finding, Tried
from kubesim.explanations.findings_probes import slow_probes
from kubesim.explanations.findings_stops import bad_stops
from kubesim.explanations.sites import Site, sites
from kubesim.explanations.trial import Bench
from kubesim.graphs.wait_for import PASSES, deadlock
from kubesim.releases import Component
from kubesim.scenario.load import Scenario
from kubesim.timelines.lanes_model import Role


def findings(scenario: Scenario) -> list[Finding]:
    """Everything found, in the order of the files."""
    bench = Bench(scenario)
    found: list[Finding] = []
    for site in sites(scenario):
        tried = [Tried.of(site, container, role, bench) for container, role in site.containers()]
        for check in _CHECKS:
            found += check(scenario, site, tried)
    return found


def _deadlocks(scenario: Scenario, site: Site, tried: list[Tried]) -> Iterator[Finding]:
    """Init containers that wait for what comes after them (K-40 to K-42)."""
    known = scenario.cluster.control_plane_release(Component.APISERVER).enabled("SidecarContainers")
    found = deadlock(_as_declared(site, tried), sidecars=known)
    if found is None:
        return
    waiter = next((name for kind, name in found.steps if kind == PASSES), found.containers[0])
    container = next(one.container for one in tried if one.container.name == waiter)
    way_out = "put what is waited for before it: as a sidecar (restartPolicy: Always) earlier in initContainers"
    yield Finding("deadlock", site, container, ("command",), found.sentence, way_out, ("K-41", "K-42"))


def _as_declared(site: Site, tried: list[Tried]) -> dict[str, Any]:
    """The Pod without the commands of containers whose behaviour is declared: who knows what those write."""
    declared = {one.container.name for one in tried if one.is_declared}
    spec = dict(site.raw["spec"])
    for field in ("initContainers", "containers"):
        spec[field] = [
            {key: value for key, value in entry.items() if key not in ("command", "args")}
            if entry["name"] in declared
            else entry
            for entry in spec.get(field) or ()
        ]
    return {**site.raw, "spec": spec}


def _endless_inits(scenario: Scenario, site: Site, tried: list[Tried]) -> Iterator[Finding]:
    """A companion that was meant to run beside the others, as an init container (K-40)."""
    for one in tried:
        if one.role is Role.INIT and one.never_ends:
            name = one.container.name
            said = f"init container {name} {one.lastingly}, and nothing after it starts before"
            way_out = f"restartPolicy: Always makes a sidecar of {name}: the next container starts beside it"
            yield Finding("endless-init", site, one.container, (), said, way_out, ("K-40", "K-42"))


def _unknown_sidecars(scenario: Scenario, site: Site, tried: list[Tried]) -> Iterator[Finding]:
    """Sidecars that an API server or a node of this cluster does not know (C-10, C-20, K-54, K-55)."""
    sidecars = [one.container for one in tried if one.role is Role.SIDECAR]
    if not sidecars:
        return
    first, field = sidecars[0], ("restartPolicy",)
    server = scenario.cluster.control_plane_release(Component.APISERVER)
    if not server.enabled("SidecarContainers"):
        said = (
            f"the API server ({server.name}) does not keep restartPolicy of init containers: {first.name} is refused "
            "or becomes a plain init container"
        )
        way_out = "SidecarContainers=true on every component of 1.28, or 1.29 or later"
        yield Finding("unknown-sidecar", site, first, field, said, way_out, ("C-10", "C-20"))
        return
    if (site.raw["spec"].get("affinity") or {}).get("nodeAffinity"):
        return
    selector = site.raw["spec"].get("nodeSelector") or {}
    for node in scenario.cluster.nodes:
        kubelet = scenario.cluster.kubelet_release(node)
        what = _AT_KUBELET.get(kubelet.policy("sidecar_field_at_kubelet"))
        if what is None or any(node.labels.get(key) != value for key, value in selector.items()):
            continue
        said, rules = what
        said = f"on node {node.name} ({kubelet.name}) {said.format(name=first.name)}"
        way_out = "keep such Pods from it by a label of the nodes and a nodeSelector, or upgrade it"
        yield Finding("unknown-sidecar", site, first, field, said, way_out, rules)


_AT_KUBELET: Final = {
    "unknown": ("{name} runs as a plain init container, and nothing after it starts until it ends", ("K-54",)),
    "reject": ("the kubelet rejects the Pod, because its SidecarContainers gate is off", ("K-55",)),
}


def _never_complete(scenario: Scenario, site: Site, tried: list[Tried]) -> Iterator[Finding]:
    """Jobs, and Pods that are to end, with an ordinary container that does not (J-56)."""
    mains = [one for one in tried if one.role is Role.MAIN]
    endless = [one for one in mains if one.never_ends]
    if not endless or (not site.is_of_a_job and not _is_to_end(site, mains)):
        return
    others = [one.container.name for one in mains if one not in endless]
    for one in endless:
        name = one.container.name
        whole = "the Job" if site.is_of_a_job else "the Pod"
        said = f"container {name} {one.lastingly}, and {whole} cannot complete before"
        if site.job_spec.get("activeDeadlineSeconds") is not None:
            said += "; its activeDeadlineSeconds will fail it"
        way_out = (
            f"if it serves {' and '.join(others)}, move it to initContainers with restartPolicy: Always: the kubelet "
            "stops it when they are done"
            if others
            else "let it end when its work is done"
        )
        yield Finding("never-completes", site, one.container, (), said, way_out, ("J-56", "J-57"))


def _is_to_end(site: Site, mains: list[Tried]) -> bool:
    """Whether a bare Pod looks as if it were to complete: it is not restarted, and some main container ends."""
    return site.pod.spec.restart_policy != "Always" and any(one.ends for one in mains)


Check = Callable[[Scenario, Site, list[Tried]], Iterator[Finding]]
_CHECKS: Final[tuple[Check, ...]] = (
    _deadlocks,
    _endless_inits,
    _unknown_sidecars,
    _never_complete,
    bad_stops,
    slow_probes,
)
