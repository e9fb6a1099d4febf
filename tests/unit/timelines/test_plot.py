"""The figure: texts never overlap, every part of the model is drawn, files are what their names say. No pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kubesim.errors import KubesimError
from kubesim.history.history import History
from kubesim.history.records import ActionDone, Ended
from kubesim.timelines.lanes import picture
from kubesim.timelines.lanes_model import Look, MomentKind
from kubesim.timelines.plot import plot, save, text_measure
from kubesim.timelines.plot_layout import lay_out
from kubesim.timelines.plot_shapes import Line, Room, Sheet, Text
from kubesim.timelines.plot_style import DARK, LIGHT, THEMES
from kubesim.units import SECOND, seconds
from tests.unit.timelines.by_hand import history as one_of_everything
from tests.unit.timelines.lanes_by_hand import changed, crowd, header, job, pod_object, runtime

HISTORIES: Final = Path(__file__).parent / "histories"


def recorded(release: str) -> History:
    return History.read(HISTORIES / f"demo-delete-{release}.jsonl")


CASES: Final[list[tuple[str, Sequence[History], dict[str, Any]]]] = [
    ("thirty containers with long names", [crowd()], {}),
    ("thirty containers, dark and narrow", [crowd()], {"theme": "dark", "width": 7.0}),
    ("thirty containers on two releases", [crowd(), crowd(restarts_every=9, release="1.36")], {}),
    ("a deletion on two releases", [recorded("1.28"), recorded("1.29")], {}),
    ("a deletion, wide", [recorded("1.29")], {"width": 20.0}),
    ("a Job on two releases", [job(), job("1.36", back_off=6)], {}),
    ("a Job with long idle times", [job(back_off=600)], {"view": "jobs"}),
    ("the Pods of a Job", [job()], {"view": "pods"}),
    ("one of everything", [one_of_everything()], {}),
]


def texts(figure: Figure) -> list[tuple[str, Any]]:
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [(text.get_text(), text.get_window_extent(renderer)) for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize(("histories", "options"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_no_text_overlaps_another_or_leaves_the_picture(histories: Sequence[History], options: dict[str, Any]) -> None:
    figure = plot(histories, **options)
    boxes = texts(figure)
    assert len(boxes) > 10
    whole = figure.bbox
    for index, (words, box) in enumerate(boxes):
        assert box.x0 >= -0.5, words
        assert box.x1 <= whole.x1 + 0.5, words
        assert box.y0 >= -0.5, words
        assert box.y1 <= whole.y1 + 0.5, words
        for other_words, other in boxes[index + 1 :]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            down = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 0.5 or down <= 0.5, f"{words!r} overlaps {other_words!r}"


def words_of(figure: Figure) -> list[str]:
    return [words for words, _ in texts(figure)]


def test_what_must_be_said_is_said() -> None:
    said = words_of(plot([recorded("1.28"), recorded("1.29")]))
    for words in (
        "demo-delete",
        "1.28 (SidecarContainers=true)",
        "1.29",
        "delete at 12s",
        "grace of 20 s ends",
        "gone",
    ):
        assert words in said
    assert said.count("proxy") == said.count("app") == 2
    told = "On 1.28 (SidecarContainers=true) all containers get SIGTERM at once"
    assert any(words.startswith(told) for words in said)
    assert "differs" in said


def test_nothing_differs_is_said_too() -> None:
    said = words_of(plot([recorded("1.29"), recorded("1.29")]))
    assert any(words.startswith("Nothing differs") for words in said)
    assert "differs" not in said


def test_what_the_api_server_refused_stands_where_its_panel_would_be() -> None:
    answer = 'Pod "web" is invalid: spec.x: Forbidden: not here'
    refusing = History(
        header("1.28"),
        [ActionDone(at=0, do="create Pod", code=422, message=answer), Ended(at=SECOND, why="settled")],
    )
    said = words_of(plot([refusing, recorded("1.29")]))
    assert said.index("Pod refused by the API server") < said.index(answer) < said.index("Pod demo on node1")
    assert "phase" in said
    assert words_of(plot(refusing))[-1] == answer, "without lanes there is no axis"


def test_words_keep_away_from_where_lanes_are_torn() -> None:
    records = [runtime(1, "web", "app", "start"), runtime(3601, "web", "app", "exit", code=0)]
    records = [changed(0, "Pod", "web", "ADDED", object=pod_object("web", ["app"])), *records]
    shown = picture(History(header(), [*records, Ended(at=seconds(3602), why="until")]))
    sheet = lay_out([shown], LIGHT, text_measure(), width=8)
    tears = [line.points for line in sheet.lines if is_tear(line)]
    assert len(tears) == 2
    assert any(text.text.startswith("running") for text in sheet.texts), "there is room before the tear"
    for points in tears:
        x, top, bottom = points[0][0], points[0][1], points[-1][1]
        for text in sheet.texts:
            assert not sheet.room_of(text, 0).meets(Room(x - 0.01, top, x + 0.01, bottom)), text.text


def test_a_run_with_too_many_lanes_is_refused_with_the_way_out() -> None:
    one = changed(0, "Pod", "web", "ADDED", object=pod_object("web", [f"c{number}" for number in range(2001)]))
    with pytest.raises(KubesimError, match=r"2001 lanes are too many .* --view jobs"):
        lay_out([picture(History(header(), [one, Ended(at=SECOND, why="until")]))], LIGHT, text_measure())


def test_no_line_goes_through_words_beside_a_bar() -> None:
    records = [
        changed(0, "Pod", "web", "ADDED", object=pod_object("web", ["app"])),
        runtime(1, "web", "app", "start"),
        runtime(5.9, "web", "app", "exit", code=0),
        changed(6, "Pod", "web", "DELETED"),
        ActionDone(at=seconds(6.2), do="drain", code=200),
    ]
    sheet = lay_out([picture(History(header(), [*records, Ended(at=seconds(20), why="until")]))], LIGHT, text_measure())
    [ended] = [sheet.room_of(text, 0) for text in sheet.texts if text.text == "exit 0"]
    [line] = [line for line in sheet.lines if line.colour == LIGHT.moments[MomentKind.ACTION]]
    assert ended.left < line.points[0][0] < ended.right
    ground = [box for box in sheet.boxes if box.face == LIGHT.paper and box.layer > line.layer]
    assert any(box.x <= ended.left and ended.right <= box.x + box.width and box.y <= ended.top for box in ground)


def test_the_words_of_a_line_are_put_where_no_other_line_goes_through_them() -> None:
    records = [changed(0, "Pod", "web", "ADDED", object=pod_object("web", ["app"]))]
    done = [ActionDone(at=seconds(at), do=do, code=code) for at, do, code in ((10, "evict", 429), (10.8, "taint", 200))]
    shown = picture(History(header(), [*records, *done, Ended(at=seconds(20), why="until")]))
    said = [text.text for text in lay_out([shown], LIGHT, text_measure()).texts]
    assert "evict: refused" in said
    assert "taint" in said


def is_tear(line: Line) -> bool:
    """A torn edge through the lanes: many points below each other."""
    return len(line.points) > 4 and line.colour == LIGHT.rule


def test_long_names_keep_both_ends() -> None:
    said = words_of(plot(crowd()))
    name = next(words for words in said if words.endswith("07-of-thirty"))
    assert name.startswith("container-with")
    assert "…" in name
    assert sum(words.startswith("container-with") for words in said) == 30


def test_each_span_is_a_box_of_its_look_in_both_themes() -> None:
    shown = picture(recorded("1.29"))
    spans = [span.look for lane in shown.pods[0].lanes for span in lane.spans]
    for theme in (LIGHT, DARK):
        sheet = lay_out([shown], theme, text_measure())
        for look in set(spans):
            fill = theme.fills[look]
            boxes = [box for box in sheet.boxes if box.face == fill.face and box.pattern == fill.pattern]
            assert len(boxes) >= spans.count(look) + 1, f"{look} in {theme.name}: each span and the legend"


def test_signs_stand_for_marks_hooks_and_restarts() -> None:
    sheet = lay_out([picture(crowd())], LIGHT, text_measure())
    shapes = [glyph.shape for glyph in sheet.glyphs]
    assert shapes.count("v") == shapes.count("X") == 30 * 4 + 1
    assert sum(box.face == LIGHT.hook for box in sheet.boxes) == 30 * 4 + 1
    restarts = [text.text for text in sheet.texts if text.text.startswith("↻")]
    assert {restarts.count(f"↻{number}") for number in (2, 3)} == {30}


def test_the_grace_period_is_shaded_to_its_end() -> None:
    sheet = lay_out([picture(recorded("1.29"))], LIGHT, text_measure())
    shade = max((box for box in sheet.boxes if box.face == LIGHT.grace), key=lambda box: box.width)
    ends = [line.points[0][0] for line in sheet.lines if line.colour == LIGHT.grace_line and line.dashes]
    assert any(abs(end - (shade.x + shade.width)) < 1e-6 for end in ends)


def test_a_break_is_drawn_on_the_axis_and_through_the_lanes() -> None:
    sheet = lay_out([picture(job(back_off=600))], LIGHT, text_measure())
    assert any(text.text.startswith("(10 min") for text in sheet.texts)
    assert sum(len(line.points) > 4 and line.colour == LIGHT.rule for line in sheet.lines) >= 2


def test_colours_and_patterns_tell_looks_apart() -> None:
    for theme in THEMES.values():
        assert set(theme.fills) == set(Look)
        assert len({(fill.face, fill.pattern) for fill in theme.fills.values()}) == len(Look)
        for one, other in ((Look.RUNNING, Look.STARTED), (Look.READY, Look.TERMINATING), (Look.WAITING, Look.BACK_OFF)):
            differ_in_pattern = theme.fills[one].pattern != theme.fills[other].pattern
            assert (
                differ_in_pattern
                or abs(_brightness(theme.fills[one].face) - _brightness(theme.fills[other].face)) > 0.1
            )


def _brightness(colour: str) -> float:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize(("suffix", "head"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_files_are_what_their_names_say_and_always_the_same(suffix: str, head: bytes, tmp_path: Path) -> None:
    first, second = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    save(plot(recorded("1.29")), first)
    save(plot(recorded("1.29")), second)
    assert first.read_bytes().startswith(head)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("option", "value"), [("theme", "blue"), ("view", "nodes")])
def test_unknown_words_are_refused_with_the_known_ones(option: str, value: str) -> None:
    with pytest.raises(KubesimError, match="choose one of"):
        plot(job(), **{option: value})


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubesimError, match=r"cannot draw \.gif"):
        save(Figure(), tmp_path / "x.gif")


def test_a_sheet_refuses_a_text_where_another_stands() -> None:
    sheet = Sheet(5.0, lambda text, size, bold: 0.1 * len(text))
    assert sheet.write(Text(1.0, 1.0, "first", 10, "#000000"))
    assert not sheet.write(Text(1.2, 1.02, "second", 10, "#000000"))
    assert not sheet.write(Text(4.8, 2.0, "too far", 10, "#000000"))
    assert sheet.write(Text(1.2, 1.5, "second", 10, "#000000"))
    assert [text.text for text in sheet.texts] == ["first", "second"]
    sheet.reserve(Room(0, 3, 5, 4))
    assert not sheet.write(Text(1.0, 3.5, "kept out", 10, "#000000"))


def test_matplotlib_is_not_imported_for_help() -> None:
    import subprocess
    import sys

    program = "import sys, kubesim.timelines.plot, kubesim.commands.plot; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
