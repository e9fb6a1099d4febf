"""JSON manifests: one object after another, as ``kubectl get -o json`` prints them and kubectl reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from kubesim.objects.yaml_scalars import number_through_json

_SURROGATES: Final = re.compile(r"(?:\\u[dD][89a-fA-F][0-9a-fA-F]{2})+")


def split_json(text: str) -> list[tuple[int, Any]] | None:
    """Each JSON object of a text with its offset, or None when the text is not plain JSON: then it is read as YAML.

    As YAML it may still be right (``{kind: Pod}``), and if not, the error has a line and a column.
    Source: ``apimachinery/pkg/util/yaml`` (``YAMLOrJSONDecoder``: JSON when the first character is a brace).
    """
    start = _skip_space(text, 0)
    if not text.startswith("{", start):
        return None
    objects: list[tuple[int, Any]] = []
    try:
        while start < len(text):
            value, end = _DECODER.raw_decode(text, start)
            objects.append((start, value))
            start = _skip_space(text, end)
    except (ValueError, RecursionError):
        return None
    return objects


def as_yaml(text: str) -> str:
    """JSON text that a YAML parser takes, each character at its old place: YAML knows no surrogate pairs."""
    return _SURROGATES.sub(lambda match: "x" * len(match[0]), text)


def _skip_space(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice")
    return result


def _number(text: str) -> int | float:
    number = number_through_json(float(text) if any(mark in text for mark in ".eE") else int(text))
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_constant
)
