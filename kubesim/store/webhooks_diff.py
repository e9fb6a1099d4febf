"""What changed between two versions of an object, as a JSON patch (RFC 6902) a person can read.

Lists of named entries (containers, volumes) are compared by name, so that an inserted container is one ``add``.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Operation: TypeAlias = dict[str, Any]


def json_diff(before: Any, after: Any, path: str = "") -> tuple[Operation, ...]:
    """The operations that turn ``before`` into ``after``, in the order in which they apply."""
    if before == after and type(before) is type(after):
        return ()
    if isinstance(before, dict) and isinstance(after, dict):
        return _of_mappings(before, after, path)
    if isinstance(before, list) and isinstance(after, list) and (named := _of_named(before, after, path)) is not None:
        return named
    return ({"op": "replace", "path": path, "value": after},)


def _of_mappings(before: dict[str, Any], after: dict[str, Any], path: str) -> tuple[Operation, ...]:
    operations: list[Operation] = []
    for key in before:
        here = f"{path}/{_escaped(key)}"
        if key not in after:
            operations.append({"op": "remove", "path": here})
        else:
            operations += json_diff(before[key], after[key], here)
    operations += [
        {"op": "add", "path": f"{path}/{_escaped(key)}", "value": after[key]} for key in after if key not in before
    ]
    return tuple(operations)


def _of_named(before: list[Any], after: list[Any], path: str) -> tuple[Operation, ...] | None:
    """The operations between two lists of uniquely named entries whose common ones keep their order, or None."""
    olds, news = _names(before), _names(after)
    if (
        olds is None
        or news is None
        or [name for name in olds if name in news] != [name for name in news if name in olds]
    ):
        return None
    operations: list[Operation] = [
        {"op": "remove", "path": f"{path}/{index}"}
        for index, name in reversed(list(enumerate(olds)))
        if name not in news
    ]
    for index, (name, entry) in enumerate(zip(news, after, strict=True)):
        here = f"{path}/{index}"
        if name in olds:
            operations += json_diff(before[olds.index(name)], entry, here)
        else:
            operations.append({"op": "add", "path": here, "value": entry})
    return tuple(operations)


def _names(entries: list[Any]) -> list[str] | None:
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    found = [name for name in names if isinstance(name, str)]
    return found if len(found) == len(entries) == len(set(found)) else None


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def field_path(pointer: str) -> str:
    """A JSON pointer as messages of the API write it: ``/spec/containers/0/image`` as ``spec.containers[0].image``."""
    shown = ""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if name.isdigit():
            shown += f"[{name}]"
        else:
            shown += f".{name}" if shown and name.isidentifier() else f"[{name}]" if shown else name
    return shown


def lost_sidecars(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """The init containers that are sidecars in one version of an object, and in a later one are there but are none.

    The object is a Pod, or has the template of one.
    """
    kept = {entry.get("name"): entry.get("restartPolicy") for entry in _init_containers(after)}
    return tuple(
        entry["name"]
        for entry in _init_containers(before)
        if entry.get("restartPolicy") == "Always" and kept.get(entry.get("name"), "Always") != "Always"
    )


def _init_containers(obj: dict[str, Any]) -> list[dict[str, Any]]:
    spec = obj.get("spec") or {}
    spec = (spec.get("template") or {}).get("spec") or spec
    found: list[dict[str, Any]] = spec.get("initContainers") or []
    return found
