"""The differences of a comparison in sentences: the causes first, what follows from them after, times last."""

from __future__ import annotations

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
    seconds_text,
)
from kubesim.timelines.compare_input import dropped, missing, refusals, roles
from kubesim.timelines.compare_words import contrast, is_new, is_one_of_several, listed, named
from kubesim.timelines.lanes_model import Role
from kubesim.units import SECOND

MOST: Final = 5
"""How many sentences a summary has at most."""

_CONSEQUENCE: Final = 3 * SECOND
"""So much later a container is stopped because another has ended: a relist, a sync, and a status in between."""

_SOON: Final = 2 * SECOND
"""What follows an end within a relist and a sync may well be its consequence."""

Teller = Callable[[Sequence[str], Sequence[Portrait], Sequence[Difference]], Iterator[str]]


def summary(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """The most important differences, a sentence each; ``said`` is how a sentence names each side (``on 1.28``)."""
    if not differences:
        yield f"Nothing differs: it is the same {listed(said)}."
        return
    tellers: tuple[Teller, ...] = (
        refusals,
        missing,
        roles,
        dropped,
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
            sentence = contrast(said, texts)
            yield f"{pod}: {sentence[:1].lower()}{sentence[1:]}" if is_one_of_several(pod, portraits) else sentence


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
    own = one.roles.get(pod, {})
    told = [
        f"{_with_role(moment.container, own)} waits {seconds_text(at - first)}{_for_whom(one, moment, at)}"
        for at, moment in late
    ]
    return ", ".join(told)


def _at_once(one: Portrait, pod: str, early: Sequence[str], at: int) -> str:
    own = one.roles.get(pod, {})
    mains = [name for name, role in own.items() if role in (Role.MAIN, Role.SIDECAR)]
    if len(early) > 1:
        who = "all containers" if set(mains) <= set(early) else " and ".join(early)
        return f"{who} get SIGTERM at once"
    ended = _latest_end(one, Moment(pod, early[0], ""), at)
    is_why = ended is not None and at - ended[0] <= _CONSEQUENCE
    return f"only {_with_role(early[0], own)} gets SIGTERM" + (
        f", {seconds_text(at - ended[0])} after {ended[1]} ended" if ended and is_why else ""
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
    first = next((one for one in times if NOTHING not in one.values), times[0])
    what = first.aspect.partition(", and ")[0]
    what = f"{first.subject} {what}" if what.startswith("is ") else what
    texts = [f"{what} after {value}" if value != NOTHING else f"{what} never" for value in first.values]
    return contrast(said, texts)
