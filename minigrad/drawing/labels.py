"""One node as a table in Graphviz's HTML: what it is, its value, its gradient."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from minigrad.core.node import Array
from minigrad.drawing.images import GRADIENTS, VALUES, Strip, is_picture, strip
from minigrad.drawing.snapshot import Vertex
from minigrad.drawing.text import fits, inside, lines_of, settings_of, shortened, widest
from minigrad.drawing.themes import Style, Theme

Images = dict[str, bytes]  # PNG files by name


def label(vertex: Vertex, main: int, images: Images | None, style: Style) -> str:
    """The label of a node. Its images, where there are to be any, are added to `images`."""
    look = style.theme.alarm if vertex.anomaly else style.theme.looks[vertex.kind]
    rows = [*heading(vertex, style), *contents(vertex, images, style)]
    width = 4 if vertex.anomaly else 2
    edge = f'BORDER="{width}" COLOR="{look.line}" BGCOLOR="{look.fill}" CELLPADDING="4"'
    if not style.lying:
        return table([*ports(vertex, main, style), *rows], edge)
    arguments = [*side_ports(vertex, style)]
    if not arguments:
        return table(rows, edge)
    inner = cell(table(rows, 'CELLPADDING="4"'), 'CELLPADDING="0"')
    return table([row(*arguments, inner)], edge)


def contents(vertex: Vertex, images: Images | None, style: Style) -> Iterator[str]:
    """The rows below the heading: the value, the gradient, the source."""
    theme = style.theme
    value = vertex.value if "value" in style.show else None
    gradient = vertex.gradient if "grad" in style.show else None
    arrays = [value, gradient, *vertex.changes.values()]
    digits = widest([array for array in arrays if array is not None])
    rows: list[str] = []
    if value is not None:
        rows += content("value", value, digits, theme.ink, images, theme)
        if "value" in vertex.changes:
            rows += content("change", vertex.changes["value"], digits, theme.ink, images, theme)
    elif vertex.value is None and "value" in style.show:
        rows.append(remark(vertex.value_text, theme))
    if gradient is not None:
        title = "stored .grad" if vertex.stored else "gradient"
        rows += content(title, gradient, digits, theme.slope, images, theme)
        if "gradient" in vertex.changes:
            change = vertex.changes["gradient"]
            rows += content("change", change, digits, theme.slope, images, theme)
    elif vertex.remark and "grad" in style.show:
        rows.append(remark(vertex.remark, theme))
    if vertex.was:
        rows.append(remark(vertex.was, theme))
    if vertex.anomaly:
        words = styled(vertex.anomaly, theme.alarm.line, bold=True)
        rows.append(row(cell(words, 'ALIGN="LEFT" COLSPAN="2"')))
    if vertex.source and "source" in style.show:
        rows.append(remark(shortened(vertex.source), theme))
    if rows:
        yield "<HR/>"
        yield from rows


def ports(vertex: Vertex, main: int, style: Style) -> Iterator[str]:
    """Where the edges arrive, in the order of the arguments; one alone needs no telling.

    The input in slot `main` arrives in the middle, so that the graph's main line runs straight.
    """
    names = vertex.arguments
    if len(names) > 1:
        wide, quiet = 'WIDTH="24"', style.theme.quiet
        cells = [cell(styled(n, quiet, size=9), f'PORT="{i}" {wide}') for i, n in enumerate(names)]
        blank = [cell("", wide)] * abs(len(names) - 1 - 2 * main)
        cells = blank + cells if 2 * main < len(names) - 1 else cells + blank
        yield row(cell(table([row(*cells)], 'CELLPADDING="0"'), 'COLSPAN="2" CELLPADDING="0"'))


def side_ports(vertex: Vertex, style: Style) -> Iterator[str]:
    """The same at the side, one below the other, where the graph runs to the right or the left."""
    names = vertex.arguments
    if len(names) > 1:
        quiet = style.theme.quiet
        rows = [
            row(cell(styled(n, quiet, size=9), f'PORT="{i}" HEIGHT="18"'))
            for i, n in enumerate(names)
        ]
        yield cell(table(rows, 'CELLPADDING="0"'), 'CELLPADDING="2"')


def heading(vertex: Vertex, style: Style) -> Iterator[str]:
    """Name and op at the left, shape at the right; below them the settings."""
    theme = style.theme
    name, op = vertex.name, vertex.op
    what = styled(name, theme.ink, bold=True) if name else ""
    if op:
        what += styled(" = ", theme.quiet) if name else ""
        what += styled(op, theme.ink, bold=not name)
    elif vertex.kind != "folded":
        what += styled(f" {vertex.noun}" if name else vertex.noun, theme.quiet)
    dtype = "" if vertex.dtype == float else f" {vertex.dtype}"
    shape = f"  {vertex.shape}{dtype}" if "shape" in style.show else ""
    sides = [cell(what, 'ALIGN="LEFT" BALIGN="LEFT"')]
    sides.append(cell(styled(shape, theme.quiet), 'ALIGN="RIGHT"'))
    rows = [row(*sides)]
    more = inside(vertex.ops) if vertex.ops else settings_of(vertex.settings)
    if more:
        rows.append(row(cell(styled(more, theme.quiet), 'ALIGN="LEFT" COLSPAN="2"')))
    yield row(cell(table(rows, 'CELLPADDING="4"'), 'COLSPAN="2" CELLPADDING="0"'))


def content(
    title: str, array: Array, digits: int, colour: str, images: Images | None, theme: Theme
) -> Iterator[str]:
    """The rows that show an array: as maps where it is one and images are wanted, and as text."""
    lines = lines_of(array, digits)
    told = styled(title, theme.quiet, size=9)
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


def remark(text: str, theme: Theme) -> str:
    """A row of words about the node."""
    return row(cell(styled(text, theme.quiet, italic=True), 'ALIGN="LEFT" COLSPAN="2"'))


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
