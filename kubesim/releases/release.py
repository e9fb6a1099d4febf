"""One component's release: its gates, policies, bugs, texts and constants, in one frozen object.

Nothing outside this room compares releases. Code asks ``release.enabled("Gate")``, ``release.policy("name")``,
``release.has_bug("name")``, ``release.text("name")`` or ``release.constant("name")``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final

from kubesim.errors import ReleaseError
from kubesim.releases.gates import all_gate_names, gates_on
from kubesim.releases.tables import (
    FIRST_MINOR,
    LAST_MINOR,
    LATEST_PATCH,
    RELEASES,
    Point,
    load,
    parse_point,
    values_at,
)
from kubesim.units import Duration, parse_duration

_NAME: Final = re.compile(r"v?1\.([0-9]{1,3})(?:\.([0-9]{1,3}))?")
_NOTHING: Final[Mapping[str, bool]] = MappingProxyType({})


class Component(StrEnum):
    """The processes that have gates of their own (V-1)."""

    APISERVER = "apiserver"
    CONTROLLER_MANAGER = "controller-manager"
    SCHEDULER = "scheduler"
    KUBELET = "kubelet"


COMPONENTS: Final[tuple[Component, ...]] = tuple(Component)


@dataclass(frozen=True, slots=True)
class Release:
    """What one component of one release does; made by :func:`release`, equal and hashed by its settings."""

    name: str
    """As asked for: ``1.29`` (latest patch) or ``1.29.0``."""
    minor: int
    patch: int | None
    """None: the latest patch of the minor."""
    component: Component
    gate_settings: tuple[tuple[str, bool], ...]
    """The gates set by hand, sorted by name."""
    bug_settings: tuple[tuple[str, bool], ...]
    """The bugs switched by hand, sorted by name."""
    gates_on: frozenset[str] = field(compare=False, repr=False)
    bugs: frozenset[str] = field(compare=False, repr=False)
    policies: Mapping[str, Any] = field(compare=False, repr=False)
    texts: Mapping[str, str] = field(compare=False, repr=False)
    constants: Mapping[str, int] = field(compare=False, repr=False)

    @property
    def point(self) -> Point:
        """Its place on the line of releases, for the tables of this room only."""
        return self.minor, LATEST_PATCH if self.patch is None else self.patch

    def enabled(self, gate: str) -> bool:
        """Whether a gate is on; one that this release does not know counts as its behaviour did or will."""
        if gate in self.gates_on:
            return True
        if gate not in all_gate_names():
            raise ReleaseError(_unknown("gate", gate, all_gate_names(), "feature_gates"))
        return False

    def policy(self, name: str) -> Any:
        """The value of a named policy: behaviour that changed without a gate (``policies.yaml``)."""
        try:
            return self.policies[name]
        except KeyError:
            raise ReleaseError(_unknown("policy", name, self.policies, "policies")) from None

    def has_bug(self, name: str) -> bool:
        """Whether this patch has a known bug (``bugs.yaml``)."""
        if name in self.bugs:
            return True
        if name not in load("bugs"):
            raise ReleaseError(_unknown("bug", name, load("bugs"), "bugs"))
        return False

    def text(self, name: str) -> str:
        """The template of a message, with ``{named}`` places for :meth:`str.format` (``texts.yaml``)."""
        try:
            return self.texts[name]
        except KeyError:
            raise ReleaseError(_unknown("text", name, self.texts, "texts")) from None

    def constant(self, name: str) -> int:
        """A number: nanoseconds for a duration, else a count (``constants.yaml``)."""
        try:
            return self.constants[name]
        except KeyError:
            raise ReleaseError(_unknown("constant", name, self.constants, "constants")) from None

    def duration(self, name: str) -> Duration:
        """A constant that is a duration, in nanoseconds."""
        return self.constant(name)

    def __hash__(self) -> int:
        """By the name alone, which is quick: a release is part of the key of many a table."""
        return hash(self.name)

    def __deepcopy__(self, memo: object) -> Release:
        """Itself: nothing in a release changes, so copied worlds share it."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its settings, and read back from the tables."""
        return _remade, (self.name, self.component, self.gate_settings, self.bug_settings)


def release(
    text: str,
    gates: Mapping[str, bool] = _NOTHING,
    *,
    component: Component | str = Component.KUBELET,
    bugs: Mapping[str, bool] = _NOTHING,
) -> Release:
    """The release a component runs, with its gates; refuses what the real component would refuse to start with.

    ``text`` is ``1.29`` (its latest patch) or ``1.29.0``; ``bugs`` switches known bugs on or off against the patch.
    Raises ReleaseError for an unknown release, component, gate or bug, and for a gate that cannot be set so.
    """
    return _remade(text, component, tuple(sorted(gates.items())), tuple(sorted(bugs.items())))


@lru_cache(maxsize=256)
def _remade(
    text: str, component: str, gates: tuple[tuple[str, bool], ...], bugs: tuple[tuple[str, bool], ...]
) -> Release:
    point = parse_release(text)
    on = gates_on(point, dict(gates))
    policies, texts, constants = _columns(point, on)
    return Release(
        name=text.removeprefix("v"),
        minor=point[0],
        patch=None if point[1] == LATEST_PATCH else point[1],
        component=_component(component),
        gate_settings=gates,
        bug_settings=bugs,
        gates_on=on,
        bugs=_bugs_on(point, dict(bugs)),
        policies=policies,
        texts=texts,
        constants=constants,
    )


def parse_release(text: str) -> Point:
    """The patch a release name selects; refuses a release outside the table."""
    match = _NAME.fullmatch(text)
    if not match or not FIRST_MINOR <= int(match[1]) <= LAST_MINOR:
        raise ReleaseError(
            f'release "{text}" is unknown; choose one of {", ".join(RELEASES)}, or a patch such as "{RELEASES[2]}.0"'
        )
    return int(match[1]), LATEST_PATCH if match[2] is None else int(match[2])


def check_bug(name: str) -> None:
    """Raises ReleaseError for a name that is no known bug's (``bugs.yaml``)."""
    known = load("bugs")
    if name not in known:
        close = [*get_close_matches(name, known, n=1), *(other for other in known if name and name in other)]
        way_out = f'did you mean "{close[0]}"?' if close else f"the known ones are {', '.join(sorted(known))}"
        raise ReleaseError(f'bug "{name}" is unknown; {way_out}')


def bug_is_in(name: str, point: Point) -> bool:
    """Whether a patch lies in the ranges a known bug is said to affect: from included, fixed_in excluded."""
    return any(
        parse_point(span["from"]) <= point and ("fixed_in" not in span or point < parse_point(span["fixed_in"]))
        for span in load("bugs")[name]["affected"]
    )


def fixed_in(name: str, text: str) -> str | None:
    """The first patch of a release's minor after it that is free of a known bug, or None if none is."""
    minor, patch = parse_release(text)
    ends = [parse_point(span["fixed_in"]) for span in load("bugs")[name]["affected"] if "fixed_in" in span]
    found = min((point for point in ends if point[0] == minor and point[1] > patch), default=None)
    return None if found is None else f"1.{found[0]}.{found[1]}"


def _bugs_on(point: Point, settings: Mapping[str, bool]) -> frozenset[str]:
    for name in settings:
        check_bug(name)
    return frozenset(name for name in load("bugs") if settings.get(name, bug_is_in(name, point)))


@lru_cache(maxsize=256)
def _columns(point: Point, on: frozenset[str]) -> tuple[Mapping[str, Any], Mapping[str, str], Mapping[str, int]]:
    constants = values_at("constants", point, on)
    numbers = {name: parse_duration(value) if isinstance(value, str) else value for name, value in constants.items()}
    return values_at("policies", point, on), values_at("texts", point, on), numbers


@cache
def _component(text: str) -> Component:
    try:
        return Component(text.removeprefix("kube-"))
    except ValueError:
        raise ReleaseError(f'component "{text}" is unknown; choose one of {", ".join(COMPONENTS)}') from None


def _unknown(kind: str, name: str, known: Any, file: str) -> str:
    close = get_close_matches(name, known, n=1)
    way_out = f'did you mean "{close[0]}"?' if close else f"add it to kubesim/releases/{file}.yaml"
    return f'{kind} "{name}" is in no release; {way_out}'
