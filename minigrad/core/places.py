"""Where in the user's own code something happened, kept cheaply and resolved only when shown."""

from __future__ import annotations

import linecache
import sys
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from minigrad.core.printable import printable

if TYPE_CHECKING:
    from minigrad.core.node import Node

PACKAGE = __file__.rpartition("core")[0]
COMMANDS = PACKAGE + "cli"  # a user of the library as any other

Place = tuple[CodeType, int]  # a code object and an instruction in it: no frame is kept alive


def here(depth: int) -> Place:
    """The innermost call outside minigrad, at least `depth` calls away from this one."""
    frame = sys._getframe(depth)
    if frame.f_code.co_filename.startswith(PACKAGE):
        frame = user_frame(depth + 1)
    return frame.f_code, frame.f_lasti


def user_frame(depth: int) -> FrameType:
    """The frame of that call."""
    frame = sys._getframe(depth)
    code = frame.f_code
    while code.co_filename.startswith(PACKAGE) and is_ours(code) and frame.f_back is not None:
        frame = frame.f_back
        code = frame.f_code
    return frame


def is_ours(code: CodeType) -> bool:
    """Whether code is the library's own."""
    file = code.co_filename
    return file.startswith(PACKAGE) and not file.startswith(COMMANDS)


def where(place: Place | None) -> str:
    """A place as `file:line`."""
    if place is None:
        return "an unknown place"
    return printable(f"{place[0].co_filename}:{line_of(place)}")


def line_of(place: Place) -> int:
    """The number of a place's line."""
    code, instruction = place
    return list(code.co_positions())[instruction // 2][0] or code.co_firstlineno


def text_of(place: Place) -> str:
    """The text of a place's line."""
    return printable(linecache.getline(place[0].co_filename, line_of(place)).strip())


def place_of(node: Node) -> Place | None:
    """Where in the user's code a node was made, if that was noted."""
    note = getattr(node, "_note", None)
    return note[0] if note else None
