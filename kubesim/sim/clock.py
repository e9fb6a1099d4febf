"""The virtual clock: callbacks at integer instants on a SimPy environment.

Callbacks on plain state objects cost half of what generator processes cost, and can be copied and pickled. A timer
that was cancelled stays in SimPy's queue and does nothing when it fires. A *background* timer (a requeue that can
change nothing by itself) does not keep the run alive: a run is settled when only background timers are left.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

import simpy
from simpy.events import NORMAL

from kubesim.units import Duration, Instant

_RANKS = 1 << 30
"""How many places there are among the callbacks of one instant."""


def _nothing() -> None:
    """What a void timer would call."""


class Timer(simpy.Event):
    """One scheduled call, as an event in SimPy's queue; ``cancel`` makes it void. ``instant`` is when it is due (ns).

    As with a ``simpy.Timeout``, its outcome is known from the start, and the callback of all timers is the same one.
    A timer that is void lets go of what it would have called, which may well lead back to the timer.
    """

    _ok, _value = True, None

    def __init__(
        self,
        clock: Clock,
        instant: Instant,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        background: bool,
    ) -> None:
        self._clock = clock
        self._callback = callback
        self._arguments = arguments
        self.instant = instant
        self.background = background
        self.live = True

    def cancel(self) -> None:
        """Void the call; cancelling twice, or after it fired, does nothing. It stays in the queue until its instant."""
        if self.live:
            self.live = False
            self._callback, self._arguments = _nothing, ()
            self._clock.forget(self)

    def fire(self) -> None:
        """Make the call, unless it is void or its process has ended."""
        clock = self._clock
        if self.live and not clock.ended:
            self.live = False
            clock.forget(self)
            clock.now = self.instant
            callback, arguments = self._callback, self._arguments
            self._callback, self._arguments = _nothing, ()
            callback(*arguments)


Timer.callbacks = [Timer.fire]  # SimPy's own way is a list for each event, and it only ever replaces that


def _is_live(event: simpy.Event) -> TypeGuard[Timer]:
    """Whether an event in the queue is a timer that is not void."""
    return isinstance(event, Timer) and event.live


class Clock:
    """Virtual time in nanoseconds since the epoch of ``units``; equal instants run in the order they were asked for.

    With a stream of chance as ``ties``, equal instants run in an order drawn from it.
    """

    def __init__(self, start: Instant = 0, ties: random.Random | None = None) -> None:
        self.started = start
        self.now: Instant = start
        """The instant of the callback that runs, or ran last."""
        self.ties = ties
        self.ended = False
        """Whether the process whose clock this is has ended; see :class:`ProcessClock`."""
        self._environment = simpy.Environment(initial_time=start)
        self.fired = 0
        """How many callbacks have run."""
        self._foreground = 0
        self._stopped = False

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles: SimPy's environment itself does neither, so its queue is taken apart."""
        state = {key: value for key, value in self.__dict__.items() if key != "_environment"}
        queue = sorted(self._environment._queue, key=lambda entry: entry[:3])
        timers = [timer for *_, timer in queue if _is_live(timer)]
        return {**state, "_timers": [(timer, timer.instant) for timer in timers], "_start": self._environment.now}

    def __setstate__(self, state: dict[str, Any]) -> None:
        timers, start = state.pop("_timers"), state.pop("_start")
        self.__dict__.update(state)
        self._environment = simpy.Environment(initial_time=start)
        for timer, instant in timers:  # a timer that leads here by its arguments may have no instant of its own yet
            self._plan(timer, instant)

    def at(self, instant: Instant, callback: Callable[..., object], *arguments: Any, background: bool = False) -> Timer:
        """Call back at the instant, or at once (after what is due already) if it has passed."""
        timer = Timer(self, instant, callback, arguments, background)
        if not background:
            self._foreground += 1
        self._plan(timer, instant)
        return timer

    def _plan(self, timer: Timer, instant: Instant) -> None:
        """Put a timer into SimPy's queue, which takes a delay, and orders equal instants by any integer."""
        environment = self._environment
        delay = instant - environment.now
        if delay < 0:
            delay, timer.instant = 0, int(environment.now)
        rank = NORMAL if self.ties is None else self.ties.randrange(_RANKS)
        environment.schedule(timer, rank, delay)  # type: ignore[arg-type]  # its own ranks have a type of their own

    def after(
        self, delay: Duration, callback: Callable[..., object], *arguments: Any, background: bool = False
    ) -> Timer:
        """Call back when the duration has passed."""
        return self.at(self.now + delay, callback, *arguments, background=background)

    def forget(self, timer: Timer) -> None:
        """A timer fired or was cancelled: it no longer keeps the run alive."""
        if not timer.background:
            self._foreground -= 1

    def stop(self) -> None:
        """End the run after the callback that is running now."""
        self._stopped = True

    @property
    def settled(self) -> bool:
        """Whether nothing is left that can change anything."""
        return self._foreground == 0

    def due(self) -> list[Timer]:
        """The timers of the next instant, in the order in which they would fire; void ones are dropped."""
        first = self.next_due
        queue = sorted(self._environment._queue) if first is not None else ()
        return [timer for at, *_, timer in queue if at == first and _is_live(timer)]

    def fire(self, timer: Timer) -> None:
        """Let one of the timers that are due fire before the others of its instant."""
        queue = self._environment._queue
        for place, (at, _, number, event) in enumerate(queue):
            if event is timer:
                queue[place] = (at, -1, number, event)  # type: ignore[assignment]  # before all that SimPy ranks
        heapq.heapify(queue)
        self._environment.step()
        self.fired += 1

    def run(self, until: Instant) -> None:
        """Run callbacks in order up to and including ``until``, or until the run is settled or stopped."""
        step, queue = self._environment.step, self._environment._queue
        while self._foreground and not self._stopped and queue[0][0] <= until:
            step()
            self.fired += 1

    @property
    def pending(self) -> int:
        """How many callbacks are planned that can change something."""
        return self._foreground

    @property
    def next_due(self) -> Instant | None:
        """When the next callback is due; None: there is none. Void ones are dropped."""
        queue = self._environment._queue
        while queue and not _is_live(queue[0][3]):
            heapq.heappop(queue)
        return int(queue[0][0]) if queue else None

    def mark(self) -> int:
        """A number above those of all callbacks planned so far, and below those of all to come."""
        return next(self._environment._eid)

    def steps(self, until: Instant) -> Iterator[tuple[Instant, int]]:
        """Run callbacks one by one up to and including ``until``, settled or not: when each was due, and its number."""
        environment = self._environment
        queue = environment._queue
        while queue and queue[0][0] <= until:
            instant, _, number, _ = queue[0]
            environment.step()
            self.fired += 1
            yield int(instant), number


class ProcessClock(Clock):
    """The clock as one process sees it: when the process ends, all that it had planned is void.

    What others have planned goes on: a stop that the runtime was asked for, a request the API server has taken.
    """

    def __init__(self, whole: Clock) -> None:
        self._whole = whole
        self.started = whole.started
        self.ties = whole.ties
        self.ended = False
        self._foreground = 0

    def __getstate__(self) -> dict[str, Any]:
        """The queue is the whole clock's, and copied with it."""
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def _environment(self) -> simpy.Environment:  # type: ignore[override]  # looked up: the whole may be a copy
        return self._whole._environment

    @property
    def now(self) -> Instant:
        """The instant of the callback that runs, whoever planned it."""
        return self._whole.now

    @now.setter
    def now(self, instant: Instant) -> None:
        self._whole.now = instant

    def at(self, instant: Instant, callback: Callable[..., object], *arguments: Any, background: bool = False) -> Timer:
        """As :meth:`Clock.at`; a process that has ended plans nothing."""
        timer = Timer(self, instant, callback, arguments, background or self.ended)
        if not timer.background:
            self._foreground += 1
            self._whole._foreground += 1
        self._whole._plan(timer, instant)
        return timer

    def forget(self, timer: Timer) -> None:
        """One of the process' own timers fired or was cancelled."""
        if not timer.background and not self.ended:
            self._foreground -= 1
            self._whole._foreground -= 1

    def end(self) -> None:
        """The process is gone."""
        if not self.ended:
            self.ended = True
            self._whole._foreground -= self._foreground
