"""Which parts of a message are accidental (uids, hashes, addresses, image ids, measured durations, namespaces)."""

from __future__ import annotations

import re
from typing import Final

_NAMED: Final = re.compile(r"^(?:Successfully assigned |skip schedule deleting pod: )([a-z0-9-]+)/")
_ADDRESS: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!:\d+/)(?::\d+\b)?")
_REGISTRY: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?=:\d+/)")
_DURATION: Final = r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|h|m|s))+"
_ACCIDENTS: Final = (
    (re.compile(r"\bsha256:[0-9a-f]{6,}"), "IMAGE"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r"\((?:[0-9a-f]{6,})\)"), "(UID)"),
    (re.compile(r'\b(task|exec|container|sandbox)( "?)[0-9a-f]{6,}("?)(?![0-9a-z])'), r"\1\2ID\3"),
    (re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{12,}\b"), "ID"),
    (re.compile(rf"\bin {_DURATION} \({_DURATION} including waiting\)"), "in DURATION"),
    (re.compile(rf"\b(in|after|took|took longer than) {_DURATION}\b"), r"\1 DURATION"),
    (_REGISTRY, "ADDRESS"),
    (_ADDRESS, "ADDRESS"),
)
_POD_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?-~\d+")


def recording_namespace(messages: list[str]) -> str | None:
    """The namespace a recording was made in, read off a scheduler's Event; None when no Event names it."""
    for message in messages:
        if found := _NAMED.match(message):
            return found.group(1)
    return None


def plain_message(message: str, namespace: re.Pattern[str] | None, names: dict[str, str]) -> str:
    """A message without its accidents, generated pod names replaced; a nominal ``back-off 20s`` stays as it is."""
    if "~" in message and names:
        message = _POD_NAME.sub(lambda found: names.get(found.group(), found.group()), message)
    if namespace is not None:
        message = namespace.sub("NAMESPACE", message)
    for pattern, plain in _ACCIDENTS:
        message = pattern.sub(plain, message)
    return message


def namespace_pattern(namespace: str | None) -> re.Pattern[str] | None:
    """What finds the recording's own namespace in ``ns/pod`` and ``pod_ns(uid)``, but not inside other names."""
    if namespace is None:
        return None
    return re.compile(rf"(?<![a-z0-9-]){re.escape(namespace)}(?![a-z0-9-])")
