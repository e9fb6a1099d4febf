"""What a rule is about and where the Kubernetes documentation tells of it, for the page that explains a run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

DOCUMENTATION: Final = "https://kubernetes.io/docs/"
_RULE: Final = re.compile(r"([A-Z])-(\d+)[a-z]?")


@dataclass(frozen=True, slots=True)
class RulePage:
    """``title``: what the rule is about, in a few words; ``page``: the address of the documentation."""

    title: str
    page: str


def rule_pages(rules: Iterable[str]) -> dict[str, RulePage]:
    """The pages of the rules that have one; the narrowest row holds."""
    return {rule: found for rule in sorted(set(rules)) if (found := rule_page(rule)) is not None}


def rule_page(rule: str) -> RulePage | None:
    """The page of one rule, such as K-41; None for a rule nobody knows."""
    parts = _RULE.fullmatch(rule)
    if parts is None:
        return None
    letter, number = parts[1], int(parts[2])
    rows = [row for row in _rows() if row[0] == letter and row[1] <= number <= row[2]]
    return min(rows, key=lambda row: row[2] - row[1])[3] if rows else None


@cache
def _rows() -> tuple[tuple[str, int, int, RulePage], ...]:
    """Letter, first and last number, page. Immutable data, read once."""
    text = files("kubesim.timelines").joinpath("html_rules.yaml").read_text(encoding="utf-8")
    rows = []
    for row in yaml.safe_load(text):
        first, last = row["rules"].split()
        letter, _, low = first.partition("-")
        rows.append(
            (letter, int(low), int(last.partition("-")[2]), RulePage(row["title"], DOCUMENTATION + row["page"]))
        )
    return tuple(rows)
