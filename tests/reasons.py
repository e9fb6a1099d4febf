"""What every decision owes its reader: a reason in words, and the rules it follows."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

RULE = re.compile(r"[A-Z]-\d+[a-z]?(\.\d+)?")


def says_why(decide: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, except that what it decides is looked at."""

    @functools.wraps(decide)
    def checked(*given: Any, **more: Any) -> Any:
        decision = decide(*given, **more)
        for what, why in reasons(decision):
            assert why is not None, f"{what} has no reason"
            assert isinstance(why.text, str), f"{what}: {why}"
            assert why.text.strip(), f"{what}: {why}"
            assert "None" not in why.text, f"{what}: {why}"
            assert isinstance(why.rules, tuple), f"{what}: {why}"
            assert all(RULE.fullmatch(rule) for rule in why.rules), f"{what}: {why}"
        return decision

    return checked


def reasons(value: Any) -> Iterator[tuple[str, Any]]:
    """Each reason in a decision, with the name of what it is given for."""
    if isinstance(value, tuple):
        for one in value:
            yield from reasons(one)
    elif dataclasses.is_dataclass(value) or isinstance(value, msgspec.Struct):
        for name in getattr(value, "__struct_fields__", None) or [field.name for field in dataclasses.fields(value)]:
            if name == "why":
                yield type(value).__name__, value.why
            else:
                yield from reasons(getattr(value, name))


def watch(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], *modules: Any) -> None:
    """Let these functions, wherever these modules have them, be looked at while a test runs."""
    for module in modules:
        for name in names:
            if hasattr(module, name):
                monkeypatch.setattr(module, name, says_why(getattr(module, name)))
