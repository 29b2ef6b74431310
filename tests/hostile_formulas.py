"""Hostile formulas, in a process with little memory that looks at what they do.

`python hostile_formulas.py [--sample N] [WORD ...]` calls every word with huge numbers and arrays
that were blown up, or with `--sample` about N times; `--fuzz N` reads and calls N random texts.
Prints what a text did that it may not: take more than a second or 200 MB, change a caller's array,
open, import or run anything, or raise an error that is not the library's own. Exits with 1 if
there was any, else prints how many texts there were.
"""

import argparse
import inspect
import random
import resource
import sys
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.errors import MinigradError
from minigrad.formulas.words import METHODS, words

HUGE = 300_000_000
GIVEN = {
    "v": np.array([1.0, 2.0, 3.0]),
    "m": np.eye(3),
    "i": np.array([0, 1, 2]),
    "c": np.ones((1, 1, 4, 4)),
    "f": np.ones((1, 1, 2, 2)),
}
KEPT = {name: x.copy() for name, x in GIVEN.items()}
SMALL = ["v", "m", "[v, v]", "i", "c", "f"]
BLOWN_UP = [
    "broadcast_to(v, (1000, 3))",
    "reshape(broadcast_to(v[0], (1000, 1000)), (1000, 1000))",
    "broadcast_to(v[0], (100000, 1))",
    "broadcast_to(v[0], (1, 100000))",
    "broadcast_to(v[0], (100000,))",
    "broadcast_to(i[0], (100000,))",
]
NUMBERS = [
    *(f"{HUGE}", f"({HUGE},)", f"({HUGE}, {HUGE})", f"(({HUGE}, {HUGE}), ({HUGE}, {HUGE}))"),
    *(f"[{HUGE}]", f"-{HUGE}", "9223372036854775807", "20000"),
]
MOST_MEMORY = 200_000_000
MOST_SECONDS = 1.0


def calls_of(name: str) -> Iterator[str]:
    """Texts that call a word with one to three arguments, and with each of its settings."""
    parameters = inspect.signature(words()[name]).parameters.values()
    keywords = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    arrays = SMALL + BLOWN_UP
    yield from (f"{name}({a})" for a in arrays)
    yield from (f"{name}({a}, {b})" for a, b in product(arrays, arrays + NUMBERS))
    if len(parameters) > 2:
        yield from (f"{name}({a}, {b}, {n})" for a, b, n in product(SMALL, SMALL, NUMBERS))
        yield from (f"{name}({a}, {a}, {k}={n})" for a, k, n in product(SMALL, keywords, NUMBERS))
    yield from (f"{name}({a}, {k}={n})" for a, k, n in product(SMALL, keywords, NUMBERS))
    yield from (f"{name}(c, f, {k}={n})" for k, n in product(keywords, NUMBERS))


PIECES = [
    *("x", "y", "v", "m", "i", "c", "f", "a", "self", "__class__", "__import__", "os", "np", "mg"),
    *("+", "-", "*", "/", "//", "%", "**", "@", "<", "==", "(", ")", "[", "]", ",", ":", "=", "."),
    *("\n", "\na = ", " ", "None", "...", "'ij->ji'", "'a'", '"', "0", "1", "-1", "2.5", "1e308"),
    *("0x7f", "1j", "lambda", "if", "for", "in", "not", "and", "T", "mT", "axis=0", "keepdims=1"),
    *("out=x", "dtype='O'", "rng=0", "*x", "**x", "f'{x}'", ":=", "^", "é", "\0", "\\d", "#", ";"),
]


def random_text(rng: random.Random) -> str:
    """Pieces in any order; or an expression, some of whose pieces are exchanged."""
    if rng.random() < 0.4:
        pieces = PIECES + NUMBERS + list(rng.sample(sorted(words()), 3))
        return "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 12)))
    text = expression(rng, depth=rng.randrange(1, 5))
    if rng.random() < 0.3:
        text = f"a = {text}\n{expression(rng, 2)} + a"
    if rng.random() < 0.3:
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice(PIECES) + text[place + rng.randrange(2) :]
    return text


def expression(rng: random.Random, depth: int) -> str:
    """A random expression of the language, or nearly so."""
    if depth == 0:
        return rng.choice([*GIVEN, *GIVEN, "0", "1", "-1", "2.5", rng.choice(NUMBERS), "[0, 2]"])
    form = rng.choice(["call", "call", "binary", "index", "method", "list", "attribute"])
    x, y = expression(rng, depth - 1), expression(rng, rng.randrange(depth))
    if form == "call":
        setting = rng.choice(["", "", ", axis=0", ", axis=-1", ", keepdims=True", ", rng=0"])
        given = rng.choice([x, f"{x}, {y}", f"{x}, {y}, {expression(rng, 0)}"])
        return f"{rng.choice(sorted(words()))}({given}{setting})"
    if form == "binary":
        return f"({x} {rng.choice(['+', '-', '*', '/', '//', '%', '**', '@', '<', '=='])} {y})"
    if form == "index":
        return f"{x}[{rng.choice([y, '0', '::2', 'None', '...', '-1, 0', '[0, 0]'])}]"
    if form == "method":
        return f"{x}.{rng.choice(sorted(METHODS))}({rng.choice(['', y, '0', '-1', 'axis=0'])})"
    return f"[{x}, {y}]" if form == "list" else f"{x}.{rng.choice(['T', 'mT', 'grad', 'real'])}"


WATCHED = ("open", "import", "exec", "os.", "subprocess.", "socket.", "ctypes.", "pickle.")
seen: list[str] = []


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """Note what a text must never lead to; to show a line, Python's parser asks for its file."""
    if event.startswith(WATCHED) and arguments[:1] != ("<formula>",):
        seen.append(f"{event} {arguments!r:.60}")


def wrong_with(text: str) -> str:
    """What a call took that it may not, or nothing."""
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.process_time()
    found = []
    seen.clear()
    try:
        f = mg.formula(text)
        f(**{name: GIVEN.get(name, GIVEN["v"]) for name in f.names})
    except MinigradError as error:
        if isinstance(error.__cause__, MemoryError):
            found.append("no memory")
    except Exception as error:
        found.append(repr(error)[:80])
    found += seen
    found += [f"{name} was written" for name, x in GIVEN.items() if not (x == KEPT[name]).all()]
    seconds = time.process_time() - start
    memory = tracemalloc.get_traced_memory()[1] - before
    if seconds > MOST_SECONDS:
        found.append(f"{seconds:.1f} s")
    if memory > MOST_MEMORY:
        found.append(f"{memory / 1e6:.0f} MB")
    return ", ".join(found)


def texts_of(given: argparse.Namespace, rng: random.Random) -> Iterator[str]:
    """The texts that were asked for."""
    if given.fuzz:
        yield from (random_text(rng) for _ in range(given.fuzz))
        return
    for name in given.words or words():
        calls = list(calls_of(name))
        yield from rng.sample(calls, min(given.sample or len(calls), len(calls)))


def main() -> int:
    """Read and call the texts, and say what was wrong."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("--fuzz", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    texts = list(texts_of(given, random.Random(given.seed)))
    for text in [f"{name}(m, m)" for name in words()] + ["é", "dropout(m, rng=0)"]:
        wrong_with(text)  # whatever is loaded when it is first used
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = used + 2 * MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    tracemalloc.start()
    sys.addaudithook(watch)
    found = 0
    for text in texts:
        if wrong := wrong_with(text):
            found += 1
            print(f"{text!r}: {wrong}", flush=True)
    print(len(texts), "texts")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
