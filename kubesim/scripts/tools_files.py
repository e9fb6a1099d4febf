"""Programs that change or list files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubesim.scripts.calls import Call, Tool, options
from kubesim.scripts.filesystem import Directory, File, FileError, Link
from kubesim.scripts.patterns import matches
from kubesim.units import EPOCH_UNIX_SECONDS, SECOND


def _each(call: Call, operands: list[str], verb: str, work: Callable[[str], None]) -> int:
    status = 0
    for operand in operands:
        try:
            work(operand)
        except FileError as fault:
            call.err(
                verb.format(path=operand, reason=fault)
                if call.kernel.image.shell == "ash"
                else f"cannot {verb.format(path=operand, reason=fault)}"
            )
            status = 1
    return status


def touch(call: Call) -> int:
    found, operands = options(call.argv[1:], "drt")

    def one(operand: str) -> None:
        path = call.path(operand)
        if call.kernel.files.get(path) is not None:
            call.kernel.files.changeable(path).modified = call.kernel.now
        elif "c" not in found:
            call.kernel.files.open_for_writing(path, call.kernel.now, truncate=False)
            call.kernel.unsteady += 1

    return _each(
        call, operands, "{path}: {reason}" if call.kernel.image.shell == "ash" else "touch '{path}': {reason}", one
    )


def rm(call: Call) -> int:
    found, operands = options(call.argv[1:])
    recursive, force = bool({"r", "R", "recursive"} & found.keys()), "f" in found

    def one(operand: str) -> None:
        path = call.path(operand)
        files = call.kernel.files
        entry = files.entry(files.resolve(path, follow=False))
        if entry is None and force:
            return
        if isinstance(entry, Directory) and not recursive:
            raise FileError("Is a directory" if call.kernel.image.shell != "ash" else "is a directory")
        files.remove(path, recursive=recursive)
        call.kernel.unsteady += 1

    if call.kernel.image.shell == "ash":
        return _each(call, operands, "can't remove '{path}': {reason}", one)
    return _each(call, operands, "remove '{path}': {reason}", one)


def mkdir(call: Call) -> int:
    found, operands = options(call.argv[1:], "m")

    def one(operand: str) -> None:
        path = call.path(operand)
        files = call.kernel.files
        if "p" not in found:
            files.make_directory(path, call.kernel.now)
            call.kernel.unsteady += 1
            return
        parts = [part for part in files.resolve(path).split("/") if part]
        for length in range(1, len(parts) + 1):
            prefix = "/" + "/".join(parts[:length])
            if not files.is_directory(prefix):
                files.make_directory(prefix, call.kernel.now)
                call.kernel.unsteady += 1

    verb = "can't create directory '{path}': {reason}"
    return _each(
        call, operands, verb if call.kernel.image.shell == "ash" else "create directory '{path}': {reason}", one
    )


def rmdir(call: Call) -> int:
    _, operands = options(call.argv[1:])

    def one(operand: str) -> None:
        path = call.path(operand)
        if not isinstance(call.kernel.files.get(path), Directory):
            raise FileError("Not a directory" if call.kernel.files.get(path) else "No such file or directory")
        call.kernel.files.remove(path)
        call.kernel.unsteady += 1

    return _each(call, operands, "'{path}': {reason}", one)


def _inside(call: Call, source: str, target: str) -> str:
    """Where a source lands: inside the target when that is a directory."""
    if call.kernel.files.is_directory(call.path(target)):
        return f"{target.rstrip('/')}/{source.rstrip('/').rsplit('/', 1)[-1]}"
    return target


def mv(call: Call) -> int:
    _, operands = options(call.argv[1:])
    target = operands.pop() if operands else ""

    def one(operand: str) -> None:
        call.kernel.files.move(call.path(operand), call.path(_inside(call, operand, target)))
        call.kernel.unsteady += 1

    return _each(
        call,
        operands,
        "can't rename '{path}': {reason}" if call.kernel.image.shell == "ash" else "stat '{path}': {reason}",
        one,
    )


def cp(call: Call) -> int:
    found, operands = options(call.argv[1:])
    target = operands.pop() if operands else ""
    recursive = bool({"r", "R", "a"} & found.keys())

    def copy(source: str, destination: str) -> None:
        files = call.kernel.files
        entry = files.get(source)
        if isinstance(entry, Directory):
            if not recursive:
                raise FileError("omitting directory")
            if not files.is_directory(destination):
                files.make_directory(destination, call.kernel.now)
            for name in files.names(source):
                copy(f"{source}/{name}", f"{destination}/{name}")
            return
        original = files.read(source)
        file, volume = files.open_for_writing(destination, call.kernel.now, truncate=True)
        file.content, file.zeros, file.mode = original.content, original.zeros, original.mode
        call.kernel.changed(volume)

    def one(operand: str) -> None:
        inside = operand == "." or operand.endswith("/.")
        copy(call.path(operand), call.path(target if inside else _inside(call, operand, target)))

    return _each(
        call,
        operands,
        "can't stat '{path}': {reason}" if call.kernel.image.shell == "ash" else "stat '{path}': {reason}",
        one,
    )


def ln(call: Call) -> int:
    found, operands = options(call.argv[1:])
    if len(operands) < 2:
        return 1
    source, target = operands[0], _inside(call, operands[0], operands[1])
    try:
        if (
            "f" in found
            and call.kernel.files.entry(call.kernel.files.resolve(call.path(target), follow=False)) is not None
        ):
            call.kernel.files.remove(call.path(target))
        if "s" in found:
            call.kernel.files.make_link(call.path(target), source)
        else:
            file = call.kernel.files.read(call.path(source))
            place = call.kernel.files.writable(call.path(target))
            place.volume.files[place.key] = file
            place.volume.version += 1
    except FileError as fault:
        call.err(f"{target}: {fault}")
        return 1
    call.kernel.unsteady += 1
    return 0


def chmod(call: Call) -> int:
    _, operands = options(tuple(word for word in call.argv[1:] if not word.startswith("-") or word in ("-R",)))
    mode, paths = operands[0], operands[1:]

    def one(operand: str) -> None:
        if call.kernel.files.get(call.path(operand)) is None:
            raise FileError("No such file or directory")
        file = call.kernel.files.changeable(call.path(operand))
        if mode.isdigit():
            file.mode = int(mode, 8)
        elif "x" in mode:
            file.mode = file.mode & ~0o111 if "-" in mode else file.mode | 0o111

    return _each(call, paths, "{path}: {reason}", one)


def chown(call: Call) -> int:
    _, operands = options(call.argv[1:])
    status = 0
    for operand in operands[1:]:
        if call.kernel.files.get(call.path(operand)) is None:
            call.err(f"{operand}: No such file or directory")
            status = 1
    return status


def ls(call: Call) -> int:
    found, operands = options(call.argv[1:])
    files, status, texts = call.kernel.files, 0, []
    targets = operands or ["."]
    for operand in targets:
        path = call.path(operand)
        entry = files.get(path)
        if entry is None:
            call.err(
                f"{operand}: No such file or directory"
                if call.kernel.image.shell == "ash"
                else f"cannot access '{operand}': No such file or directory"
            )
            status = 1 if call.kernel.image.shell == "ash" else 2
        elif isinstance(entry, Directory) and "d" not in found:
            names = [name for name in files.names(path) if name[0] != "." or "a" in found or "A" in found]
            listing = "".join(_row(call, f"{path}/{name}", name, "l" in found) for name in names)
            texts.append(f"{operand}:\n{listing}" if len(targets) > 1 else listing)
        else:
            texts.append(_row(call, path, operand, "l" in found))
    call.out("\n".join(texts) if any(":\n" in text for text in texts) else "".join(texts))
    return status


def _row(call: Call, path: str, name: str, long: bool) -> str:
    if not long:
        return name + "\n"
    entry = call.kernel.files.get(path)
    kind = "d" if isinstance(entry, Directory) else "l" if isinstance(entry, Link) else "-"
    size = entry.size if isinstance(entry, File) else 4096
    mode = entry.mode if isinstance(entry, (File, Directory)) else 0o777
    bits = "".join(
        letter if mode >> shift & 1 else "-" for shift, letter in zip(range(8, -1, -1), "rwxrwxrwx", strict=True)
    )
    return f"{kind}{bits}    1 root     root     {size:9d} Jan  1 00:00 {name}\n"


def dd(call: Call) -> int:
    """``dd``: blocks from if to of; the counts go to standard error."""
    words = dict(word.partition("=")[::2] for word in call.argv[1:])
    size, count = _amount(words.get("bs", "512")), words.get("count")
    source = words.get("if", "-")
    if source in ("/dev/zero", "/dev/urandom", "/dev/random"):
        text, zeros = "", size * int(count or 0)
    else:
        text, zeros = call.read(source), 0
        text = text[: size * int(count)] if count else text
    length = zeros or len(text)
    target = words.get("of")
    if target is None:
        call.out(text + "\0" * zeros)
    elif target != "/dev/null":
        try:
            file, volume = call.kernel.files.open_for_writing(call.path(target), call.kernel.now, truncate=True)
        except FileError as fault:
            call.err(f"can't open '{target}': {fault}")
            return 1
        file.content, file.zeros = text, zeros
        call.kernel.changed(volume)
    blocks = f"{length // size}+{int(length % size > 0)}"
    if words.get("status") != "none":
        call.written.append((2, f"{blocks} records in\n{blocks} records out\n"))
        if call.kernel.image.shell != "ash":
            call.written.append((2, f"{length} bytes copied, 0 s, Infinity B/s\n"))
    return 0


def _amount(text: str) -> int:
    units = {"k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1:] in units else int(text)


def truncate(call: Call) -> int:
    found, operands = options(call.argv[1:], "s")
    for operand in operands:
        file, volume = call.kernel.files.open_for_writing(call.path(operand), call.kernel.now, truncate=True)
        file.zeros = _amount(found.get("s", "0"))
        call.kernel.changed(volume)
    return 0


def mktemp(call: Call) -> int:
    found, _ = options(call.argv[1:], "p")
    number = call.kernel.next_pid
    path = f"/tmp/tmp.{number:06d}"
    while call.kernel.files.get(path) is not None:
        number += 1
        path = f"/tmp/tmp.{number:06d}"
    if "d" in found:
        call.kernel.files.make_directory(path, call.kernel.now)
    else:
        call.kernel.files.open_for_writing(path, call.kernel.now, truncate=True)
    call.kernel.unsteady += 1
    call.out(path + "\n")
    return 0


def find(call: Call) -> int:
    """``find``: -name, -type, -maxdepth, -mmin/-newer are refused clearly."""
    words = list(call.argv[1:])
    roots: list[str] = []
    while words and not words[0].startswith(("-", "(", "!")):
        roots.append(words.pop(0))
    tests = dict(zip(words[::2], words[1::2], strict=False))
    unknown = [name for name in tests if name not in ("-name", "-type", "-maxdepth")]
    if unknown:
        call.err(f"{unknown[0]} is not modelled by kubesim")
        return 1
    depth = int(tests.get("-maxdepth", 1 << 20))

    def walk(path: str, level: int) -> None:
        entry = call.kernel.files.get(call.path(path))
        kind = "d" if isinstance(entry, Directory) else "f"
        if tests.get("-type", kind) == kind and matches(tests.get("-name", "*"), path.rsplit("/", 1)[-1]):
            call.out(path + "\n")
        if isinstance(entry, Directory) and level < depth:
            for name in call.kernel.files.names(call.path(path)):
                walk(f"{path.rstrip('/')}/{name}", level + 1)

    status = 0
    for root in roots or ["."]:
        if call.kernel.files.get(call.path(root)) is None:
            call.err(f"{root}: No such file or directory")
            status = 1
        else:
            walk(root, 0)
    return status


def stat(call: Call) -> int:
    found, operands = options(call.argv[1:], "cf")
    status = 0
    for operand in operands:
        entry = call.kernel.files.get(call.path(operand))
        if entry is None:
            call.err(f"can't stat '{operand}': No such file or directory")
            status = 1
            continue
        size = entry.size if isinstance(entry, File) else 4096
        modified = entry.modified if isinstance(entry, (File, Directory)) else 0
        text = found.get("c", "  File: %n\n  Size: %s")
        call.out(
            text.replace("%n", operand)
            .replace("%s", str(size))
            .replace("%Y", str(EPOCH_UNIX_SECONDS + modified // SECOND))
            + "\n"
        )
    return status


def du(call: Call) -> int:
    _, operands = options(call.argv[1:])
    for operand in operands or ["."]:
        entry = call.kernel.files.get(call.path(operand))
        call.out(f"{(entry.size + 1023) // 1024 if isinstance(entry, File) else 4}\t{operand}\n")
    return 0


def readlink(call: Call) -> int:
    found, operands = options(call.argv[1:])
    resolved = call.kernel.files.resolve(call.path(operands[0])) if operands else ""
    if "f" in found or call.argv[0].endswith("realpath"):
        call.out(resolved + "\n")
        return 0
    entry = call.kernel.files.entry(call.kernel.files.resolve(call.path(operands[0]), follow=False))
    if isinstance(entry, Link):
        call.out(entry.target + "\n")
        return 0
    return 1


def cmp(call: Call) -> int:
    _, operands = options(call.argv[1:])
    try:
        first, second = (call.read(operand) for operand in operands[:2])
    except FileError as fault:
        call.complain(operands[0], fault)
        return 2
    if first == second:
        return 0
    at = next((index for index, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), -1)
    if at >= 0 and "-s" not in call.argv:
        call.out(f"{operands[0]} {operands[1]} differ: char {at + 1}, line {first.count(chr(10), 0, at) + 1}\n")
    return 1


TOOLS: Final[dict[str, Tool]] = {
    "touch": touch, "rm": rm, "mkdir": mkdir, "rmdir": rmdir, "mv": mv, "cp": cp, "install": cp, "ln": ln,
    "chmod": chmod, "chown": chown, "chgrp": chown, "ls": ls, "dd": dd, "truncate": truncate, "mktemp": mktemp,
    "find": find, "stat": stat, "du": du, "readlink": readlink, "realpath": readlink, "unlink": rm, "cmp": cmp,
    "fallocate": touch,
}  # fmt: skip
