"""What Hypothesis draws: workloads that shrink towards everything as written and nothing happening.

Of several values the first is the simplest, so that what is found is shrunk to few, early and round moments, and to
the lightest trouble.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st

from kubesim.exploration.troubles import FOR_GOOD, ImageTrouble, Stimulus
from kubesim.exploration.workloads import FOREVER, IGNORED, Place, Program, Stage, Workload

_MOSTLY_NONE: Final = (None, None, None)
"""Most of a workload stays as it is written: what breaks by one or two changes is found sooner so."""
_MOMENTS: Final = (5, 8, 12, 20, 30, 45, 60, 2, 1, 3)
"""Seconds at which something happens."""
_NODE_TROUBLES: Final[dict[str, tuple[int, ...]]] = {
    "kubeletRestart": (3, 30, 60, 600),
    "nodeReboot": (30, 5, 120),
    "networkDown": (60, 600, 20),
    "nodeDown": (60, 600),
}
"""How many seconds each lasts."""


def workloads(stage: Stage) -> st.SearchStrategy[Workload]:
    """Whole workloads."""
    programs = [st.just(Program(place)) | _programs(place) for place in stage.places]
    return st.builds(
        _workload,
        st.tuples(*programs),
        st.lists(_stimuli(stage), max_size=2, unique_by=lambda one: (one.do, one.owner, one.container)),
        _seldom(_on_nodes(stage)),
        _seldom(_images(stage)),
        st.sampled_from((0, 0, 0, 1, 2, 3, 4)),
        st.sampled_from((0, 0, 0, 1, 2)),
    )


def _seldom(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Nothing, or in one case of four one of these."""
    nothing: st.SearchStrategy[tuple[Any, ...]] = st.just(())
    return st.sampled_from((0, 0, 0, 1)).flatmap(lambda one: st.tuples(strategy) if one else nothing)


def _workload(
    programs: tuple[Program, ...],
    stimuli: list[Stimulus],
    on_nodes: tuple[Stimulus, ...],
    images: tuple[ImageTrouble, ...],
    draw: int,
    ties: int,
) -> Workload:
    changed = tuple(one for one in programs if one.script())
    in_time = tuple(sorted((*stimuli, *on_nodes), key=lambda one: (one.at, one.do)))
    return Workload(changed, in_time, images, draw, ties)


def _programs(place: Place) -> st.SearchStrategy[Program]:
    """What a container may do. An init that hangs is left out, for that blocks any Pod; one may need a sidecar."""
    lengths: tuple[int | None, ...] = (*_MOSTLY_NONE, *_MOSTLY_NONE, 5, 1, 30, 600, FOREVER)
    needs: tuple[str, ...] = ("",)
    if place.role == "init":
        lengths = (*_MOSTLY_NONE, 1, 10, 60)
        needs = ("", *place.waits_for)
    codes = st.sampled_from((*_MOSTLY_NONE, (0,), (1,), (1, 0), (0, 1), (137,), (1, 1, 0)))
    ends = (*_MOSTLY_NONE, 1, 3, 10, max(place.grace - 1, 0), IGNORED)
    hooks = (*_MOSTLY_NONE, 1, max(place.grace - 1, 0), place.grace + 5) if place.has_pre_stop else (None,)
    if place.is_looked_into:
        return st.builds(Program, st.just(place), pre_stop=st.sampled_from(hooks))
    return st.builds(
        Program,
        st.just(place),
        lasts=st.sampled_from(lengths),
        exits=codes,
        term=st.sampled_from(ends),
        pre_stop=st.sampled_from(hooks),
        needs=st.sampled_from(needs),
    )


def _stimuli(stage: Stage) -> st.SearchStrategy[Stimulus]:
    """Moments: a deletion of a Pod, a crash of a container, a deletion of what makes Pods."""
    deletions = [Stimulus(0, "delete", owner) for owner in stage.owners]
    crashes = [Stimulus(0, "crash", place.owner, place.container) for place in stage.places]
    makers = [Stimulus(0, "deleteMaker", owner) for owner in stage.owners if not owner.startswith("Pod/")]
    kinds = [st.sampled_from(some) for some in (deletions, crashes, makers) if some]
    return _timed(stage, st.one_of(kinds))


def _on_nodes(stage: Stage) -> st.SearchStrategy[Stimulus]:
    """Trouble with a node, from the lightest to the heaviest; for good only where there are others."""
    found = [
        Stimulus(0, do, node=node, length=length)
        for do, lengths in _NODE_TROUBLES.items()
        for length in lengths
        for node in stage.nodes
    ]
    if len(stage.nodes) > 1:
        heaviest = ("nodeDown", "kubeletStop")
        found += [Stimulus(0, do, node=node, length=FOR_GOOD) for do in heaviest for node in stage.nodes]
    return _timed(stage, st.sampled_from(found))


def _timed(stage: Stage, what: st.SearchStrategy[Stimulus]) -> st.SearchStrategy[Stimulus]:
    """The same, so long after the first Pod that it is about can be there."""

    def at(one: Stimulus, second: int) -> Stimulus:
        begin = stage.begin(one.owner) if one.owner else min(map(stage.begin, stage.owners), default=0)
        return replace(one, at=begin + second)

    return st.builds(at, what, st.sampled_from(_MOMENTS))


def _images(stage: Stage) -> st.SearchStrategy[ImageTrouble]:
    """An image that takes long, that comes late, that never comes."""
    images = st.sampled_from(stage.images)
    return st.one_of(
        st.builds(ImageTrouble, images, pull=st.sampled_from((45, 5, 120))),
        st.builds(ImageTrouble, images, missing_for=st.sampled_from((60, 20, 300))),
        st.builds(ImageTrouble, images, missing=st.just(True)),
    )
