"""Brings the output that pages show up to date: ``python -m tests.docs.refresh docs/questions.md …``; read the diff.

Lines that were left out stay left out. A line that is shown is looked for in the new output by what is in it apart from
numbers and generated names; one that cannot be found any more is reported, and its block is left as it was.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from blocks import ROOT, Block, blocks, commands, output

_NUMBERS = re.compile(r"\d+")
_NAMES = re.compile(r"-[a-z0-9]{5}\b|-…")
_BLANKS = re.compile(r"\s+")


def refreshed(page: Path, folder: Path) -> tuple[str, list[str]]:
    """The new text of a page, and what could not be brought up to date."""
    lines, problems = page.read_text(encoding="utf-8").splitlines(), []
    found: list[tuple[Block, list[str]]] = []
    for block in blocks(page):
        if name := block.settings.get("file"):
            (folder / name).write_text(block.text + "\n", encoding="utf-8")
        if block.language == "console":
            news = _block(block, folder)
            if isinstance(news, str):
                problems.append(news)
            else:
                found.append((block, news))
    for block, news in reversed(found):
        lines[block.line : block.line + len(block.text.splitlines())] = news
    return "\n".join(lines) + "\n", problems


def _block(block: Block, folder: Path) -> list[str] | str:
    new: list[str] = []
    for command in commands(block):
        printed = [line.rstrip() for line in output(command.text, folder)[0].rstrip("\n").splitlines()]
        shown = _shown(printed, list(command.shown))
        if shown is None:
            return f"{block.page.relative_to(ROOT)}:{command.line}: $ {command.text}: a line that is shown is not there"
        new += [f"$ {command.text}", *shown]
    return new


def _shown(printed: list[str], before: list[str]) -> list[str] | None:
    """The lines that were shown before, as they are printed now; None if one is missing."""
    if "…" not in [line.strip() for line in before]:
        return [_masked(line, before) for line in printed]
    found: list[str] = []
    place = 0
    for line in before:
        if line.strip() == "…":
            continue
        rest = range(place, len(printed))
        following = next((later for later in rest if printed[later] == line), None)
        following = (
            next((later for later in rest if _same(printed[later], line)), None) if following is None else following
        )
        if following is None:
            return None
        if following > place:
            found.append("…")
        found.append(_masked(printed[following], before))
        place = following + 1
    return [*found, "…"] if place < len(printed) else found


def _same(printed: str, shown: str) -> bool:
    pattern = "[^\n]*".join(re.escape(_plain(part)) for part in shown.split("…"))
    return _plain(printed) == _plain(shown) or re.fullmatch(pattern, _plain(printed)) is not None


def _plain(line: str) -> str:
    return _BLANKS.sub(" ", _NAMES.sub("-*", _NUMBERS.sub("0", line)))


def _masked(line: str, before: list[str]) -> str:
    """The line as it was shown, if it has a mark for text left out and still fits; otherwise as it is printed."""
    for old in before:
        if (
            "…" in old
            and old.strip() != "…"
            and re.fullmatch("[^\n]*".join(re.escape(part) for part in old.split("…")), line)
        ):
            return old
    return line


def main(pages: list[str]) -> int:
    status = 0
    for name in pages:
        page = (ROOT / name).resolve()
        with tempfile.TemporaryDirectory() as folder:
            for shared in ("scenarios", "docs", "notebooks", "tests"):
                if (ROOT / shared).exists():
                    os.symlink(ROOT / shared, Path(folder) / shared)
            os.chdir(folder)
            text, problems = refreshed(page, Path(folder))
            os.chdir(ROOT)
        page.write_text(text, encoding="utf-8")
        status |= bool(problems)
        sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
