"""Basic and extended regular expressions (XBD 9) in Python's form."""

from __future__ import annotations

import re

from kubesim.scripts.patterns import CLASSES


def regular_expression(pattern: str, *, extended: bool) -> str:
    """A POSIX regular expression in Python's form."""
    pattern = re.sub(r"\[:(\w+):\]", lambda match: CLASSES.get(match.group(1), ""), pattern)
    if extended:
        return pattern
    result, position = "", 0
    while position < len(pattern):
        character = pattern[position]
        following = pattern[position + 1 : position + 2]
        if character == "\\" and following and following in "(){}|+?":
            result += following
            position += 2
        elif character == "\\":
            result += character + following
            position += 2
        elif character == "[":
            end = pattern.find("]", position + 2)
            end = len(pattern) if end < 0 else end + 1
            result += pattern[position:end]
            position = end
        else:
            result += "\\" + character if character in "(){}|+?" or (character == "*" and not position) else character
            position += 1
    return result
