"""How a notebook shows a run: its picture, what ``kubectl get`` prints at the end, and what was taken for granted."""

from __future__ import annotations

import html
import io
from typing import Final

from kubesim.history.history import History
from kubesim.timelines.lanes import picture
from kubesim.timelines.plot import draw, write
from kubesim.timelines.tables import jobs_table, pods_table

LANES: Final = 60
"""A run with more containers (or Pods of Jobs) is told in words: nobody could read its picture in a notebook."""

_ROWS: Final = 30


def as_html(history: History) -> str:
    """A run as a piece of HTML without scripts, to stand in a notebook."""
    parts = [f"<div>{_picture(history)}</div>"]
    parts += [f"<pre>{_lines(lines)}</pre>" for lines in (jobs_table(history), pods_table(history)) if lines]
    notes = [f"{note.subject}: {note.text}" for note in history.assumptions]
    notes += [f"not modelled: {note.subject} {note.field}: {note.text}" for note in history.not_modelled]
    if notes:
        parts.append(f"<ul>{''.join(f'<li>{html.escape(note)}</li>' for note in notes)}</ul>")
    return "".join(parts)


def _picture(history: History) -> str:
    shown = picture(history)
    lanes = sum(len(job.lanes) for job in shown.jobs) + sum(len(pod.lanes) for pod in shown.pods)
    if lanes > LANES:
        said = f"{shown.title} on {shown.label}: {len(shown.pods)} Pods, too many to be drawn here"
        return f"<p>{html.escape(said)}</p>"
    target = io.BytesIO()
    write(draw([shown]), target, "svg")
    return _without_prologue(target.getvalue().decode())


def _without_prologue(svg: str) -> str:
    """The element alone: HTML knows neither XML declarations nor document types of its parts."""
    return svg[svg.index("<svg") :]


def _lines(lines: list[str]) -> str:
    shown = lines if len(lines) <= _ROWS else [*lines[:_ROWS], f"… and {len(lines) - _ROWS} more"]
    return html.escape("\n".join(shown))
