"""Latencies and phases of one run: a named profile, and the draws of chance that vary it.

A profile (``timings.yaml``) gives every latency a typical value and a range. Draw 0 is the nominal, deterministic run:
each latency at its typical value, each phase in the middle. Other draws take each from its own named stream made from
``(seed, draw, name)``, so that two runs differ only where they should.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from kubesim.errors import ScenarioError
from kubesim.units import Duration, Instant, parse_duration, seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one kind of step takes: the typical value and the bounds a draw stays in, nanoseconds."""

    typical: Duration
    low: Duration
    high: Duration


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of latencies."""

    name: str
    latencies: Mapping[str, Latency]

    def header(self) -> dict[str, Any]:
        """The profile as it stands in a history's header: name and every value in nanoseconds."""
        values = {key: [entry.typical, entry.low, entry.high] for key, entry in sorted(self.latencies.items())}
        return {"name": self.name, "latencies": values}


@cache
def _file() -> dict[str, Any]:
    text = (resources.files("kubesim.sim") / "timings.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def _latency(value: Any) -> Latency:
    if isinstance(value, list):
        typical, low, high = (seconds(entry) for entry in value)
        return Latency(typical, low, high)
    return Latency(seconds(value), seconds(value), seconds(value))


@cache
def named_profile(name: str) -> Profile:
    """The profile of that name. Raises ScenarioError naming the profiles there are."""
    profiles = _file()
    if name not in profiles:
        raise ScenarioError(f'timing "{name}" is unknown; use one of {", ".join(sorted(profiles))}')
    entries: dict[str, Any] = {}
    chain = [name]
    while like := profiles[chain[-1]].get("like"):
        chain.append(like)
    for ancestor in reversed(chain):
        entries.update(profiles[ancestor])
    latencies = {key: _latency(entries[key]) for key in entries if key not in ("like", "about")}
    return Profile(name, latencies)


def profile_of(name: str, settings: Mapping[str, Any]) -> Profile:
    """The named profile with some latencies set otherwise: a duration, or three (typical, lowest, highest).

    Raises ScenarioError naming the latencies there are.
    """
    profile = named_profile(name)
    latencies = dict(profile.latencies)
    for key, value in settings.items():
        if key not in latencies:
            raise ScenarioError(f'latency "{key}" is unknown; use one of {", ".join(sorted(latencies))}')
        latencies[key] = _set_latency(key, value)
    return Profile(name, latencies)


def tie_order(seed: int, ties: int) -> random.Random | None:
    """The stream that orders things of one instant; None: they happen in the order they were asked for."""
    return random.Random(f"{seed}/{ties}/ties") if ties else None


def _set_latency(key: str, value: Any) -> Latency:
    parts = value if isinstance(value, list) else [value]
    try:
        durations = [parse_duration(str(part)) for part in parts]
    except ValueError as problem:
        raise ScenarioError(f'latency "{key}": {problem}') from problem
    if len(durations) == 1:
        return Latency(durations[0], durations[0], durations[0])
    if len(durations) != 3 or not durations[1] <= durations[0] <= durations[2]:
        raise ScenarioError(f'latency "{key}": write one duration, or [typical, lowest, highest]')
    return Latency(*durations)


@dataclass(slots=True)
class Draws:
    """Uniform numbers in [0, 1) by purpose: how many are drawn for one moves none of another."""

    name: str
    _streams: dict[str, random.Random] = field(default_factory=dict)

    def __call__(self, purpose: str) -> float:
        if purpose not in self._streams:
            self._streams[purpose] = random.Random(f"{self.name}/{purpose}")
        return self._streams[purpose].random()


_SPREADS = {
    "load": 0.6180339887498949,
    "pleg": 0.7548776662466927,
    "tick": 0.5698402909980532,
    "requeue": 0.8191725133961645,
}
"""Steps of additive sequences: successive draws spread evenly over what matters most (Roberts' R sequences)."""

_LOAD_WEIGHT = 0.65
"""How much of a latency's place in its range comes from how busy the machine is in this draw; the rest is chance."""


@dataclass(slots=True)
class Timing:
    """The latencies of one run. ``draw`` 0 is nominal; any other varies them inside their ranges.

    A busy machine is slow at everything, so the places of all latencies in their ranges hang together: one load per
    draw, plus chance for each step. Loads and the phases of the two loops that decide most races are spread evenly
    over successive draws.
    """

    profile: Profile
    seed: int = 0
    draw: int = 0
    _streams: dict[str, random.Random] = field(default_factory=dict)
    _rounds: dict[tuple[str, Duration], Duration] = field(default_factory=dict)
    """The phases of loops whose rounds have been asked for: drawn once, for a loop does not change its step."""

    def stream(self, name: str) -> random.Random:
        """The stream of chance of that name: the same for the same seed, whatever else is drawn."""
        if name not in self._streams:
            self._streams[name] = random.Random(f"{self.seed}/{self.draw}/{name}")
        return self._streams[name]

    def draws(self, owner: str) -> Draws:
        """The streams of one owner, a stream for each purpose; kept by who asks, not by the run."""
        return Draws(f"{self.seed}/{self.draw}/{owner}")

    def _spread(self, name: str) -> float:
        """This draw's place in [0, 1): evenly spread over draws where that is worth it, otherwise chance."""
        if name in _SPREADS:
            return (0.5 + self.draw * _SPREADS[name]) % 1.0
        return self.stream(f"{name}-phase").random()

    def latency(self, name: str) -> Duration:
        """How long this step takes this time (ns)."""
        entry = self.profile.latencies[name]
        if not self.draw or entry.low == entry.high:
            return entry.typical
        chance = self.stream(name).random()
        share = _LOAD_WEIGHT * self._spread("load") + (1 - _LOAD_WEIGHT) * chance
        if share < 0.5:
            return entry.low + int((entry.typical - entry.low) * 2 * share)
        return entry.typical + int((entry.high - entry.typical) * (2 * share - 1) ** 2)

    def longest(self, name: str) -> Duration:
        """The longest this step can take (ns)."""
        entry = self.profile.latencies[name]
        return entry.high if self.draw else entry.typical

    def phase(self, name: str, period: Duration) -> Duration:
        """Where in its period a grid lies (ns from 0 to the period): a free-running loop started at no special time.

        The nominal phase is ``<name>-phase`` of the profile, a share of the period.
        """
        share = self.profile.latencies[f"{name}-phase"].typical / seconds(1)
        if self.draw:
            share = self._spread(name)
        return int(period * share)

    def round_at(self, name: str, period: Duration, instant: Instant) -> Instant:
        """The first round of a free-running loop (see :meth:`phase`) at or after the instant."""
        if (name, period) not in self._rounds:
            self._rounds[name, period] = self.phase(name, period)
        phase = self._rounds[name, period]
        return phase + -(-(instant - phase) // period) * period

    def jittered(self, name: str, duration: Duration, factor: float) -> Duration:
        """``duration`` times U[1, 1 + factor), as ``wait.Jitter`` does (K-19b, K-19c); nominal: the middle."""
        share = 0.5
        if self.draw:
            share = self.stream(name).random() if name in self._streams else self._spread(name)
            self.stream(name)
        return duration + math.floor(duration * factor * share)
