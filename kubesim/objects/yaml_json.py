"""JSON manifests: one object after another, as ``kubectl get -o json`` prints them and kubectl reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from kubesim.objects.yaml_scalars import MOST_NESTED, number_through_json

_SURROGATES: Final = re.compile(r"(?:\\u[dD][89a-fA-F][0-9a-fA-F]{2})+")


_ESCAPES: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\."
)
"""Pairs of surrogates, lone ones, and all other escapes."""


def split_json(text: str) -> list[tuple[int, Any]] | None:
    """Each JSON object of a text with its offset, or None when the text is not plain JSON: then it is read as YAML.

    As YAML it may still be right (``{kind: Pod}``), and if not, the error has a line and a column.
    Source: ``apimachinery/pkg/util/yaml`` (``YAMLOrJSONDecoder``: JSON when the first character is a brace).
    """
    start = _skip_space(text, 0)
    if not text.startswith("{", start):
        return None
    objects: list[tuple[int, Any]] = []
    if _SURROGATES.search(text):
        text = _ESCAPES.sub(_without_lone_surrogate, text)
    try:
        while start < len(text):
            value, end = _DECODER.raw_decode(text, start)
            if _is_deeper(value, MOST_NESTED):
                return None
            objects.append((start, value))
            start = _skip_space(text, end)
    except (ValueError, RecursionError):
        return None
    return objects


def as_yaml(text: str) -> str:
    """JSON text that a YAML parser takes, each character at its old place: YAML knows no surrogate pairs."""
    return _SURROGATES.sub(lambda match: "x" * len(match[0]), text)


def _without_lone_surrogate(escape: re.Match[str]) -> str:
    """Half of a pair is no character; Go's decoder puts the replacement character in its place."""
    text = escape[0]
    return "\\ufffd" if len(text) == len("\\ud800") else text


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether values lie deeper in one another than this."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner if isinstance(one, dict | list))


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
