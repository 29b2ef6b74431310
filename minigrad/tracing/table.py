"""A trace as a table in the terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from minigrad.core.node import Array
from minigrad.drawing.text import fits, lines_of
from minigrad.tracing.steps import Part, Recorded, Step

MOST = 12  # numbers of an array that are shown in a cell


def table(recorded: Recorded) -> Table:
    """One row a forward step, one row for each input that a backward step gives to."""
    named = {v.number: v.label for v in recorded.values}
    made = Table(title="Backprop, step by step", title_justify="left", expand=False)
    made.add_column("step", justify="right", no_wrap=True)
    for heading in ("where", "what", "value, or what arrives", "gives", "sum so far"):
        made.add_column(heading, overflow="fold")
    half = sum(step.phase == "forward" for step in recorded.steps)
    for step in recorded.steps:
        odd = recorded.values[step.node - 1].anomaly
        if step.phase == "forward":
            made.add_row(
                str(step.number),
                Text(line(step)),
                Text("\n".join(filter(None, (f"{named[step.node]} = {step.formula}", odd)))),
                Text(short(step.output)),
                end_section=step.number == half,
            )
            continue
        for i, part in enumerate(p for p in step.parts if p.contribution is not None):
            made.add_row(
                "" if i else str(step.number),
                Text("" if i else line(step)),
                Text(f"back through {step.op} at {named[step.node]}" if not i else ""),
                Text("" if i else short(step.cotangent)),
                Text(gives(part, named[part.input])),
                Text(short(part.sum)),
            )
    return made


def line(step: Step) -> str:
    """The line of the user's code, if it is known."""
    if step.source is None:
        return ""
    return f"{step.source.file.rpartition('/')[2]}:{step.source.line}"


def gives(part: Part, name: str) -> str:
    """What one input is given, and by which formula."""
    formula = part.formula if "\n" not in part.formula else part.words
    return f"{name}: {formula}\n{short(part.contribution)}"


def short(array: Array | Any) -> str:
    """An array in a few words: its numbers if they are few, else its shape and range."""
    if array is None:
        return ""
    lines = lines_of(array, 0)
    if fits(array) and array.size <= MOST:
        return "\n".join(lines)
    if fits(array):
        return f"{array.shape}\n{lines_of(array.repeat(40), 0)[0]}"
    return f"{array.shape}\n" + "\n".join(lines)
