"""What was said about each change that no test noticed: data beside the tests, so that it outlives a new sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import yaml

RESULTS = Path(__file__).with_name("results.yaml")
VERDICTS = Path(__file__).with_name("verdicts.yaml")


class Changed(Protocol):
    """What a verdict is found by."""

    place: str
    was: str
    becomes: str


Key = tuple[str, str, str]


def key(change: Changed) -> Key:
    """A change by its place and its lines: mutmut's numbers move with every edit."""
    return change.place, change.was, change.becomes


def read_verdicts() -> dict[Key, dict[str, Any]]:
    """Change to what was said about it."""
    found: dict[Key, dict[str, Any]] = {}
    for entry in yaml.safe_load(VERDICTS.read_text(encoding="utf-8")) if VERDICTS.exists() else []:
        for was, becomes in entry["changes"]:
            found[entry["place"], was, becomes] = entry
    return found
