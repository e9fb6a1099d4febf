"""L4: each instant where it was recorded, within its tolerance, seen from t=0 or the action it goes back to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.fidelity.jitter import ROOT, Kind
from kubesim.fidelity.recording import Difference, Pair, both, moment_label, seconds_of, shown
from kubesim.fidelity.story import belongs_to_story
from kubesim.fidelity.strands import strand_alignment
from kubesim.fidelity.trace import Key, Life, Occurrence
from kubesim.units import MILLISECOND, SECOND, Duration, Instant

WHOLE_SECOND: Final = SECOND
"""Kubernetes writes whole seconds: two true instants of one second may be written a second apart."""
DIRECT_DISTANCE: Final = 300 * MILLISECOND
"""What follows directly from a cause keeps its distance this exactly."""
SAME_HORIZON: Final = 500 * MILLISECOND


def time_differences(pair: Pair) -> Iterator[Difference]:
    """Everything at L4 in which the simulated trace is not the recorded one."""
    labels: dict[Key, str] = {}
    written: list[tuple[Occurrence, Occurrence, str]] = []
    when = matched_instants(pair, labels, written)
    for key, label in labels.items():
        yield from _instant(pair, key, label, when)
        yield from _distance(pair, key, label, when)
    for one, other, label in written:
        yield from _written(pair, one, other, label, when)
    yield from _duration(pair)


def matched_instants(
    pair: Pair,
    labels: dict[Key, str] | None = None,
    written: list[tuple[Occurrence, Occurrence, str]] | None = None,
) -> dict[Key, Instant]:
    """When each recorded instant came in the simulated trace, its roots included.

    ``labels`` and ``written`` are filled with the names of the instants and the values that carry written times.
    """
    labels = {} if labels is None else labels
    written = [] if written is None else written
    when: dict[Key, Instant] = {ROOT: 0}
    when |= {action.key: taken.at for action, taken in zip(pair.recorded.actions, pair.simulated.actions, strict=False)}
    for kind in ("Pod", "Job"):
        for _, recorded, simulated in both(pair, kind):
            if recorded is not None and simulated is not None:
                _match(pair, recorded, simulated, when, labels, written)
    return when


def _match(
    pair: Pair,
    recorded: Life,
    simulated: Life,
    when: dict[Key, Instant],
    labels: dict[Key, str],
    written: list[tuple[Occurrence, Occurrence, str]],
) -> None:
    """When each recorded instant of an object came in the simulated trace."""
    ours = {moment.key: moment.at for moment in simulated.moments}
    for moment in recorded.moments:
        if (at := ours.get(moment.key)) is not None:
            when[moment.key] = at
            labels[moment.key] = moment_label(moment)
    for strand, theirs in recorded.strands.items():
        if strand not in ("phase", "deletion", "gone") and not belongs_to_story(strand):
            continue
        others = simulated.strands.get(strand, [])
        for one, other in strand_alignment(pair, recorded, simulated, strand).pairs:
            each = theirs[one]
            when[each.key] = others[other].at
            labels[each.key] = f"{recorded.name} {strand} {shown(each.value)}"
            if each.written:
                written.append((each, others[other], labels[each.key]))


def _late(pair: Pair, key: Key, at: Instant, other: Instant, when: dict[Key, Instant]) -> Duration:
    """How much later than recorded, seen from the root."""
    root = pair.causes.root(key)
    return (other - when.get(root, pair.causes.times[root])) - (at - pair.causes.times[root])


def _instant(pair: Pair, key: Key, label: str, when: dict[Key, Instant]) -> Iterator[Difference]:
    at = pair.causes.times[key]
    late = _late(pair, key, at, when[key], when)
    tolerance = pair.causes.tolerance(key)
    if abs(late) > tolerance:
        yield _difference(label, at, tolerance, when[key], late)


def _difference(label: str, at: Instant, tolerance: Duration, other: Instant, late: Duration) -> Difference:
    return Difference(
        "L4",
        seconds_of(at),
        label,
        f"{seconds_of(at):.3f} (+-{seconds_of(tolerance):.2f})",
        f"{seconds_of(other):.3f} ({seconds_of(late):+.2f})",
    )


def _distance(pair: Pair, key: Key, label: str, when: dict[Key, Instant]) -> Iterator[Difference]:
    """What follows directly keeps its distance; a row comes over another watch than its change, and is judged alone."""
    link = pair.causes.links.get(key)
    if link is None or link.kind is not Kind.DIRECT or link.cause not in when or key[2] == "kubectl row":
        return
    recorded = pair.causes.times[key] - pair.causes.times[link.cause]
    simulated = when[key] - when[link.cause]
    if abs(simulated - recorded) > round(DIRECT_DISTANCE * pair.causes.scale):
        yield Difference(
            "L4",
            seconds_of(pair.causes.times[key]),
            f"{label} after its cause",
            f"{seconds_of(recorded):.3f} (+-0.30)",
            f"{seconds_of(simulated):.3f}",
        )


def _written(
    pair: Pair, one: Occurrence, other: Occurrence, label: str, when: dict[Key, Instant]
) -> Iterator[Difference]:
    theirs = dict(other.written)
    for field, at in one.written:
        if (simulated := theirs.get(field)) is None:
            continue
        told = _told(pair, one, field, at)
        tolerance = pair.causes.tolerance(told) + WHOLE_SECOND
        late = _late(pair, told, at, simulated, when)
        if abs(late) > tolerance:
            yield _difference(f"{label}, {field}", at, tolerance, simulated, late)


def _told(pair: Pair, one: Occurrence, field: str, at: Instant) -> Key:
    """The instant that a written time tells of: the start or the end itself, where the runtime has it."""
    life = pair.recorded.pods.get(str(one.key[1])) if one.key[0] == "Pod" else None
    if life is None or field not in ("started", "finished", "restarted"):
        return one.key
    container = str(one.key[2]).partition("/")[2].removesuffix(" last")
    what = "start" if field == "started" else "exit"
    told = [
        moment
        for moment in life.moments
        if moment.what == what and (field == "restarted" or moment.container == container)
    ]
    nearest = min(told, key=lambda moment: abs(moment.at - at), default=None)
    return nearest.key if nearest is not None and abs(nearest.at - at) <= 2 * WHOLE_SECOND else one.key


def _duration(pair: Pair) -> Iterator[Difference]:
    one, other = pair.recorded, pair.simulated
    if not (one.over and other.over):
        if abs(one.duration - other.duration) > SAME_HORIZON and one.over == other.over:
            yield _difference("duration", one.duration, SAME_HORIZON, other.duration, other.duration - one.duration)
        return
    last = max(
        (each for life in one.lives() for values in life.strands.values() for each in values),
        key=lambda each: each.at,
        default=None,
    )
    tolerance = (pair.causes.tolerance(last.key) if last else 0) + SECOND
    late = other.duration - one.duration
    if abs(late) > tolerance:
        yield _difference("duration", one.duration, tolerance, other.duration, late)
