"""Shell patterns (POSIX XCU 2.13): matching, trimming, and the names they stand for."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from kubesim.scripts.filesystem import Directory, Filesystem, absolute

MAGIC: Final = frozenset("*?[")


def escape(text: str) -> str:
    """Text that matches itself in a pattern."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


def unescape(pattern: str) -> str:
    """The text of a pattern that holds no magic, or that matched no name."""
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def is_magic(pattern: str) -> bool:
    """Whether an unescaped ``*``, ``?`` or ``[`` stands in the pattern."""
    return not MAGIC.isdisjoint(re.sub(r"\\.", "", pattern, flags=re.DOTALL))


@lru_cache(maxsize=2048)
def compiled(pattern: str, *, greedy: bool = True) -> re.Pattern[str]:
    """The regular expression of a pattern."""
    position, result = 0, ""
    while position < len(pattern):
        character = pattern[position]
        position += 1
        match character:
            case "*":
                result += ".*" if greedy else ".*?"
            case "?":
                result += "."
            case "[":
                end = _bracket_end(pattern, position)
                if end is None:
                    result += r"\["
                else:
                    result += _bracket(pattern[position:end])
                    position = end + 1
            case "\\" if position < len(pattern):
                result += re.escape(pattern[position])
                position += 1
            case _:
                result += re.escape(character)
    return re.compile(result, re.DOTALL)


def _bracket_end(pattern: str, start: int) -> int | None:
    position = start
    if pattern[position : position + 1] in ("!", "^"):
        position += 1
    if pattern[position : position + 1] == "]":
        position += 1
    while position < len(pattern):
        if pattern.startswith("[:", position):
            close = pattern.find(":]", position)
            position = close + 2 if close >= 0 else position + 1
        elif pattern[position] == "]":
            return position
        else:
            position += 2 if pattern[position] == "\\" else 1
    return None


CLASSES: Final = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "xdigit": "0-9a-fA-F",
    "punct": r"!-/:-@\[-`{-~",
    "print": " -~",
    "graph": "!-~",
    "cntrl": r"\x00-\x1f",
}


def _bracket(inside: str) -> str:
    negated = inside[0] in "!^"
    body = inside[1:] if negated else inside
    body = re.sub(r"\\(?![-\]\\^\[])", "", body)
    body = re.sub(r"\[:(\w+):\]", lambda match: "\0" + match.group(1) + "\0", body)
    body = body.replace("[", r"\[")
    if body.startswith("]"):
        body = "\\" + body
    body = re.sub("\0(\\w+)\0", lambda match: CLASSES.get(match.group(1), ""), body)
    return f"[{'^' if negated else ''}{body}]"


def matches(pattern: str, text: str) -> bool:
    return compiled(pattern).fullmatch(text) is not None


def trim(text: str, pattern: str, operator: str) -> str:
    """``${x#p}``, ``${x##p}``, ``${x%p}``, ``${x%%p}``."""
    if operator[0] == "#":
        cuts = range(len(text) + 1) if operator == "#" else range(len(text), -1, -1)
        return next((text[cut:] for cut in cuts if matches(pattern, text[:cut])), text)
    cuts = range(len(text), -1, -1) if operator == "%" else range(len(text) + 1)
    return next((text[:cut] for cut in cuts if matches(pattern, text[cut:])), text)


def names_matching(pattern: str, files: Filesystem, directory: str) -> list[str]:
    """The existing paths a pattern stands for, sorted; empty when there is none."""
    found = ["/"] if pattern.startswith("/") else [""]
    for part in [part for part in pattern.split("/") if part]:
        following: list[str] = []
        for start in found:
            where = absolute(start or ".", directory)
            if is_magic(part):
                names = [name for name in files.names(where) if name[0] != "." or part[0] == "."]
                following += [start + name for name in names if matches(part, name)]
            elif files.get(absolute(start + unescape(part), directory)) is not None:
                following.append(start + unescape(part))
        found = [f"{path}/" for path in following]
    if pattern.endswith("/"):
        return sorted(path for path in found if isinstance(files.get(absolute(path, directory)), Directory))
    return sorted(path.rstrip("/") for path in found)
