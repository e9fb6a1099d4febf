"""The accidental made stable: names of a Job's Pods, uids and container ids, as the recordings write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from kubesim.history.history import History
from kubesim.history.replay import Key

COMPLETION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
_NAMING: Final = ("Job", "ReplicaSet")
_UID: Final = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_CONTAINER_ID: Final = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


def completion_index(pod: dict[str, Any]) -> int | None:
    """The completion index of an Indexed Job's Pod; None for any other Pod."""
    text = (pod["metadata"].get("annotations") or {}).get(COMPLETION_INDEX)
    return None if text is None else int(text)


def stable_names(history: History) -> dict[Key, str]:
    """What the recordings call each Pod: ``<job>[-<index>]-~<k>`` for a Job's, k from 1 in order of creation.

    The Pods of a ReplicaSet, of which there are no recordings, are called in the same way.
    """
    counts: dict[Key, int] = {}
    names: dict[Key, str] = {}
    for key, versions in history.all_versions.items():
        if key.kind != "Pod":
            continue
        names[key] = key.name
        if found := _controller(versions[0].object):
            kind, name = found
            owner = Key(kind, key.namespace, name)
            counts[owner] = counts.get(owner, 0) + 1
            index = completion_index(versions[0].object)
            names[key] = f"{name}-~{counts[owner]}" if index is None else f"{name}-{index}-~{counts[owner]}"
    return names


def plain_text(names: dict[Key, str]) -> Callable[[str], str]:
    """A function that writes a message as the recordings do: stable names, uids and container ids cut to 8 digits."""
    changed = {key.name: name for key, name in names.items() if key.name != name}
    longest_first = sorted(changed, key=len, reverse=True)
    pattern = re.compile(rf"(?<![a-z0-9-])({'|'.join(map(re.escape, longest_first))})(?![a-z0-9-])")

    def plain(message: str) -> str:
        if changed:
            message = pattern.sub(lambda found: changed[found.group()], message)
        return short_ids(message)

    return plain


def short_ids(message: str) -> str:
    """A message with uids and container ids cut to their first eight digits."""
    return _CONTAINER_ID.sub(r"\1", _UID.sub(r"\1", message))


def _controller(pod: dict[str, Any]) -> tuple[str, str] | None:
    """Kind and name of the controller that makes a Pod's name up."""
    for owner in pod["metadata"].get("ownerReferences") or ():
        if owner.get("kind") in _NAMING and owner.get("controller"):
            return str(owner["kind"]), str(owner["name"])
    return None
