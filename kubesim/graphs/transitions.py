"""The tables of moves as graphs: states and the moves between them, for pictures and for questions about reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeVar

import networkx as nx

S = TypeVar("S", bound=Enum)


def transitions(moves: Mapping[S, Iterable[S]]) -> nx.DiGraph[S]:
    """The graph of a table of moves; every state of the table is a node, also one without moves."""
    graph: nx.DiGraph[S] = nx.DiGraph()
    graph.add_nodes_from(moves)
    graph.add_edges_from((state, to) for state, targets in moves.items() for to in _in_order(targets))
    return graph


def final_states(graph: nx.DiGraph[S]) -> tuple[S, ...]:
    """The states that nothing leaves."""
    return tuple(state for state in graph if graph.out_degree(state) == 0)


def first_states(graph: nx.DiGraph[S]) -> tuple[S, ...]:
    """The states that nothing leads to."""
    return tuple(state for state in graph if graph.in_degree(state) == 0)


def _in_order(targets: Iterable[S]) -> list[S]:
    """Tables hold sets; pictures need one order."""
    return sorted(targets, key=lambda state: [*type(state).__members__].index(state.name))
