"""The small workloads, smallest first: most of what can go wrong goes wrong by one change or two.

Hypothesis looks among the rest. What is found here needs no shrinking: everything simpler was tried before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations

from kubesim.exploration.troubles import FOR_GOOD, ImageTrouble, Stimulus, Trouble
from kubesim.exploration.workloads import FOREVER, IGNORED, Place, Program, Stage, Workload

DELETED_AT = 5
"""The second at which things happen: containers run by then."""
REBOOT = 30
"""How many seconds a node needs to come back."""
AWAY = 600
"""How many seconds are too long: a node that is not heard of has lost its Pods by then."""
KUBELET_RESTART = 3
"""How many seconds a kubelet needs to come back."""
PULL = 45
"""How many seconds a long pull takes."""
MISSING = 60
"""For how many seconds an image that comes late is missing: pulls are tried again, after a back-off."""


def small_workloads(stage: Stage) -> Iterator[Workload]:
    """Everything as written; one change; two; three where one of them is a deletion.

    What programs do comes first, with and without a deletion, then trouble with nodes and images: in this order they
    say most about a manifest.
    """
    single = [(index, change) for index, place in enumerate(stage.places) for change in _changes(place)]
    pairs = [(one, other) for one, other in combinations(single, 2) if one[0] != other[0]]
    pairs.sort(key=lambda pair: _weight(pair[0][1]) + _weight(pair[1][1]))
    deletions = list(_deletions(stage))
    troubles: list[Trouble] = [*_on_nodes(stage), *_images(stage)]
    yield _workload(stage, ())
    yield from (_workload(stage, (one,)) for one in single)
    yield from (_workload(stage, (), (one,)) for one in (*deletions, *_crashes(stage)))
    yield from (_workload(stage, (one,), (deletion,)) for one in single for deletion in deletions)
    yield from (_workload(stage, pair) for pair in pairs)
    yield from (_workload(stage, pair, (deletion,)) for pair in pairs for deletion in deletions)
    yield from (_workload(stage, (), (one,)) for one in troubles)
    yield from (_workload(stage, (), (one, deletion)) for one in troubles for deletion in deletions)
    yield from (_workload(stage, (one,), (trouble,)) for one in single for trouble in troubles)


def single_workloads(stage: Stage) -> Iterator[Workload]:
    """The small workloads with at most one changed program, each also with a deletion."""
    single = [(index, change) for index, place in enumerate(stage.places) for change in _changes(place)]
    for changes in ((), *((one,) for one in single)):
        yield _workload(stage, changes)
        yield from (_workload(stage, changes, (deletion,)) for deletion in _deletions(stage))


def _workload(stage: Stage, changes: Iterable[tuple[int, Program]], troubles: Iterable[Trouble] = ()) -> Workload:
    """The programs as they are, but for the changes; and what happens to them."""
    programs = [Program(place) for place in stage.places]
    for index, change in changes:
        programs[index] = change
    stimuli = [one for one in troubles if isinstance(one, Stimulus)]
    images = [one for one in troubles if isinstance(one, ImageTrouble)]
    changed = tuple(one for one in programs if one.script())
    return Workload(changed, tuple(sorted(stimuli, key=lambda one: one.at)), tuple(images))


def _changes(place: Place) -> Iterator[Program]:
    """One change of one program each, the likeliest to matter first."""
    base = Program(place)
    if place.is_looked_into:
        if place.has_pre_stop:
            yield replace(base, pre_stop=place.grace + 5)
        return
    yield from (replace(base, needs=name) for name in place.waits_for)
    yield replace(base, term=3)
    yield replace(base, term=max(place.grace - 1, 0))
    yield replace(base, term=IGNORED)
    if place.has_pre_stop:
        yield replace(base, pre_stop=place.grace + 5)
    yield replace(base, lasts=5)
    if place.role == "main":
        yield replace(base, lasts=FOREVER)
    yield replace(base, exits=(1,))
    if place.role != "init":
        yield replace(base, lasts=5, exits=(1, 0))


def _deletions(stage: Stage) -> Iterator[Stimulus]:
    for owner in stage.owners:
        yield Stimulus(stage.begin(owner) + DELETED_AT, "delete", owner)


def _crashes(stage: Stage) -> Iterator[Stimulus]:
    """A crash of each container that is to run on, and the deletion of what makes Pods."""
    for place in stage.places:
        if place.role != "init":
            yield Stimulus(stage.begin(place.owner) + DELETED_AT, "crash", place.owner, place.container)
    for owner in stage.owners:
        if not owner.startswith("Pod/"):
            yield Stimulus(stage.begin(owner) + DELETED_AT, "deleteMaker", owner)


def _on_nodes(stage: Stage) -> Iterator[Stimulus]:
    """One of each trouble, while containers run; a node is lost for good only where there are others."""
    at = DELETED_AT + min(map(stage.begin, stage.owners), default=0)
    for node in stage.nodes:
        yield Stimulus(at, "kubeletRestart", node=node, length=KUBELET_RESTART)
        yield Stimulus(at, "kubeletRestart", node=node, length=AWAY)
        yield Stimulus(at, "nodeReboot", node=node, length=REBOOT)
        yield Stimulus(at, "networkDown", node=node, length=AWAY)
        yield Stimulus(at, "nodeDown", node=node, length=AWAY)
        if len(stage.nodes) > 1:
            yield Stimulus(at, "nodeDown", node=node, length=FOR_GOOD)
            yield Stimulus(at, "kubeletStop", node=node)


def _images(stage: Stage) -> Iterator[ImageTrouble]:
    for image in stage.images:
        yield ImageTrouble(image, pull=PULL)
        yield ImageTrouble(image, missing_for=MISSING)
        yield ImageTrouble(image, missing=True)


def _weight(change: Program) -> int:
    """Pairs of what containers do at their end come first, then of how long they last."""
    return 0 if change.term is not None or change.pre_stop is not None else 1 if change.lasts is not None else 2
