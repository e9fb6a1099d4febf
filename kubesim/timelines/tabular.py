"""Columns as Go's text/tabwriter aligns them: a column is as wide as its widest cell in a run of lines that have it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PADDING = 2
"""Blanks after the widest cell, as kubectl asks for."""


def tabbed(lines: Iterable[str]) -> list[str]:
    """The lines with their tabs turned into blanks.

    A cell ends with a tab; what follows the last tab belongs to no column. A column goes on as long as the next line
    has a cell in it, too. Source: the package documentation of text/tabwriter (elastic tabstops).
    """
    rows = [line.split("\t") for line in lines]
    widths: list[list[int]] = [[0] * (len(row) - 1) for row in rows]
    _measure(rows, widths, 0, len(rows), 0)
    return [
        "".join(cell.ljust(width) for cell, width in zip(row, [*row_widths, 0], strict=True))
        for row, row_widths in zip(rows, widths, strict=True)
    ]


def _measure(rows: Sequence[list[str]], widths: list[list[int]], first: int, last: int, column: int) -> None:
    """Set the widths of a column, and of those to its right, within lines that all have the columns to its left."""
    place = first
    while place < last:
        if len(rows[place]) - 1 <= column:
            place += 1
            continue
        end = place
        while end < last and len(rows[end]) - 1 > column:
            end += 1
        width = max(len(row[column]) for row in rows[place:end]) + PADDING
        for row_widths in widths[place:end]:
            row_widths[column] = width
        _measure(rows, widths, place, end, column + 1)
        place = end
