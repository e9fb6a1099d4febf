"""The picture of a sweep: each measure against the first parameter, with confidence intervals; or its distribution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kubesim.errors import KubesimError
from kubesim.exploration.sweep import SweepHeader
from kubesim.exploration.sweep_summary import Summaries, Summary, summarise
from kubesim.units import parse_duration, to_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS: Final = (".png", ".svg", ".pdf")
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's palette: told apart by colour-blind readers."""


class PlotError(KubesimError):
    """A picture that cannot be drawn."""


def check_format(path: Path) -> None:
    """Raises PlotError for a name that ends in no format, before hours of work."""
    if path.suffix not in FORMATS:
        raise PlotError(f"{path.name}: a sweep is drawn to files that end in {', '.join(FORMATS)}")


def draw(path: Path, header: SweepHeader, rows: Iterable[Mapping[str, Any]]) -> None:
    """Draw a panel for each measure whose values are numbers or yes and no. Raises PlotError if there is none."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kept = [row for row in rows if "error" not in row]
    found = summarise(header, kept)
    drawn = [name for name in header.measures if any(_is_drawn(one) for one in found.summaries if one.measure == name)]
    if not drawn:
        raise PlotError(f"nothing to draw: {', '.join(header.measures)} gave no numbers")
    figure = Figure(figsize=(6.4, 0.6 + 2.9 * len(drawn)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{header.scenario}: {len(kept)} runs", fontsize=11)
    panels = figure.subplots(len(drawn), 1, squeeze=False)[:, 0]
    for axes, name in zip(panels, drawn, strict=True):
        if header.design == "grid" and header.set:
            _against_parameter(axes, found, name)
        elif header.set:
            _scatter(axes, header, kept, name)
        else:
            _distribution(axes, kept, name)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
    figure.savefig(path, dpi=150)


def _is_drawn(one: Summary) -> bool:
    return one.share is not None or one.mean is not None


def _against_parameter(axes: Axes, found: Summaries, name: str) -> None:
    """One line for each combination of the other parameters and the release."""
    chosen = [one for one in found.summaries if one.measure == name and _is_drawn(one)]
    texts = list(dict.fromkeys(one.variant[0] for one in found.summaries))
    places = _places(texts)
    lines: dict[tuple[Any, ...], list[Summary]] = {}
    for one in chosen:
        lines.setdefault(one.variant[1:], []).append(one)
    for number, (rest, points) in enumerate(lines.items()):
        estimates = [one.share or one.mean for one in points]
        scale = 100.0 if points[0].share is not None else 1.0
        known = [(one, estimate) for one, estimate in zip(points, estimates, strict=True) if estimate is not None]
        x = [places[one.variant[0]] for one, _ in known]
        y = [scale * estimate.value for _, estimate in known]
        below = [scale * max(estimate.value - max(estimate.low, -1e300), 0) for _, estimate in known]
        above = [scale * max(min(estimate.high, 1e300) - estimate.value, 0) for _, estimate in known]
        bars = [
            [min(end, 1e6) if one.rows > 1 else 0.0 for end, (one, _) in zip(ends, known, strict=True)]
            for ends in (below, above)
        ]
        colour = _COLOURS[number % len(_COLOURS)]
        axes.errorbar(
            x, y, yerr=bars, marker="o", markersize=4, capsize=3, color=colour, label=_label(found, rest, lines)
        )
    if places != {text: _number(text) for text in texts}:
        axes.set_xticks(range(len(texts)), [text if len(text) < 20 else text[:18] + "…" for text in texts])
    axes.set_xlabel(found.names[0], fontsize=9)
    axes.set_ylabel(name + (" (%)" if chosen[0].share is not None else ""), fontsize=9)
    if len(lines) > 1:
        axes.legend(fontsize=8, frameon=False)


def _label(found: Summaries, rest: tuple[Any, ...], lines: Mapping[tuple[Any, ...], Any]) -> str:
    parts = [
        f"{name}={value}" if name != "release" else value
        for place, (name, value) in enumerate(zip(found.names[1:], rest, strict=True))
        if len({other[place] for other in lines}) > 1
    ]
    return ", ".join(parts)


def _places(texts: Sequence[str]) -> dict[str, float]:
    """Where each value of a parameter stands: at its number or length of time, or one after another."""
    numbers = {text: _number(text) for text in texts}
    if all(number is not None for number in numbers.values()):
        return {text: number for text, number in numbers.items() if number is not None}
    return {text: float(place) for place, text in enumerate(texts)}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return to_seconds(parse_duration(text))
    except ValueError:
        return None


def _scatter(axes: Axes, header: SweepHeader, rows: Sequence[Mapping[str, Any]], name: str) -> None:
    parameter = next(iter(header.set))
    pairs = [(_number(str(row[parameter])), row[name]) for row in rows if row.get(name) is not None]
    known = [(x, float(y)) for x, y in pairs if x is not None and isinstance(y, bool | int | float)]
    axes.scatter([x for x, _ in known], [y for _, y in known], s=8, color=_COLOURS[0], alpha=0.5, linewidths=0)
    axes.set_xlabel(parameter, fontsize=9)
    axes.set_ylabel(name, fontsize=9)


def _distribution(axes: Axes, rows: Sequence[Mapping[str, Any]], name: str) -> None:
    """The share of runs up to each value, a curve for each release."""
    releases = list(dict.fromkeys(str(row["release"]) for row in rows))
    for number, release in enumerate(releases):
        values = sorted(float(row[name]) for row in rows if row["release"] == release and row.get(name) is not None)
        if values:
            shares = [100.0 * (place + 1) / len(values) for place in range(len(values))]
            axes.step(values, shares, where="post", color=_COLOURS[number % len(_COLOURS)], label=release)
    axes.set_xlabel(name, fontsize=9)
    axes.set_ylabel("runs up to it (%)", fontsize=9)
    if len(releases) > 1:
        axes.legend(fontsize=8, frameon=False)
