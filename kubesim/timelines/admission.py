"""What a webhook did to an object, in words: what it added and removed, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kubesim.history.records import Admitted
from kubesim.store.webhooks_diff import field_path
from kubesim.timelines.requests import amount_text

_KINDS: Final = {"initContainers": "init container", "containers": "container", "volumes": "volume"}


def told_admission(record: Admitted) -> tuple[str, str, str]:
    """What happened, why it matters, and the tone of it."""
    subject = f"{record.kind} {record.name}"
    again = "again, " if record.round > 1 else ""
    match record.result:
        case "denied":
            return f"{record.webhook} denies {subject}", record.message, "bad"
        case "failed":
            return f"{record.webhook} fails, and {subject} with it", record.message, "bad"
        case "ignored":
            return f"{record.webhook} fails; {subject} passes (failurePolicy Ignore)", record.message, "warn"
        case "unchanged" if not record.dropped:
            return f"{again}{record.webhook} leaves {subject} as it is", "", "dim"
        case _:
            what = ", ".join(_changes(record)) or f"leaves {subject} as it is"
            return f"{again}{record.webhook} {what}", "; ".join(_costs(record)), _tone(record)


def lost_fields(record: Admitted) -> tuple[str, ...]:
    """The paths of the fields that the webhook took away from containers that stay: what it did not know."""
    return tuple(field_path(one["path"]) for one in record.diff if one["op"] == "remove" and _is_inside(one["path"]))


def _is_inside(pointer: str) -> bool:
    """Whether a pointer leads into an entry of a list, not to the whole entry."""
    steps = pointer.split("/")[1:]
    return any(step.isdigit() for step in steps[:-1]) and not steps[-1].isdigit()


def _changes(record: Admitted) -> Iterator[str]:
    for one in record.diff:
        steps, value = one["path"].split("/")[1:], one.get("value")
        kind = next((step for step in steps[1:] if step in _KINDS), "")
        if one["op"] == "add" and kind and steps[-1] == kind and isinstance(value, list):
            yield from (f"adds {_entry(kind, entry)}" for entry in value)
        elif one["op"] == "add" and kind and steps[-2] == kind:
            yield f"adds {_entry(kind, value)}"
        else:
            verb = {"add": "adds", "remove": "removes"}.get(one["op"], "sets")
            yield f"{verb} {field_path(one['path'])}"


def _entry(kind: str, entry: Any) -> str:
    is_sidecar = kind == "initContainers" and entry.get("restartPolicy") == "Always"
    return f"{'sidecar' if is_sidecar else _KINDS[kind]} {entry.get('name', '')}"


def _costs(record: Admitted) -> Iterator[str]:
    if record.lost_sidecars:
        yield f"{', '.join(record.lost_sidecars)}: no sidecar any more"
    for resource, (before, after) in record.requests.items():
        yield f"the Pod asks for {resource} {amount_text(resource, after)}, was {amount_text(resource, before)}"
    if record.dropped:
        yield f"left out, unknown to this API server: {', '.join(record.dropped)}"


def _tone(record: Admitted) -> str:
    return "warn" if record.dropped or lost_fields(record) else "who"
