"""What the examples' pictures share: colours, figures, where they are written."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

# Okabe and Ito's colours, which colour-blind eyes tell apart
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
GREY, INK = "#8c959f", "#1b1f24"
STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.dpi": 110,
}


def folder(about: str | None) -> Path:
    """Where the pictures go: the current folder, or what `--out` names; made if need be."""
    parser = ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(), help="the folder for the pictures")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    return out


def figure(rows: int, columns: int, width: float, height: float, **settings: Any) -> Any:
    """A new figure (inches) and its axes, as `plt.subplots` gives them, without a window."""
    made = sheet(width, height)
    return made, made.subplots(rows, columns, **settings)


def mosaic(layout: str, width: float, height: float, **settings: Any) -> Any:
    """A new figure (inches) and its axes by name, as `plt.subplot_mosaic` gives them."""
    made = sheet(width, height)
    return made, made.subplot_mosaic(layout, **settings)


def sheet(width: float, height: float) -> Any:
    """An empty figure (inches), in the style of all of them."""
    rcParams.update(STYLE)
    return Figure((width, height), layout="constrained")


def save(made: Any, path: Path) -> None:
    """Write the figure as a small file, of at most 256 colours, and say so."""
    drawn = BytesIO()
    made.savefig(drawn, bbox_inches="tight", pad_inches=0.06)
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"Wrote {path}")


def maps(axes: Any, array: Any, title: str = "", **settings: Any) -> Any:
    """One map (H, W) or colour image (H, W, 3), without ticks."""
    shown = axes.imshow(array, **{"cmap": "gray", **settings})
    axes.set(xticks=[], yticks=[])
    axes.set_title(title)
    axes.spines[:].set_visible(False)
    return shown


def signed(axes: Any, array: Any, title: str = "", **settings: Any) -> Any:
    """One map (H, W), blue where negative, white at 0, red where positive."""
    largest = float(np.nanmax(np.abs(array))) or 1.0
    return maps(
        axes, array, title, **{"cmap": "RdBu_r", "vmin": -largest, "vmax": largest} | settings
    )


def frame(axes: Any, row: int, column: int, side: int) -> None:
    """A square around so many pixels of a map, from a row and a column on."""
    corner = (column - 0.5, row - 0.5)
    axes.add_patch(Rectangle(corner, side, side, fill=False, ec=RED, lw=1.5))


def in_a_row(arrays: Any) -> Any:
    """Maps (n, H, W) side by side as one, with gaps."""
    return np.hstack(np.pad(arrays, ((0, 0), (0, 0), (0, 1)), constant_values=np.nan))[:, :-1]


def classes(axes: Any, points: Any, labels: Any, **look: Any) -> None:
    """Points (N, 2) of two classes: blue circles for 0, orange triangles for 1."""
    for label, colour, marker in ((0, BLUE, "o"), (1, ORANGE, "^")):
        axes.scatter(*points[labels == label].T, c=colour, marker=marker, zorder=3, **look)


def regions(
    axes: Any,
    score: Callable[[Any], Any] | None,
    points: Any,
    labels: Any,
    *,
    margin: float = 0.4,
    square: bool = False,
) -> None:
    """The plane in the colour of the class that `score` (positive for class 1) gives it, if any."""
    (left, bottom), (right, top) = points.min(0) - margin, points.max(0) + margin
    if square:
        across, up, half = (
            (left + right) / 2,
            (bottom + top) / 2,
            max(right - left, top - bottom) / 2,
        )
        left, right, bottom, top = across - half, across + half, up - half, up + half
    if score is not None:
        across, up = np.meshgrid(np.linspace(left, right, 201), np.linspace(bottom, top, 201))
        scores = np.reshape(score(np.stack([across.ravel(), up.ravel()], 1)), across.shape)
        axes.contourf(across, up, scores > 0, levels=[-1, 0.5, 2], colors=["#d6e6f2", "#fbe9c6"])
        axes.contour(across, up, scores, levels=[0], colors=[INK], linewidths=1)
    classes(axes, points, labels, edgecolors=INK, linewidths=0.5, s=28)
    axes.set(aspect="equal", xlim=(left, right), ylim=(bottom, top))


def inputs_written(axes: Any, points: Any, inputs: Any, sides: Any) -> None:
    """Beside each point, the inputs (x1, x2) that it comes from; all of those whose points touch.

    `sides` (N, 2) are the directions in which there is room.
    """
    names: list[tuple[Any, Any, list[str]]] = []
    for point, (x1, x2), side in zip(points, inputs, sides, strict=True):
        near = [called for place, _, called in names if np.linalg.norm(place - point) < 0.2]
        if near:
            near[0].append(f"({x1:g}, {x2:g})")
        else:
            names.append((point, side / np.linalg.norm(side), [f"({x1:g}, {x2:g})"]))
    for place, side, called in names:
        across, up = np.where(abs(side) > 0.35, np.sign(side), 0).astype(int)
        axes.annotate(
            "\n".join(called), place, 8 * side, textcoords="offset points",
            ha=("center", "left", "right")[across], va=("center", "bottom", "top")[up],
        )  # fmt: skip


def volumes(axes: Any, chain: list[tuple[str, tuple[int, int, int]]], title: str) -> None:
    """Volumes (depth, side, side) as boxes to scale, each after how it was made."""
    left = 0.0
    for how, (depth, side, _) in chain:
        axes.text(left - 26, 0, how, ha="center", va="center")
        low, back = -side / 2, np.array([side / 4, side / 4])  # back: how the height recedes
        front = np.array([[0, 0], [depth, 0], [depth, side], [0, side]]) + np.array([left, low])
        top, right = [front[3], front[2]], [front[1], front[2]]
        for face, colour in (
            (front, "#a9cbe3"),
            ([*top, top[1] + back, top[0] + back], "#e6f0f7"),
            ([*right, right[1] + back, right[0] + back], "#d6e6f2"),
        ):
            axes.fill(*np.transpose(face), fc=colour, ec=BLUE)
        axes.text(left, low - 3, f"{side}x{side}x{depth}", va="top")
        left += depth + 68
    axes.set(title=title, aspect="equal", ylim=(-30, 29), xlim=(-5, left - 40))
    axes.axis("off")
