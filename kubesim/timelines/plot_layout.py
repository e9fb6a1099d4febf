"""Where everything of a picture goes: panels, bands, lanes, the time axis and the legend, in inches.

Every text is placed where it overlaps no other, or shortened, or left out; what must be said is placed first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kubesim.errors import KubesimError
from kubesim.timelines.lanes import instants
from kubesim.timelines.lanes_differences import LaneName, Stretch, differences
from kubesim.timelines.lanes_model import JobPicture, MomentKind, Picture, PodPicture, Refusal
from kubesim.timelines.plot_legend import draw_legend
from kubesim.timelines.plot_moments import finish, moment_rows
from kubesim.timelines.plot_panels import Panel, draw_job, draw_pod, role_of
from kubesim.timelines.plot_scale import TimeScale, ticks, time_scale
from kubesim.timelines.plot_shapes import Box, Line, Measure, Room, Sheet, Text
from kubesim.timelines.plot_style import Theme
from kubesim.units import SECOND, Duration

WIDTH: Final = 11.0
MARGIN: Final = 0.3
_NAMES_WIDEST: Final = 2.6
_NAME_SIZE: Final = 9.0
_ROLE_SIZE: Final = 7.5
_SMALLEST_TICK: Final = 0.62
_SENTENCES: Final = 4
"""How many of the sentences about differences the heading has."""

MOST_LANES: Final = 2000
VIEWS: Final = ("auto", "pods", "jobs")


@dataclass(frozen=True, slots=True)
class _Shown:
    """One panel to draw: a Pod or a Job of one of the runs."""

    run: int
    what: PodPicture | JobPicture
    differences: dict[str, tuple[Stretch, ...]]


@dataclass(frozen=True, slots=True)
class _Refused:
    """In place of a panel: what one of the runs did not get past the API server."""

    run: int
    what: Refusal


def lay_out(
    pictures: Sequence[Picture],
    theme: Theme,
    measure: Measure,
    *,
    width: float = WIDTH,
    view: str = "auto",
    said: Sequence[str] = (),
) -> Sheet:
    """The whole picture of one run, or of several stacked on one time axis, with what is ``said`` in its heading."""
    sheet = Sheet(width, measure)
    shown = _chosen(pictures, view)
    lanes = sum(len(panel.what.lanes) for panel in shown)
    if lanes > MOST_LANES:
        raise KubesimError(
            f"{lanes} lanes are too many for a picture, which holds {MOST_LANES}: show --view jobs, or less of the run"
        )
    scale = time_scale(
        sorted({at for run, picture in enumerate(pictures) for at in instants(picture, _pods(shown, run))})
    )
    left = MARGIN + _label_width(sheet, shown)
    right = width - MARGIN - 0.5
    y = _heading(sheet, theme, pictures, MARGIN, said, do_differ=any(panel.differences for panel in shown))
    first = y
    refused = [_Refused(run, refusal) for run, picture in enumerate(pictures) for refusal in picture.refusals]
    for panel in _in_order(shown, refused):
        picture = pictures[panel.run]
        if isinstance(panel, _Refused):
            y = _refusal(sheet, theme, picture, panel.what, y, several=len(pictures) > 1)
        else:
            y = _panel(sheet, theme, picture, panel, scale, (left, right, y), several=len(pictures) > 1)
    if not shown:
        sheet.height = y + MARGIN * 0.6
        return sheet
    _axis(sheet, theme, scale, (left, right), first, y)
    whats, do_differ = [panel.what for panel in shown], any(panel.differences for panel in shown)
    y = draw_legend(sheet, theme, whats, do_differ, MARGIN, width - MARGIN, y + 0.42)
    sheet.height = y + MARGIN * 0.6
    return sheet


def _chosen(pictures: Sequence[Picture], view: str) -> list[_Shown]:
    """The panels. ``auto``: Jobs with their Pods as lanes, and the containers of Pods that are not in such a lane."""
    found = []
    different = differences(pictures)
    for run, picture in enumerate(pictures):
        if view in ("auto", "jobs"):
            found += [_Shown(run, job, _of(different[run], job)) for job in picture.jobs]
        if view in ("auto", "pods"):
            pods = [pod for pod in picture.pods if view == "pods" or not pod.job or _is_alone(pod, picture)]
            found += [_Shown(run, pod, _of(different[run], pod)) for pod in pods]
    return found


def _pods(shown: Sequence[_Shown], run: int) -> list[PodPicture]:
    """The Pods of a run that have panels of their own."""
    return [one.what for one in shown if one.run == run and isinstance(one.what, PodPicture)]


def _is_alone(pod: PodPicture, picture: Picture) -> bool:
    return sum(1 for other in picture.pods if other.job == pod.job and other.namespace == pod.namespace) == 1


def _of(
    different: dict[LaneName, tuple[Stretch, ...]], what: PodPicture | JobPicture
) -> dict[str, tuple[Stretch, ...]]:
    return {name: stretches for (space, owner, name), stretches in different.items() if (space, owner) == _key(what)}


def _key(what: PodPicture | JobPicture) -> tuple[str, str]:
    return what.namespace, what.name


def _in_order(shown: Sequence[_Shown], refused: Sequence[_Refused]) -> list[_Shown | _Refused]:
    """The same object of each run below each other: they are there to be compared. What was refused comes early."""
    order = list(dict.fromkeys((isinstance(one.what, PodPicture), *_key(one.what)) for one in shown))

    def place(one: _Shown | _Refused) -> tuple[int, int]:
        if isinstance(one, _Refused):
            return 0, one.run
        return order.index((isinstance(one.what, PodPicture), *_key(one.what))), one.run

    return sorted([*refused, *shown], key=place)


def _label_width(sheet: Sheet, shown: Sequence[_Shown]) -> float:
    lanes = [lane for panel in shown for lane in panel.what.lanes]
    widest = max((sheet.measure(lane.name, _NAME_SIZE, False) for lane in lanes), default=0.5)
    roles = max((sheet.measure(role_of(lane), _ROLE_SIZE, False) for lane in lanes), default=0.0)
    return min(max(widest, 1.15), _NAMES_WIDEST) + max(roles, 0.5) + 0.28


def _heading(
    sheet: Sheet, theme: Theme, pictures: Sequence[Picture], y: float, said: Sequence[str], *, do_differ: bool
) -> float:
    """Title, what it is about, and on what; the y below."""
    room = sheet.width - 2 * MARGIN
    title = pictures[0].title if pictures else ""
    sheet.write(Text(MARGIN, y + 0.12, sheet.shortened(title, 15, room, True), 15, theme.ink, bold=True))
    y += 0.34
    about = next((picture.about for picture in pictures if picture.about), "")
    for line in sheet.wrapped(about, 9.5, room)[:3]:
        sheet.write(Text(MARGIN, y + 0.06, line, 9.5, theme.faint_ink))
        y += 0.18
    colour = theme.difference if do_differ else theme.faint_ink
    for sentence in said[:_SENTENCES]:
        for line in sheet.wrapped(sentence, 9.5, room)[:3]:
            sheet.write(Text(MARGIN, y + 0.08, line, 9.5, colour))
            y += 0.18
    return y + 0.1


def _panel(
    sheet: Sheet,
    theme: Theme,
    picture: Picture,
    shown: _Shown,
    scale: TimeScale,
    place: tuple[float, float, float],
    *,
    several: bool,
) -> float:
    left, right, y = place
    what = shown.what
    kind = "Pod" if isinstance(what, PodPicture) else "Job"
    where = f" on {what.node}" if isinstance(what, PodPicture) and what.node else ""
    y = _title(sheet, theme, picture.label, f"{kind} {what.name}{where}", y, several=several)
    panel = Panel(sheet, theme, scale, MARGIN, left, right, shown.differences)
    y = moment_rows(panel, picture, what, y)
    bottom = draw_pod(panel, what, y) if isinstance(what, PodPicture) else draw_job(panel, what, y)
    finish(panel, picture, what, bottom)
    return bottom + 0.1


def _title(sheet: Sheet, theme: Theme, label: str, words: str, y: float, *, several: bool) -> float:
    """What a panel is about, and of which run; the y below."""
    y += 0.08
    name_x = MARGIN
    if several:
        chip = sheet.shortened(label, 9.5, sheet.width - 2 * MARGIN - 3.0, True)
        width = sheet.measure(chip, 9.5, True) + 0.2
        sheet.boxes.append(Box(MARGIN, y, width, 0.24, theme.ink, round=0.05))
        sheet.write(Text(MARGIN + 0.1, y + 0.12, chip, 9.5, theme.paper, bold=True))
        name_x = MARGIN + width + 0.12
    words += "" if several else f"  ·  {label}"
    room = sheet.width - MARGIN - name_x
    sheet.write(Text(name_x, y + 0.12, sheet.shortened(words, 10.5, room, True), 10.5, theme.ink, bold=True))
    return y + 0.32


def _refusal(sheet: Sheet, theme: Theme, picture: Picture, refusal: Refusal, y: float, *, several: bool) -> float:
    """A panel of one that is not there: what the API server said; the y below."""
    y = _title(sheet, theme, picture.label, f"{refusal.what} refused by the API server", y, several=several)
    for line in sheet.wrapped(refusal.message, 9, sheet.width - 2 * MARGIN)[:4]:
        sheet.write(Text(MARGIN, y + 0.08, line, 9, theme.moments[MomentKind.REFUSED]))
        y += 0.17
    return y + 0.12


def _axis(sheet: Sheet, theme: Theme, scale: TimeScale, sides: tuple[float, float], top: float, y: float) -> None:
    left, right = sides
    width = right - left

    def place(at: Duration) -> float:
        return left + scale.at(at) * width

    for at, label in ticks(scale, _SMALLEST_TICK / width):
        x = place(at)
        if sheet.write(Text(x, y + 0.17, label, 8.5, theme.faint_ink, "center"), pad=0.06):
            sheet.lines.append(Line(((x, y), (x, y + 0.06)), theme.faint_ink, 0.8))
    edges = [left, *(place(at) for piece in scale.breaks for at in (piece.start, piece.end)), right]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        sheet.lines.append(Line(((start, y), (end, y)), theme.faint_ink, 0.9))
    for piece in scale.breaks:
        _break(sheet, theme, (place(piece.start), place(piece.end)), piece.end - piece.start, y)


def _break(sheet: Sheet, theme: Theme, sides: tuple[float, float], length: Duration, y: float) -> None:
    """A compressed stretch on the axis: a zigzag, and how long it really is."""
    start, end = sides
    middle, step, height = (start + end) / 2, 0.07, 0.045
    count = max(int((end - start) / step / 2) * 2, 2)
    step = (end - start) / count
    points = [
        (start + index * step, y + (height if index % 2 else -height) * (0 < index < count))
        for index in range(count + 1)
    ]
    sheet.lines.append(Line(tuple(points), theme.faint_ink, 0.9))
    words = f"{_short(length)}"
    sheet.write(Text(middle, y + 0.17, words, 8, theme.faint_ink, "center", italic=True), pad=0.05)


def _short(length: Duration) -> str:
    """About how long a break lasts: ``(78 s)``, ``(4 min 5 s)``, ``(24 h)``, ``(30 d)``."""
    seconds = round(length / SECOND)
    if seconds < 120:
        return f"({seconds} s)"
    minutes, rest = divmod(seconds, 60)
    if minutes < 120:
        return f"({minutes} min {rest} s)" if rest and minutes < 10 else f"({minutes} min)"
    hours = round(seconds / 3600)
    return f"({hours} h)" if hours < 72 else f"({round(hours / 24)} d)"


def occupied(sheet: Sheet) -> list[Room]:
    """The rooms of all texts, for whoever wants to see that none overlap."""
    return [sheet.room_of(text, 0.0) for text in sheet.texts]
