"""The values of one thing in two traces, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from kubesim.fidelity.alignment import Alignment, Step, aligned
from kubesim.fidelity.recording import SHORT, Difference, Pair, seconds_of, shown
from kubesim.fidelity.trace import Life, Occurrence


def strand_alignment(pair: Pair, recorded: Life, simulated: Life, strand: str) -> Alignment:
    """Which value is which: one that lasted under 1.3 s, or came at the other's end, may be missing there."""
    theirs = recorded.strands.get(strand, [])
    ours = simulated.strands.get(strand, [])
    if [each.value for each in theirs] == [each.value for each in ours]:
        return Alignment(tuple((place, place) for place in range(len(theirs))))
    return aligned(_steps(pair, recorded, theirs, False), _steps(pair, simulated, ours, True))


def _steps(pair: Pair, life: Life, values: list[Occurrence], simulated: bool) -> list[Step]:
    duration = (pair.simulated if simulated else pair.recorded).duration
    end = life.gone if life.gone is not None else duration
    if not values:
        return []
    lasted = [after.at - before.at for before, after in pairwise(values)] + [max(end - values[-1].at, 0)]
    short = [length < SHORT and values[0].key[2] != "deletion" for length in lasted]
    short[-1] = False
    late = [pair.may_be_missing(each.key, each.at, simulated) for each in values]
    return [Step(each.value, brief or at_end) for each, brief, at_end in zip(values, short, late, strict=True)]


def strand_differences(level: str, pair: Pair, recorded: Life, simulated: Life, strand: str) -> Iterator[Difference]:
    """What one trace shows of a strand and the other does not."""
    theirs = recorded.strands.get(strand, [])
    ours = simulated.strands.get(strand, [])
    alignment = strand_alignment(pair, recorded, simulated, strand)
    label = f"{recorded.name} {strand}"
    for place in alignment.only_recorded:
        yield Difference(level, seconds_of(theirs[place].at), label, shown(theirs[place].value), "nothing")
    for place in alignment.only_simulated:
        yield Difference(level, seconds_of(ours[place].at), label, "nothing", shown(ours[place].value))
