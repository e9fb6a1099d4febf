"""The differences of a comparison in sentences: the causes first, what follows from them after, times last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from kubesim.timelines.compare_facts import JITTER, NOTHING, Difference, Moment, Name, Portrait, seconds_text
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
        yield f"Nothing differs: it is the same {_listed(said)}."
        return
    tellers: tuple[Teller, ...] = (
        _refusals,
        _missing,
        _dropped,
        _starts,
        _stops,
        _restarts,
        _exits,
        _outcomes,
        _warnings,
    )
    sentences = [sentence for tell in tellers for sentence in tell(said, portraits, differences)]
    if not sentences:
        sentences = list(_rest(said, portraits, differences))
    yield from list(dict.fromkeys(sentences))[:MOST]


def contrast(said: Sequence[str], texts: Sequence[str]) -> str:
    """``On 1.28 X; on 1.29 and 1.36 Y.``: sides that say the same stand together, those without a text are left out."""
    groups: dict[str, list[str]] = {}
    for side, text in zip(said, texts, strict=True):
        if text:
            groups.setdefault(text, []).append(side)
    sentence = "; ".join(f"{_listed(sides)} {text}" for text, sides in groups.items())
    return sentence[:1].upper() + sentence[1:] + "."


def _listed(sides: Sequence[str]) -> str:
    """``on 1.28, 1.29 and 1.36``: a word that all begin with is said once."""
    unique = list(dict.fromkeys(sides))
    first, _, _ = unique[0].partition(" ")
    if all(side.startswith(f"{first} ") for side in unique):
        unique = [unique[0], *(side.removeprefix(f"{first} ") for side in unique[1:])]
    return " and ".join([", ".join(unique[:-1]), unique[-1]]) if len(unique) > 1 else unique[0]


def _named(subject: str, portraits: Sequence[Portrait]) -> str:
    """A Pod or container, with the Pod's name only where there are several."""
    pod, _, container = subject.rpartition("/")
    several = len({known for one in portraits for known in one.roles}) > 1
    return subject if several or not pod or pod == "job" else container


def _container(moment: Moment, portraits: Sequence[Portrait]) -> str:
    return _named(f"{moment.subject}/{moment.container}", portraits)


# -- what the API server made of the input ----------------------------------------------------------------------------


def _refusals(said: Sequence[str], _: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    for one in differences:
        if one.kind == "admission" and any(value.startswith("refused") for value in one.values):
            yield contrast(said, [_answer(one.subject, value) for value in one.values])


def _answer(request: str, value: str) -> str:
    if value == NOTHING:
        return f"there is no {request}"
    if value.startswith("refused"):
        return f"the API server refuses {request}{_cut(value.removeprefix('refused'))}"
    return f"the API server accepts {request}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _missing(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Pods that some sides make and others do not; a refusal has said so of those that are asked for."""
    refused = any(one.kind == "admission" and "refused" in "".join(one.values) for one in differences)
    for one in differences:
        if one.kind == "object" and not refused:
            kind = "container" if _is_container(one.subject, portraits) else "Job" if "job/" in one.subject else "Pod"
            what = f"{kind} {_named(one.subject, portraits).removeprefix('job/')}"
            yield contrast(said, [f"there is {'no ' if value == NOTHING else ''}{what}" for value in one.values])


def _is_container(subject: str, portraits: Sequence[Portrait]) -> bool:
    return any(subject.rpartition("/")[0] in one.roles for one in portraits)


def _dropped(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Fields that are stored on some sides only, those with the same sides together."""
    fields: dict[tuple[str, ...], list[str]] = {}
    for one in differences:
        if one.kind == "spec" and NOTHING in one.values:
            is_there = (one.subject in portrait.subjects for portrait in portraits)
            kept = tuple(
                "" if not there else "drops" if value == NOTHING else "stores"
                for value, there in zip(one.values, is_there, strict=True)
            )
            fields.setdefault(kept, []).append(one.aspect)
    for kept, paths in fields.items():
        few = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        yield contrast(said, [f"the API server {verb} {few}" if verb else "" for verb in kept])


# -- starting ---------------------------------------------------------------------------------------------------------


def _starts(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Who never starts on some side; else who starts in another order."""
    absent = []
    for one in differences:
        if one.kind == "runs" and ("0" in one.values) and set(one.values) - {"0", NOTHING}:
            absent.append(one)
            yield contrast(said, [_start_text(one.subject, portrait, portraits) for portrait in portraits])
    if not absent:
        for one in differences:
            if one.kind == "order" and all(part.endswith(" starts") for part in one.aspect.split(" / ")):
                yield contrast(said, [_order_text(one, value) for value in one.values])


def _start_text(subject: str, one: Portrait, portraits: Sequence[Portrait]) -> str:
    pod, _, container = subject.rpartition("/")
    if subject not in one.subjects:
        return ""
    at = one.moments.get(Moment(pod, container, "starts"))
    name = _named(subject, portraits)
    return f"{name} never starts" if at is None else f"{name} starts after {seconds_text(at)}"


def _order_text(one: Difference, value: str) -> str:
    first, _, second = one.aspect.partition(" / ")
    if value == NOTHING:
        return f"{first} and {second} do not both happen"
    return f"{first} and {second} at once" if value == "at once" else value


# -- stopping ---------------------------------------------------------------------------------------------------------


def _stops(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    """Who gets SIGTERM when, for each Pod whose stops come in another order, or reach others."""
    for pod in dict.fromkeys(pod for one in portraits for pod in one.roles):
        orders = [one for one in differences if one.kind == "order" and one.subject == pod and _is_stop(one.aspect)]
        reached = [
            one
            for one in differences
            if one.kind == "signal" and one.subject.rpartition("/")[0] == pod and NOTHING in one.values
        ]
        texts = [stopping(one, pod) for one in portraits]
        if (orders or reached) and len(set(texts)) > 1:
            yield contrast(said, texts)


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
    return f"only {early[0]} gets SIGTERM" + (
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
    for one in differences:
        if one.kind == "runs" and not {"0", NOTHING} & set(one.values):
            name = _named(one.subject, portraits)
            yield contrast(said, [f"{name} is {_restarted(int(value) - 1)}" for value in one.values])


def _restarted(times: int) -> str:
    return "not restarted" if times == 0 else "restarted once" if times == 1 else f"restarted {times} times"


def _exits(said: Sequence[str], portraits: Sequence[Portrait], differences: Sequence[Difference]) -> Iterator[str]:
    for one in differences:
        if one.kind == "exit" and NOTHING not in one.values:
            name = _named(one.subject, portraits) + one.aspect.removeprefix("exit code").replace(", ", " in ")
            yield contrast(said, [f"{name} {_ended(value)}" for value in one.values])


def _ended(value: str) -> str:
    return "is still running" if value == "still running" else f"exits with {value}"


def _outcomes(said: Sequence[str], portraits: Sequence[Portrait], _: Sequence[Difference]) -> Iterator[str]:
    """How Pods and Jobs end, where they end otherwise; or that they go, or finish, on some sides only."""
    for subject in dict.fromkeys(subject for one in portraits for subject in one.final):
        present = [one for one in portraits if subject in one.subjects]
        finals = [one.final[subject] for one in present]
        gone = [Moment(subject, "", "gone") in one.moments for one in present]
        if len(set(finals)) > 1 or len(set(gone)) > 1:
            yield contrast(said, [_final(subject, one) for one in portraits])


def _final(subject: str, one: Portrait) -> str:
    final = one.final.get(subject)
    if final is None:
        return ""
    at = one.moments.get(Moment(subject, "", final), one.moments.get(Moment(subject, "", f"phase {final}")))
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
    what = f"Event {one.aspect.partition(' ')[2]} about {_named(one.subject, portraits)}"
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
    if not others:
        yield _first_time(said, differences)
        return
    names = list(dict.fromkeys(_KIND_NAMES.get(one.kind, one.kind) for one in others))
    yield f"Order, exit codes and outcome are the same; {_listed(names)} differ."
    for one in others:
        counts = {count for count in _totals(one, portraits) if count is not None}
        if one.kind == "event" and one.aspect.startswith("Warning") and len(counts) > 1:
            yield contrast(said, _event_texts(one, portraits))


_KIND_NAMES: Final = {
    "admission": "answers of the API server",
    "spec": "stored fields",
    "phase": "phases",
    "job": "counters of the Job",
    "grace": "graces",
    "signal": "signals",
    "hook": "hooks",
    "condition": "conditions",
    "event": "Events",
    "kubectl": "rows of kubectl",
}


def _first_time(said: Sequence[str], differences: Sequence[Difference]) -> str:
    first, more = differences[0], len(differences) - 1
    what = first.aspect.partition(", and ")[0]
    told = contrast(said, [f"{what} after {value}" if value != NOTHING else f"{what} never" for value in first.values])
    return f"Only times differ. {told}" + (f" {more} more in the table." if more else "")
