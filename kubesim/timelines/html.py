"""One file of HTML that shows a run, or several of one scenario, and answers why: no network, no library.

The page is a template, a style sheet and a script from ``html_assets`` around the JSON of ``html_data``. The script is
kept in parts, which share one scope.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from kubesim.history.history import History
from kubesim.timelines.html_data import page_data
from kubesim.timelines.names import plain_text, stable_names

PARTS: Final = ("words", "state", "items", "shapes", "panels", "axis", "instant", "why", "moves", "page")
"""The parts of the script; each uses only what stands before it until the last one sets all going."""


def page(
    histories: History | Sequence[History],
    answers: Sequence[Sequence[Any]] = (),
    *,
    labels: Sequence[str] = (),
    said: Sequence[str] | None = None,
) -> str:
    """The whole page. ``answers``: for each run its questions with the steps that answer them, if somebody knows.

    ``labels`` tell the runs apart, if where they ran does not; ``said`` are sentences about what differs.
    """
    several = [histories] if isinstance(histories, History) else list(histories)
    data = page_data(several, labels, said)
    for run, history, answered in zip(data["runs"], several, answers, strict=False):
        run["answers"] = in_plain_names(list(answered), plain_text(stable_names(history)))
    return _filled(
        _asset("page.html"),
        title=html.escape(data["title"] or "kubesim"),
        style=_asset("page.css"),
        script=_script(),
        data=_embedded(data),
    )


def write_page(
    histories: History | Sequence[History],
    path: str | Path,
    answers: Sequence[Sequence[Any]] = (),
    *,
    labels: Sequence[str] = (),
    said: Sequence[str] | None = None,
) -> None:
    """Write the page to a file."""
    Path(path).write_text(page(histories, answers, labels=labels, said=said), encoding="utf-8")


def _script() -> str:
    parts = "\n".join(_asset(f"script/{name}.js") for name in PARTS)
    return f'"use strict";\n(() => {{\n{parts}}})();'


def in_plain_names(value: Any, plain: Callable[[str], str]) -> Any:
    """Lists of lists with each text in them written as the rest of the page writes it."""
    if isinstance(value, str):
        return plain(value)
    return [in_plain_names(one, plain) for one in value] if isinstance(value, list | tuple) else value


def _asset(name: str) -> str:
    return files("kubesim.timelines").joinpath("html_assets", name).read_text(encoding="utf-8")


def _embedded(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in, whatever a container printed."""
    text = msgspec.json.encode(data).decode()
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _filled(template: str, **parts: str) -> str:
    """The template with each ``{{name}}`` replaced, once, so that a part may hold braces."""
    pieces = template.split("{{")
    found = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        found += [parts[name], rest]
    return "".join(found)
