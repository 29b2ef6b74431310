"""Graphviz source to svg, png and pdf: by the program `dot` where there is one, else in process.

pygraphviz carries Graphviz inside, and `fonts/` the font that it is to lay out with, so pictures
come out on a machine that has neither Graphviz nor any font.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Lock

from minigrad.drawing.labels import Images

ONE_DATE = {  # for a pdf, in which cairo writes when it was made
    "SOURCE_DATE_EPOCH": "315532800",
    "TZ": "UTC0",
}
SETTINGS = {  # sharp on dense screens, in dots per inch; a larger picture is scaled down to inches
    "png": {"dpi": "144", "size": "80,80"}
}
REMARKS = (b"Fontconfig", b"Warning: graph has")  # the second is pygraphviz's, of large graphs
one_at_a_time = Lock()  # Graphviz is one state for the whole process, and so is the environment


def render(source: str, kind: str, images: Images) -> bytes:
    """The picture as a file of this kind ("svg", "png", "pdf"); the source names the images."""
    with TemporaryDirectory() as folder:
        for name, content in images.items():
            Path(folder, name).write_bytes(content)
        settings = {"imagepath": folder} | SETTINGS.get(kind, {})
        made = by_program(source, kind, settings) or in_process(source, kind, settings)
    if kind == "svg":
        return self_contained(made, images)
    return with_one_date(made) if kind == "pdf" else made


def by_program(source: str, kind: str, settings: dict[str, str]) -> bytes:
    """What the program `dot` makes of it; nothing if there is none, or it lacks the format."""
    program = shutil.which("dot")
    if program is None:
        return b""
    done = subprocess.run(
        [program, f"-T{kind}", *(f"-G{key}={value}" for key, value in settings.items())],
        input=source.encode(),
        env=os.environ | ONE_DATE,
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else b""


def in_process(source: str, kind: str, settings: dict[str, str]) -> bytes:
    """What the Graphviz inside pygraphviz makes of it."""
    import pygraphviz

    with one_at_a_time, environment(ONE_DATE | where_fonts_are()), without_remarks():
        graph = pygraphviz.AGraph(string=source)
        graph.graph_attr.update(settings)
        made: bytes = graph.draw(format=kind, prog="dot")
        graph.close()
    return made


@cache
def where_fonts_are() -> dict[str, str]:
    """What tells Fontconfig of the fonts; it looks once, and opens the files when it needs them.

    They are copied to a folder of this process, since Fontconfig 2.13 writes to every folder of
    fonts. `fonts.conf`, which cannot name its own folder, finds it by XDG_DATA_HOME.
    """
    folder = TemporaryDirectory(prefix="minigrad-")
    atexit.register(folder.cleanup)
    fonts = Path(folder.name, "fonts")
    shutil.copytree(Path(__file__).with_name("fonts"), fonts)
    return {"FONTCONFIG_FILE": str(fonts / "fonts.conf"), "XDG_DATA_HOME": folder.name}


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """The variables in this process's environment, for a block."""
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    set_time_zone()
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
        set_time_zone()


def set_time_zone() -> None:
    """Let C's functions of time follow the environment, on systems where they can."""
    if hasattr(time, "tzset"):
        time.tzset()


@contextmanager
def without_remarks() -> Iterator[None]:
    """Hold back what is written to stderr, for a block; drop remarks that help nobody.

    An older Fontconfig, as in pygraphviz's wheels, remarks on the system's newer files.
    """
    if sys.stderr is None:  # a program without a console
        yield
        return
    with TemporaryFile() as held:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not line.startswith(REMARKS)))


def self_contained(svg: bytes, images: Images) -> bytes:
    """The svg with its images inside, as data URIs."""

    def inside(found: re.Match[bytes]) -> bytes:
        content = b64encode(images[found[1].decode()])
        return b'xlink:href="data:image/png;base64,' + content + b'"'

    return re.sub(rb'xlink:href="(?:[^"]*/)?([0-9a-f]{16}\.png)"', inside, svg)


def with_one_date(pdf: bytes) -> bytes:
    """The pdf as if made in 1980, so that the same graph gives the same bytes.

    Older cairos do not ask the environment. The new date is as long as the old one was.
    """
    return re.sub(rb"(?<=/CreationDate \(D:)\d{14}", b"19800101000000", pdf)
