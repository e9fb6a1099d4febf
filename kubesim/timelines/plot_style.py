"""Colours and patterns of the pictures: told apart by colour-blind eyes, and in black and white by pattern and height.

The hues are those of Okabe and Ito, lightened or darkened until neighbours also differ in brightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kubesim.timelines.lanes_model import Look, MarkKind, MomentKind


@dataclass(frozen=True, slots=True)
class Fill:
    """A colour with a pattern in another; ``ink`` is for text on it. ``height`` is its share of a lane's bar."""

    face: str
    pattern: str = ""
    pattern_colour: str = ""
    ink: str = "#1b1f24"
    height: float = 1.0
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Theme:
    """All colours of one picture."""

    name: str
    paper: str
    ink: str
    faint_ink: str
    rule: str
    stripe: str
    fills: dict[Look, Fill]
    marks: dict[MarkKind, str]
    moments: dict[MomentKind, str]
    hook: str
    hook_ink: str
    grace: str
    grace_line: str
    difference: str
    difference_wash: str
    phases: dict[str, Fill]
    condition_true: str
    condition_false: str
    condition_unknown: str


_LIGHT_FILLS: Final = {
    Look.WAITING: Fill("#eceff2", "", "", "#5b6570", 0.5),
    Look.PULLING: Fill("#dfe7f5", "...", "#7f93b8", "#33405a", 0.8),
    Look.BACK_OFF: Fill("#fbf3c4", "xxx", "#d9c03a", "#4d4200", 0.8),
    Look.RUNNING: Fill("#cfe8f7", "////", "#74b3da", "#0e3a55"),
    Look.STARTED: Fill("#56b4e9", "", "", "#07283c"),
    Look.READY: Fill("#009e73", "", "", "#ffffff"),
    Look.TERMINATING: Fill("#f5b84a", "\\\\\\\\", "#c98200", "#3d2700"),
    Look.COMPLETED: Fill("#8b98a5", "", "", "#3f4a55", 0.24),
    Look.FAILED: Fill("#d55e00", "", "", "#9c4400", 0.24),
    Look.KILLED: Fill("#7a0f3c", "", "", "#7a0f3c", 0.24),
}

LIGHT: Final = Theme(
    name="light",
    paper="#ffffff",
    ink="#1b1f24",
    faint_ink="#66707b",
    rule="#dfe3e8",
    stripe="#f7f8fa",
    fills=_LIGHT_FILLS,
    marks={
        MarkKind.TERM: "#8a4b00",
        MarkKind.KILL: "#7a0f3c",
        MarkKind.SIGNAL: "#5b6570",
        MarkKind.OUT_OF_MEMORY: "#7a0f3c",
        MarkKind.PROBE_PASSED: "#00543d",
        MarkKind.PROBE_FAILED: "#b34700",
    },
    moments={
        MomentKind.DELETE: "#b3123f",
        MomentKind.ACTION: "#2b5fa8",
        MomentKind.REFUSED: "#b34700",
        MomentKind.GONE: "#66707b",
    },
    hook="#7b5ea7",
    hook_ink="#ffffff",
    grace="#fdf1dc",
    grace_line="#b87700",
    difference="#cc4c9a",
    difference_wash="#fbeaf4",
    phases={
        "Pending": Fill("#eceff2", ink="#3f4a55"),
        "Running": Fill("#cfe3f5", ink="#123a5e"),
        "Succeeded": Fill("#c5e8dc", ink="#00422f"),
        "Failed": Fill("#f8d2b8", ink="#7a2e00"),
        "Unknown": Fill("#e5d9ef", ink="#43285c"),
    },
    condition_true="#5c7f9c",
    condition_false="#ffffff",
    condition_unknown="#e5d9ef",
)

DARK: Final = Theme(
    name="dark",
    paper="#14181d",
    ink="#e8ecf0",
    faint_ink="#98a3af",
    rule="#2c343d",
    stripe="#191e24",
    fills={
        Look.WAITING: Fill("#2b323a", "", "", "#aab4bf", 0.5),
        Look.PULLING: Fill("#2d3a52", "...", "#7f9bd0", "#dfe8fb", 0.8),
        Look.BACK_OFF: Fill("#4b441a", "xxx", "#a8962e", "#fff6c2", 0.8),
        Look.RUNNING: Fill("#1d4058", "////", "#4d9ccb", "#e3f3fd"),
        Look.STARTED: Fill("#56b4e9", "", "", "#07283c"),
        Look.READY: Fill("#12a87d", "", "", "#00150f"),
        Look.TERMINATING: Fill("#d9962b", "\\\\\\\\", "#8a5500", "#1e1200"),
        Look.COMPLETED: Fill("#7f8b97", "", "", "#b4bec8", 0.24),
        Look.FAILED: Fill("#e8752a", "", "", "#ffb184", 0.24),
        Look.KILLED: Fill("#e0558c", "", "", "#ff9cc2", 0.24),
    },
    marks={
        MarkKind.TERM: "#ffd08a",
        MarkKind.KILL: "#ff7fb0",
        MarkKind.SIGNAL: "#aab4bf",
        MarkKind.OUT_OF_MEMORY: "#ff7fb0",
        MarkKind.PROBE_PASSED: "#a8f0d8",
        MarkKind.PROBE_FAILED: "#ff9a5c",
    },
    moments={
        MomentKind.DELETE: "#ff6f91",
        MomentKind.ACTION: "#7fb2ff",
        MomentKind.REFUSED: "#ff9a5c",
        MomentKind.GONE: "#98a3af",
    },
    hook="#a58bd6",
    hook_ink="#160b2b",
    grace="#2a2419",
    grace_line="#d99b2b",
    difference="#ef7fc0",
    difference_wash="#2b1b27",
    phases={
        "Pending": Fill("#2b323a", ink="#c3ccd5"),
        "Running": Fill("#1f3b57", ink="#d7e9fb"),
        "Succeeded": Fill("#16493a", ink="#c8f4e5"),
        "Failed": Fill("#5d2d12", ink="#ffd9c2"),
        "Unknown": Fill("#3f2f52", ink="#e8dcf5"),
    },
    condition_true="#6d93b3",
    condition_false="#14181d",
    condition_unknown="#3f2f52",
)

THEMES: Final = {"light": LIGHT, "dark": DARK}
