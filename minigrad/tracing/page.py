"""The page: one HTML file with its style, its program and its data inside."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

PARTS = Path(__file__).parent
PROGRAM = ("page-data.js", "page-diagram.js", "page-view.js", "page-panel.js", "page.js")


def page(data: dict[str, Any]) -> str:
    """The whole file. Names in `data` stay text, whatever they hold: `<` is written as \\u003c."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    inside = {
        "TITLE": escape(data["title"].encode("utf-8", "replace").decode()),
        "STYLE": part("page.css"),
        "PICTURE": part("picture.css"),
        "DATA": text,
        "PROGRAM": "\n".join(map(part, PROGRAM)),
    }
    first, *rest = part("page.html").split("{{")
    made = [first]
    for piece in rest:  # split once, so that nothing that is put in is looked at again
        key, after = piece.split("}}", 1)
        made += [inside[key], after]
    return "".join(made)


def part(name: str) -> str:
    """One of the files that the page is put together from."""
    return (PARTS / name).read_text(encoding="utf-8")
