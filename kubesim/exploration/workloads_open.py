"""Which containers of a manifest have programs that nothing is known of, found by running it.

A run says what it assumed. A program "assumed to run until SIGTERM" that is to end some day would block everything,
so that each search would find only that; a usual length stands for it instead, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from kubesim.exploration.replay import with_workload
from kubesim.exploration.troubles import Stimulus
from kubesim.exploration.workloads import FOREVER, Place, Program, Stage, Workload, places
from kubesim.history.history import History
from kubesim.scenario.load import Scenario
from kubesim.units import SECOND, Duration

_ASSUMED: Final = ("assumed to run until SIGTERM", "as others wait for this init container")
"""What a run says of a program that nothing is known of."""
_DELETED_AT: Final = 60


def stage_of(scenario: Scenario, until: Duration) -> Stage:
    """What of a scenario can go otherwise; ``until``: how long a run lasts at most."""
    found = with_open_programs(scenario, until)
    nodes = tuple(node.name for node in scenario.cluster.nodes)
    later = dict.fromkeys(one.owner for one in found if one.owner.startswith("CronJob/"))
    if not later:
        return Stage(found, nodes)
    return Stage(found, nodes, _begins(_run(scenario, found, (), until), later))


def _begins(history: History, owners: Iterable[str]) -> dict[str, int]:
    """The second from which on each has made its first Pod, as far as it makes any."""
    found: dict[str, int] = {}
    for life in history.pods:
        for owner in (f"{key.kind}/{key.name}" for key in history.makers(life)):
            if owner in owners and owner not in found:
                found[owner] = -((history.started - life.created) // SECOND)  # rounded up: it is there by then
    return found


def with_open_programs(scenario: Scenario, until: Duration) -> tuple[Place, ...]:
    """The containers of a scenario, with those marked whose programs, or preStops, are not known."""
    found = places(scenario.objects)
    for _ in found:
        history = _run(scenario, found, (), until)
        marked = tuple(replace(one, is_open=True) if _is_open(one, history) else one for one in found)
        if marked == found:
            break
        found = marked
    if not any(one.has_pre_stop for one in found):
        return found
    stimuli = tuple(Stimulus(_DELETED_AT, "delete", owner) for owner in dict.fromkeys(one.owner for one in found))
    history = _run(scenario, found, stimuli, until)
    return tuple(replace(one, has_open_pre_stop=_has_open_hook(one, history)) for one in found)


def _run(scenario: Scenario, found: Iterable[Place], stimuli: tuple[Stimulus, ...], until: Duration) -> History:
    from kubesim.sim.world import World

    programs = tuple(program for place in found if (program := Program(place)).script())
    return World(with_workload(scenario, Workload(programs, stimuli), until)).run()


def _assumed(place: Place, history: History) -> list[str]:
    """The programs of a container that nothing was known of."""
    programs = []
    for note in history.assumptions:
        pod, _, container = note.subject.partition("/")
        if (
            container == place.container
            and fnmatchcase(pod, place.pods)
            and any(said in note.text for said in _ASSUMED)
        ):
            programs.append(note.text.split("`")[1])
    return programs


def _is_open(place: Place, history: History) -> bool:
    if place.is_open or place.usual_length == FOREVER:
        return place.is_open
    return any(program.split("/")[-1] != place.pre_stop for program in _assumed(place, history))


def _has_open_hook(place: Place, history: History) -> bool:
    return place.has_pre_stop and any(program.split("/")[-1] == place.pre_stop for program in _assumed(place, history))
