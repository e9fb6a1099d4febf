"""One panel of a picture: bands above, one lane for each container (or for each Pod of a Job) below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kubesim.timelines.lanes_differences import Stretch
from kubesim.timelines.lanes_model import (
    ENDED,
    Band,
    Hook,
    JobPicture,
    Lane,
    Look,
    Mark,
    MarkKind,
    PodPicture,
    Role,
    Segment,
    Span,
    Window,
    own_windows,
)
from kubesim.timelines.plot_scale import TimeScale
from kubesim.timelines.plot_shapes import Box, Glyph, Line, Room, Sheet, Text
from kubesim.timelines.plot_style import Fill, Theme
from kubesim.units import Duration

NAME_SIZE: Final = 9.0
LABEL_SIZE: Final = 7.5
BAND_HEIGHT: Final = 0.23
CONDITION_HEIGHT: Final = 0.165
LANE_HEIGHT: Final = 0.4
BAR_TOP: Final = 0.15
BAR_HEIGHT: Final = 0.2
_HOOK_HEIGHT: Final = 0.125
_TEAR_BEFORE_END: Final = 0.14
SHAPES: Final = {
    MarkKind.TERM: ("v", 6.5),
    MarkKind.KILL: ("X", 7.0),
    MarkKind.SIGNAL: ("d", 6.0),
    MarkKind.OUT_OF_MEMORY: ("P", 7.0),
    MarkKind.PROBE_PASSED: ("o", 4.6),
    MarkKind.PROBE_FAILED: ("s", 4.6),
}
PROBES: Final = (MarkKind.PROBE_PASSED, MarkKind.PROBE_FAILED)
HOLLOW: Final = (MarkKind.PROBE_FAILED,)


@dataclass(slots=True)
class Panel:
    """Where a panel stands and what it draws on. ``margin`` is the left edge of the names' column."""

    sheet: Sheet
    theme: Theme
    scale: TimeScale
    margin: float
    left: float
    right: float
    differences: dict[str, tuple[Stretch, ...]] = field(default_factory=dict)
    lines_from: dict[int, float] = field(default_factory=dict)
    """By place among the moments: the y from which its line is drawn."""
    lanes_top: float = 0.0
    uprights: list[float] = field(default_factory=list)
    """Where vertical lines stand."""
    bars: list[Room] = field(default_factory=list)
    """Where bars of the lane in work are; words beside a bar keep away from the others."""

    def x(self, at: Duration) -> float:
        """The place of an instant."""
        return self.left + self.scale.at(at) * (self.right - self.left)

    def torn(self) -> list[float]:
        """Where the lanes are torn: near the end of each break of the time axis, so that words fit before it."""
        width = self.right - self.left
        return [
            self.left + (piece.left + piece.width) * width - _TEAR_BEFORE_END
            for piece in self.scale.breaks
            if piece.width * width > 2 * _TEAR_BEFORE_END
        ]

    def write_beside(self, text: Text, *, between: tuple[float, float] | None = None) -> None:
        """Write a text on plain ground, if there is room; a vertical line that would cross it goes behind it."""
        if not self.sheet.write(text, between=between):
            return
        room = self.sheet.room_of(text, 0.03)
        if any(room.left < x < room.right for x in self.uprights):
            height = room.bottom - room.top
            self.sheet.boxes.append(
                Box(room.left, room.top, room.right - room.left, height, self.theme.paper, layer=6, round=0.03)
            )

    def begin_lanes(self, y: float, count: int) -> None:
        """So many lanes follow from y on; texts keep away from where they are torn."""
        self.lanes_top = y
        for x in self.torn():
            self.sheet.reserve(Room(x - 0.06, y, x + 0.06, y + count * LANE_HEIGHT))


def draw_pod(panel: Panel, pod: PodPicture, y: float) -> float:
    """The bands and lanes of a Pod; the y below."""
    y = _phase(panel, pod.phase, y)
    for band in pod.conditions:
        y = _condition(panel, band, y)
    y += 0.06
    panel.begin_lanes(y, len(pod.lanes))
    for number, lane in enumerate(pod.lanes):
        y = _lane(panel, lane, y, number, own_windows(lane, pod.windows))
    return y


def draw_job(panel: Panel, job: JobPicture, y: float) -> float:
    """The bands of a Job, its waits, and its Pods as lanes; the y below."""
    for band in job.conditions:
        y = _condition(panel, band, y)
    for band in job.counters:
        y = _counter(panel, band, y)
    y += 0.06
    panel.begin_lanes(y, len(job.lanes) + bool(job.waits))
    if job.waits:
        y = _lane(panel, Lane("between attempts", Role.POD, job.waits), y, 1, ())
    for number, lane in enumerate(job.lanes):
        y = _lane(panel, lane, y, number, lane.windows)
    return y


def _name(panel: Panel, words: str, role: str, y: float, size: float = NAME_SIZE, faint: bool = False) -> None:
    """A name at the right of its column, and at the left what it is."""
    sheet, theme = panel.sheet, panel.theme
    role_width = sheet.measure(role, 7.5, False) + 0.16 if role else 0.0
    room = panel.left - 0.12 - panel.margin - role_width
    shown = sheet.shortened(words, size, room)
    colour = theme.faint_ink if faint else theme.ink
    sheet.write(Text(panel.left - 0.1, y, shown, size, colour, "right"), pad=0.0)
    if role:
        sheet.write(Text(panel.margin + 0.06, y, role, 7.5, theme.faint_ink), pad=0.0)


# -- bands -------------------------------------------------------------------------------------------------------


def _phase(panel: Panel, band: Band, y: float) -> float:
    middle = y + BAND_HEIGHT / 2
    _name(panel, "phase", "", middle)
    for segment in band.segments:
        fill = panel.theme.phases.get(segment.value, panel.theme.phases["Unknown"])
        start, end = panel.x(segment.start), panel.x(segment.end)
        width = max(end - start, 0.015)
        panel.sheet.boxes.append(Box(start, y + 0.02, width, BAND_HEIGHT - 0.05, fill.face, panel.theme.paper))
        is_said = _inside(panel, segment.value, start, end, middle, 8, fill.ink)
        if not is_said and segment is band.segments[-1]:
            panel.write_beside(Text(end + 0.06, middle, segment.value, 8, fill.ink))
    return y + BAND_HEIGHT


def _condition(panel: Panel, band: Band, y: float) -> float:
    theme = panel.theme
    middle = y + CONDITION_HEIGHT / 2
    _name(panel, band.name, "", middle, 7.5, faint=True)
    for segment in band.segments:
        start, end = panel.x(segment.start), panel.x(segment.end)
        width, height = max(end - start, 0.012), CONDITION_HEIGHT - 0.075
        face = {"True": theme.condition_true, "False": theme.condition_false}.get(
            segment.value, theme.condition_unknown
        )
        panel.sheet.boxes.append(
            Box(start, middle - height / 2, width, height, face, theme.condition_true, edge_width=0.5)
        )
    return y + CONDITION_HEIGHT


def _counter(panel: Panel, band: Band, y: float) -> float:
    """A counter as a line with its number at each change."""
    middle = y + CONDITION_HEIGHT / 2
    _name(panel, band.name, "", middle, 7.5, faint=True)
    for segment in band.segments:
        _number(panel, segment, y, middle)
    return y + CONDITION_HEIGHT


def _number(panel: Panel, segment: Segment, y: float, middle: float) -> None:
    theme = panel.theme
    start, end = panel.x(segment.start), panel.x(segment.end)
    if segment.value == "0":
        panel.sheet.lines.append(Line(((start, middle), (end, middle)), theme.rule, 0.8))
        return
    face = theme.fills[Look.WAITING].face
    panel.sheet.boxes.append(Box(start, y + 0.015, max(end - start, 0.015), CONDITION_HEIGHT - 0.03, face, theme.paper))
    _inside(panel, segment.value, start, end, middle, 7, theme.ink)


def _inside(panel: Panel, words: str, start: float, end: float, y: float, size: float, colour: str) -> bool:
    """A text at the left of a box, if it fits in it."""
    return panel.sheet.write(Text(start + 0.05, y, words, size, colour), between=(start, end), pad=0.03)


# -- lanes -------------------------------------------------------------------------------------------------------


def role_of(lane: Lane) -> str:
    """What stands at the left of a lane's name."""
    return lane.note if lane.role is Role.POD else lane.role.value


def _lane(panel: Panel, lane: Lane, y: float, number: int, windows: tuple[Window, ...]) -> float:
    theme, bottom = panel.theme, y + LANE_HEIGHT
    if number % 2 == 0:
        panel.sheet.boxes.append(Box(panel.margin, y, panel.right - panel.margin, LANE_HEIGHT, theme.stripe, layer=0))
    _differences(panel, lane, y)
    _name(panel, lane.name, role_of(lane), y + BAR_TOP + BAR_HEIGHT / 2)
    _marks(panel, lane.marks, y)
    for hook in lane.hooks:
        _hook(panel, hook, y)
    for hook in lane.hooks:
        panel.sheet.reserve(Room(panel.x(hook.start), y, panel.x(hook.end), y + _HOOK_HEIGHT))
    for at, count in lane.restarts:
        _restart(panel, panel.x(at), count, y + 0.08)
    for window in windows:
        _window(panel, window, y)
    panel.bars = [_bar(panel, span, y) for span in lane.spans]
    for span in lane.spans:
        _span(panel, span, y)
    return bottom


def _restart(panel: Panel, x: float, count: int, y: float) -> None:
    """The number of a restart above the bar that it begins, or a little to the right where a sign is in the way."""
    for shift, anchor in ((0.0, "left"), (0.04, "left"), (0.08, "left"), (0.12, "left"), (-0.01, "right")):
        text = Text(x + shift, y, f"↻{count}", LABEL_SIZE, panel.theme.ink, anchor, bold=True)
        if panel.sheet.write(text, between=(panel.left - 0.1, panel.right + 0.3), pad=0.015):
            return


def _bar(panel: Panel, span: Span, y: float) -> Room:
    return Room(panel.x(span.start), y + BAR_TOP, panel.x(span.end), y + BAR_TOP + BAR_HEIGHT)


def _span(panel: Panel, span: Span, y: float) -> None:
    fill = panel.theme.fills[span.look]
    start, end = panel.x(span.start), panel.x(span.end)
    height = BAR_HEIGHT * fill.height
    is_over = span.look in ENDED
    top = y + BAR_TOP + (BAR_HEIGHT - height if is_over else (BAR_HEIGHT - height) / 2)
    panel.sheet.boxes.append(
        Box(
            start,
            top,
            max(end - start, 0.012),
            height,
            fill.face,
            panel.theme.paper if not is_over and end - start > 0.03 else "",
            fill.pattern,
            fill.pattern_colour,
        )
    )
    if is_over:
        panel.sheet.boxes.append(Box(start, y + BAR_TOP, 0.022, BAR_HEIGHT, fill.face, layer=4))
        _end_label(panel, span, start, end, y + BAR_TOP + BAR_HEIGHT * 0.36, fill)
    elif span.look is not Look.WAITING:
        _span_label(panel, span, start, end, y, fill)


def _end_label(panel: Panel, span: Span, start: float, end: float, y: float, fill: Fill) -> None:
    """How a run ended: over its line, else right of it."""
    if not _inside(panel, span.label, start + 0.04, end, y, LABEL_SIZE, fill.ink):
        text = Text(end + 0.06, y, span.label, LABEL_SIZE, fill.ink)
        room = panel.sheet.room_of(text)
        if not any(room.meets(other) for other in panel.bars):
            panel.write_beside(text, between=(start, panel.sheet.width - 0.1))


def _span_label(panel: Panel, span: Span, start: float, end: float, y: float, fill: Fill) -> None:
    """The longest of the span's words that fit; on a pattern with a plain patch under them."""
    words = [span.label or span.look.value, span.look.value.partition(",")[0]]
    middle = y + BAR_TOP + BAR_HEIGHT / 2
    for said in dict.fromkeys(words):
        if _inside(panel, said, start, end, middle, LABEL_SIZE, fill.ink):
            if fill.pattern:
                width = panel.sheet.measure(said, LABEL_SIZE, False)
                height = BAR_HEIGHT * fill.height * 0.74
                panel.sheet.boxes.append(
                    Box(start + 0.025, middle - height / 2, width + 0.05, height, fill.face, layer=4, round=0.02)
                )
            return


def _marks(panel: Panel, marks: tuple[Mark, ...], y: float) -> None:
    """Signals above the bar, probes at its lower edge; texts keep away from both."""
    for mark in marks:
        shape, size = SHAPES[mark.kind]
        x, colour = panel.x(mark.at), panel.theme.marks[mark.kind]
        is_probe = mark.kind in PROBES
        at = y + BAR_TOP + BAR_HEIGHT if is_probe else y + BAR_TOP - 0.03
        panel.sheet.glyphs.append(Glyph(x, at, shape, colour, size, panel.theme.paper, hollow=mark.kind in HOLLOW))
        if not is_probe:
            panel.sheet.reserve(Room(x - 0.05, at - 0.05, x + 0.05, at + 0.05))


def _hook(panel: Panel, hook: Hook, y: float) -> None:
    theme = panel.theme
    start, end = panel.x(hook.start), panel.x(hook.end)
    top = y + 0.015
    panel.sheet.boxes.append(Box(start, top, max(end - start, 0.02), _HOOK_HEIGHT, theme.hook, theme.paper, layer=4))
    failed = f" ({hook.code})" if hook.code else ""
    for words in (f"{hook.name}{failed}", hook.name):
        if _inside(panel, words, start, end, top + _HOOK_HEIGHT / 2, 7, theme.hook_ink):
            return


def _window(panel: Panel, window: Window, y: float) -> None:
    """A container's own grace period: a line under its bar with an end."""
    start, end, at = panel.x(window.start), panel.x(window.end), y + BAR_TOP + BAR_HEIGHT + 0.028
    colour = panel.theme.grace_line
    panel.sheet.lines.append(Line(((start, at), (end, at)), colour, 1.2))
    if window.end <= panel.scale.pieces[-1].end:
        panel.sheet.lines.append(Line(((end, at - 0.05), (end, at + 0.02)), colour, 1.6))


def _differences(panel: Panel, lane: Lane, y: float) -> None:
    for stretch in panel.differences.get(lane.name, ()):
        start, end = panel.x(stretch.start), panel.x(stretch.end)
        if end <= start:
            continue
        theme = panel.theme
        panel.sheet.boxes.append(Box(start, y, end - start, LANE_HEIGHT, theme.difference_wash, layer=1))
        at = y + LANE_HEIGHT - 0.012
        panel.sheet.lines.append(Line(((start, at), (end, at)), theme.difference, 1.8, layer=6))
