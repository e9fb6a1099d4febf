"""What kubectl would have printed on stderr: warnings, and refusals with the name of the file that they are about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.objects.yaml import Document, field_text
from kubesim.releases import Release
from kubesim.scenario.load import Scenario
from kubesim.store.misfits import misfits
from kubesim.timelines.rows import api_server

_STDIN: Final = '"STDIN"'
"""In a history every manifest comes from standard input, as in the recordings."""


_MOST_PLACES: Final = 10


def said_by_kubectl(scenario: Scenario, history: History) -> Iterator[tuple[ActionDone, list[str]]]:
    """Each action that kubectl had something to say about, with its lines; below a refusal where it is in the file."""
    created = iter(scenario.objects)
    for action in history.of(ActionDone):
        document = next(created, None) if action.do.startswith("create ") else None
        said = [f"Warning: {warning}" for warning in action.warnings]
        if action.code >= 400 and action.kubectl:
            path = document.source.path if document is not None else "STDIN"
            said.append(action.kubectl.replace(_STDIN, f'"{path}"', 1))
            said += _places(document, action.message, api_server(history.header.control_plane)) if document else ()
        if said:
            yield action, said


def _places(document: Document, message: str, api: Release) -> Iterator[str]:
    """File, line and column of what was refused, and what to write there."""
    for misfit in islice(misfits(document.raw, message, api), _MOST_PLACES):
        line, column = document.position(misfit.path, at_key=misfit.at_key)
        hint = f": {misfit.hint}" if misfit.hint else ""
        yield f"  {document.source.path}:{line}:{column}: {field_text(misfit.path)}{hint}"
