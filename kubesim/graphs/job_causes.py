"""What a Job's Pods had to wait for: the Job itself, and the Pods before them that failed or succeeded (J-25, J-32)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kubesim.graphs.facts import Fact, Kind

_TERMINAL: Final = {"Failed": "had failed; the Job backs off and tries again", "Succeeded": "had succeeded"}


def owning_job(pod: Mapping[str, Any]) -> str:
    """The name of the Job that controls a Pod; empty if none does."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(one["name"]) for one in owners if one.get("kind") == "Job" and one.get("controller")), "")


def creation_causes(
    created: Fact, job: str, siblings: Sequence[Fact], asked: Sequence[Fact]
) -> Iterator[tuple[Fact, str]]:
    """Why a Job made a Pod only then. ``siblings``: the facts of all Pods of that Job."""
    for other in reversed(asked):
        is_the_job = "Job" in other.what and other.pod in ("", job)
        if is_the_job and other.detail in ("create", "apply") and other.at <= created.at:
            yield other, "the user asked for the Job"
            break
    for other in reversed(siblings):
        is_before = other.pod != created.pod and other.order < created.order
        if is_before and other.kind is Kind.PHASE and other.detail in _TERMINAL:
            yield other, f"Pod {other.pod} {_TERMINAL[other.detail]}"
            break
