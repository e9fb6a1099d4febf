"""``sed``: addresses, s, p, d, q, y, =, a, i, c; anything else is refused clearly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubesim.scripts.calls import Call, options
from kubesim.scripts.filesystem import FileError
from kubesim.scripts.regular import regular_expression

_ADDRESS = re.compile(r"(\d+|\$|/((?:\\.|[^/\\])*)/)")


@dataclass(frozen=True, slots=True)
class Edit:
    """One command with its addresses."""

    first: str
    last: str
    inverted: bool
    command: str
    pattern: str = ""
    text: str = ""
    flags: str = ""


class SedFault(Exception):
    """A script this model does not cover, or a wrong one."""


def sed(call: Call) -> int:
    found, operands = options(call.argv[1:], "ef")
    script = found["e"] if "e" in found else operands.pop(0)
    try:
        edits = _parse(script)
    except SedFault as fault:
        call.err(str(fault))
        return 1
    extended, quiet = "E" in found or "r" in found, "n" in found
    if "i" not in found:
        text, status = call.inputs(operands)
        call.out(_run(text, edits, quiet=quiet, extended=extended))
        return status
    status = 0
    for operand in operands:
        try:
            text = _run(call.read(operand), edits, quiet=quiet, extended=extended)
            file, volume = call.kernel.files.open_for_writing(call.path(operand), call.kernel.now, truncate=True)
            file.content = text
            call.kernel.changed(volume)
        except FileError as fault:
            call.complain(operand, fault)
            status = 1
    return status


def _parse(script: str) -> list[Edit]:
    edits: list[Edit] = []
    position = 0
    while position < len(script):
        if script[position] in " \t\n;":
            position += 1
            continue
        first = last = ""
        if match := _ADDRESS.match(script, position):
            first, position = match.group(), match.end()
            if script[position : position + 1] == "," and (second := _ADDRESS.match(script, position + 1)):
                last, position = second.group(), second.end()
        inverted = script[position : position + 1] == "!"
        position += inverted
        command = script[position : position + 1]
        position += 1
        if command in ("s", "y"):
            separator = script[position]
            parts = re.split(rf"(?<!\\){re.escape(separator)}", script[position + 1 :], maxsplit=2)
            if len(parts) < 3:
                raise SedFault(f"unterminated `{command}' command")
            match_flags = re.match(r"[gpiI0-9]*", parts[2])
            flags = match_flags.group() if match_flags else ""
            position = len(script) - len(parts[2]) + len(flags)
            if separator != "/":
                parts = [part.replace("\\" + separator, separator) for part in parts]
            edits.append(Edit(first, last, inverted, command, parts[0], parts[1], flags))
        elif command in ("p", "d", "q", "="):
            edits.append(Edit(first, last, inverted, command))
        elif command in ("a", "i", "c"):
            edits.append(Edit(first, last, inverted, command, text=script[position:].lstrip("\\ \n")))
            position = len(script)
        else:
            raise SedFault(f"command `{command}' is not modelled by kubesim")
    return edits


def _run(text: str, edits: list[Edit], *, quiet: bool, extended: bool) -> str:
    lines = text.splitlines()
    result: list[str] = []
    active: dict[int, bool] = {}
    for number, original in enumerate(lines, 1):
        line, deleted, stop, after = original, False, False, []
        for index, edit in enumerate(edits):
            if _selected(edit, index, active, line, number, len(lines), extended) == edit.inverted:
                continue
            match edit.command:
                case "s":
                    line, changed = _substituted(edit, line, extended)
                    if changed and "p" in edit.flags:
                        result.append(line)
                case "y":
                    line = line.translate(str.maketrans(edit.pattern, edit.text))
                case "p":
                    result.append(line)
                case "=":
                    result.append(str(number))
                case "a":
                    after.append(edit.text)
                case "i":
                    result.append(edit.text)
                case "c":
                    result.append(edit.text)
                    deleted = True
                case "q":
                    stop = True
                case "d":
                    deleted = True
            if deleted or stop:
                break
        if not deleted and not quiet:
            result.append(line)
        result += after
        if stop:
            break
    return "".join(f"{line}\n" for line in result)


def _selected(
    edit: Edit, index: int, active: dict[int, bool], line: str, number: int, count: int, extended: bool
) -> bool:
    def hit(address: str) -> bool:
        if address == "$":
            return number == count
        if address.isdigit():
            return number == int(address)
        return re.search(_expression(address[1:-1], extended), line) is not None

    if not edit.first:
        return True
    if not edit.last:
        return hit(edit.first)
    if active.get(index):
        ended = number >= int(edit.last) if edit.last.isdigit() else hit(edit.last)
        active[index] = not ended
        return True
    if hit(edit.first):
        active[index] = not (edit.last.isdigit() and int(edit.last) <= number)
        return True
    return False


def _expression(pattern: str, extended: bool) -> str:
    return regular_expression(pattern, extended=extended)


def _substituted(edit: Edit, line: str, extended: bool) -> tuple[str, bool]:
    replacement = re.sub(r"\\n", "\n", edit.text)

    def value(match: re.Match[str]) -> str:
        return re.sub(
            r"\\([0-9&\\/])|&",
            lambda piece: (
                match.group()
                if piece.group() == "&"
                else (match.group(int(piece.group(1))) or "")
                if piece.group(1).isdigit()
                else piece.group(1)
            ),
            replacement,
        )

    flags = re.IGNORECASE if "i" in edit.flags.lower() else 0
    compiled = re.compile(_expression(edit.pattern, extended), flags)
    which = next((int(digit) for digit in re.findall(r"\d+", edit.flags)), 1)
    seen = 0

    def chosen(match: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        wanted = seen >= which if "g" in edit.flags else seen == which
        return value(match) if wanted else match.group()

    changed = compiled.sub(chosen, line)
    return changed, seen >= which
