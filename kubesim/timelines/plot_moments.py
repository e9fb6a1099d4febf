"""The vertical things of a panel: actions from outside, the end of the grace period, breaks of the time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kubesim.timelines.lanes_model import JobPicture, Moment, MomentKind, Picture, PodPicture
from kubesim.timelines.plot_panels import Panel
from kubesim.timelines.plot_scale import tick_label
from kubesim.timelines.plot_shapes import Box, Line, Room, Text
from kubesim.units import SECOND, Duration

_SIZE: Final = 8.0
_ROW: Final = 0.165
_ROWS: Final = 6
_LINE: Final = 0.012
_DASHES: Final = {MomentKind.REFUSED: (2.0, 2.0), MomentKind.ACTION: (5.0, 2.0)}


@dataclass(frozen=True, slots=True)
class _Upright:
    """A vertical line with its words."""

    at: Duration
    words: str
    colour: str
    width: float
    dashes: tuple[float, ...] = ()
    bold: bool = False
    is_strong: bool = True
    """Words of others rather keep clear of the line."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line whose words stand in a row, counted from the lowest; no row: there was none free."""

    upright: _Upright
    row: int | None
    anchor: str = "left"


def moment_rows(panel: Panel, picture: Picture, what: PodPicture | JobPicture, y: float) -> float:
    """Place the words of all vertical lines in as few rows as they need; the y below."""
    placed = _placed(panel, uprights(panel, picture, what))
    panel.uprights = [panel.x(one.upright.at) for one in placed]
    rows = max((one.row + 1 for one in placed if one.row is not None), default=0)
    for number, one in enumerate(placed):
        panel.lines_from[number] = y + rows * _ROW
        if one.row is None:
            continue
        middle = y + (rows - one.row - 0.5) * _ROW
        panel.lines_from[number] = middle - _ROW / 2
        x = panel.x(one.upright.at) + (0.05 if one.anchor == "left" else -0.05)
        text = Text(x, middle, one.upright.words, _SIZE, one.upright.colour, one.anchor, bold=one.upright.bold)
        panel.sheet.write(text, pad=0.0)
    return y + rows * _ROW + 0.04


def finish(panel: Panel, picture: Picture, what: PodPicture | JobPicture, bottom: float) -> None:
    """Draw the lines down to the bottom, shade the grace period and the breaks."""
    sheet, theme = panel.sheet, panel.theme
    for number, one in enumerate(uprights(panel, picture, what)):
        x = panel.x(one.at)
        top = panel.lines_from[number]
        sheet.lines.append(Line(((x, top), (x, bottom)), one.colour, one.width, one.dashes, layer=5))
    if isinstance(what, PodPicture):
        for window in what.windows:
            start, end = panel.x(window.start), panel.x(window.end)
            sheet.boxes.append(Box(start, panel.lanes_top, end - start, bottom - panel.lanes_top, theme.grace, layer=1))
    for place in panel.torn():
        for x in (place - 0.03, place + 0.03):
            points = tuple(_wave(x, panel.lanes_top, bottom))
            sheet.lines.append(Line(points, theme.paper, 2.2, layer=5))
            sheet.lines.append(Line(points, theme.rule, 0.8, layer=5))


def _wave(x: float, top: float, bottom: float) -> list[tuple[float, float]]:
    """A torn edge from top to bottom."""
    count = max(int((bottom - top) / 0.07), 2)
    step = (bottom - top) / count
    return [(x + (0.018 if index % 2 else -0.018), top + index * step) for index in range(count + 1)]


def uprights(panel: Panel, picture: Picture, what: PodPicture | JobPicture) -> list[_Upright]:
    """The vertical lines of a panel in order of time: what was done to its object, and ends of grace periods."""
    theme = panel.theme
    found = [_of_moment(panel, moment) for moment in picture.moments if is_about(moment, what)]
    if isinstance(what, PodPicture):
        for window in what.windows:
            words = f"grace of {window.seconds} s ends"
            found.append(_Upright(window.end, words, theme.grace_line, 1.0, (4.0, 2.5)))
    return sorted(found, key=lambda one: one.at)


def _of_moment(panel: Panel, moment: Moment) -> _Upright:
    colour = panel.theme.moments[moment.kind]
    is_delete, is_strong = moment.kind is MomentKind.DELETE, moment.kind is not MomentKind.ACTION
    words = _when(moment) if is_delete else moment.label
    return _Upright(
        moment.at, words, colour, 1.4 if is_delete else 0.9, _DASHES.get(moment.kind, ()), is_delete, is_strong
    )


def _when(moment: Moment) -> str:
    """``delete at 10s, grace 5 s``: what was done, the instant, and how."""
    verb, comma, how = moment.label.partition(",")
    return f"{verb} at {tick_label(moment.at // (SECOND // 10) * (SECOND // 10))}{comma}{how}"


def is_about(moment: Moment, what: PodPicture | JobPicture) -> bool:
    """Whether a moment belongs into the panel of a Pod or Job."""
    names = {what.name} | ({lane.name for lane in what.lanes} if isinstance(what, JobPicture) else {what.job})
    return not moment.subject or moment.subject in names


def _placed(panel: Panel, found: list[_Upright]) -> list[_Placed]:
    """A row for each line's words, the strong ones first; the rest get what is left."""
    taken: list[Room] = []
    lines = [(panel.x(one.at), one.is_strong) for one in found]
    rows = min(_ROWS, len(found))
    placed = {}
    for index, one in sorted(enumerate(found), key=lambda pair: not pair[1].is_strong):
        placed[index] = _in_row(panel, one, taken, lines, rows)
    return [placed[index] for index in range(len(found))]


def _in_row(panel: Panel, one: _Upright, taken: list[Room], lines: list[tuple[float, bool]], rows: int) -> _Placed:
    """The lowest row in which neither its words nor its line meet others' words; best where no line crosses."""
    x = panel.x(one.at)
    width = panel.sheet.measure(one.words, _SIZE, one.bold)
    best: tuple[tuple[int, int], int, str, Room, Room] | None = None
    for row in range(rows):
        for anchor in ("left", "right"):
            left = x + 0.05 if anchor == "left" else x - 0.05 - width
            if left < panel.left or left + width > panel.sheet.width - 0.1:
                continue
            words = Room(left - 0.04, -row - 1.0, left + width + 0.04, -row + 0.0)
            line = Room(x - _LINE, -row - 1.0, x + _LINE, 0.0)
            if any(words.meets(other) or line.meets(other) for other in taken):
                continue
            crossing = [is_strong for other, is_strong in lines if other != x and words.left < other < words.right]
            crossed = (sum(crossing), len(crossing))
            if best is None or crossed < best[0]:
                best = (crossed, row, anchor, words, line)
    if best is None:
        return _Placed(one, None)
    taken += best[3:]
    return _Placed(one, best[1], best[2])
