"""The differences of a comparison in sentences: the causes first, what follows from them after, times last."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from kubesim.timelines.compare_facts import (
    JITTER,
    MESSAGES,
    NOTHING,
    Difference,
    Moment,
    Name,
    Portrait,
    job_of,
    seconds_text,
)
from kubesim.timelines.compare_words import contrast, is_new, listed, named
from kubesim.timelines.lanes_model import Role
from kubesim.units import SECOND

MOST: Final = 5
"""How many sentences a summary has at most."""

_LONGEST: Final = 160
"""Longer texts of other people are cut in a sentence; the table has all of them."""

_SOON: Final = 2 * SECOND
"""What follows an end within a relist and a sync may well be its consequence."""

Teller = Callable[[Sequence[str], Sequence[Portrait], Sequence[Difference]], Iterator[str]]


def summary(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """The most important differences, a sentence each; ``said`` is how a sentence names each side (``on 1.28``)."""
    if not differences:
        yield f"Nothing differs: it is the same {listed(said)}."
        return
    tellers: tuple[Teller, ...] = (
        _refusals,
        _missing,
        _dropped,
        _starts,
        _stops,
        _graces,
        _restarts,
        _exits,
        _outcomes,
        _warnings,
    )
    sentences = [sentence for tell in tellers for sentence in tell(said, portraits, differences)]
    if not sentences:
        sentences = list(_rest(said, portraits, differences))
    yield from list(dict.fromkeys(sentences))[:MOST]


def _container(moment: Moment, portraits: Sequence[Portrait]) -> str:
    return named(f"{moment.subject}/{moment.container}", portraits)


# -- what the API server made of the input ----------------------------------------------------------------------------


def _refusals(said: Sequence[str], _: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    told = False
    for one in differences:
        refusals = [value for value in one.values if value.startswith("refused")]
        follows = told and all(value.startswith(_NOT_FOUND) for value in refusals)
        if one.kind == "admission" and refusals and not follows:
            told = True
            yield contrast(said, [_answer(one.subject, value) for value in one.values], "the API server")


_NOT_FOUND: Final = "refused (404"
"""What was refused before cannot be found later; of that nothing is said."""

_INVALID: Final = re.compile(r'\): \w+ "[^"]*" is invalid: ')


def _answer(request: str, value: str) -> str:
    """``create Pod`` and the API server's answer; that the object is the invalid one goes without saying."""
    if value == NOTHING:
        return f"there is no {request}"
    verb, _, kind = request.partition(" ")
    if value.startswith("refused"):
        detail = _cut(_INVALID.sub("): ", value.removeprefix("refused")))
        return f"the API server refuses to {verb} {f'the {kind}' if kind else 'it'}{detail}"
    return "the API server accepts it"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _missing(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Pods that some sides make and others do not; a refusal has said so of those that are asked for."""
    refused = any(one.kind == "admission" and "refused" in "".join(one.values) for one in differences)
    missing = [one for one in differences if one.kind == "object" and not refused]
    jobs = list(dict.fromkeys(job for one in missing if (job := job_of(one.subject))))
    for job in jobs:
        counts = [len({name for name in one.roles if job_of(name) == job}) for one in portraits]
        yield contrast(said, [f"Job {job} makes {count} Pod{'s' if count != 1 else ''}" for count in counts])
    for one in missing:
        if not job_of(one.subject):
            kind = "container" if _is_container(one.subject, portraits) else "Job" if "job/" in one.subject else "Pod"
            what = f"{kind} {named(one.subject, portraits).removeprefix('job/')}"
            yield contrast(said, [f"there is {'no ' if value == NOTHING else ''}{what}" for value in one.values])


def _is_container(subject: str, portraits: Sequence[Portrait]) -> bool:
    return any(subject.rpartition("/")[0] in one.roles for one in portraits)


def _dropped(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Fields that are stored on some sides only, those with the same sides together."""
    fields: dict[tuple[str, ...], list[str]] = {}
    yield from _no_sidecars(said, portraits, differences)
    for one in differences:
        if one.kind == "spec" and NOTHING in one.values and not _RESTART_POLICY.fullmatch(one.aspect):
            is_there = (one.subject in portrait.subjects for portrait in portraits)
            kept = tuple(
                "" if not there else "drops" if value == NOTHING else "stores"
                for value, there in zip(one.values, is_there, strict=True)
            )
            fields.setdefault(kept, []).append(one.aspect)
    for kept, paths in fields.items():
        few = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        yield contrast(said, [f"the API server {verb} {few}" if verb else "" for verb in kept])


_RESTART_POLICY: Final = re.compile(r"spec\.initContainers\[(.+)\]\.restartPolicy")


def _no_sidecars(
    said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]
) -> Iterator[str]:
    """Init containers whose restartPolicy is dropped on some sides: there they are no sidecars."""
    found: dict[tuple[bool | None, ...], list[str]] = {}
    for one in differences:
        name = _RESTART_POLICY.fullmatch(one.aspect)
        if one.kind == "spec" and name and {*one.values} == {NOTHING, "Always"}:
            is_there = (one.subject in portrait.subjects for portrait in portraits)
            kept = tuple(value != NOTHING if there else None for value, there in zip(one.values, is_there, strict=True))
            if name[1] not in found.setdefault(kept, []):
                found[kept].append(name[1])
    for kept, names in found.items():
        several = len(names) > 1
        who = " and ".join([", ".join(names[:-1]), names[-1]]) if several else names[0]
        ordinary = "are ordinary init containers" if several else "is an ordinary init container"
        words = {
            None: "",
            True: f"{who} {'are sidecars' if several else 'is a sidecar'}",
            False: f"{who} {ordinary}, for the API server drops {'their' if several else 'its'} restartPolicy",
        }
        yield contrast(said, [words[side] for side in kept], "" if several else who)


# -- starting ---------------------------------------------------------------------------------------------------------


def _starts(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Who never starts on some side; else who starts in another order. The Pods of a Job are told by the first."""
    absent: dict[str, list[str]] = {}
    told: set[tuple[str, str]] = set()
    for one in differences:
        on_some_sides = "0" in one.values and set(one.values) - {"0", NOTHING}
        if one.kind == "runs" and on_some_sides and is_new(one.subject, told):
            pod, _, container = one.subject.rpartition("/")
            absent.setdefault(pod, []).append(container)
    for pod, containers in absent.items():
        texts = [_start_text(pod, containers, one, portraits) for one in portraits]
        yield contrast(said, texts, named(f"{pod}/{containers[0]}", portraits) if len(containers) == 1 else "")
    if not absent:
        for one in differences:
            if one.kind == "order" and all(part.endswith(" starts") for part in one.aspect.split(" / ")):
                yield contrast(said, [_order_text(one, value) for value in one.values])


def _start_text(pod: str, containers: Sequence[str], one: Portrait, portraits: Sequence[Portrait]) -> str:
    """When containers of a Pod start on one side; of those that never do, what they wait for."""
    waiting: dict[str, list[str]] = {}
    parts = []
    for container in containers:
        subject = f"{pod}/{container}"
        at = one.moments.get(Moment(pod, container, "starts"))
        name = named(subject, portraits)
        if subject in one.subjects and at is None:
            waiting.setdefault(_in_the_way(pod, container, one), []).append(name)
        elif at is not None:
            parts.append(f"{name} starts after {seconds_text(at)}")
    never = []
    for blocker, names in waiting.items():
        several = len(names) > 1
        words = f"{' and '.join(names)} never start{'' if several else 's'}"
        never.append(words + (f": {'they wait' if several else 'it waits'} for {blocker}" if blocker else ""))
    return ", ".join([*never, *parts])


def _in_the_way(pod: str, container: str, one: Portrait) -> str:
    """The first init container before this one that has not ended with 0; empty if there is none."""
    for name, role in one.roles.get(pod, {}).items():
        if name == container or role not in (Role.INIT, Role.SIDECAR):
            return ""
        code = one.facts.get(Name("exit", f"{pod}/{name}", "exit code"), "")
        if role is Role.INIT and (code != "0" or Moment(pod, name, "SIGTERM") in one.moments):
            return f"the init container {name}"
    return ""


def _order_text(one: Difference, value: str) -> str:
    first, _, second = one.aspect.partition(" / ")
    if value == NOTHING:
        return f"{first} and {second} do not both happen"
    return f"{first} and {second} at once" if value == "at once" else value


# -- stopping ---------------------------------------------------------------------------------------------------------


def _stops(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Who gets SIGTERM when, for each Pod whose stops come in another order, or reach others."""
    told: set[tuple[str, str]] = set()
    for pod in dict.fromkeys(pod for one in portraits for pod in one.roles):
        orders = [one for one in differences if one.kind == "order" and one.subject == pod and _is_stop(one.aspect)]
        reached = [
            one
            for one in differences
            if one.kind == "signal" and one.subject.rpartition("/")[0] == pod and NOTHING in one.values
        ]
        texts = [stopping(one, pod) for one in portraits]
        if (orders or reached) and len(set(texts)) > 1 and is_new(pod, told):
            yield contrast(said, texts)


def _graces(said: Sequence[str], _: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """How much time containers get to stop, where it is asked for on all sides and nothing else explains it."""
    if any(one.kind in ("order", "signal", "runs", "spec") for one in differences):
        return
    told: set[tuple[str, str]] = set()
    for one in differences:
        if one.kind == "grace" and one.aspect == "grace" and NOTHING not in one.values and is_new(one.subject, told):
            name = one.subject.rpartition("/")[2]
            yield contrast(said, [f"{name} gets {value} to stop" for value in one.values], name)


def _is_stop(aspect: str) -> bool:
    return any(word in aspect for word in ("SIG", "preStop"))


def stopping(one: Portrait, pod: str) -> str:
    """How the containers of a Pod are stopped: all at once, or who waits how long for whom."""
    stops: dict[str, tuple[int, Moment]] = {}
    for moment, at in one.moments.items():
        if moment.subject == pod and moment.what.startswith(("SIGTERM", "SIGKILL")):
            stops[moment.container] = min(stops.get(moment.container, (at, moment)), (at, moment))
    if not stops:
        return "no container is stopped"
    first = min(at for at, _ in stops.values())
    early = [container for container, (at, _) in stops.items() if at - first <= JITTER]
    late = [(at, moment) for at, moment in sorted(stops.values()) if at - first > JITTER]
    if not late:
        return _at_once(one, pod, early, first)
    roles = one.roles.get(pod, {})
    told = [
        f"{_with_role(moment.container, roles)} waits {seconds_text(at - first)}{_for_whom(one, moment, at)}"
        for at, moment in late
    ]
    return ", ".join(told)


def _at_once(one: Portrait, pod: str, early: Sequence[str], at: int) -> str:
    roles = one.roles.get(pod, {})
    mains = [name for name, role in roles.items() if role in (Role.MAIN, Role.SIDECAR)]
    if len(early) > 1:
        who = "all containers" if set(mains) <= set(early) else " and ".join(early)
        return f"{who} get SIGTERM at once"
    ended = _latest_end(one, Moment(pod, early[0], ""), at)
    return f"only {_with_role(early[0], roles)} gets SIGTERM" + (
        f", {seconds_text(at - ended[0])} after {ended[1]} ended" if ended else ""
    )


def _with_role(container: str, roles: dict[str, Role] | object) -> str:
    role = roles.get(container) if isinstance(roles, dict) else None
    return f"the sidecar {container}" if role is Role.SIDECAR else container


def _for_whom(one: Portrait, moment: Moment, at: int) -> str:
    """Whose end a stop waited for: the last one before it; with nobody's end it waited for a grace to run out."""
    ended = _latest_end(one, moment, at)
    if ended and at - ended[0] < _SOON:
        return f" for {ended[1]}"
    killed = [
        other.container
        for other, when in one.moments.items()
        if other.subject == moment.subject and other.what.startswith("SIGKILL") and abs(when - at) < _SOON
    ]
    return f", until the grace of {killed[0]} has run out" if killed else ""


def _latest_end(one: Portrait, moment: Moment, at: int) -> tuple[int, str] | None:
    ends = [
        (when, other.container)
        for other, when in one.moments.items()
        if other.subject == moment.subject and other.container != moment.container and other.what.startswith("ends")
        if when <= at
    ]
    return max(ends, default=None)


# -- ends and outcomes ------------------------------------------------------------------------------------------------


def _restarts(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    told: set[tuple[str, str]] = set()
    for one in differences:
        if one.kind == "runs" and not {"0", NOTHING} & set(one.values) and is_new(one.subject, told):
            name = named(one.subject, portraits)
            yield contrast(said, [f"{name} is {_restarted(int(value) - 1)}" for value in one.values], name)


def _restarted(times: int) -> str:
    return "not restarted" if times == 0 else "restarted once" if times == 1 else f"restarted {times} times"


def _exits(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    told: set[tuple[str, str]] = set()
    for one in differences:
        if one.kind == "exit" and NOTHING not in one.values and is_new(one.subject + one.aspect, told):
            name = named(one.subject, portraits) + one.aspect.removeprefix("exit code").replace(", ", " in ")
            yield contrast(said, [f"{name} {_ended(value)}" for value in one.values], name)


def _ended(value: str) -> str:
    return "is still running" if value == "still running" else f"exits with {value}"


def _outcomes(said: Sequence[str], portraits: Sequence[Portrait], _: Sequence[Difference]) -> Iterator[str]:
    """How Pods and Jobs end, where they end otherwise; or that they go, or finish, on some sides only."""
    told: set[tuple[str, str]] = set()
    for subject in dict.fromkeys(subject for one in portraits for subject in one.final):
        present = [one for one in portraits if subject in one.subjects]
        finals = [one.final[subject] for one in present]
        gone = [Moment(subject, "", "gone") in one.moments for one in present]
        if (len(set(finals)) > 1 or len(set(gone)) > 1) and is_new(subject, told):
            yield contrast(said, [_final(subject, one) for one in portraits], subject)


def _final(subject: str, one: Portrait) -> str:
    final = one.final.get(subject)
    if final is None:
        return ""
    at = one.moments.get(Moment(subject, "", final), one.moments.get(Moment(subject, "", f"is {final}")))
    when = f" after {seconds_text(at)}" if at is not None and final not in ("Pending", "Running") else ""
    gone = one.moments.get(Moment(subject, "", "gone"))
    still = "still " if final in ("Pending", "Running") and gone is None else ""
    return f"{subject} is {still}{final}{when}" + ("" if gone is None else f" and gone after {seconds_text(gone)}")


def _warnings(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Warnings that some sides have and others do not."""
    for one in differences:
        if one.kind == "event" and one.aspect.startswith("Warning") and 0 in _totals(one, portraits):
            yield contrast(said, _event_texts(one, portraits))


def _totals(one: Difference, portraits: Sequence[Portrait]) -> list[int | None]:
    """How often each side has an Event; None where there is nothing that it could be about."""
    name = Name("event", one.subject, one.aspect)
    return [
        sum(portrait.events.get(name, {}).values()) if one.subject in portrait.subjects else None
        for portrait in portraits
    ]


def _event_texts(one: Difference, portraits: Sequence[Portrait]) -> list[str]:
    what = f"Event {one.aspect.partition(' ')[2]} about {named(one.subject, portraits)}"
    texts = []
    for count in _totals(one, portraits):
        often = f" {count} times" if count and count > 1 else ""
        texts.append("" if count is None else f"there is {'' if count else 'no '}{what}{often}")
    return texts


def _rest(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Nothing above applies: the first order, else whatever there is with counts of warnings, times at the very end."""
    order = next((one for one in differences if one.kind == "order"), None)
    if order is not None:
        yield contrast(said, [_order_text(order, value) for value in order.values])
        return
    others = [one for one in differences if one.kind != "time"]
    times = [one for one in differences if one.kind == "time"]
    if not others:
        told, more = _first_time(said, times), len(times) - 1
        yield f"Only times differ. {told}" + (f" {more} more in the table." if more else "")
        return
    yield f"Order, exit codes and outcome are the same; {listed(_kinds(others))} differ."
    for one in others:
        counts = {count for count in _totals(one, portraits) if count is not None}
        if one.kind == "event" and one.aspect.startswith("Warning") and len(counts) > 1:
            yield contrast(said, _event_texts(one, portraits))
    if times:
        yield _first_time(said, times)


def _kinds(differences: Sequence[Difference]) -> list[str]:
    """The kinds of differences, with the names of conditions and the reasons of Events where they are few."""
    kinds: dict[str, list[str]] = {}
    for one in differences:
        known = kinds.setdefault(one.kind, [])
        detail = {"condition": one.aspect.removesuffix(MESSAGES), "event": one.aspect.partition(" ")[2]}.get(one.kind)
        if detail and detail not in known:
            known.append(detail)
    return [
        _KIND_NAMES.get(kind, kind) + (f" ({', '.join(details)})" if 0 < len(details) <= _FEW else "")
        for kind, details in kinds.items()
    ]


_FEW: Final = 3
_KIND_NAMES: Final = {
    "admission": "answers of the API server",
    "spec": "stored fields",
    "requests": "what Pods ask of nodes",
    "phase": "phases",
    "job": "counters of the Job",
    "grace": "graces",
    "signal": "signals",
    "hook": "hooks",
    "condition": "conditions",
    "event": "Events",
    "kubectl": "rows of kubectl",
}


def _first_time(said: Sequence[str], times: Sequence[Difference]) -> str:
    """The first thing that happens at another time, from which later ones may follow."""
    what = times[0].aspect.partition(", and ")[0]
    what = f"{times[0].subject} {what}" if what.startswith("is ") else what
    texts = [f"{what} after {value}" if value != NOTHING else f"{what} never" for value in times[0].values]
    return contrast(said, texts)
