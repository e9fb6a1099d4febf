"""What a container's processes answer to an HTTP, TCP or gRPC probe or hook, in the words of the kubelet's client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from kubesim.objects.pod import Container, GrpcAction, HttpGetAction, TcpSocketAction
from kubesim.sim.instances import RuntimePod
from kubesim.units import Duration, Instant

Handler: TypeAlias = HttpGetAction | TcpSocketAction | GrpcAction


@dataclass(frozen=True, slots=True)
class Reply:
    """What a container's processes answer to a question from the kubelet (an HTTP probe and the like).

    ``takes`` nanoseconds; ``stays_until`` the instant at which the answer may differ by itself.
    """

    success: bool
    output: str
    takes: Duration
    stays_until: Instant | None


def numbered(handler: Handler | None, container: Container) -> Handler | None:
    """The handler with the number of a port that it names; the kubelet looks it up among the container's ports."""
    if isinstance(handler, GrpcAction) or handler is None or isinstance(handler.port, int):
        return handler
    numbers = {port.name: port.container_port for port in container.ports}
    return msgspec.structs.replace(handler, port=numbers.get(handler.port, handler.port))


def refusal(text: str, pod: RuntimePod, handler: Handler | None) -> str:
    """What the kubelet's client says of a connection that nobody takes; other answers as they are."""
    if "connection refused" not in text or handler is None:
        return text
    ip = pod.sandboxes[-1].ip if pod.sandboxes else ""
    address = f"{ip}:{handler.port}"
    refused = f"dial tcp {address}: connect: connection refused"
    match handler:
        case HttpGetAction():
            scheme = (handler.scheme or "HTTP").lower()
            return f'Get "{scheme}://{handler.host or ip}:{handler.port}{handler.path or "/"}": {refused}'
        case GrpcAction():
            return f'timeout: failed to connect service "{address}" within 1s: context deadline exceeded'
        case _:
            return refused


def question(handler: Handler | None) -> dict[str, Any]:
    """A probe's handler as the container's processes are asked."""
    match handler:
        case HttpGetAction():
            return {"type": "httpGet", "port": handler.port, "path": handler.path or "/"}
        case TcpSocketAction():
            return {"type": "tcpSocket", "port": handler.port}
        case GrpcAction():
            return {"type": "grpc", "port": handler.port}
        case None:
            return {}
