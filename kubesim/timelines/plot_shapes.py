"""What a laid-out picture is made of: boxes, lines, glyphs and texts in inches, y downward; and room for the texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

Measure: TypeAlias = Callable[[str, float, bool], float]
"""The width in inches of a text, at a size in points, bold or not."""

LINE_HEIGHT = 1.25 / 72
"""Inches that a text takes in height, for each point of its size."""


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    face: str = ""
    edge: str = ""
    pattern: str = ""
    pattern_colour: str = ""
    layer: int = 2
    edge_width: float = 0.6
    round: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 0.8
    dashes: tuple[float, ...] = ()
    layer: int = 3


@dataclass(frozen=True, slots=True)
class Glyph:
    """A small sign: ``shape`` is one of matplotlib's markers, ``size`` in points."""

    x: float
    y: float
    shape: str
    colour: str
    size: float = 6.0
    edge: str = ""
    layer: int = 7
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text whose left (or ``anchor``: right, center) end is at x, and whose middle is at y."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: str = "left"
    bold: bool = False
    italic: bool = False
    layer: int = 8


@dataclass(frozen=True, slots=True)
class Room:
    """A rectangle that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Room) -> bool:
        """Whether the two overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(slots=True)
class Sheet:
    """A picture in the making. Texts go through ``write``, which refuses one that would overlap another."""

    width: float
    measure: Measure
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    glyphs: list[Glyph] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    taken: list[Room] = field(default_factory=list)

    def write(self, text: Text, *, between: tuple[float, float] | None = None, pad: float = 0.02) -> bool:
        """Put a text where it fits, between two x if given; False if it does not fit and was left out."""
        room = self.room_of(text, pad)
        left, right = between if between is not None else (0.0, self.width)
        if room.left < left - 1e-9 or room.right > right + 1e-9 or any(room.meets(other) for other in self.taken):
            return False
        self.taken.append(room)
        self.texts.append(text)
        return True

    def room_of(self, text: Text, pad: float = 0.02) -> Room:
        """The rectangle that a text takes, with ``pad`` at its sides."""
        width = self.measure(text.text, text.size, text.bold)
        left = {"left": text.x, "right": text.x - width, "center": text.x - width / 2}[text.anchor]
        height = text.size * LINE_HEIGHT
        return Room(left - pad, text.y - height / 2, left + width + pad, text.y + height / 2)

    def reserve(self, room: Room) -> None:
        """Keep texts out of a rectangle."""
        self.taken.append(room)

    def shortened(self, words: str, size: float, width: float, bold: bool = False) -> str:
        """The text cut in its middle until it is no wider than ``width``; both ends of a name tell most."""
        if self.measure(words, size, bold) <= width:
            return words
        for length in range(len(words) - 1, 1, -1):
            head = (length + 1) // 2
            cut = f"{words[:head]}…{words[len(words) - (length - head) :]}"
            if self.measure(cut, size, bold) <= width:
                return cut
        return "…"

    def wrapped(self, words: str, size: float, width: float) -> list[str]:
        """The words in lines no wider than ``width``; a single word that is wider is shortened."""
        lines: list[str] = []
        for word in words.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.measure(longer, size, False) <= width:
                lines[-1] = longer
            else:
                lines.append(self.shortened(word, size, width))
        return lines
