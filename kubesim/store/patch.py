"""Applying a patch to an object: JSON patch (RFC 6902), JSON merge patch (RFC 7386), strategic merge patch.

Source: apiserver ``endpoints/handlers/patch.go``; apimachinery ``pkg/util/strategicpatch``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias, cast

import jsonpatch
import jsonpointer

from kubesim.errors import KubesimError
from kubesim.releases import Release
from kubesim.store.kinds import KINDS, type_name
from kubesim.store.strategic import strategic_merge

Json: TypeAlias = dict[str, Any]


class PatchType(StrEnum):
    """The kinds of patch kubectl sends with ``--type``."""

    JSON = "json"
    MERGE = "merge"
    STRATEGIC = "strategic"


class NotApplicable(KubesimError):
    """The patch does not fit the object; the message is the API server's."""


def patched(obj: Json, type_: PatchType, patch: Any, kind: str, release: Release) -> Json:
    """The object after the patch; a new dict that may share parts with the old one."""
    match type_:
        case PatchType.JSON:
            return _json_patched(obj, patch)
        case PatchType.MERGE:
            merged: Json = merge(obj, patch)
            return merged
        case PatchType.STRATEGIC:
            return strategic_merge(obj, patch, type_name(KINDS[kind]), release)


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: objects are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def _json_patched(obj: Json, patch: Any) -> Json:
    try:
        return cast(Json, jsonpatch.JsonPatch(patch).apply(obj))
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as problem:
        raise NotApplicable(f"the server rejected our request due to an error in our request: {problem}") from problem


def wrong_patch(patch: Any, wanted: type) -> str:
    """What the API server says of a patch that is no list, or no object. Source: apiserver ``handlers/patch.go``."""
    kinds = {dict: "object", list: "array", str: "string", bool: "bool"}
    target = "jsonpatch.Patch" if wanted is list else "map[string]interface {}"
    return f"json: cannot unmarshal {kinds.get(type(patch), 'number')} into Go value of type {target}"
