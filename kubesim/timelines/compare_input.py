"""What differs in what a run began with: what was refused, which Pods there are, what containers are, stored fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from kubesim.timelines.compare_facts import NOTHING, Difference, Portrait, job_of
from kubesim.timelines.compare_words import contrast, named, together_named
from kubesim.timelines.lanes_model import Role

_LONGEST: Final = 160
"""Longer texts of other people are cut in a sentence; the table has all of them."""

_NOT_FOUND: Final = "refused (404"
"""What was refused before cannot be found later; of that nothing is said."""

_INVALID: Final = re.compile(r'\): [\w.]+ "[^"]*" is invalid: ')
_REQUESTS: Final = frozenset(("create", "apply", "update", "replace", "patch", "delete", "delete-job-pod", "evict"))
"""What is asked of an API server; the rest is done to containers and nodes."""


def refusals(said: Sequence[str], _: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """What an API server took on some sides only, and what could be done on some sides only."""
    told = False
    for one in differences:
        refused = [value for value in one.values if value.startswith("refused")]
        follows = told and all(value.startswith(_NOT_FOUND) for value in refused)
        if one.kind == "admission" and refused and not follows:
            told = True
            yield contrast(said, [_answer(one.subject, value) for value in one.values], "the API server")


def _answer(request: str, value: str) -> str:
    """``create Pod`` and the API server's answer; that the object is the invalid one goes without saying."""
    if value == NOTHING:
        return f"there is no {request}"
    verb, _, kind = request.partition(" ")
    if verb not in _REQUESTS:
        detail = value.removeprefix("refused").partition(": ")[2]
        return f"{request} cannot be done: {_cut(detail)}" if value.startswith("refused") else f"{request} is done"
    if value.startswith("refused"):
        detail = _cut(_INVALID.sub("): ", value.removeprefix("refused")))
        return f"the API server refuses to {verb} {f'the {kind}' if kind else 'it'}{detail}"
    return "the API server accepts it"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def missing(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Pods that some sides make and others do not; a refusal has said so of those that are asked for."""
    refused = any(one.kind == "admission" and "refused" in "".join(one.values) for one in differences)
    absent = [one for one in differences if one.kind == "object" and not refused]
    jobs = list(dict.fromkeys(job for one in absent if (job := job_of(one.subject))))
    for job in jobs:
        counts = [len({name for name in one.roles if job_of(name) == job}) for one in portraits]
        kind = "Job" if any(f"job/{job}" in one.subjects for one in portraits) else "ReplicaSet"
        yield contrast(said, [f"{kind} {job} makes {count} Pod{'s' if count != 1 else ''}" for count in counts])
    for one in absent:
        if not job_of(one.subject):
            kind = "container" if _is_container(one.subject, portraits) else "Job" if "job/" in one.subject else "Pod"
            what = f"{kind} {named(one.subject, portraits).removeprefix('job/')}"
            yield contrast(said, [f"there is {'no ' if value == NOTHING else ''}{what}" for value in one.values])


def _is_container(subject: str, portraits: Sequence[Portrait]) -> bool:
    return any(subject.rpartition("/")[0] in one.roles for one in portraits)


# -- what containers are ----------------------------------------------------------------------------------------------

_RESTART_POLICY: Final = re.compile(r"spec\.initContainers\[(.+)\]\.restartPolicy")
_OF_A_CONTAINER: Final = re.compile(r"spec\.(initContainers|containers|ephemeralContainers)\[([^\]]+)\].*")
_LISTS: Final = {"containers": (Role.MAIN,), "initContainers": (Role.INIT, Role.SIDECAR)}
_ONE: Final = {
    Role.MAIN: "is an ordinary container",
    Role.INIT: "is an ordinary init container",
    Role.SIDECAR: "is a sidecar",
}
_SEVERAL: Final = {
    Role.MAIN: "are ordinary containers",
    Role.INIT: "are ordinary init containers",
    Role.SIDECAR: "are sidecars",
}


def roles(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Containers that are sidecars on some sides only: where a restartPolicy is dropped, or a webhook chose so."""
    dropped = {
        (one.subject, place[1], side)
        for one in differences
        if one.kind == "spec" and (place := _RESTART_POLICY.fullmatch(one.aspect))
        for side, value in enumerate(one.values)
        if value == NOTHING
    }
    found: dict[tuple[str, ...], list[str]] = {}
    for pod in dict.fromkeys(pod for one in portraits for pod in one.roles):
        for name in dict.fromkeys(name for one in portraits for name in one.roles.get(pod, {})):
            known = [one.roles.get(pod, {}).get(name) for one in portraits]
            if len({role for role in known if role is not None}) > 1:
                key = tuple(_kind(role, (pod, name, side) in dropped) for side, role in enumerate(known))
                if name not in found.setdefault(key, []):
                    found[key].append(name)
    for kinds, names in found.items():
        yield contrast(said, [_what(names, kind) for kind in kinds], names[0] if len(names) == 1 else "")


def _kind(role: Role | None, is_dropped: bool) -> str:
    if role is None:
        return ""
    return "dropped" if role is Role.INIT and is_dropped else role.value


def _what(names: Sequence[str], kind: str) -> str:
    if not kind:
        return ""
    several = len(names) > 1
    role = Role.INIT if kind == "dropped" else Role(kind)
    because = f", for the API server drops {'their' if several else 'its'} restartPolicy" if kind == "dropped" else ""
    return f"{together_named(names)} {(_SEVERAL if several else _ONE)[role]}{because}"


# -- stored fields ----------------------------------------------------------------------------------------------------


def dropped(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Fields that are stored on some sides only, those with the same sides together."""
    fields: dict[tuple[str, ...], list[str]] = {}
    for one in differences:
        if one.kind == "spec" and NOTHING in one.values and not _RESTART_POLICY.fullmatch(one.aspect):
            could = (_could_be_there(one, portrait) for portrait in portraits)
            kept = tuple(
                "" if not there else "drops" if value == NOTHING else "stores"
                for value, there in zip(one.values, could, strict=True)
            )
            if "drops" in kept and one.aspect not in fields.setdefault(kept, []):
                fields[kept].append(one.aspect)
    for kept, paths in fields.items():
        few = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        yield contrast(said, [f"the API server {verb} {few}" if verb else "" for verb in kept], "the API server")


def _could_be_there(one: Difference, portrait: Portrait) -> bool:
    """Whether a side has what the field belongs to: the Pod, and the container in that list of its spec."""
    if one.subject not in portrait.subjects:
        return False
    place = _OF_A_CONTAINER.fullmatch(one.aspect)
    if place is None or place[1] not in _LISTS:
        return True
    return portrait.roles.get(one.subject, {}).get(place[2]) in _LISTS[place[1]]
