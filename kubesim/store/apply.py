"""What ``kubectl apply`` sends for an object that exists already: a strategic patch from three sources.

The last applied manifest (in an annotation), the new manifest, and the live object. What the last had and the new one
lacks is removed; what the new one says is set; what only the live object has stays.
Source: kubectl ``cmd/apply/patcher.go``; apimachinery ``strategicpatch.CreateThreeWayMergePatch``.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.releases.field_tables import Field, field_table

Json: TypeAlias = dict[str, Any]

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def with_last_applied(manifest: Json) -> Json:
    """The manifest with itself in its annotation, as kubectl sends it."""
    metadata = dict(manifest.get("metadata") or {})
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    bare = {**manifest, "metadata": {**metadata, "annotations": annotations}}
    text = json.dumps(bare, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    return {**manifest, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: text}}}


def apply_patch(live: Json, manifest: Json, type_: str, release: Release) -> Json:
    """The strategic merge patch for a manifest (with its annotation) of a type such as ``core.v1.Pod``."""
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    last = json.loads(annotations.get(LAST_APPLIED) or "{}")
    patch = _removals(last, manifest, type_, release)
    return _merged(patch, manifest, type_, release)


def _removals(last: Json, new: Json, type_: str, release: Release) -> Json:
    """The part of the patch that takes away what the last manifest had and the new one has not."""
    fields = field_table(release).get(type_, {})
    patch: Json = {}
    for key, value in last.items():
        known = fields.get(key)
        if key not in new:
            patch[key] = None
        elif isinstance(value, dict) and isinstance(new[key], dict):
            inner = _removals(value, new[key], "" if known is None else known.type.removeprefix("map[]"), release)
            if inner:
                patch[key] = inner
        elif isinstance(value, list) and isinstance(new[key], list) and known is not None and known.merge_key:
            entries = _entry_removals(value, new[key], known, release)
            if entries:
                patch[key] = entries
    return patch


def _entry_removals(last: list[Json], new: list[Json], known: Field, release: Release) -> list[Json]:
    name, found = known.merge_key, []
    wanted = {entry.get(name): entry for entry in new}
    for entry in last:
        if entry.get(name) not in wanted:
            found.append({name: entry.get(name), "$patch": "delete"})
        elif inner := _removals(entry, wanted[entry.get(name)], known.type.removeprefix("[]"), release):
            found.append({name: entry.get(name), **inner})
    return found


def _merged(patch: Json, new: Json, type_: str, release: Release) -> Json:
    """The patch with everything the new manifest says added."""
    fields = field_table(release).get(type_, {})
    result = dict(patch)
    for key, value in new.items():
        known, there = fields.get(key), result.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            result[key] = _merged(there, value, "" if known is None else known.type.removeprefix("map[]"), release)
        elif isinstance(value, list) and isinstance(there, list) and known is not None and known.merge_key:
            result[key] = _merged_entries(there, value, known, release)
        else:
            result[key] = value
    return result


def _merged_entries(patch: list[Json], new: list[Json], known: Field, release: Release) -> list[Json]:
    name, result = known.merge_key, list(patch)
    for entry in new:
        place = next((i for i, there in enumerate(result) if there.get(name) == entry.get(name)), None)
        if place is None:
            result.append(entry)
        else:
            result[place] = _merged(result[place], entry, known.type.removeprefix("[]"), release)
    return result
