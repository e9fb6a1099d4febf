"""What kubectl would have printed on stderr: warnings, and refusals with the name of the file that they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubesim.history.history import History
from kubesim.history.records import ActionDone
from kubesim.scenario.load import Scenario

_STDIN: Final = '"STDIN"'
"""In a history every manifest comes from standard input, as in the recordings."""


def said_by_kubectl(scenario: Scenario, history: History) -> Iterator[tuple[ActionDone, list[str]]]:
    """Each action that kubectl had something to say about, with its lines."""
    created = iter(scenario.objects)
    for action in history.of(ActionDone):
        document = next(created, None) if action.do.startswith("create ") else None
        said = [f"Warning: {warning}" for warning in action.warnings]
        if action.code >= 400 and action.kubectl:
            path = document.source.path if document is not None else "STDIN"
            said.append(action.kubectl.replace(_STDIN, f'"{path}"', 1))
        if said:
            yield action, said
