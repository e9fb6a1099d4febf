"""What the kubelet takes for a container's definition: by it a change is noticed, and back-off is remembered (K-53)."""

from __future__ import annotations

from kubesim.objects.pod import Container
from kubesim.releases import Release


def container_definition(container: Container, release: Release) -> str:
    """The text that stands for the container hash: equal texts, equal hashes (K-53).

    A running instance whose stored text differs from this one has ``definition_changed``.
    Source: ``pkg/kubelet/container/helpers.go`` HashContainer.
    """
    if release.policy("container_hash_covers") == "name_and_image":
        return f"{container.name} {container.image}"
    return repr(container)
