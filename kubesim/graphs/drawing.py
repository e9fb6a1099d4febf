"""Any small graph as DOT, as SVG without another program, or as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from itertools import pairwise
from typing import Any, Final

import networkx as nx

_CHARACTER: Final = 7.0
_ROW: Final = 74
_GAP: Final = 34
_LINE: Final = 16
_MARGIN: Final = 24
_WRAP: Final = 26
_TITLE: Final = 90


@dataclass(frozen=True, slots=True)
class Node:
    """How a node is shown: its words, its column (empty: none), whether it stands out."""

    words: str
    column: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """How an edge is shown."""

    source: int
    target: int
    words: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph ready to be drawn; edges name nodes by their places. ``rows``: nodes stay in order, one in each row."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    rows: bool = False
    columns: tuple[str, ...] = field(default=())


def drawing(
    graph: nx.DiGraph[Any],
    title: str,
    words: Callable[[Any], str],
    *,
    column: Callable[[Any], str] = lambda node: "",
    order: Callable[[Any], Any] | None = None,
    strong: Iterable[Any] = (),
    rows: bool = False,
) -> Drawing:
    """The drawing of a graph. ``strong`` are nodes that stand out, with the edges between two neighbours."""
    nodes = sorted(graph.nodes, key=order) if order else list(graph.nodes)
    places = {node: place for place, node in enumerate(nodes)}
    path = list(strong)
    pairs = set(pairwise(path))
    shown = tuple(Node(words(node), column(node), node in path) for node in nodes)
    edges = tuple(
        Edge(places[source], places[target], str(values.get("because", "")), (source, target) in pairs)
        for source, target, values in graph.edges(data=True)
    )
    return Drawing(title, shown, edges, rows, tuple(dict.fromkeys(node.column for node in shown)))


def dot(shown: Drawing) -> str:
    """The graph in Graphviz' language; columns become clusters."""
    lines = [f"digraph {_quoted(shown.title)} {{", "  rankdir=TB;", '  node [shape=box, fontname="sans-serif"];']
    for number, column in enumerate(shown.columns):
        inside = [f"n{place} [{_looks(node)}];" for place, node in enumerate(shown.nodes) if node.column == column]
        if column:
            lines.append(f"  subgraph cluster_{number} {{ label={_quoted(column)}; color=gray;")
            lines += [f"    {line}" for line in inside] + ["  }"]
        else:
            lines += [f"  {line}" for line in inside]
    for edge in shown.edges:
        look = ", penwidth=2.2" if edge.strong else ""
        lines.append(f"  n{edge.source} -> n{edge.target} [label={_quoted(edge.words)}{look}];")
    return "\n".join([*lines, "}"]) + "\n"


def _looks(node: Node) -> str:
    return f"label={_quoted(node.words)}" + (", penwidth=2.2, style=bold" if node.strong else "")


def _quoted(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def text(shown: Drawing) -> str:
    """Each node with what leads to it."""
    lines = [shown.title]
    for place, node in enumerate(shown.nodes):
        lines.append(("* " if node.strong else "  ") + node.words.replace("\n", " "))
        for edge in shown.edges:
            if edge.target == place:
                because = f" ({edge.words})" if edge.words else ""
                lines.append(f"      after {shown.nodes[edge.source].words.replace(chr(10), ' ')}{because}")
    return "\n".join(lines) + "\n"


# -- SVG ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]


def svg(shown: Drawing) -> str:
    """The graph as SVG: in rows of time and columns, or in layers so that edges point down where they can."""
    boxes = _in_rows(shown) if shown.rows else _in_layers(shown)
    title = textwrap.wrap(shown.title, _TITLE) or [""]
    drop = (len(title) - 1) * 20
    boxes = [replace(box, y=box.y + drop) for box in boxes]
    widest = max(len(line) for line in title) * 9.0 + _MARGIN
    width = max([widest, *(box.x + box.width for box in boxes)]) + _MARGIN + 36
    height = max((box.y + box.height for box in boxes), default=60) + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="DejaVu Sans, sans-serif" font-size="12">',
        f"<title>{escape(shown.title)}</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8Z" fill="context-stroke"/></marker></defs>',
        *(
            f'<text x="{_MARGIN}" y="{_MARGIN + row * 20}" font-size="15" font-weight="bold">{escape(line)}</text>'
            for row, line in enumerate(title)
        ),
    ]
    for edge in sorted(shown.edges, key=lambda one: one.strong):
        parts.append(_edge(edge, boxes[edge.source], boxes[edge.target]))
    parts += [_node(node, box) for node, box in zip(shown.nodes, boxes, strict=True)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _node(node: Node, box: _Box) -> str:
    colour, width = ("#b3123f", 2.2) if node.strong else ("#8b98a5", 1.0)
    lines = "".join(
        f'<text x="{box.x + 8:.0f}" y="{box.y + 8 + _LINE * (row + 0.75):.1f}" fill="#1b1f24">{escape(line)}</text>'
        for row, line in enumerate(box.lines)
    )
    return (
        f'<rect x="{box.x:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" height="{box.height:.0f}" rx="6" '
        f'fill="#f7f8fa" stroke="{colour}" stroke-width="{width}"/>{lines}'
    )


def _edge(edge: Edge, source: _Box, target: _Box) -> str:
    colour, width = ("#b3123f", 2.0) if edge.strong else ("#aab3bd", 1.0)
    x1, y1 = source.x + source.width / 2, source.y + source.height
    x2, y2 = target.x + target.width / 2, target.y
    if y2 >= y1:
        bend = max((y2 - y1) * 0.5, 12)
        path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"
    else:
        right, back = max(source.x + source.width, target.x + target.width) + 36, target.y + target.height / 2
        path = (
            f"M{source.x + source.width:.0f} {source.y + source.height / 2:.0f}C{right:.0f} {source.y:.0f} "
            f"{right:.0f} {back:.0f} {target.x + target.width:.0f} {back:.0f}"
        )
    title = f"<title>{escape(edge.words)}</title>" if edge.words else ""
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" marker-end="url(#tip)">{title}</path>'
    )


def _sized(words: str) -> tuple[tuple[str, ...], float, float]:
    lines: list[str] = []
    for paragraph in words.split("\n"):
        lines.append("")
        for word in paragraph.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and len(longer) > _WRAP:
                lines.append(word)
            else:
                lines[-1] = longer
    width = max(len(line) for line in lines) * _CHARACTER + 20
    return tuple(lines), width, _LINE * len(lines) + 14


def _in_rows(shown: Drawing) -> list[_Box]:
    """One node a row, from top to bottom as they are; each column to the right of the one before."""
    sizes = [_sized(node.words) for node in shown.nodes]
    lefts, left = {}, float(_MARGIN)
    for column in shown.columns:
        lefts[column] = left
        left += max(size[1] for size, node in zip(sizes, shown.nodes, strict=True) if node.column == column) + _GAP
    boxes, top = [], float(_MARGIN + 22)
    for (lines, width, height), node in zip(sizes, shown.nodes, strict=True):
        boxes.append(_Box(lefts[node.column], top, width, height, lines))
        top += height + 12
    return boxes


def _in_layers(shown: Drawing) -> list[_Box]:
    """Nodes in layers by their distance from the beginning; a cycle is taken as one step."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(shown.nodes)))
    graph.add_edges_from((edge.source, edge.target) for edge in shown.edges)
    layer = _layers(graph)
    rows: dict[int, list[int]] = {}
    for place in range(len(shown.nodes)):
        rows.setdefault(layer[place], []).append(place)
    sizes = [_sized(node.words) for node in shown.nodes]
    boxes: dict[int, _Box] = {}
    for number in sorted(rows):
        left = float(_MARGIN)
        for place in sorted(rows[number], key=lambda node: _middle(graph, node, boxes)):
            lines, width, height = sizes[place]
            boxes[place] = _Box(left, _MARGIN + 22 + number * _ROW, width, height, lines)
            left += width + _GAP
    return [boxes[place] for place in range(len(shown.nodes))]


def _layers(graph: nx.DiGraph[int]) -> Mapping[int, int]:
    """The layer of each node: inside a cycle one after another, else one below the lowest of what leads there."""
    parts: nx.DiGraph[int] = nx.condensation(graph)
    depth: dict[int, int] = {}
    found: dict[int, int] = {}
    for part in nx.topological_sort(parts):
        top = max((depth[before] for before in parts.predecessors(part)), default=-1) + 1
        members = sorted(parts.nodes[part]["members"])
        for number, node in enumerate(members):
            found[node] = top + number
        depth[part] = top + len(members) - 1
    return found


def _middle(graph: nx.DiGraph[int], node: int, boxes: Mapping[int, _Box]) -> tuple[float, int]:
    before: Sequence[float] = [
        boxes[other].x + boxes[other].width / 2 for other in graph.predecessors(node) if other in boxes
    ]
    return (sum(before) / len(before) if before else 0.0, node)
