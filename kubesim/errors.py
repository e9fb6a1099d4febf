"""Errors: each names the thing, the value and the way out; subclasses say who must act."""

from __future__ import annotations


class KubesimError(Exception):
    """Base class of everything kubesim raises on purpose."""


class ScenarioError(KubesimError):
    """The user's file or argument is wrong.

    ``path``, ``line`` and ``column`` (both from 1) say where; ``field`` is the path inside the document, such as
    ``spec.actions[0].at``. The message ends with the allowed values or the way out.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
    ) -> None:
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.field = field
        place = ":".join(str(part) for part in (path, line, column) if part is not None)
        parts = [part for part in (place, field, message) if part]
        super().__init__(": ".join(parts))


class ReleaseError(KubesimError):
    """A release, gate or policy that does not exist or cannot be set so."""


class IllegalMove(KubesimError):
    """A state machine was asked for a move outside its table: a bug in kubesim, never in the user's input."""


class OneProcess(UserWarning):
    """A run that was to be shared by several processes was not: the message says why. Its history is the same."""
