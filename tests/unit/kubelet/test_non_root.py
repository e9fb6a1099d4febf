"""Containers that must not run as root (K-30)."""

from __future__ import annotations

from typing import Any

import pytest

from kubesim.kubelet.non_root import non_root_problem
from kubesim.objects.pod import pod_view

WHERE = '(pod: "web_ns(u-1)", container: app)'
ROOT_BY_SPEC = f"container's runAsUser breaks non-root policy {WHERE}"
ROOT_BY_IMAGE = f"container has runAsNonRoot and image will run as root {WHERE}"
NO_ROOT = {"runAsNonRoot": True}


def problem(pod: dict[str, Any] | None, container: dict[str, Any] | None, image_user: str | None) -> str | None:
    """What is said of a container with these security contexts."""
    spec = {"securityContext": pod} if pod is not None else {}
    app = {"name": "app", "image": "i", **({"securityContext": container} if container is not None else {})}
    meta = {"name": "web", "namespace": "ns", "uid": "u-1"}
    view = pod_view({"metadata": meta, "spec": {**spec, "containers": [app]}})
    return non_root_problem(view, view.spec.containers[0], image_user)


@pytest.mark.parametrize(
    ("situation", "pod", "container", "image_user", "said"),
    [
        ("nothing is asked for", None, None, "root", None),
        ("root is allowed", {"runAsNonRoot": False, "runAsUser": 0}, None, "0", None),
        ("the pod asks", NO_ROOT, None, "0", ROOT_BY_IMAGE),
        ("the container asks", None, NO_ROOT, "0", ROOT_BY_IMAGE),
        ("the container asks for less than its pod", NO_ROOT, {"runAsNonRoot": False}, "0", None),
        ("the container asks for more than its pod", {"runAsNonRoot": False}, NO_ROOT, "0", ROOT_BY_IMAGE),
        ("the pod names a user", {**NO_ROOT, "runAsUser": 1000}, None, "root", None),
        ("the pod names root", {**NO_ROOT, "runAsUser": 0}, None, "1000", ROOT_BY_SPEC),
        ("the container names another user", {**NO_ROOT, "runAsUser": 0}, {"runAsUser": 1000}, "root", None),
        ("the container names root", {**NO_ROOT, "runAsUser": 1000}, {"runAsUser": 0}, "1000", ROOT_BY_SPEC),
        ("the image's user is not known", NO_ROOT, None, None, None),
        ("the image says nothing", NO_ROOT, None, "", ROOT_BY_IMAGE),
        ("the image says root", NO_ROOT, None, "root", ROOT_BY_IMAGE),
        ("the image says root and a group", NO_ROOT, None, "0:1000", ROOT_BY_IMAGE),
        ("the image has a user by number", NO_ROOT, None, "1000", None),
        ("the image has a user and a group by number", NO_ROOT, None, "1000:0", None),
        (
            "the image has a user by name",
            NO_ROOT,
            None,
            "nginx:nginx",
            "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root "
            + WHERE,
        ),
    ],
)
def test_who_may_be_created(situation: str, pod: Any, container: Any, image_user: str | None, said: str | None) -> None:
    assert problem(pod, container, image_user) == said, situation
