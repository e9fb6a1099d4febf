"""``$(( ))``: signed 64-bit integer arithmetic of the shell (POSIX XCU 2.6.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+)|([A-Za-z_]\w*)|(<<=|>>=|\*\*|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&^|]=|[-+*/%<>=!~&^|?:(),]))"
)
_LEVELS: Final[tuple[tuple[str, ...], ...]] = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
_ASSIGN: Final = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "<<=", ">>="))


class ArithmeticFault(Exception):
    """An expression the shell refuses; the text is its message."""


def evaluate(text: str, lookup: Callable[[str], str], assign: Callable[[str, str], None]) -> int:
    """The value of an expression; assignments inside go through ``assign``."""
    stripped = text.strip()
    if not stripped:
        return 0
    if stripped.isdigit() and not stripped.startswith("0"):
        return wrap(int(stripped))
    return _Evaluation(stripped, lookup, assign).value()


def wrap(value: int) -> int:
    """A value as a signed 64-bit integer."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def number(text: str) -> int:
    """The value of a constant: decimal, octal with 0, hexadecimal with 0x."""
    body = text.strip()
    sign = -1 if body.startswith("-") else 1
    digits = body.lstrip("+-")
    try:
        if digits[:2].lower() == "0x":
            return wrap(sign * int(digits, 16))
        if len(digits) > 1 and digits[0] == "0":
            return wrap(sign * int(digits, 8))
        return wrap(sign * int(digits)) if digits else 0
    except ValueError:
        raise ArithmeticFault(f"Illegal number: {text}") from None


class _Evaluation:
    def __init__(self, text: str, lookup: Callable[[str], str], assign: Callable[[str, str], None]) -> None:
        self.lookup = lookup
        self.assign = assign
        self.tokens: list[str] = []
        position = 0
        while position < len(text):
            if text[position:].isspace():
                break
            match = _TOKEN.match(text, position)
            if match is None:
                raise ArithmeticFault(f'arithmetic expression: expecting EOF: "{text}"')
            self.tokens.append(match.group().strip())
            position = match.end()
        self.text = text
        self.index = 0
        self.skipping = False

    def value(self) -> int:
        result = self.comma()
        if self.index < len(self.tokens):
            raise ArithmeticFault(f'arithmetic expression: expecting EOF: "{self.text}"')
        return result

    def peek(self) -> str:
        return self.tokens[self.index] if self.index < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if token and token in expected:
            self.index += 1
            return token
        return ""

    def comma(self) -> int:
        result = self.assignment()
        while self.take(","):
            result = self.assignment()
        return result

    def assignment(self) -> int:
        name = self.peek()
        operator = self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else ""
        if operator in _ASSIGN and re.fullmatch(r"[A-Za-z_]\w*", name):
            self.index += 2
            right = self.assignment()
            result = right if operator == "=" else self.apply(operator[:-1], self.variable(name), right)
            if not self.skipping:
                self.assign(name, str(result))
            return result
        return self.conditional()

    def conditional(self) -> int:
        condition = self.binary(0)
        if not self.take("?"):
            return condition
        chosen = self.guarded(self.comma, skip=not condition)
        if not self.take(":"):
            raise ArithmeticFault(f"arithmetic expression: expecting ':': \"{self.text}\"")
        other = self.guarded(self.conditional, skip=bool(condition))
        return chosen if condition else other

    def guarded(self, part: Callable[[], int], *, skip: bool) -> int:
        before, self.skipping = self.skipping, self.skipping or skip
        result = part()
        self.skipping = before
        return result

    def binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while operator := self.take(*_LEVELS[level]):
            if operator in ("&&", "||"):
                decided = bool(left) == (operator == "||")
                right = self.guarded(lambda: self.binary(level + 1), skip=decided)
                left = int(bool(left)) if decided else int(bool(right))
            else:
                left = self.apply(operator, left, self.binary(level + 1))
        return left

    def apply(self, operator: str, left: int, right: int) -> int:
        match operator:
            case "+":
                return wrap(left + right)
            case "-":
                return wrap(left - right)
            case "*":
                return wrap(left * right)
            case "/" | "%":
                if right == 0:
                    if self.skipping:
                        return 0
                    raise ArithmeticFault("division by zero")
                quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
                return wrap(quotient if operator == "/" else left - quotient * right)
            case "<<":
                return wrap(left << (right & 63))
            case ">>":
                return left >> (right & 63)
            case "&":
                return left & right
            case "|":
                return left | right
            case "^":
                return left ^ right
            case "==":
                return int(left == right)
            case "!=":
                return int(left != right)
            case "<":
                return int(left < right)
            case "<=":
                return int(left <= right)
            case ">":
                return int(left > right)
        return int(left >= right)

    def unary(self) -> int:
        match self.take("-", "+", "!", "~", "(", "++", "--"):
            case "-":
                return wrap(-self.unary())
            case "+":
                return self.unary()
            case "!":
                return int(not self.unary())
            case "~":
                return ~self.unary()
            case "(":
                result = self.comma()
                if not self.take(")"):
                    raise ArithmeticFault(f"arithmetic expression: expecting ')': \"{self.text}\"")
                return result
            case ("++" | "--") as step:
                name = self.peek()
                self.index += 1
                result = wrap(self.variable(name) + (1 if step == "++" else -1))
                self.assign(name, str(result))
                return result
        return self.primary()

    def primary(self) -> int:
        token = self.peek()
        self.index += 1
        if token and (token[0].isalpha() or token[0] == "_"):
            value = self.variable(token)
            if step := self.take("++", "--"):
                self.assign(token, str(wrap(value + (1 if step == "++" else -1))))
            return value
        if not token or not token[0].isdigit():
            raise ArithmeticFault(f'arithmetic expression: expecting primary: "{self.text}"')
        return number(token)

    def variable(self, name: str) -> int:
        return number(self.lookup(name) or "0")
