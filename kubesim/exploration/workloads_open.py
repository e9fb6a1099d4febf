"""What the programs of a manifest do as they are written, and of which nothing is known, found by running it.

A program whose end is varied is one declared in place of the written one, so that what is not varied has to be as it
was seen: how long it lasts, its exit codes, what it does on SIGTERM.

A run says what it assumed. A program "assumed to run until SIGTERM" that is to end some day would block everything,
so that each search would find only that; a usual length stands for it instead, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from kubesim.exploration.replay import with_workload
from kubesim.exploration.troubles import Stimulus
from kubesim.exploration.workloads import FOREVER, IGNORED, Place, Program, Seen, Stage, Workload, places
from kubesim.history.history import History
from kubesim.history.lives import Run
from kubesim.history.records import ProbeChanged
from kubesim.scenario.load import Scenario
from kubesim.units import SECOND, Duration, Instant

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
    """The containers of a scenario, with what was seen of their programs, or the mark that they are not known."""
    found = places(scenario.objects)
    for _ in found:
        history = _run(scenario, found, (), until)
        marked = tuple(replace(one, is_open=True) if _is_open(one, history) else one for one in found)
        if marked == found:
            break
        found = marked
    alone = replace(scenario, actions=())
    to_the_end = _run(alone, found, (), until)
    stimuli = tuple(Stimulus(_DELETED_AT, "delete", owner) for owner in dict.fromkeys(one.owner for one in found))
    deleted = _run(alone, found, stimuli, until)
    found = tuple(
        replace(one, has_open_pre_stop=_has_open_hook(one, deleted), seen=_seen(one, to_the_end, deleted))
        for one in found
    )

    def is_looked_into(place: Place) -> bool:
        if place.is_open or not place.has_exec_probe:
            return False
        declared = Workload((Program(place, lasts=place.usual_length),))
        return _misled(_answers(place, to_the_end), _answers(place, _world(alone, declared, until)))

    return tuple(replace(one, is_looked_into=is_looked_into(one)) for one in found)


def _answers(place: Place, history: History) -> set[tuple[str, str]]:
    """What the probes of a container answered, in all its Pods."""
    return {
        (record.probe, record.result)
        for record in history.records
        if isinstance(record, ProbeChanged)
        and record.origin == "answer"
        and record.container == place.container
        and fnmatchcase(record.pod, place.pods)
    }


def _misled(written: set[tuple[str, str]], declared: set[tuple[str, str]]) -> bool:
    """Whether a probe no longer passes, or begins to fail, when a declared program is in place of the written one."""
    lost = {one for one in written - declared if one[1] == "success"}
    return bool(lost) or any(result == "failure" for _, result in declared - written)


def _seen(place: Place, to_the_end: History, deleted: History) -> Seen:
    """What a program does in a run in which nothing happens to it, and in one in which its Pod is deleted."""
    if place.is_open:
        return Seen()
    runs = next(_runs(place, to_the_end), [])
    if not runs:
        return Seen()
    own = [run for run in runs if run.exit is not None and not run.signals]
    codes = [run.code or 0 for run in own] or [0]
    while len(codes) > 1 and codes[-1] == codes[-2]:
        codes.pop()
    lasts = _seconds(own[0].start, own[0].exit) if own else FOREVER
    term, code = next(_ends_on_term(place, deleted), (0, 0))
    return Seen(lasts, tuple(codes), term, code)


def _ends_on_term(place: Place, history: History) -> Iterator[tuple[int, int]]:
    """How long each run goes on after SIGTERM, and its exit code; for one that had little time and was killed, none."""
    for runs in _runs(place, history):
        for run in runs:
            told = next((one.at for one in run.signals if one.signal == "TERM"), None)
            if told is None or run.exit is None:
                continue
            is_killed = any(one.signal == "KILL" for one in run.signals)
            length = _seconds(told, run.exit)
            if not is_killed:
                yield length, run.code or 0
            elif 2 * length >= place.grace:
                yield IGNORED, 0


def _runs(place: Place, history: History) -> Iterator[list[Run]]:
    """The runs of a container in each Pod in which it started."""
    for life in history.pods:
        container = life.containers.get(place.container)
        if container is not None and container.runs and fnmatchcase(life.name, place.pods):
            yield container.runs


def _seconds(start: Instant, end: Instant | None) -> int:
    return round(((end or start) - start) / SECOND)


def _run(scenario: Scenario, found: Iterable[Place], stimuli: tuple[Stimulus, ...], until: Duration) -> History:
    programs = tuple(program for place in found if (program := Program(place)).script())
    return _world(scenario, Workload(programs, stimuli), until)


def _world(scenario: Scenario, workload: Workload, until: Duration) -> History:
    from kubesim.sim.world import World

    return World(with_workload(scenario, workload, until)).run()


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
