"""What a picture shows and how it looks: colours for light and dark pages, direction, content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from minigrad.errors import DrawingError


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of node is coloured."""

    fill: str
    line: str


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture. Text stands out 4.5 : 1 from every fill, lines 3 : 1."""

    page: str
    ink: str
    quiet: str  # what is said about values, and edges
    slope: str  # gradients
    alarm: Look  # the first node that makes nan or infinity; the line's colour is that of its words
    box: Look  # around the nodes of a module or a scope
    looks: Mapping[str, Look] = field(hash=False)


LIGHT = Theme(
    page="white",
    ink="#1b1f24",
    quiet="#57606a",
    slope="#8a2b06",
    alarm=Look("#fde8ee", "#b3003b"),
    box=Look("#fafafb", "#7d8692"),
    looks={  # tints of Okabe and Ito's colours, which colour-blind eyes tell apart
        "data": Look("#dcebf7", "#0072b2"),
        "parameter": Look("#fbe6b8", "#a35f00"),
        "op": Look("#f6f6f7", "#6e7781"),
        "folded": Look("#f0e6f2", "#9c5583"),
        "result": Look("#d3efe3", "#00795a"),
        "same": Look("#f6f6f7", "#6e7781"),
        "changed": Look("#fbe6b8", "#a35f00"),
        "added": Look("#dcebf7", "#0072b2"),
        "removed": Look("#fbe3dc", "#b8470f"),
    },
)
DARK = Theme(
    page="#0d1117",
    ink="#e9eef4",
    quiet="#a5afba",
    slope="#ffb38a",
    alarm=Look("#3d0f1f", "#ff7096"),
    box=Look("#12171f", "#6b7684"),
    looks={
        "data": Look("#10283d", "#56b4e9"),
        "parameter": Look("#352708", "#e69f00"),
        "op": Look("#1d232b", "#8b96a3"),
        "folded": Look("#33203a", "#cc79a7"),
        "result": Look("#0c3227", "#2fc498"),
        "same": Look("#1d232b", "#8b96a3"),
        "changed": Look("#352708", "#e69f00"),
        "added": Look("#10283d", "#56b4e9"),
        "removed": Look("#3d1c10", "#f0743a"),
    },
)
THEMES = {"light": LIGHT, "dark": DARK}
DIRECTIONS = {"down": "TB", "right": "LR", "up": "BT", "left": "RL"}
CONTENTS = ("shape", "value", "grad", "source")


@dataclass(frozen=True, slots=True)
class Style:
    """How a picture is drawn."""

    show: tuple[str, ...] = ("shape", "value", "grad")
    theme: Theme = LIGHT
    direction: str = "down"

    @property
    def rankdir(self) -> str:
        """Graphviz's word for the direction."""
        return DIRECTIONS[self.direction]

    @property
    def lying(self) -> bool:
        """Whether the graph runs to a side, so that inputs arrive there."""
        return self.direction in ("left", "right")


def style(show: str | tuple[str, ...], theme: str, direction: str) -> Style:
    """The style that these words ask for; `DrawingError` for one that is not known."""
    wanted = (show,) if isinstance(show, str) else tuple(show)
    for part in wanted:
        check("show", part, CONTENTS)
    check("theme", theme, tuple(THEMES))
    check("direction", direction, tuple(DIRECTIONS))
    return Style(wanted, THEMES[theme], direction)


def check(setting: str, word: object, known: tuple[str, ...]) -> None:
    """Raise unless the word is one of those known."""
    if word not in known:
        raise DrawingError(f"{setting}={word!r} is not known; choose among {', '.join(known)}.")
