"""Whether a container may be created that must not run as root (K-30).

Source: ``pkg/kubelet/kuberuntime/security_context.go``: verifyRunAsNonRoot; ``pkg/securitycontext/util.go``.
"""

from __future__ import annotations

from typing import Any

from kubesim.objects.pod import Container, Pod

ROOT = ("", "0", "root")


def non_root_problem(pod: Pod, container: Container, image_user: str | None) -> str | None:
    """Why the container is not created, in the kubelet's words, or None.

    ``image_user``: the image's USER, None if it is not known.
    """
    context: dict[str, Any] = (pod.raw.get("spec") or {}).get("securityContext") or {}
    own = container.security_context
    must_not_be_root = context.get("runAsNonRoot") if own.run_as_non_root is None else own.run_as_non_root
    if not must_not_be_root:
        return None
    user = context.get("runAsUser") if own.run_as_user is None else own.run_as_user
    meta = pod.metadata
    where = f'(pod: "{meta.name}_{meta.namespace}({meta.uid})", container: {container.name})'
    if user is not None:
        return f"container's runAsUser breaks non-root policy {where}" if user == 0 else None
    if image_user is None:
        return None
    name = image_user.partition(":")[0]
    if name in ROOT:
        return f"container has runAsNonRoot and image will run as root {where}"
    if not name.isdigit():
        why = f"image has non-numeric user ({name}), cannot verify user is non-root"
        return f"container has runAsNonRoot and {why} {where}"
    return None
