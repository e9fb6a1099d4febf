"""The sentence that says why no node was found: each reason counted, sorted as text (C-61, C-62).

Source: ``pkg/scheduler/framework/types.go``: FitError.Error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kubesim.releases import Release


def counted(reasons: Iterable[str]) -> str:
    """``1 Insufficient cpu, 2 Too many pods``: sorted as text, so that "10 …" comes before "2 …"."""
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))


def no_fit(nodes: int, reasons: Iterable[str], post_filter: str, release: Release) -> str:
    """The text of the Event FailedScheduling and of the condition PodScheduled (C-60, C-61)."""
    named = counted(reasons)
    if named:
        text = release.text("nodes_available").format(nodes=nodes, reasons=named)
    else:
        text = release.text("nodes_available_none").format(nodes=nodes) + ":"
    if not post_filter:
        return text
    return f"{text} {post_filter}." if release.policy("scheduler_post_filter_dot") else f"{text} {post_filter}"


def no_preemption(part: str, release: Release) -> str:
    """What the post-filters say when preemption does not help: ``part`` begins with ``preemption: `` (C-61)."""
    return release.text("no_claims") + part if release.policy("scheduler_claims_part") else part
