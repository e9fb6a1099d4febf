"""What a history of the level ``summary`` says: how many Pods came to what, and how long it took them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kubesim.history.history import History
from kubesim.history.records import PodSummary
from kubesim.timelines.tables import align
from kubesim.units import to_seconds

_SHARES = (0.5, 0.95, 0.99, 1.0)


def summary_lines(history: History) -> list[str]:
    """Pods by controller kind and phase, then lengths of time in seconds; what is not known is left out."""
    pods = history.of(PodSummary)
    end = history.end
    over = f"the run ended after {to_seconds(history.ended - history.started):.1f} s"
    if end is not None:
        over += {"settled": ": nothing can change any more"}.get(end.why, f" ({end.why})")
    if not pods:
        return [over]
    lines = [f"{len(pods)} Pods on {len({pod.node for pod in pods if pod.node})} nodes; {over}", ""]
    counts = Counter((pod.owner.partition("/")[0] or "-", pod.phase, _presence(pod)) for pod in pods)
    rows = [[owner, phase, state, str(count)] for (owner, phase, state), count in sorted(counts.items())]
    lines += [*align(["OWNER", "PHASE", "OBJECT", "PODS"], rows), ""]
    lengths = [[name, str(len(values)), *_quantiles(values)] for name, values in _lengths(pods) if values]
    if lengths:
        lines += align(["SECONDS", "PODS", "P50", "P95", "P99", "LONGEST"], lengths)
    restarts = sum(pod.restarts for pod in pods)
    return [*lines, "", f"{restarts} restarts of containers"]


def _presence(pod: PodSummary) -> str:
    return "there" if pod.gone is None else "gone"


def _lengths(pods: Sequence[PodSummary]) -> Iterator[tuple[str, list[float]]]:
    yield "created to scheduled", [to_seconds(one.scheduled - one.created) for one in pods if one.scheduled is not None]
    yield "created to Ready", [to_seconds(one.ready - one.created) for one in pods if one.ready is not None]
    yield "created to ended", [to_seconds(one.ended - one.created) for one in pods if one.ended is not None]
    yield "created to gone", [to_seconds(one.gone - one.created) for one in pods if one.gone is not None]


def _quantiles(values: list[float]) -> list[str]:
    ordered = sorted(values)
    return [f"{ordered[min(int(share * len(ordered)), len(ordered) - 1)]:.3f}" for share in _SHARES]
