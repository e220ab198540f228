"""Pictures of pages: lines drawn with letters as large as the reader's, and bars beside words.

Bars are rows of the page itself, so that their words grow and wrap with the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from puhui.intake.window import line_chart, svg_of

LETTERS = (1.0, 1.6, 2.0)
"""How much larger letters are drawn at each size of text: a phone of 360 pixels shows a drawing at
about nine tenths of its units, so they come to 18 and 22 pixels there."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One bar of a list: its word, the figure beside it, its colour (good, bad, plain), its length
    0..100.
    """

    word: str
    shown: str
    colour: str
    length: float


def strips_of(
    bars: Sequence[tuple[str, float, str, str]], whole: float | None = None
) -> tuple[Strip, ...]:
    """Bars out of (word, value, shown value, colour name); the longest possible is ``whole``, or
    the largest value.
    """
    most = whole or max((value for _, value, _, _ in bars), default=0.0) or 1.0
    return tuple(
        Strip(word, shown, colour, round(min(max(value / most, 0.0), 1.0) * 100, 1))
        for word, value, shown, colour in bars
    )


def lines_of(size: int, lines: Sequence[Any], **told: Any) -> str:
    """The SVG of a line chart, as ``line_chart`` takes it, for a reader of that size of text."""
    return svg_of(line_chart(lines, letters=LETTERS[size], **told))
