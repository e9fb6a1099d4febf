"""L3: what a user saw on the way: the rows of kubectl get, every status value in sequence, and the Events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.fidelity.recording import SHORT, Difference, Pair, both, seconds_of
from kubesim.fidelity.strands import strand_differences
from kubesim.fidelity.trace import Occurrence, Trace
from kubesim.units import MILLISECOND, Instant

ERRATIC: Final = frozenset({"BackOff", "Unhealthy", "FailedScheduling", "Failed", "ErrImageNeverPull"})
"""Reasons of Events that are repeated by a clock of their own: one more or less means nothing."""
WATCH_SKEW: Final = 100 * MILLISECOND
"""The watch of Events orders by time only to 0.1 s."""


def story_differences(pair: Pair) -> Iterator[Difference]:
    """Everything at L3 in which the simulated trace is not the recorded one."""
    for kind in ("Pod", "Job"):
        for _, recorded, simulated in both(pair, kind):
            if recorded is None or simulated is None:
                continue
            for strand in dict.fromkeys((*recorded.strands, *simulated.strands)):
                if belongs_to_story(strand):
                    yield from strand_differences("L3", pair, recorded, simulated, strand)
    yield from _event_counts(pair)
    yield from _event_order(pair)


def belongs_to_story(strand: str) -> bool:
    """Whether the sequence of a strand's values is part of the story."""
    return strand in ("kubectl row", "node", "hasIP", "finalizers", "schedulingGates") or strand.startswith(
        ("cond/", "init/", "main/")
    )


def _event_counts(pair: Pair) -> Iterator[Difference]:
    theirs, ours = pair.recorded.counts, pair.simulated.counts
    for thing in dict.fromkeys((*theirs, *ours)):
        one, other = theirs.get(thing, 0), ours.get(thing, 0)
        if one == other or _count_fits(pair, thing, one, other):
            continue
        occurrences = pair.recorded.events.get(thing) or pair.simulated.events[thing]
        yield Difference("L3", seconds_of(occurrences[-1].at), _label(thing), f"{one}x", f"{other}x")


def _label(thing: tuple[str, ...]) -> str:
    about, _, reason, message, part, _ = thing
    return " ".join(each for each in (about, "Event", reason, part, repr(message)) if each)


def _count_fits(pair: Pair, thing: tuple[str, ...], one: int, other: int) -> bool:
    """Counts are equal but for what may have come behind the other's horizon, and for one of an erratic Event."""
    late_one = _late(pair, pair.recorded.events.get(thing, []), simulated=False)
    late_other = _late(pair, pair.simulated.events.get(thing, []), simulated=True)
    least = max(one - late_one - other, other - late_other - one)
    if least <= 0:
        return True
    if thing[2] not in ERRATIC or least > 1:
        return False
    if one and other:
        return True
    trace = pair.recorded if one else pair.simulated
    return max(one, other) == 1 and _at_an_end(trace, thing[0], trace.events[thing][0].at)


def _late(pair: Pair, occurrences: list[Occurrence], simulated: bool) -> int:
    return sum(pair.may_be_missing(each.key, each.at, simulated) for each in occurrences)


def _at_an_end(trace: Trace, about: str, at: Instant) -> bool:
    """Whether something fell within 1.3 s of the end of a container or of the pod (its sandbox)."""
    life = trace.pods.get(about.partition("/")[2])
    if life is None:
        return False
    return any(abs(moment.at - at) < SHORT for moment in life.moments if moment.what == "exit")


def _event_order(pair: Pair) -> Iterator[Difference]:
    """Two Events about one object come in the recorded order, unless within their jitter in both traces."""
    about: dict[str, list[tuple[tuple[str, ...], Occurrence, Occurrence]]] = {}
    for thing, occurrences in pair.recorded.events.items():
        both_have = list(zip(occurrences, pair.simulated.events.get(thing, ()), strict=False))
        if thing[2] in ERRATIC:
            del both_have[1:]
        about.setdefault(thing[0], []).extend((thing, one, other) for one, other in both_have)
    for events in about.values():
        events.sort(key=lambda each: each[1].at)
        for place, (thing, one, other) in enumerate(events):
            for later, later_one, later_other in events[place + 1 :]:
                if other.at <= later_other.at or one.at >= later_one.at:
                    continue
                jitter = max(pair.causes.jitter(one.key, later_one.key), WATCH_SKEW)
                if later_one.at - one.at <= jitter and other.at - later_other.at <= jitter:
                    continue
                yield Difference(
                    "L3",
                    seconds_of(one.at),
                    f"order of {_label(thing)} and {_label(later)}",
                    f"{seconds_of(one.at):.3f} before {seconds_of(later_one.at):.3f}",
                    f"{seconds_of(other.at):.3f} after {seconds_of(later_other.at):.3f}",
                )
