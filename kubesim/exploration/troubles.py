"""What can happen to Pods from outside, as plain data: deletions, crashes, trouble with a node, with an image.

Each is something that a scenario file can say; how it is said there stands here, too, so that what is searched and
what replays it are one thing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from kubesim.scenario.actions import (
    Action,
    Delete,
    Kill,
    KubeletRestart,
    KubeletStop,
    NetworkDown,
    NodeDown,
    NodeReboot,
)
from kubesim.scenario.cluster import Image
from kubesim.units import SECOND, format_duration

ON_NODES: Final[dict[str, tuple[type[Any], str]]] = {
    "kubeletRestart": (KubeletRestart, "the kubelet of {node} restarts, and is away for {length}"),
    "nodeReboot": (NodeReboot, "{node} reboots, and is away for {length}"),
    "networkDown": (NetworkDown, "{node} is cut off from the API server for {length}"),
    "nodeDown": (NodeDown, "{node} loses its power for {length}"),
    "kubeletStop": (KubeletStop, "the kubelet of {node} ends for good"),
}
"""What can befall a node, by the name it has in a scenario, from the lightest to the heaviest."""
FOR_GOOD: Final = 0
"""Of ``length``: it does not come back."""
_LENGTH_FIELDS: Final = {"kubeletRestart": "takes", "nodeReboot": "takes", "networkDown": "for", "nodeDown": "for"}
_WEIGHTS: Final = {"delete": 1, "deleteMaker": 2, "crash": 2}


def pods_of(owner: str) -> str:
    """The name of a Pod, or the pattern of the names of those that an object makes."""
    kind, _, name = owner.partition("/")
    return name if kind == "Pod" else f"{name}-*"


@dataclass(frozen=True, slots=True)
class Stimulus:
    """Something that happens at a second: ``delete``, ``deleteMaker``, ``crash``, or one of ``ON_NODES``."""

    at: int
    do: str
    owner: str = ""
    container: str = ""
    code: int = 1
    node: str = ""
    length: int = FOR_GOOD
    """Of trouble with a node: seconds until it is over."""

    @property
    def weight(self) -> int:
        """Of two troubles the lighter one is the simpler explanation."""
        return _WEIGHTS[self.do] if self.do in _WEIGHTS else 3 + list(ON_NODES).index(self.do)

    def told(self) -> str:
        """In a sentence."""
        kind, _, name = self.owner.partition("/")
        at = format_duration(self.at * SECOND)
        match self.do:
            case "delete" if kind == "Pod":
                return f"at {at}: kubectl delete pod {name}"
            case "delete":
                return f"at {at}: the oldest pod of {kind} {name} is deleted"
            case "deleteMaker":
                return f"at {at}: kubectl delete {kind.lower()} {name}"
            case "crash" if kind == "Pod":
                return f"at {at}: {self.container} crashes with exit code {self.code}"
            case "crash":
                return f"at {at}: {self.container} crashes in the oldest pod of {name}, with exit code {self.code}"
        words = ON_NODES[self.do][1]
        words = words.replace("for {length}", "for good") if self.length == FOR_GOOD else words
        return f"at {at}: {words.format(node=self.node, length=format_duration(self.length * SECOND))}"

    def action(self) -> Action:
        """What the simulator is to do."""
        at = self.at * SECOND
        kind, _, name = self.owner.partition("/")
        match self.do:
            case "delete":
                return Delete(at=at, kind="Pod", name=pods_of(self.owner))
            case "deleteMaker":
                return Delete(at=at, kind=kind, name=name)
            case "crash":
                return Kill(at=at, pod=pods_of(self.owner), container=self.container, exit_code=self.code)
        details: dict[str, Any] = {"node": self.node}
        if self.length != FOR_GOOD:
            details["for_" if _LENGTH_FIELDS[self.do] == "for" else "takes"] = self.length * SECOND
        made: Action = ON_NODES[self.do][0](at=at, **details)
        return made

    def as_written(self) -> dict[str, Any]:
        """The same, as a scenario file has it under ``actions``."""
        at = format_duration(self.at * SECOND)
        kind, _, name = self.owner.partition("/")
        match self.do:
            case "delete":
                return {"at": at, "delete": {"kind": "Pod", "name": pods_of(self.owner)}}
            case "deleteMaker":
                return {"at": at, "delete": {"kind": kind, "name": name}}
            case "crash":
                what = {"pod": pods_of(self.owner), "container": self.container, "exitCode": self.code}
                return {"at": at, "kill": what}
        details: dict[str, Any] = {"node": self.node}
        if self.length != FOR_GOOD:
            details[_LENGTH_FIELDS[self.do]] = format_duration(self.length * SECOND)
        return {"at": at, self.do: details}


@dataclass(frozen=True, slots=True)
class ImageTrouble:
    """An image that is not on the nodes: it takes ``pull`` seconds, or cannot be pulled for a while, or ever."""

    image: str
    pull: int = 0
    missing_for: int | None = None
    missing: bool = False

    @property
    def weight(self) -> int:
        """Of two troubles the lighter one is the simpler explanation."""
        return 5 if self.missing else 4 if self.missing_for is not None else 3

    def told(self) -> str:
        """In a sentence."""
        if self.missing:
            return f"image {self.image} cannot be pulled"
        if self.missing_for is not None:
            return f"image {self.image} cannot be pulled in the first {format_duration(self.missing_for * SECOND)}"
        return f"image {self.image} takes {format_duration(self.pull * SECOND)} to pull"

    def of(self, known: Image) -> Image:
        """The image so, with all else that is known of it."""
        late = self.missing_for * SECOND if self.missing_for is not None else None
        pull = self.pull * SECOND if self.pull else known.pull
        return replace(known, pull=pull, missing_for=late, missing=self.missing or known.missing)

    def as_written(self) -> dict[str, Any]:
        """The same, as a scenario file has it under ``cluster.images``."""
        if self.missing:
            return {"missing": True}
        if self.missing_for is not None:
            return {"missingFor": format_duration(self.missing_for * SECOND)}
        return {"pull": format_duration(self.pull * SECOND)}


Trouble: TypeAlias = Stimulus | ImageTrouble
