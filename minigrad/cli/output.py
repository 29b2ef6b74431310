"""Where the command writes to: streams, whatever they can take; files, whole or not at all."""

from __future__ import annotations

import codecs
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from minigrad.core.printable import printable
from minigrad.errors import MinigradError

LONGEST = 600  # characters of a line of a message
PLAIN = str.maketrans("●■□▣│├╰─→·…", "o*.#||`->.~")
UNREAD = 1  # nobody reads what is printed


def prepare() -> None:
    """Make stdout and stderr take any text, and make them exist."""
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:  # or files would get these numbers
        pass
    os.close(spare)
    codecs.register_error("minigrad", in_plain_signs)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for good
            setattr(sys, name, stream)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="minigrad")


def in_plain_signs(error: UnicodeError) -> tuple[str, int]:
    """The signs of pictures and tables in ASCII, where a stream has no other; else codes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(PLAIN)
    return text.encode("ascii", "backslashreplace").decode(), error.end


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Warnings without the place in the library that they come from, for a block."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print_warning(message)
        yield


def print_warning(message: Warning | str) -> None:
    """Say a warning on stderr."""
    complain(f"warning: {message}")


def complain(text: str, status: int = 0) -> int:
    """Say on stderr what is wrong; returns the status."""
    lines = [shortened(printable(line)) for line in f"minigrad: {text}".splitlines()]
    with suppress(OSError):  # there is nowhere else to say it
        sys.stderr.write("\n".join(lines) + "\n")
        sys.stderr.flush()
    return status


def shortened(line: str) -> str:
    """A line without the middle of it, if it is very long."""
    half = LONGEST // 2
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"


def finish(status: int) -> int:
    """Bring out what is still in the buffers; returns the status, another one if that fails."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = UNREAD
    except (OSError, ValueError) as error:
        status = complain(f"cannot print: {reason(error)}.", 2)
    else:
        return status
    spare = os.open(os.devnull, os.O_WRONLY)  # for what Python tries once more when it ends
    os.dup2(spare, 1)
    return status


def say(text: str) -> None:
    """Print a text, every line of it printable."""
    sys.stdout.write("\n".join(map(printable, text.split("\n"))) + "\n")


def console() -> Console:
    """What tables, progress and lines that fit the terminal are printed by."""
    return Console(markup=False, emoji=False)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A path in a folder of its own, what is written beside it too: moved to `path` when all is
    done. If anything fails, or the process is ended, nothing is there that was not.
    """
    if path.exists() and not path.is_file():
        raise click.ClickException(f"cannot write {path}: it is there, and it is not a file.")
    try:
        real = Path(os.path.realpath(path))
        with TemporaryDirectory(prefix=".minigrad-", dir=real.parent) as folder:
            yield Path(folder, path.name)
            for made in sorted(Path(folder).iterdir()):
                os.replace(made, real.with_name(real.name if made.name == path.name else made.name))
    except (OSError, UnicodeError, ValueError) as error:
        if isinstance(error, MinigradError):
            raise
        raise click.ClickException(f"cannot write {path}: {reason(error)}.") from error


def reason(error: Exception) -> str:
    """Why something could not be written, in the system's words."""
    if isinstance(error, shutil.Error):
        return "the fonts cannot be copied to the folder for temporary files"
    return str(getattr(error, "strerror", None) or error)


def saved(thing: Any, path: Path) -> str:
    """Save a drawing or a trace whole; returns what was written: its path, or of many the first and
    the last.
    """
    with writing(path) as whole:
        thing.save(whole)
        made = sorted(made.name for made in whole.parent.iterdir())
    return str(path) if made == [path.name] else f"{path.with_name(made[0])} to {made[-1]}"


def first_that_fits(console: Console, *tables: Table) -> Table:
    """The first table that the terminal is wide enough for, else the last."""
    endless = console.options.update(max_width=10_000)
    for table in tables[:-1]:
        if Measurement.get(console, endless, table).maximum <= console.width:
            return table
    return tables[-1]
