"""A comparison as text, sentences first and an aligned table below, and as plain data for machines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kubesim.timelines.compare import Comparison
from kubesim.timelines.compare_facts import Difference, container_in, job_of
from kubesim.timelines.style import PLAIN, Style

_GAP: Final = "  "
_NARROWEST: Final = 16
_WIDEST_ASPECT: Final = 34
_HEADS: Final = ("WHAT", "OF", "")


def compare_text(comparison: Comparison, style: Style = PLAIN) -> str:
    """The sentences and, if anything differs, the table; with a line end."""
    lines = [part for sentence in comparison.summary for part in textwrap.wrap(sentence, style.width)]
    if not comparison.equal:
        lines += ["", *table(comparison, style)]
    return "\n".join(lines) + "\n"


def table(comparison: Comparison, style: Style) -> list[str]:
    """One row for each difference, one column for each side; long values are wrapped in their columns."""
    rows = together(comparison.differences)
    widths = _widths(rows, comparison.columns, style.width)
    found = [style.paint("dim", _row((*_HEADS, *comparison.columns), widths))]
    before = ("", "")
    for one in rows:
        kind = "" if one.kind == before[0] else one.kind
        subject = "" if (one.kind, one.subject) == before else one.subject
        before = (one.kind, one.subject)
        found += _lines(one, kind, subject, widths, style)
    return found


def compare_data(comparison: Comparison, sides: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The comparison as JSON has it; ``sides`` says what each column ran, where that is known."""
    return {
        "equal": comparison.equal,
        "columns": [dict(side) for side in sides] or [{"name": name} for name in comparison.columns],
        "summary": list(comparison.summary),
        "differences": [
            {
                "kind": one.kind,
                "subject": one.subject,
                "aspect": one.aspect,
                "values": dict(zip(comparison.columns, one.values, strict=True)),
            }
            for one in comparison.differences
        ],
    }


def together(differences: Sequence[Difference]) -> list[Difference]:
    """The differences, with one row for all Pods of a Job that differ in the same way."""
    found: dict[tuple[str, ...], list[Difference]] = {}
    for number, one in enumerate(differences):
        job = job_of(one.subject)
        key = (job, container_in(one.subject), one.kind, one.aspect, *one.values) if job else (str(number),)
        found.setdefault(key, []).append(one)
    return [_for_all(same) for same in found.values()]


def _for_all(same: Sequence[Difference]) -> Difference:
    first = same[0]
    if len(same) == 1:
        return first
    container = container_in(first.subject)
    subject = f"{len(same)} Pods of {job_of(first.subject)}" + (f"/{container}" if container else "")
    return Difference(first.kind, subject, first.aspect, first.values)


def _widths(differences: Sequence[Difference], columns: Sequence[str], width: int) -> list[int]:
    """Kind and subject as wide as they are, the aspect up to a limit, the sides share what is left as they need it."""
    kind = max(len(one.kind) for one in differences)
    subject = max(len(one.subject) for one in differences)
    aspect = min(max(len(one.aspect) for one in differences), _WIDEST_ASPECT)
    fixed = [max(kind, 4), max(subject, 2), aspect]
    sides = len(columns)
    wanted = [max(len(columns[side]), *(len(one.values[side]) for one in differences)) for side in range(sides)]
    room = max(width - sum(fixed) - len(_GAP) * (len(fixed) + sides - 1), _NARROWEST * sides)
    return fixed + _shared(wanted, room)


def _shared(wanted: Sequence[int], room: int) -> list[int]:
    """Room for columns: those that need less than their share leave the rest to the others."""
    widths = [0] * len(wanted)
    left, open_columns = room, sorted(range(len(wanted)), key=lambda column: wanted[column])
    while open_columns:
        column = open_columns.pop(0)
        widths[column] = min(wanted[column], left // (len(open_columns) + 1))
        left -= widths[column]
    return widths


def _lines(one: Difference, kind: str, subject: str, widths: Sequence[int], style: Style) -> Iterator[str]:
    cells = [[kind], [subject]] + [
        textwrap.wrap(text, width, break_on_hyphens=False) or [""]
        for text, width in zip((one.aspect, *one.values), widths[2:], strict=True)
    ]
    for number in range(max(map(len, cells))):
        row = _row([cell[number] if number < len(cell) else "" for cell in cells], widths)
        yield row if number or not kind else style.paint("bold", row[: widths[0]]) + row[widths[0] :]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
