"""The recorded side of a comparison, worked out once and held against many draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from kubesim.fidelity.causes import causes_of
from kubesim.fidelity.jitter import ROOT, Causes, Kind
from kubesim.fidelity.names import job_pods, matched_names
from kubesim.fidelity.trace import Key, Life, Moment, Trace, normalised
from kubesim.units import MILLISECOND, Duration, Instant, to_seconds

SHORT: Final = 1_300 * MILLISECOND
"""A value that lasted less may be missing in the other trace."""

LEVELS: Final = ("L1", "L2", "L3", "L4")


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which two traces are not the same: where, when (in the recording) and what each of them has."""

    level: str
    t: float | None
    what: str
    recorded: str
    simulated: str

    @property
    def rule(self) -> str:
        """Which rule of the comparison the difference breaks."""
        match self.level:
            case "L1":
                return "the outcome is equal"
            case "L2" if self.what.endswith("stop grace"):
                return "graces are equal, a second aside only at the turn of a whole second"
            case "L2" | "L3" if self.what.startswith("order of "):
                return "the order holds, unless both lie within their jitter in both traces"
            case "L3" if self.recorded.endswith("x") and " Event " in self.what:
                return "Events are counted alike, +-1 for those with a clock of their own"
            case "L2" | "L3":
                return "only what lasted under 1.3 s, or lies at the other's horizon, may be missing"
            case "L4" if self.what.endswith("after its cause"):
                return "what follows directly from a cause keeps its distance within 0.3 s"
            case _:
                return "each instant lies within the tolerance of its chain of causes"

    def __str__(self) -> str:
        """``L2 t=7.013 web/app#0 stop grace: recorded 6; simulated 2``."""
        when = "" if self.t is None else f" t={self.t:.3f}"
        return f"{self.level}{when} {self.what}: recorded {self.recorded}; simulated {self.simulated}"


@dataclass(slots=True)
class Recording:
    """A recorded trace with its tree of causes, ready to be compared with any number of simulated ones."""

    trace: Trace
    causes: Causes

    @classmethod
    def of(cls, raw: dict[str, Any], scale: float = 1.0) -> Recording:
        """Work out the recorded side; ``scale`` stretches every tolerance, for calibration only."""
        trace = normalised(raw)
        return cls(trace, causes_of(trace, scale))


@dataclass(slots=True)
class Pair:
    """Two traces under comparison; the recorded one's causes decide every tolerance."""

    recorded: Trace
    simulated: Trace
    causes: Causes
    _simulated_causes: Causes | None = field(default=None)

    @classmethod
    def of(cls, recording: Recording, simulated: dict[str, Any]) -> Pair:
        """Bring a simulated trace beside a recording, its generated pod names matched."""
        names = matched_names(recording.trace.job_pods, job_pods(simulated))
        return cls(recording.trace, normalised(simulated, names), recording.causes)

    def may_be_missing(self, key: Key, at: Instant, simulated: bool) -> bool:
        """Whether the other trace ended, at its horizon, before it had to show this.

        ``simulated`` says which trace has it. A simulated instant that the recording lacks hangs from the nearest
        cause that the recording has, so that a simulator cannot widen its own tolerance.
        """
        other = self.recorded if simulated else self.simulated
        if other.over:
            return False
        tolerance = self._strange_tolerance(key) if simulated else self.causes.tolerance(key)
        return at + tolerance >= other.duration

    def _strange_tolerance(self, key: Key) -> Duration:
        if key in self.causes.links:
            return self.causes.tolerance(key)
        if self._simulated_causes is None:
            self._simulated_causes = causes_of(self.simulated, self.causes.scale)
        kinds: list[Kind] = []
        known = key
        while known not in self.causes.times and (link := self._simulated_causes.links.get(known)) is not None:
            kinds.append(link.kind)
            known = link.cause
        return self.causes.extended(known if known in self.causes.times else ROOT, kinds)


def seconds_of(at: Instant) -> float:
    """An instant as the trace has it."""
    return round(to_seconds(at), 3)


def shown(value: Any) -> str:
    """A value as a difference prints it: parts side by side, ``-`` for what is not set, ``nothing`` for none."""
    if value is None:
        return "nothing"
    if isinstance(value, tuple):
        return " ".join("-" if part is None else str(part) for part in value) or "-"
    return str(value)


def moment_label(moment: Moment) -> str:
    """How a difference names a runtime event: ``web/proxy#0 stop 30``."""
    grace = f" {moment.value}" if moment.what == "stop" else ""
    return f"{moment.pod}/{moment.container}#{moment.run} {moment.what}{grace}"


def both(pair: Pair, kind: str) -> list[tuple[str, Life | None, Life | None]]:
    """Each pod (or Job) of either trace with its life in both."""
    recorded = pair.recorded.pods if kind == "Pod" else pair.recorded.jobs
    simulated = pair.simulated.pods if kind == "Pod" else pair.simulated.jobs
    names = [*recorded, *(name for name in simulated if name not in recorded)]
    return [(name, recorded.get(name), simulated.get(name)) for name in names]
