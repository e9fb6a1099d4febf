"""Putting here-documents into the commands that announced them: they stand in the text after those commands."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from kubesim.scripts.syntax import (
    AndOr,
    Background,
    Case,
    Command,
    CommandSubstitution,
    For,
    Function,
    Group,
    If,
    Literal,
    Loop,
    Parameter,
    Pipeline,
    Redirect,
    Redirected,
    Sequence,
    Simple,
    Subshell,
    Word,
)


def fill_documents(command: Command, documents: dict[int, Word]) -> Command:
    fill = partial(fill_documents, documents=documents)
    match command:
        case Simple(redirects=redirects):
            filled = _fill_redirects(redirects, documents)
            substitutes = command.has_substitution or any(has_substitution(item.target) for item in filled)
            return replace(command, redirects=filled, has_substitution=substitutes)
        case Redirected(command=inner, redirects=redirects):
            return Redirected(fill(inner), _fill_redirects(redirects, documents))
        case Pipeline(commands=commands):
            return replace(command, commands=tuple(map(fill, commands)))
        case AndOr(left=left, right=right):
            return replace(command, left=fill(left), right=fill(right))
        case Background(command=inner):
            return Background(fill(inner))
        case Sequence(items=items):
            return Sequence(tuple(map(fill, items)))
        case Group(body=body) | Subshell(body=body) | Function(body=body) | For(body=body):
            return replace(command, body=fill(body))
        case If(branches=branches, otherwise=otherwise):
            pairs = tuple((fill(condition), fill(body)) for condition, body in branches)
            return If(pairs, fill(otherwise) if otherwise else None)
        case Loop(condition=condition, body=body):
            return replace(command, condition=fill(condition), body=fill(body))
        case Case(arms=arms):
            return replace(command, arms=tuple((words, fill(body) if body else None) for words, body in arms))


def _fill_redirects(redirects: tuple[Redirect, ...], documents: dict[int, Word]) -> tuple[Redirect, ...]:
    return tuple(
        Redirect(item.descriptor, "<<", documents[int(item.operator[2:])])
        if item.operator[:2] == "<<" and item.operator[2:].isdigit()
        else item
        for item in redirects
    )


def has_substitution(word: Word) -> bool:
    for part in word.parts:
        match part:
            case CommandSubstitution():
                return True
            case Parameter(word=Word() as inner) if has_substitution(inner):
                return True
            case _ if (
                not isinstance(part, (Literal, Parameter)) and hasattr(part, "word") and has_substitution(part.word)
            ):
                return True
    return False
