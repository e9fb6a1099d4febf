"""The legend: only what the picture shows, in rows that wrap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kubesim.timelines.lanes_model import ENDED, JobPicture, Lane, Look, MarkKind, PodPicture, own_windows
from kubesim.timelines.plot_panels import HOLLOW, PROBES, SHAPES
from kubesim.timelines.plot_shapes import Box, Glyph, Line, Sheet, Text
from kubesim.timelines.plot_style import Theme

_SIZE: Final = 8.0
_ROW: Final = 0.22
_SWATCH: Final = 0.26
_NAMES: Final = {
    Look.WAITING: "waiting",
    Look.PULLING: "pulling image",
    Look.BACK_OFF: "back-off or error",
    Look.RUNNING: "running, not started",
    Look.STARTED: "started, not ready",
    Look.READY: "ready",
    Look.TERMINATING: "terminating",
    Look.COMPLETED: "ended 0",
    Look.FAILED: "ended ≠ 0",
    Look.KILLED: "killed",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    words: str
    look: Look | None = None
    mark: MarkKind | None = None


def draw_legend(
    sheet: Sheet,
    theme: Theme,
    shown: Sequence[PodPicture | JobPicture],
    do_differ: bool,
    left: float,
    right: float,
    y: float,
) -> float:
    """Draw the entries from left to right; the y below."""
    x = left
    for entry in _entries(shown, do_differ=do_differ):
        width = _SWATCH + 0.08 + sheet.measure(entry.words, _SIZE, False)
        if x + width > right and x > left:
            x, y = left, y + _ROW
        _swatch(sheet, theme, entry, x, y)
        sheet.write(Text(x + _SWATCH + 0.06, y, entry.words, _SIZE, theme.faint_ink), pad=0.0)
        x += width + 0.2
    return y + _ROW


def _entries(shown: Sequence[PodPicture | JobPicture], *, do_differ: bool) -> Iterator[_Entry]:
    lanes: list[Lane] = [lane for what in shown for lane in what.lanes]
    spans = {span.look for lane in lanes for span in lane.spans}
    spans |= {span.look for what in shown if isinstance(what, JobPicture) for span in what.waits}
    yield from (_Entry("look", _NAMES[look], look=look) for look in Look if look in spans)
    marks = {mark.kind for lane in lanes for mark in lane.marks}
    for kind in MarkKind:
        if kind in marks:
            yield _Entry("mark", _mark_words(kind, lanes), mark=kind)
    if any(lane.restarts for lane in lanes):
        yield _Entry("restart", "restart, numbered")
    if any(lane.hooks for lane in lanes):
        yield _Entry("hook", "hook")
    if any(what.windows for what in shown if isinstance(what, PodPicture)):
        yield _Entry("grace", "grace period")
    if any(own_windows(lane, what.windows) for what in shown if isinstance(what, PodPicture) for lane in what.lanes):
        yield _Entry("window", "grace of one container")
    if any(what.conditions for what in shown):
        yield _Entry("condition", "condition True")
    if do_differ:
        yield _Entry("difference", "differs")


def _mark_words(kind: MarkKind, lanes: Sequence[Lane]) -> str:
    """Signals other than SIGTERM and SIGKILL by their names."""
    if kind is not MarkKind.SIGNAL:
        return kind.value
    return ", ".join(dict.fromkeys(mark.label for lane in lanes for mark in lane.marks if mark.kind is kind))


def _swatch(sheet: Sheet, theme: Theme, entry: _Entry, x: float, y: float) -> None:
    middle = x + _SWATCH / 2
    match entry.kind:
        case "look" if entry.look is not None:
            _look(sheet, theme, entry.look, x, y)
        case "mark" if entry.mark is not None:
            shape, size = SHAPES[entry.mark]
            size = size + 1 if entry.mark in PROBES else size
            hollow = entry.mark in HOLLOW
            sheet.glyphs.append(Glyph(middle, y, shape, theme.marks[entry.mark], size, theme.paper, hollow=hollow))
        case "restart":
            sheet.write(Text(middle, y, "↻1", _SIZE, theme.ink, "center", bold=True), pad=0.0)
        case "hook":
            sheet.boxes.append(Box(x, y - 0.05, _SWATCH, 0.1, theme.hook))
        case "grace":
            sheet.boxes.append(Box(x, y - 0.07, _SWATCH, 0.14, theme.grace))
            end = x + _SWATCH
            sheet.lines.append(Line(((end, y - 0.07), (end, y + 0.07)), theme.grace_line, 1.0, (4.0, 2.5)))
        case "window":
            sheet.lines.append(Line(((x, y), (x + _SWATCH, y)), theme.grace_line, 1.2))
            sheet.lines.append(Line(((x + _SWATCH, y - 0.05), (x + _SWATCH, y + 0.03)), theme.grace_line, 1.6))
        case "condition":
            sheet.boxes.append(Box(x, y - 0.045, _SWATCH, 0.09, theme.condition_true, theme.condition_true))
        case "difference":
            sheet.boxes.append(Box(x, y - 0.07, _SWATCH, 0.14, theme.difference_wash))
            sheet.lines.append(Line(((x, y + 0.07), (x + _SWATCH, y + 0.07)), theme.difference, 1.8))


def _look(sheet: Sheet, theme: Theme, look: Look, x: float, y: float) -> None:
    fill = theme.fills[look]
    height = 0.15 * (fill.height if look not in ENDED else 0.3)
    top = y + 0.075 - height if look in ENDED else y - height / 2
    sheet.boxes.append(Box(x, top, _SWATCH, height, fill.face, "", fill.pattern, fill.pattern_colour))
    if look in ENDED:
        sheet.boxes.append(Box(x, y - 0.075, 0.022, 0.15, fill.face))
