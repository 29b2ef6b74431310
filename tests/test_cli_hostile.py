"""The command `minigrad` meets arguments, streams, places and moments that it was not made for.

Whatever it meets, it answers in words: never by a traceback, never by half a file.
"""

import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

import minigrad
from minigrad.cli import cnn, main, xor
from minigrad.cli.output import first_that_fits

DRAW = ("draw", "relu(x @ w + b)", "x=4x2", "w=2x3", "b=(3,)")
ROOT = str(Path(minigrad.__file__).parents[1])
DIGITS = "9" * 5000


def run(*arguments):
    """The status of the command, run in this process."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


def shell(text, **env):
    """A line of a shell in which $M is the command; times are those of a loaded machine."""
    return subprocess.run(
        ["bash", "-c", text],
        env=os.environ | {"M": f"{sys.executable} -m minigrad"} | env,
        capture_output=True,
        check=False,
        timeout=120,
        errors="surrogateescape",
        encoding="utf-8",
    )


# --- arguments

WRONG = {  # in the command's words
    "70 axes": (["draw", "x", "x=" + "x".join(["1"] * 70)], "at most 64 axes"),
    "70 brackets": (["draw", "x", f"x={'[' * 70}1{']' * 70}"], "neither numbers"),
    "20,000 brackets": (["draw", "x", f"x={'[' * 20000}1{']' * 20000}"], "neither numbers"),
    "a side of 5,000 digits": (["draw", "x", f"x={DIGITS}x1"], "12 digits"),
    "a list with 5,000 digits": (["draw", "x", f"x=[{DIGITS}]"], "neither numbers"),
    "a formula of 5,000 digits": (["draw", f"x * {DIGITS}", "x=1"], "formula"),
    "a seed of 5,000 digits": ([*DRAW, "--seed", DIGITS], "not a valid integer"),
    "too many numbers": (["draw", "x", "x=100000x100000"], "more than 10,000,000"),
    "None": (["draw", "x", "x=[1, null]"], "neither numbers"),
    "True": (["draw", "x", "x=[true]"], "neither numbers"),
    "texts": (["draw", "x", 'x=["1"]'], "neither numbers"),
    "an object": (["draw", "x", 'x={"a": 1}'], "neither numbers"),
    "ragged": (["draw", "x", "x=[[1], [2, 3]]"], "neither numbers"),
    "one in brackets": (["draw", "x", "x=(2)"], "or a shape, such as 4x2 or (3,)"),
    "nothing": (["draw", "x", "x="], "neither numbers"),
    "twice": (["draw", "x", "x=1", "x=2"], "x is given more than once"),
    "data that is no input": (["draw", "x", "x=1", "--data", "y"], "not y"),
    "no NAME=VALUE": (["draw", "x", "4x2"], "is not NAME=VALUE"),
    "control characters": (["draw", "x \x1b[31m", "x=1"], r"x \x1b[31m"),
    "marks that turn": (["draw", "x", "x=\u202e1"], r"\u202e1"),
    "halves of pairs": (["draw", "x", "x=\udcff"], r"\udcff"),
    "a rate of nan": (["cnn", "--rate", "nan"], "not a finite number"),
    "a rate of inf": (["cnn", "--rate", "inf"], "not a finite number"),
    "too many steps": (["xor", "--steps", "9" * 30], "x<=1000000000"),
    "a folder in a file": (["xor", "--out", "/dev/null/new"], "cannot make the folder"),
    "no folder": ([*DRAW, "-o", "/no/such/f.svg"], "cannot write /no/such/f.svg: No such file"),
    "a folder": ([*DRAW, "-o", "/dev"], "'/dev' is a directory"),
    "a device": ([*DRAW, "-o", "/dev/null"], "cannot write /dev/null: it is there, and"),
    "an empty path": ([*DRAW, "-o", ""], "cannot write"),
    "a path too long": ([*DRAW, "-o", "n" * 300 + ".svg"], "File name too long"),
    "an unknown kind": ([*DRAW, "-o", "/tmp/f.doc"], "does not say what to write"),
    "no images": (["cnn", "--data", "/dev/null"], "/dev/null is not a folder"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_words_and_status_2(arguments, words, capsys):
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.isprintable() or set(err) - {c for c in err if c.isprintable()} == {"\n"}
    assert len(err) < 2000


def test_a_value_is_a_number_numbers_or_a_shape(capsys):
    for value, told in {
        "2": "()  2 ",
        "-.5": "()  -0.5 ",
        "1e2": "()  100 ",
        "[1, 2]": "(2,)  [1 2] ",
        "(2,)": "(2,)  [0.126 -0.132] ",
        "2x3": "(2, 3)  [",
        "(2, 3)": "(2, 3)  [",
        "()": "()  0.126",
        "0x3": "(0, 3)  empty",
    }.items():
        assert run("draw", "self", f"self={value}") == 0
        said = capsys.readouterr().out
        assert told in said + " ", value
        shape = told.partition("  ")[0]
        filled = f"Filled at random (seed 0): self {shape}.\n"
        assert said.endswith(filled) == bool(re.fullmatch(r"\(.*\)|.*x.*", value)), value


def test_data_of_integers_can_be_an_index(capsys):
    assert run("draw", "embedding(i, w)", "w=4x2", "i=[0, 2]", "--data", "i") == 0
    assert "index [[0, 2]]" in capsys.readouterr().out


TYPED = (
    "draw trace x x*w x@w sum(x) x=2 x=2x2 w=(2,) w=[1,2] self=1 x= x=[ x=nan x=:smile: [/] = - -- "
    "-1 -o --out --data --seed --theme dark --direction up /dev/null/f.svg"
)
WORDS = st.sampled_from(TYPED.split())
LISTS = st.lists(WORDS | st.text(max_size=8), max_size=7)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Another folder to be in, whatever names a file there."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


def answers(arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert run(*arguments) in (0, 1, 2)
    assert "Traceback" not in out.getvalue() + err.getvalue()


@settings(max_examples=60, deadline=None)
@given(arguments=LISTS)
@example(arguments=["draw", "x*w", "x=[/]", "w=2"])
def test_lists_of_arguments_are_answered(arguments, elsewhere):
    answers(arguments)


@pytest.mark.long
@settings(max_examples=5000, deadline=None)
@given(arguments=LISTS | LISTS.map(lambda some: ["draw", *some]))
def test_many_lists_of_arguments_are_answered(arguments, elsewhere):
    answers(arguments)


# --- streams

STREAMS = {  # a line of a shell, its status, and what stderr says
    "nobody reads": ('$M draw x x=2 | true; exit "${PIPESTATUS[0]}"', (0, 1), ""),
    "one line is read": ('$M xor --steps 1 | head -1; exit "${PIPESTATUS[0]}"', (1,), ""),
    "closed": ("$M draw x x=2 >&-", (0,), ""),
    "all closed": ("$M draw x x=2 -o f.svg <&- >&- 2>&-", (0,), ""),
    "no stderr": ("$M frob 2>&-", (2,), ""),
    "full": ("$M draw x x=2 > /dev/full", (2,), "minigrad: cannot print: No space left on dev"),
    "full, by a table": ("$M xor --steps 1 > /dev/full", (2,), "minigrad: cannot print: No space"),
    "full, help": ("$M --help > /dev/full", (2,), "minigrad: cannot print: No space left"),
    "full stderr": ("$M frob 2> /dev/full", (2,), ""),
    "small files": ("ulimit -f 1; $M draw x x=9x9 -o f.svg", (2,), "minigrad: cannot write f.svg"),
}


@pytest.mark.parametrize(("line", "statuses", "said"), STREAMS.values(), ids=STREAMS)
def test_a_stream_that_takes_nothing_is_no_fault(line, statuses, said, tmp_path):
    done = shell(f"cd {tmp_path}; {line}", PYTHONPATH=ROOT)
    assert done.returncode in statuses, done.stderr
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == bool(said)
    assert "f.svg" not in os.listdir(tmp_path) or (tmp_path / "f.svg").stat().st_size > 1000


def test_any_locale_and_encoding_is_written_to():
    ways = [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "cp1252"},
    ]

    def drawn(env):
        return shell("$M draw 'x + \u03b2' x=1 '\u03b2=(2,)' 2>&1", **env)

    with ThreadPoolExecutor(2) as pool:
        for env, done in zip(ways, pool.map(drawn, ways), strict=True):
            assert done.returncode == 0, (env, done.stdout)
            lines = done.stdout.splitlines()
            assert lines[0].startswith("o #3 result = add"), env
            assert lines[1].startswith("|-* #1 x"), env
            assert r"`-* #2 \u03b2" in done.stdout or "`-* #2 \u03b2" in done.stdout


@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_reads_well_at_every_width(width):
    page = Console(file=io.StringIO(), width=width, markup=False)
    xor.by_hand(page)
    labels = np.arange(20) % 10
    page.print(first_that_fits(page, cnn.confusion(labels, labels), cnn.by_class(labels, labels)))
    lines = page.file.getvalue().splitlines()
    assert "  W1 = [[1, 1], [1, 1]]" in lines
    assert "  w2 = [1, -2]" in lines
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if "…" in line]
    assert sum("100.0%" in line for line in lines) == 10
    assert any("guess" in line for line in lines) == (width > 40)


# --- places


def test_a_file_is_there_whole_or_as_it_was(tmp_path):
    path = tmp_path / "f.svg"
    path.write_text("before")
    done = shell(f"ulimit -f 1; $M draw x x=9x9 -o {path}")
    assert done.returncode == 2
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["f.svg"]


# --- moments


def interrupted_after(seconds):
    """Status, stdout and stderr of a command that gets Ctrl-C after so many seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "minigrad", *DRAW, "-o", os.devnull + ".svg"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def stopped_cleanly(seconds):
    """Whether the command stopped (else it was done, or had not begun)."""
    status, _, err = interrupted_after(seconds)
    if status == 130:
        assert err == "minigrad: stopped.\n", (seconds, err)
        return True
    early = ('/minigrad/__init__.py", line 3,', "/minigrad/interrupt.py")  # Python's own answer
    frames = [line for line in err.splitlines() if line.startswith("  File")]
    ours = [f for f in frames if "/minigrad/" in f and not any(part in f for part in early)]
    assert status in (0, 1, -signal.SIGINT), (seconds, err)
    assert not ours, (seconds, err)
    return False


def at_random_moments(count):
    moments = [random.Random(7).uniform(0.02, 0.6) for _ in range(count)]
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(stopped_cleanly, moments))


def test_ctrl_c_at_any_moment_is_one_line_and_status_130():
    assert at_random_moments(20) > 0


@pytest.mark.long
def test_ctrl_c_at_300_moments_is_one_line_and_status_130():
    assert at_random_moments(300) > 100


STOP = """
import minigrad.interrupt, signal, sys, os, importlib.abc
minigrad.interrupt.end_at_once()
class Late(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "minigrad.cli.output":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Late())
import minigrad
from minigrad.cli import cnn, main, xor
from minigrad.cli.output import first_that_fits
main(["draw", "x", "x=2"])
"""


def test_ctrl_c_in_the_middle_of_an_import_is_one_line():
    done = subprocess.run([sys.executable, "-c", STOP], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "minigrad: stopped.\n")


def test_only_the_command_takes_ctrl_c_for_itself():
    asked = "import signal, minigrad; print(signal.getsignal(2) is signal.default_int_handler)"
    for arguments in (["-c", asked], ["-m", "timeit", "-n1", "-r1", asked]):
        said = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        assert "True" in said.stdout


# --- data


def idx(array, code=8):
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, code, array.ndim]) + shape + array.tobytes()


def test_folders_of_hostile_files_are_answered_in_words(tmp_path, capsys):
    images, labels = np.zeros((4, 8, 8), np.uint8), np.arange(4, dtype=np.uint8)
    good = {"images-idx3-ubyte": idx(images), "labels-idx1-ubyte": idx(labels)}
    parts = list(product(("train", "t10k"), good))
    changes = {
        "none": (good, good["images-idx3-ubyte"][:30]),
        "empty": (good, idx(images[:0])),
        "narrow": (good, idx(images[:, :2, :2])),
        "one row less": (good, idx(images[:, :7])),
        "no bytes": (good, b""),
        "of 2 ** 40": (good, bytes([0, 0, 8, 3]) + b"\xff" * 12),
    }
    for number, (name, (files, image)) in enumerate(changes.items()):
        for hurt in ("train", "t10k"):
            folder = tmp_path / f"{number}{hurt}"
            folder.mkdir()
            for half, kind in parts:
                bad = half == hurt and kind.startswith("images")
                (folder / f"{half}-{kind}").write_bytes(image if bad else files[kind])
            out = tmp_path / "out"
            assert run("cnn", "--data", folder, "--out", out, "--epochs", 1) == 2, (name, hurt)
            assert capsys.readouterr().err.count("\n") == 1
