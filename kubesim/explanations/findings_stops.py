"""Findings about how containers are stopped: process 1 that does not hear SIGTERM, preStop hooks that take too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.explanations.finding import Finding, Tried
from kubesim.explanations.sites import Site
from kubesim.explanations.trial import ends_when_stopped, hook_length
from kubesim.scenario.load import Scenario
from kubesim.scripts.reading import depends_on_outside, read, shell_text
from kubesim.timelines.lanes_model import Role
from kubesim.units import MINUTE, SECOND, Duration, format_duration

_TRIED_AT: Final[tuple[Duration, ...]] = (5 * SECOND, 61 * SECOND + SECOND // 3)
"""A container is deaf only if it does not hear at both instants."""
_SOON: Final = 2 * MINUTE
"""A main container that ends by itself before that is seldom stopped."""


def bad_stops(scenario: Scenario, site: Site, tried: list[Tried]) -> Iterator[Finding]:
    """Containers that will be killed, and hooks that will be cut off, whenever the Pod is deleted (K-72)."""
    shared = site.pod.spec.share_process_namespace or bool(site.raw["spec"].get("hostPID"))
    for one in tried:
        if one.role in (Role.MAIN, Role.SIDECAR) and one.is_certain:
            if not shared:
                yield from _deaf(site, one)
            yield from _long_hook(site, one)


def _deaf(site: Site, one: Tried) -> Iterator[Finding]:
    subject, run = one.subject, one.alone
    if subject is None or run is None or (run.lasts is not None and run.lasts < _SOON):
        return
    grace = max(site.grace, 2 * SECOND)
    if any(ends_when_stopped(subject, after, grace) for after in _TRIED_AT):
        return
    argv = (*one.container.command, *one.container.args)
    text = shell_text(argv)
    why, way_out = _deafness(argv, text)
    if one.is_declared:
        why, way_out = "as it is declared", "onSignal says what it does at SIGTERM"
    said = (
        f"process 1 of {one.container.name} does not end at SIGTERM ({why}): whenever it is stopped it goes on for "
        f"{format_duration(grace)} and ends with 137"
    )
    yield Finding("deaf-process", site, one.container, ("command",), said, way_out, ("K-72",))


def _deafness(argv: tuple[str, ...], text: str | None) -> tuple[str, str]:
    """Why, and what to do. (With a shared process namespace there would be another process 1.)"""
    if text is None:
        name = argv[0].rpartition("/")[2] if argv else "it"
        return (
            f"{name} has no handler, and process 1 gets no default action",
            f"run it from a shell that has a trap: sh -c \"trap 'exit 0' TERM; {name} … & wait\"",
        )
    if "trap" in text and "trap ''" not in text and 'trap ""' not in text:
        return (
            "its trap runs only when the command in the foreground has ended",
            "start that command in the background and wait for it: command & wait",
        )
    if "trap" in text:
        return "its trap ignores the signal", "a trap that ends it: trap 'exit 0' TERM"
    return (
        "a shell without a trap, and process 1 gets no default action",
        "a trap with a wait: trap 'exit 0' TERM; command & wait; or exec a program that handles SIGTERM",
    )


def _long_hook(site: Site, one: Tried) -> Iterator[Finding]:
    lifecycle, run = one.container.lifecycle, one.alone
    hook = lifecycle.pre_stop if lifecycle is not None else None
    if hook is None or hook.exec is None or one.subject is None or run is None or site.grace == 0:
        return
    command = tuple(hook.exec.command)
    text = shell_text(command)
    if (text is None and command[:1] != ("sleep",)) or (text is not None and depends_on_outside(read(text))):
        return
    after = _TRIED_AT[0] if run.lasts is None else min(_TRIED_AT[0], run.lasts // 2)
    length = hook_length(one.subject, command, after, site.grace)
    if length is not None and length < site.grace:
        return
    takes = f"takes {format_duration(length)}" if length is not None else "takes longer"
    said = (
        f"the grace is {format_duration(site.grace)}, and the preStop hook of {one.container.name} {takes}: it is cut "
        "off, and SIGTERM comes with 2 s left"
    )
    way_out = "a terminationGracePeriodSeconds that holds the hook and the time the container needs after it"
    yield Finding("long-prestop", site, one.container, ("lifecycle", "preStop"), said, way_out, ("K-72", "K-108"))
