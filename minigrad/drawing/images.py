"""Arrays as small images: feature maps in grey, their gradients from blue over white to red."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.node import Array

LARGEST = 56  # of one map in the picture, in points
PIXEL = 8  # points that one of its pixels is at most
MOST = 16  # maps of one array
IN_A_ROW = 8
SHARPNESS = 2  # pixels of the file a point
LINE = 2  # points between maps

# ColorBrewer's RdBu, safe for colour-blind eyes: (position, red, green, blue)
DIVERGING = np.array(
    [
        (-1.0, 5, 48, 97),
        (-0.5, 67, 147, 195),
        (0.0, 247, 247, 247),
        (0.5, 214, 96, 77),
        (1.0, 103, 0, 31),
    ]
)
NOT_FINITE = (255, 0, 255)


@dataclass(frozen=True, slots=True)
class Strip:
    """Some maps side by side: the file, its size in the picture, and how many maps there are."""

    png: bytes
    width: int  # points
    height: int
    shown: int
    maps: int


def is_picture(array: Array) -> bool:
    """Whether an array reads as maps: (..., H, W), neither side of a map very short."""
    if not 2 <= array.ndim <= 4 or array.size == 0:
        return False
    short, long = sorted(array.shape[-2:])
    return short >= 3 and long <= 4 * short


def strip(array: Array, colours: Colours) -> Strip:
    """The maps of an array (H, W), (C, H, W) or (B, C, H, W) as one image, in rows of eight."""
    maps = array.reshape(-1, *array.shape[-2:]).astype(np.float64)  # (maps, H, W)
    shown = maps[:MOST]
    coarse = -(-max(shown.shape[-2:]) // LARGEST)  # take every n-th pixel of a large map
    shown = shown[:, ::coarse, ::coarse]
    size = min(PIXEL, LARGEST // max(shown.shape[-2:]))
    pixels = colours.of(shown).repeat(size * SHARPNESS, 1).repeat(size * SHARPNESS, 2)
    image = side_by_side(pixels, colours.line)
    height, width = image.shape[0] // SHARPNESS, image.shape[1] // SHARPNESS
    return Strip(png(image), width, height, len(shown), len(maps))


def side_by_side(pixels: Array, colour: tuple[int, int, int]) -> Array:
    """Maps (n, H, W, 3) laid out in rows, with lines between and around -> (H', W', 3)."""
    number, height, width, _ = pixels.shape
    columns = min(number, IN_A_ROW)
    rows = -(-number // columns)
    line = LINE * SHARPNESS
    image = np.empty((rows * (height + line) + line, columns * (width + line) + line, 3), np.uint8)
    image[...] = colour
    for i, one in enumerate(pixels):
        top, left = i // columns * (height + line) + line, i % columns * (width + line) + line
        image[top : top + height, left : left + width] = one
    return image


def grey(maps: Array) -> Array:
    """Values from black (the smallest shown) to white (the largest). -> (..., 3) bytes"""
    low, high = extent(maps)
    level = (maps - low) / (high - low if high > low else 1)
    return marked(np.repeat(level[..., None], 3, -1) * 255, maps)


def blue_to_red(maps: Array) -> Array:
    """Values from blue (negative) over white (zero) to red (positive). -> (..., 3) bytes"""
    largest = max(map(abs, extent(maps))) or 1.0
    position, *channels = DIVERGING.T
    level = maps / largest
    return marked(np.stack([np.interp(level, position, c) for c in channels], -1), maps)


@dataclass(frozen=True, slots=True)
class Colours:
    """How numbers become colours, and the colour of the lines that part the maps."""

    of: Callable[[Array], Array]
    line: tuple[int, int, int]


VALUES = Colours(grey, (255, 255, 255))
GRADIENTS = Colours(blue_to_red, (175, 184, 193))


def extent(maps: Array) -> tuple[float, float]:
    """The smallest and the largest finite value; zeros if there is none."""
    finite = maps[np.isfinite(maps)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def marked(colours: Array, maps: Array) -> Array:
    """Colours as bytes, with what is not finite in a colour of its own."""
    finite = np.isfinite(maps)
    colours = np.where(finite[..., None], colours, 0)
    as_bytes: Array = np.round(colours).astype(np.uint8)
    as_bytes[~finite] = NOT_FINITE
    return as_bytes


def png(pixels: Array) -> bytes:
    """An image (H, W, 3) of bytes as a PNG file. W3C, PNG (third edition), sections 5 and 9."""
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, true colour
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row starts with its filter, 0
    rows[:, 1:] = pixels.reshape(height, -1)
    parts = (
        chunk(b"IHDR", header),
        chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, content: Any) -> bytes:
    """One part of a PNG file: length, kind, content, check sum."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
