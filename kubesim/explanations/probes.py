"""Probes and hooks in words, and how long a container has until a probe has it killed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesim.units import SECOND, Duration


def handler_text(handler: Mapping[str, Any]) -> str:
    """``exec test -f /tmp/x``, ``httpGet :8080/ready``, ``tcpSocket :80``, ``sleep 5 s``."""
    match handler:
        case {"exec": {"command": command}}:
            return f"exec {' '.join(command)}"
        case {"httpGet": http}:
            return f"httpGet :{http.get('port', '')}{http.get('path', '/')}"
        case {"tcpSocket": {"port": port}}:
            return f"tcpSocket :{port}"
        case {"grpc": {"port": port}}:
            return f"grpc :{port}"
        case {"sleep": {"seconds": seconds}}:
            return f"sleep {seconds} s"
        case _:
            return "no handler"


def threshold(probe: Mapping[str, Any]) -> int:
    """How many failures in a row count."""
    return int(probe.get("failureThreshold") or 3)


def period(probe: Mapping[str, Any]) -> Duration:
    """The distance of two probes."""
    return int(probe.get("periodSeconds") or 10) * SECOND


def delay(probe: Mapping[str, Any]) -> Duration:
    """How long after the start there is no probe (K-97)."""
    return int(probe.get("initialDelaySeconds") or 0) * SECOND


def budget(probe: Mapping[str, Any]) -> Duration:
    """After which time at the latest a probe that never passes has failed so often that it counts (K-97, K-100)."""
    return delay(probe) + period(probe) * threshold(probe)
