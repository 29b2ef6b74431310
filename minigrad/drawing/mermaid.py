"""A snapshot as Mermaid, the diagrams of Markdown files: https://mermaid.js.org/syntax/flowchart.

Labels are quoted, and in them every character that is not plainly a letter, a digit or harmless
stands as its number (`#60;`), which Mermaid turns into text.
"""

from __future__ import annotations

from minigrad.core.printable import printable
from minigrad.drawing.dot import MOST_LEVELS
from minigrad.drawing.snapshot import Snapshot, Vertex, broadcast_label
from minigrad.drawing.text import brief, inside, settings_of
from minigrad.drawing.themes import Style

HARMLESS = set(" .,:=+*/()[]→·…")


def mermaid(picture: Snapshot, style: Style) -> str:
    """The flowchart as text."""
    lines = [f"flowchart {style.rankdir}"]
    paths = picture.paths()
    path: tuple[int, ...] = ()
    for vertex in sorted(picture.vertices, key=lambda v: (paths[v.box], v.number)):
        wanted = paths[vertex.box][:MOST_LEVELS]
        while wanted[: len(path)] != path:
            path = path[:-1]
            lines.append("  " * (len(path) + 1) + "end")
        for number in wanted[len(path) :]:
            box = picture.boxes[number - 1]
            title = " ".join(part for part in (box.name, box.kind) if part) or "scope"
            lines.append("  " * (len(path) + 1) + f"subgraph b{number} [{quoted(title)}]")
            path = (*path, number)
        lines.append("  " * (len(path) + 1) + node(vertex, style))
    lines += ["  " * level + "end" for level in range(len(path), 0, -1)]
    lines += edges(picture)
    lines += [
        f"  classDef {kind} fill:{look.fill},stroke:{look.line},color:{style.theme.ink}"
        for kind, look in style.theme.looks.items()
        if any(vertex.kind == kind for vertex in picture.vertices)
    ]
    alarm = style.theme.alarm
    lines += [
        f"  style n{vertex.number} fill:{alarm.fill},stroke:{alarm.line},stroke-width:4px"
        for vertex in picture.vertices
        if vertex.anomaly
    ]
    look, ink = style.theme.box, style.theme.quiet
    drawn = {number for vertex in picture.vertices for number in paths[vertex.box][:MOST_LEVELS]}
    colours = f"fill:{look.fill},stroke:{look.line},color:{ink}"
    lines += [f"  style b{number} {colours}" for number in sorted(drawn)]
    if picture.note:
        lines.append(f"  remark[{quoted(picture.note)}]")
    return "\n".join(lines) + "\n"


def node(vertex: Vertex, style: Style) -> str:
    """The line that states a node."""
    what = " = ".join(part for part in (vertex.name, vertex.op) if part) or vertex.noun
    parts = [what, inside(vertex.ops) if vertex.ops else settings_of(vertex.settings)]
    if "shape" in style.show:
        parts.append(str(vertex.shape))
    if "value" in style.show:
        parts.append(vertex.value_text)
        parts += [f"change {brief(x)}" for what, x in vertex.changes.items() if what == "value"]
    if "grad" in style.show and vertex.gradient is not None:
        parts.append(f"gradient {brief(vertex.gradient)}")
        parts += [f"change {brief(x)}" for what, x in vertex.changes.items() if what != "value"]
    parts += [vertex.was, vertex.anomaly]
    if "source" in style.show:
        parts.append(vertex.source)
    label = "<br/>".join(escaped(part) for part in parts if part)
    return f'n{vertex.number}["{label}"]:::{vertex.kind}'


def edges(picture: Snapshot) -> list[str]:
    """The lines that state the edges; those from outside the part drawn come from three dots."""
    there = {vertex.number: vertex for vertex in picture.vertices}
    lines = []
    for vertex in picture.vertices:
        named = vertex.arguments if len(vertex.arguments) > 1 else ("",) * len(vertex.inputs)
        for slot, number in enumerate(vertex.inputs):
            source = f"n{number}" if number in there else f"i{vertex.number}_{slot}[{quoted('…')}]"
            name = named[slot] if slot < len(named) else ""
            text = f"{name} {broadcast_label(vertex, slot, there.get(number))}".strip()
            word = f"|{quoted(text)}|" if text else ""
            lines.append(f"  {source} -->{word} n{vertex.number}")
        if vertex.beyond:
            lines.append(f"  n{vertex.number} --> o{vertex.number}[{quoted('…')}]")
    return lines


def quoted(text: str) -> str:
    """A label that is nothing but text."""
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """Text in which nothing means anything to Mermaid or HTML.

    Mermaid breaks the line at a backslash and an n even so; what joins words parts them.
    """
    shown = printable(text).replace("\\n", "\\\u2060n")
    return "".join(c if c.isalnum() or c in HARMLESS else f"#{ord(c)};" for c in shown)
