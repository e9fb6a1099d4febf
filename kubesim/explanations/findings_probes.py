"""Findings about probes that cannot pass in time, so that the kubelet kills what is only slow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubesim.explanations.finding import Finding, Tried
from kubesim.explanations.sites import Site
from kubesim.explanations.trial import LONGEST, Subject, passes_by
from kubesim.objects.pod import Container, Probe
from kubesim.scenario.load import Scenario
from kubesim.timelines.lanes_model import Role
from kubesim.units import SECOND, Duration, format_duration

_MOST_SAMPLES: Final = 60
_LISTENERS: Final = re.compile(r"\b(httpd|nc|netcat|socat|http\.server)\b")


def slow_probes(scenario: Scenario, site: Site, tried: list[Tried]) -> Iterator[Finding]:
    """Startup probes whose budget is over, and liveness probes that kill, before the container can answer (K-100)."""
    for one in tried:
        if one.role not in (Role.MAIN, Role.SIDECAR) or not one.is_certain or one.subject is None:
            continue
        startup, liveness = one.container.startup_probe, one.container.liveness_probe
        if startup is not None:
            yield from _slow(site, one, one.subject, startup, "startup")
        elif liveness is not None:
            yield from _slow(site, one, one.subject, liveness, "liveness")


def _slow(site: Site, one: Tried, subject: Subject, probe: Probe, kind: str) -> Iterator[Finding]:
    """Nothing is said of a container that ends by itself before the probe can count."""
    period, budget = probe.period_seconds * SECOND, _budget(probe)
    run = one.alone
    if run is None or (run.lasts is not None and run.lasts <= budget + period) or _asks_others(site, one, probe):
        return
    ports = {port.name: port.container_port for port in one.container.ports if port.name}
    last = budget + period
    step = max(period, last // _MOST_SAMPLES)
    samples = [*range(0, last, step), last]
    if any(passes_by(subject, probe, kind, instant, ports) for instant in samples):
        return
    first = _first_pass(subject, probe, kind, last, ports)
    name = one.container.name
    passes = f"passes only {format_duration(first)} after the start" if first is not None else "never passes"
    said = f"the {kind} probe of {name} {passes}, and {name} is killed after about {format_duration(budget)}"
    if kind == "liveness":
        way_out = "a startupProbe with the time that it needs: the liveness probe waits for it"
    else:
        way_out = "a failureThreshold × periodSeconds that is longer than the start takes"
    if first is None:
        way_out = "a probe that asks for what the container provides"
    yield Finding("slow-probe", site, one.container, (f"{kind}Probe",), said, way_out, ("K-97", "K-100", "K-101"))


def _budget(probe: Probe) -> Duration:
    return (probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold) * SECOND


def _first_pass(subject: Subject, probe: Probe, kind: str, last: Duration, ports: dict[str, int]) -> Duration | None:
    """The second from which on it passes, between ``last`` and an hour; None: not by then."""
    low, high = last, LONGEST
    if not passes_by(subject, probe, kind, high, ports):
        return None
    while high - low > SECOND:
        middle = (low + high) // 2 // SECOND * SECOND
        if passes_by(subject, probe, kind, middle, ports):
            high = middle
        else:
            low = middle
    return high


def _asks_others(site: Site, one: Tried, probe: Probe) -> bool:
    """Whether the answer may come from elsewhere: another host or container, a shared volume, a listening tool."""
    container: Container = one.container
    if probe.exec is not None:
        asked = " ".join(probe.exec.command)
        return any(mount.mount_path in asked for mount in container.volume_mounts) or bool(_LISTENERS.search(asked))
    if any(action is not None and getattr(action, "host", "") for action in (probe.http_get, probe.tcp_socket)):
        return True
    if len(site.pod.spec.containers) + len(site.pod.spec.init_containers) > 1 and not one.is_declared:
        return True
    return bool(_LISTENERS.search(" ".join((*container.command, *container.args))))
