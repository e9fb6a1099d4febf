"""The picture of a run, or of several stacked on one time axis, as a matplotlib figure; PNG, SVG and PDF.

matplotlib is used through its objects only, never through pyplot: no global state, no window. The figure has one
axes whose unit is the inch; what is drawn in it is laid out in ``plot_layout``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from kubesim.errors import KubesimError
from kubesim.history.history import History
from kubesim.timelines.compare import what_differs
from kubesim.timelines.lanes import pictures
from kubesim.timelines.lanes_model import Picture
from kubesim.timelines.plot_layout import VIEWS, WIDTH, lay_out
from kubesim.timelines.plot_shapes import Measure, Sheet
from kubesim.timelines.plot_style import THEMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES: Final = (".png", ".svg", ".pdf")
_FONT: Final = "DejaVu Sans"
"""Comes with matplotlib, so that a picture has the same widths wherever it is made."""

_FONTS_OF_SVG: Final = f"'{_FONT}', Verdana, sans-serif"
"""Words in an SVG stay words, to be found and copied; Verdana is as wide, most others are narrower."""

_NEEDLESS: Final = re.compile(
    r"""(?<=<g) id="(?:patch|line2d|text)_\d+"|[ ]clip-path="[^"]*"|[ ]transform="rotate\(-0[^"]*"|^[ ]+""",
    re.MULTILINE,
)
"""What says nothing in our pictures: names of groups, the edge of the whole, turning by nothing, indentation."""

_LONG_NUMBER: Final = re.compile(r"\b([1-9]\d*\.\d\d)\d+")
_SETTINGS: Final[dict[Any, Any]] = {
    "hatch.linewidth": 0.8,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "kubesim",
}
_PICTURE_DPI: Final = 160


def plot(
    histories: History | Sequence[History],
    *,
    theme: str = "light",
    width: float = WIDTH,
    view: str = "auto",
    labels: Sequence[str] = (),
    said: Sequence[str] | None = None,
) -> Figure:
    """The figure of one run, or of several runs; the first is what the others are compared with.

    ``theme`` is light or dark, ``width`` in inches, ``view`` auto, pods (each Pod with its containers) or jobs (each
    Job with its Pods). ``labels`` tell the runs apart, if where they ran does not; ``said`` are sentences for the
    heading, by default those about what differs. Raises KubesimError for another word.
    """
    several = [histories] if isinstance(histories, History) else list(histories)
    sentences = what_differs(several) if said is None else said
    return draw(pictures(several, labels), theme=theme, width=width, view=view, said=sentences)


def draw(
    shown: Sequence[Picture],
    *,
    theme: str = "light",
    width: float = WIDTH,
    view: str = "auto",
    said: Sequence[str] = (),
) -> Figure:
    """The figure of drawing models; ``said`` are sentences for its heading."""
    if theme not in THEMES:
        raise KubesimError(f'theme "{theme}" is unknown; choose one of {", ".join(THEMES)}')
    if view not in VIEWS:
        raise KubesimError(f'view "{view}" is unknown; choose one of {", ".join(VIEWS)}')
    from kubesim.timelines.plot_figure import RunFigure

    sheet = lay_out(shown, THEMES[theme], text_measure(), width=width, view=view, said=said)
    figure = RunFigure(figsize=(sheet.width, sheet.height), facecolor=THEMES[theme].paper)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, sheet.width)
    axes.set_ylim(sheet.height, 0)
    axes.axis("off")
    _draw_boxes(axes, sheet)
    _draw_lines(axes, sheet)
    _draw_glyphs(axes, sheet)
    _draw_texts(axes, sheet)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file; its suffix says the format."""
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise KubesimError(f"{target}: cannot draw {target.suffix or 'this'}; write {', '.join(SUFFIXES)} or .html")
    with open(target, "wb") as file:
        write(figure, file, target.suffix.lower().removeprefix("."))


def write(figure: Figure, file: IO[bytes], form: str) -> None:
    """Write a figure as png, svg or pdf. The same run gives the same bytes."""
    from matplotlib import rc_context

    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    target = io.BytesIO()
    with rc_context(_SETTINGS):
        figure.savefig(target, format=form, dpi=_PICTURE_DPI, facecolor=figure.get_facecolor(), metadata=metadata)
    made = target.getvalue()
    file.write(_slim(made.decode()).encode() if form == "svg" else made)


def _slim(svg: str) -> str:
    """The same picture in half the bytes, and for its words other fonts where the first is missing."""
    svg = svg.replace(f"font-family: '{_FONT}'", f"font-family: {_FONTS_OF_SVG}")
    return _LONG_NUMBER.sub(r"\1", _NEEDLESS.sub("", svg))


def text_measure() -> Measure:
    """How wide a text is in the font of the pictures, in inches."""
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    make: Any = RendererAgg  # matplotlib has no types for it
    renderer = make(100, 100, 288)
    fonts: dict[tuple[float, bool], FontProperties] = {}
    known: dict[tuple[str, float, bool], float] = {}

    def measure(text: str, size: float, bold: bool) -> float:
        key = (text, size, bold)
        if key not in known:
            font = fonts.setdefault(
                (size, bold), FontProperties(family=_FONT, size=size, weight="bold" if bold else "normal")
            )
            known[key] = float(renderer.get_text_width_height_descent(text, font, False)[0]) / 288
        return known[key]

    return measure


def _draw_boxes(axes: Axes, sheet: Sheet) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    for box in sheet.boxes:
        place = (box.x, box.y), box.width, box.height
        if box.pattern:
            axes.add_patch(Rectangle(*place, facecolor=box.face, edgecolor="none", zorder=box.layer))
            axes.add_patch(
                Rectangle(
                    *place,
                    facecolor="none",
                    edgecolor=box.pattern_colour,
                    hatch=box.pattern,
                    linewidth=0,
                    zorder=box.layer + 0.1,
                )
            )
        if box.round:
            style = f"round,pad=0,rounding_size={box.round}"
            axes.add_patch(
                FancyBboxPatch(*place, boxstyle=style, facecolor=box.face, edgecolor="none", zorder=box.layer)
            )
        elif box.edge or not box.pattern:
            axes.add_patch(
                Rectangle(
                    *place,
                    facecolor="none" if box.pattern else box.face or "none",
                    edgecolor=box.edge or "none",
                    linewidth=box.edge_width if box.edge else 0,
                    zorder=box.layer + 0.2,
                )
            )


def _draw_lines(axes: Axes, sheet: Sheet) -> None:
    from matplotlib.lines import Line2D

    for line in sheet.lines:
        axes.add_line(
            Line2D(
                [x for x, _ in line.points],
                [y for _, y in line.points],
                color=line.colour,
                linewidth=line.width,
                linestyle=(0, line.dashes) if line.dashes else "-",
                zorder=line.layer,
                solid_capstyle="butt",
            )
        )


def _draw_glyphs(axes: Axes, sheet: Sheet) -> None:
    from matplotlib.lines import Line2D

    for glyph in sheet.glyphs:
        axes.add_line(
            Line2D(
                [glyph.x],
                [glyph.y],
                marker=glyph.shape,
                markersize=glyph.size,
                markerfacecolor=glyph.edge if glyph.hollow else glyph.colour,
                markeredgecolor=glyph.colour if glyph.hollow else glyph.edge or glyph.colour,
                markeredgewidth=1.1 if glyph.hollow else 0.6,
                linestyle="none",
                zorder=glyph.layer,
            )
        )


def _draw_texts(axes: Axes, sheet: Sheet) -> None:
    for text in sheet.texts:
        axes.text(
            text.x,
            text.y,
            text.text,
            fontsize=text.size,
            color=text.colour,
            ha=text.anchor,
            va="center_baseline",
            fontweight="bold" if text.bold else "normal",
            fontstyle="italic" if text.italic else "normal",
            family=_FONT,
            zorder=text.layer,
            parse_math=False,
        )
