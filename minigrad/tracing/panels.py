"""How large each node is drawn in the page, and how its arrays are laid out inside.

Sizes are in px. The layout needs them before anything is drawn, so they are decided here, and the
page follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

from minigrad.drawing.images import is_picture
from minigrad.tracing.steps import Value

LETTER = 7.3  # the width of a letter of the title
TITLE = 22  # its height
CAPTION = 12  # "value", "gradient"
PAD = 8
NUMBER = (50, 16)  # a cell with a number in it
LARGEST = 96  # a heat map's longer side
MAPS, IN_A_ROW = 16, 8
COLUMN = 46  # at least so much for the word "gradient"
LONGEST = 100  # letters of a name
WIDE = 240  # two panels that are wider than this stand one above the other


@dataclass(frozen=True, slots=True)
class Panel:
    """An array as cells: `maps` blocks of `rows` x `columns`, so many blocks in a row."""

    kind: str  # "numbers", "heat" or "maps"
    rows: int
    columns: int
    width: float  # of a cell
    height: float
    maps: int = 1
    in_a_row: int = 1

    @property
    def size(self) -> tuple[float, float]:
        """The size of the whole."""
        across = min(self.maps, self.in_a_row)
        down = ceil(self.maps / self.in_a_row)
        gap = 2 if self.maps > 1 else 0
        return (
            across * (self.columns * self.width + gap) - gap,
            down * (self.rows * self.height + gap) - gap,
        )


@dataclass(frozen=True, slots=True)
class Look:
    """One node's size and its panel, which value and gradient share."""

    width: float
    height: float
    panel: Panel
    stacked: bool  # the gradient below the value, and not at its right


def shortened(name: str) -> str:
    """A name that does not make its node wider than the picture."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def panel_of(v: Value) -> Panel:
    """How an array of this shape is shown."""
    shape = v.value.shape
    if v.value.size == 0:
        return Panel("heat", 0, 0, 1, 1)
    rows, columns = ((1, 1) if not shape else (1, *shape) if len(shape) == 1 else shape[-2:])[-2:]
    maps = prod(shape[:-2]) if len(shape) > 2 else 1
    if maps == 1 and rows <= 4 and columns <= 4:
        return Panel("numbers", rows, columns, *NUMBER)
    if maps > 1 or (is_picture(v.value) and max(rows, columns) > 16):
        cell = max(1.0, min(7.0, (26 if maps > 1 else LARGEST) // max(rows, columns)))
        return Panel("maps", rows, columns, cell, cell, min(maps, MAPS), IN_A_ROW)
    if rows == 1 and columns > 16:  # a long vector goes on in the next row
        columns, rows = 16, ceil(columns / 16)
    width = max(1.0, min(12.0, LARGEST / columns))
    height = max(0.75, min(12.0, LARGEST / rows))
    return Panel("heat", rows, columns, width, height)


def look_of(v: Value, title: str) -> Look:
    """The size of a node with this title."""
    panel = panel_of(v)
    width, height = panel.size
    both = v.gradient is not None
    stacked = both and width > WIDE
    if both:
        beside = 2 * max(width, COLUMN) + PAD
        width, height = (width, 2 * height + CAPTION) if stacked else (beside, height)
    width = max(width, len(title) * LETTER, 64)
    return Look(round(width + 2 * PAD), round(height + TITLE + CAPTION + PAD + 2), panel, stacked)
