"""Strategic merge patches: lists of objects are merged by their merge key, with ``$patch`` directives.

The merge keys come from the field tables (containers by name, conditions by type, tolerations replaced, …).
Source: apimachinery ``pkg/util/strategicpatch/patch.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.releases.field_tables import Field, field_table

Json: TypeAlias = dict[str, Any]
Types: TypeAlias = Mapping[str, Mapping[str, Field]]

_DIRECTIVE: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_DELETE_FROM: Final = "$deleteFromPrimitiveList/"
_ORDER: Final = "$setElementOrder/"


def strategic_merge(obj: Json, patch: Json, type_: str, release: Release) -> Json:
    """The object of a type (``core.v1.Pod``) after the patch; a new dict that may share parts with the old one."""
    return _merged(obj, patch, type_, field_table(release))


def _merged(obj: Json, patch: Json, type_: str, types: Types) -> Json:
    match patch.get(_DIRECTIVE):
        case "replace":
            return {key: value for key, value in patch.items() if key != _DIRECTIVE}
        case "delete":
            return {}
    fields = types.get(type_, {})
    result = dict(obj)
    if _RETAIN in patch:
        result = {key: value for key, value in result.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            name = key.removeprefix(_DELETE_FROM)
            result[name] = [item for item in result.get(name) or () if item not in value]
        elif key in (_DIRECTIVE, _RETAIN) or key.startswith(_ORDER):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = _value(result.get(key), value, fields.get(key), types)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            result[name] = _ordered(result.get(name) or [], order, fields.get(name))
    return result


def _value(old: Any, new: Any, field: Field | None, types: Types) -> Any:
    if isinstance(new, dict):
        inner = "" if field is None else field.type.removeprefix("map[]")
        return _merged(old if isinstance(old, dict) else {}, new, inner, types)
    if isinstance(new, list) and field is not None and "merge" in field.strategy.split(","):
        return _list(old if isinstance(old, list) else [], new, field, types)
    return _bare(new)


def _list(old: list[Any], new: list[Any], field: Field, types: Types) -> list[Any]:
    """Merge a list by key; elements the patch does not name stay, new ones go to the end."""
    if not field.merge_key:
        return [*old, *(item for item in new if item not in old)]
    if {_DIRECTIVE: "replace"} in new:
        return [item for item in new if item != {_DIRECTIVE: "replace"}]
    key, inner = field.merge_key, field.type.removeprefix("[]")
    result = list(old)
    for item in new:
        place = next((i for i, entry in enumerate(result) if entry.get(key) == item.get(key)), None)
        if item.get(_DIRECTIVE) == "delete":
            if place is not None:
                del result[place]
        elif place is None:
            result.append(_merged({}, item, inner, types))
        else:
            result[place] = _merged(result[place], item, inner, types)
    return result


def _ordered(items: list[Any], order: list[Any], field: Field | None) -> list[Any]:
    """Put a merged list into the order the patch asks for; elements it does not name keep their place at the end."""
    key = field.merge_key if field else ""
    wanted = [(entry.get(key) if key else entry) for entry in order]

    def rank(item: Any) -> int:
        name = item.get(key) if key else item
        return wanted.index(name) if name in wanted else len(wanted)

    return sorted(items, key=rank)


def _bare(value: Any) -> Any:
    """A list that replaces, without the directives of its elements."""
    if not isinstance(value, list):
        return value
    return [item for item in value if not (isinstance(item, dict) and set(item) == {_DIRECTIVE})]
