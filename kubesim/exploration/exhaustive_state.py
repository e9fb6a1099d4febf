"""When two simulated clusters are in the same state: a digest of everything that can make a difference from here on.

What was recorded, and numbers that only count (of resource versions, of callbacks), are left out: two orders of the
same things lead to one state. Everything else is walked, in an order that does not depend on how it came about.
"""

from __future__ import annotations

import functools
import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from enum import Enum
from random import Random
from types import FunctionType, MethodType
from typing import Any, Final

from kubesim.releases import Release
from kubesim.scenario.load import Scenario
from kubesim.sim.recorder import Recorder
from kubesim.sim.timing import Profile

RECORDED_OR_SHARED: Final = (Recorder, Release, Scenario, Profile)
"""What says where a state came from, or is the same in all states of one search: nothing of these kinds counts."""

LEFT_OUT: Final[dict[str, frozenset[str]]] = {
    "Clock": frozenset({"fired"}),
    "ApiServer": frozenset({"_known"}),
    "Store": frozenset({"_resource_version"}),
    "Change": frozenset({"resource_version"}),
    "ObjectMeta": frozenset({"resource_version"}),
    "PodInfo": frozenset({"resource_version"}),
    "dict": frozenset({"resourceVersion"}),
}
"""Of each kind of object what only counts, or repeats for the history what the store has. All else counts: what a kind
of object has is written down in ``tests/unit/exploration/state.yaml``, and a test asks about whatever comes to it.
"""


def digest(world: Any) -> str:
    """The digest of a whole cluster."""
    walker = _Walker()
    found = hashlib.blake2b(digest_size=12)
    for piece in walker.walk(world):
        found.update(piece.encode())
        found.update(b"\0")
    return found.hexdigest()


class _Walker:
    """Gives the pieces of a state; an object met before is named by the place at which it was met first."""

    def __init__(self) -> None:
        self.met: dict[int, int] = {}
        self.kept: list[Any] = []

    def walk(self, value: Any) -> Iterator[str]:
        """The pieces of a value."""
        match value:
            case None | bool() | int() | float() | str() | bytes():
                yield repr(value)
                return
            case Enum():
                yield f"{type(value).__name__}.{value.name}"
                return
            case Random():
                yield str(hash(value.getstate()))
                return
        if id(value) in self.met:
            yield f"#{self.met[id(value)]}"
            return
        self.met[id(value)] = len(self.met)
        self.kept.append(value)
        yield type(value).__name__
        yield from self._parts(value)

    def _parts(self, value: Any) -> Iterator[str]:
        match value:
            case Mapping():
                yield from self._pairs("dict", sorted(value.items(), key=lambda pair: repr(pair[0])))
            case set() | frozenset():
                yield from sorted(map(repr, value))
            case list() | tuple() | deque():
                for item in value:
                    yield from self.walk(item)
            case functools.partial():
                yield from self.walk((value.func, value.args, value.keywords))
            case MethodType():
                yield value.__func__.__qualname__
                yield from self.walk(value.__self__)
            case FunctionType():
                yield value.__qualname__
                for cell in value.__closure__ or ():
                    yield from self.walk(cell.cell_contents)
            case type():
                yield value.__qualname__
            case _:
                yield from self._pairs(type(value).__name__, sorted(attributes(value).items()))

    def _pairs(self, kind: str, pairs: list[tuple[Any, Any]]) -> Iterator[str]:
        left_out = LEFT_OUT.get(kind, frozenset())
        for key, item in pairs:
            if key in left_out or isinstance(item, RECORDED_OR_SHARED):
                continue
            yield repr(key)
            if key == "_timers" and isinstance(item, list):  # the clock's; others keep theirs by name
                yield from self._timers(item)
            else:
                yield from self.walk(item)

    def _timers(self, timers: list[tuple[Any, int]]) -> Iterator[str]:
        """What is planned, by instant; of one instant by name, for their order is what is chosen."""
        for timer, instant in sorted(timers, key=lambda pair: (pair[1], name_of(pair[0]))):
            yield str(instant)
            yield from self.walk(timer)


def attributes(value: Any) -> dict[str, Any]:
    """The state of an object: as it pickles where it says so, else its attributes and slots."""
    if "__getstate__" in type(value).__dict__:
        state = value.__getstate__()
        if isinstance(state, dict):
            return state
    if fields := getattr(type(value), "__struct_fields__", ()):
        return {name: getattr(value, name) for name in fields}  # not what has been worked out from them, and kept
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                found[name] = getattr(value, name)
    return found


def name_of(timer: Any) -> str:
    """What a timer calls, and about whom, in short."""
    callback = timer._callback
    while isinstance(callback, functools.partial):
        callback = callback.func
    owner = getattr(callback, "__self__", None)
    name = getattr(callback, "__qualname__", type(callback).__name__)
    details = [
        str(getattr(owner, field)) for field in ("name", "key", "node") if isinstance(getattr(owner, field, None), str)
    ]
    return " ".join([name.removeprefix("_"), *details])
