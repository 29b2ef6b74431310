"""One node as a table in Graphviz's HTML: what it is, its value, its gradient."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from minigrad.core.node import Array
from minigrad.drawing.images import GRADIENTS, VALUES, Strip, is_picture, strip
from minigrad.drawing.snapshot import Vertex
from minigrad.drawing.text import fits, lines_of, settings_of, widest

Images = dict[str, bytes]  # PNG files by name

INK = "#1b1f24"
QUIET = "#57606a"  # what is said about values
SLOPE = "#8a2b06"  # gradients


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of node is coloured."""

    fill: str
    line: str


LOOKS = {  # tints of Okabe and Ito's colours, which colour-blind eyes tell apart
    "data": Look("#dcebf7", "#0072b2"),
    "parameter": Look("#fbe6b8", "#a35f00"),
    "op": Look("#f6f6f7", "#6e7781"),
    "result": Look("#d3efe3", "#00795a"),
}


def label(vertex: Vertex, main: int, images: Images | None) -> str:
    """The label of a node. Its images, where there are to be any, are added to `images`."""
    look = LOOKS[vertex.kind]
    rows = [*ports(vertex, main), heading(vertex), "<HR/>"]
    digits = widest([array for array in (vertex.value, vertex.gradient) if array is not None])
    rows += content("value", vertex.value, digits, INK, images)
    if vertex.overwritten:
        rows.append(remark("overwritten since it was used"))
    if vertex.gradient is not None:
        title = "stored .grad" if vertex.stored else "gradient"
        rows += content(title, vertex.gradient, digits, SLOPE, images)
    elif vertex.remark:
        rows.append(remark(vertex.remark))
    return table(rows, f'BORDER="2" COLOR="{look.line}" BGCOLOR="{look.fill}" CELLPADDING="4"')


def ports(vertex: Vertex, main: int) -> Iterator[str]:
    """Where the edges arrive, in the order of the arguments; one alone needs no telling.

    The input in slot `main` arrives in the middle, so that the graph's main line runs straight.
    """
    names = vertex.arguments
    if len(names) > 1:
        wide = 'WIDTH="24"'
        cells = [cell(styled(n, QUIET, size=9), f'PORT="{i}" {wide}') for i, n in enumerate(names)]
        blank = [cell("", wide)] * abs(len(names) - 1 - 2 * main)
        cells = blank + cells if 2 * main < len(names) - 1 else cells + blank
        yield row(cell(table([row(*cells)], 'CELLPADDING="0"'), 'COLSPAN="2" CELLPADDING="0"'))


def heading(vertex: Vertex) -> str:
    """Name and op at the left, shape at the right; below them the settings."""
    name, op = vertex.name, vertex.op
    what = styled(name, INK, bold=True) if name else ""
    if op:
        what += styled(" = ", QUIET) if name else ""
        what += styled(op, INK, bold=not name)
    else:
        what += styled(f" {vertex.kind}" if name else vertex.kind, QUIET)
    dtype = "" if vertex.value.dtype == float else f" {vertex.value.dtype}"
    shape = styled(f"  {vertex.value.shape}{dtype}", QUIET)
    rows = [row(cell(what, 'ALIGN="LEFT" BALIGN="LEFT"'), cell(shape, 'ALIGN="RIGHT"'))]
    settings = settings_of(vertex.settings)
    if settings:
        rows.append(row(cell(styled(settings, QUIET), 'ALIGN="LEFT" COLSPAN="2"')))
    return row(cell(table(rows, 'CELLPADDING="4"'), 'COLSPAN="2" CELLPADDING="0"'))


def content(
    title: str, array: Array, digits: int, colour: str, images: Images | None
) -> Iterator[str]:
    """The rows that show an array: as maps where it is one and images are wanted, and as text."""
    lines = lines_of(array, digits)
    told = styled(title, QUIET, size=9)
    if images is not None and is_picture(array) and not fits(array):
        maps = strip(array, VALUES if title == "value" else GRADIENTS)
        if maps.shown < maps.maps:
            lines.append(f"the first {maps.shown} of {maps.maps:,} maps")
        yield row(cell(told, 'ALIGN="LEFT" VALIGN="TOP"'), picture(maps, images))
        told = ""
    text = styled("\n".join(lines), colour)
    side = "RIGHT" if fits(array) else "LEFT"
    yield row(cell(told, 'ALIGN="LEFT" VALIGN="TOP"'), cell(text, f'ALIGN="{side}" BALIGN="LEFT"'))


def picture(maps: Strip, images: Images) -> str:
    """A cell that holds an image. Files are named by what is in them."""
    name = hashlib.sha256(maps.png).hexdigest()[:16] + ".png"
    images[name] = maps.png
    size = f'FIXEDSIZE="TRUE" WIDTH="{maps.width}" HEIGHT="{maps.height}"'
    image = f'<IMG SCALE="TRUE" SRC="{name}"/>'
    inner = table([row(cell(image, size))], f'ALIGN="LEFT" CELLPADDING="0" {size}')
    return cell(inner, "")


def remark(text: str) -> str:
    """A row of words about the node."""
    return row(cell(styled(text, QUIET, italic=True), 'ALIGN="LEFT" COLSPAN="2"'))


# --- Graphviz's HTML


def table(rows: list[str], attributes: str) -> str:
    """A table without lines of its own, unless `attributes` says so."""
    border = "" if "BORDER=" in attributes else 'BORDER="0" '
    return (
        f'<TABLE {border}CELLBORDER="0" CELLSPACING="0" {attributes}>' + "".join(rows) + "</TABLE>"
    )


def row(*cells: str) -> str:
    """A row of cells."""
    return f"<TR>{''.join(cells)}</TR>"


def cell(inside: str, attributes: str) -> str:
    """A cell; empty ones must hold something."""
    return f"<TD {attributes}>{inside or '&#160;'}</TD>"


def styled(text: str, colour: str, size: int = 11, bold: bool = False, italic: bool = False) -> str:
    """Text in a colour and a size (points)."""
    if not text:
        return ""
    inside = escaped(text)
    if bold:
        inside = f"<B>{inside}</B>"
    if italic:
        inside = f"<I>{inside}</I>"
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{inside}</FONT>'


def escaped(text: str) -> str:
    """Text as Graphviz's HTML that draws as it is, in the dot source and in the picture.

    A backslash would start one of Graphviz's own escapes (`\\N` is the node's name), spaces would
    melt together, and control characters have no place in XML: they show as their symbols.
    """
    return text.translate(ESCAPES).encode("utf-8", "replace").decode()


ESCAPES = {i: chr(0x2400 + i) for i in range(32)} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\\"): "&#92;&#92;",
    ord(" "): "&#160;",
    ord("\t"): "&#160;" * 4,
    ord("\n"): '<BR ALIGN="LEFT"/>',
    0x7F: "\u2421",
    0xFFFE: "\ufffd",
    0xFFFF: "\ufffd",
}
