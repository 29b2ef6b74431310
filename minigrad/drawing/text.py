"""What stands in the nodes: numbers, arrays, settings and names as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.core.node import Array
from minigrad.core.printable import printable

ROWS, COLUMNS = 8, 8  # an array of at most 32 numbers that fits in here is shown in full
FULL = 32
FEW = 6  # numbers on one line
LONGEST = 40  # characters of a setting
LONGEST_LINE = 60  # characters of a line of the user's program
MOST_OPS = 5  # named of a folded node


def lines_of(array: Array, digits: int) -> list[str]:
    """An array as text: all numbers if they are few, else the smallest, the mean, the largest.

    `digits` is how wide a column of numbers is.
    """
    if array.size == 0:
        return ["empty"]
    if fits(array):
        return grid(array, digits)
    return summary(array)


def fits(array: Array) -> bool:
    """Whether an array is small enough to be shown in full."""
    columns = array.shape[-1] if array.ndim else 1
    small = columns <= COLUMNS and array.size <= ROWS * columns
    return array.size <= FULL and (small or array.size == columns)


def grid(array: Array, digits: int) -> list[str]:
    """Numbers in rows, aligned at the right; a long vector goes on in the next row."""
    per_row = min(array.shape[-1], COLUMNS) if array.ndim else 1
    texts = [text.rjust(digits) for text in numbers(array)]
    return ["  ".join(texts[i : i + per_row]) for i in range(0, len(texts), per_row)]


def brief(array: Array) -> str:
    """An array on one line: its numbers if they are very few, else its range and mean."""
    if array.size == 0:
        return "empty"
    if array.size <= FEW:
        texts = numbers(array)
        return texts[0] if array.ndim == 0 else f"[{' '.join(texts)}]"
    return ", ".join(summary(array))


def shortened(text: str) -> str:
    """Text that is not too long for a node."""
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"


def widest(arrays: list[Array]) -> int:
    """How many characters the longest number takes, of those that are shown in full."""
    return max((len(text) for array in arrays if fits(array) for text in numbers(array)), default=0)


def numbers(array: Array) -> list[str]:
    """Every number of an array as text."""
    values = array.astype(np.float64) if array.dtype.kind == "f" else array
    return [number(x) for x in values.ravel().tolist()]


def summary(array: Array) -> list[str]:
    """The range and the mean of the finite numbers, and how many are not finite."""
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    lines = []
    if finite.size:
        with np.errstate(over="ignore"):  # a sum past 1e308 is shown as inf
            low, mean, high = (
                number(float(x)) for x in (finite.min(), finite.mean(), finite.max())
            )
        lines.append(f"min {low}  mean {mean}  max {high}")
    for name, there in (("nan", np.isnan(values)), ("inf", np.isinf(values))):
        if there.any():
            lines.append(f"{np.count_nonzero(there):,} of {array.size:,} are {name}")
    return lines


def number(x: float | int | bool) -> str:
    """A number in three digits: 0.125, -3.14, 1234, 1.2e-7.

    >>> [number(x) for x in (1 / 3, 1234.5, -1e-7, 2.0, float("nan"), 7, True)]
    ['0.333', '1234', '-1e-7', '2', 'nan', '7', 'True']
    """
    if not isinstance(x, float):
        return str(x)
    if 999.5 <= abs(x) < 1e6:
        return f"{x:.0f}"
    text = f"{x + 0.0:.3g}"  # + 0.0: a minus zero is a zero
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def listed(ops: Iterable[str]) -> str:
    """Some ops in words: in their order if they are few, else the most frequent kinds."""
    ops = list(ops)
    if len(ops) > 2 * MOST_OPS:
        return most_frequent(ops)
    shown = ops if len(ops) <= MOST_OPS else [*ops[: MOST_OPS - 2], "…", ops[-1]]
    return " → ".join(shown)


def most_frequent(ops: list[str]) -> str:
    """The kinds of ops and how many there are of each, the most frequent first."""
    counts = Counter(ops).most_common()
    shown = ", ".join(f"{count:,} {op}" for op, count in counts[: MOST_OPS - 1])
    return shown if len(counts) < MOST_OPS else f"{shown}, …"


def inside(ops: tuple[str, ...]) -> str:
    """What a folded node holds: "24 ops: matmul, add, relu"."""
    kinds = list(dict.fromkeys(ops))
    more = ", …" if len(kinds) > MOST_OPS else ""
    return f"{len(ops):,} op{'' if len(ops) == 1 else 's'}: {', '.join(kinds[:MOST_OPS])}{more}"


def settings_of(settings: Mapping[str, Any]) -> str:
    """The settings of an op on one line, without the usual ones: "stride 2, axis (0, 1)"."""
    texts = {key: setting(key, value) for key, value in settings.items()}
    return ", ".join(f"{key} {text}" for key, text in texts.items() if USUAL.get(key) != text)


USUAL = {"padding": "0", "dilation": "1", "groups": "1"}


def setting(key: str, value: Any) -> str:
    """One setting as text: an index as it is written, equal pairs as the number they repeat."""
    if key == "index":
        return printable(f"[{index(value)}]")
    if key in ("stride", "padding", "dilation", "size"):
        value = collapsed(value)
    text = printable(plain(value))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def collapsed(value: Any) -> Any:
    """A pair of equal parts as one of them, at every depth: ((1, 1), (1, 1)) -> 1."""
    if isinstance(value, tuple) and len(value) > 0:
        parts = [collapsed(part) for part in value]
        return parts[0] if all(part == parts[0] for part in parts) else tuple(parts)
    return value


def index(value: Any) -> str:
    """An index as it is written between the brackets: "::2, 0, ...".

    >>> index((slice(None, None, 2), 0, ..., None))
    '::2, 0, ..., None'
    """
    if isinstance(value, tuple):
        return ", ".join(index(part) for part in value)
    if isinstance(value, slice):
        start, stop, step = (
            "" if x is None else str(x) for x in (value.start, value.stop, value.step)
        )
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if value is Ellipsis else plain(value)


def plain(value: Any) -> str:
    """A setting of any kind, without anything that differs from run to run (such as an address)."""
    if isinstance(value, np.ndarray):
        few = value.ndim <= 1 and value.size <= COLUMNS
        return str(value.tolist()) if few else f"{value.dtype} {value.shape}"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, tuple | list):
        inside = ", ".join(plain(part) for part in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, str | int | bool | np.generic | np.dtype | None | type(...)):
        return str(value)
    return getattr(value, "__name__", type(value).__name__)
