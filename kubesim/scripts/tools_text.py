"""Programs that turn input into output."""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from functools import cmp_to_key
from typing import Final

from kubesim.scripts.arithmetic import ArithmeticFault, evaluate
from kubesim.scripts.calls import Call, Tool, options
from kubesim.scripts.filesystem import FileError
from kubesim.scripts.limits import MOST_TEXT, TooMuch
from kubesim.scripts.printing import unescaped
from kubesim.scripts.regular import regular_expression
from kubesim.scripts.sed import sed


def _lines(text: str) -> list[str]:
    """The lines of a text: only ``\\n`` ends one."""
    return text.removesuffix("\n").split("\n") if text else []


def _count_as_option(words: tuple[str, ...]) -> tuple[str, ...]:
    """``-5`` written as ``-n5``."""
    return tuple(f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in words)


def head(call: Call) -> int:
    words = _count_as_option(call.argv[1:])
    found, operands = options(words, "nc")

    def show(operand: str, text: str) -> None:
        if len(operands) > 1:
            call.out(f"==> {operand} <==\n")
        if "c" in found:
            call.out(text[: int(found["c"])])
        else:
            call.out("".join(text.splitlines(keepends=True)[: int(found.get("n", "10"))]))

    return call.each_input(operands, show)


def tail(call: Call) -> int:
    words = _count_as_option(call.argv[1:])
    found, operands = options(words, "nc")

    def show(_: str, text: str) -> None:
        call.out(text[-int(found["c"]) :] if "c" in found else last_lines(text, found.get("n", "10")))

    return call.each_input(operands, show)


def last_lines(text: str, count: str) -> str:
    """The end of a text as ``tail -n`` gives it; ``+N`` counts from the start."""
    lines = text.splitlines(keepends=True)
    if count.startswith("+"):
        return "".join(lines[max(int(count) - 1, 0) :])
    number = abs(int(count))
    return "".join(lines[-number:]) if number else ""


def wc(call: Call) -> int:
    found, operands = options(call.argv[1:])
    wanted = [letter for letter in "lwc" if letter in found or (letter == "c" and "m" in found)] or "lwc"
    width = 0 if len(wanted) == 1 else 8

    def show(operand: str, text: str) -> None:
        counts = {"l": text.count("\n"), "w": len(text.split()), "c": len(text.encode("utf-8", "surrogateescape"))}
        shown = " ".join(f"{counts[letter]:{width}d}" for letter in wanted)
        call.out(shown + (f" {operand}" if operands else "") + "\n")

    return call.each_input(operands, show)


def grep(call: Call) -> int:
    found, operands = options(call.argv[1:], "efmABC")
    pattern = found["e"] if "e" in found else operands.pop(0)
    fixed = "F" in found or call.argv[0].endswith("fgrep")
    extended = "E" in found or call.argv[0].endswith("egrep")
    expression = re.escape(pattern) if fixed else regular_expression(pattern, extended=extended)
    if "w" in found:
        expression = rf"\b(?:{expression})\b"
    if "x" in found:
        expression = rf"^(?:{expression})$"
    compiled = re.compile(expression, re.IGNORECASE if "i" in found else 0)
    any_match, failed = False, False
    for operand in operands or ["-"]:
        try:
            text = call.read(operand)
        except FileError as fault:
            if "s" not in found:
                call.err(f"{operand}: {fault}")
            failed = True
            continue
        count = 0
        for number, line in enumerate(_lines(text), 1):
            match = compiled.search(line)
            if bool(match) == ("v" in found):
                continue
            count += 1
            prefix = (f"{operand}:" if len(operands) > 1 and "h" not in found else "") + (
                f"{number}:" if "n" in found else ""
            )
            if not {"q", "c", "l"} & found.keys():
                shown = (
                    "\n".join(prefix + item.group() for item in compiled.finditer(line))
                    if "o" in found
                    else prefix + line
                )
                call.out(shown + "\n")
            if "m" in found and count >= int(found["m"]):
                break
        any_match = any_match or count > 0
        if "c" in found:
            call.out((f"{operand}:" if len(operands) > 1 else "") + f"{count}\n")
        if "l" in found and count:
            call.out(operand + "\n")
    if any_match and ("q" in found or not failed):
        return 0
    return 2 if failed else 1


def sort(call: Call) -> int:
    found, operands = options(call.argv[1:], "kto")
    text, status = call.inputs(operands)
    separator = found.get("t")
    field = re.match(r"\d+", found.get("k", "1"))
    number = int(field.group()) if field is not None else 0
    if number == 0:
        call.err("bad field specification")
        return 2

    def key_text(line: str) -> str:
        if "k" not in found:
            return line
        return (
            separator.join(line.split(separator)[number - 1 :]) if separator else " ".join(line.split()[number - 1 :])
        )

    numeric = "n" in found or "n" in found.get("k", "")

    def number_of(line: str) -> float:
        match = re.match(r"\s*-?\d+(\.\d+)?", key_text(line))
        return float(match.group()) if match else 0.0

    def compare(left: str, right: str) -> int:
        if numeric and number_of(left) != number_of(right):
            return -1 if number_of(left) < number_of(right) else 1
        first, second = key_text(left), key_text(right)
        return (first > second) - (first < second) or (left > right) - (left < right)

    lines = sorted(_lines(text), key=cmp_to_key(compare), reverse="r" in found)
    if "u" in found:
        lines = list(dict.fromkeys(lines))
    call.out("".join(f"{line}\n" for line in lines))
    return status


def uniq(call: Call) -> int:
    found, operands = options(call.argv[1:])
    text, status = call.inputs(operands[:1])
    groups: list[tuple[str, int]] = []
    for line in _lines(text):
        if groups and groups[-1][0] == line:
            groups[-1] = (line, groups[-1][1] + 1)
        else:
            groups.append((line, 1))
    for line, count in groups:
        if ("d" in found and count == 1) or ("u" in found and count > 1):
            continue
        call.out((f"{count:7d} " if "c" in found else "") + line + "\n")
    return status


def tr(call: Call) -> int:
    found, operands = options(call.argv[1:])
    text = call.input()
    first = _characters(operands[0])
    second = _characters(operands[1]) if len(operands) > 1 else ""
    if "c" in found or "C" in found:
        first = "".join(sorted(set(text) - set(first)))
    if "d" in found:
        text = "".join(character for character in text if character not in first)
    elif second:
        padded = second + second[-1] * max(0, len(first) - len(second))
        text = text.translate(str.maketrans(first, padded[: len(first)]))
    if "s" in found:
        squeezed = re.escape(second or first)
        text = re.sub(f"([{squeezed}])\\1+", r"\1", text)
    call.out(text)
    return 0


def _characters(text: str) -> str:
    classes = {
        "lower": "abcdefghijklmnopqrstuvwxyz",
        "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "digit": "0123456789",
        "space": " \t\n\v\f\r",
    }
    text = re.sub(r"\[:(\w+):\]", lambda match: classes.get(match.group(1), ""), text)
    text, _ = unescaped(text, octal_without_zero=True)
    return re.sub(
        r"(.)-(.)",
        lambda match: "".join(map(chr, range(ord(match.group(1)), ord(match.group(2)) + 1))),
        text,
        flags=re.DOTALL,
    )


def cut(call: Call) -> int:
    found, operands = options(call.argv[1:], "dfcb")
    text, status = call.inputs(operands)
    ranges = _ranges(found.get("f") or found.get("c") or found.get("b") or "1")
    delimiter = found.get("d", "\t")
    for line in _lines(text):
        if "f" not in found:
            call.out("".join(character for index, character in enumerate(line, 1) if _in(ranges, index)) + "\n")
        elif delimiter not in line:
            if "s" not in found:
                call.out(line + "\n")
        else:
            parts = line.split(delimiter)
            call.out(delimiter.join(part for index, part in enumerate(parts, 1) if _in(ranges, index)) + "\n")
    return status


def _ranges(text: str) -> list[tuple[int, int]]:
    result = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = int(first) if first else 1
        result.append((start, (int(last) if last else 1 << 30) if dash else start))
    return result


def _in(ranges: list[tuple[int, int]], index: int) -> bool:
    return any(first <= index <= last for first, last in ranges)


def seq(call: Call) -> int:
    found, _ = options(tuple(word for word in call.argv[1:] if not re.fullmatch(r"-\d+", word)), "sf")
    numbers = [Decimal(word) for word in call.argv[1:] if re.fullmatch(r"-?\d+(\.\d+)?", word)]
    separator = found.get("s", "\n")
    first = numbers[0] if len(numbers) > 1 else Decimal(1)
    increment = numbers[1] if len(numbers) > 2 else Decimal(1)
    if not numbers or not increment:
        return 1
    count = max(0, int((numbers[-1] - first) / increment) + 1) if (numbers[-1] - first) / increment >= 0 else 0
    if count > MOST_TEXT:
        raise TooMuch(f"counts up to more than {MOST_TEXT:,} numbers")
    items = [str(first + increment * step) for step in range(count)]
    if "w" in found:
        width = max(map(len, items), default=0)
        items = [item.zfill(width) for item in items]
    call.out(separator.join(items) + ("\n" if items else ""))
    return 0


def rev(call: Call) -> int:
    text, status = call.inputs(options(call.argv[1:])[1])
    call.out("".join(line[::-1] + "\n" for line in _lines(text)))
    return status


def tac(call: Call) -> int:
    text, status = call.inputs(options(call.argv[1:])[1])
    call.out("".join(line + "\n" for line in reversed(_lines(text))))
    return status


def nl(call: Call) -> int:
    text, status = call.inputs(options(call.argv[1:])[1])
    call.out("".join(f"{number:6d}\t{line}\n" for number, line in enumerate(_lines(text), 1)))
    return status


def basename(call: Call) -> int:
    name = call.argv[1].rstrip("/").rsplit("/", 1)[-1] or "/"
    if len(call.argv) > 2 and name != call.argv[2]:
        name = name.removesuffix(call.argv[2])
    call.out(name + "\n")
    return 0


def dirname(call: Call) -> int:
    path = call.argv[1].rstrip("/")
    head_part, slash, _ = path.rpartition("/")
    call.out((head_part or ("/" if slash or not path else ".")) + "\n")
    return 0


def base64_tool(call: Call) -> int:
    found, operands = options(call.argv[1:], "w")
    text, status = call.inputs(operands)
    data = text.encode("utf-8", "surrogateescape")
    if "d" in found:
        call.out(base64.b64decode(data).decode("utf-8", "surrogateescape"))
    else:
        encoded = base64.b64encode(data).decode()
        width = int(found.get("w", "76"))
        rows = [encoded[at : at + width] for at in range(0, len(encoded), width)] if width else [encoded]
        call.out("\n".join(rows) + ("\n" if width else ""))
    return status


def expr(call: Call) -> int:
    """``expr``: integers, comparison, ``:`` and ``length``; without parentheses, left to right by precedence."""
    words = list(call.argv[1:])
    if len(words) == 3 and words[1] == ":":
        match = re.match(regular_expression(words[2], extended=False), words[0])
        value = "" if match is None else match.group(1) if match.groups() else str(match.end())
        value = value or ("" if "\\(" in words[2] else "0")
    elif len(words) == 2 and words[0] == "length":
        value = str(len(words[1]))
    elif len(words) == 3 and words[1] in ("=", "!=") and not all(re.fullmatch(r"-?\d+", word) for word in words[::2]):
        value = str(int((words[0] == words[2]) == (words[1] == "=")))
    elif len(words) == 1:
        value = words[0]
    else:
        text = " ".join("==" if word == "=" else word for word in words)
        try:
            value = str(evaluate(text, lambda name: "", lambda name, result: None))
        except ArithmeticFault as fault:
            call.err(str(fault))
            return 2
    call.out(value + "\n")
    return int(value in ("", "0"))


TOOLS: Final[dict[str, Tool]] = {
    "head": head, "tail": tail, "wc": wc, "grep": grep, "egrep": grep, "fgrep": grep, "sort": sort, "uniq": uniq,
    "tr": tr, "cut": cut, "seq": seq, "rev": rev, "tac": tac, "nl": nl, "basename": basename, "dirname": dirname,
    "base64": base64_tool, "expr": expr, "sed": sed,
}  # fmt: skip
