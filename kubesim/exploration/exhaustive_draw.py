"""The graph of states as a picture: choices from left to right, endings at the right, what is broken in red."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kubesim.errors import KubesimError
from kubesim.exploration.exhaustive import Exploration

_COLOURS: Final = {"start": "#333333", "outcome": "#7a5195", "state": "#5b8fb9", "end": "#4c9a5b", "broken": "#c8442f"}
_MOST_LABELS: Final = 120
_FORMATS: Final = (".png", ".svg", ".pdf", ".dot")


def draw_states(exploration: Exploration, path: Path, title: str) -> None:
    """Write the picture, in the format that the name of the file asks for; KubesimError for one there is not."""
    if path.suffix not in _FORMATS:
        raise KubesimError(f'"{path}": a graph is drawn as one of {", ".join(_FORMATS)}')
    if path.suffix == ".dot":
        path.write_text(_dot(exploration, title), encoding="utf-8")
        return
    import matplotlib
    import networkx as nx

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    graph = exploration.graph
    positions, tallest = _layout(exploration)
    figure, axes = pyplot.subplots(figsize=(14, max(4.0, min(0.22 * tallest + 1.5, 60.0))))
    colours = [_COLOURS[data["kind"]] for _, data in graph.nodes(data=True)]
    nx.draw_networkx_edges(graph, positions, ax=axes, arrows=False, edge_color="#bbbbbb", width=0.8)
    nx.draw_networkx_nodes(graph, positions, ax=axes, node_size=28, node_color=colours)
    for node, data in graph.nodes(data=True):
        x, y = positions[node]
        if data["kind"] in ("end", "broken"):
            axes.text(x + 0.04, y, data["label"], fontsize=7, va="center", ha="left")
        elif data["kind"] == "outcome" and tallest <= _MOST_LABELS:
            axes.text(x - 0.04, y, data["label"], fontsize=6, va="center", ha="right", backgroundcolor="white")
    axes.set_title(title, fontsize=10, loc="left")
    axes.margins(x=0.3, y=0.03)
    axes.set_axis_off()
    words = {"outcome": "outcome chosen", "state": "tie decided", "end": "end", "broken": "end that breaks something"}
    marks = [Line2D([], [], marker="o", ls="", color=_COLOURS[kind], label=word) for kind, word in words.items()]
    axes.legend(handles=marks, loc="upper left", bbox_to_anchor=(0, 0), ncol=4, frameon=False, fontsize=8)
    figure.savefig(path, bbox_inches="tight", dpi=110)
    pyplot.close(figure)


def _layout(exploration: Exploration) -> tuple[dict[str, tuple[float, float]], int]:
    """Layers from left to right, each in the order of what it comes from; and the size of the largest."""
    graph = exploration.graph
    layers: dict[int, list[str]] = {}
    for node, data in graph.nodes(data=True):
        layers.setdefault(data["layer"], []).append(node)
    tallest = max(map(len, layers.values()))
    found: dict[str, tuple[float, float]] = {}
    for x, layer in enumerate(sorted(layers)):
        origin = {
            node: sum(found[one][1] for one in graph.predecessors(node) if one in found) / max(graph.in_degree(node), 1)
            for node in layers[layer]
        }
        ordered = sorted(layers[layer], key=lambda node: origin[node])
        step = 1.0 / len(ordered)
        found |= {node: (float(x), (place + 0.5) * step) for place, node in enumerate(ordered)}
    return found, tallest


def _dot(exploration: Exploration, title: str) -> str:
    numbers = {node: number for number, node in enumerate(exploration.graph)}
    lines = ["digraph states {", f'  label="{_quoted(title)}"; rankdir=LR; node [shape=box, fontsize=9];']
    for node, data in exploration.graph.nodes(data=True):
        shape = f'color="{_COLOURS[data["kind"]]}"'
        lines.append(f'  n{numbers[node]} [label="{_quoted(data.get("label", "start"))}", {shape}];')
    for tail, head, data in exploration.graph.edges(data=True):
        lines.append(f'  n{numbers[tail]} -> n{numbers[head]} [label="{_quoted(data["label"])}", fontsize=7];')
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
