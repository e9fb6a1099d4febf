"""Where several runs of one scenario differ: the stretches in which a lane looks otherwise than in the first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from kubesim.timelines.lanes_model import ENDED, Lane, Look, Picture
from kubesim.units import SECOND, Duration

LaneName: TypeAlias = tuple[str, str, str]
"""Namespace, Pod (or Job) and lane."""

WORTH_SHOWING: Final = SECOND
"""Shorter differences are latencies, not behaviour."""

_SAME: Final = {Look.RUNNING: Look.STARTED, Look.PULLING: Look.WAITING}
"""Looks that count as equal: what the API knew and when is not what the containers did."""


class Stretch(NamedTuple):
    start: Duration
    end: Duration


def differences(pictures: Sequence[Picture]) -> list[dict[LaneName, tuple[Stretch, ...]]]:
    """For each run the stretches of each lane that differ from the first run; for the first, from any other."""
    known = [_lanes(picture) for picture in pictures]
    if len(known) < 2:
        return [{} for _ in known]
    until = min((one.end for one in pictures if one.ending != "settled"), default=None)
    found = [{}, *(_against(known[0], other, until) for other in known[1:])]
    found[0] = _merged([_against(other, known[0], until) for other in known[1:]])
    return found


def _lanes(picture: Picture) -> dict[LaneName, Lane]:
    lanes = {(pod.namespace, pod.name, lane.name): lane for pod in picture.pods for lane in pod.lanes}
    return lanes | {(job.namespace, job.name, lane.name): lane for job in picture.jobs for lane in job.lanes}


def _against(
    base: dict[LaneName, Lane], other: dict[LaneName, Lane], until: Duration | None
) -> dict[LaneName, tuple[Stretch, ...]]:
    """The stretches in which lanes differ, up to where the shorter run was cut off: of what follows nobody knows."""
    found = {}
    for name, lane in other.items():
        stretches = _differing(base.get(name), lane)
        if until is not None:
            stretches = tuple(Stretch(one.start, min(one.end, until)) for one in stretches if one.start < until)
        if stretches:
            found[name] = stretches
    return found


def _differing(base: Lane | None, lane: Lane) -> tuple[Stretch, ...]:
    ends = sorted({at for one in (base, lane) if one for span in one.spans for at in (span.start, span.end)})
    stretches: list[Stretch] = []
    for start, end in pairwise(ends):
        if base is not None and _look(base, start) == _look(lane, start):
            continue
        if stretches and stretches[-1].end == start:
            stretches[-1] = Stretch(stretches[-1].start, end)
        else:
            stretches.append(Stretch(start, end))
    return tuple(one for one in stretches if one.end - one.start >= WORTH_SHOWING)


def _look(lane: Lane, at: Duration) -> Look | None:
    """How the lane looks at an instant; a Pod that is gone looks as its containers did in the end."""
    look = next((span.look for span in lane.spans if span.start <= at < span.end), None)
    if look is None and lane.spans and at >= lane.spans[-1].end:
        last = lane.spans[-1].look
        look = last if last in ENDED else None
    return _SAME.get(look, look) if look is not None else None


def _merged(several: list[dict[LaneName, tuple[Stretch, ...]]]) -> dict[LaneName, tuple[Stretch, ...]]:
    """The union of stretches, lane by lane."""
    found: dict[LaneName, tuple[Stretch, ...]] = {}
    for name in dict.fromkeys(name for one in several for name in one):
        union: list[Stretch] = []
        for stretch in sorted(stretch for one in several for stretch in one.get(name, ())):
            if union and stretch.start <= union[-1].end:
                union[-1] = Stretch(union[-1].start, max(union[-1].end, stretch.end))
            else:
                union.append(stretch)
        found[name] = tuple(union)
    return found
