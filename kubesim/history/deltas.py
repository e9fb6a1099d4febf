"""JSON merge patches (RFC 7386): made when an object is written, applied when a history is replayed.

A field that is null and a field that is absent are one and the same here, as they are to the API server. Lists are
replaced whole. Nothing is copied that did not change: what comes back shares its unchanged parts with what went in,
so treat both as frozen.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def make_patch(before: Object, after: Object) -> Object:
    """The smallest merge patch that turns ``before`` into ``after``; empty when they are equal."""
    patch: Object = {key: None for key, value in before.items() if key not in after and value is not None}
    for key, value in after.items():
        old = before.get(key)
        if value is old:
            continue
        if value is None:
            patch[key] = None
        elif isinstance(value, dict):
            if not isinstance(old, dict):
                patch[key] = _without_nulls(value)
            elif inner := make_patch(old, value):
                patch[key] = inner
        elif old != value or type(old) is not type(value):
            patch[key] = value
    return patch


def apply_patch(before: Object, patch: Object) -> Object:
    """The object after a merge patch; ``before`` stays as it is."""
    after = dict(before)
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        elif isinstance(value, dict):
            old = after.get(key)
            after[key] = apply_patch(old if isinstance(old, dict) else {}, value)
        else:
            after[key] = value
    return after


def _without_nulls(value: Object) -> Object:
    """A patch cannot hold a null that means itself; in an object it means absent (RFC 7386, section 2)."""
    return {
        key: _without_nulls(inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
        if inner is not None
    }
