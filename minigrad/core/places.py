"""Where in the user's own code something happened, kept cheaply and resolved only when shown."""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType
from typing import NamedTuple

PACKAGE = str(Path(__file__).parents[1])


class Place(NamedTuple):
    """A code object and an instruction in it: no frame, so nothing of the caller is kept alive."""

    code: CodeType
    instruction: int

    @property
    def line(self) -> int:
        """The line number."""
        positions = list(self.code.co_positions())
        return positions[self.instruction // 2][0] or self.code.co_firstlineno

    def __str__(self) -> str:
        return f"{self.code.co_filename}:{self.line}"


def here() -> Place:
    """The innermost call that is made outside minigrad itself."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return Place(frame.f_code, frame.f_lasti)
