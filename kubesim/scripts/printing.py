"""``echo`` and ``printf`` (XCU echo, printf)."""

from __future__ import annotations

import re
from typing import Final

from kubesim.scripts.shells import Dialect

_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\(0[0-7]{0,3}|[1-7][0-7]{0,2}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_CONVERSION: Final = re.compile(r"%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])|%")


def echo(words: tuple[str, ...], dialect: Dialect) -> str:
    """What ``echo`` prints: dash interprets backslashes always, ash and bash with ``-e``."""
    rest = list(words)
    newline, escapes = True, dialect.echo_escapes
    allowed = "neE" if dialect.echo_e else "n"
    while rest and len(rest[0]) > 1 and rest[0][0] == "-" and all(letter in allowed for letter in rest[0][1:]):
        for letter in rest.pop(0)[1:]:
            if letter == "n":
                newline = False
            else:
                escapes = letter == "e"
        if not dialect.echo_e:
            break
    text = " ".join(rest)
    if escapes:
        text, stopped = unescaped(text)
        newline = newline and not stopped
    return text + ("\n" if newline else "")


def unescaped(text: str, *, octal_without_zero: bool = False) -> tuple[str, bool]:
    """The text with backslash escapes replaced; True when ``\\c`` ended it."""
    before, found, _ = re.sub(r"(?<!\\)((?:\\\\)*)\\c", "\\1\0STOP", text, count=1).partition("\0STOP")

    def value(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] == "x" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code[0] == "0":
            return chr(int(code, 8) & 255)
        if code[0] in "1234567":
            return chr(int(code, 8) & 255) if octal_without_zero else match.group()
        return _ESCAPES.get(code, match.group())

    return _ESCAPE.sub(value, before), bool(found)


def printf(form: str, arguments: tuple[str, ...]) -> tuple[str, list[str]]:
    """The text ``printf`` writes and its complaints; the format is used again while arguments are left."""
    faults: list[str] = []
    left = list(arguments)
    result = ""
    while True:
        before = len(left)
        text, stopped = _formatted(form, left, faults)
        result += text
        if stopped or not left or len(left) == before:
            return result, faults


def _formatted(form: str, arguments: list[str], faults: list[str]) -> tuple[str, bool]:
    result, position = "", 0
    for match in _CONVERSION.finditer(form):
        literal, stopped = unescaped(form[position : match.start()], octal_without_zero=True)
        result += literal
        if stopped:
            return result, True
        position = match.end()
        if match.group() == "%%":
            result += "%"
            continue
        if match.group() == "%":
            faults.append("%: invalid directive")
            continue
        text, stopped = _converted(match, arguments, faults)
        result += text
        if stopped:
            return result, True
    literal, stopped = unescaped(form[position:], octal_without_zero=True)
    return result + literal, stopped


def _converted(match: re.Match[str], arguments: list[str], faults: list[str]) -> tuple[str, bool]:
    flags, width, precision, kind = match.groups()
    if width == "*":
        width = str(_integer(arguments.pop(0) if arguments else "0", faults))
    if precision == "*":
        precision = str(_integer(arguments.pop(0) if arguments else "0", faults))
    has_precision = "." in match.group()
    specification = f"%{flags or ''}{width or ''}{'.' + (precision or '0') if has_precision else ''}"
    argument = arguments.pop(0) if arguments else ""
    match kind:
        case "s":
            return (specification + "s") % argument, False
        case "b":
            text, stopped = unescaped(argument, octal_without_zero=True)
            return (specification + "s") % text, stopped
        case "c":
            return (specification + "s") % argument[:1], False
        case "d" | "i":
            return (specification + "d") % _integer(argument, faults), False
        case "u":
            return (specification + "d") % (_integer(argument, faults) % (1 << 64)), False
        case "o" | "x" | "X":
            return (specification + kind) % (_integer(argument, faults) % (1 << 64)), False
        case "e" | "f" | "g" | "E" | "F" | "G":
            try:
                return (specification + kind) % float(argument or "0"), False
            except ValueError:
                faults.append(f"{argument}: expected numeric value")
                return (specification + kind) % 0.0, False
        case "q":
            return argument, False
    faults.append(f"%{kind}: invalid directive")
    return "", True


def _integer(text: str, faults: list[str]) -> int:
    stripped = text.strip()
    if stripped[:1] in ("'", '"'):
        return ord(stripped[1]) if len(stripped) > 1 else 0
    match = re.match(r"[-+]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)", stripped)
    if match is None:
        if text:
            faults.append(f"{text}: expected numeric value")
        return 0
    if match.end() != len(stripped):
        faults.append(f"{text}: not completely converted")
    digits = match.group().lstrip("+-")
    base = 16 if digits[:2].lower() == "0x" else 8 if len(digits) > 1 and digits[0] == "0" else 10
    return int(digits, base) * (-1 if match.group()[0] == "-" else 1)
