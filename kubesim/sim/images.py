"""Images of one node: which are there, pulling one at a time, and the back-off after a failed pull (K-26 to K-29)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kubesim.kubelet.backoff import (
    BackoffKey,
    BackoffRecord,
    after_failed_pull,
    pull_backoff_key,
    pull_backoff_limits,
    pull_permitted,
)
from kubesim.kubelet.image_names import image_name_problem
from kubesim.objects.pod import Container, Pod
from kubesim.scenario.cluster import Image
from kubesim.scripts import image_named
from kubesim.units import MILLISECOND, Duration, Instant, format_duration

if TYPE_CHECKING:
    from kubesim.sim.kubelet import Kubelet

_PULL = 'failed to pull and unpack image "{full}": failed to resolve reference "{full}": '
_REFUSED = (
    'failed to do request: Head "http://{host}/v2/{path}/manifests/{tag}": dial tcp {host}: connect: connection refused'
)


@dataclass(frozen=True, slots=True)
class ImageProblem:
    """Why a container cannot start yet: the waiting reason and message. The end of a back-off wakes nobody (K-19d)."""

    reason: str
    message: str


@dataclass(slots=True)
class _Pull:
    pod: Pod
    container: Container
    then: Callable[[ImageProblem | None], None]
    asked_at: Instant


class NodeImages:
    """The image store of one node; an image that the scenario does not mention is there already."""

    def __init__(self, kubelet: Kubelet, known: Mapping[str, Image], imported: tuple[str, ...] | None) -> None:
        self.kubelet = kubelet
        self.known = known
        self.imported = imported
        self._present: set[str] = set(kubelet.before.images) if kubelet.before is not None else set()
        self._queue: deque[_Pull] = deque()
        self._pulling = 0
        self.at_once = kubelet.node.configured.kubelet_config.pulls_at_once
        self._backoffs: dict[BackoffKey, BackoffRecord] = {}
        self._last_errors: dict[BackoffKey, tuple[str, str]] = {}

    def ensure(self, pod: Pod, container: Container, then: Callable[[ImageProblem | None], None]) -> None:
        """Have the image on the node, as the container's pull policy says; ``then`` gets None or the problem."""
        problem = image_name_problem(container.image, self.kubelet.release)
        if problem is not None:
            self.kubelet.container_event(pod, container, "Warning", "InspectFailed", problem)
            self._failed(pod, container, "InvalidImageName")
            then(ImageProblem("InvalidImageName", problem))
            return
        policy = container.image_pull_policy or "IfNotPresent"
        present = self._is_present(container.image)
        if policy == "Never" and not present:
            text = self._text("ErrImageNeverPull", container)
            self.kubelet.container_event(pod, container, "Warning", "ErrImageNeverPull", text)
            self._failed(pod, container, "ErrImageNeverPull")
            then(ImageProblem("ErrImageNeverPull", text))
        elif present and policy != "Always":
            text = self._text("Pulled_present", container)
            self.kubelet.container_event(pod, container, "Normal", "Pulled", text)
            then(None)
        else:
            self._pull_unless_in_backoff(pod, container, then)

    def user_of(self, image: str) -> str | None:
        """The image's USER; empty for root, None where it is not known."""
        known = self.known.get(image)
        return known.user if known is not None and known.user is not None else image_named(image).user

    def present(self) -> frozenset[str]:
        """The images that were pulled."""
        return frozenset(self._present)

    def _is_present(self, image: str) -> bool:
        if image in self._present:
            return True
        known = self.known.get(image)
        if known is None:
            return self.imported is None or image in self.imported
        return known.pull is None and not known.missing and known.missing_for is None

    def _is_missing(self, image: str) -> bool:
        """Whether no registry has the image now, or there is none."""
        known = self.known.get(image)
        if known is None:
            return self.imported is not None
        clock = self.kubelet.clock
        return known.missing or (known.missing_for is not None and clock.now < clock.started + known.missing_for)

    def _text(self, name: str, container: Container) -> str:
        return self.kubelet.release.text(name).format(image=container.image)

    def _failed(self, pod: Pod, container: Container, error: str) -> None:
        text = self.kubelet.release.text("Failed").format(message=error)
        self.kubelet.container_event(pod, container, "Warning", "Failed", text)

    def _pull_unless_in_backoff(
        self, pod: Pod, container: Container, then: Callable[[ImageProblem | None], None]
    ) -> None:
        key = pull_backoff_key(pod, container.image)
        release = self.kubelet.release
        decision = pull_permitted(self._backoffs.get(key), self.kubelet.clock.now, pull_backoff_limits(release))
        if decision.permitted:
            self.kubelet.container_event(pod, container, "Normal", "Pulling", self._text("Pulling", container))
            self._queue.append(_Pull(pod, container, then, self.kubelet.clock.now))
            self._pull_next()
            return
        event = self._text("BackOff_pull", container)
        self.kubelet.container_event(pod, container, "Normal", "BackOff", event)
        self._failed(pod, container, "ImagePullBackOff")
        reason, error = self._last_errors.get(key, ("ErrImagePull", ""))
        message = release.text("waiting_ImagePullBackOff").format(image=container.image, reason=reason, error=error)
        then(ImageProblem("ImagePullBackOff", message))

    def _pull_next(self) -> None:
        """Pulls are serialized on the node, unless its kubelet is told otherwise (K-29)."""
        if self._pulling >= self.at_once or not self._queue:
            return
        self._pulling += 1
        pull = self._queue.popleft()
        known = self.known.get(pull.container.image)
        failing = self._is_missing(pull.container.image)
        takes = self.kubelet.timing.latency("failing-pull" if failing else "image-pull")
        if known is not None and known.pull is not None:
            takes = known.pull
        began = self.kubelet.clock.now
        self.kubelet.clock.after(takes, partial(self._pulled, pull, began))

    def _pulled(self, pull: _Pull, began: Instant) -> None:
        self._pulling -= 1
        key = pull_backoff_key(pull.pod, pull.container.image)
        now = self.kubelet.clock.now
        if self._is_missing(pull.container.image):
            self._pull_failed(pull, key)
        else:
            self._present.add(pull.container.image)
            self._backoffs.pop(key, None)
            text = self.kubelet.release.text("Pulled").format(
                image=pull.container.image,
                pull=format_duration(self._shown(now - began)),
                total=format_duration(self._shown(now - pull.asked_at)),
                size=0,
            )
            self.kubelet.container_event(pull.pod, pull.container, "Normal", "Pulled", text)
            pull.then(None)
        self._pull_next()

    def _pull_failed(self, pull: _Pull, key: BackoffKey) -> None:
        release = self.kubelet.release
        limits = pull_backoff_limits(release)
        self._backoffs[key] = after_failed_pull(self._backoffs.get(key), self.kubelet.clock.now, limits)
        error = _pull_error(pull.container.image)
        self._last_errors[key] = ("ErrImagePull", error)
        text = release.text("Failed_pull").format(image=pull.container.image, error=error)
        self.kubelet.container_event(pull.pod, pull.container, "Warning", "Failed", text)
        self._failed(pull.pod, pull.container, "ErrImagePull")
        pull.then(ImageProblem("ErrImagePull", error))

    def _shown(self, duration: Duration) -> Duration:
        """How long a pull took, as its Event says it (S-61a)."""
        step = MILLISECOND if self.kubelet.release.policy("pull_durations_in_milliseconds") else 1
        return duration // step * step


def _pull_error(image: str) -> str:
    """containerd's error for an image that no registry has; one on this very machine refuses the connection."""
    name, tag = _reference(image)
    host, _, path = name.partition("/")
    full = f"{name}:{tag}"
    if host.startswith(("127.", "localhost")):
        return _PULL.format(full=full) + _REFUSED.format(host=host, path=path, tag=tag)
    return f"rpc error: code = NotFound desc = {_PULL.format(full=full)}{full}: not found"


def _reference(image: str) -> tuple[str, str]:
    """The image's name with registry and repository written out, and its tag."""
    name, tag = image, "latest"
    if ":" in image.rpartition("/")[2]:
        name, _, tag = image.rpartition(":")
    first = name.split("/")[0]
    if "/" not in name:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    return name, tag
