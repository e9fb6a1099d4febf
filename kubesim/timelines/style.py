"""Colour, where there is somebody to see it: a terminal, and no NO_COLOR (https://no-color.org)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TextIO

_CODES: Final = {
    "dim": "2",
    "bold": "1",
    "good": "32",
    "bad": "31",
    "warn": "33",
    "who": "36",
    "title": "1",
    "rule": "2;36",
}
PLAIN_WIDTH: Final = 118
"""Columns of text that goes to no terminal."""


@dataclass(frozen=True, slots=True)
class Style:
    """How wide text may be, and whether tones become colours."""

    colour: bool = False
    width: int = PLAIN_WIDTH

    def paint(self, tone: str, text: str) -> str:
        """The text in a tone; unchanged without colour, or for the empty tone."""
        if not self.colour or not tone or not text:
            return text
        return f"\x1b[{_CODES[tone]}m{text}\x1b[0m"


PLAIN: Final = Style()
"""For a file, or whoever does not say."""


def style_for(stream: TextIO, environment: Mapping[str, str]) -> Style:
    """The style that suits a stream: colour and the real width on a terminal, neither elsewhere."""
    if not stream.isatty():
        return PLAIN
    colour = not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    columns = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    return Style(colour=colour, width=max(72, min(columns, 140)))
