"""Structs as the API server prints them in an error: Go syntax in older releases, JSON in newer ones.

Source: apimachinery ``util/validation/field/errors.go``: Error.ErrorBody (``%#v``, later JSON).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kubesim.releases import Release
from kubesim.store.field_errors import shown
from kubesim.store.quantities import quantity

Json: TypeAlias = dict[str, Any]

_BINARY: Final = re.compile(r".*[KMGTPE]i")


def speaks_json(release: Release) -> bool:
    """Whether structs in errors are JSON."""
    return bool(release.policy("structs_in_errors") == "json")


def as_json(value: Any) -> str:
    """A value as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def shown_value(value: Any, release: Release) -> str:
    """A scalar or list as JSON; nothing at all is the text "null" in releases that print structs in Go's syntax."""
    return '"null"' if value is None and not speaks_json(release) else as_json(value)


def go_quantity(text: str, release: Release) -> str:
    """A quantity; in Go syntax with its inner scale."""
    if speaks_json(release):
        return shown(text)
    amount = quantity(text)
    scaled = amount.as_tuple()
    value, scale = int(amount), 0
    if amount != value and isinstance(scaled.exponent, int):
        scale = -3 if scaled.exponent >= -3 else scaled.exponent
        value = int(amount.scaleb(-scale))
    family = "BinarySI" if _BINARY.fullmatch(text) else "DecimalSI"
    inner = f"i:resource.int64Amount{{value:{value}, scale:{scale}}}, d:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}"
    return f'resource.Quantity{{{inner}, s:"{text}", Format:"{family}"}}'


def go_pointer(kind: str, value: Any) -> str:
    """A pointer to a scalar: nil, or an address that differs from run to run (recorded ones cannot be met)."""
    return f"(*{kind})(nil)" if value is None else f"(*{kind})(0xc000000000)"


def go_list(kind: str, items: list[Any] | None, render: Callable[[Any], str] = shown) -> str:
    """A slice, nil when absent."""
    if items is None:
        return f"[]{kind}(nil)"
    return f"[]{kind}{{{', '.join(render(item) for item in items)}}}"


def go_texts(kind: str, entries: dict[str, str] | None) -> str:
    """A map from text to text, by key."""
    if entries is None:
        return f"{kind}(nil)"
    return f"{kind}{{{', '.join(f'{shown(key)}:{shown(entries[key])}' for key in sorted(entries))}}}"
