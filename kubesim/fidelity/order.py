"""L2: nothing missing or extra among stops, signals, hooks, phases and deletions; graces; and the order of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kubesim.fidelity.jitter import Causes, Kind
from kubesim.fidelity.recording import Difference, Pair, both, moment_label, seconds_of
from kubesim.fidelity.strands import strand_alignment, strand_differences
from kubesim.fidelity.trace import Key, Life, Moment
from kubesim.units import MILLISECOND, SECOND, Instant

ORDERED = ("start", "stop", "signal TERM", "signal KILL", "exit", "hook start", "hook exit")
LEAST_GRACE = 2
WHOLE_SECOND_SLACK = 100 * MILLISECOND
"""How close below the next whole second a grace's clock must stand for one second less."""


def order_differences(pair: Pair) -> Iterator[Difference]:
    """Everything at L2 in which the simulated trace is not the recorded one."""
    for _, recorded, simulated in both(pair, "Pod"):
        if recorded is None or simulated is None:
            continue
        yield from _presence(pair, recorded, simulated)
        yield from _graces(pair, recorded, simulated)
        for strand in ("phase", "deletion"):
            yield from strand_differences("L2", pair, recorded, simulated, strand)
        yield from _order(pair, recorded, simulated)
    for _, recorded, simulated in both(pair, "Job"):
        if recorded is not None and simulated is not None:
            yield from strand_differences("L2", pair, recorded, simulated, "deletion")


def _presence(pair: Pair, recorded: Life, simulated: Life) -> Iterator[Difference]:
    """Stops, signals and hooks; that a container ran and ended is L1's."""
    theirs = {m.key: m for m in recorded.moments if m.what in ORDERED and m.what not in ("start", "exit")}
    ours = {m.key: m for m in simulated.moments if m.what in ORDERED and m.what not in ("start", "exit")}
    for key, moment in theirs.items():
        if key not in ours and not pair.may_be_missing(key, moment.at, simulated=False):
            yield Difference("L2", seconds_of(moment.at), moment_label(moment), "there", "nothing")
    for key, moment in ours.items():
        if key not in theirs and not pair.may_be_missing(key, moment.at, simulated=True):
            yield Difference("L2", seconds_of(moment.at), moment_label(moment), "nothing", "there")


def _graces(pair: Pair, recorded: Life, simulated: Life) -> Iterator[Difference]:
    ours = {moment.key: moment for moment in simulated.moments if moment.what in ("stop", "hook exit")}
    for moment in recorded.moments:
        if moment.what not in ("stop", "hook exit") or (other := ours.get(moment.key)) is None:
            continue
        if moment.what == "stop" and not grace_fits(pair.causes, moment, other.value, full_grace(pair, moment)):
            label = f"{moment.pod}/{moment.container}#{moment.run} stop grace"
            yield Difference("L2", seconds_of(moment.at), label, str(moment.value), str(other.value))
        if moment.what == "hook exit" and moment.value != other.value:
            label = f"{moment_label(moment)} code"
            yield Difference("L2", seconds_of(moment.at), label, str(moment.value), str(other.value))


def full_grace(pair: Pair, stop: Moment) -> int | None:
    """The grace that the whole termination was given: the deletion's, or the pod's own."""
    began = termination_began(pair.causes, stop.key)
    grace: int | None = None
    if began[0] == "Pod":
        grace = pair.recorded.pods[stop.pod].strands["deletion"][int(began[3])].value[0]
    elif stop.pod in pair.recorded.accepted:
        grace = json.loads(pair.recorded.accepted[stop.pod]).get("terminationGracePeriodSeconds")
    return grace


def grace_fits(causes: Causes, stop: Moment, grace: int | None, full: int | None) -> bool:
    """A grace counts whole seconds since the termination began, so a little time can be a second.

    One less only if that time lies just below the next whole second (and the recorded grace does not show that this
    second was over already); one more only if a process's own loop or a PLEG look lies in between; never below 2.
    """
    if stop.value == grace:
        return True
    if stop.value is None or grace is None or grace < LEAST_GRACE or abs(grace - stop.value) != 1:
        return False
    began = termination_began(causes, stop.key)
    if began == stop.key:
        return False
    jitter = causes.jitter(began, stop.key)
    elapsed = max(stop.at - causes.times[began], 0)
    over = (full - stop.value) * SECOND if full is not None else 0
    if elapsed < over <= elapsed + WHOLE_SECOND_SLACK:
        elapsed = over
    if grace < stop.value:
        return SECOND - elapsed % SECOND <= max(WHOLE_SECOND_SLACK, jitter)
    kinds = causes.between(began, stop.key)
    return elapsed >= SECOND and (Kind.LOOP in kinds or Kind.PLEG in kinds) and elapsed % SECOND <= jitter


def termination_began(causes: Causes, stop: Key) -> Key:
    """The first instant of a termination: the deletion, or the first stop or hook when nothing asked for it."""
    began = stop
    for key in causes.path(stop):
        if key[0] == "Pod" and key[2] == "deletion":
            return key
        if len(key) == 5 and key[3] in ("stop", "hook start"):
            began = key
    return began


def _order(pair: Pair, recorded: Life, simulated: Life) -> Iterator[Difference]:
    """Any two happenings of a pod come in the recorded order, unless they lie within their jitter in both traces."""
    times = _times(pair, recorded, simulated)
    for place, (key, label, at, other_at) in enumerate(times):
        for later, later_label, later_at, later_other in times[place + 1 :]:
            if at >= later_at or other_at <= later_other:
                continue
            jitter = pair.causes.jitter(key, later)
            if later_at - at <= jitter and other_at - later_other <= jitter:
                continue
            yield Difference(
                "L2",
                seconds_of(at),
                f"order of {label} and {later_label}",
                f"{seconds_of(at):.3f} before {seconds_of(later_at):.3f}",
                f"{seconds_of(other_at):.3f} after {seconds_of(later_other):.3f}",
            )


def _times(pair: Pair, recorded: Life, simulated: Life) -> list[tuple[Key, str, Instant, Instant]]:
    """What both traces have, in recorded order: key, name, and when in each."""
    ours = {moment.key: moment.at for moment in simulated.moments}
    found = [
        (moment.key, moment_label(moment), moment.at, ours[moment.key])
        for moment in recorded.moments
        if moment.what in ORDERED and moment.key in ours
    ]
    for strand in ("phase", "deletion", "gone"):
        theirs = recorded.strands.get(strand, [])
        others = simulated.strands.get(strand, [])
        for one, other in strand_alignment(pair, recorded, simulated, strand).pairs:
            label = f"{recorded.name} {strand} {theirs[one].value if strand == 'phase' else ''}".rstrip()
            found.append((theirs[one].key, label, theirs[one].at, others[other].at))
    return sorted(found, key=lambda each: each[2])
