"""Pictures of single steps, drawn by Graphviz: what is there by then, and what the step does.

Every node has a size of its own from the start, so all frames have one layout.
"""

from __future__ import annotations

import hashlib
import io

import numpy as np

from minigrad.core.node import Array
from minigrad.drawing.images import blue_to_red, grey, png
from minigrad.drawing.labels import Images, cell, row, styled, table
from minigrad.drawing.render import render
from minigrad.drawing.text import number
from minigrad.errors import DrawingError
from minigrad.tracing.panels import COLUMN, PAD, Look, Panel, look_of, shortened
from minigrad.tracing.steps import Recorded, Step, Value

FONT = "DejaVu Sans Mono,Menlo,Consolas,monospace"
INK, QUIET, SLOPE, FAINT = "#1b1f24", "#57606a", "#8a2b06", "#c5ccd3"
FORWARD, BACKWARD = "#0072b2", "#d55e00"
KINDS = {  # fill and line, as in pictures
    "data": ("#dcebf7", "#0072b2"),
    "parameter": ("#fbe6b8", "#a35f00"),
    "op": ("#f6f6f7", "#6e7781"),
    "result": ("#d3efe3", "#00795a"),
}
ALARM = ("#fde8ee", "#b3003b")  # the first that makes nan or infinity
POINTS = 72
MOST, MOST_EDGES = 300, 900  # nodes and edges of a picture
SHORT = 4  # ops one after the other that still go from left to right
SLOW = 900  # milliseconds a frame of a gif


def frame(recorded: Recorded, count: int, kind: str) -> bytes:
    """The picture after `count` steps, as "svg" or "png"."""
    images: Images = {}
    source = dot(recorded, count, images)
    return render(source, kind, images)


def dot(recorded: Recorded, count: int, images: Images) -> str:
    """The Graphviz source of one frame; its images are added to `images`."""
    if len(recorded.values) > MOST:
        raise DrawingError(
            f"the graph has {len(recorded.values):,} nodes, and a picture of more than {MOST} "
            f"cannot be read. Trace a tensor nearer to the inputs, or save .html, which folds."
        )
    edges = sum(len(v.inputs) for v in recorded.values)
    if edges > MOST_EDGES:
        raise DrawingError(
            f"the graph has {edges:,} edges, and a picture of more than {MOST_EDGES} cannot be "
            f"read. Trace a tensor nearer to the inputs, or save .html, which folds."
        )
    now = recorded.steps[count - 1] if count else None
    turn, leave, arrive = ("LR", "e", "w") if ranks(recorded) <= SHORT else ("TB", "s", "n")
    made, gradients = so_far(recorded, count)
    text = [
        f"digraph trace {{ rankdir={turn};",
        f'graph [fontname="{FONT}" bgcolor=white nodesep=0.3 ranksep=0.4 pad=0.15 labeljust=l '
        f"label=<{styled(shortened(caption(recorded, count)), QUIET, 11)}>]",
        f'node [shape=box style="rounded,filled" fixedsize=true fontname="{FONT}" fontsize=11]',
        "edge [arrowsize=0.7]",
    ]
    for v in recorded.values:
        look = look_of(v, heading(v))
        there = v.number in made
        fill, line = (ALARM if v.anomaly else KINDS[v.kind]) if there else ("white", FAINT)
        width = 2.0
        if now and v.number == now.node:
            line, width = FORWARD if now.phase == "forward" else BACKWARD, 4.0
        elif now and any(p.input == v.number and p.contribution is not None for p in now.parts):
            line, width = BACKWARD, 3.0
        label = inside(v, look, there, gradients.get(v.number), images)
        text.append(
            f'{v.number} [width="{look.width / POINTS:.4f}" height="{look.height / POINTS:.4f}" '
            f'color="{line}" fillcolor="{fill}" penwidth={width} label=<{label}>]'
        )
    for v in recorded.values:
        for slot, x in enumerate(v.inputs):
            line = edge_style(now, v, slot)
            if v.broadcast[slot] is not None and recorded.values[x - 1].value.ndim:
                told = styled(f"  → {v.broadcast[slot]}", QUIET, 9)
                line += f' label=<{told}> fontname="{FONT}"'
            text.append(f"{x}:{leave} -> {v.number}:{arrive} [{line}]")
    return "\n".join([*text, "}"])


def ranks(recorded: Recorded) -> int:
    """The most ops that come one after the other."""
    depth: dict[int, int] = {}
    for v in recorded.values:
        depth[v.number] = max((depth[x] + 1 for x in v.inputs), default=0)
    return max(depth.values())


def so_far(recorded: Recorded, count: int) -> tuple[set[int], dict[int, Array]]:
    """The values that are there after `count` steps, and the sums of gradients."""
    made = {v.number for v in recorded.values if not v.op}
    gradients: dict[int, Array] = {}
    for step in recorded.steps[:count]:
        if step.phase == "forward":
            made.add(step.node)
            continue
        if step.cotangent is not None:
            gradients.setdefault(step.node, step.cotangent)
        gradients |= {p.input: p.sum for p in step.parts if p.sum is not None}
    return made, gradients


def caption(recorded: Recorded, count: int) -> str:
    """What is going on, in one line."""
    if not count:
        return f"before the first of {len(recorded.steps)} steps"
    step = recorded.steps[count - 1]
    name = recorded.values[step.node - 1].label
    what = f"{name} = {step.formula}" if step.phase == "forward" else f"back through {step.op}"
    return f"step {count} of {len(recorded.steps)}, {step.phase}: {what}"


def edge_style(now: Step | None, v: Value, slot: int) -> str:
    """An edge that the step uses is thick."""
    if now is None or now.node != v.number:
        return f'color="{FAINT}"'
    if now.phase == "forward":
        return f'color="{FORWARD}" penwidth=3'
    if now.parts[slot].contribution is None:
        return f'color="{FAINT}"'
    return f'color="{BACKWARD}" penwidth=3 dir=back'


def heading(v: Value) -> str:
    """Name, op and shape."""
    name = shortened(v.name)
    what = f"{name} = {v.op}" if name and v.op else name or v.op or v.kind
    return f"{what} {str(v.value.shape).replace(' ', '')}"


def inside(v: Value, look: Look, there: bool, gradient: Array | None, images: Images) -> str:
    """The label of a node: its heading, its value, its gradient so far."""
    what, _, shape = heading(v).rpartition(" ")
    bold = styled(what, INK if there else QUIET, 11, bold=True)
    titles = row(cell(bold, 'ALIGN="LEFT"'), cell(styled(shape, QUIET, 10), 'ALIGN="RIGHT"'))
    parts = [panel("value", v.value if there else None, look.panel, INK, images)]
    if v.gradient is not None:
        parts.append(panel("gradient", gradient, look.panel, SLOPE, images))
    gap = [cell("", f'WIDTH="{PAD}"')] * (len(parts) - 1)
    rows = [row(p) for p in parts] if look.stacked else [row(parts[0], *gap, *parts[1:])]
    body = row(cell(table(rows, 'CELLPADDING="1" ALIGN="LEFT"'), 'COLSPAN="2" ALIGN="LEFT"'))
    return table([titles, body], f'CELLPADDING="1" WIDTH="{look.width - PAD:.0f}"')


def panel(what: str, array: Array | None, p: Panel, colour: str, images: Images) -> str:
    """A cell with an array in it, under its name; of the same size without one."""
    width, height = (max(1, round(side)) for side in p.size)
    size = f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
    if min(p.size) < 4:  # nothing would fit
        shown = cell("", 'CELLPADDING="0"')
    elif array is None:
        shown = cell(styled(" ", colour, 1), size)
    elif p.kind == "numbers":
        shown = cell(numbers(array, p, colour), f'{size} CELLPADDING="0"')
    else:
        content = picture(array, p, what)
        name = hashlib.sha256(content).hexdigest()[:16] + ".png"
        images[name] = content
        shown = cell(f'<IMG SCALE="BOTH" SRC="{name}"/>', size)
    told = row(cell(styled(what, QUIET, 8), f'ALIGN="LEFT" WIDTH="{COLUMN}"'))
    kept = cell(table([row(shown)], 'CELLPADDING="0" ALIGN="LEFT"'), 'ALIGN="LEFT"')
    return cell(table([told, row(kept)], 'CELLPADDING="0" ALIGN="LEFT"'), 'ALIGN="LEFT"')


def numbers(array: Array, p: Panel, colour: str) -> str:
    """A grid of numbers."""
    texts = [number(x) for x in array.astype(float).ravel().tolist()]
    size = f'ALIGN="RIGHT" FIXEDSIZE="TRUE" WIDTH="{p.width:.0f}" HEIGHT="{p.height:.0f}"'
    rows = [
        row(*[cell(styled(text, colour, 10), size) for text in texts[i : i + p.columns]])
        for i in range(0, len(texts), p.columns)
    ]
    return table(rows, 'CELLPADDING="0"')


def picture(array: Array, p: Panel, what: str) -> bytes:
    """An array as the cells of its panel, one image."""
    flat = array.astype(np.float64).reshape(-1)[: p.maps * p.rows * p.columns]
    shown = np.zeros(p.maps * p.rows * p.columns)
    shown[: len(flat)] = flat
    colours = (grey if what == "value" else blue_to_red)(shown.reshape(p.maps, p.rows, p.columns))
    down = -(-p.maps // p.in_a_row)
    across = min(p.maps, p.in_a_row)
    high, wide = max(1, round(2 * p.height)), max(1, round(2 * p.width))
    gap = 4 if p.maps > 1 else 0
    step = (p.rows * high + gap, p.columns * wide + gap)
    image = np.full((down * step[0] - gap, across * step[1] - gap, 3), 255, np.uint8)
    for i, one in enumerate(colours):
        top, left = i // p.in_a_row * step[0], i % p.in_a_row * step[1]
        block = one.repeat(high, 0).repeat(wide, 1)
        image[top : top + block.shape[0], left : left + block.shape[1]] = block
    return png(image)


def gif(recorded: Recorded) -> bytes:
    """All frames as one moving picture. Raises `DrawingError` where Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DrawingError("a .gif needs Pillow: pip install pillow, or save .html.") from error

    frames = []
    for count in range(len(recorded.steps) + 1):
        with Image.open(io.BytesIO(frame(recorded, count, "png"))) as whole:
            shown = whole.convert("RGB")
        frames.append(shown.resize((shown.width // 2, shown.height // 2), Image.Resampling.BOX))
    size = (max(f.width for f in frames), max(f.height for f in frames))
    sheets = [Image.new("RGB", size, "white") for _ in frames]
    for sheet, shown in zip(sheets, frames, strict=True):
        sheet.paste(shown)
    palette = sheets[-1].quantize(255)
    flat = [sheet.quantize(palette=palette, dither=Image.Dither.NONE) for sheet in sheets]
    file = io.BytesIO()
    times = [SLOW] * (len(flat) - 1) + [4 * SLOW]
    flat[0].save(file, "GIF", save_all=True, append_images=flat[1:], duration=times, loop=0)
    return file.getvalue()
